// Bringing one container to life: its image, its attempt's number, the start itself and what comes of it. Pure;
// part of the agent's core. Rules: k8s-semantics sections 1.3, 1.4, 1.12.
#pragma once

#include <string>

#include "nodeagent/container_state.h"
#include "nodeagent/pod_record.h"
#include "nodeagent/pod_step.h"

namespace mainstay {

// The next attempt of a container that does not run, as soon as its image is there and its back-off over.
void step_start(PodRecord& record, const Container& spec, ContainerTrack& container, PodStepContext& context);

// True if the result was that of an image some container of the pod waits for.
bool take_image_result(PodRecord& record, const OperationResult& result, PodStepContext& context);

// The container that record.subject names was started, or was not.
void take_start(PodRecord& record, const RuntimeContainer& started, PodStepContext& context);
void take_start_failure(PodRecord& record, const Error& failure, PodStepContext& context);

// Says why a container waits: "" and "" for no reason of its own.
void wait_because(ContainerTrack& container, std::string_view reason, std::string message);

}  // namespace mainstay
