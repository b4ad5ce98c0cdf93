// Affinity, anti-affinity and topology spread between pods.
#include <algorithm>
#include <catch2/catch.hpp>
#include <map>

#include "reconciler/sched/company.h"
#include "reconciler/sched/filters.h"
#include "reconciler/sched/scores.h"
#include "tests/sched/reference.h"

namespace mainstay {
namespace {

constexpr const char* kHost = "kubernetes.io/hostname";

Object zoned(std::string_view name, std::string_view zone) {
  Object node = ready_node(name);
  if (!zone.empty()) map_slot(node.meta.labels, "zone") = zone;
  return node;
}

Object labelled(std::string_view name, std::string_view app, std::string_view node = "", std::string_view ns = "default") {
  Object pod = waiting_pod(name);
  pod.meta.ns = ns;
  pod.meta.labels = {{"app", std::string(app)}};
  as<Pod>(pod).spec.node_name = node;
  as<Pod>(pod).spec.priority = 0;
  return pod;
}

LabelSelector app_selector(std::string_view app) {
  LabelSelector out;
  out.match_labels = {{"app", std::string(app)}};
  return out;
}

PodAffinityTerm term_on(std::string_view app, std::string_view topology_key) {
  PodAffinityTerm out;
  out.label_selector = app_selector(app);
  out.topology_key = topology_key;
  return out;
}

std::vector<PodAffinityTerm>& anti(Object& pod) {
  Affinity& affinity = as<Pod>(pod).spec.affinity.ensure();
  return affinity.pod_anti_affinity.ensure().required_during_scheduling_ignored_during_execution;
}
std::vector<PodAffinityTerm>& together(Object& pod) {
  return as<Pod>(pod).spec.affinity.ensure().pod_affinity.ensure().required_during_scheduling_ignored_during_execution;
}

TopologySpreadConstraint spread_by(std::string_view key, std::string_view app, int32_t skew, bool hard = true) {
  TopologySpreadConstraint out;
  out.topology_key = key;
  out.max_skew = skew;
  out.when_unsatisfiable = hard ? "DoNotSchedule" : "ScheduleAnyway";
  out.label_selector = app_selector(app);
  return out;
}

std::map<std::string, std::string> refusals(const std::vector<Object>& cluster, const Object& pod) {
  std::map<std::string, std::string> out;
  for (const NodeVerdict& verdict : explain(view_of(cluster), pod)) {
    out[verdict.node] = verdict.reasons.empty() ? "" : verdict.reasons[0];
  }
  return out;
}

std::string message_for(const std::vector<Object>& cluster, const Object& pod) {
  ClusterView view = view_of(cluster);
  Rng rng(1);
  Placement placement = place(view, {share(pod)}, rng);
  return placement.unplaced.empty() ? "" : *placement.unplaced[0].message;
}

TEST_CASE("required anti-affinity keeps pods apart, and says so in Kubernetes' words") {
  Object wish = labelled("p", "web");
  anti(wish) = {term_on("web", kHost)};
  std::vector<Object> cluster = {ready_node("n1"), ready_node("n2"), ready_node("n3"), labelled("a", "web", "n1"),
                                 labelled("b", "other", "n2"), labelled("c", "web", "n3", "elsewhere")};
  CHECK(refusals(cluster, wish) == std::map<std::string, std::string>{
                                       {"n1", "node(s) didn't match pod anti-affinity rules"}, {"n2", ""}, {"n3", ""}});
  cluster.push_back(labelled("d", "web", "n2"));
  cluster.push_back(labelled("e", "web", "n3"));
  CHECK(message_for(cluster, wish) ==
        "0/3 nodes are available: 3 node(s) didn't match pod anti-affinity rules.");
}

TEST_CASE("a standing pod's required anti-affinity keeps newcomers away") {
  Object guard = labelled("guard", "guard", "n1");
  anti(guard) = {term_on("web", "zone")};
  std::vector<Object> cluster = {zoned("n1", "a"), zoned("n2", "a"), zoned("n3", "b"), zoned("n4", ""), guard};
  CHECK(refusals(cluster, labelled("p", "web")) ==
        std::map<std::string, std::string>{{"n1", "node(s) didn't satisfy existing pods anti-affinity rules"},
                                           {"n2", "node(s) didn't satisfy existing pods anti-affinity rules"},
                                           {"n3", ""},
                                           {"n4", ""}});
  CHECK(message_for({zoned("n1", "a"), guard}, labelled("p", "web")) ==
        "0/1 nodes are available: 1 node(s) didn't satisfy existing pods anti-affinity rules.");
  CHECK(message_for({zoned("n1", "a"), guard}, labelled("p", "other")).empty());
}

TEST_CASE("required affinity follows pods; the first of a group that wants to be together may go anywhere") {
  Object wish = labelled("p", "web");
  together(wish) = {term_on("cache", "zone")};
  std::vector<Object> cluster = {zoned("n1", "a"), zoned("n2", "a"), zoned("n3", "b"), zoned("n4", "")};
  CHECK(message_for(cluster, wish) == "0/4 nodes are available: 4 node(s) didn't match pod affinity rules.");
  cluster.push_back(labelled("cache", "cache", "n2"));
  CHECK(refusals(cluster, wish) == std::map<std::string, std::string>{
                                       {"n1", ""}, {"n2", ""}, {"n3", "node(s) didn't match pod affinity rules"},
                                       {"n4", "node(s) didn't match pod affinity rules"}});
  Object self = labelled("p", "web");
  together(self) = {term_on("web", "zone")};
  CHECK(refusals(cluster, self)["n3"].empty());
  CHECK(refusals(cluster, self)["n4"] == "node(s) didn't match pod affinity rules");  // no zone at all
  cluster.push_back(labelled("first", "web", "n3"));
  CHECK(refusals(cluster, self)["n1"] == "node(s) didn't match pod affinity rules");
  CHECK(refusals(cluster, self)["n3"].empty());
}

TEST_CASE("terms choose namespaces by name and by label, and pods by their own labels' values") {
  Object staging = make_object<Namespace>("", "staging");
  staging.meta.labels = {{"env", "test"}};
  std::vector<Object> cluster = {ready_node("n1"), ready_node("n2"), staging, labelled("a", "web", "n1", "staging")};
  Object wish = labelled("p", "web");
  auto kept_off = [&] { return !refusals(cluster, wish)["n1"].empty(); };
  anti(wish) = {term_on("web", kHost)};
  CHECK_FALSE(kept_off());
  anti(wish)[0].namespaces = {"staging"};
  CHECK(kept_off());
  anti(wish)[0].namespaces.clear();
  anti(wish)[0].namespace_selector = LabelSelector{};
  CHECK(kept_off());
  anti(wish)[0].namespace_selector->match_labels = {{"env", "prod"}};
  CHECK_FALSE(kept_off());
  anti(wish)[0].namespace_selector->match_labels = {{"env", "test"}};
  CHECK(kept_off());
  map_slot(cluster[3].meta.labels, "version") = "1";
  map_slot(wish.meta.labels, "version") = "2";
  anti(wish)[0].match_label_keys = {"version"};
  CHECK_FALSE(kept_off());
  anti(wish)[0].match_label_keys.clear();
  anti(wish)[0].mismatch_label_keys = {"version"};
  CHECK(kept_off());
  anti(wish)[0].label_selector.reset();
  CHECK_FALSE(kept_off());
}

TEST_CASE("hard topology spread: skew, missing labels, minimum of domains, policies") {
  std::vector<Object> cluster = {zoned("n1", "a"), zoned("n2", "b"), zoned("n3", ""), labelled("x", "web", "n1")};
  Object wish = labelled("p", "web");
  PodSpec& spec = as<Pod>(wish).spec;
  spec.topology_spread_constraints = {spread_by("zone", "web", 1)};
  CHECK(refusals(cluster, wish) ==
        std::map<std::string, std::string>{
            {"n1", "node(s) didn't match pod topology spread constraints"},
            {"n2", ""},
            {"n3", "node(s) didn't match pod topology spread constraints (missing required label)"}});
  cluster.push_back(labelled("y", "web", "n2"));
  CHECK(refusals(cluster, wish)["n1"].empty());
  spec.topology_spread_constraints[0].min_domains = 3;  // the third zone counts as empty
  CHECK(refusals(cluster, wish)["n1"] == "node(s) didn't match pod topology spread constraints");
  spec.topology_spread_constraints[0].min_domains.reset();

  // A zone that the pod cannot use does not hold it back, unless the policy says it does.
  Object c = zoned("n4", "c");
  as<Node>(c).spec.taints = {taint_of("k", "v", "NoSchedule")};
  cluster.push_back(c);
  CHECK(refusals(cluster, wish)["n1"] == "node(s) didn't match pod topology spread constraints");
  spec.topology_spread_constraints[0].node_taints_policy = "Honor";
  CHECK(refusals(cluster, wish)["n1"].empty());
  spec.topology_spread_constraints[0].node_taints_policy.clear();
  spec.node_selector = {{"zone", "a"}};
  CHECK(refusals(cluster, wish)["n1"].empty());
  spec.topology_spread_constraints[0].node_affinity_policy = "Ignore";
  CHECK(refusals(cluster, wish)["n1"] == "node(s) didn't match pod topology spread constraints");
}

TEST_CASE("a pod on its way out does not count for spreading, but still keeps others apart") {
  Object leaving = labelled("x", "web", "n1");
  leaving.meta.deletion_timestamp = WallTime{std::chrono::seconds(5)};
  std::vector<Object> cluster = {zoned("n1", "a"), zoned("n2", "b"), leaving};
  Object wish = labelled("p", "web");
  as<Pod>(wish).spec.topology_spread_constraints = {spread_by("zone", "web", 1)};
  CHECK(refusals(cluster, wish)["n1"].empty());
  anti(wish) = {term_on("web", kHost)};
  CHECK(refusals(cluster, wish)["n1"] == "node(s) didn't match pod anti-affinity rules");
}

TEST_CASE("replicas with required anti-affinity take a node each; spread replicas share the zones evenly") {
  std::vector<Object> nodes;
  for (int i = 0; i < 9; ++i) nodes.push_back(zoned("n" + std::to_string(i), std::string(1, static_cast<char>('a' + i % 3))));
  ClusterView view = view_of(nodes);
  std::vector<ObjectPtr> apart, even;
  for (int i = 0; i < 12; ++i) {
    Object one = labelled("a" + std::to_string(100 + i), "web"), other = labelled("s" + std::to_string(100 + i), "api");
    anti(one) = {term_on("web", kHost)};
    as<Pod>(other).spec.topology_spread_constraints = {spread_by("zone", "api", 1)};
    apart.push_back(share(one));
    even.push_back(share(other));
  }
  Rng rng(1);
  Placement placed = place(view, apart, rng);
  std::map<std::string, int> on;
  for (const Binding& binding : placed.bindings) ++on[binding.node];
  CHECK(on.size() == 9);
  CHECK(placed.bindings.size() == 9);
  REQUIRE(placed.unplaced.size() == 3);
  CHECK(*placed.unplaced[0].message == "0/9 nodes are available: 9 node(s) didn't match pod anti-affinity rules.");
  CHECK(placed.unplaced[0].cures == (kCureNode | kCureCompany));
  std::map<char, int> zones;
  for (const Binding& binding : place(view, even, rng).bindings) {
    ++zones[static_cast<char>('a' + (binding.node[1] - '0') % 3)];
  }
  CHECK(zones == std::map<char, int>{{'a', 4}, {'b', 4}, {'c', 4}});
}

TEST_CASE("a plain pod that is placed later minds the anti-affinity of one placed in the same pass") {
  ClusterView view = view_of({ready_node("n1")});
  Object first = labelled("a", "guard"), second = labelled("b", "web");
  anti(first) = {term_on("web", kHost)};
  Rng rng(1);
  Placement placed = place(view, {share(second), share(first)}, rng);
  REQUIRE(placed.bindings.size() == 1);
  CHECK(placed.bindings[0].pod->meta.name == "a");
  CHECK(*placed.unplaced.at(0).message ==
        "0/1 nodes are available: 1 node(s) didn't satisfy existing pods anti-affinity rules.");
}

TEST_CASE("preferences decide among nodes that would do") {
  std::vector<Object> cluster = {zoned("n1", "a"), zoned("n2", "b"), zoned("n3", "b"), labelled("cache", "cache", "n2")};
  auto goes_to = [&](const Object& pod) {
    ClusterView view = view_of(cluster);
    Rng rng(1);
    return place(view, {share(pod)}, rng).bindings.at(0).node;
  };
  Object near = labelled("p", "web"), far = labelled("p", "web"), even = labelled("p", "cache");
  WeightedPodAffinityTerm wish;
  wish.weight = 1;
  wish.pod_affinity_term = term_on("cache", "zone");
  PodAffinity& likes = as<Pod>(near).spec.affinity.ensure().pod_affinity.ensure();
  likes.preferred_during_scheduling_ignored_during_execution = {wish};
  CHECK(goes_to(near) == "n3");  // the zone of the cache, the emptier node
  PodAntiAffinity& dislikes = as<Pod>(far).spec.affinity.ensure().pod_anti_affinity.ensure();
  dislikes.preferred_during_scheduling_ignored_during_execution = {wish};
  CHECK(goes_to(far) == "n1");
  as<Pod>(even).spec.topology_spread_constraints = {spread_by("zone", "cache", 1, false)};
  CHECK(goes_to(even) == "n1");
}

// ---- against the reference ----

TEST_CASE("verdicts and scores are those of a scheduler that walks all nodes and pods") {
  for (uint64_t seed : test_seeds(150)) {
    CAPTURE(seed);
    Rng rng(seed);
    ReferenceCluster cluster;
    ClusterView view;
    for (const char* name : {"default", "other"}) {
      Object ns = make_object<Namespace>("", name);
      if (rng.chance(60)) ns.meta.labels = {{"env", rng.chance(50) ? "test" : "prod"}};
      cluster.namespaces.push_back(share(ns));
      view.apply(added(cluster.namespaces.back()));
    }
    size_t nodes = 1 + rng.below(8);
    for (size_t i = 0; i < nodes; ++i) {
      cluster.nodes.push_back(share(random_node(rng, "n" + std::to_string(i))));
      view.apply(added(cluster.nodes.back()));
    }
    size_t standing = rng.below(12);
    for (size_t i = 0; i < standing; ++i) {
      Object pod = random_pod(rng, "s" + std::to_string(i));
      add_random_wishes(rng, pod);
      as<Pod>(pod).spec.node_name = "n" + std::to_string(rng.below(nodes));
      if (rng.chance(10)) pod.meta.deletion_timestamp = WallTime{std::chrono::seconds(1)};
      cluster.pods.push_back(share(pod));
      view.apply(added(cluster.pods.back()));
    }
    Object pod = random_pod(rng, "p");
    add_random_wishes(rng, pod);
    std::vector<ObjectPtr> feasible;
    std::vector<int> plain, scores;
    Footprint footprint = footprint_of(pod);
    const auto* counts = view.owner_counts(footprint.owner);
    bool own_spread = !as<Pod>(pod).spec.topology_spread_constraints.empty();
    for (const NodeVerdict& verdict : explain(view, pod)) {
      CAPTURE(verdict.node);
      ClusterView::Slot slot = *view.slot_at(verdict.node);
      const NodeState& state = view.slots()[slot];
      std::vector<std::string> expected = refuse(as<Pod>(pod).spec, footprint, state).reasons;
      if (expected.empty()) {
        std::string why = reference_refusal(cluster, pod, *state.node);
        if (!why.empty()) expected = {why};
      }
      REQUIRE(verdict.reasons == expected);
      if (!expected.empty()) continue;
      uint32_t same = counts != nullptr && counts->count(slot) > 0 && !own_spread ? counts->at(slot) : 0;
      feasible.push_back(state.node);
      plain.push_back(fixed_score(as<Pod>(pod).spec, state) + moving_score(footprint, state, same));
      scores.push_back(verdict.score);
    }
    std::vector<int> added_scores = reference_scores(cluster, pod, feasible);
    for (size_t i = 0; i < scores.size(); ++i) REQUIRE(scores[i] == plain[i] + added_scores[i]);
  }
}

}  // namespace
}  // namespace mainstay
