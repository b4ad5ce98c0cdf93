#include "tests/sched/reference.h"

#include <algorithm>
#include <climits>
#include <cmath>
#include <map>
#include <set>

#include "reconciler/sched/filters.h"
#include "schema/selector.h"

namespace mainstay {
namespace {

using Terms = std::vector<PodAffinityTerm>;

const std::string* label(const Object& object, const std::string& key) { return map_find(object.meta.labels, key); }

const Object* node_of(const ReferenceCluster& cluster, const Object& pod) {
  for (const ObjectPtr& node : cluster.nodes) {
    if (node->meta.name == as<Pod>(pod).spec.node_name) return &*node;
  }
  return nullptr;
}

bool same_place(const Object& a, const Object& b, const std::string& key) {
  const std::string *x = label(a, key), *y = label(b, key);
  return x != nullptr && y != nullptr && *x == *y;
}

// A term of `owner` means `other`.
bool meant(const ReferenceCluster& cluster, const PodAffinityTerm& term, const Object& owner, const Object& other) {
  if (!term.label_selector || !matches(*term.label_selector, other.meta.labels)) return false;
  for (const std::string& key : term.match_label_keys) {
    const std::string* mine = label(owner, key);
    if (mine != nullptr && (label(other, key) == nullptr || *label(other, key) != *mine)) return false;
  }
  for (const std::string& key : term.mismatch_label_keys) {
    const std::string* mine = label(owner, key);
    if (mine != nullptr && label(other, key) != nullptr && *label(other, key) == *mine) return false;
  }
  if (term.namespaces.empty() && !term.namespace_selector) return owner.meta.ns == other.meta.ns;
  if (std::count(term.namespaces.begin(), term.namespaces.end(), other.meta.ns) > 0) return true;
  if (!term.namespace_selector) return false;
  for (const ObjectPtr& ns : cluster.namespaces) {
    if (ns->meta.name == other.meta.ns) return matches(*term.namespace_selector, ns->meta.labels);
  }
  return matches(*term.namespace_selector, {});
}

Terms required(const Object& pod, bool anti) {
  const Box<Affinity>& affinity = as<Pod>(pod).spec.affinity;
  if (!affinity) return {};
  if (anti && affinity->pod_anti_affinity) {
    return affinity->pod_anti_affinity->required_during_scheduling_ignored_during_execution;
  }
  if (!anti && affinity->pod_affinity) {
    return affinity->pod_affinity->required_during_scheduling_ignored_during_execution;
  }
  return {};
}

std::vector<WeightedPodAffinityTerm> preferred(const Object& pod, bool anti) {
  const Box<Affinity>& affinity = as<Pod>(pod).spec.affinity;
  if (!affinity) return {};
  if (anti && affinity->pod_anti_affinity) {
    return affinity->pod_anti_affinity->preferred_during_scheduling_ignored_during_execution;
  }
  if (!anti && affinity->pod_affinity) {
    return affinity->pod_affinity->preferred_during_scheduling_ignored_during_execution;
  }
  return {};
}

bool counted(const TopologySpreadConstraint& constraint, const Object& owner, const Object& other) {
  bool leaving = other.meta.deletion_timestamp != WallTime{};
  if (!constraint.label_selector || other.meta.ns != owner.meta.ns || leaving) return false;
  for (const std::string& key : constraint.match_label_keys) {
    const std::string* mine = label(owner, key);
    if (mine != nullptr && (label(other, key) == nullptr || *label(other, key) != *mine)) return false;
  }
  return matches(*constraint.label_selector, other.meta.labels);
}

bool counts_node(const Object& pod, const TopologySpreadConstraint& constraint, const Object& node) {
  const PodSpec& spec = as<Pod>(pod).spec;
  for (const TopologySpreadConstraint& other : spec.topology_spread_constraints) {
    bool same_sort = other.when_unsatisfiable == constraint.when_unsatisfiable;
    if (same_sort && label(node, other.topology_key) == nullptr) return false;
  }
  if (constraint.node_affinity_policy != "Ignore" && !node_selected(spec, node)) return false;
  ClusterView alone = view_of({node});
  return constraint.node_taints_policy != "Honor" || taints_tolerated(spec, alone.slots()[0]);
}

// Counted pods by the value of the constraint's label, over the nodes that count.
std::map<std::string, int> spread_counts(const ReferenceCluster& cluster, const Object& pod,
                                         const TopologySpreadConstraint& constraint) {
  std::map<std::string, int> out;
  for (const ObjectPtr& node : cluster.nodes) {
    if (!counts_node(pod, constraint, *node)) continue;
    int& count = out[*label(*node, constraint.topology_key)];
    for (const ObjectPtr& other : cluster.pods) {
      if (as<Pod>(*other).spec.node_name == node->meta.name && counted(constraint, pod, *other)) ++count;
    }
  }
  return out;
}

std::string spread_refusal(const ReferenceCluster& cluster, const Object& pod, const Object& node) {
  for (const TopologySpreadConstraint& constraint : as<Pod>(pod).spec.topology_spread_constraints) {
    if (constraint.when_unsatisfiable != "DoNotSchedule") continue;
    const std::string* value = label(node, constraint.topology_key);
    if (value == nullptr) return "node(s) didn't match pod topology spread constraints (missing required label)";
    std::map<std::string, int> counts = spread_counts(cluster, pod, constraint);
    int least = INT_MAX;
    for (const auto& [name, count] : counts) least = std::min(least, count);
    if (static_cast<int>(counts.size()) < constraint.min_domains.value_or(1)) least = 0;
    int64_t here = counts.count(*value) > 0 ? counts[*value] : 0;
    if (here + (counted(constraint, pod, pod) ? 1 : 0) - least > constraint.max_skew) {
      return "node(s) didn't match pod topology spread constraints";
    }
  }
  return "";
}

bool affinity_holds(const ReferenceCluster& cluster, const Object& pod, const Object& node) {
  Terms terms = required(pod, false);
  auto matches_all = [&](const Object& other) {
    return std::all_of(terms.begin(), terms.end(), [&](auto& term) { return meant(cluster, term, pod, other); });
  };
  bool found_all = true, any_at_all = false;
  for (const PodAffinityTerm& term : terms) {
    if (label(node, term.topology_key) == nullptr) return false;
    bool found = false;
    for (const ObjectPtr& other : cluster.pods) {
      const Object* there = node_of(cluster, *other);
      if (there == nullptr || !matches_all(*other)) continue;
      any_at_all = any_at_all || label(*there, term.topology_key) != nullptr;
      found = found || same_place(*there, node, term.topology_key);
    }
    found_all = found_all && found;
  }
  return found_all || (!any_at_all && matches_all(pod));
}

}  // namespace

std::string reference_refusal(const ReferenceCluster& cluster, const Object& pod, const Object& node) {
  std::string spread = spread_refusal(cluster, pod, node);
  if (!spread.empty()) return spread;
  if (!affinity_holds(cluster, pod, node)) return "node(s) didn't match pod affinity rules";
  bool theirs = false;
  for (const ObjectPtr& other : cluster.pods) {
    const Object* there = node_of(cluster, *other);
    if (there == nullptr) continue;
    for (const PodAffinityTerm& term : required(pod, true)) {
      if (meant(cluster, term, pod, *other) && same_place(*there, node, term.topology_key)) {
        return "node(s) didn't match pod anti-affinity rules";
      }
    }
    for (const PodAffinityTerm& term : required(*other, true)) {
      theirs = theirs || (meant(cluster, term, *other, pod) && same_place(*there, node, term.topology_key));
    }
  }
  return theirs ? "node(s) didn't satisfy existing pods anti-affinity rules" : "";
}

namespace {

int64_t wishes_at(const ReferenceCluster& cluster, const Object& pod, const Object& node) {
  int64_t sum = 0;
  for (const ObjectPtr& other : cluster.pods) {
    const Object* there = node_of(cluster, *other);
    if (there == nullptr) continue;
    for (bool anti : {false, true}) {
      for (const WeightedPodAffinityTerm& one : preferred(pod, anti)) {
        const PodAffinityTerm& term = one.pod_affinity_term;
        if (!meant(cluster, term, pod, *other) || !same_place(*there, node, term.topology_key)) continue;
        sum += anti ? -one.weight : one.weight;
      }
      for (const WeightedPodAffinityTerm& one : preferred(*other, anti)) {
        const PodAffinityTerm& term = one.pod_affinity_term;
        if (!meant(cluster, term, *other, pod) || !same_place(*there, node, term.topology_key)) continue;
        sum += anti ? -one.weight : one.weight;
      }
    }
    for (const PodAffinityTerm& term : required(*other, false)) {
      if (meant(cluster, term, *other, pod) && same_place(*there, node, term.topology_key)) sum += 1;
    }
  }
  return sum;
}

// Nothing for a node without all the labels.
std::vector<std::optional<int64_t>> spread_sums(const ReferenceCluster& cluster, const Object& pod,
                                                const std::vector<ObjectPtr>& feasible) {
  std::vector<TopologySpreadConstraint> soft;
  for (const TopologySpreadConstraint& one : as<Pod>(pod).spec.topology_spread_constraints) {
    if (one.when_unsatisfiable == "ScheduleAnyway") soft.push_back(one);
  }
  std::vector<ObjectPtr> scored;
  for (const ObjectPtr& node : feasible) {
    bool all = std::all_of(soft.begin(), soft.end(),
                           [&](auto& one) { return label(*node, one.topology_key) != nullptr; });
    if (all) scored.push_back(node);
  }
  std::vector<std::optional<int64_t>> out;
  for (const ObjectPtr& node : feasible) {
    if (std::count(scored.begin(), scored.end(), node) == 0) {
      out.push_back(std::nullopt);
      continue;
    }
    double sum = 0;
    for (const TopologySpreadConstraint& one : soft) {
      bool host = one.topology_key == "kubernetes.io/hostname";
      std::set<std::string> values;
      for (const ObjectPtr& other : scored) values.insert(*label(*other, one.topology_key));
      int64_t pods = 0;
      for (const ObjectPtr& other : cluster.pods) {
        const Object* there = node_of(cluster, *other);
        if (there == nullptr || !counted(one, pod, *other)) continue;
        if (host ? there->meta.name == node->meta.name
                 : counts_node(pod, one, *there) && same_place(*there, *node, one.topology_key)) {
          ++pods;
        }
      }
      double weight = std::log(static_cast<double>(host ? scored.size() : values.size()) + 2);
      sum += static_cast<double>(pods) * weight + (one.max_skew - 1);
    }
    out.push_back(std::llround(sum));
  }
  return out;
}

}  // namespace

std::vector<int> reference_scores(const ReferenceCluster& cluster, const Object& pod,
                                  const std::vector<ObjectPtr>& feasible) {
  std::vector<int> out(feasible.size());
  if (feasible.empty()) return out;
  std::vector<int64_t> wishes;
  for (const ObjectPtr& node : feasible) wishes.push_back(wishes_at(cluster, pod, *node));
  auto [low, high] = std::minmax_element(wishes.begin(), wishes.end());
  for (size_t i = 0; i < out.size() && *low != *high; ++i) {
    out[i] += 2 * static_cast<int>(100 * (wishes[i] - *low) / (*high - *low));
  }
  bool soft = false;
  for (const auto& one : as<Pod>(pod).spec.topology_spread_constraints) soft |= one.when_unsatisfiable == "ScheduleAnyway";
  if (!soft) return out;
  int64_t least = INT64_MAX, most = 0;
  std::vector<std::optional<int64_t>> sums = spread_sums(cluster, pod, feasible);
  for (const auto& sum : sums) {
    if (sum) least = std::min(least, *sum), most = std::max(most, *sum);
  }
  for (size_t i = 0; i < out.size(); ++i) {
    if (sums[i]) out[i] += 2 * static_cast<int>(most == 0 ? 100 : 100 * (most + least - *sums[i]) / most);
  }
  return out;
}

}  // namespace mainstay
