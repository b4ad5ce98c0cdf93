// DNS messages as bytes (RFC 1035, 2181, 6891): questions read from whoever sends them, replies written for
// them. Names are kept in wire form without compression ("\3web\7default...\0"); lower case where they are
// compared. Pure; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "schema/base/rng.h"

namespace mainstay {

enum DnsType : uint16_t {
  kDnsA = 1,
  kDnsNs = 2,
  kDnsCname = 5,
  kDnsSoa = 6,
  kDnsPtr = 12,
  kDnsTxt = 16,
  kDnsAaaa = 28,
  kDnsSrv = 33,
  kDnsDname = 39,
  kDnsOpt = 41,
  kDnsIxfr = 251,
  kDnsAxfr = 252,
  kDnsAny = 255,
};
inline constexpr uint16_t kDnsInternet = 1;  // the class

enum class DnsRcode : uint8_t {
  kNoError = 0,
  kFormatError = 1,
  kServerFailure = 2,
  kNoName = 3,
  kNotImplemented = 4,
  kRefused = 5,
  kBadVersion = 16,  // its upper bits travel in OPT
};

// What we send over UDP at most, and say that we take: no fragment on any network (DNS flag day 2020).
inline constexpr size_t kDnsUdpSize = 1232;
inline constexpr size_t kDnsTcpSize = 65535;

struct DnsQuestion {
  uint16_t id = 0;
  std::string name;  // wire form, lower case
  std::string raw;   // the question section as it came, for the echo: case matters to some who ask
  uint16_t type = 0;
  uint16_t klass = kDnsInternet;
  bool recursion_desired = false;
  bool checking_disabled = false;
  bool dnssec_ok = false;
  bool edns = false;
  size_t udp_size = 512;  // that the sender takes
};

// What came in: a question, something that gets an answer with only a code, or nothing to answer at all
// (too short, or itself an answer: answering those makes loops).
struct DnsInput {
  enum class Kind : uint8_t { kQuestion, kRefuse, kDrop };
  Kind kind = Kind::kDrop;
  DnsRcode rcode = DnsRcode::kNoError;  // kRefuse
  uint8_t opcode = 0;
  DnsQuestion question;  // kRefuse: as far as it could be read
};

DnsInput parse_dns_input(std::string_view packet);

struct DnsRecord {
  std::string owner;  // wire form; "" is the question's name
  uint16_t type = 0;
  uint32_t ttl = 0;   // seconds
  std::string rdata;  // wire form, names in it without compression
  uint16_t klass = kDnsInternet;
  bool operator==(const DnsRecord&) const = default;
};

struct DnsReply {
  DnsRcode rcode = DnsRcode::kNoError;
  bool authoritative = false;
  bool authenticated = false;  // AD: an upstream checked signatures
  std::vector<DnsRecord> answers, authority, additional;
};

// The reply in at most `limit` bytes. What does not fit is left out, whole records only; TC is set if that
// was an answer. `recursion`: whether RA is set.
std::string encode_dns_reply(const DnsQuestion& question, const DnsReply& reply, size_t limit,
                             bool recursion);
// The answer to what has no readable question.
std::string encode_dns_refusal(const DnsInput& input);

// Sets of addresses and services in random order, so that clients that take the first spread out.
void shuffle_answers(DnsReply& reply, Rng& rng);

// A question of our own to an upstream, which is to look further if it does not know.
std::string encode_upstream_question(uint16_t id, const DnsQuestion& question, bool edns);

// "web.default.svc" or "web.default.svc." -> wire form, lower case; nothing if a label is empty or longer
// than 63 bytes, or the whole longer than 255.
std::optional<std::string> dns_name(std::string_view text);
// For people; bytes that are no letter, digit, '-' or '_' as "\ddd".
std::string dns_text(std::string_view name);
// Lower case where ASCII has one; lengths are below 'A' and stay.
std::string dns_lower(std::string_view name);
// True if `name` is `zone` or ends in it at a label.
bool dns_is_below(std::string_view name, std::string_view zone);
// The name without its first label; "" of the root.
std::string_view dns_parent(std::string_view name);
// The bytes of the name at the start of `bytes`, its end marker included; 0 if there is none.
size_t dns_name_length(std::string_view bytes);

}  // namespace mainstay
