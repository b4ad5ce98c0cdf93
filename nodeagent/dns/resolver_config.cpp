#include "nodeagent/dns/resolver_config.h"

#include <sstream>

namespace mainstay {

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
    if (key == "search" || key == "domain") out.searches = rest;
    if (key == "options") out.options.insert(out.options.end(), rest.begin(), rest.end());
  }
  return out;
}

}  // namespace mainstay
