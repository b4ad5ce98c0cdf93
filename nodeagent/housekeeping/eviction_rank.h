// Who has to go first when a node is short of something, and what is said of it. Pure; any thread. Rules:
// k8s-semantics 1.7; the order and the words are the kubelet's.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "nodeagent/housekeeping/eviction_thresholds.h"
#include "schema/object.h"

namespace mainstay {

struct ContainerUse {
  std::string name;
  int64_t used = 0;
  bool operator==(const ContainerUse&) const = default;
};
// What a pod uses of the scarce resource; nothing if it could not be measured.
struct PodUse {
  ObjectPtr pod;
  std::optional<int64_t> used;
  std::vector<ContainerUse> containers;
};

// The first is to be evicted first: who uses more than he requested (or cannot be measured), then the lower
// priority, then who uses most beyond his request; for processes priority and use only. Critical pods are left out:
// the kubelet never evicts them.
std::vector<PodUse> eviction_order(std::vector<PodUse> pods, ScarceResource resource);

// "The node was low on resource: memory. Threshold quantity: 100Mi, available: 90Mi. Container web was using ..."
std::string eviction_message(const PodUse& victim, const EvictionThreshold& threshold, const Supply& supply);

// How long the victim is given: one second if it must be now, else its own time or the policy's, whichever is shorter.
Duration eviction_grace(const Object& pod, const EvictionThreshold& threshold, const EvictionPolicy& policy);

}  // namespace mainstay
