// The doors between the agent and the node it runs on: images, containers, pod networks, volumes. Each is an
// abstract class with a real version (images/, runtime/, network/, volumes/) and a simulated one.
//
// Promises of every door:
//  - Plain values in and out; nothing here knows a Kubernetes object.
//  - Every operation may be repeated, also after a kill -9 in the middle of it: making what exists succeeds and
//    returns it, removing what is gone succeeds. What a half-done operation left is completed or undone by
//    the same operation, or by the removal.
//  - list() tells what exists in the world, read back from disk and kernel and never from memory, so that an
//    agent that has just started knows as much as one that has run for a year.
//  - Any thread. Calls for different pods may run at the same time; calls for one pod must not.
//  - Calls block until done or until their deadline; only exec, pull and import_archive may take long.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "schema/base/result.h"
#include "schema/base/time.h"

namespace mainstay {

// ---- Images ---------------------------------------------------------------------------------------------

// What an image says about the process to run in it (OCI image-spec, config.md).
struct ImageConfig {
  std::vector<std::string> entrypoint;
  std::vector<std::string> cmd;
  std::vector<std::string> env;  // "NAME=value"
  std::string workdir;           // "" means "/"
  std::string user;              // "", "uid", "uid:gid", "name", "name:group"
  std::string stop_signal;       // "", "SIGQUIT", "3"
};

struct Image {
  std::string name;    // normalised: "docker.io/library/nginx:1.25", or with "@sha256:..."
  std::string id;      // digest of the image's config, "sha256:..."
  std::string digest;  // digest of the manifest stored here, "sha256:..."; imageID is name@digest
  ImageConfig config;
  std::vector<std::string> layers;  // lowest first; names only Images and Runtime understand
  uint64_t bytes = 0;               // compressed size of its layers
};

struct PullRequest {
  std::string ref;                        // as in the manifest; normalised inside
  std::vector<std::string> auth_configs;  // contents of .dockerconfigjson of the pull secrets; all that fit are tried
  Duration timeout = 10min;
};

class Images {
 public:
  virtual ~Images() = default;

  // The image a reference names, if it is here, complete and unpacked. kInvalid: not a reference.
  virtual Result<std::optional<Image>> present(const std::string& ref) = 0;

  // Fetches the reference and replaces what the name meant before. Whether and when to pull (policy, back-off)
  // is the caller's decision. kInvalid: not a reference or a hostile image; kNotFound: the registry has no such
  // image; kDenied: credentials missing or wrong; kTimeout; kUnavailable: everything else outside.
  virtual Result<Image> pull(const PullRequest& request) = 0;

  // Takes in every image of an OCI or docker archive (or OCI layout directory). `name` is needed when the
  // archive does not name its one image; it overrides the name inside. kInvalid: no image archive.
  virtual Result<std::vector<Image>> import_archive(const std::string& path, const std::string& name = "") = 0;

  virtual Result<std::vector<Image>> list() = 0;  // sorted by name

  // Forgets the name; the data goes with the next collect().
  virtual Status remove(const std::string& ref) = 0;

  // Deletes layers and blobs that neither a name nor `layers_in_use` (RuntimeContainer::layers) needs;
  // returns the bytes freed.
  virtual Result<uint64_t> collect(const std::vector<std::string>& layers_in_use) = 0;
};

// ---- Network --------------------------------------------------------------------------------------------

// A port of the node that leads to a pod's.
struct PodHostPort {
  std::string protocol;  // "TCP", "UDP", "SCTP"
  std::string host_ip;   // "" is every address of the node
  int32_t host_port = 0;
  int32_t container_port = 0;
  bool operator==(const PodHostPort&) const = default;
};

// Where the cluster itself answers (network/kept_addresses.h).
struct KeptAddress {
  std::string ip;        // IPv4
  std::string protocol;  // "TCP", "UDP"
  int32_t port = 0;
  std::string whose;  // for people: "the API server"
  bool operator==(const KeptAddress&) const = default;
};

struct PodNetwork {
  std::string uid;
  std::string ip;     // "10.88.0.2"; "" while the network is half made or of a range that is not the node's any more
                      // (only in list())
  std::string netns;  // path of the pinned network namespace
  std::string host_interface;
  std::vector<PodHostPort> ports;
};

class Network {
 public:
  virtual ~Network() = default;

  // Namespace, loopback up, interface and address for a pod. Not called for hostNetwork pods.
  // kFull: the node's range has no address left.
  virtual Result<PodNetwork> add(const std::string& uid) = 0;

  // Makes exactly these ports of the node lead to the pod, until del(). kNotFound: add() comes first.
  virtual Status publish_ports(const std::string& uid, const std::vector<PodHostPort>& ports) = 0;

  // From now on no pod's host port leads away from these; what was published stays otherwise. A network without host
  // ports has nothing to do.
  virtual Status keep_clear(const std::vector<KeptAddress>&) { return {}; }

  // Undoes add(), also half-done ones.
  virtual Status del(const std::string& uid) = 0;

  // Every pod network there is, half-made ones with an empty ip.
  virtual Result<std::vector<PodNetwork>> list() = 0;

  // Whether the pod's namespace, interface and address are still what add() made. kNotFound: they are not.
  virtual Status check(const std::string& uid) = 0;

  // Puts the node's own packet filter rules (masquerade) in place, if they are not exactly as they should be.
  // Call it at start and every now and then: someone may have flushed them. Returns whether it had to.
  virtual Result<bool> repair_rules() = 0;

  // Takes the node's rules away again.
  virtual Status remove_rules() = 0;
};

// ---- Volumes --------------------------------------------------------------------------------------------

struct VolumeFile {
  std::string path;   // relative, '/' allowed, no ".."
  std::string bytes;
  uint32_t mode = 0644;
  std::optional<int64_t> owner = {};  // uid; root's otherwise
};

// A ServiceAccount token that a volume holds. Whoever carries the set-up out fetches it and puts it among the
// files; a Volumes door never sees one.
struct VolumeToken {
  std::string path;
  std::string audience;  // "" is the API's own
  int64_t seconds = 3600;
  uint32_t mode = 0644;
  std::optional<int64_t> owner = {};
};

struct VolumeSpec {
  enum class Kind { kEmptyDir, kMemory, kHostPath, kFiles };
  std::string name;
  Kind kind = Kind::kEmptyDir;
  uint64_t size_limit = 0;                // bytes; enforced for kMemory, 0 means half of the memory
  std::string host_path;                  // kHostPath
  std::string host_path_type;             // kHostPath: "", "DirectoryOrCreate", "Directory", "FileOrCreate", ...
  std::vector<VolumeFile> files;          // kFiles (ConfigMap, Secret, projected): the whole tree, on tmpfs
  std::vector<VolumeToken> tokens;        // kFiles: see there
  std::optional<int64_t> fs_group;        // group that owns emptyDir and files, mode bits as Kubernetes sets them
};

// /etc/hosts, /etc/resolv.conf and /etc/hostname of a pod; render_* in nodeagent/volumes/etc_files.h.
struct EtcFiles {
  std::string hosts;
  std::string resolv_conf;
  std::string hostname;
};

class Volumes {
 public:
  virtual ~Volumes() = default;

  // The path on the node to mount. Repeating it with other `files` swaps the tree atomically (`..data`), in
  // sight of running containers. kInvalid: the spec cannot work (bad path, host path of another type).
  virtual Result<std::string> prepare(const std::string& uid, const VolumeSpec& volume) = 0;

  // The path on the node of a file or directory inside a prepared volume (subPath), resolved without leaving
  // the volume and pinned by a bind mount of its own; a missing directory is made. `slot` names the mount:
  // unique within the pod, a DNS label ("web-0").
  virtual Result<std::string> sub_path(const std::string& uid, const VolumeSpec& volume,
                                       const std::string& sub_path, const std::string& slot) = 0;

  // Writes the pod's files in place (the inode stays, so that running containers see it); returns their
  // directory, which holds `hosts`, `resolv.conf` and `hostname`.
  virtual Result<std::string> write_etc(const std::string& uid, const EtcFiles& files) = 0;

  // Unmounts and deletes every volume, sub path and file of the pod. A hostPath is never touched.
  virtual Status remove(const std::string& uid) = 0;

  virtual Result<std::vector<std::string>> list() = 0;  // uids of pods with anything left
};

// ---- Runtime --------------------------------------------------------------------------------------------

struct SandboxSpec {
  std::string uid;
  std::string ns;
  std::string name;
  uint64_t number = 0;        // of the assignment that asked for it; kept and listed, nothing more
  std::string hostname;       // <= 63 bytes; ignored with host_network
  std::string netns;          // PodNetwork::netns; "" with host_network
  bool host_network = false;
  bool host_ipc = false;
  bool host_pid = false;
  bool share_pid = false;     // all its containers see each other's processes; not with host_pid
  std::vector<std::pair<std::string, std::string>> sysctls;  // namespaced ones, checked by the caller
};

struct ContainerKey {
  std::string uid;
  std::string container;
  uint32_t attempt = 0;  // rises by one with every restart
  auto operator<=>(const ContainerKey&) const = default;
};

// How mounts made later on one side of a bind mount show on the other.
enum class MountPropagation : uint8_t { kPrivate, kHostToContainer, kBidirectional };

struct MountSpec {
  std::string host_path;       // file or directory
  std::string container_path;  // absolute
  bool read_only = false;
  MountPropagation propagation = MountPropagation::kPrivate;
  bool recursive_read_only = false;  // with read_only: what is mounted below, too
};

struct ResourceLimits {
  uint64_t cpu_shares = 2;           // milli-CPU * 1024 / 1000, at least 2
  int64_t cpu_quota_us = 0;          // per 100 ms; 0: none
  int64_t memory_bytes = 0;          // 0: none
  int64_t pids = 0;                  // 0: none
  int oom_score_adj = 0;             // raised to the nearest value the machine allows, with a note
};

enum class SeccompKind : uint8_t { kUnconfined, kRuntimeDefault, kLocalhost };

struct SecuritySpec {
  std::optional<int64_t> run_as_user;
  std::optional<int64_t> run_as_group;
  std::vector<int64_t> extra_groups;  // supplementalGroups and fsGroup
  bool strict_groups = false;         // the image's /etc/group adds none
  bool run_as_non_root = false;
  bool read_only_root = false;
  bool privileged = false;
  bool no_new_privileges = false;     // allowPrivilegeEscalation: false
  std::vector<std::string> add_capabilities;   // "NET_ADMIN", "ALL"
  std::vector<std::string> drop_capabilities;
  SeccompKind seccomp = SeccompKind::kUnconfined;
  std::string seccomp_profile;        // kLocalhost: a file below the node's seccomp directory
  bool unmasked_proc = false;         // nothing of /proc and /sys is hidden or read-only
};

struct ContainerSpec {
  ContainerKey key;
  uint64_t number = 0;                 // of the assignment; kept and listed, nothing more
  std::string note;                    // any text of the caller's (a hash of the spec); kept and listed
  Image image;
  std::vector<std::string> command;    // overrides the image's entrypoint (and then its cmd does not count)
  std::vector<std::string> args;       // overrides the image's cmd
  std::vector<std::string> env;        // "NAME=value", expanded by the caller; later ones win over earlier
                                       // ones and over the image's
  std::string workdir;                 // "" means the image's
  std::vector<MountSpec> mounts;       // volumes, and the three files of EtcFiles
  ResourceLimits limits;
  SecuritySpec security;
  std::string termination_message_path;  // in the container: a file of ours is mounted there; "": none
  bool terminal = false;    // a terminal on its standard streams; its output is then one stream, ended by \r\n
  bool keep_stdin = false;  // reading its input waits, instead of finding its end at once
  bool message_from_log = false;  // after a failure without a message, the end of the log is the message
};

// Not called ContainerStatus: that is the struct of the Kubernetes API (schema/kinds/pod.h).
struct ProcessStatus {
  // kCreated: made, its process not started yet. kBroken: half made; start() again or remove().
  enum class State { kBroken, kCreated, kRunning, kExited };
  State state = State::kBroken;
  int64_t pid = 0;             // on the host; kRunning and kCreated
  int exit_code = 0;           // 128 + signal for a signal
  bool oom_killed = false;
  bool exit_unknown = false;   // it ended while nobody looked (reboot, its monitor killed); exit_code is 137
  WallTime started_at;
  WallTime finished_at;
  std::string message;  // kExited: its termination message, at most 4096 bytes of UTF-8
};

struct RuntimeContainer {
  ContainerKey key;
  std::string id;               // containerID is "mainstay://" + id
  uint64_t number = 0;
  std::string note;
  std::string image_name;
  std::string image_id;
  std::string image_digest;
  std::vector<std::string> layers;
  std::vector<std::string> notes;  // what could not be done as asked ("oom_score_adj -997 not allowed: 0")
  ProcessStatus status;
};

struct RuntimeSandbox {
  SandboxSpec spec;    // only uid is certain when !ready
  bool ready = false;  // false: half made, or its namespaces are gone (reboot): remove it and start again
};

struct RuntimeList {
  std::vector<RuntimeSandbox> sandboxes;    // sorted by uid
  std::vector<RuntimeContainer> containers; // sorted by key
};

struct ExecResult {
  int exit_code = 0;
  bool timed_out = false;  // killed at the deadline
  std::string output;      // stdout then stderr, cut at the bound
};

class Runtime {
 public:
  virtual ~Runtime() = default;

  // For nodeInfo.containerRuntimeVersion: "runc://1.1.5".
  virtual std::string version() const = 0;

  // The shared namespaces of a pod (IPC, host name; the network namespace is given) and its /dev/shm.
  virtual Status make_sandbox(const SandboxSpec& spec) = 0;

  // Kills and removes its containers, then the sandbox with its logs.
  virtual Status remove_sandbox(const std::string& uid) = 0;

  // Creates and starts; on return the process has been executed. Repeating it while the container runs or after it
  // has ended changes nothing and returns it. kInvalid: the security context forbids it: CreateContainerConfigError.
  // kNotFound: the command is not in the image; kFailed: the runtime said no (its sentence is in the message):
  // RunContainerError. kConflict: the pod has no sandbox (any more). All else: it cannot be made (no command, unknown
  // user): CreateContainerError.
  virtual Result<RuntimeContainer> start(const ContainerSpec& spec) = 0;

  // Sends the image's stop signal (default SIGTERM) to the container's first process. Gone or ended: fine.
  virtual Status stop(const ContainerKey& key) = 0;

  // SIGKILL for everything in the container. Does not wait for the end.
  virtual Status kill(const ContainerKey& key) = 0;

  // Kills if needed, and deletes everything of this attempt, its log included.
  virtual Status remove(const ContainerKey& key) = 0;

  // kNotFound: there is no such container.
  virtual Result<RuntimeContainer> status(const ContainerKey& key) = 0;

  virtual Result<RuntimeList> list() = 0;

  // Runs argv in a running container as its own process would (user, environment, directory).
  // At the deadline everything it started is killed. kNotFound: the container does not run.
  virtual Result<ExecResult> exec(const ContainerKey& key, const std::vector<std::string>& argv,
                                  Duration timeout, size_t max_output) = 0;

  // Ends every exec() under way, and every later one, with kCancelled: the agent is stopping.
  virtual void cancel_execs() = 0;

  // Waits until some container has ended since the last call, at most `timeout`; returns whether one has.
  // One thread at a time. A wake-up, not a message: read the truth with list() or status().
  virtual Result<bool> wait_exit(Duration timeout) = 0;

  // The CRI log of an attempt (nodeagent/log_file.h reads it); it may not exist yet.
  virtual Result<std::string> log_path(const ContainerKey& key) = 0;

  // Starts a new log file when the present one is larger than `max_bytes`, and keeps `max_files` in all
  // (path, path.1, path.2 ...). Returns whether it did.
  virtual Result<bool> rotate_log(const ContainerKey& key, uint64_t max_bytes, int max_files) = 0;
};

}  // namespace mainstay
