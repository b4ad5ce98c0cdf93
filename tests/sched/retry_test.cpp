#include "reconciler/sched/retry.h"

#include <catch2/catch.hpp>

#include "tests/sched/cluster.h"

namespace mainstay {
namespace {

MonoTime at(int64_t seconds) { return MonoTime{std::chrono::seconds(seconds)}; }

Unplaced refusal(const ObjectPtr& pod, uint8_t cures) {
  return {pod, "Unschedulable", std::make_shared<const std::string>("no"), cures};
}

using Keys = std::vector<Key>;

struct Fixture {
  RetryQueue queue;
  ObjectPtr node = share(ready_node("n1"));
  ObjectPtr pod = share(waiting_pod("p"));
  ObjectPtr running;

  Fixture() {
    Object bound = waiting_pod("running");
    as<Pod>(bound).spec.node_name = "n1";
    running = share(bound);
    queue.apply(added(pod));
  }
  Keys due(int64_t second) { return queue.due(at(second), 100); }
};

TEST_CASE("a new pod is due at once and stays so until something is said about it") {
  Fixture f;
  CHECK(f.due(0) == Keys{f.pod->key()});
  CHECK(f.due(0) == Keys{f.pod->key()});
  CHECK(*f.queue.next_wake() <= at(0));
  Object bound = *f.pod;
  as<Pod>(bound).spec.node_name = "n1";
  f.queue.apply(updated(f.pod, share(bound)));
  CHECK(f.due(0).empty());
  CHECK(f.queue.size() == 0);
  CHECK_FALSE(f.queue.next_wake());
}

TEST_CASE("pods of others, finished ones and those being deleted never enter") {
  RetryQueue queue;
  Object other = waiting_pod("a"), finished = waiting_pod("b"), going = waiting_pod("c");
  as<Pod>(other).spec.scheduler_name = "mine";
  as<Pod>(finished).status.phase = "Failed";
  going.meta.deletion_timestamp = WallTime{1s};
  for (const Object& pod : {other, finished, going}) queue.apply(added(share(pod)));
  CHECK(queue.size() == 0);
}

TEST_CASE("an unplaced pod waits for a change that helps, and for its back-off") {
  Fixture f;
  f.queue.refused(refusal(f.pod, kCureRoom), at(0));
  CHECK(f.due(10).empty());
  CHECK(f.queue.next_wake() == at(300));

  Object labelled = *f.node;
  map_slot(labelled.meta.labels, "new") = "label";
  f.queue.apply(updated(f.node, share(labelled)));
  CHECK(f.due(20).empty());  // labels make no room

  f.queue.apply(removed(f.running));
  CHECK(*f.queue.next_wake() <= at(20));
  CHECK(f.due(20) == Keys{f.pod->key()});

  f.queue.refused(refusal(f.pod, kCureRoom), at(20));  // the second: 2 s
  f.queue.apply(removed(f.running));
  CHECK(f.queue.next_wake() == at(22));
  CHECK(f.due(21).empty());
  CHECK(f.queue.next_wake() == at(22));
  CHECK(f.due(22) == Keys{f.pod->key()});
}

TEST_CASE("back-off doubles to ten seconds, and five minutes are the longest wait") {
  Fixture f;
  int64_t now = 0;
  for (int64_t wait : {1, 2, 4, 8, 10, 10}) {
    f.queue.refused(refusal(f.pod, kCureNode), at(now));
    f.queue.apply(added(f.node));
    CHECK(f.due(now + wait - 1).empty());
    now += wait;
    CHECK(f.due(now) == Keys{f.pod->key()});
  }
  f.queue.refused(refusal(f.pod, kCureNode), at(now));
  CHECK(f.due(now + 299).empty());
  CHECK(f.due(now + 300) == Keys{f.pod->key()});
}

TEST_CASE("which changes can help") {
  Fixture f;
  CHECK(cures_of(added(f.node)) == (kCureNode | kCureRoom | kCureCompany));
  CHECK(cures_of(removed(f.node)) == kCureCompany);  // its pods and its zone are gone
  CHECK(cures_of(updated(f.node, f.node)) == 0);
  Object grown = *f.node, cordoned = *f.node, tainted = *f.node, down = *f.node;
  map_slot(as<Node>(grown).status.allocatable, "cpu") = amount("64");
  as<Node>(cordoned).spec.unschedulable = true;
  as<Node>(tainted).spec.taints = {taint_of("a", "b", "NoSchedule")};
  as<Node>(down).status.conditions[0].status = "False";
  CHECK(cures_of(updated(f.node, share(grown))) == kCureRoom);
  CHECK(cures_of(updated(share(cordoned), f.node)) == (kCureNode | kCureCompany));
  CHECK(cures_of(updated(share(tainted), f.node)) == (kCureNode | kCureCompany));
  CHECK(cures_of(updated(share(down), f.node)) == (kCureNode | kCureCompany));
  CHECK(cures_of(removed(f.running)) == (kCureRoom | kCureCompany));
  CHECK(cures_of(removed(f.pod)) == 0);  // it stood nowhere
  Object done = *f.running;
  as<Pod>(done).status.phase = "Succeeded";
  CHECK(cures_of(updated(f.running, share(done))) == (kCureRoom | kCureCompany));
  Object relabelled = *f.running, leaving = *f.running, ns = make_object<Namespace>("", "x"), other = ns;
  relabelled.meta.labels = {{"a", "b"}};
  leaving.meta.deletion_timestamp = WallTime{std::chrono::seconds(1)};
  other.meta.labels = {{"a", "b"}};
  CHECK(cures_of(updated(f.running, share(relabelled))) == kCureCompany);
  CHECK(cures_of(updated(f.running, share(leaving))) == kCureCompany);
  CHECK(cures_of(updated(f.running, f.running)) == 0);
  CHECK(cures_of(updated(share(ns), share(other))) == kCureCompany);
  CHECK(cures_of(updated(share(ns), share(ns))) == 0);
}

TEST_CASE("a pod made anew under the same name starts anew") {
  Fixture f;
  f.queue.refused(refusal(f.pod, kCureRoom), at(0));
  f.queue.apply(removed(f.pod));
  CHECK(f.queue.size() == 0);
  f.queue.apply(added(f.pod));
  CHECK(f.due(0) == Keys{f.pod->key()});
}

TEST_CASE("a pod whose gates are taken away is tried at once") {
  RetryQueue queue;
  Object gated = waiting_pod("p");
  as<Pod>(gated).spec.scheduling_gates = {{"example.com/wait"}};
  ObjectPtr before = share(gated), after = share(waiting_pod("p"));
  queue.apply(added(before));
  Unplaced held = refusal(before, 0);
  held.reason = "SchedulingGated";
  queue.refused(held, at(0));
  CHECK(queue.due(at(0), 10).empty());
  queue.apply(updated(before, after));
  CHECK(queue.due(at(0), 10) == Keys{after->key()});
}

TEST_CASE("due names no more than asked for") {
  RetryQueue queue;
  for (int i = 0; i < 10; ++i) queue.apply(added(share(waiting_pod("p" + std::to_string(i)))));
  CHECK(queue.due(at(0), 3).size() == 3);
  CHECK(queue.due(at(0), 100).size() == 10);
}

TEST_CASE("what waits in a snapshot is due after a start") {
  TestStore store;
  store.create(waiting_pod("p"));
  store.create(pod("default", "bound", "n1"));
  RetryQueue queue(store.head);
  CHECK(queue.due(at(0), 10) == Keys{{Kind::kPod, "default", "p"}});
}

}  // namespace
}  // namespace mainstay
