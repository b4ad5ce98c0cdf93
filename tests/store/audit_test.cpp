#include <catch2/catch.hpp>

#include "reconciler/store/audit.h"
#include "reconciler/store/load.h"
#include "reconciler/store/snapshot_parts.h"
#include "tests/store/store_fixture.h"

namespace mainstay {
namespace {

// A small healthy cluster, and the loader to make it sick: it puts objects in unchecked.
struct Cluster {
  TestStore store;
  ObjectPtr space, node, set, child;

  Cluster() {
    space = store.create(namespace_named("shop"));
    Object n = make_object<Node>("", "n1");
    map_slot(as<Node>(n).status.allocatable, "cpu") = *Quantity::parse("2");
    map_slot(as<Node>(n).status.allocatable, "pods") = Quantity::of(2);
    as<Node>(n).spec.pod_cidr = "10.244.0.0/24";
    node = store.create(n);
    Object s = make_object<ReplicaSet>("shop", "web-1");
    as<ReplicaSet>(s).spec.selector.ensure().match_labels = {{"app", "web"}};
    as<ReplicaSet>(s).spec.pod_template.metadata.labels = {{"app", "web"}};
    set = store.create(s);
    child = store.create(member("web-1-a"));
  }

  Object member(const std::string& name) {
    Object object = pod("shop", name, "n1");
    object.meta.labels = {{"app", "web"}};
    own(object, *set);
    map_slot(as<Pod>(object).spec.containers[0].resources.requests, "cpu") = *Quantity::parse("800m");
    return object;
  }
  // A copy of what is stored, to be spoilt.
  Object copy(const ObjectPtr& object) { return *object; }
  void force(Object object) {
    StoreLoader loader(store.head);
    loader.put(std::make_shared<const Object>(std::move(object)));
    store.head = std::move(loader).finish();
  }
  std::string findings(AuditMoment moment = AuditMoment::kSettled) {
    std::string all;
    for (const std::string& sentence : audit(store.head, moment)) all += sentence + "\n";
    return all;
  }
  bool complains(const std::string& words, AuditMoment moment = AuditMoment::kSettled) {
    std::string all = findings(moment);
    INFO("findings: " << all);
    CHECK(all.find(words) != std::string::npos);
    return all.find(words) != std::string::npos;
  }
};

TEST_CASE("a healthy cluster has no findings") {
  Cluster cluster;
  CHECK(cluster.findings() == "");
}

TEST_CASE("identity") {
  Cluster cluster;
  Object object = cluster.copy(cluster.child);
  SECTION("uid twice") {
    object.meta.name = "twin";
    object.version = 1000;
    cluster.force(object);
    cluster.complains("Pod shop/twin shares its uid with Pod shop/web-1-a");
  }
  SECTION("version twice") {
    object.version = cluster.set->version;
    cluster.force(object);
    cluster.complains("together with");
  }
  SECTION("no namespace") {
    object.meta.ns = "nowhere";
    object.meta.uid = "u";
    object.version = 1000;
    cluster.force(object);
    cluster.complains("namespace nowhere, which does not exist");
  }
  SECTION("a version above the store's") {
    Snapshot view = cluster.store.head;
    object.version = 5000;
    SnapshotParts::table(view, Kind::kPod).set({"shop", "web-1-a"}, std::make_shared<const Object>(object));
    std::vector<std::string> found = audit(view, AuditMoment::kAny);
    REQUIRE_FALSE(found.empty());
    CHECK(found[0].find("has resource version 5000, the store is at 4") != std::string::npos);
  }
  SECTION("no generation") {
    object.meta.generation = 0;
    cluster.force(object);
    cluster.complains("has no generation");
  }
}

TEST_CASE("indexes") {
  Cluster cluster;
  Snapshot& view = cluster.store.head;
  ObjectName name{"shop", "web-1-a"};
  SECTION("an entry is missing") {
    SnapshotParts::by_node(view).erase(GroupedName{"n1", Kind::kPod, name});
    cluster.complains("is not found by its node n1", AuditMoment::kAny);
  }
  SECTION("an entry is stale") {
    SnapshotParts::by_owner(view).set({cluster.set->meta.uid, Kind::kPod, name},
                                      std::make_shared<const Object>(*cluster.child));
    cluster.complains("is not found by its owner web-1", AuditMoment::kAny);
  }
  SECTION("an entry is left over") {
    SnapshotParts::by_uid(view).set({"gone", Kind::kPod, name}, {});
    cluster.complains("The index by uid has 5 entries and should have 4.", AuditMoment::kAny);
  }
}

TEST_CASE("owners") {
  Cluster cluster;
  SECTION("gone") {
    Transaction txn = cluster.store.begin();
    txn.remove(cluster.set->key());
    cluster.store.seal(txn);
    CHECK(cluster.findings(AuditMoment::kAny) == "");
    cluster.complains("is owned by ReplicaSet web-1, which is gone");
    Transaction later = cluster.store.begin();
    REQUIRE(delete_object(later, cluster.child->key(), {}).ok());
    cluster.store.seal(later);
    CHECK(cluster.findings() == "");  // it is being collected
  }
  SECTION("two controllers") {
    Object object = cluster.copy(cluster.child);
    own(object, *cluster.node);
    cluster.force(object);
    cluster.complains("has 2 controllers");
  }
  SECTION("misnamed") {
    Object object = cluster.copy(cluster.child);
    object.meta.owner_references[0].name = "other";
    cluster.force(object);
    cluster.complains("calls its owner ReplicaSet other");
  }
}

TEST_CASE("deletion") {
  Cluster cluster;
  Object object = cluster.copy(cluster.child);
  SECTION("nothing holds it") {
    object.meta.deletion_timestamp = at_second(5).wall;
    object.meta.deletion_grace_period_seconds = 0;
    cluster.force(object);
    cluster.complains("nothing holds it", AuditMoment::kAny);
  }
  SECTION("a grace without a deletion") {
    object.meta.deletion_grace_period_seconds = 5;
    cluster.force(object);
    cluster.complains("is not being deleted", AuditMoment::kAny);
  }
  SECTION("a namespace's phase") {
    Object space = cluster.copy(cluster.space);
    as<Namespace>(space).status.phase = "Terminating";
    cluster.force(space);
    cluster.complains("is Terminating and is not being deleted", AuditMoment::kAny);
  }
}

TEST_CASE("nodes") {
  Cluster cluster;
  SECTION("over their capacity") {
    cluster.store.create(cluster.member("b"));
    CHECK(cluster.findings() == "");
    cluster.store.create(cluster.member("c"));
    cluster.complains("has 2 of cpu, and its pods ask for 2400m", AuditMoment::kAny);
    cluster.complains("has 2 of pods, and its pods ask for 3", AuditMoment::kAny);
  }
  SECTION("finished pods use nothing") {
    Object done = cluster.member("b");
    as<Pod>(done).status.phase = "Failed";
    cluster.store.create(done);
    cluster.store.create(cluster.member("c"));
    CHECK(cluster.findings() == "");
  }
  SECTION("gone") {
    Transaction txn = cluster.store.begin();
    txn.remove(cluster.node->key());
    cluster.store.seal(txn);
    CHECK(cluster.findings(AuditMoment::kAny) == "");
    cluster.complains("is on node n1, which does not exist");
  }
  SECTION("the same pod range twice") {
    Object other = make_object<Node>("", "n2");
    as<Node>(other).spec.pod_cidr = "10.244.0.0/24";
    cluster.store.create(other);
    cluster.complains("has the pod range 10.244.0.0/24 of Node n1", AuditMoment::kAny);
  }
}

TEST_CASE("selectors and addresses") {
  Cluster cluster;
  SECTION("a template its own selector misses") {
    Object set = cluster.copy(cluster.set);
    as<ReplicaSet>(set).spec.pod_template.metadata.labels.clear();
    cluster.force(set);
    cluster.complains("does not select the pods of its own template", AuditMoment::kAny);
  }
  SECTION("a child the selector misses") {
    Object child = cluster.copy(cluster.child);
    child.meta.labels.clear();
    cluster.force(child);
    cluster.complains("whose selector does not match it");
  }
  SECTION("a service address twice") {
    for (const char* name : {"a", "b"}) {
      Object service = make_object<Service>("shop", name);
      as<Service>(service).spec.cluster_ip = "10.96.0.10";
      cluster.store.create(service);
    }
    cluster.complains("has the cluster address 10.96.0.10 of Service shop/a", AuditMoment::kAny);
  }
  SECTION("a pod address twice") {
    for (const char* name : {"x", "y"}) {
      Object object = pod("shop", name, "n2");
      as<Pod>(object).status.pod_ip = "10.244.0.7";
      cluster.store.create(object);
    }
    cluster.complains("has the pod address 10.244.0.7 of Pod shop/x");
  }
}

}  // namespace
}  // namespace mainstay
