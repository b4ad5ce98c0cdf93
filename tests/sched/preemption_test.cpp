// Who must leave so that a pod of higher priority fits.
#include <catch2/catch.hpp>
#include <map>
#include <set>

#include "reconciler/store/disruption.h"
#include "reconciler/sched/preemption.h"
#include "reconciler/sched/write_placement.h"
#include "tests/sched/cluster.h"

namespace mainstay {
namespace {

using Outcome = Preemption::Outcome;
using Names = std::vector<std::string>;

Object with_priority(std::string_view name, int32_t priority, std::string_view cpu, std::string_view node = "") {
  Object pod = waiting_pod(name, cpu);
  pod.meta.labels = {{"app", std::string(name).substr(0, name.find('-'))}};
  as<Pod>(pod).spec.priority = priority;
  as<Pod>(pod).spec.node_name = node;
  if (!node.empty()) {
    PodCondition ready;
    ready.type = "Ready";
    ready.status = "True";
    as<Pod>(pod).status.conditions = {ready};
  }
  return pod;
}

struct Cluster {
  TestStore store;

  explicit Cluster(const std::vector<Object>& objects) {
    for (const Object& object : objects) store.create(object);
  }
  Preemption preempt_for(const Object& pod) {
    ObjectPtr waiting = store.head.find(Kind::kPod, "default", pod.meta.name);
    if (!waiting) waiting = store.create(pod);
    ClusterView view(store.head);
    std::string before = view.text();
    Rng rng(1);
    Preemption found = preempt(view, store.head, *waiting, rng);
    CHECK(view.text() == before);
    return found;
  }
};

Names victims(const Preemption& found) {
  Names out;
  for (const ObjectPtr& victim : found.victims) out.push_back(victim->meta.name);
  return out;
}

Object small_node(std::string_view name) { return ready_node(name, {"2", "8Gi", "110"}); }

TEST_CASE("no more pods leave than must, the least important ones") {
  Cluster cluster({small_node("n1"), with_priority("low-1", 1, "1", "n1"), with_priority("low-2", 2, "1", "n1")});
  Preemption found = cluster.preempt_for(with_priority("high", 10, "1"));
  CHECK(found.outcome == Outcome::kFound);
  CHECK(found.node == "n1");
  CHECK(victims(found) == Names{"low-1"});
}

TEST_CASE("the node where it hurts least") {
  Cluster cluster({small_node("n1"), small_node("n2"), small_node("n3"), with_priority("mid-1", 5, "2", "n1"),
                   with_priority("low-1", 1, "1", "n2"), with_priority("low-2", 1, "1", "n2"),
                   with_priority("low-3", 1, "2", "n3")});
  CHECK(victims(cluster.preempt_for(with_priority("high", 10, "2"))) == Names{"low-3"});
}

TEST_CASE("nobody leaves where it would not help") {
  Object tainted = small_node("n2");
  as<Node>(tainted).spec.taints = {taint_of("a", "b", "NoSchedule")};
  Cluster cluster({small_node("n1"), tainted, with_priority("same-1", 10, "1", "n1"), with_priority("low-1", 1, "1", "n1"),
                   with_priority("low-2", 1, "2", "n2")});
  CHECK(cluster.preempt_for(with_priority("high", 10, "2")).outcome == Outcome::kNone);
  CHECK(cluster.preempt_for(with_priority("lowest", 0, "2")).outcome == Outcome::kNone);
  Object polite = with_priority("polite", 10, "1");
  as<Pod>(polite).spec.preemption_policy = "Never";
  CHECK(cluster.preempt_for(polite).outcome == Outcome::kNone);
}

TEST_CASE("a pod leaves because of anti-affinity, and not for want of affinity") {
  Cluster cluster({small_node("n1"), with_priority("low-1", 1, "100m", "n1"), with_priority("other-1", 1, "100m", "n1")});
  Object apart = with_priority("apart", 10, "100m"), near = with_priority("near", 10, "100m");
  PodAffinityTerm term;
  term.topology_key = "kubernetes.io/hostname";
  term.label_selector.ensure().match_labels = {{"app", "low"}};
  PodAntiAffinity& keeps_off = as<Pod>(apart).spec.affinity.ensure().pod_anti_affinity.ensure();
  keeps_off.required_during_scheduling_ignored_during_execution = {term};
  CHECK(victims(cluster.preempt_for(apart)) == Names{"low-1"});
  term.label_selector->match_labels = {{"app", "nobody"}};
  PodAffinity& follows = as<Pod>(near).spec.affinity.ensure().pod_affinity.ensure();
  follows.required_during_scheduling_ignored_during_execution = {term};
  CHECK(cluster.preempt_for(near).outcome == Outcome::kNone);
}

Object budget(std::string_view app, std::string_view field, const Value& amount) {
  Object out = make_object(Kind::kPodDisruptionBudget, "default", app);
  Value labels = Value::map(), selector = Value::map(), spec = Value::map();
  labels.set("app", app);
  selector.set("matchLabels", labels);
  spec.set("selector", selector);
  spec.set(field, amount);
  generic_fields(out).set("spec", spec);
  return out;
}

TEST_CASE("a disruption budget is kept where another victim will do") {
  Cluster cluster({small_node("n1"), small_node("n2"), with_priority("kept-1", 1, "2", "n1"),
                   with_priority("free-1", 2, "2", "n2"), budget("kept", "minAvailable", 1)});
  CHECK(victims(cluster.preempt_for(with_priority("high", 10, "2"))) == Names{"free-1"});
  Cluster forced({small_node("n1"), with_priority("kept-1", 1, "2", "n1"), budget("kept", "minAvailable", 1)});
  CHECK(victims(forced.preempt_for(with_priority("high", 10, "2"))) == Names{"kept-1"});
}

TEST_CASE("what a budget allows, worked out from what stands") {
  auto allowed = [](std::string_view field, const Value& amount) {
    Cluster cluster({small_node("n1"), with_priority("web-1", 1, "1m", "n1"), with_priority("web-2", 1, "1m", "n1"),
                     with_priority("web-3", 1, "1m", "n1"), budget("web", field, amount)});
    std::vector<DisruptionBudget> budgets = disruption_budgets(cluster.store.head);
    REQUIRE(budgets.size() == 1);
    return budgets[0].allowed;
  };
  CHECK(allowed("minAvailable", 1) == 2);
  CHECK(allowed("minAvailable", "50%") == 1);  // of three: two must stay
  CHECK(allowed("maxUnavailable", 1) == 1);
  CHECK(allowed("maxUnavailable", "34%") == 2);
  CHECK(allowed("minAvailable", 9) == 0);
  CHECK(allowed("maxUnavailable", 0) == 0);
}

TEST_CASE("a preemption is written as Kubernetes writes it, and the room is kept for the pod") {
  TestStore store;
  store.create(small_node("n1"));
  Object standing = with_priority("low-1", 1, "2", "n1");
  as<Pod>(standing).spec.termination_grace_period_seconds = 30;
  store.create(standing);
  ObjectPtr high = store.create(with_priority("high", 10, "2"));
  ClusterView view(store.head);
  auto write = [&](auto&& change) {
    Transaction txn = store.begin();
    change(txn);
    view.apply(txn.changes());
    store.seal(txn);
    CHECK(view.text() == ClusterView(store.head).text());
  };
  write([&](Transaction& txn) { write_preemption(txn, *high, preempt(view, txn.view(), *high, store.rng)); });
  ObjectPtr victim = store.head.find(Kind::kPod, "default", "low-1");
  REQUIRE(victim);
  CHECK(victim->meta.deletion_timestamp != WallTime{});
  CHECK(victim->meta.deletion_grace_period_seconds == 30);
  const PodCondition& target = as<Pod>(*victim).status.conditions.back();
  CHECK(target.type == "DisruptionTarget");
  CHECK(target.status == "True");
  CHECK(target.reason == "PreemptionByScheduler");
  CHECK(target.message == "default-scheduler: preempting to accommodate a higher priority pod");
  high = store.head.find(high->key());
  CHECK(as<Pod>(*high).status.nominated_node_name == "n1");
  ObjectPtr event = *store.head.list(Kind::kEvent).begin();
  CHECK(as<Event>(*event).reason == "Preempted");
  CHECK(as<Event>(*event).message == "Preempted by pod " + high->meta.uid + " on node n1");

  // It waits for them to go and asks nobody else.
  CHECK(preempt(view, store.head, *high, store.rng).outcome == Outcome::kWaits);
  write([&](Transaction& txn) { txn.remove(victim->key()); });
  // A pod of lower priority, made earlier or later, does not get the room.
  ObjectPtr low = store.create(with_priority("a-low", 1, "1"));
  Placement placed = place(view, {low}, store.rng);
  CHECK(placed.bindings.empty());
  CHECK(*placed.unplaced.at(0).message == "0/1 nodes are available: 1 Insufficient cpu.");
  placed = place(view, {low, high}, store.rng);
  REQUIRE(placed.bindings.size() == 1);
  CHECK(placed.bindings[0].pod->meta.name == "high");
  write([&](Transaction& txn) { write_placement(txn, placed); });
  CHECK(as<Pod>(*store.head.find(high->key())).status.nominated_node_name.empty());
  CHECK(as<Pod>(*store.head.find(high->key())).spec.node_name == "n1");
}

TEST_CASE("a nomination that has come to nothing is taken back; a higher bid takes a lower one's") {
  Object hopeful = with_priority("hopeful", 5, "2");
  as<Pod>(hopeful).status.nominated_node_name = "n1";
  TestStore store;
  store.create(small_node("n1"));
  store.create(with_priority("low-1", 1, "2", "n1"));
  ObjectPtr mid = store.create(hopeful), high = store.create(with_priority("high", 10, "2"));
  ClusterView view(store.head);
  Preemption found = preempt(view, store.head, *high, store.rng);
  CHECK(found.outcome == Outcome::kFound);
  CHECK(found.outbid == std::vector<Key>{mid->key()});
  Transaction txn = store.begin();
  write_preemption(txn, *high, found);
  CHECK(as<Pod>(*txn.view().find(mid->key())).status.nominated_node_name.empty());
  write_preemption(txn, *high, Preemption{});
  CHECK(as<Pod>(*txn.view().find(high->key())).status.nominated_node_name.empty());
}

// What must hold whatever is asked: with the victims gone the pod fits, they are all of lower priority; and where
// nothing was found, clearing any node of all lower pods would not help.
TEST_CASE("preemption helps, and is found where there is one") {
  for (uint64_t seed : test_seeds(60)) {
    CAPTURE(seed);
    Rng rng(seed);
    TestStore store;
    store.rng = Rng(seed);
    size_t nodes = 1 + rng.below(5);
    for (size_t i = 0; i < nodes; ++i) store.create(random_node(rng, "n" + std::to_string(i)));
    for (size_t i = 0; i < 20; ++i) {
      Object pod = random_pod(rng, "s" + std::to_string(i));
      add_random_wishes(rng, pod);
      pod.meta.ns = "default";
      as<Pod>(pod).spec.node_name = "n" + std::to_string(rng.below(nodes));
      store.create(pod);
    }
    Object wish = random_pod(rng, "p");
    add_random_wishes(rng, wish);
    wish.meta.ns = "default";
    as<Pod>(wish).spec.priority = static_cast<int32_t>(rng.below(4));
    ObjectPtr pod = store.create(wish);
    ClusterView view(store.head);
    auto fits_without = [&](const std::set<std::string>& gone, const std::string& node) {
      ClusterView left(store.head);
      for (const ObjectPtr& other : store.head.list(Kind::kPod)) {
        if (gone.count(other->meta.name) > 0) left.apply(removed(other));
      }
      for (const NodeVerdict& verdict : explain(left, *pod)) {
        if (verdict.node == node) return verdict.reasons.empty();
      }
      return false;
    };
    bool fits = false;
    for (const NodeVerdict& verdict : explain(view, *pod)) fits = fits || verdict.reasons.empty();
    if (fits) continue;
    Preemption found = preempt(view, store.head, *pod, rng);
    if (found.outcome == Outcome::kFound) {
      std::set<std::string> gone;
      for (const ObjectPtr& victim : found.victims) {
        gone.insert(victim->meta.name);
        REQUIRE(*as<Pod>(*victim).spec.priority < *as<Pod>(*pod).spec.priority);
        REQUIRE(as<Pod>(*victim).spec.node_name == found.node);
      }
      REQUIRE(fits_without(gone, found.node));
      continue;
    }
    for (size_t i = 0; i < nodes; ++i) {
      std::string node = "n" + std::to_string(i);
      std::set<std::string> lower;
      for (const ObjectPtr& other : store.head.pods_on(node)) {
        if (*as<Pod>(*other).spec.priority < *as<Pod>(*pod).spec.priority) lower.insert(other->meta.name);
      }
      bool without_affinity = !as<Pod>(*pod).spec.affinity || !as<Pod>(*pod).spec.affinity->pod_affinity;
      if (without_affinity) REQUIRE_FALSE((!lower.empty() && fits_without(lower, node)));
    }
  }
}

}  // namespace
}  // namespace mainstay
