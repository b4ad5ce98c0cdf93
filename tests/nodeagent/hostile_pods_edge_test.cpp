// Pods that mean ill, with real containers on one node: it, its agent and their neighbours stay well.
#include <sys/resource.h>
#include <sys/stat.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <mutex>

#include "nodeagent/agent.h"
#include "nodeagent/disk.h"
#include "nodeagent/leftovers.h"
#include "nodeagent/log_file.h"
#include "nodeagent/runtime/cgroup.h"
#include "nodeagent/pod_status.h"
#include "nodeagent/storage_watch.h"
#include "nodeagent/volumes/host_volumes.h"
#include "schema/base/clock.h"
#include "tests/nodeagent/agent_bench.h"
#include "tests/nodeagent/quiet_link.h"
#include "tests/nodeagent/real_bench.h"

using namespace mainstay;
using namespace mainstay::test;
using State = ProcessStatus::State;

namespace {

struct HostilePods {
  RealBench bench{{[](NodeFacts& facts) { facts.pids_limit = 64; }, 0}};
  std::vector<ObjectPtr> pods;
  std::vector<std::string> names;

  // A pod of one container c. `more` is more of the container, `spec` more of the pod.
  void add(const std::string& name, const std::string& script, const std::string& more = "",
           const std::string& spec = "") {
    std::string indented = "          " + script;
    names.push_back(name);
    pods.push_back(pod_of("apiVersion: v1\nkind: Pod\nmetadata: {name: " + name + ", namespace: d}\nspec:\n" +
                          "  hostNetwork: true\n  terminationGracePeriodSeconds: 1\n  volumes:\n" +
                          "    - {name: s, hostPath: {path: " + bench.shared() + "}}\n    - {name: disk, emptyDir: {}}\n" +
                          (spec.empty() ? "  restartPolicy: Never\n" : spec) + "  containers:\n    - name: c\n" +
                          "      image: i\n      terminationMessagePath: /dev/termination-log\n" + more +
                          "      volumeMounts: [{name: s, mountPath: /shared}, {name: disk, mountPath: /disk}]\n" +
                          "      command:\n        - sh\n        - -c\n        - |\n" + indented + "\n"));
  }
  const ContainerStatus& container(const std::string& name) {
    REQUIRE(bench.status(name).container_statuses.size() == 1);
    return bench.status(name).container_statuses[0];
  }
  bool over(const std::string& name) { return !bench.status(name).phase.empty() && is_end(bench.status(name).phase); }
  bool running(const std::string& name) {
    const auto& statuses = bench.status(name).container_statuses;
    return statuses.size() == 1 && statuses[0].state.running;
  }
  std::string log(const std::string& name) { return log_text(bench.runtime(), {"uid-" + name, "c", 0}); }
  std::string note(const std::string& name) {
    auto text = read_file(bench.shared() + "/" + name);
    return text.ok() ? *text : "";
  }
};

// Processes of that command line, anywhere on the machine.
size_t processes_of(const std::string& words) {
  size_t out = 0;
  auto pids = list_dir("/proc");
  REQUIRE_OK(pids);
  for (const std::string& pid : *pids) {
    auto line = read_file("/proc/" + pid + "/cmdline", 4096);
    if (!line.ok()) continue;
    std::replace(line->begin(), line->end(), '\0', ' ');
    out += line->starts_with(words) ? 1 : 0;
  }
  return out;
}

}  // namespace

TEST_CASE("real: hostile pods leave the node and their neighbours well", "[edge][hostile]") {
  NEEDS_CONTAINERS();
  HostilePods all;
  RealBench& bench = all.bench;
  const std::string kAlways = "  restartPolicy: Always\n";
  all.add("neighbour", "i=0; while :; do i=$((i+1)); echo $i >/shared/beat; sleep 0.05; done",
          "      resources: {limits: {memory: 32Mi, cpu: 500m}}\n", kAlways);
  all.add("bomb", "bomb() { bomb | bomb & }; bomb; sleep 1000", "      resources: {limits: {cpu: 200m}}\n");
  all.add("hog", "tail /dev/zero", "      resources: {limits: {memory: 16Mi}}\n");
  all.add("deaf", "trap '' TERM; while :; do sleep 1; done");
  all.add("words", "busybox yes words | head -c 30000000 >/dev/termination-log; exit 3");
  all.add("proc",
          "for f in /proc/sys/kernel/hostname /proc/sys/vm/drop_caches /proc/sysrq-trigger /proc/1/oom_score_adj "
          "/sys/kernel/mm/ksm/run /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/pids/cgroup.procs; do "
          "(echo 1 >$f) 2>/dev/null && echo wrote $f; done; echo done");
  all.add("shm", "dd if=/dev/zero of=/dev/shm/x bs=1M count=200 2>&1; echo $(busybox stat -c %s /dev/shm/x)");
  all.add("forks", "(busybox setsid sh -c 'busybox setsid sleep 54321 &' &); sleep 0.3");
  all.add("hostforks", "(busybox setsid sh -c 'busybox setsid sleep 54322 &' &); sleep 0.3", "",
          "  restartPolicy: Never\n  hostPID: true\n");
  all.add("files",
          "cd /disk; busybox seq 1 50000 | busybox xargs touch; busybox mkdir /many; cd /many; busybox seq 1 50000 | "
          "busybox xargs touch; echo made >/shared/files; sleep 1000");
  bench.assign(all.pods);
  auto grown = [&] {
    return all.over("hog") && all.over("words") && all.over("proc") && all.over("shm") && all.over("forks") &&
           all.over("hostforks") && all.running("deaf") && all.note("files") == "made\n";
  };
  CHECK(bench.until(grown));
  CHECK(all.container("hog").state.terminated->reason == "OOMKilled");
  CHECK(all.container("hog").state.terminated->exit_code == 137);
  CHECK(all.container("words").state.terminated->message.size() <= 4096);
  CHECK(all.container("words").state.terminated->exit_code == 3);
  CHECK(measure_storage(bench.paths(), *all.pods[4]).containers.at("c") > 25'000'000);  // they count
  // /proc/1 is its own first process: what it says of that is its own affair.
  std::string written = all.log("proc");
  INFO(written);
  CHECK((written == "done\n" || written == "wrote /proc/1/oom_score_adj\ndone\n"));
  CHECK(all.log("shm").find("No space left on device") != std::string::npos);
  CHECK(all.log("shm").ends_with(std::to_string(64 << 20) + "\n"));
  CHECK(cgroup_processes(bench.paths().pod_cgroup("uid-bomb") + "/uid-bomb_c_0").size() <= 64);
  CHECK(eventually([] { return processes_of("sleep 54321") + processes_of("sleep 54322") == 0; }));

  MonoTime begin = read_clock().mono;
  StorageUsage usage = measure_storage(bench.paths(), *all.pods.back());
  CHECK(read_clock().mono - begin < 20s);
  CHECK(usage.volumes.at("disk") > 1'000'000);  // the directory itself
  CHECK(usage.containers.at("c") > 1'000'000);

  std::string beat = all.note("beat");
  CHECK(eventually([&] { return all.note("beat") != beat && !all.note("beat").empty(); }));
  CHECK(all.running("neighbour"));
  CHECK(all.container("neighbour").restart_count == 0);

  begin = read_clock().mono;
  bench.assign({});
  CHECK(bench.until([&] { return bench.empty(); }));
  WARN("all of it was gone in " << (read_clock().mono - begin).count() / 1'000'000.0 << " s");
  for (const std::string& name : all.names) {
    for (const std::string& line : leftovers(bench.paths(), "uid-" + name)) FAIL_CHECK("left: " << line);
  }
}

TEST_CASE("real: links in a volume lead no sub path out of it", "[edge][hostile]") {
  NEEDS_CONTAINERS();
  RealBench bench;
  auto pod = [&](const std::string& name, const std::string& sub_path) {
    return pod_of("apiVersion: v1\nkind: Pod\nmetadata: {name: " + name + ", namespace: d}\nspec:\n" +
                  "  hostNetwork: true\n  terminationGracePeriodSeconds: 1\n  volumes: [{name: v, emptyDir: {}}]\n" +
                  "  initContainers:\n    - {name: i, image: i, volumeMounts: [{name: v, mountPath: /v}], command: [sh, -c, "
                  "\"busybox ln -s /etc /v/out; busybox ln -s ../../../../../../.. /v/up; busybox ln -s "
                  "/proc/1/root /v/magic\"]}\n  containers:\n    - {name: c, image: i, command: [sleep, '1000'], "
                  "volumeMounts: [{name: v, mountPath: /data, subPath: " + sub_path + "}]}\n");
  };
  std::vector<std::pair<std::string, std::string>> tries = {
      {"a", "out"}, {"b", "out/passwd"}, {"c", "up/tmp"}, {"d", "magic/etc"}, {"e", "up/new/deep"}};
  std::vector<ObjectPtr> pods;
  for (const auto& [name, sub_path] : tries) pods.push_back(pod(name, sub_path));
  bench.assign(pods);
  for (const auto& [name, sub_path] : tries) {
    INFO(sub_path);
    CHECK(bench.until([&] {
      const auto& statuses = bench.status(name).container_statuses;
      return statuses.size() == 1 && statuses[0].state.waiting &&
             statuses[0].state.waiting->reason == "CreateContainerConfigError";
    }));
  }
  CHECK_FALSE(path_exists("/new"));
}

TEST_CASE("links in an image lead no mount out of it", "[edge][hostile]") {
  NEEDS_CONTAINERS();
  EdgeNode node;
  std::string outside = node.dir() + "/outside";
  REQUIRE_OK(make_dirs(outside, 0755));
  REQUIRE_OK(write_file(outside + "/victim", "untouched", 0644));
  Image image = node.image();
  std::string layer = node.paths().layers() + "/evil";
  REQUIRE_OK(make_dirs(layer + "/etc", 0755));
  for (const auto& [name, target] : std::vector<std::pair<std::string, std::string>>{
           {"/data", outside},
           {"/up", "../../../../../../../../.." + outside},
           {"/etc/hosts", outside + "/victim"},
           {"/etc/resolv.conf", outside + "/made"},
           {"/etc/passwd", outside + "/victim"},
           {"/magic", "/proc/self/root" + outside}}) {
    REQUIRE(symlink(target.c_str(), (layer + name).c_str()) == 0);
  }
  image.layers.push_back("evil");
  std::string shared = node.dir() + "/mine";
  REQUIRE_OK(make_dirs(shared, 0777));
  REQUIRE_OK(write_file(node.dir() + "/hosts", "ours\n", 0644));
  std::string uid = node.make_pod();
  ContainerSpec spec = node.container(uid, "echo evil >/etc/hosts; echo evil >/data/new; echo evil >/up/new; echo ran");
  spec.image = image;
  spec.mounts = {{shared, "/data", false}, {shared, "/up", false}, {shared, "/magic", false},
                 {node.dir() + "/hosts", "/etc/hosts", false}, {node.dir() + "/hosts", "/etc/resolv.conf", false}};
  auto started = node.runtime().start(spec);
  if (started.ok()) wait_until_exited(node.runtime(), spec.key);
  // Refused, or mounted inside: both are safe.
  if (!started.ok()) WARN("refused: " << started.error().message);
  CHECK(read_file(outside + "/victim").value() == "untouched");
  CHECK(list_dir(outside).value() == std::vector<std::string>{"victim"});
  CHECK(mounts_below(outside).empty());
}

TEST_CASE("a log file has a bound of its own, however fast it is written", "[edge][hostile][log]") {
  NEEDS_CONTAINERS();
  EdgeNode node({"", 1 << 20, 0});
  std::string uid = node.make_pod();
  ContainerSpec spec = node.container(uid, "busybox yes a line of a flood | head -c 30000000; echo last words");
  REQUIRE_OK(node.runtime().start(spec));
  std::string path = node.runtime().log_path(spec.key).value();
  uint64_t largest = 0;
  CHECK(eventually([&] {
    largest = std::max(largest, tree_bytes(path.substr(0, path.rfind('/'))));
    return node.runtime().status(spec.key).value().status.state == State::kExited;
  }));
  CHECK(largest < (4 << 20));
  LogQuery query;
  query.tail_lines = 1;
  CHECK(render_log(read_log(path, query).value().lines, false).ends_with("last words\n"));
}

namespace {

// A control plane that assigns what it is told to and keeps what it hears.
class FixedLink : public QuietLink {
 public:
  struct Shared {
    std::mutex mutex;
    Assignment assignment;
    std::map<std::string, PodReport> reports;
  };
  explicit FixedLink(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {}
  Result<AgentPollAnswer> poll(const AgentHas& has, Duration) override {
    while (!interrupted_.load()) {
      {
        std::lock_guard lock(shared_->mutex);
        if (has.assignment < shared_->assignment.at) {
          AgentPollAnswer answer;
          answer.has_assignment = true;
          answer.assignment = shared_->assignment;
          return answer;
        }
      }
      sleep_ms(5);
    }
    return AgentPollAnswer{};
  }
  Status report(const NodeReport& report) override {
    std::lock_guard lock(shared_->mutex);
    for (const PodReport& pod : report.pods) shared_->reports[pod.name] = pod;
    return {};
  }
  void interrupt() override { interrupted_.store(true); }

 private:
  std::shared_ptr<Shared> shared_;
  std::atomic<bool> interrupted_{false};
};

Duration processor_time() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  auto span = [](const timeval& t) { return std::chrono::seconds{t.tv_sec} + Duration{t.tv_usec}; };
  return span(usage.ru_utime) + span(usage.ru_stime);
}

int64_t resident_pages() {
  auto text = read_file("/proc/self/statm");
  return text.ok() ? std::strtoll(text->c_str() + text->find(' '), nullptr, 10) : 0;
}

}  // namespace

TEST_CASE("real: a flood of log lines is rotated and costs the agent next to nothing", "[edge][hostile][log]") {
  NEEDS_CONTAINERS();
  EdgeNode node;
  auto images = one_image(node.image());
  auto network = no_network();
  auto volumes = open_host_volumes(node.paths());
  REQUIRE_OK(volumes);
  auto shared = std::make_shared<FixedLink::Shared>();
  AgentSettings settings;
  settings.machine.name = "n1";
  settings.machine.address = "127.0.0.1";
  settings.machine.data_dir = node.paths().data_dir;
  settings.paths = node.paths();
  settings.log_bytes = 1 << 20;
  settings.log_files = 3;
  Agent agent(settings, std::make_unique<FixedLink>(shared), Doors{*images, *network, **volumes, node.runtime()});
  REQUIRE_OK(agent.start());
  auto assign = [&](std::vector<ObjectPtr> pods) {
    std::lock_guard lock(shared->mutex);
    shared->assignment.at = {1, shared->assignment.at.number + 1};
    shared->assignment.pods = std::move(pods);
  };
  Duration before = processor_time();
  int64_t pages = resident_pages();
  // The flood is held to a tenth of a processor: it is the agent that is measured, not the machine.
  assign({pod_of("apiVersion: v1\nkind: Pod\nmetadata: {name: flood, namespace: d}\nspec:\n  hostNetwork: true\n"
                 "  terminationGracePeriodSeconds: 1\n  containers:\n    - {name: c, image: i, resources: {limits: {cpu: "
                 "100m}}, command: [busybox, \"yes\", a line of a flood that never ends]}\n")});
  std::string log = node.paths().log({"uid-flood", "c", 0});
  bool rotated = eventually([&] { return path_exists(log + ".2"); });
  auto files = list_dir(log.substr(0, log.rfind('/')));
  REQUIRE_OK(files);
  for (const std::string& name : *files) UNSCOPED_INFO(name << " " << tree_bytes(log.substr(0, log.rfind('/')) + "/" + name));
  CHECK(rotated);
  CHECK(files->size() <= 4);  // three, and one that is being made
  CHECK(processor_time() - before < 5s);
  CHECK((resident_pages() - pages) * 4096 < (256 << 20));
  assign({});
  CHECK(eventually([&] { return agent.pod_count() == 0 && !path_exists(node.paths().pod("uid-flood")); }));
  agent.stop();
  for (const std::string& line : leftovers(node.paths(), "uid-flood")) FAIL_CHECK("left: " << line);
}
