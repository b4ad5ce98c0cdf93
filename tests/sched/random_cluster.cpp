#include "tests/sched/cluster.h"

namespace mainstay {
namespace {

constexpr const char* kZones[] = {"a", "b", "c"};

NodeSelectorTerm random_term(Rng& rng) {
  NodeSelectorTerm term;
  switch (rng.below(5)) {
    case 0: term.match_expressions.push_back(requirement_of("zone", "In", {kZones[rng.below(3)]})); break;
    case 1: term.match_expressions.push_back(requirement_of("zone", "NotIn", {kZones[rng.below(3)]})); break;
    case 2: term.match_expressions.push_back(requirement_of("disk", "Exists", {})); break;
    case 3: term.match_expressions.push_back(requirement_of("rank", "Gt", {std::to_string(rng.below(9))})); break;
    default: term.match_fields.push_back(requirement_of("metadata.name", "NotIn", {"n1"})); break;
  }
  return term;
}

}  // namespace

Object random_node(Rng& rng, std::string_view name) {
  static constexpr std::string_view kCpu[] = {"1", "2", "4"};
  static constexpr std::string_view kMemory[] = {"1Gi", "4Gi", "8Gi"};
  static constexpr std::string_view kPods[] = {"3", "8", "110"};
  Object object = ready_node(name, {kCpu[rng.below(3)], kMemory[rng.below(3)], kPods[rng.below(3)]});
  Node& node = as<Node>(object);
  map_slot(object.meta.labels, "zone") = kZones[rng.below(3)];
  map_slot(object.meta.labels, "rank") = std::to_string(rng.below(10));
  if (rng.chance(15)) map_erase(object.meta.labels, "zone");
  if (rng.chance(40)) map_slot(object.meta.labels, "disk") = "ssd";
  if (rng.chance(10)) node.spec.unschedulable = true;
  if (rng.chance(20)) node.spec.taints.push_back(taint_of("team", "red", "NoSchedule"));
  if (rng.chance(20)) node.spec.taints.push_back(taint_of("old", "", "PreferNoSchedule"));
  if (rng.chance(10)) node.status.conditions[0].status = rng.chance(50) ? "False" : "Unknown";
  if (rng.chance(30)) map_slot(node.status.allocatable, "example.com/gpu") = Quantity::of(2);
  return object;
}

Object random_pod(Rng& rng, std::string_view name) {
  static constexpr std::string_view kCpu[] = {"", "100m", "300m", "1"};
  static constexpr std::string_view kMemory[] = {"", "64Mi", "512Mi"};
  Object object = waiting_pod(name, kCpu[rng.below(4)], kMemory[rng.below(3)]);
  PodSpec& spec = as<Pod>(object).spec;
  if (rng.chance(70)) owned_by_uid(object, "owner-" + std::to_string(rng.below(3)));
  if (rng.chance(20)) map_slot(spec.node_selector, "zone") = kZones[rng.below(3)];
  if (rng.chance(20)) spec.tolerations.push_back(toleration_of("team", "Equal", "red", "NoSchedule"));
  if (rng.chance(5)) spec.tolerations.push_back(toleration_of("", "Exists", "", ""));
  if (rng.chance(10)) {
    ContainerPort port;
    port.host_port = port.container_port = static_cast<int32_t>(8000 + rng.below(2));
    spec.containers[0].ports.push_back(port);
  }
  if (rng.chance(10)) map_slot(spec.containers[0].resources.requests, "example.com/gpu") = Quantity::of(1);
  if (rng.chance(20)) {
    NodeSelector& required =
        spec.affinity.ensure().node_affinity.ensure().required_during_scheduling_ignored_during_execution.ensure();
    for (size_t i = 0; i <= rng.below(2); ++i) required.node_selector_terms.push_back(random_term(rng));
  }
  if (rng.chance(30)) {
    PreferredSchedulingTerm preferred;
    preferred.weight = static_cast<int32_t>(1 + rng.below(100));
    preferred.preference = random_term(rng);
    spec.affinity.ensure().node_affinity.ensure().preferred_during_scheduling_ignored_during_execution.push_back(
        preferred);
  }
  spec.priority = static_cast<int32_t>(rng.below(3));
  return object;
}

namespace {

constexpr const char* kApps[] = {"web", "api", "cache"};
constexpr const char* kKeys[] = {"zone", "kubernetes.io/hostname", "disk"};

LabelSelector random_selector(Rng& rng) {
  LabelSelector out;
  if (rng.chance(60)) map_slot(out.match_labels, "app") = kApps[rng.below(3)];
  if (rng.chance(30)) {
    LabelSelectorRequirement one;
    one.key = "tier";
    one.op = rng.chance(50) ? "Exists" : "In";
    if (one.op == "In") one.values = {"front"};
    out.match_expressions.push_back(one);
  }
  return out;
}

PodAffinityTerm random_pod_term(Rng& rng) {
  PodAffinityTerm out;
  out.topology_key = kKeys[rng.below(3)];
  if (rng.chance(95)) out.label_selector = random_selector(rng);
  if (rng.chance(15)) out.namespaces = {rng.chance(50) ? "other" : "default"};
  if (rng.chance(15)) {
    out.namespace_selector.ensure();
    if (rng.chance(60)) out.namespace_selector->match_labels = {{"env", "test"}};
  }
  if (out.label_selector && rng.chance(10)) out.match_label_keys = {"version"};
  else if (out.label_selector && rng.chance(10)) out.mismatch_label_keys = {"version"};
  return out;
}

// PodAffinity and PodAntiAffinity are made alike.
template <typename Wishes>
void add_terms(Rng& rng, Wishes& wishes) {
  if (rng.chance(60)) wishes.required_during_scheduling_ignored_during_execution.push_back(random_pod_term(rng));
  if (rng.chance(15)) wishes.required_during_scheduling_ignored_during_execution.push_back(random_pod_term(rng));
  for (size_t i = rng.below(3); i > 0; --i) {
    WeightedPodAffinityTerm one;
    one.weight = static_cast<int32_t>(1 + rng.below(100));
    one.pod_affinity_term = random_pod_term(rng);
    wishes.preferred_during_scheduling_ignored_during_execution.push_back(one);
  }
}

TopologySpreadConstraint random_constraint(Rng& rng) {
  TopologySpreadConstraint out;
  out.topology_key = kKeys[rng.below(3)];
  out.max_skew = static_cast<int32_t>(1 + rng.below(2));
  out.when_unsatisfiable = rng.chance(50) ? "DoNotSchedule" : "ScheduleAnyway";
  if (rng.chance(95)) out.label_selector = random_selector(rng);
  if (out.when_unsatisfiable == "DoNotSchedule" && rng.chance(20)) out.min_domains = static_cast<int32_t>(1 + rng.below(4));
  if (rng.chance(20)) out.node_affinity_policy = rng.chance(50) ? "Ignore" : "Honor";
  if (rng.chance(20)) out.node_taints_policy = rng.chance(50) ? "Ignore" : "Honor";
  if (out.label_selector && rng.chance(10)) out.match_label_keys = {"version"};
  return out;
}

}  // namespace

void add_random_wishes(Rng& rng, Object& object) {
  PodSpec& spec = as<Pod>(object).spec;
  map_slot(object.meta.labels, "app") = kApps[rng.below(3)];
  if (rng.chance(40)) map_slot(object.meta.labels, "tier") = rng.chance(50) ? "front" : "back";
  if (rng.chance(30)) map_slot(object.meta.labels, "version") = rng.chance(50) ? "1" : "2";
  if (rng.chance(20)) object.meta.ns = "other";
  if (rng.chance(20)) add_terms(rng, spec.affinity.ensure().pod_affinity.ensure());
  if (rng.chance(25)) add_terms(rng, spec.affinity.ensure().pod_anti_affinity.ensure());
  for (size_t i = rng.chance(30) ? 1 + rng.below(2) : 0; i > 0; --i) {
    spec.topology_spread_constraints.push_back(random_constraint(rng));
  }
}

}  // namespace mainstay
