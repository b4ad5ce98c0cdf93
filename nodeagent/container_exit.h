// The end of one container: whether it is run again, and when. Pure; part of the agent's core.
// Rules: k8s-semantics sections 1.3, 1.4.
#pragma once

#include <string>

#include "nodeagent/pod_record.h"
#include "nodeagent/pod_step.h"

namespace mainstay {

// Takes the end of the attempt in `container.seen` in.
void take_exit(PodRecord& record, const std::string& name, ContainerTrack& container,
               PodStepContext& context);

// Takes all ends in that were seen and not yet looked at.
void settle_exits(PodRecord& record, PodStepContext& context);

// A container that is not on the node any more although nobody here removed it: it ended, nobody knows how.
void take_loss(ContainerTrack& container, Now now);

// What the control plane last heard of the pod fills the gaps of what the node still shows: containers that are
// gone go on counting, and what was ready stays so. Once, before the pod's first step.
void adopt_status(PodRecord& record, PodStepContext& context);

}  // namespace mainstay
