// What a pod is called and whom it asks for names: its host name, /etc/hosts and /etc/resolv.conf as
// Kubernetes has them (sources: "DNS for Services and Pods"; kubelet's limits on resolv.conf). Pure; any
// thread.
#pragma once

#include <string>
#include <string_view>

#include "nodeagent/dns/resolver_config.h"
#include "nodeagent/doors.h"
#include "nodeagent/node_config.h"
#include "schema/base/result.h"
#include "schema/object.h"

namespace mainstay {

struct PodNames {
  std::string hostname;  // without a domain, at most 63 bytes
  std::string fqdn;      // with a subdomain: hostname.subdomain.namespace.svc.domain; "" otherwise
  std::string kernel;    // what `hostname` prints: the first, or with setHostnameAsFQDN the second
};

// kInvalid with Kubernetes' words if the fully qualified name does not fit into the kernel's 64 bytes.
Result<PodNames> pod_names(const Object& pod, std::string_view cluster_domain, const NodeFacts& node);

// What a pod's resolv.conf says. `network` may be null, or have no DNS: then the node's own servers are
// asked.
ResolverConfig pod_resolver(const Object& pod, const NodeFacts& node, const NetworkState* network);

// The files every pod has, once its address is known. `pod_ip` is "" with the host's network.
EtcFiles render_etc_files(const PodNames& names, const ResolverConfig& resolver, const PodSpec& spec,
                          std::string_view pod_ip, const NodeFacts& node);

// NodeConfig::network's domain, "cluster.local" while that is not known.
std::string cluster_domain(const NodeConfig& config);

}  // namespace mainstay
