// What upstream servers said, for as long as they allow, within bounds (RFC 1035 TTLs, RFC 2308 for "there is
// none"). Least recently used entries go first. Pure; one owner at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "nodeagent/dns/dns_message.h"
#include "schema/base/time.h"

namespace mainstay {

struct DnsCacheLimits {
  size_t entries = 10000;
  size_t bytes = 8 << 20;
  uint32_t longest = 3600;          // seconds, of an answer
  uint32_t longest_negative = 300;  // of "no such name" and "nothing of this type"
  uint32_t failure = 1;             // of SERVFAIL, so that a storm of questions does not become one upstream
};

// What two questions must share to share an answer: name, type, and whether signatures are wanted or
// unchecked.
std::string dns_cache_key(const DnsQuestion& question);

class DnsCache {
 public:
  explicit DnsCache(DnsCacheLimits limits) : limits_(limits) {}

  // Its TTLs are what is left of them.
  std::optional<DnsReply> find(const std::string& key, MonoTime now);
  // Keeps it if it may be kept. `type` is the question's.
  void put(const std::string& key, uint16_t type, const DnsReply& reply, MonoTime now);
  size_t size() const { return entries_.size(); }
  size_t bytes() const { return bytes_; }

 private:
  struct Entry {
    std::string key;
    DnsReply reply;
    MonoTime stored, until;
    size_t bytes = 0;
  };
  using Place = std::list<Entry>::iterator;
  void drop(Place place);

  DnsCacheLimits limits_;
  std::list<Entry> entries_;  // the most recently used first
  std::unordered_map<std::string_view, Place> places_;
  size_t bytes_ = 0;
};

// Seconds a reply may be kept; 0: not at all.
uint32_t dns_lifetime(const DnsReply& reply, uint16_t type, const DnsCacheLimits& limits);

}  // namespace mainstay
