#include "reconciler/control/deployment.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <regex>

#include "reconciler/control/conditions.h"
#include "tests/control/harness.h"

namespace mainstay {
namespace {

using test::Cluster;
using test::manifest;

constexpr const char* kWeb = R"(
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  annotations: {team: shop}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - {name: web, image: "web:1"}
)";

Object web(int32_t replicas, const std::string& image) {
  Object object = manifest(kWeb);
  as<Deployment>(object).spec.replicas = replicas;
  as<Deployment>(object).spec.pod_template.spec.containers[0].image = image;
  return object;
}

Cluster cluster_with_nodes(int nodes = 3, uint64_t seed = 1) {
  Cluster cluster(seed);
  for (int i = 1; i <= nodes; ++i) cluster.add_node("n" + std::to_string(i));
  cluster.settle();
  return cluster;
}

const DeploymentStatus& status_of(const Cluster& cluster) {
  return as<Deployment>(*cluster.get(Kind::kDeployment, "default", "web")).status;
}

std::string progress_reason(const Cluster& cluster) {
  const DeploymentCondition* condition = find_condition(status_of(cluster).conditions, "Progressing");
  return condition != nullptr ? condition->reason : "";
}

std::string annotation(const Object& object, std::string_view name) {
  const std::string* value = map_find(object.meta.annotations, name);
  return value != nullptr ? *value : "";
}

// The one ReplicaSet whose template has this image.
ObjectPtr set_with(const Cluster& cluster, const std::string& image) {
  for (const ObjectPtr& set : cluster.list(Kind::kReplicaSet)) {
    if (as<ReplicaSet>(*set).spec.pod_template.spec.containers[0].image == image) return set;
  }
  return nullptr;
}

// Ready for at least `min_ready_seconds`.
int available_pods(const Cluster& cluster, int32_t min_ready_seconds = 0) {
  int count = 0;
  for (const ObjectPtr& pod : cluster.active_pods()) {
    std::optional<WallTime> since = ready_since(as<Pod>(*pod));
    if (since && *since + std::chrono::seconds(min_ready_seconds) <= cluster.now().wall) ++count;
  }
  return count;
}

}  // namespace

TEST_CASE("a Deployment becomes a ReplicaSet and pods, and says so") {
  Cluster cluster = cluster_with_nodes();
  cluster.apply(kWeb);
  cluster.settle();

  std::vector<ObjectPtr> sets = cluster.list(Kind::kReplicaSet);
  REQUIRE(sets.size() == 1);
  const Object& set = *sets[0];
  CHECK(std::regex_match(set.meta.name, std::regex("web-[bcdfghjklmnpqrstvwxz2456789]{1,10}")));
  std::string hash = set.meta.name.substr(4);
  CHECK(*map_find(set.meta.labels, kTemplateHashLabel) == hash);
  CHECK(*map_find(as<ReplicaSet>(set).spec.selector->match_labels, kTemplateHashLabel) == hash);
  CHECK(*map_find(as<ReplicaSet>(set).spec.pod_template.metadata.labels, kTemplateHashLabel) == hash);
  CHECK(annotation(set, kRevisionAnnotation) == "1");
  CHECK(annotation(set, kDesiredReplicasAnnotation) == "3");
  CHECK(annotation(set, kMaxReplicasAnnotation) == "4");
  CHECK(annotation(set, "team") == "shop");
  CHECK(annotation(*cluster.get(Kind::kDeployment, "default", "web"), kRevisionAnnotation) == "1");

  std::vector<ObjectPtr> pods = cluster.list(Kind::kPod);
  REQUIRE(pods.size() == 3);
  for (const ObjectPtr& pod : pods) {
    CHECK(std::regex_match(pod->meta.name, std::regex(set.meta.name + "-[bcdfghjklmnpqrstvwxz2456789]{5}")));
    CHECK(controlled_by(pod->meta, set.meta.uid));
    CHECK(pod->meta.owner_references[0].block_owner_deletion == true);
    CHECK(as<Pod>(*pod).spec.service_account_name == "default");
    CHECK(as<Pod>(*pod).spec.tolerations.size() == 2);
  }

  const DeploymentStatus& status = status_of(cluster);
  CHECK(status.observed_generation == cluster.get(Kind::kDeployment, "default", "web")->meta.generation);
  CHECK(status.replicas == 3);
  CHECK(status.updated_replicas == 3);
  CHECK(status.ready_replicas == 3);
  CHECK(status.available_replicas == 3);
  CHECK(status.unavailable_replicas == 0);
  CHECK(condition_true(status.conditions, "Available"));
  CHECK(progress_reason(cluster) == "NewReplicaSetAvailable");
  CHECK(find_condition(status.conditions, "Progressing")->message ==
        "ReplicaSet \"" + set.meta.name + "\" has successfully progressed.");
  CHECK(cluster.events(Kind::kDeployment, "web") ==
        std::vector<std::string>{"ScalingReplicaSet: Scaled up replica set " + set.meta.name +
                                 " from 0 to 3"});
  CHECK(cluster.events(Kind::kReplicaSet, set.meta.name).size() == 3);
}

TEST_CASE("nothing is written when nothing changed") {
  Cluster cluster = cluster_with_nodes();
  cluster.apply(kWeb);
  cluster.settle();
  uint64_t version = cluster.view().version();
  cluster.queue.resync(cluster.view());
  cluster.settle();
  CHECK(cluster.view().version() == version);
  cluster.restart();
  cluster.settle();
  CHECK(cluster.view().version() == version);
  cluster.advance(std::chrono::minutes(20));
  CHECK(cluster.view().version() == version);
}

TEST_CASE("a new template rolls within the limits, and back with a new revision") {
  Cluster cluster = cluster_with_nodes();
  cluster.apply(web(10, "web:1"));
  cluster.settle();
  std::string first = set_with(cluster, "web:1")->meta.name;

  cluster.after_turn = [&] {
    CHECK(available_pods(cluster) >= 8);
    CHECK(cluster.active_pods().size() <= 13);
  };
  cluster.apply(web(10, "web:2"));
  cluster.settle();
  std::string second = set_with(cluster, "web:2")->meta.name;
  CHECK(second != first);
  CHECK(wanted_replicas(*set_with(cluster, "web:1")) == 0);
  CHECK(wanted_replicas(*set_with(cluster, "web:2")) == 10);
  CHECK(annotation(*set_with(cluster, "web:2"), kRevisionAnnotation) == "2");
  CHECK(progress_reason(cluster) == "NewReplicaSetAvailable");
  CHECK(status_of(cluster).available_replicas == 10);

  cluster.apply(web(10, "web:1"));
  cluster.settle();
  CHECK(cluster.list(Kind::kReplicaSet).size() == 2);
  CHECK(set_with(cluster, "web:1")->meta.name == first);
  CHECK(annotation(*set_with(cluster, "web:1"), kRevisionAnnotation) == "3");
  CHECK(annotation(*set_with(cluster, "web:1"), kRevisionHistoryAnnotation) == "1");
  CHECK(annotation(*cluster.get(Kind::kDeployment, "default", "web"), kRevisionAnnotation) == "3");
  for (const ObjectPtr& pod : cluster.active_pods()) CHECK(as<Pod>(*pod).spec.containers[0].image == "web:1");
}

TEST_CASE("metadata of the Deployment alone rolls nothing") {
  Cluster cluster = cluster_with_nodes();
  cluster.apply(kWeb);
  cluster.settle();
  auto before = cluster.list(Kind::kPod);
  cluster.edit<Deployment>("default", "web", [](Object& object) {
    map_slot(object.meta.annotations, "note") = "changed";
    map_slot(object.meta.labels, "tier") = "front";
  });
  cluster.settle();
  CHECK(cluster.list(Kind::kReplicaSet).size() == 1);
  CHECK(annotation(*cluster.list(Kind::kReplicaSet)[0], "note") == "changed");
  CHECK(cluster.list(Kind::kPod) == before);
}

TEST_CASE("a broken template stops the rollout, and the deadline says so") {
  Cluster cluster = cluster_with_nodes();
  cluster.apply(web(4, "web:1"));
  cluster.settle();
  cluster.apply(web(4, "broken"));
  cluster.settle();
  CHECK(available_pods(cluster) == 3);
  CHECK(cluster.active_pods().size() == 5);
  CHECK(progress_reason(cluster) == "ReplicaSetUpdated");
  cluster.advance(std::chrono::seconds(590));
  CHECK(progress_reason(cluster) == "ReplicaSetUpdated");
  cluster.advance(std::chrono::seconds(20));
  CHECK(progress_reason(cluster) == "ProgressDeadlineExceeded");
  CHECK(find_condition(status_of(cluster).conditions, "Progressing")->status == "False");
  CHECK(condition_true(status_of(cluster).conditions, "Available"));

  cluster.apply(web(4, "web:2"));
  cluster.settle();
  CHECK(progress_reason(cluster) == "NewReplicaSetAvailable");
  CHECK(available_pods(cluster) == 4);
}

TEST_CASE("Recreate starts nothing while an old pod still runs") {
  Cluster cluster = cluster_with_nodes();
  Object object = web(3, "web:1");
  as<Deployment>(object).spec.strategy = {"Recreate", {}};
  cluster.apply(object);
  cluster.settle();
  cluster.kubelet_stops = false;
  as<Deployment>(object).spec.pod_template.spec.containers[0].image = "web:2";
  cluster.apply(object);
  cluster.settle();
  CHECK(cluster.active_pods().empty());
  CHECK(cluster.list(Kind::kPod).size() == 3);
  CHECK(set_with(cluster, "web:2") == nullptr);
  cluster.kubelet_stops = true;
  cluster.settle();
  CHECK(cluster.active_pods().size() == 3);
  for (const ObjectPtr& pod : cluster.active_pods()) CHECK(as<Pod>(*pod).spec.containers[0].image == "web:2");

  as<Deployment>(object).spec.replicas = 5;
  as<Deployment>(object).spec.pod_template.spec.containers[0].image = "web:3";
  cluster.apply(object);
  cluster.settle();
  CHECK(cluster.active_pods().size() == 5);
  CHECK(progress_reason(cluster) == "NewReplicaSetAvailable");
}

TEST_CASE("a paused Deployment scales but does not roll") {
  Cluster cluster = cluster_with_nodes();
  cluster.apply(kWeb);
  cluster.settle();
  Object object = web(5, "web:2");
  as<Deployment>(object).spec.paused = true;
  cluster.apply(object);
  cluster.settle();
  CHECK(cluster.list(Kind::kReplicaSet).size() == 1);
  CHECK(cluster.active_pods().size() == 5);
  CHECK(progress_reason(cluster) == "DeploymentPaused");
  cluster.advance(std::chrono::minutes(15));
  CHECK(progress_reason(cluster) == "DeploymentPaused");

  as<Deployment>(object).spec.paused = false;
  cluster.apply(object);
  cluster.settle();
  CHECK(progress_reason(cluster) == "NewReplicaSetAvailable");
  CHECK(wanted_replicas(*set_with(cluster, "web:2")) == 5);
  CHECK(wanted_replicas(*set_with(cluster, "web:1")) == 0);
}

TEST_CASE("scaling in the middle of a rollout spreads over the sets") {
  Cluster cluster = cluster_with_nodes();
  Object object = web(10, "web:1");
  as<Deployment>(object).spec.strategy.rolling_update.ensure().max_surge = IntOrString(3);
  as<Deployment>(object).spec.strategy.rolling_update.ensure().max_unavailable = IntOrString(2);
  cluster.apply(object);
  cluster.settle();
  as<Deployment>(object).spec.pod_template.spec.containers[0].image = "broken";
  cluster.apply(object);
  cluster.settle();
  REQUIRE(wanted_replicas(*set_with(cluster, "web:1")) == 8);
  REQUIRE(wanted_replicas(*set_with(cluster, "broken")) == 5);
  as<Deployment>(object).spec.replicas = 15;
  cluster.apply(object);
  cluster.turn();
  CHECK(wanted_replicas(*set_with(cluster, "web:1")) == 11);
  CHECK(wanted_replicas(*set_with(cluster, "broken")) == 7);
  CHECK(annotation(*set_with(cluster, "web:1"), kDesiredReplicasAnnotation) == "15");
  cluster.settle();
  CHECK(available_pods(cluster) >= 11);
}

TEST_CASE("old ReplicaSets beyond the history limit go, the oldest first") {
  Cluster cluster = cluster_with_nodes();
  Object object = web(2, "web:0");
  as<Deployment>(object).spec.revision_history_limit = 2;
  for (int i = 0; i < 5; ++i) {
    as<Deployment>(object).spec.pod_template.spec.containers[0].image = "web:" + std::to_string(i);
    cluster.apply(object);
    cluster.settle();
    cluster.advance(std::chrono::seconds(5));
  }
  CHECK(cluster.list(Kind::kReplicaSet).size() == 3);
  CHECK(set_with(cluster, "web:1") == nullptr);
  CHECK(set_with(cluster, "web:2") != nullptr);
}

TEST_CASE("a name that is taken by another template counts as a collision") {
  Cluster cluster = cluster_with_nodes();
  Object object = web(1, "web:1");
  std::string name = "web-" + template_hash(as<Deployment>(object).spec.pod_template, std::nullopt);
  Object stranger = make_object<ReplicaSet>("default", name);
  as<ReplicaSet>(stranger).spec.replicas = 0;
  as<ReplicaSet>(stranger).spec.selector.ensure().match_labels = {{"app", "other"}};
  as<ReplicaSet>(stranger).spec.pod_template.metadata.labels = {{"app", "other"}};
  cluster.apply(stranger);
  cluster.apply(object);
  cluster.settle();
  CHECK(status_of(cluster).collision_count == 1);
  REQUIRE(set_with(cluster, "web:1") != nullptr);
  CHECK(set_with(cluster, "web:1")->meta.name != name);
  CHECK(cluster.active_pods().size() == 1);
}

TEST_CASE("orphaned ReplicaSets and pods are taken over again") {
  Cluster cluster = cluster_with_nodes();
  cluster.apply(kWeb);
  cluster.settle();
  auto pods = cluster.list(Kind::kPod);
  DeleteOptions orphan;
  orphan.propagation = Propagation::kOrphan;
  cluster.remove({Kind::kDeployment, "default", "web"}, orphan);
  cluster.settle();
  REQUIRE(cluster.list(Kind::kReplicaSet).size() == 1);
  CHECK(controller_of(cluster.list(Kind::kReplicaSet)[0]->meta) == nullptr);
  cluster.apply(kWeb);
  cluster.settle();
  CHECK(cluster.list(Kind::kReplicaSet).size() == 1);
  CHECK(controller_of(cluster.list(Kind::kReplicaSet)[0]->meta) != nullptr);
  CHECK(cluster.list(Kind::kPod) == pods);
}

TEST_CASE("templates are the same with and without what a newer version defaults") {
  Object object = manifest(kWeb);
  PodTemplateSpec defaulted = as<Deployment>(object).spec.pod_template;
  PodTemplateSpec bare = defaulted;
  bare.spec.dns_policy.clear();
  map_slot(bare.metadata.labels, kTemplateHashLabel) = "abc";
  CHECK(same_template(defaulted, bare));
  bare.spec.containers[0].image = "web:2";
  CHECK_FALSE(same_template(defaulted, bare));
}

TEST_CASE("rollouts under random changes keep their limits and converge") {
  for (uint64_t seed = 1; seed <= 12; ++seed) {
    CAPTURE(seed);
    Rng rng(seed);
    Cluster cluster = cluster_with_nodes(3, seed);
    Object object = web(6, "web:0");
    auto min_ready = static_cast<int32_t>(rng.below(2) * 5);
    as<Deployment>(object).spec.min_ready_seconds = min_ready;
    cluster.apply(object);
    cluster.advance(std::chrono::seconds(20));
    RolloutLimits limits = rollout_limits(as<Deployment>(object).spec);
    int available_before = 6;
    // We alone take nothing below the minimum; what failed by itself may be missing.
    cluster.after_turn = [&] {
      int available = available_pods(cluster, min_ready);
      if (available < available_before) CHECK(available >= limits.min_available);
      CHECK(static_cast<int32_t>(cluster.active_pods().size()) <= limits.max_total);
      available_before = available;
    };
    for (int i = 0; i < 15; ++i) {
      if (rng.chance(60)) {
        as<Deployment>(object).spec.pod_template.spec.containers[0].image =
            rng.chance(25) ? "broken" : "web:" + std::to_string(rng.below(4));
        cluster.apply(object);
      } else if (!cluster.active_pods().empty()) {
        auto pods = cluster.active_pods();
        Key victim = pods[rng.below(pods.size())]->key();
        cluster.edit<Pod>("default", victim.name, [](Object& pod) { as<Pod>(pod).status.phase = "Failed"; });
        available_before = available_pods(cluster, min_ready);
      }
      if (rng.chance(50)) cluster.turn();
      else cluster.advance(std::chrono::seconds(rng.below(30)));
    }
    as<Deployment>(object).spec.pod_template.spec.containers[0].image = "web:9";
    cluster.apply(object);
    cluster.advance(std::chrono::minutes(2));
    CHECK(status_of(cluster).available_replicas == 6);
    CHECK(status_of(cluster).updated_replicas == 6);
    CHECK(progress_reason(cluster) == "NewReplicaSetAvailable");
    uint64_t version = cluster.view().version();
    cluster.queue.resync(cluster.view());
    cluster.settle();
    CHECK(cluster.view().version() == version);
  }
}

}  // namespace mainstay
