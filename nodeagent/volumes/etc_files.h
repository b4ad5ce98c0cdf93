// The text of a pod's /etc/hosts. Pure.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace mainstay {

struct HostsEntry {
  std::string ip;
  std::vector<std::string> names;
};

// `fqdn` may be "" (no subdomain).
std::string render_hosts(const std::string& pod_ip, const std::string& hostname, const std::string& fqdn,
                         const std::vector<HostsEntry>& aliases);

// With the host's network: the node's own file, and the pod's entries after it.
std::string render_host_network_hosts(const std::string& node_hosts, const std::vector<HostsEntry>& aliases);

}  // namespace mainstay
