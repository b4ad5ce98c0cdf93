#include "nodeagent/network/affinity.h"

#include <algorithm>
#include <string_view>

namespace mainstay {
namespace {

constexpr std::string_view kBetween = " . ";

// "a . b . c . d" from its second (or third) word on.
std::string_view behind_words(std::string_view key, int words) {
  for (int i = 0; i < words; ++i) {
    size_t at = key.find(kBetween);
    if (at == std::string_view::npos) return {};
    key.remove_prefix(at + kBetween.size());
  }
  return key;
}

std::string element_list(const std::string& verb, const std::string& table,
                         const std::vector<AffinityEntry>& entries, bool with_times) {
  std::map<std::string, std::string> lists;  // by protocol
  for (const AffinityEntry& entry : entries) {
    std::string& list = lists[entry.protocol];
    list += (list.empty() ? "" : ", ") + entry.key + (with_times ? entry.times : "") + " : " + entry.endpoint;
  }
  std::string out;
  for (const auto& [protocol, list] : lists) {
    out += verb + " element ip " + table + " " + service_sets::affinity(protocol) + " { " + list + " }\n";
  }
  return out;
}

}  // namespace

std::vector<std::string> list_affinity_commands(const std::string& table) {
  std::vector<std::string> out;
  for (const std::string protocol : kServiceProtocols)
    out.push_back("list map ip " + table + " " + service_sets::affinity(protocol));
  return out;
}

std::vector<AffinityEntry> affinity_entries(const NftListing& listing) {
  std::vector<AffinityEntry> out;
  for (const std::string protocol : kServiceProtocols) {
    auto found = listing.elements.find(service_sets::affinity(protocol));
    if (found == listing.elements.end()) continue;
    for (const auto& [text, endpoint] : found->second) {
      size_t end = std::min({text.find(" timeout "), text.find(" expires "), text.size()});
      out.push_back({protocol, text.substr(0, end), text.substr(end), endpoint});
    }
  }
  return out;
}

AffinityVerdict judge_affinity(std::vector<AffinityEntry> entries,
                               const std::map<std::string, ServicePart>& parts) {
  std::map<std::string, const PortEndpoints*> sticky;  // by protocol and what ServiceFront::short_key() says
  for (const auto& [key, part] : parts) {
    for (const ServiceFront& front : part.fronts) {
      auto behind = part.endpoints.find(front.behind);
      bool counts = front.affinity_seconds > 0 && behind != part.endpoints.end();
      if (counts) sticky[protocol_word(front.protocol) + " " + front.short_key()] = &behind->second;
    }
  }
  AffinityVerdict out;
  for (AffinityEntry& entry : entries) {
    auto found = sticky.find(entry.protocol + " " + std::string(behind_words(entry.key, 1)));
    if (found == sticky.end())  // a node port, on any address
      found = sticky.find(entry.protocol + " " + std::string(behind_words(entry.key, 2)));
    auto has = [&](const std::vector<std::string>& list) {
      return std::find(list.begin(), list.end(), entry.endpoint) != list.end();
    };
    bool right = found != sticky.end() && (has(found->second->cluster) || has(found->second->local));
    (right ? out.kept : out.stale).push_back(std::move(entry));
  }
  return out;
}

std::string keep_commands(const std::string& table, const std::vector<AffinityEntry>& entries) {
  return element_list("add", table, entries, true);
}

std::string forget_commands(const std::string& table, const std::vector<AffinityEntry>& entries) {
  return element_list("delete", table, entries, false);
}

}  // namespace mainstay
