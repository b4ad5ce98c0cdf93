// PriorityClass: what a class says, and which class a pod is of. Rules: Kubernetes' admission plugin Priority and
// scheduling/validation. Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "schema/object.h"

namespace mainstay {

inline constexpr int64_t kHighestUserPriority = 1'000'000'000;

struct PriorityClassFacts {
  std::string name;
  int32_t value = 0;
  bool global_default = false;
  std::string preemption_policy = "PreemptLowerPriority";  // or "Never"
};

// Requires an object of kind PriorityClass.
PriorityClassFacts priority_class_facts(const Object& object);
// The two classes every cluster has, whether or not an object says so: system-cluster-critical and
// system-node-critical.
std::span<const PriorityClassFacts> system_priority_classes();

// Gives `pod` priorityClassName, priority and preemptionPolicy. `named` is the class that spec.priorityClassName
// names, `by_default` the global default; either may be null. The answer is why the pod is forbidden; "" if it is
// not. What the pod says itself must be what its class says.
std::string resolve_priority(Object& pod, const PriorityClassFacts* named, const PriorityClassFacts* by_default);

}  // namespace mainstay
