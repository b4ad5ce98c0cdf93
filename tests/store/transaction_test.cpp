#include <catch2/catch.hpp>

#include <map>
#include <set>
#include <vector>

#include "tests/store/seeds.h"
#include "tests/store/store_fixture.h"

namespace mainstay {
namespace {

TEST_CASE("create sets what the server sets") {
  TestStore store;
  Transaction txn = store.begin();
  Object sent = make_object<Deployment>("shop", "web");
  sent.meta.uid = "mine";
  sent.meta.resource_version = "77";
  sent.meta.generation = 9;
  sent.meta.deletion_timestamp = WallTime{1s};
  ObjectPtr made = txn.create(std::move(sent)).value();
  CHECK(made->version == 1);
  CHECK(made->meta.uid.size() == 36);
  CHECK(made->meta.resource_version.empty());
  CHECK(made->meta.generation == 1);
  CHECK(made->meta.creation_timestamp == at_second(0).wall);
  CHECK(made->meta.deletion_timestamp == WallTime{});
  REQUIRE(txn.changes().size() == 1);
  CHECK(txn.changes()[0].op == ChangeOp::kAdd);
  CHECK(txn.changes()[0].before == nullptr);
  CHECK(txn.changes()[0].after == made);
  CHECK(txn.view().find(made->key()) == made);
  CHECK(txn.view().find_uid(made->meta.uid) == made);
  CHECK(store.head.version() == 0);
}

TEST_CASE("creation times are whole seconds and kinds without spec have no generation") {
  TestStore store;
  Now now = at_second(5);
  now.wall = now.wall + 700ms;
  Transaction txn(store.head, now, store.rng);
  ObjectPtr made = txn.create(config("shop", "a")).value();
  CHECK(made->meta.creation_timestamp == at_second(5).wall);
  CHECK(made->meta.generation == 0);
}

TEST_CASE("create refuses taken names and wrong places") {
  TestStore store;
  Transaction txn = store.begin();
  REQUIRE(txn.create(config("shop", "a")).ok());
  auto again = txn.create(config("shop", "a"));
  REQUIRE_FALSE(again.ok());
  CHECK(again.error().code == ErrorCode::kExists);
  CHECK(again.error().message == "configmaps \"a\" already exists");
  CHECK(txn.create(config("", "a")).error().code == ErrorCode::kInvalid);
  CHECK(txn.create(make_object<Node>("shop", "n1")).error().code == ErrorCode::kInvalid);
  CHECK(txn.create(config("shop", "")).error().code == ErrorCode::kInvalid);
  CHECK(txn.changes().size() == 1);
}

TEST_CASE("generateName is completed, cut to 63 and never clashes") {
  TestStore store;
  Transaction txn = store.begin();
  std::set<std::string> names;
  for (int i = 0; i < 200; ++i) {
    Object object = config("shop", "");
    object.meta.generate_name = std::string(80, 'a');
    ObjectPtr made = txn.create(std::move(object)).value();
    CHECK(made->meta.name.size() == 63);
    names.insert(made->meta.name);
  }
  CHECK(names.size() == 200);
}

TEST_CASE("a namespace starts Active with its finalizer and refuses content while it goes") {
  TestStore store;
  ObjectPtr made = store.create(namespace_named("shop"));
  CHECK(as<Namespace>(*made).status.phase == "Active");
  CHECK(as<Namespace>(*made).spec.finalizers == std::vector<std::string>{"kubernetes"});
  store.remove(made->key());
  Transaction txn = store.begin();
  auto refused = txn.create(config("shop", "late"));
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == ErrorCode::kDenied);
  CHECK(refused.error().message.find("because it is being terminated") != std::string::npos);
}

TEST_CASE("generation follows the spec alone") {
  TestStore store;
  ObjectPtr made = store.create(make_object<Deployment>("shop", "web"));
  Object labelled = *made;
  map_slot(labelled.meta.labels, "a") = "b";
  ObjectPtr second = store.update(labelled);
  CHECK(second->meta.generation == 1);
  CHECK(second->version == 2);

  Object counted = *second;
  as<Deployment>(counted).status.replicas = 3;
  ObjectPtr third = store.update(counted);
  CHECK(third->meta.generation == 1);

  Object scaled = *third;
  as<Deployment>(scaled).spec.replicas = 5;
  ObjectPtr fourth = store.update(scaled);
  CHECK(fourth->meta.generation == 2);
  CHECK(as<Deployment>(*fourth).status.replicas == 3);
}

TEST_CASE("binding a pod to its node is no new generation, anything beside it is") {
  TestStore store;
  ObjectPtr made = store.create(make_object<Pod>("shop", "web"));
  Object bound = *made;
  as<Pod>(bound).spec.node_name = "n1";
  ObjectPtr second = store.update(bound);
  CHECK(as<Pod>(*second).spec.node_name == "n1");
  CHECK(second->meta.generation == 1);
  Object shorter = *second;
  as<Pod>(shorter).spec.active_deadline_seconds = 5;
  CHECK(store.update(shorter)->meta.generation == 2);
  Object both = *store.create(make_object<Pod>("shop", "other"));
  as<Pod>(both).spec.node_name = "n1";
  as<Pod>(both).spec.active_deadline_seconds = 5;
  CHECK(store.update(both)->meta.generation == 2);
}

TEST_CASE("an update cannot change what the server owns") {
  TestStore store;
  ObjectPtr made = store.create(make_object<Deployment>("shop", "web"));
  Object next = *made;
  next.meta.creation_timestamp = WallTime{5s};
  next.meta.generation = 99;
  next.meta.deletion_timestamp = WallTime{5s};
  ObjectPtr written = store.update(next);
  CHECK(written == made);
  CHECK(store.head.version() == 1);
}

TEST_CASE("an equal update writes nothing") {
  TestStore store;
  ObjectPtr made = store.create(config("shop", "a"));
  Transaction txn = store.begin();
  CHECK(txn.update(*made).value() == made);
  CHECK(txn.update(config("shop", "a")).value() == made);
  CHECK(txn.empty());
  CHECK(txn.view().version() == 1);
}

TEST_CASE("update keeps its preconditions") {
  TestStore store;
  ObjectPtr made = store.create(config("shop", "a", "1"));
  ObjectPtr newer = store.update(config("shop", "a", "2"));
  Transaction txn = store.begin();
  Object stale = *made;
  map_slot(as<ConfigMap>(stale).data, "value") = "3";
  auto refused = txn.update(stale);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == ErrorCode::kConflict);
  CHECK(refused.error().message.find("the object has been modified") != std::string::npos);
  Object other = *newer;
  other.meta.uid = "another";
  CHECK(txn.update(other).error().code == ErrorCode::kConflict);
  CHECK(txn.update(config("shop", "b")).error().code == ErrorCode::kNotFound);
  stale.version = 0;
  CHECK(txn.update(stale).ok());
}

TEST_CASE("update_status takes nothing but the status") {
  TestStore store;
  ObjectPtr made = store.create(pod("shop", "p", "n1"));
  Object next = *made;
  as<Pod>(next).status.phase = "Running";
  as<Pod>(next).spec.node_name = "n2";
  map_slot(next.meta.labels, "a") = "b";
  Transaction txn = store.begin();
  ObjectPtr written = txn.update_status(next).value();
  CHECK(as<Pod>(*written).status.phase == "Running");
  CHECK(as<Pod>(*written).spec.node_name == "n1");
  CHECK(written->meta.labels.empty());
  CHECK(written->meta.generation == 1);
  CHECK(txn.update_status(*written).value() == written);
  CHECK(txn.changes().size() == 1);
  CHECK(txn.update_status(config("shop", "c")).error().code == ErrorCode::kNotFound);
}

TEST_CASE("carried kinds have their status told apart, too") {
  TestStore store;
  Object claim = make_object(Kind::kPersistentVolumeClaim, "shop", "data");
  generic_fields(claim).set("spec", Value::map()).set("volumeMode", "Filesystem");
  ObjectPtr made = store.create(claim);
  CHECK(made->meta.generation == 1);
  Object next = *made;
  generic_fields(next).set("status", Value::map()).set("phase", "Bound");
  Transaction txn = store.begin();
  ObjectPtr bound = txn.update_status(next).value();
  CHECK(bound->meta.generation == 1);
  CHECK(generic_fields(*bound).find_path({"status", "phase"})->as_string() == "Bound");
  Object changed = *bound;
  generic_fields(changed).find("spec")->set("volumeMode", "Block");
  CHECK(txn.update(changed).value()->meta.generation == 2);
}

TEST_CASE("causes stand beside their changes") {
  TestStore store;
  Transaction txn = store.begin();
  REQUIRE(txn.create(config("shop", "a")).ok());
  txn.set_cause({"user:admin", "PUT"});
  REQUIRE(txn.update(config("shop", "a", "2")).ok());
  REQUIRE(txn.causes().size() == 2);
  CHECK(txn.causes()[0].actor == "core");
  CHECK(txn.causes()[1].actor == "user:admin");
  CHECK(txn.causes()[1].why == "PUT");
}

TEST_CASE("rollback_to forgets what came after the mark") {
  TestStore store;
  Transaction txn = store.begin();
  ObjectPtr first = txn.create(config("shop", "a")).value();
  auto mark = txn.mark();
  REQUIRE(txn.create(pod("shop", "p", "n1")).ok());
  REQUIRE(txn.remove(first->key()));
  CHECK(txn.changes().size() == 3);
  txn.rollback_to(std::move(mark));
  CHECK(txn.changes().size() == 1);
  CHECK(txn.causes().size() == 1);
  CHECK(txn.view().version() == 1);
  CHECK(txn.view().find(first->key()) == first);
  CHECK(txn.view().pods_on("n1").empty());
  CHECK(txn.create(config("shop", "b")).value()->version == 2);
}

TEST_CASE("lists and indexes follow every change") {
  TestStore store;
  ObjectPtr owner = store.create(make_object<ReplicaSet>("shop", "web-1"));
  Object child = pod("shop", "web-1-a");
  own(child, *owner);
  ObjectPtr made = store.create(child);
  store.create(pod("depot", "other", "n2"));
  CHECK(store.head.list(Kind::kPod).size() == 2);
  CHECK(store.head.list(Kind::kPod, "shop").size() == 1);
  CHECK((*store.head.list(Kind::kPod).begin())->meta.ns == "depot");
  CHECK(store.head.owned_by(owner->meta.uid).size() == 1);
  CHECK(store.head.owned_by(owner->meta.uid, Kind::kPod).size() == 1);
  CHECK(store.head.owned_by(owner->meta.uid, Kind::kReplicaSet).empty());
  CHECK(store.head.pods_on("n1").empty());

  Object bound = *made;
  as<Pod>(bound).spec.node_name = "n1";
  ObjectPtr placed = store.update(bound);
  CHECK(*store.head.pods_on("n1").begin() == placed);
  CHECK(*store.head.owned_by(owner->meta.uid).begin() == placed);

  Object orphan = *placed;
  orphan.meta.owner_references.clear();
  store.update(orphan);
  CHECK(store.head.owned_by(owner->meta.uid).empty());
  CHECK(store.head.pods_on("n1").size() == 1);

  Transaction txn = store.begin();
  CHECK(txn.remove(placed->key()));
  CHECK_FALSE(txn.remove(placed->key()));
  CHECK(txn.view().pods_on("n1").empty());
  CHECK(txn.view().find_uid(placed->meta.uid) == nullptr);
  CHECK(txn.view().count(Kind::kPod) == 1);
}

// Random writes; the snapshot and each earlier one must answer as plain maps do.
TEST_CASE("snapshots agree with a model under random transactions") {
  for (uint64_t seed : test_seeds(6)) {
    INFO("MAINSTAY_SEED=" << seed);
    Rng rng(seed);
    TestStore store;
    std::map<std::string, ObjectPtr> model;
    for (int turn = 0; turn < 150; ++turn) {
      Snapshot old = store.head;
      auto old_model = model;
      Transaction txn = store.begin();
      for (uint64_t writes = rng.below(12); writes > 0; --writes) {
        std::string name = "p" + std::to_string(rng.below(80));
        Object object = pod("ns" + std::to_string(name.size() % 2), name, "n" + std::to_string(rng.below(4)));
        Key key = object.key();
        if (rng.chance(25)) {
          REQUIRE(txn.remove(key) == (model.erase(name) == 1));
        } else if (model.count(name) != 0) {
          model[name] = txn.update(object).value();
        } else {
          model[name] = txn.create(object).value();
        }
      }
      if (rng.chance(80)) store.seal(txn); else model = old_model;
      std::map<std::string, std::set<std::string>> by_node;
      for (const auto& [name, object] : model) {
        by_node[as<Pod>(*object).spec.node_name].insert(name);
        REQUIRE(store.head.find_uid(object->meta.uid) == object);
      }
      REQUIRE(store.head.count(Kind::kPod) == model.size());
      for (int n = 0; n < 4; ++n) {
        std::set<std::string> found;
        for (const ObjectPtr& object : store.head.pods_on("n" + std::to_string(n))) found.insert(object->meta.name);
        REQUIRE(found == by_node["n" + std::to_string(n)]);
      }
      REQUIRE(old.count(Kind::kPod) == old_model.size());
      for (const auto& [name, object] : old_model) REQUIRE(old.find(object->key()) == object);
    }
  }
}

}  // namespace
}  // namespace mainstay
