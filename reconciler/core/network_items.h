// What nodes are told of one object of the cluster's network, and of all of them: from objects to the words of
// schema/network_state.h. Pure; any thread.
#pragma once

#include <optional>
#include <string>

#include "reconciler/store/snapshot.h"
#include "schema/network_state.h"

namespace mainstay {

// What configuration says of the network.
struct NetworkRanges {
  std::string cluster_domain = "cluster.local";
  std::string cluster_cidr;
  std::string service_cidr;
  std::string dns_address;
  bool announce = false;  // nodes announce load balancer addresses
};

NetworkService network_service(const Object& service);
// Nothing if it belongs to no service or holds no IPv4 addresses.
std::optional<NetworkSlice> network_slice(const Object& slice);
NetworkNode network_node(const Object& node);
// Only what configuration says; no number.
NetworkState empty_network(const NetworkRanges& ranges);
// Everything of a snapshot at once, without number and digest: what a node that has the newest update must have.
NetworkState network_of(const Snapshot& view, const NetworkRanges& ranges);

}  // namespace mainstay
