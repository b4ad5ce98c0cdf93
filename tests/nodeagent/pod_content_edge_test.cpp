// What is in a pod, with real containers, mounts and packets.
#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "nodeagent/disk.h"
#include "nodeagent/leftovers.h"
#include "nodeagent/network/cni_network.h"
#include "nodeagent/runtime/namespaces.h"
#include "nodeagent/storage_watch.h"
#include "nodeagent/volumes/host_volumes.h"
#include "tests/nodeagent/edge_images.h"
#include "tests/nodeagent/edge_node.h"

using namespace mainstay;
using namespace mainstay::test;

namespace {

// Runs a container of this specification to its end; what it said.
std::string say(EdgeNode& node, const ContainerSpec& spec) {
  auto started = node.runtime().start(spec);
  REQUIRE_OK(started);
  wait_until_exited(node.runtime(), spec.key);
  return log_text(node.runtime(), spec.key);
}

// A directory with a tmpfs of its own that takes part in mount propagation; gone with the scope.
class SharedDirectory {
 public:
  SharedDirectory() {
    REQUIRE(mount("tmpfs", temp_.path().c_str(), "tmpfs", 0, "size=1m") == 0);
    REQUIRE(mount(nullptr, temp_.path().c_str(), nullptr, MS_SHARED, nullptr) == 0);
    REQUIRE_OK(make_dirs(path("below")));
  }
  ~SharedDirectory() { (void)unmount_below(temp_.path()); }
  std::string path(const std::string& name = "") const { return temp_.path() + (name.empty() ? "" : "/" + name); }
  void mount_below() const {
    REQUIRE(mount("tmpfs", path("below").c_str(), "tmpfs", 0, "size=1m") == 0);
    REQUIRE_OK(write_file(path("below") + "/late", "late", 0644));
  }

 private:
  TempDir temp_;
};

// Connects to an address of this machine; true if somebody answers there.
bool answers(const std::string& ip, int port) {
  Fd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  timeval patience{2, 0};
  setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  inet_pton(AF_INET, ip.c_str(), &address.sin_addr);
  return connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
}

// A socket that listens inside a pod's network namespace.
Fd listen_in(const std::string& netns, int port) {
  Fd fd;
  Status made = in_network_namespace(netns, [&]() -> Status {
    fd = Fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    bool ok = bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 && listen(fd.get(), 5) == 0;
    return ok ? Status{} : Status(errno_error("listening in the pod", errno));
  });
  REQUIRE_OK(made);
  return fd;
}

}  // namespace

TEST_CASE("seccomp: none, the default, and a profile of the node", "[edge][runtime][seccomp]") {
  NEEDS_CONTAINERS();
  EdgeNode node;
  std::string uid = node.make_pod();
  ContainerSpec spec = node.container(uid, "grep -h Seccomp: /proc/self/status; busybox mkdir /x && echo made");
  CHECK(say(node, spec) == "Seccomp:\t0\nmade\n");
  spec.key.attempt = 1;
  spec.security.seccomp = SeccompKind::kRuntimeDefault;
  CHECK(say(node, spec) == "Seccomp:\t2\nmade\n");

  // Without a filter anybody may make a user namespace; with it nobody.
  ContainerSpec apart = node.container(uid, "busybox unshare -U busybox true && echo apart; echo end", 2);
  apart.security.run_as_user = 1000;
  std::string free = say(node, apart);
  apart.key.attempt = 3;
  apart.security.seccomp = SeccompKind::kRuntimeDefault;
  std::string held = say(node, apart);
  INFO(held);
  CHECK(held.find("apart\n") == std::string::npos);
  CHECK(held.find("end\n") != std::string::npos);
  CHECK(held.find("Operation not permitted") != std::string::npos);
  if (free.find("apart\n") == std::string::npos) WARN("this kernel lets nobody make user namespaces");

  REQUIRE_OK(make_dirs(node.paths().seccomp_profiles() + "/team"));
  REQUIRE_OK(write_file(node.paths().seccomp_profiles() + "/team/no-mkdir.json",
                        R"({"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir","mkdirat"],)"
                        R"("action":"SCMP_ACT_ERRNO"}]})",
                        0644));
  REQUIRE_OK(write_file(node.dir() + "/outside.json", R"({"defaultAction":"SCMP_ACT_ALLOW"})", 0644));
  REQUIRE(symlink((node.dir() + "/outside.json").c_str(), (node.paths().seccomp_profiles() + "/link.json").c_str()) == 0);
  spec.key.attempt = 4;
  spec.security.seccomp = SeccompKind::kLocalhost;
  spec.security.seccomp_profile = "team/no-mkdir.json";
  std::string refused = say(node, spec);
  CHECK(refused.find("made\n") == std::string::npos);
  CHECK(refused.find("Operation not permitted") != std::string::npos);
  for (const char* bad : {"none.json", "link.json", "../outside.json", "team"}) {
    INFO(bad);
    spec.key.attempt = 5;
    spec.security.seccomp_profile = bad;
    CHECK(node.runtime().start(spec).error().code == ErrorCode::kUnavailable);
  }
}

TEST_CASE("sysctls hold in the pod and nowhere else", "[edge][runtime]") {
  NEEDS_CONTAINERS();
  EdgeNode node;
  SandboxSpec sandbox;
  sandbox.uid = "pod-sysctl-" + std::to_string(getpid());
  sandbox.hostname = "p";
  sandbox.netns = node.paths().netns(sandbox.uid);
  sandbox.sysctls = {{"net.ipv4.ip_unprivileged_port_start", "81"}, {"kernel.shm_rmid_forced", "1"}};
  REQUIRE_OK(make_dirs(node.paths().netns_dir(), 0700));
  REQUIRE_OK(pin_namespaces({{NamespaceKind::kNet, sandbox.netns}}, ""));
  REQUIRE_OK(node.runtime().make_sandbox(sandbox));
  const char* file = "/proc/sys/net/ipv4/ip_unprivileged_port_start";
  std::string before = read_file(file).value();
  ContainerSpec spec = node.container(sandbox.uid, std::string("cat ") + file + " /proc/sys/kernel/shm_rmid_forced");
  CHECK(say(node, spec) == "81\n1\n");
  CHECK(read_file(file).value() == before);
  CHECK(node.runtime().list()->sandboxes.at(0).spec.sysctls == sandbox.sysctls);
}

TEST_CASE("mounts made later are seen as far as the propagation says", "[edge][runtime][mounts]") {
  NEEDS_CONTAINERS();
  EdgeNode node;
  std::string uid = node.make_pod();
  SharedDirectory shared;
  auto with = [&](uint32_t attempt, MountPropagation propagation) {
    ContainerSpec spec = node.container(uid, "while ! [ -e /tmp/go ]; do sleep 0.05; done; cat /data/below/late", attempt);
    spec.mounts = {{shared.path(), "/data", false, propagation}};
    return spec;
  };
  ContainerSpec apart = with(0, MountPropagation::kPrivate), follows = with(1, MountPropagation::kHostToContainer);
  REQUIRE_OK(node.runtime().start(apart));
  REQUIRE_OK(node.runtime().start(follows));
  shared.mount_below();
  for (const ContainerSpec& spec : {apart, follows}) {
    REQUIRE_OK(node.runtime().exec(spec.key, {"/bin/touch", "/tmp/go"}, 10s, 100));
    wait_until_exited(node.runtime(), spec.key);
  }
  CHECK(log_text(node.runtime(), apart.key).find("No such file") != std::string::npos);
  CHECK(log_text(node.runtime(), follows.key) == "late");

  SharedDirectory both;
  ContainerSpec mounter =
      node.container(uid, "busybox mount -t tmpfs inside /data/below && touch /data/below/from-inside; sleep 60", 2);
  mounter.security.privileged = true;
  mounter.mounts = {{both.path(), "/data", false, MountPropagation::kBidirectional}};
  REQUIRE_OK(node.runtime().start(mounter));
  CHECK(eventually([&] { return path_exists(both.path("below/from-inside")); }));
  REQUIRE_OK(node.runtime().kill(mounter.key));
  wait_until_exited(node.runtime(), mounter.key);
}

TEST_CASE("a mount that cannot spread as it should is refused", "[edge][runtime][mounts]") {
  NEEDS_CONTAINERS();
  EdgeNode node;
  std::string uid = node.make_pod();
  SharedDirectory shared;
  std::string apart = shared.path("below");
  REQUIRE(mount("tmpfs", apart.c_str(), "tmpfs", 0, "size=1m") == 0);
  REQUIRE(mount(nullptr, apart.c_str(), nullptr, MS_PRIVATE, nullptr) == 0);
  REQUIRE_OK(make_dirs(apart + "/inside"));
  ContainerSpec spec = node.container(uid, "true");
  spec.security.privileged = true;
  auto refusal = [&](const std::string& path, MountPropagation propagation) {
    spec.mounts = {{path, "/data", false, propagation}};
    auto started = node.runtime().start(spec);
    ++spec.key.attempt;
    if (started.ok()) return std::string();
    CHECK(started.error().code == ErrorCode::kUnavailable);
    return started.error().message;
  };
  std::string on = "path \"" + apart + "/inside\" is mounted on \"" + apart + "\" but it is not a shared ";
  CHECK(refusal(apart + "/inside", MountPropagation::kBidirectional) == on + "mount");
  CHECK(refusal(apart + "/inside", MountPropagation::kHostToContainer) == on + "or slave mount");
  CHECK(refusal(apart + "/inside", MountPropagation::kPrivate).empty());
  CHECK(refusal(shared.path(), MountPropagation::kBidirectional).empty());
  CHECK(refusal(shared.path(), MountPropagation::kHostToContainer).empty());
}

TEST_CASE("read-only mounts, alone and with what is mounted below", "[edge][runtime][mounts]") {
  NEEDS_CONTAINERS();
  EdgeNode node;
  std::string uid = node.make_pod();
  SharedDirectory shared;
  shared.mount_below();
  for (bool recursive : {false, true}) {
    ContainerSpec spec = node.container(uid, "touch /data/x; touch /data/below/x && echo written", recursive ? 1 : 0);
    spec.mounts = {{shared.path(), "/data", true, MountPropagation::kPrivate, recursive}};
    std::string said = say(node, spec);
    INFO(said);
    CHECK(said.find("/data/x: Read-only file system") != std::string::npos);
    CHECK((said.find("written") == std::string::npos) == recursive);
  }
}

TEST_CASE("strict groups leave out what the image says; unmasked /proc shows all", "[edge][runtime]") {
  NEEDS_CONTAINERS();
  EdgeNode node;
  std::string uid = node.make_pod();
  ContainerSpec spec = node.container(uid, "id -G");
  spec.security.run_as_user = 33;
  spec.security.extra_groups = {7};
  CHECK(say(node, spec) == "34 7 40\n");
  spec.key.attempt = 1;
  spec.security.strict_groups = true;
  CHECK(say(node, spec) == "34 7\n");
  // What may be written there is the kernel's to say; that the mount forbids it is the mask's.
  ContainerSpec masked = node.container(uid, "echo 1 >/proc/sys/net/ipv4/conf/lo/forwarding", 2);
  CHECK(say(node, masked).find("Read-only file system") != std::string::npos);
  masked.key.attempt = 3;
  masked.security.unmasked_proc = true;
  CHECK(say(node, masked).find("Read-only file system") == std::string::npos);
}

TEST_CASE("a fork bomb meets its limit and its neighbour does not notice", "[edge][runtime][hostile]") {
  NEEDS_CONTAINERS();
  EdgeNode node;
  std::string uid = node.make_pod();
  ContainerSpec neighbour = node.container(uid, "sleep 60");
  neighbour.key.container = "neighbour";
  REQUIRE_OK(node.runtime().start(neighbour));
  ContainerSpec bomb = node.container(uid, "i=0; while [ $i -lt 200 ]; do sleep 60 & i=$((i+1)); done; echo all; wait");
  bomb.limits.pids = 30;
  REQUIRE_OK(node.runtime().start(bomb));
  CHECK(eventually([&] { return log_text(node.runtime(), bomb.key).find("can't fork") != std::string::npos; }));
  CHECK(log_text(node.runtime(), bomb.key).find("all") == std::string::npos);
  auto alive = node.runtime().exec(neighbour.key, {"/bin/id", "-u"}, 10s, 100);
  REQUIRE_OK(alive);
  CHECK(alive->output == "0\n");
}

TEST_CASE("files of a volume have their owners, and links in it lead nowhere", "[edge][volumes]") {
  if (geteuid() != 0) {
    WARN("SKIPPED: mounting volumes needs root");
    return;
  }
  TempDir temp;
  NodePaths paths;
  paths.data_dir = temp.path() + "/data";
  paths.run_dir = temp.path() + "/run";
  auto volumes = open_host_volumes(paths);
  REQUIRE_OK(volumes);
  VolumeSpec volume;
  volume.name = "token";
  volume.kind = VolumeSpec::Kind::kFiles;
  volume.files = {{"token", "secret", 0600, 1000}, {"ca.crt", "PEM", 0644, {}}};
  auto path = (*volumes)->prepare("pod-1", volume);
  REQUIRE_OK(path);
  struct stat info;
  REQUIRE(stat((*path + "/token").c_str(), &info) == 0);
  CHECK(info.st_uid == 1000);
  CHECK((info.st_mode & 07777) == 0600);
  volume.fs_group = 2000;
  volume.files[0].bytes = "renewed";
  REQUIRE_OK((*volumes)->prepare("pod-1", volume));
  REQUIRE(stat((*path + "/token").c_str(), &info) == 0);
  CHECK(info.st_uid == 1000);
  CHECK(info.st_gid == 2000);
  CHECK((info.st_mode & 07777) == 0640);
  CHECK(read_file(*path + "/token").value() == "renewed");

  // A pod that may write to a volume puts links there and asks for them as sub paths.
  VolumeSpec scratch;
  scratch.name = "scratch";
  auto open = (*volumes)->prepare("pod-1", scratch);
  REQUIRE_OK(open);
  REQUIRE_OK(write_file(temp.path() + "/host-secret", "x", 0600));
  REQUIRE(symlink((temp.path() + "/host-secret").c_str(), (*open + "/absolute").c_str()) == 0);
  REQUIRE(symlink("../../../../../../etc", (*open + "/relative").c_str()) == 0);
  REQUIRE(symlink("/proc/self/root", (*open + "/magic").c_str()) == 0);
  for (const char* bad : {"absolute", "relative/passwd", "relative", "magic/etc", "magic"}) {
    INFO(bad);
    CHECK((*volumes)->sub_path("pod-1", scratch, bad, "slot").error().code == ErrorCode::kInvalid);
  }
  REQUIRE_OK((*volumes)->remove("pod-1"));
  CHECK(path_exists(temp.path() + "/host-secret"));
}

TEST_CASE("what a pod takes on the disk is measured without following links", "[edge][volumes]") {
  TempDir temp;
  NodePaths paths;
  paths.data_dir = temp.path() + "/data";
  paths.run_dir = temp.path() + "/run";
  Object pod = make_object<Pod>("d", "p");
  pod.meta.uid = "pod-1";
  Pod& body = as<Pod>(pod);
  body.spec.volumes.emplace_back().name = "scratch";
  body.spec.volumes[0].empty_dir.ensure();
  body.spec.containers.emplace_back().name = "c";
  StorageUsage none = measure_storage(paths, pod);
  CHECK(none.volumes.at("scratch") == 0);
  CHECK(none.containers.at("c") == 0);
  std::string scratch = paths.volumes("pod-1") + "/scratch", upper = paths.container({"pod-1", "c", 3}) + "/upper/deep/er";
  REQUIRE_OK(make_dirs(scratch));
  REQUIRE_OK(make_dirs(upper));
  std::string outside = temp.path() + "/outside";
  REQUIRE_OK(write_file(outside, std::string(4 << 20, 'x'), 0644));
  REQUIRE(symlink(outside.c_str(), (scratch + "/link").c_str()) == 0);
  REQUIRE(symlink(temp.path().c_str(), (scratch + "/dir").c_str()) == 0);
  REQUIRE_OK(write_file(scratch + "/file", std::string(1 << 20, 'x'), 0644));
  REQUIRE_OK(write_file(upper + "/file", std::string(2 << 20, 'x'), 0644));
  std::string log = paths.log({"pod-1", "c", 3});
  REQUIRE_OK(make_dirs(log.substr(0, log.rfind('/'))));
  REQUIRE_OK(write_file(log, std::string(1 << 20, 'x'), 0644));
  StorageUsage used = measure_storage(paths, pod);
  CHECK(used.volumes.at("scratch") >= 1 << 20);
  CHECK(used.volumes.at("scratch") < 2 << 20);
  CHECK(used.containers.at("c") >= 3 << 20);
  CHECK(used.containers.at("c") < 4 << 20);
}

TEST_CASE("a host port leads to the pod until the pod goes, also over a restart", "[edge][network]") {
  if (geteuid() != 0 || !(path_exists("/usr/lib/cni/ptp") || path_exists("/opt/cni/bin/ptp"))) {
    WARN("SKIPPED: pod networks need root and the CNI plugins");
    return;
  }
  TempDir temp;
  CniNetworkOptions options;
  options.paths.data_dir = temp.path() + "/data";
  options.paths.run_dir = temp.path() + "/run";
  options.rules.table = "mainstay_ports_test_" + std::to_string(getpid());
  options.rules.node_cidr = "203.0.113.64/28";
  options.rules.cluster_cidr = "203.0.113.0/24";
  const std::string table = options.rules.table + "_ports", gateway = "203.0.113.65";
  auto network = open_cni_network(options);
  REQUIRE_OK(network);
  auto pod = (*network)->add("pod-1");
  REQUIRE_OK(pod);
  Fd listener = listen_in(pod->netns, 7777);
  constexpr int kPort = 29871;
  CHECK_FALSE(answers(gateway, kPort));
  REQUIRE_OK((*network)->publish_ports("pod-1", {{"TCP", "", kPort, 7777}, {"UDP", gateway, kPort, 7778}}));
  CHECK(answers(gateway, kPort));
  REQUIRE_OK((*network)->publish_ports("pod-1", {{"TCP", gateway, kPort, 7777}}));
  CHECK(answers(gateway, kPort));

  // Another process, after somebody has thrown the table away.
  network = open_cni_network(options);
  REQUIRE_OK(network);
  REQUIRE_OK(run_nft("delete table ip " + table));
  REQUIRE_OK((*network)->repair_rules());
  CHECK(answers(gateway, kPort));
  REQUIRE_OK(run_nft("flush table ip " + table));
  CHECK((*network)->repair_rules().value());
  CHECK_FALSE((*network)->repair_rules().value());
  CHECK(answers(gateway, kPort));
  // What is kept for the cluster is not led away, by whichever of the two maps; other ports and addresses are.
  for (const std::string& host_ip : {std::string(), gateway}) {
    REQUIRE_OK((*network)->publish_ports("pod-1", {{"TCP", host_ip, kPort, 7777}}));
    REQUIRE_OK((*network)->keep_clear({{gateway, "TCP", kPort, "the API server"}}));
    CHECK_FALSE(answers(gateway, kPort));
    CHECK_FALSE((*network)->repair_rules().value());
    REQUIRE_OK((*network)->keep_clear({{gateway, "UDP", kPort, ""}, {gateway, "TCP", kPort + 1, ""}}));
    CHECK(answers(gateway, kPort));
  }
  // While the gateway's address is there, it is this machine that refuses.
  REQUIRE_OK((*network)->publish_ports("pod-1", {}));
  CHECK_FALSE(answers(gateway, kPort));
  CHECK(run_nft("list table ip " + table).error().code == ErrorCode::kNotFound);
  REQUIRE_OK((*network)->publish_ports("pod-1", {{"TCP", "", kPort, 7777}}));
  REQUIRE_OK((*network)->del("pod-1"));
  CHECK(run_nft("list table ip " + table).error().code == ErrorCode::kNotFound);
  REQUIRE_OK((*network)->remove_rules());
  for (const std::string& line : leftovers(options.paths, "pod-1")) FAIL_CHECK("left: " << line);
}
