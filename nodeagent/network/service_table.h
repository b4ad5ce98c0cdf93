// The content of the node's table for Services and NetworkPolicies, as a function of the network's state; and
// the commands from one state to the next. One family (ip), one table:
//
//   prerouting, output (nat)  -> dispatch: (address, protocol, port) in a verdict map leads to a chain that
//                                draws one of N endpoints from its protocol's data map; no endpoint: refused
//                                (TCP reset, ICMP port unreachable); Local policy and none here: dropped; any
//                                other address or port of the service range: refused. Then node ports, on
//                                every local address but 127/8 (as kube-proxy's nftables mode).
//                                What the agent itself sends has a mark and is let pass (own_mark.h).
//   record_* (filter)         -> behind the translation: which endpoint a client with affinity went to.
//   postrouting (nat)         -> masquerade: a pod that reached itself, and every client that is no pod of
//                                this node, unless it came from outside and the policy is Local (its address
//                                is kept).
//   policy_forward (filter)   -> nodeagent/network/policy_table.h.
//
// Clients outside are all but this node's pods and this node itself: those reach every endpoint also of
// Services with externalTrafficPolicy Local, as with kube-proxy. SCTP is treated as UDP is. IPv4 only.
// A class because the table is always the union of the services' parts. Pure; one thread at a time.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "nodeagent/network/nft_table.h"
#include "nodeagent/network/service_part.h"
#include "schema/network_state.h"

namespace mainstay {

struct ServiceTableOptions {
  std::string node;
  std::string table;
  std::string dns_ip;  // as in ServiceRulesOptions
  int dns_port = 53;
};

struct ServiceTableChange {
  std::string commands;      // from the content before to this one; "" if they are equal, and the first time
  bool structure = false;    // more than elements: chains, rules or definitions
  NftElements elements;      // the same as `commands`, if they do nothing but move elements; else empty
  bool affinity = false;     // an endpoint of a service with affinity, or its front, went
  // UDP fronts whose connections may lead astray now (keys of fronts), and the endpoints that are right.
  std::map<std::string, std::set<std::string>> udp_fronts;
};

class ServiceTable {
 public:
  explicit ServiceTable(ServiceTableOptions options) : options_(std::move(options)) {}

  // Takes the state in. Only what differs from the last one is copied and worked on.
  ServiceTableChange update(const NetworkState& state);

  const NftTable& table() const { return table_; }
  std::vector<std::string> notes() const;

  // Keys of services ("" for DNS) to what is known of them.
  const std::map<std::string, ServicePart>& parts() const { return parts_; }

 private:
  struct Difference;

  Difference take_in(const NetworkState& state);
  ServicePart make_part(const std::string& key, std::vector<ServiceFront> fronts,
                        const ServicePart* before) const;
  NftElements replace_part(const std::string& key, ServicePart part);
  NftTable build() const;
  void replace_services(ServiceTableChange& change);
  void replace_policies(const NftTable& before, ServiceTableChange& change);
  void update_endpoints(const std::set<std::string>& services, ServiceTableChange& change);

  const ServiceTableOptions options_;
  NetworkState known_;
  bool begun_ = false;
  std::map<std::string, std::set<std::string>> slices_of_;  // service -> keys of its slices
  std::map<std::string, ServicePart> parts_;
  std::map<std::string, int> hairpin_uses_;
  std::vector<std::string> front_notes_, policy_notes_;
  std::vector<std::string> kept_;  // ServiceFronts::kept
  NftTable policies_;
  NftTable table_;
};

// The chains and definitions every node has. Pure.
NftTable service_frame(const NetworkState& state, const std::string& pod_cidr);

}  // namespace mainstay
