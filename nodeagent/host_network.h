// HostNetwork: the NodeNetwork of a real node: packet rules, routes to the other nodes, and the cluster's DNS on an
// interface of its own. Each part goes on when another fails; the error names those that did. Works in the network
// namespace of the thread that opened it. One thread at a time.
#pragma once

#include <memory>
#include <string>

#include "nodeagent/node_network.h"

namespace mainstay {

struct HostNetworkOptions {
  std::string node;                         // our name among the cluster's nodes
  std::string table = "mainstay_services";  // nft table of services and policies
  bool overlay = false;                     // VXLAN to the other nodes instead of routes
};

// kInvalid: a bad option; kDenied: not root.
Result<std::unique_ptr<NodeNetwork>> open_host_network(const HostNetworkOptions& options);

}  // namespace mainstay
