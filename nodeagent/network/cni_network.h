// The Network door made real: a pinned network namespace per pod, wired by the CNI plugins ptp and host-local
// (a routed pair of interfaces, no bridge), and the node's own masquerade table. Addresses are host-local's
// files in run_dir, which a reboot empties together with the namespaces.
#pragma once

#include <memory>
#include <string>

#include "nodeagent/doors.h"
#include "nodeagent/network/masquerade.h"
#include "nodeagent/node_paths.h"

namespace mainstay {

struct CniNetworkOptions {
  NodePaths paths;
  std::string plugin_dir;  // "": /opt/cni/bin or /usr/lib/cni, whichever has ptp
  MasqueradeRules rules;   // rules.node_cidr is also where addresses come from
  int mtu = 0;             // 0: the kernel's default
};

// kInvalid: a bad range; kUnavailable: no plugins; kDenied: not root.
Result<std::unique_ptr<Network>> open_cni_network(const CniNetworkOptions& options);

// What a pod's record says; and the answer of a CNI plugin. Pure.
std::string encode_record(const PodNetwork& network);
Result<PodNetwork> decode_network_record(std::string_view text);
Result<PodNetwork> parse_cni_result(std::string_view text);
std::string cni_configuration(const CniNetworkOptions& options);

}  // namespace mainstay
