// NetworkPolicies as data, and their selectors resolved to addresses. Semantics: networking.k8s.io/v1. Policies add
// up; a pod that none selects for a direction is open in it. Pods count while they have an address of their own:
// those on the host's network and those that have ended do not. Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "reconciler/store/snapshot.h"
#include "schema/network_state.h"

namespace mainstay {

// One element of `from` or `to`: pods by selectors, or a block of addresses.
struct PolicyPeer {
  std::optional<LabelSelector> pods;        // absent: every pod of the namespaces
  std::optional<LabelSelector> namespaces;  // absent: only the policy's own
  std::optional<NetworkPeers::Block> block;
};

struct PolicyPort {
  std::string protocol = "TCP";
  int32_t port = 0;      // 0: every port, unless `name` is set
  int32_t end_port = 0;  // 0: only `port`
  std::string name;      // of a container's port
};

struct PolicyRule {
  std::vector<PolicyPeer> peers;  // empty: everybody
  std::vector<PolicyPort> ports;  // empty: every port
};

struct Policy {
  std::string ns, name;
  LabelSelector pods;
  bool isolates_ingress = false, isolates_egress = false;
  std::vector<PolicyRule> ingress, egress;
};

// Of a NetworkPolicy object. What cannot be read matches nobody (validation has refused it before).
Policy read_policy(const Object& object);

// The policy's rules as `view` has pods and namespaces, one for each of the policy's, also if nothing matches it.
NetworkPolicyRules resolve(const Policy& policy, const Snapshot& view);

// The pod has an address that policies speak of.
bool counts_for_policies(const Pod& pod);

// The rules of `policy` may differ because this pod came, changed or went; `ns_labels` are its namespace's.
bool concerns(const Policy& policy, const Object& pod, const StringMap& ns_labels);
// A change of any namespace's labels may change its rules.
bool selects_namespaces(const Policy& policy);

// "10.0.0.0/8" of any text that means that block, host bits cleared; nothing if it is no IPv4 block.
std::optional<std::string> ipv4_block(std::string_view text);

}  // namespace mainstay
