#include "nodeagent/volumes/etc_files.h"

#include <sstream>

namespace mainstay {

std::string render_hosts(const std::string& pod_ip, const std::string& hostname, const std::string& fqdn,
                         const std::vector<HostsEntry>& aliases) {
  std::string out =
      "# Written by Mainstay for this pod.\n"
      "127.0.0.1\tlocalhost\n"
      "::1\tlocalhost ip6-localhost ip6-loopback\n"
      "fe00::0\tip6-localnet\n"
      "ff00::0\tip6-mcastprefix\n"
      "ff02::1\tip6-allnodes\n"
      "ff02::2\tip6-allrouters\n";
  if (!pod_ip.empty()) out += pod_ip + "\t" + (fqdn.empty() ? "" : fqdn + "\t") + hostname + "\n";
  for (const HostsEntry& alias : aliases) {
    out += alias.ip;
    for (const std::string& name : alias.names) out += "\t" + name;
    out += "\n";
  }
  return out;
}

std::string render_resolv_conf(const ResolverConfig& config) {
  std::string out;
  auto line = [&](const std::string& word, const std::vector<std::string>& items) {
    if (items.empty()) return;
    out += word;
    for (const std::string& item : items) out += " " + item;
    out += "\n";
  };
  line("search", config.searches);
  for (const std::string& server : config.nameservers) out += "nameserver " + server + "\n";
  line("options", config.options);
  return out;
}

ResolverConfig parse_resolv_conf(const std::string& text) {
  ResolverConfig out;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string key, word;
    words >> key;
    std::vector<std::string> rest;
    while (words >> word && word[0] != '#' && word[0] != ';') rest.push_back(word);
    if (key == "nameserver" && !rest.empty()) out.nameservers.push_back(rest[0]);
    if (key == "search" || key == "domain") out.searches = rest;  // the last one counts
    if (key == "options") out.options.insert(out.options.end(), rest.begin(), rest.end());
  }
  return out;
}

}  // namespace mainstay
