#include "reconciler/control/work_queue.h"

#include <catch2/catch.hpp>

#include "schema/base/rng.h"

namespace mainstay {
namespace {

Outcome reconcile_nothing(ControlContext&, const Key&) { return {}; }
void wake_itself(const Change& change, const Snapshot&, std::vector<Key>& keys) {
  keys.push_back(change.key);
}

constexpr Controller kTwo[] = {
    {"first", &reconcile_nothing, &wake_itself},
    {"second", &reconcile_nothing, &wake_itself, Kind::kPod},
};

Key key(const std::string& name) { return {Kind::kPod, "default", name}; }

Now at(int64_t seconds) {
  return {WallTime{std::chrono::seconds(seconds)}, MonoTime{std::chrono::seconds(seconds)}};
}
MonoTime mono(int64_t seconds) { return MonoTime{std::chrono::seconds(seconds)}; }

Snapshot snapshot_with(int pods) {
  Rng rng(1);
  Transaction txn(Snapshot{}, at(1), rng);
  for (int i = 0; i < pods; ++i) {
    REQUIRE(txn.create(make_object<Pod>("default", "p" + std::to_string(100 + i))).ok());
  }
  return txn.view();
}

}  // namespace

TEST_CASE("a key waits once, however often it is woken") {
  WorkQueue queue(kTwo);
  for (int i = 0; i < 5; ++i) queue.wake("first", key("a"));
  queue.wake("second", key("a"));
  CHECK(queue.waiting() == 2);
  auto items = queue.take(at(0), 10);
  REQUIRE(items.size() == 2);
  CHECK(items[0].controller == 0);
  CHECK(items[1].controller == 1);
  CHECK(queue.idle());
  queue.wake("first", key("a"));
  CHECK(queue.waiting() == 1);
}

TEST_CASE("a batch is bounded and in the order of the controllers") {
  WorkQueue queue(kTwo);
  for (int i = 0; i < 10; ++i) queue.wake(i % 2 == 0 ? "second" : "first", key(std::to_string(i)));
  auto items = queue.take(at(0), 6);
  REQUIRE(items.size() == 6);
  CHECK(std::is_sorted(items.begin(), items.end(),
                       [](const auto& a, const auto& b) { return a.controller < b.controller; }));
  CHECK(queue.waiting() == 4);
  CHECK(queue.take(at(0), 6).size() == 4);
}

TEST_CASE("fresh work goes before resync, which is not starved") {
  WorkQueue queue(kTwo);
  Snapshot view = snapshot_with(100);
  queue.resync(view);
  CHECK(queue.waiting() == 201);  // and the sweep
  for (int i = 0; i < 100; ++i) queue.wake("first", key("fresh" + std::to_string(i)));
  size_t fresh = 0, resync = 0;
  for (const auto& item : queue.take(at(0), 80)) {
    if (item.key.name.rfind("fresh", 0) == 0) ++fresh; else ++resync;
  }
  CHECK(fresh == 70);
  CHECK(resync == 10);
}

TEST_CASE("a resync key that something wakes becomes fresh, and is still looked at once") {
  WorkQueue queue(kTwo);
  Snapshot view = snapshot_with(50);
  queue.resync(view);
  queue.wake("first", key("p149"));
  auto items = queue.take(at(0), 1);
  REQUIRE(items.size() == 1);
  CHECK(items[0].key.name == "p149");
  size_t again = 0;
  for (const auto& item : queue.take(at(0), 1000)) again += item.controller == 0 && item.key.name == "p149";
  CHECK(again == 0);
  CHECK(queue.idle());
}

TEST_CASE("timers") {
  WorkQueue queue(kTwo);
  WorkQueue::Item a{0, key("a")}, b{0, key("b")};
  queue.done(a, {mono(10)});
  queue.done(b, {mono(5)});
  CHECK(queue.idle());
  CHECK(queue.next_wake() == mono(5));
  CHECK(queue.take(at(4), 10).empty());
  auto due = queue.take(at(5), 10);
  REQUIRE(due.size() == 1);
  CHECK(due[0].key.name == "b");
  CHECK(queue.next_wake() == mono(10));

  SECTION("a later outcome replaces the earlier one") {
    queue.done(a, {mono(20)});
    CHECK(queue.next_wake() == mono(20));
    queue.done(a, {});
    CHECK_FALSE(queue.next_wake());
  }
  SECTION("a key that is looked at for another reason forgets its timer") {
    queue.wake("first", key("a"));
    CHECK(queue.take(at(6), 10).size() == 1);
    CHECK_FALSE(queue.next_wake());
  }
}

}  // namespace mainstay
