// Validation of affinity between pods, of topology spread and of scheduling gates. Source: Kubernetes
// core/validation: validatePodAffinityTerm, validateTopologySpreadConstraints, validateSchedulingGates.
#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "schema/validate_parts.h"

namespace mainstay {
namespace {

constexpr std::string_view kWhenUnsatisfiable[] = {"DoNotSchedule", "ScheduleAnyway"};
constexpr std::string_view kNodePolicies[] = {"Honor", "Ignore"};
constexpr std::string_view kNotPositive = "must be greater than zero";

bool selects_by(const LabelSelector& selector, const std::string& key) {
  return map_find(selector.match_labels, key) != nullptr ||
         std::any_of(selector.match_expressions.begin(), selector.match_expressions.end(),
                     [&](const LabelSelectorRequirement& one) { return one.key == key; });
}

// matchLabelKeys and mismatchLabelKeys: `field` says which of the two.
void validate_label_keys(FieldErrors& errors, const Path& path, std::string_view field,
                         const std::vector<std::string>& keys, const Box<LabelSelector>& selector) {
  if (keys.empty()) return;
  const Path list = path.field(field);
  if (!selector) errors.forbidden(list, "must not be specified when labelSelector is not set");
  for (size_t i = 0; i < keys.size(); ++i) {
    const Path here = list.index(i);
    errors.problems(here, keys[i], qualified_name_problems(keys[i]));
    if (selector && selects_by(*selector, keys[i])) {
      errors.invalid(here, keys[i], "exists in both " + std::string(field) + " and labelSelector");
    }
  }
}

void validate_topology_key(FieldErrors& errors, const Path& path, const std::string& key) {
  if (key.empty()) errors.required(path, "can not be empty");
  else errors.problems(path, key, qualified_name_problems(key));
}

void validate_term(FieldErrors& errors, const Path& path, const PodAffinityTerm& term) {
  if (term.label_selector) validate_selector(errors, path.field("labelSelector"), *term.label_selector);
  if (term.namespace_selector) {
    validate_selector(errors, path.field("namespaceSelector"), *term.namespace_selector);
  }
  const Path namespaces = path.field("namespaces");
  for (size_t i = 0; i < term.namespaces.size(); ++i) {
    const Path here = namespaces.index(i);
    errors.problems(here, term.namespaces[i], dns_label_problems(term.namespaces[i]));
  }
  validate_label_keys(errors, path, "matchLabelKeys", term.match_label_keys, term.label_selector);
  validate_label_keys(errors, path, "mismatchLabelKeys", term.mismatch_label_keys, term.label_selector);
  const Path match_keys = path.field("matchLabelKeys");
  for (size_t i = 0; i < term.match_label_keys.size(); ++i) {
    const std::string& key = term.match_label_keys[i];
    const auto& other = term.mismatch_label_keys;
    if (std::find(other.begin(), other.end(), key) == other.end()) continue;
    errors.invalid(match_keys.index(i), key, "exists in both matchLabelKeys and mismatchLabelKeys");
  }
  validate_topology_key(errors, path.field("topologyKey"), term.topology_key);
}

// PodAffinity and PodAntiAffinity are made alike.
template <typename Wishes>
void validate_wishes(FieldErrors& errors, const Path& path, const Wishes& wishes) {
  const Path required = path.field("requiredDuringSchedulingIgnoredDuringExecution");
  const auto& terms = wishes.required_during_scheduling_ignored_during_execution;
  for (size_t i = 0; i < terms.size(); ++i) validate_term(errors, required.index(i), terms[i]);
  const Path preferred = path.field("preferredDuringSchedulingIgnoredDuringExecution");
  const auto& weighted = wishes.preferred_during_scheduling_ignored_during_execution;
  for (size_t i = 0; i < weighted.size(); ++i) {
    const Path here = preferred.index(i);
    if (weighted[i].weight < 1 || weighted[i].weight > 100) {
      errors.invalid(here.field("weight"), weighted[i].weight, "must be in the range 1-100");
    }
    validate_term(errors, here.field("podAffinityTerm"), weighted[i].pod_affinity_term);
  }
}

void validate_constraint(FieldErrors& errors, const Path& path, const TopologySpreadConstraint& constraint) {
  if (constraint.max_skew <= 0) errors.invalid(path.field("maxSkew"), constraint.max_skew, kNotPositive);
  validate_topology_key(errors, path.field("topologyKey"), constraint.topology_key);
  const std::string& when = constraint.when_unsatisfiable;
  if (when.empty() || std::find(std::begin(kWhenUnsatisfiable), std::end(kWhenUnsatisfiable), when) ==
                          std::end(kWhenUnsatisfiable)) {
    errors.unsupported(path.field("whenUnsatisfiable"), when, kWhenUnsatisfiable);
  }
  if (constraint.min_domains) {
    const Path here = path.field("minDomains");
    if (*constraint.min_domains <= 0) errors.invalid(here, *constraint.min_domains, kNotPositive);
    if (when != "DoNotSchedule") {
      errors.invalid(here, *constraint.min_domains,
                     "can only use minDomains if whenUnsatisfiable=DoNotSchedule, not " + when);
    }
  }
  if (!constraint.node_affinity_policy.empty()) {
    errors.one_of(path.field("nodeAffinityPolicy"), constraint.node_affinity_policy, kNodePolicies);
  }
  if (!constraint.node_taints_policy.empty()) {
    errors.one_of(path.field("nodeTaintsPolicy"), constraint.node_taints_policy, kNodePolicies);
  }
  if (constraint.label_selector) {
    validate_selector(errors, path.field("labelSelector"), *constraint.label_selector);
  }
  validate_label_keys(errors, path, "matchLabelKeys", constraint.match_label_keys, constraint.label_selector);
}

}  // namespace

void validate_affinity(FieldErrors& errors, const Path& path, const PodSpec& spec) {
  if (spec.affinity) {
    const Path affinity = path.field("affinity");
    if (spec.affinity->pod_affinity) {
      validate_wishes(errors, affinity.field("podAffinity"), *spec.affinity->pod_affinity);
    }
    if (spec.affinity->pod_anti_affinity) {
      validate_wishes(errors, affinity.field("podAntiAffinity"), *spec.affinity->pod_anti_affinity);
    }
  }
  const Path constraints = path.field("topologySpreadConstraints");
  std::set<std::pair<std::string_view, std::string_view>> pairs;
  for (size_t i = 0; i < spec.topology_spread_constraints.size(); ++i) {
    const TopologySpreadConstraint& constraint = spec.topology_spread_constraints[i];
    const Path here = constraints.index(i);
    validate_constraint(errors, here, constraint);
    if (!pairs.insert({constraint.topology_key, constraint.when_unsatisfiable}).second) {
      errors.duplicate_shown(here, "{" + constraint.topology_key + ", " + constraint.when_unsatisfiable + "}");
    }
  }
  const Path gates = path.field("schedulingGates");
  std::set<std::string_view> names;
  for (size_t i = 0; i < spec.scheduling_gates.size(); ++i) {
    const std::string& name = spec.scheduling_gates[i].name;
    const Path here = gates.index(i);
    errors.problems(here, name, qualified_name_problems(name));
    if (!names.insert(name).second) errors.duplicate(here, name);
  }
  if (!spec.scheduling_gates.empty() && !spec.node_name.empty()) {
    errors.forbidden(path.field("nodeName"), "cannot be set until all schedulingGates have been cleared");
  }
}

}  // namespace mainstay
