// The text of a pod's /etc/hosts and /etc/resolv.conf. Pure.
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

struct ResolverConfig {
  std::vector<std::string> nameservers;
  std::vector<std::string> searches;
  std::vector<std::string> options;  // "ndots:5"
};

std::string render_resolv_conf(const ResolverConfig& config);
// Reads the node's own file; unknown lines are left out.
ResolverConfig parse_resolv_conf(const std::string& text);

}  // namespace mainstay
