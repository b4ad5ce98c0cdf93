// /etc/resolv.conf as a value: read from the node's file, written for pods. Pure; any thread.
#pragma once

#include <string>
#include <vector>

namespace mainstay {

struct ResolverConfig {
  std::vector<std::string> nameservers;
  std::vector<std::string> searches;
  std::vector<std::string> options;  // "ndots:5"
  bool operator==(const ResolverConfig&) const = default;
};

// Lines in the order in which Kubernetes writes them: search, nameservers, options. "" if there is nothing to
// say.
std::string render_resolv_conf(const ResolverConfig& config);
// Unknown lines are left out; of several `search` or `domain` lines the last one counts.
ResolverConfig parse_resolv_conf(const std::string& text);

}  // namespace mainstay
