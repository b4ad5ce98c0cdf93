#include <algorithm>
#include <catch2/catch.hpp>

#include "reconciler/control/conditions.h"
#include "reconciler/control/owners.h"
#include "reconciler/control/replica_set_ranking.h"
#include "tests/control/harness.h"

namespace mainstay {
namespace {

using test::Cluster;
using test::manifest;

constexpr const char* kSet = R"(
apiVersion: apps/v1
kind: ReplicaSet
metadata: {name: web}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}, annotations: {note: kept}, finalizers: [example.com/hold]}
    spec:
      containers:
      - {name: web, image: "web:1"}
)";

Object replica_set(int32_t replicas) {
  Object object = manifest(kSet);
  as<ReplicaSet>(object).spec.replicas = replicas;
  as<ReplicaSet>(object).spec.pod_template.metadata.finalizers.clear();
  return object;
}

Object bare_pod(const std::string& name, StringMap labels) {
  Object pod = make_object<Pod>("default", name);
  pod.meta.labels = std::move(labels);
  as<Pod>(pod).spec.containers.emplace_back().name = "c";
  return pod;
}

ReplicaSetStatus status_of(const Cluster& cluster, const std::string& name = "web") {
  return as<ReplicaSet>(*cluster.get(Kind::kReplicaSet, "default", name)).status;
}

void scale(Cluster& cluster, int32_t replicas) {
  cluster.edit<ReplicaSet>("default", "web",
                           [&](Object& object) { as<ReplicaSet>(object).spec.replicas = replicas; });
}

}  // namespace

TEST_CASE("a ReplicaSet makes pods of its template and counts them") {
  Cluster cluster;
  cluster.apply(kSet);
  cluster.settle();
  REQUIRE(cluster.list(Kind::kPod).size() == 3);
  const Object& pod = *cluster.list(Kind::kPod)[0];
  CHECK(pod.meta.generate_name == "web-");
  CHECK(*map_find(pod.meta.annotations, "note") == "kept");
  CHECK(pod.meta.finalizers == std::vector<std::string>{"example.com/hold"});
  CHECK(as<Pod>(pod).spec.restart_policy == "Always");
  CHECK(status_of(cluster).replicas == 3);
  CHECK(status_of(cluster).fully_labeled_replicas == 3);
  CHECK(status_of(cluster).ready_replicas == 0);
  CHECK(status_of(cluster).observed_generation == 1);

  cluster.add_node("n1");
  cluster.settle();
  CHECK(status_of(cluster).ready_replicas == 3);
  CHECK(status_of(cluster).available_replicas == 3);
}

TEST_CASE("finished and terminating pods are replaced at once") {
  Cluster cluster;
  cluster.add_node("n1");
  cluster.apply(replica_set(2));
  cluster.settle();
  cluster.kubelet_stops = false;
  Key first = cluster.active_pods()[0]->key();
  cluster.remove(first);
  cluster.settle();
  CHECK(cluster.list(Kind::kPod).size() == 3);
  CHECK(cluster.active_pods().size() == 2);
  std::string second = cluster.active_pods()[0]->meta.name;
  cluster.edit<Pod>("default", second, [](Object& pod) { as<Pod>(pod).status.phase = "Failed"; });
  cluster.settle();
  CHECK(cluster.active_pods().size() == 2);
  CHECK(status_of(cluster).replicas == 2);
}

TEST_CASE("pods become available after minReadySeconds, not before") {
  Cluster cluster;
  cluster.add_node("n1");
  Object object = replica_set(2);
  as<ReplicaSet>(object).spec.min_ready_seconds = 30;
  cluster.apply(object);
  cluster.settle();
  CHECK(status_of(cluster).ready_replicas == 2);
  CHECK(status_of(cluster).available_replicas == 0);
  cluster.advance(std::chrono::seconds(29));
  CHECK(status_of(cluster).available_replicas == 0);
  cluster.advance(std::chrono::seconds(2));
  CHECK(status_of(cluster).available_replicas == 2);
}

TEST_CASE("orphans that match are adopted, in either order, and strangers are let go") {
  Cluster cluster;
  SECTION("the pod comes first") {
    cluster.apply(bare_pod("bare", {{"app", "web"}}));
    cluster.settle();
    cluster.apply(replica_set(3));
  }
  SECTION("the set comes first") {
    cluster.apply(replica_set(2));
    cluster.settle();
    scale(cluster, 3);
    cluster.apply(bare_pod("bare", {{"app", "web"}}));
  }
  cluster.settle();
  ObjectPtr pod = cluster.get(Kind::kPod, "default", "bare");
  std::string uid = cluster.get(Kind::kReplicaSet, "default", "web")->meta.uid;
  if (pod) {
    CHECK(controlled_by(pod->meta, uid));
    cluster.edit<Pod>("default", "bare", [](Object& object) { object.meta.labels = {{"app", "other"}}; });
    cluster.settle();
    pod = cluster.get(Kind::kPod, "default", "bare");
    REQUIRE(pod);
    CHECK(pod->meta.owner_references.empty());
  }
  CHECK(status_of(cluster).replicas == 3);
  size_t owned = cluster.view().owned_by(uid, Kind::kPod).size();
  CHECK(owned == 3);
}

TEST_CASE("a pod with another controller is never taken") {
  Cluster cluster;
  cluster.apply(replica_set(1));
  cluster.settle();
  std::string node_uid;
  cluster.add_node("n1");
  Object pod = bare_pod("theirs", {{"app", "web"}});
  OwnerReference owner = controller_reference(*cluster.get(Kind::kNode, "", "n1"));
  pod.meta.owner_references = {owner};
  cluster.apply(pod);
  cluster.settle();
  CHECK(controlled_by(cluster.get(Kind::kPod, "default", "theirs")->meta, owner.uid));
  CHECK(status_of(cluster).replicas == 1);
}

TEST_CASE("a service account that is missing is a failure that ends by itself") {
  Cluster cluster;
  Object object = replica_set(2);
  as<ReplicaSet>(object).spec.pod_template.spec.service_account_name = "builder";
  cluster.apply(object);
  cluster.settle();
  CHECK(cluster.list(Kind::kPod).empty());
  const ReplicaSetStatus status = status_of(cluster);
  const ReplicaSetCondition* failure = find_condition(status.conditions, "ReplicaFailure");
  REQUIRE(failure != nullptr);
  CHECK(failure->reason == "FailedCreate");
  CHECK(failure->message.find("serviceaccount \"builder\" not found") != std::string::npos);
  CHECK(cluster.events(Kind::kReplicaSet, "web").front().rfind("FailedCreate: Error creating: ", 0) == 0);

  SECTION("tries grow rarer") {
    uint64_t tries = 0;
    cluster.advance(std::chrono::minutes(30));
    for (const ObjectPtr& event : cluster.view().list(Kind::kEvent, "default")) {
      if (as<Event>(*event).reason == "FailedCreate") tries += static_cast<uint64_t>(as<Event>(*event).count);
    }
    CHECK(tries > 5);
    CHECK(tries < 25);
  }
  SECTION("the account comes") {
    cluster.apply(make_object<ServiceAccount>("default", "builder"));
    cluster.settle();
    CHECK(cluster.list(Kind::kPod).size() == 2);
    CHECK(status_of(cluster).conditions.empty());
  }
}

TEST_CASE("a large set is made in bursts, with few events") {
  Cluster cluster;
  cluster.apply(replica_set(2500));
  size_t turns = 0;
  while (cluster.list(Kind::kPod).size() < 2500 && turns < 20) {
    size_t before = cluster.list(Kind::kPod).size();
    cluster.turn();
    CHECK(cluster.list(Kind::kPod).size() - before <= 1000);
    ++turns;
  }
  CHECK(cluster.list(Kind::kPod).size() == 2500);
  cluster.settle();
  CHECK(cluster.events(Kind::kReplicaSet, "web").size() < 50);
  scale(cluster, 0);
  cluster.settle();
  CHECK(cluster.list(Kind::kPod).empty());
}

namespace {

// A pod as ranking sees it.
struct Candidate {
  std::string name;
  std::string node = "n1";
  std::string phase = "Running";
  int ready_for = 1000;  // seconds; negative: not ready
  std::string cost = "";
  int restarts = 0;
  int age = 2000;
};

std::vector<std::string> ranked(const std::vector<Candidate>& candidates, int32_t min_ready = 0) {
  WallTime now{std::chrono::seconds(1'700'000'000)};
  std::vector<ObjectPtr> pods;
  std::map<std::string, int> related;
  for (const Candidate& candidate : candidates) {
    Object pod = make_object<Pod>("default", candidate.name);
    pod.meta.uid = candidate.name;
    pod.meta.creation_timestamp = now - std::chrono::seconds(candidate.age);
    if (!candidate.cost.empty()) map_slot(pod.meta.annotations, kDeletionCostAnnotation) = candidate.cost;
    Pod& body = as<Pod>(pod);
    body.spec.node_name = candidate.node;
    body.status.phase = candidate.phase;
    if (candidate.ready_for >= 0) {
      set_condition(body.status.conditions, "Ready", {"True", "", ""},
                    now - std::chrono::seconds(candidate.ready_for));
    }
    body.status.container_statuses.emplace_back().restart_count = candidate.restarts;
    ++related[candidate.node];
    pods.push_back(std::make_shared<const Object>(std::move(pod)));
  }
  rank_for_deletion(pods, related, min_ready, now);
  std::vector<std::string> names;
  for (const ObjectPtr& pod : pods) names.push_back(pod->meta.name);
  return names;
}

}  // namespace

TEST_CASE("which pods go first") {
  using Names = std::vector<std::string>;
  CHECK(ranked({{.name = "a"}, {.name = "b", .node = ""}}) == Names{"b", "a"});
  CHECK(ranked({{.name = "a"}, {.name = "b", .phase = "Unknown"}, {.name = "c", .phase = "Pending"}}) ==
        Names{"c", "b", "a"});
  CHECK(ranked({{.name = "a"}, {.name = "b", .ready_for = -1}}) == Names{"b", "a"});
  CHECK(ranked({{.name = "a", .cost = "5"}, {.name = "b", .cost = "-1"}, {.name = "c"}}) ==
        Names{"b", "c", "a"});
  CHECK(ranked({{.name = "a", .cost = "x"}, {.name = "b", .cost = "-1"}}) == Names{"b", "a"});
  CHECK(ranked({{.name = "a"}, {.name = "b", .node = "n2"}, {.name = "c", .node = "n2"}}) ==
        Names{"b", "c", "a"});
  CHECK(ranked({{.name = "a", .ready_for = 1000}, {.name = "b", .ready_for = 10}}) == Names{"b", "a"});
  // 600 and 1000 seconds are of one magnitude: restarts decide.
  CHECK(ranked({{.name = "a", .ready_for = 600}, {.name = "b", .ready_for = 1000, .restarts = 2}}) ==
        Names{"b", "a"});
  CHECK(ranked({{.name = "a", .restarts = 1}, {.name = "b", .restarts = 3}}) == Names{"b", "a"});
  CHECK(ranked({{.name = "a", .age = 5000}, {.name = "b", .age = 1000}}) == Names{"b", "a"});
  CHECK(ranked({{.name = "b"}, {.name = "a"}}) == Names{"a", "b"});
  // Earlier rules win over later ones.
  CHECK(ranked({{.name = "a", .node = "", .cost = "9"}, {.name = "b", .cost = "-9"}}) == Names{"a", "b"});
  // Ready, but not long enough to count as available.
  CHECK(ranked({{.name = "a", .ready_for = 11, .cost = "-1"}, {.name = "b", .ready_for = 9}}, 10) ==
        Names{"b", "a"});
}

}  // namespace mainstay
