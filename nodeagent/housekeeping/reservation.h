// What of a node is kept for the machine itself and for the agent, and so not for pods: the kubelet's
// --system-reserved and --kube-reserved, and what the hard eviction thresholds keep back. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

#include "nodeagent/housekeeping/eviction_thresholds.h"
#include "schema/object.h"

namespace mainstay {

// "cpu=500m,memory=1Gi,ephemeral-storage=2Gi,pid=1000". kInvalid: a sentence that names the flag.
Result<ResourceList> parse_reservation(std::string_view flag, std::string_view text);

struct NodeReservations {
  ResourceList system;
  ResourceList kube;
  EvictionPolicy eviction;
};

// Capacity less both reservations and the hard thresholds of memory and nodefs; never below zero.
ResourceList allocatable_of(const ResourceList& capacity, const NodeReservations& kept);

// kInvalid: more is kept back than there is.
Status check_reservations(const ResourceList& capacity, const NodeReservations& kept);

}  // namespace mainstay
