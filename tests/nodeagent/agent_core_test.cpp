// What the agent does with one pod, over a simulated node in virtual time.
#include <catch2/catch.hpp>

#include "nodeagent/go_duration.h"
#include "nodeagent/images/reference.h"
#include "schema/base/crypto.h"
#include "tests/nodeagent/agent_bench.h"

namespace mainstay {

using namespace test;  // NOLINT: the bench

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

TEST_CASE("containers of a pod that was deleted while the agent was away go without a word about the node") {
  Bench bench;
  bench.assign({pod_of(kPod)});
  bench.run(5s);
  bench.restart();
  bench.events.clear();
  bench.assign({});
  bench.run(60s);
  CHECK(bench.node.uids().empty());
  CHECK(bench.events.empty());
}

TEST_CASE("every report that says an event again names the first that did") {
  Bench bench;
  bench.assign({pod_of(with_annotation(kPod, "run-time", "1s"))});
  bench.core->step(bench.now(), {AgentEvent{"", "n1", "", "", false, "Tested", ""}});
  auto since = [](const NodeReport& report) {
    for (const AgentEvent& event : report.events) {
      if (event.reason == "Tested") return event.since;
    }
    return uint64_t{0};
  };
  NodeReport first = bench.core->take_report(false), second = bench.core->take_report(false);
  CHECK(since(first) == first.sequence);
  CHECK(since(second) == first.sequence);
  CHECK(second.sequence > first.sequence);
  Result<NodeReport> read = decode_node_report(encode(second));
  REQUIRE(read.ok());
  CHECK(since(*read) == first.sequence);
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

TEST_CASE("a container's image is told as asked for and by its digest") {
  std::string digest = "sha256:" + std::string(64, 'a');
  for (const std::string& ref : {std::string("reg.example:5000/team/web:v1"), "reg.example:5000/team/web@" + digest}) {
    Bench bench;
    bench.assign({living_pod("  containers: [{name: c, image: '" + ref + "'}]\n")});
    bench.run(5s);
    const ContainerStatus& status = bench.status("p").container_statuses.at(0);
    CHECK(status.image == ref);
    CHECK(status.image_id == "reg.example:5000/team/web@sha256:" + hex(sha256(ref)));
  }
}

TEST_CASE("an image that cannot be pulled is said and tried again") {
  Bench bench;
  bench.assign({pod_of(with_annotation(kPod, "pull-failure", "true"))});
  bench.run(2s);
  REQUIRE(bench.status("p").container_statuses.at(0).state.waiting);
  CHECK(bench.status("p").container_statuses.at(0).state.waiting->reason == "ErrImagePull");
  CHECK(bench.has_event("Pulling"));
  CHECK(bench.has_event_saying("Failed", "Error: ErrImagePull"));
  bench.run(15s);
  CHECK(bench.status("p").container_statuses.at(0).state.waiting->reason == "ImagePullBackOff");
  CHECK(bench.has_event_saying("Failed", "Error: ImagePullBackOff"));
  CHECK(bench.status("p").phase == "Pending");
}

TEST_CASE("a pull is told when it begins, when it fails and when it is done, as the kubelet does") {
  Bench bench;
  uint64_t pull = 0;
  bench.intercept = [&](const Operation& operation) -> std::optional<Bench::Outcome> {
    if (!std::holds_alternative<EnsureImage>(operation.body)) return std::nullopt;
    pull = operation.id;
    return PullBegun{};
  };
  bench.assign({pod_of(kPod)});
  bench.run(2s);
  CHECK(bench.has_event_saying("Pulling", "Pulling image \"i:1\""));
  CHECK(bench.status("p").container_statuses.at(0).state.waiting->reason == "ContainerCreating");
  auto answer = [&](Bench::Outcome outcome) {
    bench.events.clear();
    bench.step({OperationResult{pull, "uid-p", std::move(outcome)}});
  };
  auto count = [&](const std::string& reason, const std::string& message) {
    return std::count_if(bench.events.begin(), bench.events.end(),
                         [&](auto& event) { return event.reason == reason && event.message == message; });
  };
  for (int failure = 0; failure < 2; ++failure) {
    answer(error(ErrorCode::kUnavailable, "no route"));
    CHECK_FALSE(bench.has_event("Pulling"));
    CHECK(count("Failed", "Failed to pull image \"i:1\": no route") == 1);
    CHECK(count("Failed", "Error: ErrImagePull") == 1);
    CHECK(count("BackOff", "Back-off pulling image \"i:1\"") == failure);
    CHECK(count("Failed", "Error: ImagePullBackOff") == failure);
    bench.run(25s);
    CHECK(count("Pulling", "Pulling image \"i:1\"") == 1);
  }
  CHECK(bench.status("p").container_statuses.at(0).state.waiting->message ==
        "Back-off pulling image \"i:1\": ErrImagePull: no route");
  bench.intercept = nullptr;
  ImageEnsured done;
  done.image.bytes = 123;
  done.pulled = true;
  done.took = 1200ms;
  MonoTime asked = bench.core->pods().at("uid-p").containers.at("c").image_asked;
  answer(done);
  CHECK(bench.event_message("Pulled") == "Successfully pulled image \"i:1\" in 1.2s (" +
                                             go_duration(bench.mono - asked) +
                                             " including waiting). Image size: 123 bytes.");
}

TEST_CASE("spans of time are printed as Go does") {
  CHECK(go_duration(0ms) == "0s");
  CHECK(go_duration(-5s) == "0s");
  CHECK(go_duration(120ms) == "120ms");
  CHECK(go_duration(1200ms) == "1.2s");
  CHECK(go_duration(40s) == "40s");
  CHECK(go_duration(160s) == "2m40s");
  CHECK(go_duration(300s) == "5m0s");
  CHECK(go_duration(1h + 50ms) == "1h0m0.05s");
}

TEST_CASE("a pull secret that is missing is told and keeps no pod from starting") {
  Bench bench;
  bench.assign({living_pod("  imagePullSecrets: [{name: gone}, {name: lost}]\n  containers: [{name: c, image: i}]\n")});
  bench.run(5s);
  CHECK(bench.has_event_saying("FailedToRetrieveImagePullSecret",
                               "Unable to retrieve some image pull secrets (gone, lost); attempting to pull the image "
                               "may not succeed."));
  CHECK(bench.status("p").phase == "Running");
}

TEST_CASE("only a name that is none is an invalid image name; an image that is refused could not be pulled") {
  auto told = [](const std::string& ref, const std::string& refusal, ErrorCode code = ErrorCode::kInvalid) {
    Bench bench;
    bench.intercept = [&](const Operation& operation) -> std::optional<Bench::Outcome> {
      if (!std::holds_alternative<EnsureImage>(operation.body)) return std::nullopt;
      return Bench::Outcome(error(code, refusal));
    };
    bench.assign({living_pod("  containers: [{name: c, image: '" + ref + "'}]\n")});
    bench.run(2s);
    const ContainerStateWaiting& state = *bench.status("p").container_statuses.at(0).state.waiting;
    CHECK(bench.has_event_saying("Failed", "Error: " + state.reason));
    return state.reason + ": " + state.message;
  };
  CHECK(told("web", "the image is for arm64") == "ErrImagePull: the image is for arm64");
  std::string why = parse_reference("Web").error().message;
  CHECK(why.starts_with("couldn't parse image reference \"Web\": invalid reference format: "));
  CHECK(told("web", "I/O error", ErrorCode::kCorrupt) ==
        "ImageInspectError: Failed to inspect image \"web\": I/O error");
  CHECK(told("Web", why) == "InvalidImageName: Failed to apply default image tag \"Web\": " + why);
}

TEST_CASE("a pod with a sysctl that the node does not allow is refused for good") {
  Bench bench;
  std::string pod = kPod;
  std::string marker = "spec:\n";
  pod.replace(pod.find(marker), marker.size(),
              marker + "  securityContext: {sysctls: [{name: kernel.msgmax, value: '1'}]}\n");
  bench.assign({pod_of(pod)});
  bench.run(5s);
  CHECK(bench.status("p").phase == "Failed");
  CHECK(bench.status("p").reason == "SysctlForbidden");
  CHECK(bench.status("p").message == "Pod was rejected: forbidden sysctl: \"kernel.msgmax\" not allowlisted");
  CHECK(bench.status("p").container_statuses.empty());  // nothing is being created
  CHECK(bench.has_event_saying("SysctlForbidden", "forbidden sysctl: \"kernel.msgmax\" not allowlisted"));
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

namespace {

const std::string kNeedsMap = R"(
apiVersion: v1
kind: Pod
metadata: {name: p, namespace: d}
spec:
  volumes: [{name: v, configMap: {name: late}}]
  containers: [{name: c, image: "i:1", imagePullPolicy: IfNotPresent}]
)";

Assignment with_map(Bench& bench, const ObjectPtr& pod) {
  Assignment out;
  out.at = {1, ++bench.number};
  out.node = "n1";
  out.pods = {pod};
  out.config_maps = {pod_of("{apiVersion: v1, kind: ConfigMap, metadata: {name: late, namespace: d}, data: {a: b}}")};
  return out;
}

}  // namespace

TEST_CASE("what a pod waits for brings it on at once when it comes") {
  Bench bench;
  std::string yaml = kNeedsMap;
  if (GENERATE(false, true)) {
    yaml = kPod;
    std::string marker = "imagePullPolicy: IfNotPresent";
    yaml.replace(yaml.find(marker), marker.size(), marker + ", envFrom: [{configMapRef: {name: late}}]");
  }
  ObjectPtr pod = pod_of(yaml);
  bench.assign({pod});
  bench.run(100s);  // into a long back-off
  REQUIRE(bench.status("p").phase == "Pending");
  bench.step({with_map(bench, pod)});
  bench.run(5s);
  CHECK(bench.status("p").phase == "Running");
}

TEST_CASE("after a reboot nothing is missed before the control plane is heard") {
  Bench bench;
  ObjectPtr pod = pod_of(kNeedsMap);
  Assignment remembered;
  remembered.at = {1, ++bench.number};
  remembered.node = "n1";
  remembered.pods = {pod};
  remembered.config_known = false;
  bench.step({remembered});
  bench.run(30s);
  CHECK_FALSE(bench.has_event("FailedMount"));
  CHECK(bench.status("p").phase == "Pending");
  // It asks for all of that once more, since nothing may have changed meanwhile.
  CHECK(bench.core->seen() == AssignmentNumber{});
  Assignment whole = with_map(bench, pod);
  whole.at = remembered.at;
  bench.step({whole});
  bench.run(5s);
  CHECK(bench.core->seen() == remembered.at);
  CHECK(bench.status("p").phase == "Running");
}

TEST_CASE("an image that was refused is asked for again as soon as the pod's pull secret is there") {
  Bench bench;
  int refused = 0;
  bench.intercept = [&](const Operation& operation) -> std::optional<Bench::Outcome> {
    const auto* image = std::get_if<EnsureImage>(&operation.body);
    if (image == nullptr || !image->auth_configs.empty()) return std::nullopt;
    ++refused;
    return error(ErrorCode::kDenied, "unauthorized");
  };
  ObjectPtr pod = living_pod("  imagePullSecrets: [{name: login}]\n  containers: [{name: c, image: i}]\n");
  bench.assign({pod});
  bench.run(60s);  // the next try is a good while away
  REQUIRE(refused == 3);
  auto secret = std::make_shared<Object>(make_object<Secret>(pod->meta.ns, "login"));
  map_slot(as<Secret>(*secret).data, ".dockerconfigjson") = R"({"auths":{}})";
  Assignment with_login;
  with_login.at = {1, ++bench.number};
  with_login.node = "n1";
  with_login.pods = {pod};
  with_login.secrets = {secret};
  bench.step({with_login});
  bench.run(3s);
  CHECK(bench.status("p").phase == "Running");
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
