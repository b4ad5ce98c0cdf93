#include "nodeagent/runtime/oci_runtime.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <charconv>

#include "nodeagent/disk.h"
#include "nodeagent/log_file.h"
#include "nodeagent/process.h"
#include "nodeagent/runtime/cgroup.h"
#include "nodeagent/runtime/container_exec.h"
#include "nodeagent/runtime/container_files.h"
#include "nodeagent/runtime/monitor.h"
#include "nodeagent/runtime/monitor_watch.h"
#include "nodeagent/runtime/mount_point.h"
#include "nodeagent/runtime/namespaces.h"
#include "nodeagent/runtime/oci_binary.h"
#include "nodeagent/runtime/pause.h"
#include "nodeagent/runtime/termination_message.h"
#include "schema/base/clock.h"

namespace mainstay {
namespace {

using State = ProcessStatus::State;

std::string ipc_pin(const NodePaths& paths, const std::string& uid) { return paths.namespaces(uid) + "/ipc"; }
std::string uts_pin(const NodePaths& paths, const std::string& uid) { return paths.namespaces(uid) + "/uts"; }
std::string pid_pin(const NodePaths& paths, const std::string& uid) { return paths.namespaces(uid) + "/pid"; }
std::string pause_record(const NodePaths& paths, const std::string& uid) {
  return paths.namespaces(uid) + "/pause";
}
std::string shm_dir(const NodePaths& paths, const std::string& uid) { return paths.namespaces(uid) + "/shm"; }

std::vector<NamespacePin> pins_of(const NodePaths& paths, const SandboxSpec& spec) {
  std::vector<NamespacePin> pins;
  if (!spec.host_ipc) pins.push_back({NamespaceKind::kIpc, ipc_pin(paths, spec.uid)});
  if (!spec.host_network) pins.push_back({NamespaceKind::kUts, uts_pin(paths, spec.uid)});
  return pins;
}

bool sandbox_ready(const NodePaths& paths, const SandboxSpec& spec) {
  for (const NamespacePin& pin : pins_of(paths, spec)) {
    if (!is_pinned(pin.path)) return false;
  }
  if (!spec.host_network && !is_pinned(spec.netns)) return false;
  if (spec.share_pid && !pause_alive(pause_record(paths, spec.uid), pid_pin(paths, spec.uid))) return false;
  return spec.host_ipc || is_tmpfs_mount(shm_dir(paths, spec.uid));
}

std::optional<uint32_t> attempt_number(const std::string& name) {
  uint32_t number = 0;
  auto [end, problem] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (problem != std::errc() || end != name.data() + name.size()) return std::nullopt;
  return number;
}

class OciRuntime : public Runtime {
 public:
  OciRuntime(NodePaths paths, OciBinary binary, std::string conmon, uint64_t log_limit, MachineLimits machine, Fd exits)
      : paths_(std::move(paths)), binary_(std::move(binary)), conmon_(std::move(conmon)), log_limit_(log_limit),
        machine_(machine), exits_(std::move(exits)) {}

  std::string version() const override { return binary_.version; }
  Status make_sandbox(const SandboxSpec& spec) override;
  Status remove_sandbox(const std::string& uid) override;
  Result<RuntimeContainer> start(const ContainerSpec& spec) override;
  Status stop(const ContainerKey& key) override;
  Status kill(const ContainerKey& key) override;
  Status remove(const ContainerKey& key) override;
  Result<RuntimeContainer> status(const ContainerKey& key) override;
  Result<RuntimeList> list() override;
  Result<ExecResult> exec(const ContainerKey& key, const std::vector<std::string>& argv, Duration timeout,
                          size_t max_output) override;
  void cancel_execs() override { cancelled_.store(true); }
  Result<bool> wait_exit(Duration timeout) override;
  Result<std::string> log_path(const ContainerKey& key) override;
  Result<bool> rotate_log(const ContainerKey& key, uint64_t max_bytes, int max_files) override;

 private:
  Result<SandboxSpec> load_sandbox(const std::string& uid) const;
  Result<RuntimeContainer> describe(const ContainerKey& key) const;
  Result<std::vector<ContainerKey>> attempts(const std::string& uid) const;
  Result<State> settle(const ContainerRecord& record);
  Result<OciConfig> configure(const ContainerSpec& spec, const SandboxSpec& sandbox) const;
  Status create(const ContainerSpec& spec, const SandboxSpec& sandbox, ContainerRecord& record);
  Result<std::string> read_seccomp_profile(const std::string& name) const;
  Status run(ContainerRecord& record);

  const NodePaths paths_;
  const OciBinary binary_;
  const std::string conmon_;
  const uint64_t log_limit_;
  const MachineLimits machine_;
  const Fd exits_;  // inotify: exit files appear
  std::atomic<bool> cancelled_{false};
  mutable MonitorWatch monitors_;
};

Result<SandboxSpec> OciRuntime::load_sandbox(const std::string& uid) const {
  ASSIGN_OR_RETURN(std::string text, read_file(paths_.sandbox_record(uid)));
  ASSIGN_OR_RETURN(SandboxSpec spec, decode_sandbox_record(text));
  if (spec.uid != uid)
    return error(ErrorCode::kCorrupt, "the sandbox record of pod " + uid + " names another");
  return spec;
}

Status OciRuntime::make_sandbox(const SandboxSpec& spec) {
  RETURN_IF_ERROR(check_uid(spec.uid));
  if (spec.hostname.size() > 64) return error(ErrorCode::kInvalid, "host name longer than 64 bytes");
  if (!spec.host_network && spec.netns.empty())
    return error(ErrorCode::kInvalid, "no network namespace given");
  RETURN_IF_ERROR(make_dirs(paths_.pod(spec.uid), 0755));
  RETURN_IF_ERROR(write_file(paths_.sandbox_record(spec.uid), encode_record(spec), 0600));
  std::string shm = shm_dir(paths_, spec.uid);
  RETURN_IF_ERROR(make_dirs(shm, 0755));
  RETURN_IF_ERROR(pin_namespaces(pins_of(paths_, spec), spec.hostname));
  if (spec.share_pid) RETURN_IF_ERROR(make_pause(pause_record(paths_, spec.uid), pid_pin(paths_, spec.uid)));
  if (!spec.host_ipc && !is_tmpfs_mount(shm) &&
      mount("shm", shm.c_str(), "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=1777,size=65536k") != 0) {
    return errno_error("mounting " + shm, errno);
  }
  return {};
}

Status OciRuntime::remove_sandbox(const std::string& uid) {
  RETURN_IF_ERROR(check_uid(uid));
  ASSIGN_OR_RETURN(auto keys, attempts(uid));
  for (const ContainerKey& key : keys) RETURN_IF_ERROR(remove(key));
  RETURN_IF_ERROR(end_pause(pause_record(paths_, uid), pid_pin(paths_, uid)));
  for (const std::string& pin : {ipc_pin(paths_, uid), uts_pin(paths_, uid)})
    RETURN_IF_ERROR(unpin_namespace(pin));
  RETURN_IF_ERROR(remove_tree(paths_.namespaces(uid)));
  RETURN_IF_ERROR(remove_cgroup(paths_.pod_cgroup(uid)));
  RETURN_IF_ERROR(remove_tree(paths_.containers(uid)));
  RETURN_IF_ERROR(remove_tree(paths_.pod(uid) + "/logs"));
  RETURN_IF_ERROR(remove_tree(paths_.sandbox_record(uid) + ".new"));
  RETURN_IF_ERROR(remove_tree(paths_.sandbox_record(uid)));
  rmdir(paths_.pod(uid).c_str());  // stays while it holds volumes, which the Volumes door removes
  return {};
}

// Every attempt that has left a trace, sorted; also bundles without a record.
Result<std::vector<ContainerKey>> OciRuntime::attempts(const std::string& uid) const {
  std::vector<ContainerKey> out;
  ASSIGN_OR_RETURN(auto containers, list_dir(paths_.containers(uid)));
  for (const std::string& container : containers) {
    ASSIGN_OR_RETURN(auto numbers, list_dir(paths_.containers(uid) + "/" + container));
    for (const std::string& name : numbers) {
      auto number = attempt_number(name);
      if (number) out.push_back({uid, container, *number});
    }
  }
  ASSIGN_OR_RETURN(auto bundles, list_dir(paths_.bundles()));
  for (const std::string& id : bundles) {
    if (!id.starts_with(uid + "_")) continue;
    std::string rest = id.substr(uid.size() + 1);
    size_t bar = rest.find('_');
    auto number = bar == std::string::npos ? std::nullopt : attempt_number(rest.substr(bar + 1));
    if (number) out.push_back({uid, rest.substr(0, bar), *number});
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

// Held while the OCI runtime lets a created process go.
std::string start_lock(const NodePaths& paths, const ContainerKey& key) { return paths.bundle(key) + "/start.lock"; }

// A create or a start that an earlier process of ours began may still be under way: waits for its outcome.
Result<State> OciRuntime::settle(const ContainerRecord& record) {
  MonoTime deadline = read_clock().mono + 20s;
  while (true) {
    const ContainerKey& key = record.container.key;
    bool starts = lock_held(start_lock(paths_, key));  // asked before: then the state is that of its end
    State state = observe_container(paths_, record).state;
    bool under_way = starts || (state == State::kBroken && monitor_alive(paths_.bundle(key)));
    if (!under_way || read_clock().mono >= deadline) return state;
    usleep(2'000);
  }
}

Result<RuntimeContainer> OciRuntime::start(const ContainerSpec& spec) {
  const ContainerKey& key = spec.key;
  RETURN_IF_ERROR(check_key(key));
  auto sandbox = load_sandbox(key.uid);
  if (!sandbox.ok() || !sandbox_ready(paths_, *sandbox)) {
    return error(ErrorCode::kConflict,
                 "pod " + key.uid + " has no sandbox to start " + key.container + " in");
  }
  auto known = load_container(paths_, key);
  State state = State::kBroken;
  if (known.ok()) {
    ASSIGN_OR_RETURN(state, settle(*known));
    if (state == State::kRunning || state == State::kExited) return describe(key);
  }
  // One that was created and never started is made again: its monitor ends as soon as it finds that whoever wanted it
  // made is gone. All that its log can hold is the runtime's last words.
  RETURN_IF_ERROR(unmake_container(paths_, binary_.path, key, !known.ok()));
  ContainerRecord record;
  Status started = create(spec, *sandbox, record);
  if (started.ok()) {
    started = run(record);
    if (!started.ok() && started.error().code == ErrorCode::kUnavailable) {
      // Killed at the very end it has done its work.
      state = observe_container(paths_, record).state;
      if (state == State::kRunning || state == State::kExited) return describe(key);
    }
  }
  if (started.ok()) return describe(key);
  Status cleaned = unmake_container(paths_, binary_.path, key, false);
  return cleaned.ok() ? started.error() : cleaned.error().in(started.error().message + "; then cleaning up");
}

// What is no matter of the security context, in Kubernetes' eyes nothing that the pod's objects could mend.
Error cannot_be_made(Error why) {
  if (why.code == ErrorCode::kInvalid || why.code == ErrorCode::kNotFound) why.code = ErrorCode::kUnavailable;
  return why;
}

// As the kubelet names a container in its refusals.
std::string whose(const SandboxSpec& pod, const ContainerKey& key) {
  return "(pod: \"" + pod.name + "_" + pod.ns + "(" + pod.uid + ")\", container: " + key.container + ")";
}

// What the runtime is to make of a container whose root filesystem is there.
Result<OciConfig> OciRuntime::configure(const ContainerSpec& spec, const SandboxSpec& sandbox) const {
  const ContainerKey& key = spec.key;
  OciConfigInput input;
  input.spec = spec;
  input.sandbox = sandbox;
  input.machine = machine_;
  input.rootfs = paths_.bundle(key) + "/rootfs";
  input.cgroup = paths_.container_cgroup(key);
  if (!sandbox.host_ipc) input.ipc = ipc_pin(paths_, key.uid);
  if (!sandbox.host_network) input.uts = uts_pin(paths_, key.uid);
  if (sandbox.share_pid) input.pid = pid_pin(paths_, key.uid);
  if (!spec.termination_message_path.empty()) {
    RETURN_IF_ERROR(make_termination_message_file(paths_, key));
    const std::string& path = spec.termination_message_path;
    input.spec.mounts.push_back(
        {termination_message_file(paths_, key), path.starts_with("/") ? path : "/" + path, false});
  }
  input.shm = sandbox.host_ipc ? "/dev/shm" : shm_dir(paths_, key.uid);
  if (spec.security.privileged) input.devices = list_devices();
  Result<ProcessUser> user =
      resolve_user(spec.image.config.user, spec.security, read_in_root(input.rootfs, "/etc/passwd"),
                   read_in_root(input.rootfs, "/etc/group"));
  bool forbidden = !user.ok() && user.error().code == ErrorCode::kInvalid;
  if (forbidden) return error(ErrorCode::kInvalid, user.error().message + " " + whose(sandbox, key));
  if (!user.ok()) return cannot_be_made(user.error());
  input.user = std::move(*user);
  if (spec.security.seccomp == SeccompKind::kLocalhost) {
    ASSIGN_OR_RETURN(input.seccomp, read_seccomp_profile(spec.security.seccomp_profile));
  }
  for (const MountSpec& mount : spec.mounts) RETURN_IF_ERROR(check_propagation(mount));
  Result<OciConfig> config = oci_config(input);
  if (!config.ok()) return cannot_be_made(config.error());
  return config;
}

Status OciRuntime::create(const ContainerSpec& spec, const SandboxSpec& sandbox, ContainerRecord& record) {
  const ContainerKey& key = spec.key;
  RuntimeContainer& container = record.container;
  container.key = key;
  container.id = container_id(key);
  container.number = spec.number;
  container.note = spec.note;
  container.image_name = spec.image.name;
  container.image_id = spec.image.id;
  container.image_digest = spec.image.digest;
  container.layers = spec.image.layers;
  record.stop_signal = spec.image.config.stop_signal;
  record.host_pid = sandbox.host_pid || sandbox.share_pid;
  record.message_from_log = spec.message_from_log;
  RETURN_IF_ERROR(make_dirs(paths_.container(key), 0700));
  RETURN_IF_ERROR(save_container(paths_, record));
  RETURN_IF_ERROR(make_dirs(paths_.bundle(key), 0700));
  std::string log = paths_.log(key);
  RETURN_IF_ERROR(make_dirs(log.substr(0, log.rfind('/')), 0755));
  if (Status made = make_root_filesystem(paths_, key, spec.image.layers); !made.ok()) {
    return cannot_be_made(made.error());
  }
  ASSIGN_OR_RETURN(OciConfig config, configure(spec, sandbox));
  container.notes = config.notes;
  RETURN_IF_ERROR(write_file(paths_.bundle(key) + "/config.json", config.json, 0600));

  MonitorSpec monitor;
  monitor.conmon = conmon_;
  monitor.runtime = binary_.path;
  monitor.runtime_root = paths_.runtime_root();
  monitor.id = container.id;
  monitor.name = key.container;
  monitor.bundle = paths_.bundle(key);
  monitor.exits = paths_.exits();
  monitor.persist = paths_.container(key);
  monitor.log = log;
  monitor.terminal = spec.terminal;
  monitor.keep_stdin = spec.keep_stdin;
  monitor.log_limit = log_limit_;
  auto pid = start_monitor(monitor);
  return pid.ok() ? Status{} : Status(pid.error());
}

// A file below the node's directory of profiles; links and ".." do not lead out of it.
Result<std::string> OciRuntime::read_seccomp_profile(const std::string& name) const {
  std::string dir = paths_.seccomp_profiles();
  auto refuse = [&](const std::string& why) {
    // The manifest may be right and the file still to come: not the same as an error in the manifest.
    return error(ErrorCode::kUnavailable, "seccomp profile '" + name + "' cannot be used: " + why +
                                          " (the node keeps its profiles in " + dir + ")");
  };
  Fd root(open(dir.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root.open()) return refuse("the node has none");
  auto file = open_beneath(root.get(), name, O_RDONLY | O_NONBLOCK);
  if (!file.ok()) return refuse(file.error().message);
  auto text = read_file("/proc/self/fd/" + std::to_string(file->get()), 1 << 20);
  if (!text.ok()) return refuse(text.error().message);
  return text;
}

Status OciRuntime::run(ContainerRecord& record) {
  ASSIGN_OR_RETURN(Fd lock, take_lock(start_lock(paths_, record.container.key)));
  // Written before, so that a process that ended at once is known to have been started.
  record.started_at = read_clock().wall;
  RETURN_IF_ERROR(save_container(paths_, record));
  ProcessSpec spec;
  spec.argv = {binary_.path, "--root", paths_.runtime_root(), "start", record.container.id};
  spec.env = plain_environment();
  // Killed with us, in the instant in which it lets the process go, it would leave one that ends without having run
  // and cannot be told from a container that failed. settle() waits for it instead.
  spec.dies_with_us = false;
  spec.descriptors = {{lock.get(), 3}};
  auto started = run_process(spec);
  if (!started.ok()) return started.error().in("starting the container");
  if (started->timed_out) return error(ErrorCode::kTimeout, "starting the container: not done in time");
  if (started->exit_code == 0) return {};
  constexpr int kBySignal = 128;
  bool killed = started->exit_code > kBySignal;
  return error(killed ? ErrorCode::kUnavailable : ErrorCode::kFailed,
               "starting the container: the runtime ended with exit code " + std::to_string(started->exit_code) +
                   ": " + said_in_log(started->err));
}

Status OciRuntime::stop(const ContainerKey& key) {
  RETURN_IF_ERROR(check_key(key));
  auto record = load_container(paths_, key);
  if (!record.ok()) return {};
  return signal_container(paths_, *record, signal_number(record->stop_signal));
}

Status OciRuntime::kill(const ContainerKey& key) {
  RETURN_IF_ERROR(check_key(key));
  return kill_container(paths_, key);
}

Status OciRuntime::remove(const ContainerKey& key) {
  RETURN_IF_ERROR(check_key(key));
  monitors_.forget(key);
  return discard_container(paths_, binary_.path, key, false);
}

Result<RuntimeContainer> OciRuntime::describe(const ContainerKey& key) const {
  ASSIGN_OR_RETURN(ContainerRecord record, load_container(paths_, key));
  ProcessStatus& status = record.container.status;
  status = observe_container(paths_, record);
  // Of one whose end nobody saw it counts as the time at which it was found out.
  bool unseen = status.exit_unknown && status.finished_at == status.started_at;
  bool unwatched = status.state == State::kRunning && !monitors_.watch(key, paths_.bundle(key));
  if (unseen || unwatched) {
    RETURN_IF_ERROR(end_unwatched(paths_, key));
    status = observe_container(paths_, record);
  }
  bool ended = status.state == State::kExited;
  // Its record would be gone if it were being unmade: then that is no end of a container that ran.
  if (ended) {
    Result<ContainerRecord> still = load_container(paths_, key);
    if (!still.ok()) return still.error();
  }
  // With a process namespace of its own, nothing outlives the first process; here it would.
  if (ended && record.host_pid) RETURN_IF_ERROR(kill_container(paths_, key));
  return record.container;
}

Result<RuntimeContainer> OciRuntime::status(const ContainerKey& key) {
  RETURN_IF_ERROR(check_key(key));
  return describe(key);
}

Result<RuntimeList> OciRuntime::list() {
  RuntimeList out;
  ASSIGN_OR_RETURN(auto uids, list_dir(paths_.pods()));
  ASSIGN_OR_RETURN(auto with_namespaces, list_dir(paths_.namespaces()));
  uids.insert(uids.end(), with_namespaces.begin(), with_namespaces.end());
  std::sort(uids.begin(), uids.end());
  uids.erase(std::unique(uids.begin(), uids.end()), uids.end());
  for (const std::string& uid : uids) {
    if (!check_uid(uid).ok()) continue;
    ASSIGN_OR_RETURN(auto keys, attempts(uid));
    auto spec = load_sandbox(uid);
    bool any =
        path_exists(paths_.sandbox_record(uid)) || path_exists(paths_.namespaces(uid)) || !keys.empty();
    if (any) {
      RuntimeSandbox sandbox;
      sandbox.spec.uid = uid;
      if (spec.ok()) sandbox = {*spec, sandbox_ready(paths_, *spec)};
      out.sandboxes.push_back(sandbox);
    }
    for (const ContainerKey& key : keys) {
      RuntimeContainer broken;
      broken.key = key;
      broken.id = container_id(key);
      auto container = describe(key);
      out.containers.push_back(container.ok() ? *container : broken);
    }
  }
  return out;
}

Result<ExecResult> OciRuntime::exec(const ContainerKey& key, const std::vector<std::string>& argv,
                                    Duration timeout, size_t max_output) {
  RETURN_IF_ERROR(check_key(key));
  auto container = describe(key);
  if (!container.ok() || container->status.state != State::kRunning) {
    return error(ErrorCode::kNotFound, "container " + key.container + " is not running");
  }
  return exec_in_container(paths_, binary_.path, key, argv, timeout, max_output, cancelled_);
}

Result<bool> OciRuntime::wait_exit(Duration timeout) {
  std::vector<pollfd> watched{{exits_.get(), POLLIN, 0}};
  MonitorWatch::Handles monitors = monitors_.handles();
  for (const auto& [key, handle] : monitors) watched.push_back({handle->get(), POLLIN, 0});
  auto wait = std::chrono::ceil<std::chrono::milliseconds>(std::max(timeout, Duration{0}));
  int ready = poll(watched.data(), watched.size(), static_cast<int>(std::min<int64_t>(wait.count(), 3'600'000)));
  if (ready < 0 && errno != EINTR) return errno_error("waiting for container ends", errno);
  char buffer[8192];
  bool any = false;
  while (read(exits_.get(), buffer, sizeof buffer) > 0) any = true;
  size_t at = 1;
  for (const auto& [key, handle] : monitors) {
    if (watched[at++].revents == 0) continue;
    monitors_.forget(key);
    // One that told an end was heard above.
    any = any || !path_exists(paths_.container(key) + "/exit");
  }
  return any;
}

Result<std::string> OciRuntime::log_path(const ContainerKey& key) {
  RETURN_IF_ERROR(check_key(key));
  return paths_.log(key);
}

Result<bool> OciRuntime::rotate_log(const ContainerKey& key, uint64_t max_bytes, int max_files) {
  RETURN_IF_ERROR(check_key(key));
  ASSIGN_OR_RETURN(bool moved, move_log_aside(paths_.log(key), max_bytes, max_files));
  if (!moved) return false;
  Status reopened = reopen_log(paths_.bundle(key));
  // An ended container writes no more.
  if (!reopened.ok() && reopened.error().code != ErrorCode::kNotFound) return reopened.error();
  return true;
}

// Trials of processes that did not live to clean up.
Status remove_old_trials(const NodePaths& paths) {
  ASSIGN_OR_RETURN(auto names, list_dir(paths.run_dir));
  for (const std::string& name : names) {
    if (!name.starts_with("trial-") || path_exists("/proc/" + name.substr(6))) continue;
    RETURN_IF_ERROR(end_processes("/" + paths.cgroup + "/" + name));
    RETURN_IF_ERROR(remove_cgroup("/" + paths.cgroup + "/" + name));
    RETURN_IF_ERROR(remove_tree(paths.run_dir + "/" + name));
  }
  return {};
}

}  // namespace

Result<OpenedRuntime> open_oci_runtime(const OciRuntimeOptions& options) {
  if (geteuid() != 0) return error(ErrorCode::kDenied, "containers need root: start the agent as root");
  ASSIGN_OR_RETURN(NodePaths paths, make_roots(options.paths));
  std::string conmon = options.conmon.empty() ? find_program("conmon") : options.conmon;
  if (conmon.empty())
    return error(ErrorCode::kUnavailable, "conmon is not installed (Debian package conmon)");
  RETURN_IF_ERROR(make_dirs(paths.pods(), 0755));
  for (const std::string& dir : {paths.images(), paths.layers(), paths.namespaces(), paths.bundles(),
                                 paths.runtime_root(), paths.exits()}) {
    RETURN_IF_ERROR(make_dirs(dir, 0700));
  }
  RETURN_IF_ERROR(remove_old_trials(paths));
  MachineLimits machine = read_machine_limits();
  ASSIGN_OR_RETURN(OciBinary binary, choose_oci_binary(options.oci_runtime, paths, machine));
  Fd exits(inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (!exits.open()) return errno_error("watching for container ends", errno);
  if (inotify_add_watch(exits.get(), paths.exits().c_str(), IN_MOVED_TO | IN_CLOSE_WRITE) < 0) {
    return errno_error("watching " + paths.exits(), errno);
  }
  OpenedRuntime out;
  out.notes = binary.refusals;
  out.runtime = std::make_unique<OciRuntime>(paths, std::move(binary), conmon, options.log_limit, machine,
                                             std::move(exits));
  return out;
}

}  // namespace mainstay
