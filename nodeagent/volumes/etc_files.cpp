#include "nodeagent/volumes/etc_files.h"

namespace mainstay {
namespace {

std::string alias_lines(const std::vector<HostsEntry>& aliases) {
  std::string out;
  if (!aliases.empty()) out = "\n# Entries added by HostAliases.\n";
  for (const HostsEntry& alias : aliases) {
    out += alias.ip;
    for (const std::string& name : alias.names) out += "\t" + name;
    out += "\n";
  }
  return out;
}

}  // namespace

std::string render_hosts(const std::string& pod_ip, const std::string& hostname, const std::string& fqdn,
                         const std::vector<HostsEntry>& aliases) {
  std::string out =
      "# Written by Mainstay for this pod.\n"
      "127.0.0.1\tlocalhost\n"
      "::1\tlocalhost ip6-localhost ip6-loopback\n"
      "fe00::0\tip6-localnet\n"
      "fe00::0\tip6-mcastprefix\n"
      "fe00::1\tip6-allnodes\n"
      "fe00::2\tip6-allrouters\n";
  if (!pod_ip.empty()) out += pod_ip + "\t" + (fqdn.empty() ? "" : fqdn + "\t") + hostname + "\n";
  return out + alias_lines(aliases);
}

std::string render_host_network_hosts(const std::string& node_hosts, const std::vector<HostsEntry>& aliases) {
  std::string out = "# Written by Mainstay for this pod (host network).\n" + node_hosts;
  if (!out.ends_with('\n')) out += '\n';
  return out + alias_lines(aliases);
}

}  // namespace mainstay
