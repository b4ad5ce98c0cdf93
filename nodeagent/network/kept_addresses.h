// Where the cluster itself answers. No Service draws these to itself, by whatever address or node port, and no pod by a
// host port: what comes there must find the server, also on the machine it runs on. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "schema/network_state.h"

namespace mainstay {

struct KeptAddress {
  std::string ip;  // IPv4
  std::string protocol;  // "TCP" or "UDP"
  int32_t port = 0;
  std::string whose;  // for people: "the API server"
  bool operator==(const KeptAddress&) const = default;
};

// The endpoints of the Service default/kubernetes, which the control plane keeps itself, and port 53 of the cluster's
// DNS address.
std::vector<KeptAddress> kept_addresses(const NetworkState& state);

// The key of the slice that the API server's addresses come from.
inline constexpr char kApiServerSlice[] = "default/kubernetes";

}  // namespace mainstay
