// A pod's status as the API serves it, from what its node knows. Pure. Rules: k8s-semantics 1.2, 1.3, 1.5.
#pragma once

#include <string_view>

#include "nodeagent/pod_record.h"
#include "schema/base/time.h"
#include "schema/kinds/pod.h"

namespace mainstay {

// Keeps lastTransitionTime of conditions that did not change and the conditions the control plane set
// (PodScheduled). Requires record.pod.
PodStatus pod_status(const PodRecord& record, const NodeFacts& node, Now now);

// Ended for good: every container finished and none will start again, or an init container has failed in a pod
// that is never restarted.
bool all_finished(const PodRecord& record);

inline bool is_end(std::string_view phase) { return phase == "Succeeded" || phase == "Failed"; }

}  // namespace mainstay
