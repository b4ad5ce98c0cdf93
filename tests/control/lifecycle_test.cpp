// Namespaces, owners, and what goes by itself.
#include <algorithm>
#include <catch2/catch.hpp>

#include "reconciler/control/conditions.h"
#include "reconciler/control/owners.h"
#include "tests/control/harness.h"

namespace mainstay {
namespace {

using test::Cluster;
using test::manifest;

Object config_map(const std::string& name, const std::vector<const Object*>& owners,
                  const std::string& ns = "default") {
  Object object = make_object<ConfigMap>(ns, name);
  for (const Object* owner : owners) object.meta.owner_references.push_back(controller_reference(*owner));
  for (size_t i = 1; i < owners.size(); ++i) object.meta.owner_references[i].controller.reset();
  return object;
}

ObjectPtr owner_map(Cluster& cluster, const std::string& name) {
  cluster.apply(make_object<ConfigMap>("default", name));
  return cluster.get(Kind::kConfigMap, "default", name);
}

DeleteOptions propagate(Propagation propagation) {
  DeleteOptions options;
  options.propagation = propagation;
  return options;
}

const Key kOwnerKey{Kind::kConfigMap, "default", "owner"};

}  // namespace

TEST_CASE("the default namespaces are there, with account and authority") {
  Cluster cluster;
  for (const char* name : {"default", "kube-system", "kube-public", "kube-node-lease"}) {
    CAPTURE(name);
    ObjectPtr ns = cluster.get(Kind::kNamespace, "", name);
    REQUIRE(ns);
    CHECK(*map_find(ns->meta.labels, "kubernetes.io/metadata.name") == name);
    CHECK(cluster.get(Kind::kServiceAccount, name, "default"));
    ObjectPtr authority = cluster.get(Kind::kConfigMap, name, "kube-root-ca.crt");
    REQUIRE(authority);
    CHECK(*map_find(as<ConfigMap>(*authority).data, "ca.crt") == cluster.settings.root_ca);
  }
  cluster.remove({Kind::kServiceAccount, "default", "default"});
  cluster.edit<ConfigMap>("default", "kube-root-ca.crt",
                          [](Object& object) { as<ConfigMap>(object).data.clear(); });
  cluster.remove({Kind::kNamespace, "", "kube-node-lease"});
  cluster.settle();
  CHECK(cluster.get(Kind::kServiceAccount, "default", "default"));
  CHECK(as<ConfigMap>(*cluster.get(Kind::kConfigMap, "default", "kube-root-ca.crt")).data.size() == 1);
  ObjectPtr again = cluster.get(Kind::kNamespace, "", "kube-node-lease");
  REQUIRE(again);
  CHECK(as<Namespace>(*again).status.phase == "Active");
}

TEST_CASE("a namespace goes when all that was in it has gone") {
  Cluster cluster;
  cluster.add_node("n1");
  cluster.apply(manifest("{apiVersion: v1, kind: Namespace, metadata: {name: shop}}"));
  cluster.settle();
  Object set = manifest(R"(
apiVersion: apps/v1
kind: ReplicaSet
metadata: {name: web, namespace: shop}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: web, image: "web:1"}]
)");
  cluster.apply(set);
  Object held = make_object<ConfigMap>("shop", "held");
  held.meta.finalizers = {"example.com/hold"};
  cluster.apply(held);
  cluster.settle();
  REQUIRE(cluster.list(Kind::kPod, "shop").size() == 2);

  cluster.kubelet_stops = false;
  cluster.remove({Kind::kNamespace, "", "shop"});
  cluster.settle();
  ObjectPtr ns = cluster.get(Kind::kNamespace, "", "shop");
  REQUIRE(ns);
  CHECK(as<Namespace>(*ns).status.phase == "Terminating");
  const auto& conditions = as<Namespace>(*ns).status.conditions;
  CHECK(find_condition(conditions, "NamespaceContentRemaining")->message ==
        "Some resources are remaining: configmaps has 1 resource instances, pods has 2 resource instances");
  CHECK(find_condition(conditions, "NamespaceFinalizersRemaining")->message ==
        "Some content in the namespace has finalizers remaining: example.com/hold in 1 resource instances");
  CHECK(cluster.list(Kind::kReplicaSet, "shop").empty());

  cluster.kubelet_stops = true;
  cluster.settle();
  CHECK(cluster.list(Kind::kPod, "shop").empty());
  CHECK(cluster.get(Kind::kNamespace, "", "shop"));
  cluster.edit<ConfigMap>("shop", "held", [](Object& object) { object.meta.finalizers.clear(); });
  cluster.settle();
  CHECK_FALSE(cluster.get(Kind::kNamespace, "", "shop"));
  CHECK(cluster.list(Kind::kEvent, "shop").empty());
  CHECK(cluster.list(Kind::kServiceAccount, "shop").empty());
}

TEST_CASE("background: dependents go after their owner, through generations") {
  Cluster cluster;
  ObjectPtr owner = owner_map(cluster, "owner");
  cluster.apply(config_map("child", {&*owner}));
  ObjectPtr child = cluster.get(Kind::kConfigMap, "default", "child");
  cluster.apply(config_map("grandchild", {&*child}));
  cluster.settle();
  CHECK(cluster.get(Kind::kConfigMap, "default", "grandchild"));
  cluster.remove(kOwnerKey);
  CHECK_FALSE(cluster.get(Kind::kConfigMap, "default", "owner"));
  cluster.settle();
  CHECK_FALSE(cluster.get(Kind::kConfigMap, "default", "child"));
  CHECK_FALSE(cluster.get(Kind::kConfigMap, "default", "grandchild"));
}

TEST_CASE("an Event can own, though it is not found by its uid") {
  Cluster cluster;
  cluster.apply(make_object<Event>("default", "seen"));
  cluster.apply(config_map("child", {cluster.get(Kind::kEvent, "default", "seen").get()}));
  cluster.settle();
  CHECK(cluster.get(Kind::kConfigMap, "default", "child"));
  cluster.remove({Kind::kEvent, "default", "seen"});
  cluster.settle();
  CHECK_FALSE(cluster.get(Kind::kConfigMap, "default", "child"));
}

TEST_CASE("a dependent with another owner stays and forgets the one that is gone") {
  Cluster cluster;
  ObjectPtr owner = owner_map(cluster, "owner");
  ObjectPtr other = owner_map(cluster, "other");
  cluster.apply(config_map("child", {&*owner, &*other}));
  cluster.remove(kOwnerKey);
  cluster.settle();
  ObjectPtr child = cluster.get(Kind::kConfigMap, "default", "child");
  REQUIRE(child);
  REQUIRE(child->meta.owner_references.size() == 1);
  CHECK(child->meta.owner_references[0].uid == other->meta.uid);
}

TEST_CASE("foreground: the owner goes last") {
  Cluster cluster;
  ObjectPtr owner = owner_map(cluster, "owner");
  Object child = config_map("child", {&*owner});
  child.meta.finalizers = {"example.com/hold"};
  cluster.apply(child);
  Object loose = config_map("loose", {&*owner});
  loose.meta.owner_references[0].block_owner_deletion = false;
  loose.meta.finalizers = {"example.com/hold"};
  cluster.apply(loose);
  ObjectPtr stored = cluster.get(Kind::kConfigMap, "default", "child");
  cluster.apply(config_map("grandchild", {&*stored}));
  cluster.remove(kOwnerKey, propagate(Propagation::kForeground));
  cluster.settle();
  REQUIRE(cluster.get(Kind::kConfigMap, "default", "owner"));
  CHECK_FALSE(cluster.get(Kind::kConfigMap, "default", "grandchild"));
  stored = cluster.get(Kind::kConfigMap, "default", "child");
  REQUIRE(stored);
  CHECK(stored->meta.deletion_timestamp != WallTime{});
  cluster.edit<ConfigMap>("default", "child", [](Object& object) { object.meta.finalizers.clear(); });
  cluster.settle();
  CHECK_FALSE(cluster.get(Kind::kConfigMap, "default", "child"));
  CHECK_FALSE(cluster.get(Kind::kConfigMap, "default", "owner"));
  CHECK(cluster.get(Kind::kConfigMap, "default", "loose")->meta.deletion_timestamp != WallTime{});
}

TEST_CASE("orphan: dependents stay and have no owner") {
  Cluster cluster;
  ObjectPtr owner = owner_map(cluster, "owner");
  cluster.apply(config_map("child", {&*owner}));
  cluster.remove(kOwnerKey, propagate(Propagation::kOrphan));
  cluster.settle();
  CHECK_FALSE(cluster.get(Kind::kConfigMap, "default", "owner"));
  ObjectPtr child = cluster.get(Kind::kConfigMap, "default", "child");
  REQUIRE(child);
  CHECK(child->meta.owner_references.empty());
}

TEST_CASE("an owner that never was, is elsewhere, or is another one counts as absent") {
  Cluster cluster;
  cluster.apply(manifest("{apiVersion: v1, kind: Namespace, metadata: {name: shop}}"));
  cluster.settle();
  ObjectPtr owner = owner_map(cluster, "owner");
  SECTION("unknown uid") {
    Object child = config_map("child", {&*owner});
    child.meta.owner_references[0].uid = "00000000-0000-4000-8000-000000000000";
    cluster.apply(child);
    cluster.settle();
    CHECK_FALSE(cluster.get(Kind::kConfigMap, "default", "child"));
  }
  SECTION("another namespace") {
    cluster.apply(config_map("child", {&*owner}, "shop"));
    cluster.settle();
    CHECK_FALSE(cluster.get(Kind::kConfigMap, "shop", "child"));
    auto events = cluster.events(Kind::kConfigMap, "child");
    REQUIRE(events.size() == 1);
    CHECK(events[0].rfind("OwnerRefInvalidNamespace: ", 0) == 0);
  }
  SECTION("the uid of something with another name") {
    Object child = config_map("child", {&*owner});
    child.meta.owner_references[0].name = "somebody";
    cluster.apply(child);
    cluster.settle();
    CHECK_FALSE(cluster.get(Kind::kConfigMap, "default", "child"));
  }
  SECTION("cluster-scoped owners own anywhere") {
    cluster.add_node("n1");
    cluster.apply(config_map("child", {&*cluster.get(Kind::kNode, "", "n1")}, "shop"));
    cluster.settle();
    CHECK(cluster.get(Kind::kConfigMap, "shop", "child"));
    cluster.remove({Kind::kNode, "", "n1"});
    cluster.settle();
    CHECK_FALSE(cluster.get(Kind::kConfigMap, "shop", "child"));
  }
}

TEST_CASE("a Deployment takes its ReplicaSets and pods along") {
  Cluster cluster;
  cluster.add_node("n1");
  Object object = manifest(R"(
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: web, image: "web:1"}]
)");
  cluster.apply(object);
  cluster.settle();
  SECTION("background") {
    cluster.remove({Kind::kDeployment, "default", "web"});
    CHECK_FALSE(cluster.get(Kind::kDeployment, "default", "web"));
    cluster.settle();
  }
  SECTION("foreground") {
    cluster.kubelet_stops = false;
    cluster.remove({Kind::kDeployment, "default", "web"}, propagate(Propagation::kForeground));
    cluster.settle();
    CHECK(cluster.get(Kind::kDeployment, "default", "web"));
    CHECK(cluster.list(Kind::kReplicaSet).size() == 1);
    CHECK(cluster.list(Kind::kPod).size() == 3);
    CHECK(cluster.active_pods().empty());
    cluster.kubelet_stops = true;
    cluster.settle();
    CHECK_FALSE(cluster.get(Kind::kDeployment, "default", "web"));
  }
  CHECK(cluster.list(Kind::kReplicaSet).empty());
  CHECK(cluster.list(Kind::kPod).empty());
}

TEST_CASE("finished pods beyond the threshold go, the oldest first") {
  Cluster cluster;
  cluster.settings.terminated_pods_kept = 3;
  for (int i = 0; i < 5; ++i) {
    Object pod = manifest("{apiVersion: v1, kind: Pod, metadata: {name: p" + std::to_string(i) +
                          "}, spec: {containers: [{name: c, image: \"c:1\"}]}}");
    as<Pod>(pod).status.phase = i % 2 == 0 ? "Succeeded" : "Failed";
    cluster.apply(pod);
    cluster.advance(std::chrono::seconds(2));
  }
  CHECK(cluster.list(Kind::kPod).size() == 3);
  CHECK(cluster.get(Kind::kPod, "default", "p4"));
  CHECK_FALSE(cluster.get(Kind::kPod, "default", "p1"));
}

TEST_CASE("events expire after their time") {
  Cluster cluster;
  cluster.add_node("n1");
  cluster.write([](Transaction& txn) {
    record_note(txn, {{Kind::kNode, "", "n1"}, "", false, "Rebooted", "again", "kubelet", "n1", ""});
  });
  REQUIRE(cluster.events(Kind::kNode, "n1").size() == 1);
  cluster.advance(std::chrono::minutes(58));
  CHECK(cluster.events(Kind::kNode, "n1").size() == 1);
  cluster.advance(std::chrono::minutes(4));
  CHECK(cluster.events(Kind::kNode, "n1").empty());
}

}  // namespace mainstay
