// The routes by which this node's pods reach those of other nodes: each other node's pod range by that node's
// address where both are on one segment, or through a VXLAN device (`overlay`) whose forwarding entries are
// all static. Only routes that carry our own routing protocol number, and only our own device, are ever
// touched. What the kernel has is read back each time, so a restarted agent takes away what is no longer
// wanted. Works in the network namespace of the calling thread, through iproute2's `ip` and `bridge`. Any
// thread; calls wait for each other.
#pragma once

#include <mutex>
#include <string>

#include "schema/base/result.h"
#include "schema/network_state.h"

namespace mainstay {

struct NodeRoutesOptions {
  std::string node;                       // our name among NetworkState::nodes
  bool overlay = false;                   // VXLAN to every other node
  std::string device = "mainstay-vxlan";  // at most 15 bytes
  int vni = 77;                           // VXLAN network, the same on all nodes
  int port = 4789;                        // UDP, the same on all nodes; open between nodes
  int protocol = 77;                      // of our routes: `ip route show proto 77`
};

// What VXLAN puts around a packet: outer IPv4 20, UDP 8, VXLAN 8, inner Ethernet 14.
inline constexpr int kOverlayHeaders = 50;

class NodeRoutes {
 public:
  explicit NodeRoutes(NodeRoutesOptions options) : options_(std::move(options)) {}

  // Routes for every other node of the state, none for nodes that are gone. Without overlay a node that is
  // not on our segment gets no route and is named in the error (kInvalid), after all others have theirs; so is an
  // address of this machine that is in a range of the cluster.
  // kUnavailable: our own address is not known yet (overlay), or iproute2 is not installed. Turns on
  // net.ipv4.ip_forward.
  Status apply(const NetworkState& state);

  // The same for the last state; returns whether anything had to be mended.
  Result<bool> repair();

  // Takes our routes and our device away.
  Status remove();

 private:
  Result<bool> reach(const NetworkState& state);

  const NodeRoutesOptions options_;
  std::mutex mutex_;
  NetworkState last_;    // nodes and ranges only; guarded by mutex_
  bool applied_ = false;  // guarded by mutex_
};

// kUnavailable, with a sentence, if this machine has an address among those of the cluster's pods.
Status check_pod_range(const std::string& cluster_cidr);

// Bytes of the largest packet a pod may send (CniNetworkOptions::mtu): that of the interface that has
// `node_address`, less kOverlayHeaders with `overlay`. kNotFound: no interface has the address.
Result<int> pod_mtu(const std::string& node_address, bool overlay);

}  // namespace mainstay
