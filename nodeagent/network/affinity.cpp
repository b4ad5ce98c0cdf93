#include "nodeagent/network/affinity.h"

#include <algorithm>

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

std::string element_list(const char* verb, const std::string& table, const std::vector<AffinityEntry>& entries,
                         bool with_times) {
  std::string out;
  for (const AffinityEntry& entry : entries) {
    out += out.empty() ? std::string(verb) + " element ip " + table + " " + service_sets::kAffinity + " { " : ", ";
    out += entry.key + (with_times ? entry.times : "") + " : " + entry.endpoint;
  }
  return out.empty() ? out : out + " }\n";
}

}  // namespace

std::vector<AffinityEntry> affinity_entries(const NftListing& listing) {
  std::vector<AffinityEntry> out;
  auto found = listing.elements.find(service_sets::kAffinity);
  if (found == listing.elements.end()) return out;
  for (const auto& [text, endpoint] : found->second) {
    size_t times = std::min(text.find(" timeout "), text.find(" expires "));
    size_t end = std::min(times, text.size());
    out.push_back({text.substr(0, end), text.substr(end), endpoint});
  }
  return out;
}

AffinityVerdict judge_affinity(std::vector<AffinityEntry> entries,
                               const std::map<std::string, ServicePart>& parts) {
  std::map<std::string, const PortEndpoints*, std::less<>> sticky;  // by front
  for (const auto& [key, part] : parts) {
    for (const ServiceFront& front : part.fronts) {
      auto behind = part.endpoints.find(front.behind);
      bool counts = front.affinity_seconds > 0 && behind != part.endpoints.end();
      if (counts) sticky[front.key()] = &behind->second;
    }
  }
  AffinityVerdict out;
  for (AffinityEntry& entry : entries) {
    auto found = sticky.find(behind_words(entry.key, 1));
    if (found == sticky.end()) found = sticky.find(behind_words(entry.key, 2));  // a node port, on any address
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
