// The life of a pod with real containers: init containers, sidecars, hooks, probes, last words, shared processes.
#include <signal.h>

#include <catch2/catch.hpp>
#include <cstdlib>

#include "nodeagent/disk.h"
#include "nodeagent/pod_status.h"
#include "schema/base/clock.h"
#include "tests/nodeagent/agent_bench.h"
#include "tests/nodeagent/real_bench.h"

using namespace mainstay;
using namespace mainstay::test;
using State = ProcessStatus::State;

namespace {

// A pod with the node's network and the bench's directory at /shared. `body`: below `spec:`.
ObjectPtr real_pod(RealBench& bench, const std::string& body) {
  return pod_of("apiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: d}\nspec:\n  hostNetwork: true\n" +
                ("  volumes: [{name: s, hostPath: {path: " + bench.shared() + "}}]\n") + body);
}

// `- {name: NAME, image: i, ..., command: [sh, -c, SCRIPT]}`
std::string container(const std::string& name, const std::string& script, const std::string& more = "") {
  return "    - {name: " + name + ", image: i, volumeMounts: [{name: s, mountPath: /shared}], command: [sh, -c, \"" +
         script + "\"]" + (more.empty() ? "" : ", " + more) + "}\n";
}

std::string text_of(RealBench& bench, const std::string& name) {
  auto text = read_file(bench.shared() + "/" + name);
  return text.ok() ? *text : "";
}

constexpr const char* kWait = "trap 'exit 0' TERM; while :; do sleep 0.1; done";

}  // namespace

TEST_CASE("real: init containers, a sidecar with a startup probe, the container, and the end in reverse", "[edge][pod]") {
  NEEDS_CONTAINERS();
  RealBench bench;
  std::string sidecar = "trap 'echo sidecar-ends >>/shared/log; exit 0' TERM; echo sidecar >>/shared/log; sleep 0.5; "
                        "touch /shared/up; while :; do sleep 0.1; done";
  ObjectPtr pod = real_pod(
      bench, "  restartPolicy: Never\n  initContainers:\n" +
                 container("first", "echo first >>/shared/log") +
                 container("proxy", sidecar, "restartPolicy: Always, startupProbe: {exec: {command: [ls, /shared/up]}, "
                                             "periodSeconds: 1, failureThreshold: 30}") +
                 container("second", "ls /shared/up && echo second >>/shared/log") + "  containers:\n" +
                 container("job", "echo job >>/shared/log; sleep 0.5; echo job-ends >>/shared/log"));
  bench.assign({pod});
  CHECK(bench.until([&] { return bench.status("p").phase == "Succeeded"; }));
  CHECK(text_of(bench, "log") == "first\nsidecar\nsecond\njob\njob-ends\nsidecar-ends\n");
  CHECK(bench.status("p").init_container_statuses.at(0).state.terminated->reason == "Completed");
  CHECK(bench.status("p").container_statuses.at(0).state.terminated->exit_code == 0);
}

TEST_CASE("real: postStart runs beside the container, preStop before its signal, within the grace", "[edge][pod]") {
  NEEDS_CONTAINERS();
  RealBench bench;
  ObjectPtr pod = real_pod(
      bench, "  terminationGracePeriodSeconds: 20\n  containers:\n" +
                 container("web", "trap 'echo term >>/shared/log; exit 0' TERM; while :; do sleep 0.1; done",
                           "lifecycle: {postStart: {exec: {command: [sh, -c, 'echo begun >>/shared/log']}}, preStop: {exec: "
                           "{command: [sh, -c, 'sleep 0.3; echo before >>/shared/log']}}}"));
  bench.assign({pod});
  CHECK(bench.until([&] { return condition(bench.status("p"), "Ready") == "True"; }));
  CHECK(text_of(bench, "log") == "begun\n");
  bench.assign({deleted(pod, read_clock(), 20)});
  CHECK(bench.until([&] { return bench.gone("p"); }));
  CHECK(text_of(bench, "log") == "begun\nbefore\nterm\n");
}

TEST_CASE("real: a failing postStart ends the container; a failing preStop is said and no more", "[edge][pod]") {
  NEEDS_CONTAINERS();
  RealBench bench;
  ObjectPtr pod = real_pod(bench, "  restartPolicy: Never\n  containers:\n" +
                                      container("web", kWait, "lifecycle: {postStart: {exec: {command: [sh, -c, 'exit 7']}}, "
                                                              "preStop: {exec: {command: [nothing]}}}"));
  bench.assign({pod});
  CHECK(bench.until([&] { return bench.status("p").phase != "" && is_end(bench.status("p").phase); }));
  CHECK(bench.event_message("FailedPostStartHook") == "PostStartHook failed");
  CHECK(bench.event_message("FailedPreStopHook") == "PreStopHook failed");
}

TEST_CASE("real: readiness follows its probe, liveness kills", "[edge][pod]") {
  NEEDS_CONTAINERS();
  RealBench bench;
  ObjectPtr pod = real_pod(
      bench, "  containers:\n" +
                 container("web", kWait, "readinessProbe: {exec: {command: [ls, /shared/ready]}, periodSeconds: 1}, "
                                         "livenessProbe: {exec: {command: [sh, -c, '! ls /shared/sick']}, periodSeconds: 1, "
                                         "failureThreshold: 2}"));
  bench.assign({pod});
  CHECK(bench.until([&] { return bench.event_message("Unhealthy").starts_with("Readiness probe failed: "); }));
  CHECK(condition(bench.status("p"), "Ready") == "False");
  REQUIRE_OK(write_file(bench.shared() + "/ready", "", 0644));
  CHECK(bench.until([&] { return condition(bench.status("p"), "Ready") == "True"; }));
  REQUIRE_OK(write_file(bench.shared() + "/sick", "", 0644));
  CHECK(bench.until([&] { return bench.status("p").container_statuses.at(0).restart_count == 1; }));
  CHECK(bench.event_message("Killing") == "Container web failed liveness probe, will be restarted");
}

TEST_CASE("real: last words from their file, or from the end of the log", "[edge][pod]") {
  NEEDS_CONTAINERS();
  RealBench bench;
  ObjectPtr pod = real_pod(
      bench, "  restartPolicy: Never\n  containers:\n" +
                 container("file", "printf bye >/dev/termination-log; exit 3",
                           "terminationMessagePath: /dev/termination-log, securityContext: {runAsUser: 1234}") +
                 container("other", "printf elsewhere >/tmp/words", "terminationMessagePath: /tmp/words") +
                 container("log", "echo one; echo two; exit 4",
                           "terminationMessagePath: /dev/termination-log, terminationMessagePolicy: FallbackToLogsOnError") +
                 container("long", "head -c 9000 /dev/zero | tr '\\\\0' x >/dev/termination-log",
                           "terminationMessagePath: /dev/termination-log") +
                 container("quiet", "echo fine",
                           "terminationMessagePath: /dev/termination-log, terminationMessagePolicy: FallbackToLogsOnError"));
  bench.assign({pod});
  CHECK(bench.until([&] { return bench.status("p").phase == "Failed"; }));
  const auto& statuses = bench.status("p").container_statuses;
  auto message = [&](size_t i) { return statuses.at(i).state.terminated ? statuses[i].state.terminated->message : "?"; };
  CHECK(message(0) == "bye");
  CHECK(statuses.at(0).state.terminated->exit_code == 3);
  CHECK(message(1) == "elsewhere");
  CHECK(message(2) == "one\ntwo\n");
  CHECK(message(3).size() == 12 * 1024 / 5);
  CHECK(message(4).empty());
}

TEST_CASE("real: a command that is not there has ended with 128", "[edge][pod]") {
  NEEDS_CONTAINERS();
  RealBench bench;
  bench.assign({real_pod(bench, "  restartPolicy: Never\n  containers: [{name: web, image: i, command: [/nope]}]\n")});
  CHECK(bench.until([&] { return bench.status("p").phase == "Failed"; }));
  const ContainerStatus& web = bench.status("p").container_statuses.at(0);
  REQUIRE(web.state.terminated);
  CHECK(web.state.terminated->exit_code == 128);
  CHECK(web.state.terminated->reason == "StartError");
  CHECK(web.state.terminated->message.find("/nope") != std::string::npos);
}

TEST_CASE("real: containers that share their processes see each other, and leave none behind", "[edge][pod]") {
  NEEDS_CONTAINERS();
  RealBench bench;
  std::string look = "sleep 0.3; cat /proc/[0-9]*/cmdline | tr '\\\\0' ' ' >/shared/seen; cat /proc/1/cmdline | tr '\\\\0' ' ' "
                     ">/shared/first";
  ObjectPtr pod = real_pod(bench, "  restartPolicy: Never\n  shareProcessNamespace: true\n  containers:\n" +
                                      container("web", "sleep 4321 & while [ ! -s /shared/first ]; do sleep 0.1; done") +
                                      container("watch", look));
  bench.assign({pod});
  CHECK(bench.until([&] { return bench.status("p").phase == "Succeeded"; }));
  CHECK(text_of(bench, "seen").find("sleep 4321") != std::string::npos);
  CHECK(text_of(bench, "first") == "/pause infinity ");
  bool left = eventually([&] {
    auto uids = list_dir("/proc");
    REQUIRE_OK(uids);
    for (const std::string& pid : *uids) {
      auto line = read_file("/proc/" + pid + "/cmdline", 4096);
      if (line.ok() && line->find("4321") != std::string::npos && line->starts_with("sleep")) return false;
    }
    return true;
  });
  CHECK(left);
}

TEST_CASE("real: the first process of a shared namespace outlives its maker, and its loss is seen", "[edge][runtime]") {
  NEEDS_CONTAINERS();
  EdgeNode node;
  SandboxSpec spec;
  spec.uid = "pod-shared";
  spec.ns = "d";
  spec.name = "p";
  spec.host_network = true;
  spec.share_pid = true;
  REQUIRE_OK(node.runtime().make_sandbox(spec));
  auto record = read_file(node.paths().namespaces(spec.uid) + "/pause");
  REQUIRE_OK(record);
  auto again = node.reopen();
  REQUIRE_OK(again->make_sandbox(spec));
  auto same = read_file(node.paths().namespaces(spec.uid) + "/pause");
  REQUIRE_OK(same);
  CHECK(*record == *same);
  auto ready = [&] {
    auto list = again->list();
    return list.ok() && list->sandboxes.size() == 1 && list->sandboxes[0].ready;
  };
  CHECK(ready());
  REQUIRE(kill(static_cast<pid_t>(std::strtol(record->c_str(), nullptr, 10)), SIGKILL) == 0);
  CHECK(eventually([&] { return !ready(); }));
  REQUIRE_OK(again->make_sandbox(spec));
  CHECK(ready());
  REQUIRE_OK(again->remove_sandbox(spec.uid));
  CHECK_FALSE(path_exists(node.paths().namespaces(spec.uid)));
}
