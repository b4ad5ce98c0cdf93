// What the agent does with one pod, over a simulated node in virtual time.
#include <catch2/catch.hpp>

#include <map>

#include "nodeagent/agent_core.h"
#include "nodeagent/simulated_node.h"
#include "schema/decode.h"
#include "schema/diagnostics.h"
#include "schema/yaml.h"

namespace mainstay {
namespace {

ObjectPtr pod_of(const std::string& yaml) {
  Diagnostics diagnostics;
  std::vector<Document> documents = parse_yaml(yaml, diagnostics);
  std::optional<Object> object = decode_object(documents.at(0).root, {}, diagnostics);
  INFO(diagnostics.render());
  REQUIRE(object.has_value());
  object->meta.uid = "uid-" + object->meta.name;
  return std::make_shared<Object>(std::move(*object));
}

struct Bench {
  SimulatedNode node{"10.0.0"};
  std::unique_ptr<AgentCore> core;
  MonoTime mono{std::chrono::seconds{1000}};
  std::multimap<MonoTime, OperationResult> due;
  uint64_t number = 0;
  std::map<std::string, PodReport> reports;
  std::vector<AgentEvent> events;

  Bench() { core = make(AgentMemory{}); }
  std::unique_ptr<AgentCore> make(AgentMemory memory) {
    return std::make_unique<AgentCore>(NodeFacts{"n1", "192.0.2.1", 1 << 30, {}, {}}, "boot",
                                       std::move(memory));
  }
  Now now() const { return {WallTime{std::chrono::hours{400000}} + mono.since_start, mono}; }

  void step(std::vector<AgentInput> inputs = {}) {
    AgentActions actions = core->step(now(), std::move(inputs));
    for (Operation& operation : actions.operations) {
      SimulatedNode::Reply reply = node.carry_out(operation, now());
      due.emplace(reply.at, std::move(reply.result));
    }
    if (!actions.report_due) return;
    NodeReport report = core->take_report(false);
    for (PodReport& pod : report.pods) reports[pod.uid] = pod;
    events.insert(events.end(), report.events.begin(), report.events.end());
    core->step(now(), {ReportAcknowledged{report.sequence}});
  }
  // Lets virtual time pass, stopping wherever something is due.
  void run(Duration span) {
    MonoTime end = mono + span;
    for (int guard = 0; guard < 100000; ++guard) {
      MonoTime next = end;
      if (!due.empty()) next = std::min(next, due.begin()->first);
      if (auto wake = core->next_wake()) next = std::min(next, std::max(*wake, mono));
      if (auto ends = node.next_end()) next = std::min(next, *ends);
      bool last = next >= end;
      mono = std::max(mono, std::min(next, end));
      if (node.advance(now())) core->look_again();
      std::vector<AgentInput> inputs;
      while (!due.empty() && due.begin()->first <= mono) {
        inputs.emplace_back(std::move(due.begin()->second));
        due.erase(due.begin());
      }
      step(std::move(inputs));
      if (last && due.empty()) return;
      if (last && due.begin()->first > end) return;
    }
    FAIL("the agent never comes to rest");
  }
  void assign(std::vector<ObjectPtr> pods) {
    Assignment assignment;
    assignment.at = {1, ++number};
    assignment.node = "n1";
    assignment.pods = std::move(pods);
    step({assignment});
  }
  const PodStatus& status(const std::string& name) { return reports.at("uid-" + name).status; }
  bool has_event(const std::string& reason) const {
    return std::any_of(events.begin(), events.end(), [&](auto& event) { return event.reason == reason; });
  }
};

std::string condition(const PodStatus& status, const std::string& type) {
  for (const PodCondition& one : status.conditions) {
    if (one.type == type) return one.status;
  }
  return "";
}

const std::string kPod = R"(
apiVersion: v1
kind: Pod
metadata: {name: p, namespace: d}
spec:
  terminationGracePeriodSeconds: 30
  containers: [{name: c, image: "i:1", imagePullPolicy: IfNotPresent}]
)";

std::string with_annotation(std::string pod, const std::string& name, const std::string& value) {
  std::string marker = "namespace: d}";
  return pod.replace(pod.find(marker), marker.size(),
                     "namespace: d, annotations: {mainstay/simulated-" + name + ": \"" + value + "\"}}");
}

}  // namespace

TEST_CASE("a pod that is assigned runs and is ready") {
  Bench bench;
  bench.assign({pod_of(kPod)});
  bench.run(5s);
  CHECK(bench.status("p").phase == "Running");
  CHECK(condition(bench.status("p"), "Ready") == "True");
  CHECK(bench.status("p").pod_ip.starts_with("10.0.0."));
  CHECK(bench.has_event("Pulled"));
  CHECK(bench.has_event("Started"));
}

TEST_CASE("what runs is left alone until an assignment is known") {
  Bench bench;
  bench.assign({pod_of(kPod)});
  bench.run(5s);
  bench.core = bench.make(bench.core->memory(bench.now()));
  bench.due.clear();
  bench.run(100s);
  CHECK(bench.node.uids().count("uid-p") == 1);
  bench.assign({pod_of(kPod)});
  bench.run(5s);
  CHECK(bench.status("p").phase == "Running");
  CHECK(bench.status("p").container_statuses.at(0).restart_count == 0);
  SECTION("and a pod that nobody assigns any more goes") {
    bench.assign({});
    bench.run(60s);
    CHECK(bench.node.uids().empty());
  }
}

TEST_CASE("a container that ends is restarted, ever more slowly") {
  Bench bench;
  bench.assign({pod_of(with_annotation(kPod, "run-time", "1s"))});
  bench.run(3s);
  CHECK(bench.status("p").container_statuses.at(0).restart_count == 1);  // the first restart waits not at all
  bench.run(3s);
  REQUIRE(bench.status("p").container_statuses.at(0).state.waiting);
  CHECK(bench.status("p").container_statuses.at(0).state.waiting->reason == "CrashLoopBackOff");
  bench.run(10s);
  CHECK(bench.status("p").container_statuses.at(0).restart_count == 2);
  bench.run(600s);
  int restarts = bench.status("p").container_statuses.at(0).restart_count;
  CHECK(restarts >= 5);
  CHECK(restarts <= 8);
}

TEST_CASE("restart policies") {
  Bench bench;
  std::string never = kPod;
  never.replace(never.find("  terminationGrace"), 0, "  restartPolicy: Never\n");
  SECTION("Never, success") {
    bench.assign({pod_of(with_annotation(never, "run-time", "1s"))});
    bench.run(20s);
    CHECK(bench.status("p").phase == "Succeeded");
    CHECK(condition(bench.status("p"), "Ready") == "False");
  }
}

TEST_CASE("deletion: SIGTERM, then SIGKILL when the grace is over, then nothing is left") {
  for (const char* delay : {"1s", "never"}) {
    Bench bench;
    ObjectPtr pod = pod_of(with_annotation(kPod, "stop-delay", delay));
    bench.assign({pod});
    bench.run(5s);
    auto leaving = std::make_shared<Object>(*pod);
    leaving->meta.deletion_timestamp = bench.now().wall;
    leaving->meta.deletion_grace_period_seconds = 30;
    bench.assign({leaving});
    bench.run(10s);
    bool stubborn = std::string(delay) == "never";
    CHECK(bench.node.uids().count("uid-p") == (stubborn ? 1 : 0));
    bench.run(30s);
    CHECK(bench.node.uids().empty());
    CHECK(bench.reports.at("uid-p").gone);
    CHECK(bench.has_event("Killing"));
  }
}

TEST_CASE("probes: readiness decides Ready, liveness restarts") {
  std::string probe = "{httpGet: {port: 80}, periodSeconds: 1, failureThreshold: 3}";
  std::string pod = kPod;
  std::string marker = "imagePullPolicy: IfNotPresent";
  SECTION("readiness") {
    pod.replace(pod.find(marker), marker.size(), marker + ", readinessProbe: " + probe);
    Bench bench;
    bench.assign({pod_of(with_annotation(pod, "unready", "true"))});
    bench.run(10s);
    CHECK(bench.status("p").phase == "Running");
    CHECK(condition(bench.status("p"), "Ready") == "False");
    CHECK(bench.status("p").container_statuses.at(0).restart_count == 0);
    CHECK(bench.has_event("Unhealthy"));
  }
  SECTION("liveness") {
    pod.replace(pod.find(marker), marker.size(), marker + ", livenessProbe: " + probe);
    Bench bench;
    bench.assign({pod_of(with_annotation(pod, "unhealthy", "true"))});
    bench.run(8s);
    CHECK(bench.status("p").container_statuses.at(0).restart_count >= 1);
  }
}

TEST_CASE("an image that cannot be pulled is said and tried again") {
  Bench bench;
  bench.assign({pod_of(with_annotation(kPod, "pull-failure", "true"))});
  bench.run(2s);
  REQUIRE(bench.status("p").container_statuses.at(0).state.waiting);
  CHECK(bench.status("p").container_statuses.at(0).state.waiting->reason == "ErrImagePull");
  bench.run(15s);
  CHECK(bench.status("p").container_statuses.at(0).state.waiting->reason == "ImagePullBackOff");
  CHECK(bench.status("p").phase == "Pending");
}

TEST_CASE("a missing ConfigMap keeps the container waiting with Kubernetes' words") {
  Bench bench;
  std::string pod = kPod;
  std::string marker = "imagePullPolicy: IfNotPresent";
  pod.replace(pod.find(marker), marker.size(), marker + ", envFrom: [{configMapRef: {name: absent}}]");
  bench.assign({pod_of(pod)});
  bench.run(5s);
  REQUIRE(bench.status("p").container_statuses.at(0).state.waiting);
  CHECK(bench.status("p").container_statuses.at(0).state.waiting->reason == "CreateContainerConfigError");
  CHECK(bench.status("p").container_statuses.at(0).state.waiting->message ==
        "configmap \"absent\" not found");
}

TEST_CASE("variables are expanded as Kubernetes does") {
  std::map<std::string, std::string> variables = {{"A", "1"}, {"EMPTY", ""}};
  CHECK(expand_variables("$(A)", variables) == "1");
  CHECK(expand_variables("$$(A)", variables) == "$(A)");
  CHECK(expand_variables("$(B)", variables) == "$(B)");
  CHECK(expand_variables("$(EMPTY)x", variables) == "x");
  CHECK(expand_variables("$A $ $(A", variables) == "$A $ $(A");
}

TEST_CASE("OOM scores") {
  Container container;
  CHECK(oom_score_adj("Guaranteed", container, 1 << 30) == -997);
  CHECK(oom_score_adj("BestEffort", container, 1 << 30) == 1000);
  map_slot(container.resources.requests, "memory") = Quantity::of(1 << 29);
  CHECK(oom_score_adj("Burstable", container, 1 << 30) == 500);
}

}  // namespace mainstay
