// The probes of one running container: which run when, and what follows from their results. Pure; part of the
// agent's core. Rules: k8s-semantics section 1.6.
#pragma once

#include "nodeagent/pod_record.h"
#include "nodeagent/pod_step.h"

namespace mainstay {

// All of them: the startup probe alone until it has passed.
void step_probes(PodRecord& record, const Container& spec, ContainerTrack& container,
                 PodStepContext& context);

// Readiness alone, which goes on while the pod ends.
void step_readiness(PodRecord& record, const Container& spec, ContainerTrack& container,
                    PodStepContext& context);

// True if the result was that of a probe of this pod.
bool take_probe_result(PodRecord& record, const OperationResult& result, PodStepContext& context);

}  // namespace mainstay
