// The life of a pod: init containers, sidecars, hooks, probes, ends. Each rule of Kubernetes as a literal, over a
// simulated node in virtual time.
#include <catch2/catch.hpp>

#include "schema/base/crypto.h"
#include "tests/nodeagent/agent_bench.h"

namespace mainstay {

using namespace test;  // NOLINT: the bench

namespace {

using Log = std::vector<std::string>;

const ContainerStatus& app(Bench& bench, size_t i = 0) { return bench.status("p").container_statuses.at(i); }
const ContainerStatus& init(Bench& bench, size_t i = 0) { return bench.status("p").init_container_statuses.at(i); }
std::string waiting(const ContainerStatus& status) { return status.state.waiting ? status.state.waiting->reason : ""; }

const std::string kTwoInits = R"(
  initContainers: [{name: one, image: i}, {name: two, image: i}]
  containers: [{name: web, image: i}]
)";
const std::string kSidecar = R"(
  initContainers:
    - {name: proxy, image: i, restartPolicy: Always,
       startupProbe: {tcpSocket: {port: 1}, periodSeconds: 1, failureThreshold: 99}}
    - {name: prepare, image: i}
  containers: [{name: web, image: i}]
)";

}  // namespace

TEST_CASE("init containers run one after another, then the others") {
  Bench bench;
  ObjectPtr pod = living_pod(kTwoInits, "mainstay/simulated-init-run-time: 10s");
  bench.assign({pod});
  bench.run(5s);
  CHECK(bench.word(pod) == "Init:0/2");
  CHECK(bench.status("p").phase == "Pending");
  CHECK(waiting(app(bench)) == "PodInitializing");
  CHECK(waiting(init(bench, 1)) == "PodInitializing");
  CHECK(condition(bench.status("p"), "Initialized") == "False");
  CHECK(reason_of(bench.status("p"), "Initialized") == "ContainersNotInitialized");
  CHECK(condition(bench.status("p"), "PodReadyToStartContainers") == "True");
  CHECK(condition(bench.status("p"), "PodScheduled") == "True");  // it came with its node's name
  bench.run(10s);
  CHECK(bench.word(pod) == "Init:1/2");
  CHECK(init(bench, 0).ready);
  REQUIRE(init(bench, 0).state.terminated);
  CHECK(init(bench, 0).state.terminated->reason == "Completed");
  bench.run(10s);
  CHECK(bench.word(pod) == "Running");
  CHECK(condition(bench.status("p"), "Initialized") == "True");
  CHECK(bench.log == Log{"set up", "start one.0", "start two.0", "start web.0"});
  CHECK(app(bench).started == true);
  CHECK(init(bench, 0).started == false);
}

TEST_CASE("an init container that fails is run again, ever more slowly, and the pod with it only if it may be") {
  const std::string fails = "mainstay/simulated-init-exit-code: \"3\"";
  Bench bench;
  SECTION("Always and OnFailure") {
    for (const char* policy : {"Always", "OnFailure"}) {
      Bench one;
      ObjectPtr pod = living_pod(kTwoInits + "  restartPolicy: " + policy + "\n", fails);
      one.assign({pod});
      one.run(5s);
      CHECK(one.word(pod) == "Init:CrashLoopBackOff");
      CHECK(one.status("p").phase == "Pending");
      REQUIRE(init(one).last_state.terminated);
      CHECK(init(one).last_state.terminated->exit_code == 3);
      CHECK(init(one).restart_count == 1);
      one.run(10s);
      CHECK(init(one).restart_count == 2);
      CHECK_FALSE(one.has_logged("start two.0"));
    }
  }
  SECTION("Never") {
    ObjectPtr pod = living_pod(kTwoInits + "  restartPolicy: Never\n", fails);
    bench.assign({pod});
    bench.run(5s);
    CHECK(bench.status("p").phase == "Failed");
    CHECK(bench.word(pod) == "Init:Error");
    CHECK(waiting(app(bench)) == "PodInitializing");
    CHECK(bench.log == Log{"set up", "start one.0", "release"});
  }
}

TEST_CASE("a sidecar holds up what follows until it has started, and ends last") {
  Bench bench;
  bool started = false;
  bench.intercept = [&](const Operation& operation) -> std::optional<Bench::Outcome> {
    const auto* probe = std::get_if<RunProbe>(&operation.body);
    if (probe == nullptr || probe->kind != ProbeKind::kStartup) return std::nullopt;
    return ProbeResult{started, "", false, false};
  };
  ObjectPtr pod = living_pod(kSidecar);
  bench.assign({pod});
  bench.run(5s);
  CHECK(bench.log == Log{"set up", "start proxy.0"});
  CHECK(bench.word(pod) == "Init:0/2");
  CHECK(init(bench).started == false);
  started = true;
  bench.run(5s);
  CHECK(bench.log == Log{"set up", "start proxy.0", "start prepare.0", "start web.0"});
  CHECK(bench.word(pod) == "Running");
  CHECK(init(bench).started == true);
  CHECK(init(bench).ready);
  CHECK(condition(bench.status("p"), "Ready") == "True");
  SECTION("it is run again by itself, and nothing else with it") {
    bench.node.crash("uid-p", "proxy", 1, bench.now());
    bench.core->look_again();
    bench.step();
    bench.run(5s);
    CHECK(init(bench).restart_count == 1);
    CHECK(app(bench).restart_count == 0);
    CHECK(bench.status("p").phase == "Running");
    CHECK_FALSE(bench.has_logged("start prepare.1"));
  }
  SECTION("deletion") {
    bench.assign({deleted(pod, bench.now(), 30)});
    bench.run(10s);
    CHECK(bench.logged("stop web.0") < bench.logged("stop proxy.0"));
    CHECK(bench.logged("stop proxy.0") < bench.logged("tear down"));
    CHECK(bench.reports.at("uid-p").gone);
  }
}

TEST_CASE("a pod is done when its containers are: sidecars are ended then, in reverse, and their ends do not count") {
  const std::string spec = R"(
  restartPolicy: Never
  initContainers: [{name: first, image: i, restartPolicy: Always}, {name: second, image: i, restartPolicy: Always}]
  containers: [{name: job, image: i}]
)";
  for (const char* code : {"0", "7"}) {
    Bench bench;
    ObjectPtr pod = living_pod(spec, "mainstay/simulated-run-time: 2s, mainstay/simulated-exit-code: \"" + std::string(code) + "\"");
    bench.assign({pod});
    bench.run(10s);
    bool good = std::string(code) == "0";
    CHECK(bench.status("p").phase == (good ? "Succeeded" : "Failed"));
    CHECK(bench.word(pod) == (good ? "Completed" : "Error"));
    CHECK(reason_of(bench.status("p"), "Ready") == (good ? "PodCompleted" : "PodFailed"));
    CHECK(bench.log == Log{"set up", "start first.0", "start second.0", "start job.0", "stop second.0", "stop first.0", "release"});
    CHECK(init(bench).state.terminated->exit_code == 143);
  }
}

TEST_CASE("a sidecar is run again in a pod that never is") {
  Bench bench;
  bench.assign({living_pod("  restartPolicy: Never\n  initContainers: [{name: s, image: i, restartPolicy: Always}]\n"
                         "  containers: [{name: web, image: i}]\n")});
  bench.run(3s);
  bench.node.crash("uid-p", "s", 1, bench.now());
  bench.core->look_again();
  bench.step();
  bench.run(3s);
  CHECK(bench.has_logged("start s.1"));
  CHECK(bench.status("p").phase == "Running");
}

TEST_CASE("a startup probe goes before the others; one that fails for good ends the container") {
  Bench bench;
  ObjectPtr pod = living_pod(R"(
  containers:
    - name: web
      image: i
      startupProbe: {tcpSocket: {port: 1}, periodSeconds: 2, failureThreshold: 3, terminationGracePeriodSeconds: 7}
      readinessProbe: {tcpSocket: {port: 1}, periodSeconds: 1}
      livenessProbe: {tcpSocket: {port: 1}, periodSeconds: 1}
)", "mainstay/simulated-unstarted: \"true\", mainstay/simulated-stop-delay: never");
  std::vector<ProbeKind> kinds;
  bench.intercept = [&](const Operation& operation) -> std::optional<Bench::Outcome> {
    if (const auto* probe = std::get_if<RunProbe>(&operation.body)) kinds.push_back(probe->kind);
    return std::nullopt;
  };
  bench.assign({pod});
  bench.run(3s);
  CHECK(app(bench).started == false);
  CHECK_FALSE(app(bench).ready);
  CHECK(bench.status("p").phase == "Running");
  bench.run(3s);
  CHECK(bench.has_logged("stop web.0"));
  CHECK_FALSE(bench.has_logged("kill web.0"));
  CHECK(bench.event_message("Killing") == "Container web failed startup probe, will be restarted");
  CHECK(bench.event_message("Unhealthy") == "Startup probe failed: the simulation says so");
  bench.run(7s);
  CHECK(bench.has_logged("kill web.0"));
  CHECK(bench.has_logged("start web.1"));
  CHECK(std::count(kinds.begin(), kinds.end(), ProbeKind::kStartup) == static_cast<long>(kinds.size()));
}

TEST_CASE("thresholds of probes") {
  Probe probe;
  probe.period_seconds = 5;
  probe.initial_delay_seconds = 3;
  probe.success_threshold = 2;
  probe.failure_threshold = 3;
  MonoTime now{100s};
  ProbeState state = start_probe(ProbeKind::kReadiness, probe, now);
  CHECK(state.due == now + 3s);
  auto say = [&](bool success) { take_result(state, ProbeKind::kReadiness, probe, {success, "", false, false}, state.due); };
  say(true);
  CHECK_FALSE(state.passed);
  CHECK(state.due == now + 8s);
  say(true);
  CHECK(state.passed);
  say(false);
  say(false);
  CHECK(state.passed);
  say(false);
  CHECK_FALSE(state.passed);
  CHECK_FALSE(state.failed_for_good);
  say(true);
  CHECK_FALSE(state.passed);
  ProbeState live = start_probe(ProbeKind::kLiveness, probe, now);
  CHECK(live.passed);
  for (int i = 0; i < 3; ++i) take_result(live, ProbeKind::kLiveness, probe, {false, "", false, false}, live.due);
  CHECK(live.failed_for_good);
}

TEST_CASE("where probes and hooks go") {
  Container container;
  container.ports.push_back({"http", 0, 8080, "TCP", ""});
  Probe probe;
  probe.http_get.ensure().port = IntOrString(std::string("http"));
  probe.http_get->scheme = "HTTPS";
  probe.http_get->http_headers = {{"Host", "example.org"}};
  probe.timeout_seconds = 4;
  auto target = probe_target(probe, container, "10.0.0.9");
  REQUIRE(target);
  CHECK(target->port == 8080);
  CHECK(target->https);
  CHECK(target->host == "10.0.0.9");
  CHECK(target->path == "/");
  CHECK(target->timeout == 4s);
  probe.http_get->port = IntOrString(std::string("9090"));
  CHECK(probe_target(probe, container, "10.0.0.9")->port == 9090);
  probe.http_get->port = IntOrString(std::string("absent"));
  CHECK_FALSE(probe_target(probe, container, "10.0.0.9"));
  Probe grpc;
  grpc.grpc.ensure().port = 5000;
  grpc.grpc->service = "s";
  CHECK(probe_target(grpc, container, "10.0.0.9")->kind == ProbeTarget::Kind::kGrpc);
  LifecycleHandler hook;
  hook.tcp_socket.ensure().port = IntOrString(80);
  hook.tcp_socket->host = "192.0.2.3";
  CHECK(hook_target(hook, container, "10.0.0.9", 5s)->host == "192.0.2.3");
}

TEST_CASE("liveness: the probe's own grace, and the words") {
  Bench bench;
  bench.assign({living_pod(R"(
  restartPolicy: Never
  containers:
    - {name: web, image: i, livenessProbe: {tcpSocket: {port: 1}, periodSeconds: 1, failureThreshold: 1,
                                            terminationGracePeriodSeconds: 5}}
)", "mainstay/simulated-unhealthy: \"true\", mainstay/simulated-stop-delay: never")});
  bench.run(4s);
  CHECK(bench.event_message("Killing") == "Container web failed liveness probe");
  CHECK_FALSE(bench.has_logged("kill web.0"));
  bench.run(3s);
  CHECK(bench.has_logged("kill web.0"));
  CHECK(bench.status("p").phase == "Failed");
  CHECK(app(bench).state.terminated->exit_code == 137);
}

TEST_CASE("postStart: the container is not running, and the next does not start, before it is done") {
  Bench bench;
  const std::string spec = R"(
  containers:
    - {name: web, image: i, lifecycle: {postStart: {sleep: {seconds: 5}}}}
    - {name: log, image: i}
)";
  bench.assign({living_pod(spec)});
  bench.run(3s);
  CHECK(waiting(app(bench)) == "ContainerCreating");
  CHECK(app(bench).started == false);
  CHECK(bench.status("p").phase == "Pending");
  CHECK_FALSE(bench.has_logged("start log.0"));
  bench.run(4s);
  CHECK(bench.has_logged("start log.0"));
  CHECK(bench.status("p").phase == "Running");
  CHECK(condition(bench.status("p"), "Ready") == "True");
}

TEST_CASE("a postStart hook that fails ends the container") {
  Bench bench;
  bench.assign({living_pod("  containers: [{name: web, image: i, lifecycle: {postStart: {exec: {command: [a]}}}}]\n",
                         "mainstay/simulated-hook-failure: \"true\"")});
  bench.run(5s);
  CHECK(bench.event_message("FailedPostStartHook") == "PostStartHook failed");
  CHECK(bench.has_logged("hook web.0"));
  CHECK(bench.has_logged("stop web.0"));
  CHECK(bench.has_logged("start web.1"));
  CHECK(waiting(app(bench)) == "CrashLoopBackOff");
}

TEST_CASE("preStop comes before the signal, within the grace; two seconds remain when it has used it up") {
  Bench bench;
  SECTION("a short one") {
    ObjectPtr pod = living_pod("  containers: [{name: web, image: i, lifecycle: {preStop: {sleep: {seconds: 8}}}}]\n",
                             "mainstay/simulated-stop-delay: never");
    bench.assign({pod});
    bench.run(3s);
    bench.assign({deleted(pod, bench.now(), 20)});
    bench.run(7s);
    CHECK_FALSE(bench.has_logged("stop web.0"));
    bench.run(2s);
    CHECK(bench.has_logged("stop web.0"));
    bench.run(10s);
    CHECK_FALSE(bench.has_logged("kill web.0"));
    bench.run(2s);
    CHECK(bench.has_logged("kill web.0"));
  }
  SECTION("a long one") {
    ObjectPtr pod = living_pod("  containers: [{name: web, image: i, lifecycle: {preStop: {sleep: {seconds: 30}}}}]\n",
                             "mainstay/simulated-stop-delay: never");
    bench.assign({pod});
    bench.run(3s);
    bench.assign({deleted(pod, bench.now(), 5)});
    bench.run(4900ms);
    CHECK_FALSE(bench.has_logged("stop web.0"));
    bench.run(1s);
    CHECK(bench.has_logged("stop web.0"));
    CHECK_FALSE(bench.has_logged("kill web.0"));
    bench.run(1500ms);
    CHECK(bench.has_logged("kill web.0"));
  }
  SECTION("one that fails holds nothing up") {
    ObjectPtr pod = living_pod("  containers: [{name: web, image: i, lifecycle: {preStop: {exec: {command: [a]}}}}]\n",
                             "mainstay/simulated-hook-failure: \"true\"");
    bench.assign({pod});
    bench.run(3s);
    bench.assign({deleted(pod, bench.now(), 30)});
    bench.run(2s);
    CHECK(bench.event_message("FailedPreStopHook") == "PreStopHook failed");
    CHECK(bench.logged("hook web.0") < bench.logged("stop web.0"));
    CHECK(bench.reports.at("uid-p").gone);
  }
}

TEST_CASE("a second deletion shortens the grace, and never lengthens it") {
  Bench bench;
  ObjectPtr pod = living_pod("  containers: [{name: web, image: i}]\n", "mainstay/simulated-stop-delay: never");
  bench.assign({pod});
  bench.run(3s);
  bench.assign({deleted(pod, bench.now(), 100)});
  bench.run(5s);
  bench.assign({deleted(pod, bench.now(), 5)});
  bench.run(1s);
  bench.assign({deleted(pod, bench.now(), 500)});
  bench.run(6s);
  CHECK(bench.has_logged("kill web.0"));
}

TEST_CASE("readiness gates") {
  Bench bench;
  ObjectPtr pod = living_pod("  readinessGates: [{conditionType: example.org/ok}]\n  containers: [{name: web, image: i}]\n");
  bench.assign({pod});
  bench.run(3s);
  CHECK(condition(bench.status("p"), "ContainersReady") == "True");
  CHECK(condition(bench.status("p"), "Ready") == "False");
  CHECK(reason_of(bench.status("p"), "Ready") == "ReadinessGatesNotReady");
  auto open = std::make_shared<Object>(*pod);
  PodCondition gate;
  gate.type = "example.org/ok";
  gate.status = "True";
  as<Pod>(*open).status.conditions = {gate};
  bench.assign({open});
  bench.run(1s);
  CHECK(condition(bench.status("p"), "Ready") == "True");
}

TEST_CASE("a pod past its deadline fails once its containers have ended") {
  Bench bench;
  ObjectPtr pod = living_pod("  activeDeadlineSeconds: 10\n  terminationGracePeriodSeconds: 5\n  containers: [{name: web, image: i}]\n",
                           "mainstay/simulated-stop-delay: never");
  bench.assign({pod});
  bench.run(12s);
  CHECK(bench.status("p").phase == "Running");
  bench.run(5s);
  CHECK(bench.status("p").phase == "Failed");
  CHECK(bench.status("p").reason == "DeadlineExceeded");
  CHECK(bench.status("p").message == "Pod was active on the node longer than the specified deadline");
  CHECK(bench.log.back() == "release");
  bench.run(60s);
  CHECK(bench.log.back() == "release");
  bench.assign({deleted(pod, bench.now(), 30)});
  bench.run(3s);
  CHECK(bench.reports.at("uid-p").gone);
  CHECK(bench.status("p").phase == "Failed");
}

TEST_CASE("a pod that the node cannot keep is evicted") {
  Bench bench;
  ObjectPtr pod = living_pod("  containers: [{name: web, image: i}]\n");
  bench.assign({pod});
  bench.run(3s);
  bench.step({EvictPod{"uid-p", "Evicted", "The node was low on resource: memory.", 0s}});
  bench.run(3s);
  CHECK(bench.status("p").phase == "Failed");
  CHECK(bench.status("p").reason == "Evicted");
}

TEST_CASE("a new image in place restarts that container alone, at once") {
  Bench bench;
  ObjectPtr pod = living_pod("  restartPolicy: Never\n  containers: [{name: web, image: \"a:1\"}, {name: log, image: \"b:1\"}]\n");
  bench.assign({pod});
  bench.run(3s);
  auto next = std::make_shared<Object>(*pod);
  as<Pod>(*next).spec.containers[0].image = "a:2";
  bench.assign({next});
  bench.run(3s);
  CHECK(bench.event_message("Killing") == "Container web definition changed, will be restarted");
  CHECK(app(bench, 0).restart_count == 1);
  CHECK(app(bench, 0).state.running);
  CHECK(app(bench, 0).image_id == "docker.io/library/a@sha256:" + hex(sha256("a:2")));
  CHECK(app(bench, 1).restart_count == 0);
  CHECK(bench.status("p").phase == "Running");
}

TEST_CASE("a container that cannot be run has ended with 128") {
  auto refuse = [](const Operation& operation) -> std::optional<Bench::Outcome> {
    if (!std::holds_alternative<StartContainer>(operation.body)) return std::nullopt;
    return error(ErrorCode::kFailed, "exec: \"nope\": executable file not found in $PATH");
  };
  SECTION("Never") {
    Bench bench;
    bench.intercept = refuse;
    ObjectPtr pod = living_pod("  restartPolicy: Never\n  containers: [{name: web, image: i}]\n");
    bench.assign({pod});
    bench.run(3s);
    CHECK(bench.status("p").phase == "Failed");
    REQUIRE(app(bench).state.terminated);
    CHECK(app(bench).state.terminated->exit_code == 128);
    CHECK(app(bench).state.terminated->reason == "StartError");
    CHECK(bench.word(pod) == "StartError");
  }
  SECTION("Always") {
    Bench bench;
    bench.intercept = refuse;
    bench.assign({living_pod("  containers: [{name: web, image: i}]\n")});
    bench.run(5s);
    CHECK(waiting(app(bench)) == "CrashLoopBackOff");
    CHECK(app(bench).restart_count == 1);
    CHECK(app(bench).last_state.terminated->exit_code == 128);
  }
  SECTION("what is only ill is tried again as the same attempt") {
    Bench bench;
    int failures = 2;
    bench.intercept = [&](const Operation& operation) -> std::optional<Bench::Outcome> {
      if (!std::holds_alternative<StartContainer>(operation.body) || failures-- <= 0) return std::nullopt;
      return error(ErrorCode::kTimeout, "the runtime did not answer");
    };
    bench.assign({living_pod("  restartPolicy: Never\n  containers: [{name: web, image: i}]\n")});
    bench.run(3s);
    CHECK(waiting(app(bench)) == "CreateContainerError");
    bench.run(25s);
    CHECK(bench.status("p").phase == "Running");
    CHECK(app(bench).restart_count == 0);
  }
}

TEST_CASE("what was done is said once, and again in a whole report") {
  Bench bench;
  ObjectPtr pod = living_pod("  containers: [{name: web, image: i}]\n");
  bench.assign({pod});
  bench.run(3s);
  bench.assign({deleted(pod, bench.now(), 30)});
  bench.run(3s);
  REQUIRE(bench.reports.at("uid-p").gone);
  bench.reports.clear();
  bench.run(100s);
  CHECK(bench.reports.empty());
  NodeReport whole = bench.core->take_report(true);
  REQUIRE(whole.pods.size() == 1);
  CHECK(whole.pods[0].gone);
  bench.assign({});
  bench.run(1s);
  CHECK(bench.core->pods().empty());
}

TEST_CASE("termination messages share what a pod may say") {
  Bench bench;
  bench.intercept = [&](const Operation& operation) -> std::optional<Bench::Outcome> {
    const auto* start = std::get_if<StartContainer>(&operation.body);
    if (start == nullptr) return std::nullopt;
    RuntimeContainer ended;
    ended.key = start->spec.key;
    ended.id = "x";
    ended.status.state = ProcessStatus::State::kExited;
    ended.status.exit_code = 1;
    ended.status.oom_killed = ended.key.container == "c0";
    ended.status.started_at = ended.status.finished_at = bench.now().wall;
    ended.status.message = std::string(4096, 'm');
    return ended;
  };
  std::string spec = "  restartPolicy: Never\n  containers:\n";
  for (int i = 0; i < 6; ++i) spec += "    - {name: c" + std::to_string(i) + ", image: i}\n";
  bench.assign({living_pod(spec)});
  bench.run(5s);
  REQUIRE(bench.status("p").phase == "Failed");
  CHECK(app(bench, 0).state.terminated->message.size() == 2048);
  CHECK(app(bench, 0).state.terminated->reason == "OOMKilled");
  CHECK(app(bench, 1).state.terminated->reason == "Error");
}

TEST_CASE("images: never pulled, and back-off in Kubernetes' words") {
  Bench bench;
  bench.intercept = [](const Operation& operation) -> std::optional<Bench::Outcome> {
    if (!std::holds_alternative<EnsureImage>(operation.body)) return std::nullopt;
    return error(ErrorCode::kNotFound, "ErrImageNeverPull: it is not here");
  };
  bench.assign({living_pod("  containers: [{name: web, image: \"i:1\", imagePullPolicy: Never}]\n")});
  bench.run(30s);
  CHECK(waiting(app(bench)) == "ErrImageNeverPull");
  CHECK(app(bench).state.waiting->message == "Container image \"i:1\" is not present with pull policy of Never");
}

}  // namespace mainstay
