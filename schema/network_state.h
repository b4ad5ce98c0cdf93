// What every node must know of the cluster's network: services with their endpoints, the other nodes, policies.
// The control plane makes it from its objects and numbers its changes; every node gets the same bytes, encoded
// once: whole, or the items that changed since a number the node has. Selectors are resolved to addresses by the
// control plane, so that a node needs no other object. JSON on the wire; unknown members are ignored.
// Plain values; any thread.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "schema/assignment_number.h"
#include "schema/base/result.h"
#include "schema/base/shared.h"
#include "schema/value.h"

namespace mainstay {

struct NetworkServicePort {
  std::string name;      // "" if it is the only one
  std::string protocol;  // "TCP", "UDP" or "SCTP"
  int32_t port = 0;
  int32_t node_port = 0;  // 0: none
  bool operator==(const NetworkServicePort&) const = default;
};

struct NetworkService {
  std::string ns, name;
  std::string type;        // "ClusterIP", "NodePort", "LoadBalancer", "ExternalName"
  std::string cluster_ip;  // "" for headless and ExternalName
  std::vector<std::string> external_ips;       // spec.externalIPs
  std::vector<std::string> load_balancer_ips;  // status.loadBalancer.ingress[].ip
  std::string external_name;
  std::vector<NetworkServicePort> ports;
  int32_t affinity_seconds = 0;     // sessionAffinity ClientIP with its timeout; 0: none
  bool internal_local = false;      // internalTrafficPolicy: Local
  bool external_local = false;      // externalTrafficPolicy: Local
  bool publish_not_ready = false;   // publishNotReadyAddresses
  std::vector<std::string> source_ranges;  // who may use load_balancer_ips (loadBalancerSourceRanges); none: everybody
  int32_t health_check_port = 0;    // healthCheckNodePort; 0: none
  bool prefer_close = false;        // trafficDistribution: PreferClose
  bool operator==(const NetworkService&) const = default;
};

struct NetworkSlicePort {
  std::string name;  // of the service port it serves
  std::string protocol;
  int32_t port = 0;  // on the endpoints: the target port, resolved
  bool operator==(const NetworkSlicePort&) const = default;
};

struct NetworkEndpoint {
  std::string ip;
  std::string node;      // "" if no pod of ours
  std::string hostname;  // "" unless the pod has hostname and subdomain
  std::string pod;       // name of the pod; "" if none
  bool ready = true;
  bool serving = true;
  bool terminating = false;
  bool operator==(const NetworkEndpoint&) const = default;
};

// One EndpointSlice. On the wire each endpoint is an item of its own, so that a change stays small.
struct NetworkSlice {
  std::string ns, name;
  std::string service;  // in the same namespace
  std::vector<NetworkSlicePort> ports;
  std::vector<NetworkEndpoint> endpoints;  // in the order of their `ip` as text; no address twice
  bool operator==(const NetworkSlice&) const = default;
};

struct NetworkNode {
  std::string name;
  std::string address;   // InternalIP; "" while unknown
  std::string pod_cidr;  // "" while none is allocated
  std::string zone{};    // label topology.kubernetes.io/zone
  bool ready = true;     // fit to announce addresses: condition Ready
  bool operator==(const NetworkNode&) const = default;
};

// Who a rule speaks of: `addresses` (of pods) or a block without its exceptions. Both empty: nobody.
struct NetworkPeers {
  std::vector<std::string> addresses;  // sorted, none twice
  struct Block {
    std::string cidr;
    std::vector<std::string> except;
    bool operator==(const Block&) const = default;
  };
  std::vector<Block> blocks;
  bool anyone = false;  // the rule names no peer: everybody
  bool operator==(const NetworkPeers&) const = default;
};

// Ports of a rule; a named port is resolved per pod: `address` is then that pod's.
struct NetworkRulePort {
  std::string protocol;
  int32_t port = 0;      // 0: every port
  int32_t end_port = 0;  // 0: only `port`
  std::string address;   // "" for every address
  bool operator==(const NetworkRulePort&) const = default;
  // By address first: "" before all others.
  std::strong_ordering operator<=>(const NetworkRulePort& other) const {
    return std::tie(address, protocol, port, end_port) <=>
           std::tie(other.address, other.protocol, other.port, other.end_port);
  }
};

struct NetworkRule {
  NetworkPeers peers;
  std::vector<NetworkRulePort> ports;  // sorted, none twice; empty with any_port
  bool any_port = true;
  bool operator==(const NetworkRule&) const = default;
};

// One NetworkPolicy with its selectors resolved. On the wire what it says of one pod is an item of its own, so that a
// pod that comes or goes is a small change. A rule that can match nothing (yet) stands here, too.
struct NetworkPolicyRules {
  std::string ns, name;
  std::vector<std::string> addresses;  // of the selected pods; sorted, none twice
  bool isolates_ingress = false, isolates_egress = false;
  std::vector<NetworkRule> ingress, egress;
  bool operator==(const NetworkPolicyRules&) const = default;
};

// Keys are "namespace/name" ("name" for nodes). States that follow on each other share the items that did not change.
struct NetworkState {
  AssignmentNumber at;
  std::string digest;  // of the items as the control plane encoded them; presented again with `at`, never computed
  std::string cluster_domain = "cluster.local";
  std::string cluster_cidr;  // of all pods
  std::string service_cidr;
  std::string dns_address;   // that pods ask: the tenth address of the service CIDR; "" turns DNS off
  bool announce = false;     // nodes announce load balancer addresses of their segment (ARP)
  std::map<std::string, Shared<NetworkService>> services;
  std::map<std::string, Shared<NetworkSlice>> slices;
  std::map<std::string, NetworkNode> nodes;
  std::map<std::string, Shared<NetworkPolicyRules>> policies;
  bool operator==(const NetworkState&) const = default;
};
using NetworkStatePtr = std::shared_ptr<const NetworkState>;

// One item as it is sent: `key` is "cluster" (domain, ranges), "node/name", "policy/ns/name" (without pods),
// "policy/ns/name/ip" (one pod's part in it), "service/ns/name", "slice/ns/name" (without endpoints) or
// "slice/ns/name/ip" (one endpoint); `json` its bytes, "" when it is gone.
struct NetworkItem {
  std::string key;
  std::string json;
  bool operator==(const NetworkItem&) const = default;
};

// What brings a node from number `from` to `at`; whole: forget everything before. Applying one twice, or one
// whose `from` is older than what the node has, does no harm. Items are in the order of their keys, so that a
// slice comes before its endpoints and a policy before its pods.
struct NetworkUpdate {
  AssignmentNumber at;
  AssignmentNumber from;
  bool whole = false;
  std::string digest;  // of everything at `at`
  std::vector<NetworkItem> items;
  bool operator==(const NetworkUpdate&) const = default;
};

NetworkItem encode_item(const NetworkService& service);
// The slice without its endpoints, then each endpoint.
std::vector<NetworkItem> encode_items(const NetworkSlice& slice);
NetworkItem encode_item(const NetworkNode& node);
// The policy without its pods, then each pod's part.
std::vector<NetworkItem> encode_items(const NetworkPolicyRules& policy);
// The "cluster" item: domain, ranges, DNS address.
NetworkItem encode_cluster_item(const NetworkState& state);
// Every item of a state, in the order of their keys.
std::vector<NetworkItem> encode_items(const NetworkState& state);

// An item as it stands in an encoded update. An update is the text from begin_network_update(), the items with
// commas between them, and kNetworkUpdateEnd; so the bytes of an item are made once for every update it is in.
std::string framed(const NetworkItem& item);
std::string begin_network_update(const NetworkUpdate& without_items);
inline constexpr std::string_view kNetworkUpdateEnd = "]}";

std::string encode(const NetworkUpdate& update);
Result<NetworkUpdate> decode_network_update(std::string_view json);
Result<NetworkUpdate> read_network_update(const Value& value);  // of a parsed message that it is part of

// A whole update that makes `state` of an empty one.
NetworkUpdate whole_update(const NetworkState& state);

// The state after an update; the same state if the update is older. kInvalid with a sentence if an item cannot
// be read (nothing is taken then); kConflict if it starts elsewhere than at `state.at`: something in between
// would be missing, or what came and went since would not be taken back. Ask for a whole one then.
Result<NetworkState> applied(const NetworkState& state, const NetworkUpdate& update);

}  // namespace mainstay
