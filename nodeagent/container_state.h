// What one container is right now, in the API's words, from what its node knows. Pure; any thread.
// Rules: k8s-semantics 1.3, 1.5.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "nodeagent/pod_record.h"
#include "schema/kinds/pod.h"

namespace mainstay {

// What a container is to its pod. A sidecar is an init container that keeps running.
enum class ContainerRole : uint8_t { kInit, kSidecar, kApp };

struct NamedContainer {
  const Container* spec = nullptr;  // null: the pod has none of that name
  ContainerRole role = ContainerRole::kApp;
};
NamedContainer find_container(const PodSpec& spec, std::string_view name);

// Whether a container is run again after an end. Rule: k8s-semantics 1.4, 1.5.
bool restarts_after(ContainerRole role, std::string_view pod_policy, bool failed);

bool is_running(const ContainerTrack& container);
bool has_exited(const ContainerTrack& container);
// Running, its postStart hook done and its startup probe passed.
bool is_started(const Container& spec, const ContainerTrack& container);
// Its end counts: an init container of the pod's present initialisation has succeeded.
bool has_initialized(const ContainerTrack& container);

// How the attempt in `container.seen` ended. Requires has_exited().
ContainerStateTerminated terminated_state(const ContainerTrack& container);

// The whole status. `container` is null if nothing was tried yet; `waiting` is the reason of one that waits for
// no reason of its own.
ContainerStatus container_status(const Container& spec, ContainerRole role, const ContainerTrack* container,
                                 std::string_view waiting);

}  // namespace mainstay
