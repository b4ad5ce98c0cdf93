// Which routes, device and forwarding entries a node needs to reach the pods of other nodes; what the kernel
// has of them, read from `ip -j`; and the batch lines from one to the other. Pure: node_routes.cpp runs the
// programs.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "nodeagent/network/node_routes.h"
#include "schema/base/result.h"
#include "schema/network_state.h"

namespace mainstay {

// An IPv4 address of this machine.
struct HostAddress {
  std::string device;
  std::string address;
  int prefix = 32;
  int mtu = 1500;
  bool operator==(const HostAddress&) const = default;
};

struct PodRoute {
  std::string range;   // "10.88.2.0/24"
  std::string via;
  std::string device;
  bool onlink = false;  // `via` is behind the device although no address says so
  auto operator<=>(const PodRoute&) const = default;
};

struct OverlayDevice {
  std::string mac;    // made of our address, so that every node knows every other's
  std::string local;  // our address on the network below
  int vni = 0;
  int port = 0;
  int mtu = 0;
  bool up = true;
  bool operator==(const OverlayDevice&) const = default;
};

// Where a node's end of the overlay is: its address there, its MAC, the node's own address. What the kernel
// keeps in two lists.
struct OverlayNeighbour {
  std::string address, mac;
  auto operator<=>(const OverlayNeighbour&) const = default;
};
struct OverlayForward {
  std::string mac, node_address;
  auto operator<=>(const OverlayForward&) const = default;
};

struct RouteContent {
  std::vector<PodRoute> routes;  // all lists sorted
  std::optional<OverlayDevice> device;
  std::vector<std::string> addresses;  // of the device, "10.88.1.0/32"
  std::vector<OverlayNeighbour> neighbours;
  std::vector<OverlayForward> forwards;
  bool operator==(const RouteContent&) const = default;
};

struct RoutePlan {
  RouteContent content;
  std::vector<std::string> problems;  // one sentence for each node that gets no route, and for each conflict
};

// A sentence if this machine itself has an address in the cluster's `range`: what is meant for one would go to the
// other. A network of the machine that only holds the range is no conflict: the narrower one wins, and all that cannot
// be reached are other machines at its addresses. `whose`: "network.podCIDR". "" if there is none.
std::string range_conflict(const std::vector<HostAddress>& host, const std::string& range, const std::string& whose);

// kUnavailable: with overlay our own address must be known.
Result<RoutePlan> plan_routes(const NetworkState& state, const NodeRoutesOptions& options,
                              const std::vector<HostAddress>& host);

struct RouteCommands {
  std::string before, bridge, after;  // for `ip -batch`, `bridge -batch`, `ip -batch`
  bool empty() const { return before.empty() && bridge.empty() && after.empty(); }
};
RouteCommands route_commands(const RouteContent& have, const RouteContent& want,
                             const NodeRoutesOptions& options);

// Answers of `ip -j addr show`, `ip -j -N route show proto N`, `ip -j -d link show dev D`, `ip -j neigh show
// dev D`, `bridge -j fdb show dev D`. kInvalid: none such.
Result<std::vector<HostAddress>> parse_addresses(std::string_view json);
Result<std::vector<PodRoute>> parse_routes(std::string_view json);
Result<std::optional<OverlayDevice>> parse_device(std::string_view json);
Result<std::vector<OverlayNeighbour>> parse_neighbours(std::string_view json);
Result<std::vector<OverlayForward>> parse_forwards(std::string_view json);

}  // namespace mainstay
