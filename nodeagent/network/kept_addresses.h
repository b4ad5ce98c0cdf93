// Where the cluster itself answers. No Service draws these to itself, by whatever address or node port, and no pod by a
// host port: what comes there must find the server, also on the machine it runs on. Pure.
#pragma once

#include <vector>

#include "nodeagent/doors.h"
#include "schema/network_state.h"

namespace mainstay {

// The endpoints of the Service default/kubernetes, which the control plane keeps itself, and port 53 of the cluster's
// DNS address.
std::vector<KeptAddress> kept_addresses(const NetworkState& state);

// The key of the slice that the API server's addresses come from.
inline constexpr char kApiServerSlice[] = "default/kubernetes";

}  // namespace mainstay
