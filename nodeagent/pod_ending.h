// The end of a whole pod: its containers in their order, then what it held. Pure; part of the agent's core.
// Rules: k8s-semantics sections 1.5, 1.7.
#pragma once

#include "nodeagent/pod_record.h"
#include "nodeagent/pod_step.h"

namespace mainstay {

// Everything of the pod is to be ended within `grace`.
void begin_ending(PodRecord& record, Ending why, Duration grace, PodStepContext& context);

// The pod is deleted, or not ours any more.
void leave(PodRecord& record, PodStepContext& context);

// The next step of an ending.
void step_ending(PodRecord& record, PodStepContext& context);

}  // namespace mainstay
