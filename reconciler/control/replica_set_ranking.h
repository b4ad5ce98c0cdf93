// Which pods of a ReplicaSet go first when there are too many. Rules: k8s-semantics 2. Pure; any thread.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "schema/base/time.h"
#include "schema/object.h"

namespace mainstay {

inline constexpr std::string_view kDeletionCostAnnotation = "controller.kubernetes.io/pod-deletion-cost";

// Sorts `pods` so that those to be deleted stand first: unassigned, then Pending before Unknown before
// Running, not ready, (ours:) ready but not yet available, lower deletion cost, more related pods on the node
// (`related_per_node`), ready for a shorter time, more restarts, younger. Times are compared by magnitude (a
// power of two of seconds), so that a small difference does not always hit the same node; the uid decides
// what is left. Kubernetes has no step for availability, and so may take an available pod where a merely
// ready one would do.
void rank_for_deletion(std::vector<ObjectPtr>& pods, const std::map<std::string, int>& related_per_node,
                       int32_t min_ready_seconds, WallTime now);

}  // namespace mainstay
