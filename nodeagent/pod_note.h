// Events about a pod and its containers, as the node sees them. Pure.
#pragma once

#include <string>

#include "nodeagent/pod_record.h"
#include "nodeagent/pod_step.h"

namespace mainstay {

// `container` is "" for the pod itself.
void note(PodStepContext& context, const PodRecord& record, const std::string& container, bool warning,
          std::string reason, std::string message);

// "web_shop(3f2a...)", as Kubernetes names a pod in sentences.
std::string pod_text(const PodRecord& record);

}  // namespace mainstay
