// One container's next step: hooks, probes and what follows from them while it runs, its start while it does
// not. Pure; part of the agent's core. Rules: k8s-semantics sections 1.4 to 1.7.
#pragma once

#include "nodeagent/container_state.h"
#include "nodeagent/pod_record.h"
#include "nodeagent/pod_step.h"

namespace mainstay {

// `may_start`: what stands before it in the pod has been started.
void step_container(PodRecord& record, const Container& spec, ContainerRole role, bool may_start,
                    PodStepContext& context);

// True if the result was that of a postStart or preStop hook.
bool take_hook_result(PodRecord& record, const OperationResult& result, PodStepContext& context);

}  // namespace mainstay
