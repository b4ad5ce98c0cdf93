// What a pod asks of its node, and the class of service that follows from it. Pure; any thread.
#pragma once

#include <string_view>

#include "schema/descriptor.h"
#include "schema/kinds/pod.h"

namespace mainstay {

// The request the scheduler and the node count, per resource: the larger of what all app containers and
// sidecars need together and what each init container needs beside the sidecars started before it, plus
// the pod's overhead. Containers without a request count as zero; resources nobody asks for are absent.
// Source: Kubernetes, "Resource sharing within containers" (init and sidecar containers).
ResourceList effective_requests(const PodSpec& spec);

// The same over limits: what the pod as a whole may use at most. A resource is absent unless every
// container that counts sets its limit, since one without makes the whole unlimited.
ResourceList effective_limits(const PodSpec& spec);

// "Guaranteed": every container has cpu and memory limits, and requests equal to them. "BestEffort": none
// has a request or limit for either. "Burstable": the rest. Expects a defaulted spec.
std::string_view qos_class(const PodSpec& spec);

// True for an init container that keeps running beside the app containers.
inline bool is_sidecar(const Container& init_container) { return init_container.restart_policy == "Always"; }

}  // namespace mainstay
