// Validation of what steers a pod to a node. Source: Kubernetes core/validation, ValidateTolerations,
// validateAffinity.
#include <algorithm>
#include <charconv>
#include <string>

#include "schema/validate_parts.h"

namespace mainstay {
namespace {

constexpr std::string_view kEffects[] = {"NoSchedule", "PreferNoSchedule", "NoExecute"};
constexpr std::string_view kOperators[] = {"Equal", "Exists"};

void validate_toleration(FieldErrors& errors, const Path& path, const Toleration& toleration) {
  if (!toleration.key.empty()) {
    errors.problems(path.field("key"), toleration.key, qualified_name_problems(toleration.key));
  } else if (toleration.op != "Exists") {
    errors.invalid(path.field("operator"), toleration.op,
                   "operator must be Exists when `key` is empty, which means \"match all values and all "
                   "keys\"");
  }
  if (toleration.toleration_seconds && toleration.effect != "NoExecute") {
    errors.invalid(path.field("effect"), toleration.effect,
                   "effect must be 'NoExecute' when `tolerationSeconds` is set");
  }
  if (toleration.op.empty() || toleration.op == "Equal") {
    errors.problems(path.field("operator"), toleration.value, label_value_problems(toleration.value));
  } else if (toleration.op == "Exists") {
    if (!toleration.value.empty()) {
      errors.invalid(path.field("operator"), toleration.value,
                     "value must be empty when `operator` is 'Exists'");
    }
  } else {
    errors.unsupported(path.field("operator"), toleration.op, kOperators);
  }
  if (!toleration.effect.empty()) errors.one_of(path.field("effect"), toleration.effect, kEffects);
}

bool is_integer(const std::string& text) {
  int64_t number = 0;
  auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  return problem == std::errc() && end == text.data() + text.size();
}

void validate_values(FieldErrors& errors, const Path& path, const NodeSelectorRequirement& requirement) {
  const Path values = path.field("values");
  const std::string& op = requirement.op;
  if (op == "In" || op == "NotIn") {
    if (requirement.values.empty()) {
      errors.required(values, "must be specified when `operator` is 'In' or 'NotIn'");
    }
  } else if (op == "Exists" || op == "DoesNotExist") {
    if (!requirement.values.empty()) {
      errors.forbidden(values, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
    }
  } else if (op == "Gt" || op == "Lt") {
    if (requirement.values.size() != 1) {
      errors.required(values, "must be specified single value when `operator` is 'Lt' or 'Gt'");
    } else if (!is_integer(requirement.values[0])) {
      errors.invalid(values.index(0), requirement.values[0], "must be an integer");
    }
  } else {
    errors.invalid(path.field("operator"), op, "not a valid selector operator");
  }
}

void validate_term(FieldErrors& errors, const Path& path, const NodeSelectorTerm& term) {
  const Path expressions = path.field("matchExpressions"), fields = path.field("matchFields");
  for (size_t i = 0; i < term.match_expressions.size(); ++i) {
    const NodeSelectorRequirement& requirement = term.match_expressions[i];
    const Path here = expressions.index(i);
    validate_values(errors, here, requirement);
    errors.problems(here.field("key"), requirement.key, qualified_name_problems(requirement.key));
  }
  for (size_t i = 0; i < term.match_fields.size(); ++i) {
    const NodeSelectorRequirement& requirement = term.match_fields[i];
    const Path here = fields.index(i);
    if (requirement.op != "In" && requirement.op != "NotIn") {
      errors.invalid(here.field("operator"), requirement.op, "not a valid selector operator");
    } else if (requirement.values.size() != 1) {
      errors.required(here.field("values"),
                      "must be only one value when `operator` is 'In' or 'NotIn' for node field selector");
    }
    if (requirement.key != "metadata.name") {
      errors.invalid(here.field("key"), requirement.key, "not a valid field selector key");
    }
  }
}

void validate_node_affinity(FieldErrors& errors, const Path& path, const NodeAffinity& affinity) {
  if (const auto& required = affinity.required_during_scheduling_ignored_during_execution) {
    const Path here = path.field("requiredDuringSchedulingIgnoredDuringExecution");
    const Path terms = here.field("nodeSelectorTerms");
    if (required->node_selector_terms.empty()) {
      errors.required(terms, "must have at least one node selector term");
    }
    for (size_t i = 0; i < required->node_selector_terms.size(); ++i) {
      validate_term(errors, terms.index(i), required->node_selector_terms[i]);
    }
  }
  const Path preferred = path.field("preferredDuringSchedulingIgnoredDuringExecution");
  const auto& list = affinity.preferred_during_scheduling_ignored_during_execution;
  for (size_t i = 0; i < list.size(); ++i) {
    const Path here = preferred.index(i);
    if (list[i].weight < 1 || list[i].weight > 100) {
      errors.invalid(here.field("weight"), list[i].weight, "must be in the range 1-100");
    }
    validate_term(errors, here.field("preference"), list[i].preference);
  }
}

}  // namespace

void validate_scheduling(FieldErrors& errors, const Path& path, const PodSpec& spec) {
  validate_labels(errors, path.field("nodeSelector"), spec.node_selector);
  const Path tolerations = path.field("tolerations");
  for (size_t i = 0; i < spec.tolerations.size(); ++i) {
    validate_toleration(errors, tolerations.index(i), spec.tolerations[i]);
  }
  if (spec.affinity && spec.affinity->node_affinity) {
    const Path affinity = path.field("affinity");
    validate_node_affinity(errors, affinity.field("nodeAffinity"), *spec.affinity->node_affinity);
  }
}

}  // namespace mainstay
