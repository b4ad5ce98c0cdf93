// Admission of a pod's priority: finds the PriorityClass it names, or the global default, in a snapshot. Pure; any
// thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "reconciler/store/snapshot.h"
#include "schema/priority_class.h"

namespace mainstay {

// Null if there is none; the two system classes are there without an object.
std::optional<PriorityClassFacts> find_priority_class(const Snapshot& view, std::string_view name);
// Of several global defaults the lowest counts, as in Kubernetes.
std::optional<PriorityClassFacts> default_priority_class(const Snapshot& view);

// Sets priorityClassName, priority and preemptionPolicy of a pod that comes in. The answer is why the pod is
// forbidden, in the words of Kubernetes' admission; "" if it is not.
std::string admit_priority(const Snapshot& view, Object& pod);

}  // namespace mainstay
