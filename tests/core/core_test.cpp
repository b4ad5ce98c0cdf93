// The core's promises at its own door: nothing gets out before it is durable, a refusal takes everything back,
// reports are idempotent, assignments follow what pods use.
#include <catch2/catch.hpp>

#include "reconciler/core/assign.h"
#include "reconciler/core/core.h"
#include "reconciler/core/report.h"
#include "reconciler/store/audit.h"
#include "reconciler/store/memory_journal.h"
#include "schema/decode.h"
#include "schema/diagnostics.h"
#include "schema/yaml.h"
#include "tests/core/core_fixture.h"

namespace mainstay {
namespace {

Object parse(const std::string& yaml) {
  Diagnostics diagnostics;
  std::vector<Document> documents = parse_yaml(yaml, diagnostics);
  REQUIRE(documents.size() == 1);
  std::optional<Object> object = decode_object(documents[0].root, {}, diagnostics);
  INFO(diagnostics.render());
  REQUIRE(object.has_value());
  REQUIRE_FALSE(diagnostics.has_errors());
  return *object;
}

struct Fixture : test::CoreFixture {
  Message create(Ticket ticket, const std::string& yaml) {
    ApiWrite write;
    write.ticket = ticket;
    write.verb = ApiWrite::Verb::kCreate;
    write.object = std::make_shared<Object>(parse(yaml));
    write.key = write.object->key();
    write.actor = "user:test";
    return write;
  }
};

constexpr const char* kConfigMap =
    "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: default}}";

NodeReport hello(const std::string& node, uint64_t sequence, const std::string& boot = "one") {
  NodeReport report;
  report.node = node;
  report.boot = boot;
  report.sequence = sequence;
  NodeStatus status;
  for (const char* resource : {"cpu", "memory", "pods"}) {
    map_slot(status.capacity, resource) = Quantity::of(std::string(resource) == "memory" ? 8LL << 30 : 100);
    map_slot(status.allocatable, resource) =
        Quantity::of(std::string(resource) == "memory" ? 8LL << 30 : 100);
  }
  status.conditions.push_back({"Ready", "True", {}, {}, "KubeletReady", ""});
  report.node_status = Box<NodeStatus>(status);
  return report;
}

// Node n1 and the pod "p", settled.
ObjectPtr pod_on_first_node(Fixture& f) {
  f.turn({ReportIn{0, hello("n1", 1)}});
  f.settle();
  f.turn({f.create(1, "{apiVersion: v1, kind: Pod, metadata: {name: p, namespace: default}, spec: {containers: [{name: c, "
                      "image: i}]}}")});
  f.settle();
  return f.core->head().find(Kind::kPod, "default", "p");
}

}  // namespace

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

TEST_CASE("a node has the labels it was configured with, as far as they are its own to set") {
  Fixture f;
  NodeReport report = hello("n1", 1);
  report.labels = {{"topology.kubernetes.io/zone", "a"}, {"node-role.kubernetes.io/control-plane", ""}, {"bad label", "x"}};
  f.turn({ReportIn{0, report}});
  f.settle();
  auto label = [&](const char* key) {
    const std::string* found = map_find(f.core->head().find(Kind::kNode, "", "n1")->meta.labels, key);
    return found == nullptr ? std::string("none") : *found;
  };
  CHECK(label("topology.kubernetes.io/zone") == "a");
  CHECK(label("kubernetes.io/hostname") == "n1");
  CHECK(label("node-role.kubernetes.io/control-plane") == "none");
  CHECK(label("bad label") == "none");
  report.sequence = 2;
  report.labels = {{"topology.kubernetes.io/zone", "b"}};
  f.turn({ReportIn{0, report}});
  f.settle();
  CHECK(label("topology.kubernetes.io/zone") == "b");
}

TEST_CASE("reports that are late, repeated or of an earlier agent do no harm") {
  AgentTrack track;
  CHECK(is_news(track, hello("n1", 1), MonoTime{}));
  CHECK(is_news(track, hello("n1", 3), MonoTime{}));
  CHECK_FALSE(is_news(track, hello("n1", 3), MonoTime{}));
  CHECK_FALSE(is_news(track, hello("n1", 2), MonoTime{}));
  CHECK(is_news(track, hello("n1", 1, "two"), MonoTime{}));
  CHECK_FALSE(is_news(track, hello("n1", 9, "one"), MonoTime{}));
  CHECK(is_news(track, hello("n1", 2, "two"), MonoTime{}));
}

TEST_CASE("the ninth agent process makes the first forgotten, and no other") {
  AgentTrack track;
  for (int i = 0; i < 10; ++i) CHECK(is_news(track, hello("n1", 1, "boot" + std::to_string(i)), MonoTime{}));
  CHECK_FALSE(is_news(track, hello("n1", 9, "boot1"), MonoTime{}));
  CHECK_FALSE(is_news(track, hello("n1", 9, "boot8"), MonoTime{}));
  CHECK(is_news(track, hello("n1", 9, "boot0"), MonoTime{}));
}

TEST_CASE("a pod that a whole report leaves out is not there any more") {
  Fixture f;
  ObjectPtr pod = pod_on_first_node(f);
  REQUIRE(pod);
  REQUIRE(as<Pod>(*pod).spec.node_name == "n1");
  CHECK(pod->meta.generation == 1);
  NodeReport report = hello("n1", 2);
  report.whole = true;
  SECTION("it may not know the pod yet") {
    report.seen = {1, pod->version - 1};
    f.turn({ReportIn{0, report}});
    f.settle();
    CHECK(as<Pod>(*f.core->head().find(Kind::kPod, "default", "p")).status.phase == "Pending");
  }
  SECTION("it was told of it") {
    report.seen = {1, pod->version};
    f.turn({ReportIn{0, report}});
    f.settle();
    CHECK(as<Pod>(*f.core->head().find(Kind::kPod, "default", "p")).status.phase == "Failed");
    CHECK(as<Pod>(*f.core->head().find(Kind::kPod, "default", "p")).status.reason == "PodLost");
  }
  SECTION("one that is being deleted goes") {
    ApiWrite write;
    write.ticket = 2;
    write.verb = ApiWrite::Verb::kDelete;
    write.key = pod->key();
    write.actor = "user:test";
    f.turn({write});
    f.settle();
    ObjectPtr leaving = f.core->head().find(Kind::kPod, "default", "p");
    REQUIRE(leaving);
    report.seen = {1, leaving->version};
    f.turn({ReportIn{0, report}});
    f.settle();
    CHECK_FALSE(f.core->head().find(Kind::kPod, "default", "p"));
  }
}

TEST_CASE("what a node says of another node's pods is not taken") {
  Fixture f;
  ObjectPtr pod = pod_on_first_node(f);
  REQUIRE(pod);
  REQUIRE(as<Pod>(*pod).spec.node_name == "n1");
  auto say = [&](const std::string& node) {
    NodeReport report = hello(node, 2);
    PodReport about;
    about.ns = "default";
    about.name = "p";
    about.uid = pod->meta.uid;
    about.status.phase = "Failed";
    report.pods = {about};
    AgentEvent event;
    event.ns = "default";
    event.name = "p";
    event.uid = pod->meta.uid;
    event.reason = "SaidBy-" + node;
    report.events = {event};
    f.turn({ReportIn{0, report}});
    f.settle();
  };
  auto events = [&](const std::string& reason) {
    size_t found = 0;
    for (const ObjectPtr& event : f.core->head().list(Kind::kEvent)) found += as<Event>(*event).reason == reason;
    return found;
  };
  say("n2");
  CHECK(as<Pod>(*f.core->head().find(Kind::kPod, "default", "p")).status.phase == "Pending");
  CHECK(events("SaidBy-n2") == 0);
  say("n1");
  CHECK(as<Pod>(*f.core->head().find(Kind::kPod, "default", "p")).status.phase == "Failed");
  CHECK(events("SaidBy-n1") == 1);
}

TEST_CASE("a node that was silent is heard again in the turn of its report") {
  Fixture f;
  f.turn({ReportIn{0, hello("n1", 1)}});
  f.settle();
  auto ready = [&] {
    ObjectPtr node = f.core->head().find(Kind::kNode, "", "n1");
    REQUIRE(node);
    for (const NodeCondition& condition : as<Node>(*node).status.conditions) {
      if (condition.type == "Ready") return condition.status;
    }
    return std::string();
  };
  REQUIRE(ready() == "True");
  for (int i = 0; i < 100 && ready() == "True"; ++i) {
    f.turn();
    f.journal.deliver_all();
  }
  f.settle();
  REQUIRE(ready() == "Unknown");
  NodeReport heartbeat = hello("n1", 2);
  heartbeat.node_status.reset();
  f.turn({ReportIn{0, heartbeat}});
  CHECK(ready() == "True");
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

TEST_CASE("a wave of events is taken in whole, and those beyond the limit go when it has passed") {
  Fixture f;
  NodeReport wave = hello("n1", 1);
  for (size_t i = 0; i < kEventLimit + 100; ++i) {
    AgentEvent event;
    event.ns = "default";
    event.name = "pod-" + std::to_string(i);
    event.reason = "Started";
    wave.events.push_back(std::move(event));
  }
  f.turn({ReportIn{0, std::move(wave)}});
  CHECK(f.core->head().count(Kind::kEvent) > kEventLimit);
  REQUIRE(f.core->next_wake());
  CHECK(*f.core->next_wake() - f.now.mono < std::chrono::seconds{1});
  f.settle();
  CHECK(f.core->head().count(Kind::kEvent) <= kEventLimit);
}

TEST_CASE("an agent taken for the one before it is told so, and is heard again as a new one") {
  Fixture f;
  f.turn({ReportIn{0, hello("n1", 1, "living")}});
  f.turn({ReportIn{0, hello("n1", 9, "late")}});  // last words of the process before, after the first of the next
  f.settle();
  auto answered = [&](const NodeReport& report) {
    f.answers.clear();
    f.turn({ReportIn{1, report}});
    f.settle();
    REQUIRE(f.answers.size() == 1);
    return f.answers[0].error ? f.answers[0].error->code : 200;
  };
  CHECK(answered(hello("n1", 2, "living")) == 409);
  CHECK(answered(hello("n1", 3, "living anew")) == 200);
  CHECK(answered(hello("n1", 10, "late")) == 409);
  CHECK(answered(hello("n1", 4, "living anew")) == 200);
}

TEST_CASE("an agent that another process of ours knew says everything again") {
  Fixture f;
  f.turn({ReportIn{0, hello("n1", 1)}});
  f.settle();
  f.answers.clear();
  NodeReport next = hello("n1", 7, "two");
  next.seen = {1, 5};
  f.turn({ReportIn{1, next}});
  f.settle();
  REQUIRE(f.answers.size() == 1);
  REQUIRE(f.answers[0].error);
  CHECK(f.answers[0].error->code == 409);
  for (bool whole : {true, false}) {
    ++next.sequence;
    next.whole = whole;
    f.answers.clear();
    f.turn({ReportIn{2, next}});
    f.settle();
    REQUIRE(f.answers.size() == 1);
    CHECK_FALSE(f.answers[0].error);
  }
}

TEST_CASE("a report of a node that somebody deleted is refused until it registers the node again") {
  Fixture f;
  f.turn({ReportIn{0, hello("n1", 1)}});
  f.settle();
  ApiWrite gone;
  gone.verb = ApiWrite::Verb::kDelete;
  gone.key = {Kind::kNode, "", "n1"};
  gone.actor = "user:test";
  f.turn({gone});
  f.settle();
  REQUIRE_FALSE(f.core->head().find(Kind::kNode, "", "n1"));
  NodeReport heartbeat = hello("n1", 2);
  heartbeat.node_status.reset();
  f.answers.clear();
  f.turn({ReportIn{1, heartbeat}, ReportIn{2, heartbeat}, ReportIn{3, hello("n1", 3)}});
  f.settle();
  REQUIRE(f.answers.size() == 3);
  for (int repeated : {0, 1}) {
    REQUIRE(f.answers[repeated].error);
    CHECK(f.answers[repeated].error->code == 404);
  }
  CHECK_FALSE(f.answers[2].error);
  CHECK(f.core->head().find(Kind::kNode, "", "n1"));
}

TEST_CASE("an agent that has seen a later state raises the epoch") {
  Fixture f;
  NodeReport report = hello("n1", 1);
  report.seen = {1, 1'000'000};
  Effects effects = f.turn({ReportIn{0, report}});
  REQUIRE(effects.batch);
  REQUIRE(effects.batch->epoch.has_value());
  CHECK(*effects.batch->epoch == 2);
  size_t said = 0;
  for (const ObjectPtr& event : f.core->head().list(Kind::kEvent)) said += as<Event>(*event).reason == "StoreWentBack";
  CHECK(said == 1);
  f.journal.deliver_all();
  effects = f.turn();
  REQUIRE(effects.publication);
  CHECK(effects.publication->epoch == 2);
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
