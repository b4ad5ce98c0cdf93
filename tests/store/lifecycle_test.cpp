#include <catch2/catch.hpp>

#include <map>
#include <vector>

#include "tests/store/store_fixture.h"

namespace mainstay {
namespace {

using Finalizers = std::vector<std::string>;

ObjectPtr running_pod(TestStore& store, std::optional<int64_t> grace = 30) {
  Object object = pod("shop", "p", "n1");
  as<Pod>(object).spec.termination_grace_period_seconds = grace;
  as<Pod>(object).status.phase = "Running";
  return store.create(object);
}

TEST_CASE("what nothing holds goes at once") {
  TestStore store;
  ObjectPtr made = store.create(config("shop", "a"));
  Deleted deleted = store.remove(made->key());
  CHECK(deleted.gone);
  CHECK(deleted.object == made);
  CHECK(store.head.find(made->key()) == nullptr);
  Transaction txn = store.begin();
  CHECK(delete_object(txn, made->key(), {}).error().code == ErrorCode::kNotFound);
}

TEST_CASE("deletion keeps its preconditions") {
  TestStore store;
  ObjectPtr made = store.create(config("shop", "a"));
  Transaction txn = store.begin();
  DeleteOptions other;
  other.precondition_uid = "another";
  CHECK(delete_object(txn, made->key(), other).error().code == ErrorCode::kConflict);
  DeleteOptions stale;
  stale.precondition_version = 99;
  CHECK(delete_object(txn, made->key(), stale).error().code == ErrorCode::kConflict);
  DeleteOptions right;
  right.precondition_uid = made->meta.uid;
  right.precondition_version = made->version;
  CHECK(delete_object(txn, made->key(), right).value().gone);
}

TEST_CASE("a running pod gets its grace") {
  TestStore store;
  ObjectPtr made = running_pod(store);
  store.second = 100;
  Deleted deleted = store.remove(made->key());
  CHECK_FALSE(deleted.gone);
  CHECK(deleted.object->meta.deletion_timestamp == at_second(130).wall);
  CHECK(deleted.object->meta.deletion_grace_period_seconds == 30);
  CHECK(deleted.object->meta.generation == 2);
  CHECK(deleted.object->version == 2);

  SECTION("a second deletion without a grace changes nothing") {
    store.second = 110;
    CHECK(store.remove(made->key()).object == deleted.object);
  }
  SECTION("a longer grace changes nothing, a shorter one counts from the first deletion") {
    store.second = 110;
    DeleteOptions longer;
    longer.grace_seconds = 60;
    CHECK(store.remove(made->key(), longer).object == deleted.object);
    DeleteOptions shorter;
    shorter.grace_seconds = 12;
    Deleted again = store.remove(made->key(), shorter);
    CHECK_FALSE(again.gone);
    CHECK(again.object->meta.deletion_timestamp == at_second(112).wall);
    CHECK(again.object->meta.generation == 2);
  }
  SECTION("grace 0, the agent's last word, removes it") {
    DeleteOptions now;
    now.grace_seconds = 0;
    CHECK(store.remove(made->key(), now).gone);
    CHECK(store.head.count(Kind::kPod) == 0);
  }
  SECTION("updates leave it, status updates too") {
    Object next = *deleted.object;
    as<Pod>(next).status.phase = "Failed";
    Transaction txn = store.begin();
    ObjectPtr still = txn.update_status(next).value();
    CHECK(txn.view().find(still->key()) == still);
    CHECK(still->meta.deletion_grace_period_seconds == 30);
  }
}

TEST_CASE("the grace a deletion asks for counts, negative means one second") {
  TestStore store;
  ObjectPtr made = running_pod(store);
  DeleteOptions options;
  options.grace_seconds = GENERATE(-1, 5);
  Deleted deleted = store.remove(made->key(), options);
  CHECK(deleted.object->meta.deletion_grace_period_seconds == (*options.grace_seconds < 0 ? 1 : 5));
}

TEST_CASE("unscheduled and finished pods go at once") {
  TestStore store;
  ObjectPtr waiting = store.create(pod("shop", "waiting"));
  CHECK(store.remove(waiting->key()).gone);
  for (const char* phase : {"Succeeded", "Failed"}) {
    Object object = pod("shop", phase, "n1");
    as<Pod>(object).status.phase = phase;
    CHECK(store.remove(store.create(object)->key()).gone);
  }
}

TEST_CASE("a finalizer holds an object until an update takes it away") {
  TestStore store;
  Object held = config("shop", "a");
  held.meta.finalizers = {"example.org/mine"};
  ObjectPtr made = store.create(held);
  Deleted deleted = store.remove(made->key());
  CHECK_FALSE(deleted.gone);
  CHECK(deleted.object->meta.deletion_grace_period_seconds == 0);
  CHECK(store.remove(made->key()).object == deleted.object);

  Transaction txn = store.begin();
  Object more = *deleted.object;
  more.meta.finalizers.push_back("example.org/late");
  CHECK(txn.update(more).error().code == ErrorCode::kInvalid);
  Object free = *deleted.object;
  free.meta.finalizers.clear();
  ObjectPtr last = txn.update(free).value();
  CHECK(last->meta.finalizers.empty());
  CHECK(last->version == 3);
  CHECK(txn.view().find(made->key()) == nullptr);
  REQUIRE(txn.changes().size() == 1);
  CHECK(txn.changes()[0].op == ChangeOp::kRemove);
  CHECK(txn.view().version() == 3);
}

TEST_CASE("a pod with grace and finalizer needs both gone") {
  TestStore store;
  Object held = pod("shop", "p", "n1");
  held.meta.finalizers = {"example.org/mine"};
  ObjectPtr made = store.create(held);
  Deleted deleted = store.remove(made->key());
  DeleteOptions now;
  now.grace_seconds = 0;
  Deleted forced = store.remove(made->key(), now);
  CHECK_FALSE(forced.gone);
  CHECK(forced.object->meta.deletion_grace_period_seconds == 0);
  Object free = *forced.object;
  free.meta.finalizers.clear();
  store.update(free);
  CHECK(store.head.count(Kind::kPod) == 0);
}

TEST_CASE("propagation becomes a finalizer") {
  TestStore store;
  Object object = make_object<Deployment>("shop", "web");
  SECTION("foreground") {
    DeleteOptions options;
    options.propagation = Propagation::kForeground;
    Deleted deleted = store.remove(store.create(object)->key(), options);
    CHECK_FALSE(deleted.gone);
    CHECK(deleted.object->meta.finalizers == Finalizers{"foregroundDeletion"});
  }
  SECTION("orphan") {
    DeleteOptions options;
    options.propagation = Propagation::kOrphan;
    Deleted deleted = store.remove(store.create(object)->key(), options);
    CHECK(deleted.object->meta.finalizers == Finalizers{"orphan"});
  }
  SECTION("background is the default, and overrides the object's own wish") {
    CHECK(store.remove(store.create(object)->key()).gone);
    object.meta.finalizers = {"orphan"};
    DeleteOptions options;
    options.propagation = Propagation::kBackground;
    CHECK(store.remove(store.create(object)->key(), options).gone);
  }
  SECTION("the object's own finalizer decides when nobody asks") {
    object.meta.finalizers = {"foregroundDeletion"};
    CHECK_FALSE(store.remove(store.create(object)->key()).gone);
  }
}

TEST_CASE("a namespace terminates and goes when both sorts of finalizers are gone") {
  TestStore store;
  ObjectPtr made = store.create(namespace_named("shop"));
  Deleted deleted = store.remove(made->key());
  CHECK_FALSE(deleted.gone);
  CHECK(as<Namespace>(*deleted.object).status.phase == "Terminating");
  Object finished = *deleted.object;
  as<Namespace>(finished).spec.finalizers.clear();
  store.update(finished);
  CHECK(store.head.count(Kind::kNamespace) == 0);
}

TEST_CASE("an update cannot take an active namespace's finalizer") {
  TestStore store;
  ObjectPtr made = store.create(namespace_named("shop"));
  CHECK(store.update(namespace_named("shop"))->meta.uid == made->meta.uid);
  CHECK(as<Namespace>(*store.head.find(made->key())).spec.finalizers == Finalizers{"kubernetes"});
}

TEST_CASE("the namespaces everything needs cannot be deleted") {
  TestStore store;
  for (const char* name : {"default", "kube-system", "kube-public"}) {
    ObjectPtr made = store.create(namespace_named(name));
    Transaction txn = store.begin();
    CHECK(delete_object(txn, made->key(), {}).error().code == ErrorCode::kDenied);
  }
}

Note note_about(const Object& object, std::string message) {
  return {object.key(), object.meta.uid, false, "Scheduled", std::move(message), "default-scheduler", "", ""};
}

TEST_CASE("notes become events that count") {
  TestStore store;
  ObjectPtr made = store.create(pod("shop", "p"));
  Transaction txn = store.begin();
  record_note(txn, note_about(*made, "Successfully assigned shop/p to n1"));
  store.seal(txn);
  store.second = 60;
  Transaction later = store.begin();
  record_note(later, note_about(*made, "Successfully assigned shop/p to n1"));
  record_note(later, note_about(*made, "something else"));
  store.seal(later);
  REQUIRE(store.head.count(Kind::kEvent) == 2);
  for (const ObjectPtr& object : store.head.list(Kind::kEvent, "shop")) {
    const Event& event = as<Event>(*object);
    CHECK(object->meta.name.size() == std::string("p.").size() + 16);
    CHECK(object->meta.name.substr(0, 2) == "p.");
    CHECK(event.involved_object.uid == made->meta.uid);
    CHECK(event.type == "Normal");
    CHECK(event.last_timestamp == at_second(60).wall);
    CHECK(event.count == (event.message == "something else" ? 1 : 2));
    CHECK(event.first_timestamp == (event.count == 2 ? at_second(0) : at_second(60)).wall);
  }
}

TEST_CASE("what is said of one container is not counted with what is said of another") {
  TestStore store;
  ObjectPtr made = store.create(pod("shop", "p"));
  Transaction txn = store.begin();
  for (const char* container : {"spec.containers{a}", "spec.containers{b}", "spec.containers{b}"}) {
    Note note = note_about(*made, "Pulling image \"web\"");
    note.field_path = container;
    record_note(txn, note);
  }
  std::map<std::string, int64_t> counts;
  for (const ObjectPtr& object : txn.view().list(Kind::kEvent, "shop")) {
    counts[as<Event>(*object).involved_object.field_path] = as<Event>(*object).count;
  }
  CHECK(counts == std::map<std::string, int64_t>{{"spec.containers{a}", 1}, {"spec.containers{b}", 2}});
}

TEST_CASE("events of cluster-scoped objects stand in default, and texts are cut at whole characters") {
  TestStore store;
  ObjectPtr node = store.create(make_object<Node>("", "n1"));
  Transaction txn = store.begin();
  std::string message(1023, 'x');
  message += "\xC3\xA4";  // would straddle the limit
  record_note(txn, note_about(*node, message));
  auto events = txn.view().list(Kind::kEvent, "default");
  REQUIRE(events.size() == 1);
  CHECK(as<Event>(**events.begin()).message == std::string(1023, 'x'));
}

TEST_CASE("a namespace that goes gets no more events") {
  TestStore store;
  ObjectPtr space = store.create(namespace_named("shop"));
  ObjectPtr made = store.create(pod("shop", "p"));
  store.remove(space->key());
  Transaction txn = store.begin();
  record_note(txn, note_about(*made, "Killing"));
  CHECK(txn.empty());
  Note gone = note_about(*made, "Killing");
  gone.about.ns = "never";
  record_note(txn, gone);
  CHECK(txn.empty());
}

// Records one note in a transaction of its own.
void say(TestStore& store, const Note& note) {
  Transaction txn = store.begin();
  record_note(txn, note);
  store.seal(txn);
}

TEST_CASE("events that differ in their message alone are combined from the tenth on") {
  TestStore store;
  ObjectPtr made = store.create(pod("shop", "p"));
  say(store, {made->key(), made->meta.uid, true, "Failed", "another reason", "kubelet", "n1", ""});
  for (int i = 0; i < 30; ++i) say(store, note_about(*made, "number " + std::to_string(i)));
  CHECK(store.head.count(Kind::kEvent) == 11);
  auto combined = [&] {
    std::vector<const Event*> out;
    for (const ObjectPtr& object : store.head.list(Kind::kEvent, "shop")) {
      if (as<Event>(*object).message.starts_with("(combined")) out.push_back(&as<Event>(*object));
    }
    return out;
  };
  REQUIRE(combined().size() == 1);
  CHECK(combined()[0]->message == "(combined from similar events): number 29");
  CHECK(combined()[0]->count == 21);
  // One that stands on its own goes on counting there.
  say(store, note_about(*made, "number 3"));
  CHECK(combined()[0]->count == 21);
  // After a silence the next stands on its own again.
  store.second = 601;
  say(store, note_about(*made, "number 30"));
  CHECK(store.head.count(Kind::kEvent) == 12);
  CHECK(combined()[0]->count == 21);
}

TEST_CASE("an event that goes on and on is written 25 times, and then every five minutes") {
  TestStore store;
  ObjectPtr made = store.create(pod("shop", "p"));
  auto count = [&] { return as<Event>(**store.head.list(Kind::kEvent, "shop").begin()).count; };
  for (store.second = 0; store.second < 60; ++store.second) say(store, note_about(*made, "Back-off"));
  CHECK(count() == 25);
  Transaction txn = store.begin();
  record_note(txn, note_about(*made, "Back-off"));
  CHECK(txn.empty());
  for (store.second = 60; store.second < 1000; store.second += 10) say(store, note_about(*made, "Back-off"));
  CHECK(count() == 28);
  say(store, note_about(*made, "another"));  // is not held back by it
  CHECK(store.head.count(Kind::kEvent) == 2);
}

TEST_CASE("the number of events is bounded and the oldest go first") {
  TestStore store;
  store.create(namespace_named("shop"));
  ObjectPtr made = store.create(pod("shop", "p"));
  for (size_t i = 0; i < kMostEvents + 10; ++i) {
    store.second = static_cast<int64_t>(i);
    Transaction txn = store.begin();
    Note note = note_about(*made, std::to_string(i));
    note.about.name += std::to_string(i);
    record_note(txn, note);
    store.seal(txn);
  }
  CHECK(store.head.count(Kind::kEvent) <= kMostEvents);
  WallTime oldest = at_second(1 << 30).wall;
  for (const ObjectPtr& event : store.head.list(Kind::kEvent)) {
    oldest = std::min(oldest, as<Event>(*event).first_timestamp);
  }
  CHECK(oldest == at_second(static_cast<int64_t>(kMostEvents / 4 + 1)).wall);
}

}  // namespace
}  // namespace mainstay
