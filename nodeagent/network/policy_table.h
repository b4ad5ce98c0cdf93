// NetworkPolicies as nft sets and chains, for the pods of one node. A pod that some policy isolates leads to
// a chain of the policies it is under, which pods under the same policies share; what none of them allows
// ends there. Addresses and ports stand in sets, so that a pod that comes or goes changes elements only.
// Rules as Kubernetes': policies only add up; what is established passes; a pod's own node always reaches it
// and is reached (that traffic is never forwarded), and so does a pod itself through its Service. Egress is
// judged on the node of the client and ingress on the node of the server, both after the Service's address
// was translated. Pure.
#pragma once

#include "nodeagent/network/nft_table.h"
#include "schema/network_state.h"

namespace mainstay {

struct PolicyTable {
  NftTable table;                  // empty if no pod of this node is isolated
  std::vector<std::string> notes;  // what of a policy cannot be kept, one sentence each
};

// Needs the set service_sets::kHairpin in the same table. `pod_cidr`: of this node; "" means it has no pods.
PolicyTable policy_table(const std::map<std::string, Shared<NetworkPolicyRules>>& policies,
                         const std::string& pod_cidr);

}  // namespace mainstay
