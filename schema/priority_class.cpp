#include "schema/priority_class.h"

namespace mainstay {

PriorityClassFacts priority_class_facts(const Object& object) {
  ENSURE(object.kind == Kind::kPriorityClass, "a priority class was expected");
  const Value& fields = generic_fields(object);
  PriorityClassFacts out;
  out.name = object.meta.name;
  const Value* value = fields.find("value");
  if (value != nullptr && value->is_int()) out.value = static_cast<int32_t>(value->as_int());
  const Value* by_default = fields.find("globalDefault");
  out.global_default = by_default != nullptr && by_default->is_bool() && by_default->as_bool();
  std::string_view policy = fields.string_at("preemptionPolicy");
  if (!policy.empty()) out.preemption_policy = policy;
  return out;
}

std::span<const PriorityClassFacts> system_priority_classes() {
  static const PriorityClassFacts kClasses[] = {
      {"system-cluster-critical", 2000000000, false, "PreemptLowerPriority"},
      {"system-node-critical", 2000001000, false, "PreemptLowerPriority"},
  };
  return kClasses;
}

std::string resolve_priority(Object& object, const PriorityClassFacts* named,
                             const PriorityClassFacts* by_default) {
  PodSpec& spec = as<Pod>(object).spec;
  static const PriorityClassFacts kNone;
  const PriorityClassFacts* found = &kNone;
  if (!spec.priority_class_name.empty()) {
    if (named == nullptr) return "no PriorityClass with name " + spec.priority_class_name + " was found";
    found = named;
  } else if (by_default != nullptr) {
    found = by_default;
  }
  if (spec.priority && *spec.priority != found->value) {
    return "the integer value of priority (" + std::to_string(*spec.priority) +
           ") must not be provided in pod spec; priority admission controller computed " +
           std::to_string(found->value) + " from the given PriorityClass name";
  }
  if (!spec.preemption_policy.empty() && spec.preemption_policy != found->preemption_policy) {
    return "the string value of PreemptionPolicy (" + spec.preemption_policy +
           ") must not be provided in pod spec; priority admission controller computed " +
           found->preemption_policy + " from the given PriorityClass name";
  }
  spec.priority_class_name = found->name;
  spec.priority = found->value;
  spec.preemption_policy = found->preemption_policy;
  return {};
}

}  // namespace mainstay
