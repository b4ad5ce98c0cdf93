// The core's promises at its own door: nothing gets out before it is durable, a refusal takes everything back,
// assignments follow what pods use.
#include <catch2/catch.hpp>

#include "reconciler/core/assign.h"
#include "reconciler/core/core.h"
#include "reconciler/store/audit.h"
#include "reconciler/store/memory_journal.h"
#include "tests/core/report_fixture.h"

namespace mainstay {

using test::Fixture;
using test::hello;
using test::kConfigMap;
using test::pod_on_first_node;

TEST_CASE("an answer waits until what it says is durable") {
  Fixture f;
  f.turn({f.create(7, kConfigMap)});
  f.turn();
  REQUIRE(f.answers.empty());
  REQUIRE_FALSE(f.core->published()->view.find(Kind::kConfigMap, "default", "a"));
  f.journal.deliver_all();
  f.turn();
  REQUIRE(f.answers.size() == 1);
  CHECK(f.answers[0].ticket == 7);
  CHECK(f.answers[0].created);
  CHECK_FALSE(f.answers[0].error);
  REQUIRE(f.core->published()->view.find(Kind::kConfigMap, "default", "a"));
}

TEST_CASE("a refusal, too, waits for the state it was decided on") {
  Fixture f;
  f.turn({f.create(1, kConfigMap), f.create(2, kConfigMap)});
  CHECK(f.answers.empty());
  f.journal.deliver_all();
  f.turn();
  REQUIRE(f.answers.size() == 2);
  REQUIRE(f.answers[1].error);
  CHECK(f.answers[1].error->code == 409);
  CHECK(f.answers[1].error->message == "configmaps \"a\" already exists");
}

TEST_CASE("a pod whose account does not exist is refused, one of the account default is not") {
  Fixture f;
  f.settle();
  auto pod = [](const std::string& name, const std::string& account) {
    return "{apiVersion: v1, kind: Pod, metadata: {name: " + name + ", namespace: default}, spec: {serviceAccountName: " +
           account + ", containers: [{name: c, image: i}]}}";
  };
  f.turn({f.create(1, pod("a", "robot"))});
  f.turn({f.create(2, pod("b", "default"))});
  f.turn({f.create(3, "{apiVersion: v1, kind: ServiceAccount, metadata: {name: robot, namespace: default}}")});
  f.turn({f.create(4, pod("a", "robot"))});
  f.settle();
  REQUIRE(f.answers.size() == 4);
  REQUIRE(f.answers[0].error);
  CHECK(f.answers[0].error->code == 403);
  CHECK(f.answers[0].error->message ==
        "pods \"a\" is forbidden: error looking up service account default/robot: serviceaccount \"robot\" not found");
  CHECK(f.answers[1].created);
  CHECK(f.answers[3].created);
}

TEST_CASE("a journal that refuses takes everything back, and writes are answered 503") {
  Fixture f;
  uint64_t before = f.core->head().version();
  f.journal.refuse_next(1, JournalRefusal::kFull);
  f.turn({f.create(1, kConfigMap)});
  CHECK(f.core->head().version() > before);
  f.journal.deliver_all();
  Effects effects = f.turn();
  CHECK_FALSE(effects.writable);
  CHECK(f.core->head().version() == before);
  REQUIRE(f.answers.size() == 1);
  REQUIRE(f.answers[0].error);
  CHECK(f.answers[0].error->code == 503);
  CHECK(f.answers[0].error->retry_after_seconds.has_value());
  f.settle();
  f.answers.clear();
  f.turn({f.create(2, kConfigMap)});
  f.journal.deliver_all();
  effects = f.turn();
  CHECK(effects.writable);
  REQUIRE(f.answers.size() == 1);
  CHECK_FALSE(f.answers[0].error);
}

TEST_CASE("a dry run is answered as the write would be and leaves nothing") {
  Fixture f;
  Message message = f.create(3, kConfigMap);
  std::get<ApiWrite>(message).dry_run = true;
  f.turn({message});
  f.settle();
  REQUIRE(f.answers.size() == 1);
  REQUIRE(f.answers[0].object);
  CHECK(f.answers[0].object->meta.name == "a");
  CHECK_FALSE(f.core->head().find(Kind::kConfigMap, "default", "a"));
}

TEST_CASE("a pod goes from creation to its node in one turn, and the node is told") {
  Fixture f;
  f.turn({ReportIn{0, hello("n1", 1)}});
  f.settle();
  Effects effects = f.turn({f.create(1, R"(
apiVersion: v1
kind: Pod
metadata: {name: p, namespace: default}
spec:
  containers:
    - {name: c, image: "i:1", envFrom: [{configMapRef: {name: a}}], env: [{name: K, valueFrom: {secretKeyRef: {name: s, key: k}}}]}
)"),
                            f.create(2, kConfigMap)});
  ObjectPtr pod = f.core->head().find(Kind::kPod, "default", "p");
  REQUIRE(pod);
  CHECK(as<Pod>(*pod).spec.node_name == "n1");
  CHECK(as<Pod>(*pod).spec.tolerations.size() == 2);  // BestEffort: none of memory pressure
  Assignment given = assignment(f.core->head(), "n1");
  REQUIRE(given.pods.size() == 1);
  REQUIRE(given.config_maps.size() == 1);
  CHECK(given.secrets.empty());
  CHECK_FALSE(given.pod_cidr.empty());
  f.journal.deliver_all();
  effects = f.turn();
  REQUIRE(effects.publication);
  CHECK(effects.publication->touched_nodes == std::vector<std::string>{"n1"});
  CHECK(audit(f.core->head(), AuditMoment::kSettled).empty());
}

TEST_CASE("a node short of memory is tainted, takes who asks for memory and nobody else, and is free again after") {
  Fixture f;
  f.turn({ReportIn{0, hello("n1", 1)}});
  f.settle();
  auto report = [&](uint64_t sequence, const char* pressure) {
    NodeReport out = hello("n1", sequence);
    out.node_status->conditions.push_back({"MemoryPressure", pressure, {}, {}, "KubeletHasInsufficientMemory", ""});
    f.turn({ReportIn{0, out}});
    f.settle();
  };
  auto node_of = [&](const char* pod) {
    return as<Pod>(*f.core->head().find(Kind::kPod, "default", pod)).spec.node_name;
  };
  report(2, "True");
  const auto& taints = as<Node>(*f.core->head().find(Kind::kNode, "", "n1")).spec.taints;
  REQUIRE(taints.size() == 1);
  CHECK(taints[0].key == "node.kubernetes.io/memory-pressure");
  CHECK(taints[0].effect == "NoSchedule");
  f.turn({f.create(1, R"({apiVersion: v1, kind: Pod, metadata: {name: plain, namespace: default},
    spec: {containers: [{name: c, image: "i:1"}]}})"),
          f.create(2, R"({apiVersion: v1, kind: Pod, metadata: {name: asks, namespace: default},
    spec: {containers: [{name: c, image: "i:1", resources: {requests: {memory: 1Mi}}}]}})")});
  f.settle();
  CHECK(node_of("plain").empty());
  CHECK(node_of("asks") == "n1");
  report(3, "False");
  CHECK(as<Node>(*f.core->head().find(Kind::kNode, "", "n1")).spec.taints.empty());
  CHECK(node_of("plain") == "n1");
}

TEST_CASE("an Application comes from the configuration alone: one that nothing would follow from is refused") {
  Fixture f;
  f.turn({f.create(1, "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: other, namespace: default}\n"
                      "spec: {project: default, destination: {}, source: {repoURL: https://git.example.org/x.git}}\n")});
  f.settle();
  REQUIRE(f.answers.size() == 1);
  REQUIRE(f.answers[0].error);
  CHECK(f.answers[0].error->code == 403);
}

TEST_CASE("when all is quiet a turn writes nothing") {
  Fixture f;
  f.turn({ReportIn{0, hello("n1", 1)}, f.create(1, kConfigMap)});
  f.settle();
  Effects effects = f.turn({ReportIn{0, hello("n1", 2)}});
  CHECK_FALSE(effects.batch);
}

TEST_CASE("a service gets its address in the answer to its creation, and a taken one is refused") {
  Fixture f;
  auto service = [](const std::string& name, const std::string& address) {
    return "{apiVersion: v1, kind: Service, metadata: {name: " + name +
           ", namespace: default}, spec: {clusterIP: \"" + address + "\", ports: [{port: 80}]}}";
  };
  f.turn({f.create(1, service("s", "")), f.create(2, service("t", "10.96.0.77")),
          f.create(3, service("u", "10.96.0.77"))});
  f.settle();
  REQUIRE(f.answers.size() == 3);
  REQUIRE(f.answers[0].object);
  CHECK(as<Service>(*f.answers[0].object).spec.cluster_ip.starts_with("10.96."));
  CHECK_FALSE(f.answers[1].error);
  REQUIRE(f.answers[2].error);
  CHECK(f.answers[2].error->code == 422);
}

namespace {

constexpr const char* kPodOf =
    "{apiVersion: v1, kind: Pod, metadata: {name: NAME, namespace: default}, spec: {terminationGracePeriodSeconds: 0, "
    "priorityClassName: CLASS, containers: [{name: c, image: i, resources: {requests: {cpu: 60}}}]}}";

std::string pod_of_class(std::string name, const std::string& class_name) {
  std::string out = kPodOf;
  out.replace(out.find("NAME"), 4, name);
  out.replace(out.find("CLASS"), 5, class_name);
  return out;
}

std::string priority_class(const std::string& name, int value) {
  return "{apiVersion: scheduling.k8s.io/v1, kind: PriorityClass, metadata: {name: " + name +
         "}, value: " + std::to_string(value) + "}";
}

}  // namespace

TEST_CASE("a pod of a higher class takes the room of a lower one, and nobody else gets it in between") {
  Fixture f;
  f.turn({ReportIn{0, hello("n1", 1)}});
  f.turn({f.create(1, priority_class("low", 1)), f.create(2, priority_class("high", 1000))});
  f.turn({f.create(3, pod_of_class("a", "low"))});
  f.settle();
  auto pod = [&](const std::string& name) { return f.core->published()->view.find(Kind::kPod, "default", name); };
  REQUIRE(as<Pod>(*pod("a")).spec.node_name == "n1");
  CHECK(as<Pod>(*pod("a")).spec.priority == 1);
  f.turn({f.create(4, pod_of_class("b", "high")), f.create(5, pod_of_class("c", "low"))});
  for (int i = 0; i < 6; ++i) f.settle();
  CHECK_FALSE(pod("a"));  // it went at once: it has no grace period
  CHECK(as<Pod>(*pod("b")).spec.node_name == "n1");
  CHECK(as<Pod>(*pod("b")).status.nominated_node_name.empty());
  CHECK(as<Pod>(*pod("c")).spec.node_name.empty());
  CHECK(audit(f.core->published()->view, AuditMoment::kAny) == std::vector<std::string>{});
  f.answers.clear();
  f.turn({f.create(6, pod_of_class("d", "none"))});
  f.settle();
  REQUIRE(f.answers.size() == 1);
  REQUIRE(f.answers[0].error);
  CHECK(f.answers[0].error->code == 403);
  CHECK(f.answers[0].error->message == "pods \"d\" is forbidden: no PriorityClass with name none was found");
}

}  // namespace mainstay
