// Validation of PriorityClasses. Source: Kubernetes scheduling/validation, ValidatePriorityClass.
#include <string>

#include "schema/priority_class.h"
#include "schema/validate_parts.h"

namespace mainstay {
namespace {

constexpr std::string_view kPolicies[] = {"Never", "PreemptLowerPriority"};

// Why a class may not have this reserved name; "" if it is the one that every cluster has.
std::string system_class_problem(const PriorityClassFacts& facts) {
  for (const PriorityClassFacts& known : system_priority_classes()) {
    if (known.name != facts.name) continue;
    if (known.value != facts.value) {
      return "value of " + known.name + " PriorityClass must be " + std::to_string(known.value);
    }
    if (facts.global_default) return "globalDefault of " + known.name + " PriorityClass must be false";
    return {};
  }
  return facts.name + " is not a known system priority class";
}

}  // namespace

void validate_priority_class(FieldErrors& errors, const Object& object) {
  PriorityClassFacts facts = priority_class_facts(object);
  if (facts.name.starts_with("system-")) {
    const Path metadata("metadata");
    std::string problem = system_class_problem(facts);
    if (!problem.empty()) {
      errors.forbidden(metadata.field("name"),
                       "priority class names with 'system-' prefix are reserved for system use only. error: " + problem);
    }
  } else if (facts.value > kHighestUserPriority) {
    errors.forbidden(Path("value"), "maximum allowed value of a user defined priority is " +
                                        std::to_string(kHighestUserPriority));
  }
  errors.one_of(Path("preemptionPolicy"), facts.preemption_policy, kPolicies);
}

}  // namespace mainstay
