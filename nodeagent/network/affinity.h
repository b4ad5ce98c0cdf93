// Which client sticks to which endpoint (sessionAffinity: ClientIP) is known to the kernel alone: packets
// fill the map. Here it is read from nft's listing, so that a table that is replaced keeps it and an endpoint
// that is gone is left. Pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "nodeagent/network/nft_table.h"
#include "nodeagent/network/service_part.h"

namespace mainstay {

struct AffinityEntry {
  std::string protocol;  // "tcp"
  std::string key;       // "10.88.0.9 . 10.96.0.1 . 80": the client, and where it thought it went
  std::string times;     // " timeout 10800s expires 10799s"
  std::string endpoint;  // "10.88.0.2 . 8080"
};

std::vector<AffinityEntry> affinity_entries(const NftListing& listing);

// The commands that list them, to be run one by one (libnftables 1.0.6 reads the map of only one of a batch).
std::vector<std::string> list_affinity_commands(const std::string& table);

// The entries whose front still has affinity and whose endpoint still stands behind it, and the others.
struct AffinityVerdict {
  std::vector<AffinityEntry> kept, stale;
};
AffinityVerdict judge_affinity(std::vector<AffinityEntry> entries,
                               const std::map<std::string, ServicePart>& parts);

std::string keep_commands(const std::string& table, const std::vector<AffinityEntry>& entries);
std::string forget_commands(const std::string& table, const std::vector<AffinityEntry>& entries);

}  // namespace mainstay
