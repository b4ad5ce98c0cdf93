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

}  // namespace mainstay
