// Keeping the volumes of a running pod up to date: ConfigMaps and Secrets that changed, labels and annotations
// of the pod, tokens that near their end. Pure; part of the agent's core.
#pragma once

#include <vector>

#include "nodeagent/pod_step.h"

namespace mainstay {

// Remembers what an operation that is being submitted will bring.
void note_planned_volumes(PodRecord& record, const std::vector<VolumeSpec>& volumes);

// Takes in that it did.
void take_prepared_volumes(PodRecord& record, std::optional<Duration> renew_after, PodStepContext& context);

// Submits an update if the volumes' sources have changed, or a token is due.
void step_volumes(PodRecord& record, PodStepContext& context);

// True if the result was that of such an update.
bool take_volumes_result(PodRecord& record, const OperationResult& result, PodStepContext& context);

}  // namespace mainstay
