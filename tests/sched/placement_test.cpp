#include "reconciler/sched/placement.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>

#include "reconciler/sched/scores.h"
#include "reconciler/sched/write_placement.h"
#include "tests/sched/cluster.h"

namespace mainstay {
namespace {

// What place() must equal: every node filtered and scored anew for every pod, each binding told to the view as the
// store would.
Placement place_naively(ClusterView view, std::vector<ObjectPtr> pods, Rng& rng) {
  std::sort(pods.begin(), pods.end(), [](const ObjectPtr& a, const ObjectPtr& b) {
    int32_t first = *as<Pod>(*a).spec.priority, second = *as<Pod>(*b).spec.priority;
    if (first != second) return first > second;
    return std::tie(a->meta.ns, a->meta.name) < std::tie(b->meta.ns, b->meta.name);
  });
  Placement out;
  for (const ObjectPtr& pod : pods) {
    const PodSpec& spec = as<Pod>(*pod).spec;
    Footprint footprint = footprint_of(*pod);
    std::vector<NodeVerdict> verdicts = explain(view, *pod);
    int best = -1;
    for (const NodeVerdict& verdict : verdicts) {
      if (verdict.reasons.empty()) best = std::max(best, verdict.score);
    }
    std::vector<std::string> winners;
    std::vector<ClusterView::Slot> slots;
    for (ClusterView::Slot slot = 0; slot < view.slots().size(); ++slot) {
      for (const NodeVerdict& verdict : verdicts) {
        if (verdict.node != view.slots()[slot].name || !verdict.reasons.empty() || verdict.score != best) continue;
        winners.push_back(verdict.node);
        slots.push_back(slot);
      }
    }
    if (winners.empty()) {
      PodProfile profile = profile_of(*pod);
      Topologies topologies(view);
      Company company(view, spec, profile, topologies);
      Summary why = summarize_refusals(view, spec, footprint, &company);
      out.unplaced.push_back(
          {pod, "Unschedulable", std::make_shared<const std::string>(why.message), why.cures});
      continue;
    }
    size_t drawn = winners.size() == 1 ? 0 : rng.below(winners.size());
    Object bound = *pod;
    as<Pod>(bound).spec.node_name = winners[drawn];
    view.apply(updated(pod, share(bound)));
    out.bindings.push_back({pod, winners[drawn]});
  }
  return out;
}

std::vector<ObjectPtr> replicas(size_t count, std::string_view owner, std::string_view cpu = "100m") {
  std::vector<ObjectPtr> out;
  for (size_t i = 0; i < count; ++i) {
    Object pod = waiting_pod(std::string(owner) + "-" + std::to_string(i), cpu, "64Mi");
    owned_by_uid(pod, owner);
    out.push_back(share(pod));
  }
  return out;
}

std::map<std::string, size_t> per_node(const Placement& placement) {
  std::map<std::string, size_t> out;
  for (const Binding& binding : placement.bindings) ++out[binding.node];
  return out;
}

ClusterView equal_nodes(size_t count, const Room& room = {}) {
  std::vector<Object> nodes;
  for (size_t i = 0; i < count; ++i) nodes.push_back(ready_node("n" + std::to_string(i), room));
  return view_of(nodes);
}

TEST_CASE("placing equals filtering and scoring every node for every pod") {
  for (uint64_t seed : test_seeds(60)) {
    CAPTURE(seed);
    Rng rng(seed);
    ClusterView view;
    size_t nodes = rng.below(12);
    for (size_t i = 0; i < nodes; ++i) view.apply(added(share(random_node(rng, "n" + std::to_string(i)))));
    bool with_wishes = rng.chance(60);
    for (size_t i = 0; i < 6 && nodes > 0 && with_wishes; ++i) {
      Object standing = random_pod(rng, "s" + std::to_string(i));
      add_random_wishes(rng, standing);
      as<Pod>(standing).spec.node_name = "n" + std::to_string(rng.below(nodes));
      view.apply(added(share(standing)));
    }
    std::vector<ObjectPtr> pods;
    size_t count = rng.below(80);
    while (pods.size() < count) {
      // Several pods of one wish, as a controller makes them.
      Object wish = random_pod(rng, "p");
      if (with_wishes) add_random_wishes(rng, wish);
      for (size_t i = 0; i <= rng.below(10); ++i) {
        wish.meta.name = "p" + std::to_string(pods.size());
        pods.push_back(share(wish));
      }
    }
    uint64_t draws = rng.next();
    Rng fast_rng(draws), naive_rng(draws);
    std::string before = view.text();
    Placement naive = place_naively(view, pods, naive_rng);
    Placement fast = place(view, pods, fast_rng);
    REQUIRE(view.text() == before);
    REQUIRE(fast.bindings.size() == naive.bindings.size());
    for (size_t i = 0; i < fast.bindings.size(); ++i) {
      REQUIRE(fast.bindings[i].pod == naive.bindings[i].pod);
      REQUIRE(fast.bindings[i].node == naive.bindings[i].node);
    }
    REQUIRE(fast.unplaced.size() == naive.unplaced.size());
    for (size_t i = 0; i < fast.unplaced.size(); ++i) {
      REQUIRE(fast.unplaced[i].pod == naive.unplaced[i].pod);
      REQUIRE(*fast.unplaced[i].message == *naive.unplaced[i].message);
      REQUIRE(fast.unplaced[i].cures == naive.unplaced[i].cures);
    }
  }
}

TEST_CASE("more kinds of pods at once than tables are kept are still placed as one by one") {
  ClusterView view = equal_nodes(5, {"100", "100Gi", "1000"});
  std::vector<ObjectPtr> pods;
  for (size_t i = 0; i < 300; ++i) {
    Object pod = waiting_pod("p" + std::to_string(1000 + i), std::to_string(1 + i % 100) + "m");
    as<Pod>(pod).spec.priority = 0;
    pods.push_back(share(pod));
  }
  Rng fast_rng(3), naive_rng(3);
  Placement fast = place(view, pods, fast_rng), naive = place_naively(view, pods, naive_rng);
  REQUIRE(fast.bindings.size() == 300);
  for (size_t i = 0; i < 300; ++i) REQUIRE(fast.bindings[i].node == naive.bindings[i].node);
}

TEST_CASE("no node is filled above what it has, whatever is asked") {
  for (uint64_t seed : test_seeds(30)) {
    CAPTURE(seed);
    Rng rng(seed);
    ClusterView view;
    for (size_t i = 0; i < 6; ++i) view.apply(added(share(random_node(rng, "n" + std::to_string(i)))));
    std::vector<ObjectPtr> pods;
    for (size_t i = 0; i < 60; ++i) pods.push_back(share(random_pod(rng, "p" + std::to_string(i))));
    Placement placement = place(view, pods, rng);
    REQUIRE(placement.bindings.size() + placement.unplaced.size() == pods.size());
    for (const Binding& binding : placement.bindings) {
      Object bound = *binding.pod;
      as<Pod>(bound).spec.node_name = binding.node;
      view.apply(updated(binding.pod, share(bound)));
    }
    for (const NodeState& state : view.slots()) {
      REQUIRE(state.requested.cpu_milli <= state.allocatable.cpu_milli);
      REQUIRE(state.requested.memory <= state.allocatable.memory);
      REQUIRE(state.pods <= state.pods_allowed);
      for (const auto& [name, used] : state.requested.extended) {
        REQUIRE(used <= *map_find(state.allocatable.extended, name));
      }
      for (size_t i = 1; i < state.ports.size(); ++i) REQUIRE(!ports_clash(state.ports[i - 1], state.ports[i]));
    }
  }
}

TEST_CASE("an owner's pods are spread evenly over equal nodes") {
  ClusterView view = equal_nodes(4);
  Rng rng(1);
  for (const auto& [node, count] : per_node(place(view, replicas(12, "web"), rng))) {
    CAPTURE(node);
    CHECK(count == 3);
  }
}

TEST_CASE("the first pods of an owner keep apart even where one node is busier") {
  ClusterView view = equal_nodes(3);
  for (int i = 0; i < 8; ++i) view.add(0, footprint_of(waiting_pod("other", "300m", "512Mi")));
  Rng rng(1);
  CHECK(per_node(place(view, replicas(3, "web"), rng)).size() == 3);
}

TEST_CASE("a node marked PreferNoSchedule is taken only when the others are full") {
  std::vector<Object> nodes = {ready_node("good", {"1", "8Gi", "110"}), ready_node("old", {"4", "8Gi", "110"})};
  as<Node>(nodes[1]).spec.taints = {taint_of("old", "", "PreferNoSchedule")};
  ClusterView view = view_of(nodes);
  Rng rng(1);
  Placement placement = place(view, replicas(6, "web", "250m"), rng);
  CHECK(per_node(placement) == std::map<std::string, size_t>{{"good", 4}, {"old", 2}});
}

TEST_CASE("higher priority first, then older, then by name") {
  ClusterView view = equal_nodes(1, {"1", "8Gi", "110"});
  auto make = [](std::string_view name, int32_t priority, int64_t created) {
    Object pod = waiting_pod(name, "1");
    as<Pod>(pod).spec.priority = priority;
    pod.meta.creation_timestamp = WallTime{std::chrono::seconds(created)};
    return share(pod);
  };
  Rng rng(1);
  auto first = [&](std::vector<ObjectPtr> pods) { return place(view, pods, rng).bindings.at(0).pod->meta.name; };
  CHECK(first({make("a", 0, 1), make("b", 10, 9)}) == "b");
  CHECK(first({make("a", 0, 5), make("b", 0, 4)}) == "b");
  CHECK(first({make("b", 0, 4), make("a", 0, 4)}) == "a");
}

TEST_CASE("the reasons of all nodes are summed up in Kubernetes' words") {
  std::vector<Object> nodes = {ready_node("n1", {"1", "8Gi", "110"}), ready_node("n2"), ready_node("n3")};
  for (int i : {1, 2}) as<Node>(nodes[i]).spec.taints = {taint_of("k", "v", "NoSchedule")};
  ClusterView view = view_of(nodes);
  Rng rng(1);
  Placement placement = place(view, {share(waiting_pod("p", "2"))}, rng);
  REQUIRE(placement.unplaced.size() == 1);
  CHECK(*placement.unplaced[0].message ==
        "0/3 nodes are available: 1 Insufficient cpu, 2 node(s) had untolerated taint {k: v}.");
  CHECK(placement.unplaced[0].cures == (kCureNode | kCureRoom));
  ClusterView empty;
  CHECK(*place(empty, {share(waiting_pod("p"))}, rng).unplaced.at(0).message ==
        "no nodes available to schedule pods");
}

TEST_CASE("gated pods are not placed") {
  ClusterView view = equal_nodes(1);
  Object gated = waiting_pod("gated");
  as<Pod>(gated).spec.scheduling_gates = {{"example.com/wait"}};
  Rng rng(1);
  Placement placement = place(view, {share(gated)}, rng);
  CHECK(placement.bindings.empty());
  REQUIRE(placement.unplaced.size() == 1);
  CHECK(placement.unplaced[0].reason == "SchedulingGated");
  CHECK(*placement.unplaced[0].message == "Scheduling is blocked due to non-empty scheduling gates");
}

TEST_CASE("the incremental view equals the rebuilt one after any history") {
  for (uint64_t seed : test_seeds(30)) {
    CAPTURE(seed);
    TestStore store;
    store.rng = Rng(seed);
    Rng rng(seed);
    ClusterView view(store.head);
    for (int step = 0; step < 150; ++step) {
      Transaction txn = store.begin();
      std::string node = "n" + std::to_string(rng.below(4)), name = "p" + std::to_string(rng.below(12));
      ObjectPtr old_node = txn.view().find(Kind::kNode, "", node);
      ObjectPtr old_pod = txn.view().find(Kind::kPod, "default", name);
      switch (rng.below(7)) {
        case 4: {
          ObjectPtr known = txn.view().find(Kind::kNamespace, "", "default");
          Object ns = known ? *known : make_object<Namespace>("", "default");
          ns.meta.labels = {{"env", rng.chance(50) ? "test" : "prod"}};
          REQUIRE((known ? txn.update(ns) : txn.create(ns)).ok());
          break;
        }
        case 0:
          if (old_node) REQUIRE(txn.update(random_node(rng, node)).ok());
          else REQUIRE(txn.create(random_node(rng, node)).ok());
          break;
        case 1: txn.remove({Kind::kNode, "", node}); break;
        case 2: txn.remove({Kind::kPod, "default", name}); break;
        case 3:
          if (old_pod) REQUIRE(delete_object(txn, old_pod->key(), {}).ok());
          break;
        default: {
          Object pod = old_pod ? *old_pod : random_pod(rng, name);
          if (!old_pod) add_random_wishes(rng, pod);
          pod.meta.ns = "default";
          if (old_pod && rng.chance(20)) map_slot(pod.meta.labels, "tier") = rng.chance(50) ? "front" : "back";
          if (rng.chance(20)) as<Pod>(pod).status.nominated_node_name = rng.chance(50) ? node : "";
          if (rng.chance(50)) as<Pod>(pod).spec.node_name = node;
          if (rng.chance(10)) as<Pod>(pod).status.phase = rng.chance(50) ? "Failed" : "Running";
          if (old_pod) REQUIRE(txn.update(pod).ok());
          else REQUIRE(txn.create(pod).ok());
        }
      }
      view.apply(txn.changes());
      store.seal(txn);
      REQUIRE(view.text() == ClusterView(store.head).text());
    }
  }
}

TEST_CASE("a placement is written as Kubernetes writes it") {
  TestStore store;
  store.create(ready_node("n1", {"1", "8Gi", "110"}));
  store.create(waiting_pod("fits", "1"));
  ObjectPtr large = store.create(waiting_pod("large", "2"));
  ClusterView view(store.head);
  auto pass = [&] {
    std::vector<ObjectPtr> pods;
    for (const ObjectPtr& pod : store.head.list(Kind::kPod)) {
      if (needs_placement(*pod)) pods.push_back(pod);
    }
    Placement placement = place(view, pods, store.rng);
    Transaction txn = store.begin();
    write_placement(txn, placement);
    view.apply(txn.changes());
    store.seal(txn);
    return txn.changes().size();
  };
  CHECK(pass() == 4);  // two pods, two events
  const Pod& bound = as<Pod>(*store.head.find(Kind::kPod, "default", "fits"));
  CHECK(bound.spec.node_name == "n1");
  REQUIRE(bound.status.conditions.size() == 1);
  CHECK(bound.status.conditions[0].type == "PodScheduled");
  CHECK(bound.status.conditions[0].status == "True");
  const PodCondition& waits = as<Pod>(*store.head.find(large->key())).status.conditions.at(0);
  CHECK(waits.status == "False");
  CHECK(waits.reason == "Unschedulable");
  CHECK(waits.message == "0/1 nodes are available: 1 Insufficient cpu.");
  std::map<std::string, std::string> events;
  for (const ObjectPtr& event : store.head.list(Kind::kEvent)) {
    events[as<Event>(*event).reason] = as<Event>(*event).message;
  }
  CHECK(events == std::map<std::string, std::string>{
                      {"Scheduled", "Successfully assigned default/fits to n1"},
                      {"FailedScheduling", "0/1 nodes are available: 1 Insufficient cpu."}});
  CHECK(view.text() == ClusterView(store.head).text());
  CHECK(pass() == 0);  // the same refusal again is no news
}

}  // namespace
}  // namespace mainstay
