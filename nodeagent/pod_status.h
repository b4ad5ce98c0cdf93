// A pod's status as the API serves it, from what its node knows. Pure. Rules: k8s-semantics 1.2, 1.3.
#pragma once

#include "nodeagent/pod_record.h"
#include "schema/base/time.h"
#include "schema/kinds/pod.h"

namespace mainstay {

// Keeps lastTransitionTime of conditions that did not change and the conditions the control plane set
// (PodScheduled). Requires record.pod.
PodStatus pod_status(const PodRecord& record, const NodeFacts& node, Now now);

// The phase alone.
std::string pod_phase(const PodRecord& record);

// Ended for good: every container finished and none will start again.
bool all_finished(const PodRecord& record);

}  // namespace mainstay
