// Ending one running container: its preStop hook, its stop signal, and SIGKILL when the grace is over. Pure;
// part of the agent's core. Rules: k8s-semantics section 1.7.
#pragma once

#include <string>

#include "nodeagent/pod_record.h"
#include "nodeagent/pod_step.h"

namespace mainstay {

// Begins it, with an event that says why. `spec` is null if the pod is not known any more: then there is no hook.
void begin_stop(PodRecord& record, const std::string& name, const Container* spec, ContainerTrack& container,
                Duration grace, std::string why, PodStepContext& context);

// The next step of it. The signal waits until it is the container's `turn`: sidecars end after the others.
void step_stop(PodRecord& record, const std::string& name, const Container* spec, ContainerTrack& container,
               bool turn, PodStepContext& context);

// A later deletion may shorten the grace, never lengthen it.
void shorten_stop(ContainerTrack& container, MonoTime kill_at);

// What came of the preStop hook.
void take_pre_stop(PodRecord& record, const std::string& name, ContainerTrack& container, bool success,
                   PodStepContext& context);

}  // namespace mainstay
