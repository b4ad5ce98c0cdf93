// One Service as a node's packet rules see it: the addresses and ports it answers at (fronts), the endpoints
// behind each of its ports, and the elements both together put into the table's maps. Rules as kube-proxy's:
// ready endpoints, or those that still serve while terminating when none is ready (also among the local ones
// alone); no endpoint at all: refused; none here while the policy is Local: dropped. Pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "nodeagent/network/nft_table.h"
#include "schema/network_state.h"

namespace mainstay {

// The names of the maps and sets a service has elements in.
namespace service_sets {
inline constexpr char kServices[] = "services";                    // address . protocol . port -> verdict
inline constexpr char kOutsideServices[] = "outside_services";     // the same for clients outside, policy Local
inline constexpr char kNodePorts[] = "node_ports";                 // protocol . port -> verdict
inline constexpr char kOutsideNodePorts[] = "outside_node_ports";
inline constexpr char kSticky[] = "sticky";                        // with affinity -> chain of the timeout
inline constexpr char kStickyPorts[] = "sticky_ports";
inline constexpr char kExternal[] = "external";                    // neither cluster addresses nor node ports
inline constexpr char kExternalPorts[] = "external_ports";         // node ports
inline constexpr char kKeepClient[] = "keep_client";               // outside clients keep their address
inline constexpr char kKeepClientPorts[] = "keep_client_ports";
inline constexpr char kRestricted[] = "restricted";                // fronts with source ranges
inline constexpr char kSources[] = "sources";                      // front . client that may use it; intervals
inline constexpr char kHairpin[] = "hairpin";                      // endpoint . itself, of those on this node
// One for each protocol: libnftables 1.0.6 cannot add a rule to a map it finds in the kernel whose data is the
// port of just any protocol.
std::string endpoints(const std::string& protocol);       // address . port . index -> endpoint
std::string port_endpoints(const std::string& protocol);  // node port . index -> endpoint
std::string affinity(const std::string& protocol);        // client . address . port -> endpoint; learned
}  // namespace service_sets

// nft's words for the protocols a Service may have.
inline constexpr const char* kServiceProtocols[] = {"tcp", "udp", "sctp"};

// Where a port of a service answers.
struct ServiceFront {
  std::string address;      // "" for a node port
  std::string protocol;     // "6", "17" or "132"
  int32_t port = 0;
  std::string behind;       // which PortEndpoints: "TCP/name of the port"
  bool external = false;    // node port, load balancer's address or external address
  bool internal_local = false;
  bool external_local = false;
  int32_t affinity_seconds = 0;
  bool restricted = false;           // only clients in `sources` are let in; others are dropped
  std::vector<std::string> sources;  // ranges as nft lists them, apart from each other
  bool operator==(const ServiceFront&) const = default;

  // Of its elements in verdict maps and sets: "10.96.0.1 . 6 . 80", "6 . 30080".
  std::string key() const;
  // In the maps of its protocol: "10.96.0.1 . 80", "30080".
  std::string short_key() const;
};

// "10.88.0.2 . 8080"; the place in the list is the index in the data map.
struct PortEndpoints {
  std::vector<std::string> cluster;  // what traffic without a Local policy reaches
  std::vector<std::string> local;    // of this node
  bool operator==(const PortEndpoints&) const = default;
};
using EndpointLists = std::map<std::string, PortEndpoints>;  // by ServiceFront::behind

struct ServicePart {
  std::vector<ServiceFront> fronts;
  EndpointLists endpoints;
  std::vector<std::string> hairpins;       // addresses of endpoints on this node; sorted
  std::vector<NftElement> elements;        // sorted; without those of the hairpin set, which services share
  std::map<std::string, NftChain> chains;  // that its elements need; services share them
};

// Which fronts belong to which service, by "namespace/name". An address two services claim is the first
// one's: cluster addresses before load balancers' before external ones, then by key. The service "" is DNS.
// Where the cluster itself answers (kept_addresses.h) is no service's; with `dns`, a cluster address may be DNS's.
struct ServiceFronts {
  std::map<std::string, std::vector<ServiceFront>> of;
  std::vector<std::string> kept;  // keys of fronts that nobody serves, though a node port would draw them
  std::vector<std::string> notes;
};
ServiceFronts claim_fronts(const NetworkState& state, bool dns);

// Endpoints keep their place while they last and the last one fills a hole, so that a change touches few
// elements. With PreferClose those of our zone are reached alone as long as one of them is ready.
EndpointLists endpoint_lists(const NetworkService& service, const std::vector<const NetworkSlice*>& slices,
                             const std::string& node, const std::map<std::string, NetworkNode>& nodes,
                             const EndpointLists& before);

// The addresses among those that a pod of this node may reach itself by.
std::vector<std::string> hairpins_of(const std::vector<const NetworkSlice*>& slices, const NetworkNode& node);

// Fills in elements and chains from fronts and endpoints.
ServicePart service_part(std::vector<ServiceFront> fronts, EndpointLists endpoints,
                         std::vector<std::string> hairpins);

// "6", "17", "132"; "" for what is none of TCP, UDP and SCTP.
std::string protocol_number(const std::string& protocol);
// "tcp", "udp", "sctp" of such a number.
std::string protocol_word(const std::string& number);

}  // namespace mainstay
