// Somebody kills what stands between the agent and a container: the monitor, the pod's first process, the OCI
// runtime in the middle of its work. The container is ended, told of and run again as its policy says.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <thread>

#include "nodeagent/disk.h"
#include "nodeagent/leftovers.h"
#include "nodeagent/process.h"
#include "nodeagent/runtime/cgroup.h"
#include "nodeagent/runtime/monitor.h"
#include "schema/base/clock.h"
#include "tests/nodeagent/agent_bench.h"
#include "tests/nodeagent/edge_images.h"
#include "tests/nodeagent/real_bench.h"

using namespace mainstay;
using namespace mainstay::test;
using State = ProcessStatus::State;

namespace {

pid_t number_in(const std::string& path) {
  auto text = read_file(path, 128);
  return text.ok() ? static_cast<pid_t>(std::strtol(text->c_str(), nullptr, 10)) : 0;
}

bool kill_noted(const std::string& path) {
  pid_t pid = number_in(path);
  return pid > 1 && ::kill(pid, SIGKILL) == 0;
}

ObjectPtr pod_named(const std::string& name, const std::string& spec) {
  return pod_of("apiVersion: v1\nkind: Pod\nmetadata: {name: " + name + ", namespace: d}\nspec:\n" + spec);
}

const std::string kSleeps = "image: i, command: [sh, -c, \"trap 'exit 0' TERM; while :; do sleep 0.05; done\"]}";

const ContainerStatus* status_of(RealBench& bench, const std::string& pod, const std::string& container) {
  for (const ContainerStatus& one : bench.status(pod).container_statuses) {
    if (one.name == container) return &one;
  }
  return nullptr;
}

bool runs(RealBench& bench, const std::string& pod, const std::string& container, int restarts) {
  const ContainerStatus* status = status_of(bench, pod, container);
  return status != nullptr && status->state.running && status->restart_count == restarts;
}

// How many of the container's attempts have processes.
size_t living_attempts(RealBench& bench, const std::string& uid, const std::string& container) {
  size_t out = 0;
  for (uint32_t attempt = 0; attempt < 5; ++attempt) {
    out += cgroup_processes(bench.paths().container_cgroup({uid, container, attempt})).empty() ? 0 : 1;
  }
  return out;
}

}  // namespace

TEST_CASE("real: a container whose monitor is killed is ended, told of, and run again by its policy", "[edge][crash]") {
  NEEDS_CONTAINERS();
  RealBench bench;
  bench.assign({pod_named("again", "  hostNetwork: true\n  containers: [{name: c, " + kSleeps + "]\n"),
                pod_named("never", "  hostNetwork: true\n  restartPolicy: Never\n  containers: [{name: c, " + kSleeps +
                                       "]\n")});
  REQUIRE(bench.until([&] { return runs(bench, "again", "c", 0) && runs(bench, "never", "c", 0); }));
  for (const char* uid : {"uid-again", "uid-never"}) {
    REQUIRE(kill_noted(bench.paths().bundle({uid, "c", 0}) + "/monitor.pid"));
  }
  MonoTime begin = read_clock().mono;
  CHECK(bench.until([&] { return runs(bench, "again", "c", 1) && bench.status("never").phase == "Failed"; }));
  for (const AgentEvent& event : bench.events()) UNSCOPED_INFO(event.name << " " << event.reason << " " << event.message);
  CHECK(read_clock().mono - begin < 10s);  // noticed by itself, not at the next look around
  for (const char* pod : {"again", "never"}) {
    INFO(pod);
    const ContainerStatus* status = status_of(bench, pod, "c");
    REQUIRE(status != nullptr);
    const auto& ended = std::string(pod) == "again" ? status->last_state.terminated : status->state.terminated;
    REQUIRE(ended);
    CHECK(ended->exit_code == 137);
    CHECK(ended->reason == "ContainerStatusUnknown");
    CHECK(ended->finished_at >= ended->started_at);
  }
  CHECK(living_attempts(bench, "uid-again", "c") == 1);
  CHECK(living_attempts(bench, "uid-never", "c") == 0);
  bench.assign({});
  CHECK(bench.until([&] { return bench.empty(); }));
  for (const char* uid : {"uid-again", "uid-never"}) {
    for (const std::string& line : leftovers(bench.paths(), uid)) FAIL_CHECK("left: " << line);
  }
}

TEST_CASE("real: a monitor killed while it makes its container costs a try and no more", "[edge][crash]") {
  NEEDS_CONTAINERS();
  RealBench bench;
  std::vector<ObjectPtr> pods;
  std::vector<std::thread> killers;
  std::atomic<size_t> killed{0};
  std::vector<std::string> names;
  for (int delay_ms : {0, 4, 8, 12, 18, 25, 35, 50}) {
    std::string name = "p" + std::to_string(delay_ms);
    names.push_back(name);
    pods.push_back(pod_named(name, "  hostNetwork: true\n  containers: [{name: c, " + kSleeps + "]\n"));
    std::string note = bench.paths().bundle({"uid-" + name, "c", 0}) + "/monitor.pid";
    killers.emplace_back([note, delay_ms, &killed] {
      for (int i = 0; i < 20'000 && number_in(note) == 0; ++i) usleep(500);
      sleep_ms(delay_ms);
      kill_noted(note);
      ++killed;
    });
  }
  bench.assign(pods);
  auto fine = [&](const std::string& name) { return runs(bench, name, "c", 0) || runs(bench, name, "c", 1); };
  auto all_fine = [&] { return std::all_of(names.begin(), names.end(), fine); };
  CHECK(bench.until([&] { return killed.load() == killers.size(); }));
  for (std::thread& killer : killers) killer.join();
  CHECK(bench.until(all_fine));
  for (const std::string& name : names) {
    INFO(name);
    CHECK(living_attempts(bench, "uid-" + name, "c") == 1);
    ContainerKey key{"uid-" + name, "c", runs(bench, name, "c", 1) ? 1u : 0u};
    CHECK(monitor_alive(bench.paths().bundle(key)));
  }
  bench.assign({});
  CHECK(bench.until([&] { return bench.empty(); }));
  for (const std::string& name : names) {
    for (const std::string& line : leftovers(bench.paths(), "uid-" + name)) FAIL_CHECK("left: " << line);
  }
}

TEST_CASE("real: a pod whose first process is killed gets a new sandbox", "[edge][crash]") {
  NEEDS_CONTAINERS();
  RealBench bench;
  bench.assign({pod_named("p", "  hostNetwork: true\n  shareProcessNamespace: true\n  terminationGracePeriodSeconds: 1\n"
                               "  containers:\n    - {name: a, " + kSleeps + "\n    - {name: b, " + kSleeps + "\n")});
  REQUIRE(bench.until([&] { return runs(bench, "p", "a", 0) && runs(bench, "p", "b", 0); }));
  std::string note = bench.paths().namespaces("uid-p") + "/pause";
  pid_t before = number_in(note);
  REQUIRE(::kill(before, SIGKILL) == 0);
  CHECK(bench.until([&] { return runs(bench, "p", "a", 1) && runs(bench, "p", "b", 1); }));
  CHECK(number_in(note) != before);
  CHECK(bench.event_message("SandboxChanged") == "Pod sandbox changed, it will be killed and re-created.");
  bench.assign({});
  CHECK(bench.until([&] { return bench.empty(); }));
  for (const std::string& line : leftovers(bench.paths(), "uid-p")) FAIL_CHECK("left: " << line);
}

TEST_CASE("a runtime killed in the middle of its work has done it, or it is done again", "[edge][runtime][crash]") {
  NEEDS_CONTAINERS();
  if (find_program("runc").empty()) return;
  TempDir temp;
  // Does as runc does; where a file says so, it is killed after so many seconds of it.
  std::string wrapper = temp.path() + "/runc";
  REQUIRE_OK(write_file(wrapper,
                        "#!/bin/sh\n"
                        "for word in \"$@\"; do case $word in create|start|delete) verb=$word; break;; esac; done\n"
                        "order=" + temp.path() + "/kill-$verb\n"
                        "[ -n \"$verb\" ] && [ -e \"$order\" ] || exec " + find_program("runc") + " \"$@\"\n"
                        "delay=$(cat $order); rm $order\n" + find_program("runc") + " \"$@\" &\n"
                        "sleep $delay; kill -9 $! 2>/dev/null; kill -9 $$\n",
                        0755));
  EdgeNode node({wrapper, 0, 0});
  int number = 0;
  for (const char* verb : {"create", "start", "delete"}) {
    for (const char* delay : {"0.001", "0.01", "0.02", "0.04"}) {
      INFO(verb << " killed after " << delay << " s");
      std::string uid = node.make_pod();
      ContainerSpec spec = node.container(uid, "echo start; exec sleep 1000");
      REQUIRE_OK(write_file(temp.path() + "/kill-" + verb, delay, 0644));
      auto first = node.runtime().start(spec);
      if (!first.ok()) {
        // kFailed where one of the runtime's own children still found a word to say.
        INFO(first.error().message);
        // kTimeout where that child kept the answer's pipe open.
        bool expected = first.error().code == ErrorCode::kUnavailable || first.error().code == ErrorCode::kFailed ||
                        first.error().code == ErrorCode::kTimeout;
        CHECK(expected);
        auto second = node.runtime().start(spec);
        REQUIRE_OK(second);
      }
      CHECK(node.runtime().status(spec.key).value().status.state == State::kRunning);
      CHECK(cgroup_processes(node.paths().container_cgroup(spec.key)).size() == 1);
      node.remove_pod(uid);
      for (const std::string& line : leftovers(node.paths(), uid)) FAIL_CHECK("left: " << line);
      ++number;
    }
  }
  CHECK(number == 12);
}

TEST_CASE("a start that is under way when its agent is killed is not done twice", "[edge][runtime][crash]") {
  NEEDS_CONTAINERS();
  if (find_program("runc").empty()) return;
  TempDir temp;
  std::string wrapper = temp.path() + "/runc", starts = temp.path() + "/starts";
  REQUIRE_OK(write_file(wrapper,
                        "#!/bin/sh\n"
                        "[ \"$3\" != start ] || { echo start >>" + starts + "; sleep 0.3; }\n"
                        "exec " + find_program("runc") + " \"$@\"\n",
                        0755));
  EdgeNode node({wrapper, 0, 0});
  std::string uid = node.make_pod();
  ContainerSpec spec = node.container(uid, "echo start; exec sleep 1000");
  pid_t agent = fork();
  if (agent == 0) {
    (void)node.runtime().start(spec);
    _exit(0);
  }
  REQUIRE(eventually([&] { return path_exists(starts); }));
  REQUIRE(::kill(agent, SIGKILL) == 0);
  REQUIRE(waitpid(agent, nullptr, 0) == agent);
  auto next = node.reopen();
  auto second = next->start(spec);
  REQUIRE_OK(second);
  CHECK(second->status.state == State::kRunning);
  CHECK(read_file(starts).value() == "start\n");
  CHECK(eventually([&] { return log_text(*next, spec.key) == "start\n"; }));
  node.remove_pod(uid);
  for (const std::string& line : leftovers(node.paths(), uid)) FAIL_CHECK("left: " << line);
}

TEST_CASE("a container that was not let go is never seen to have ended", "[edge][runtime][crash]") {
  NEEDS_CONTAINERS();
  if (find_program("runc").empty()) return;
  TempDir temp;
  std::string wrapper = temp.path() + "/runc";
  REQUIRE_OK(write_file(wrapper,
                        "#!/bin/sh\n"
                        "[ \"$3\" != start ] || exit 1\n"
                        "exec " + find_program("runc") + " \"$@\"\n",
                        0755));
  EdgeNode node({wrapper, 0, 0});
  auto other = node.reopen();
  for (int round = 0; round < 5; ++round) {
    std::string uid = node.make_pod();
    ContainerSpec spec = node.container(uid, "exec sleep 1000");
    std::atomic<bool> over{false};
    int looks = 0, ends = 0;
    std::thread looking([&] {
      for (; !over.load(); ++looks) {
        auto status = other->status(spec.key);
        ends += status.ok() && status->status.state == State::kExited ? 1 : 0;
      }
    });
    auto started = node.runtime().start(spec);
    over.store(true);
    looking.join();
    CHECK_FALSE(started.ok());
    CHECK(looks > 10);
    CHECK(ends == 0);
    node.remove_pod(uid);
  }
}
