#include "nodeagent/dns/dns_cache.h"

#include <algorithm>

namespace mainstay {
namespace {

size_t bytes_of(const std::vector<DnsRecord>& records) {
  size_t out = 0;
  for (const DnsRecord& record : records)
    out += sizeof(DnsRecord) + record.owner.size() + record.rdata.size();
  return out;
}

// The last field of an SOA: how long "there is none" holds.
std::optional<uint32_t> negative_ttl(const DnsReply& reply) {
  for (const DnsRecord& record : reply.authority) {
    if (record.type != kDnsSoa || record.rdata.size() < 4) continue;
    uint32_t minimum = 0;
    for (char c : record.rdata.substr(record.rdata.size() - 4))
      minimum = minimum << 8 | static_cast<uint8_t>(c);
    return std::min(minimum, record.ttl);
  }
  return std::nullopt;
}

void age(std::vector<DnsRecord>& records, uint32_t seconds, uint32_t left) {
  for (DnsRecord& record : records) {
    record.ttl = std::min(record.ttl > seconds ? record.ttl - seconds : 0, left);
  }
}

}  // namespace

std::string dns_cache_key(const DnsQuestion& question) {
  std::string out = question.name;
  out += static_cast<char>(question.type >> 8);
  out += static_cast<char>(question.type & 0xff);
  out += static_cast<char>((question.dnssec_ok ? 1 : 0) | (question.checking_disabled ? 2 : 0));
  return out;
}

uint32_t dns_lifetime(const DnsReply& reply, uint16_t type, const DnsCacheLimits& limits) {
  if (reply.rcode == DnsRcode::kServerFailure) return limits.failure;
  if (reply.rcode != DnsRcode::kNoError && reply.rcode != DnsRcode::kNoName) return 0;
  uint32_t out = limits.longest;
  bool found = false;
  for (const DnsRecord& record : reply.answers) {
    found = found || record.type == type || type == kDnsAny;
    out = std::min(out, record.ttl);
  }
  if (reply.rcode == DnsRcode::kNoError && found) return out;
  // RFC 2308 section 5: without an SOA nobody has said how long.
  return std::min({negative_ttl(reply).value_or(0), limits.longest_negative, out});
}

std::optional<DnsReply> DnsCache::find(const std::string& key, MonoTime now) {
  auto found = places_.find(key);
  if (found == places_.end()) return std::nullopt;
  Place place = found->second;
  if (now >= place->until) {
    drop(place);
    return std::nullopt;
  }
  entries_.splice(entries_.begin(), entries_, place);
  DnsReply out = place->reply;
  auto seconds = [](Duration span) {
    return static_cast<uint32_t>(std::chrono::duration_cast<std::chrono::seconds>(span).count());
  };
  uint32_t spent = seconds(now - place->stored), left = seconds(place->until - now + 999ms);
  for (auto* section : {&out.answers, &out.authority, &out.additional}) age(*section, spent, left);
  return out;
}

void DnsCache::put(const std::string& key, uint16_t type, const DnsReply& reply, MonoTime now) {
  auto found = places_.find(key);
  if (found != places_.end()) drop(found->second);
  uint32_t lifetime = dns_lifetime(reply, type, limits_);
  size_t bytes = sizeof(Entry) + 2 * key.size() + 64 + bytes_of(reply.answers) + bytes_of(reply.authority) +
                 bytes_of(reply.additional);
  if (lifetime == 0 || bytes > limits_.bytes || limits_.entries == 0) return;
  while (!entries_.empty() && (entries_.size() >= limits_.entries || bytes_ + bytes > limits_.bytes)) {
    drop(std::prev(entries_.end()));
  }
  entries_.push_front({key, reply, now, now + std::chrono::seconds{lifetime}, bytes});
  places_.emplace(entries_.front().key, entries_.begin());
  bytes_ += bytes;
}

void DnsCache::drop(Place place) {
  bytes_ -= place->bytes;
  places_.erase(place->key);
  entries_.erase(place);
}

}  // namespace mainstay
