#include "nodeagent/dns/upstream_message.h"

#include <ldns/ldns.h>

#include <algorithm>
#include <memory>

namespace mainstay {
namespace {

struct PacketFree {
  void operator()(ldns_pkt* packet) const { ldns_pkt_free(packet); }
};
struct BufferFree {
  void operator()(ldns_buffer* buffer) const { ldns_buffer_free(buffer); }
};
using Packet = std::unique_ptr<ldns_pkt, PacketFree>;

constexpr uint32_t kMostTtl = 0x7fffffff;  // RFC 2181 section 8: the upper bit set means 0

std::string_view bytes_of(const ldns_rdf* rdf) {
  return {reinterpret_cast<const char*>(ldns_rdf_data(rdf)), ldns_rdf_size(rdf)};
}

// A record as we keep it; nothing if it cannot be written out.
std::optional<DnsRecord> record_of(const ldns_rr* rr) {
  std::unique_ptr<ldns_buffer, BufferFree> buffer(ldns_buffer_new(512));
  if (!buffer || ldns_rr2buffer_wire(buffer.get(), rr, LDNS_SECTION_ANSWER) != LDNS_STATUS_OK)
    return std::nullopt;
  std::string_view wire(reinterpret_cast<const char*>(ldns_buffer_begin(buffer.get())),
                        ldns_buffer_position(buffer.get()));
  std::string_view owner = bytes_of(ldns_rr_owner(rr));
  size_t rdata_at = owner.size() + 10;  // type, class, TTL, length
  if (wire.size() < rdata_at) return std::nullopt;
  DnsRecord out;
  out.owner = dns_lower(owner);
  out.type = static_cast<uint16_t>(ldns_rr_get_type(rr));
  out.klass = static_cast<uint16_t>(ldns_rr_get_class(rr));
  out.ttl = ldns_rr_ttl(rr) > kMostTtl ? 0 : ldns_rr_ttl(rr);
  out.rdata = wire.substr(rdata_at);
  return out;
}

std::vector<DnsRecord> records_of(const ldns_rr_list* list) {
  std::vector<DnsRecord> out;
  for (size_t i = 0; i < ldns_rr_list_rr_count(list); ++i) {
    std::optional<DnsRecord> record = record_of(ldns_rr_list_rr(list, i));
    if (record && record->klass == kDnsInternet) out.push_back(std::move(*record));
  }
  return out;
}

bool asks_the_same(const ldns_pkt* packet, const DnsQuestion& question) {
  const ldns_rr_list* asked = ldns_pkt_question(packet);
  if (ldns_rr_list_rr_count(asked) != 1) return false;
  const ldns_rr* one = ldns_rr_list_rr(asked, 0);
  return dns_lower(bytes_of(ldns_rr_owner(one))) == question.name &&
         static_cast<uint16_t>(ldns_rr_get_type(one)) == question.type &&
         static_cast<uint16_t>(ldns_rr_get_class(one)) == question.klass;
}

// Drops records that do not follow from the question: a server may speak only of what it was asked (aliases,
// in any order, and redirections of whole subtrees included).
std::vector<DnsRecord> following(std::vector<DnsRecord> records, const std::string& name) {
  std::vector<DnsRecord> out;
  std::vector<std::string> chain = {name};
  std::vector<bool> taken(records.size(), false);
  for (size_t at = 0; at < chain.size() && chain.size() <= 16; ++at) {
    std::string here = chain[at];
    for (size_t i = 0; i < records.size(); ++i) {
      DnsRecord& record = records[i];
      bool redirects = record.type == kDnsDname && dns_is_below(here, record.owner);
      if (taken[i] || (record.owner != here && !redirects)) continue;
      taken[i] = true;
      if (record.type == kDnsCname) chain.push_back(dns_lower(record.rdata));
      out.push_back(std::move(record));
    }
  }
  return out;
}

}  // namespace

Result<UpstreamAnswer> parse_upstream_answer(std::string_view bytes, uint16_t id,
                                             const DnsQuestion& question) {
  ldns_pkt* raw = nullptr;
  // ldns reads the counts first: bounded by the packet's size, which is at most 64 KiB.
  ldns_status status = ldns_wire2pkt(&raw, reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
  Packet packet(raw);
  if (status != LDNS_STATUS_OK || !packet) {
    return error(ErrorCode::kInvalid, std::string("malformed answer: ") + ldns_get_errorstr_by_id(status));
  }
  if (!ldns_pkt_qr(raw) || ldns_pkt_get_opcode(raw) != LDNS_PACKET_QUERY || ldns_pkt_id(raw) != id) {
    return error(ErrorCode::kInvalid, "no answer to our question");
  }
  auto rcode = static_cast<DnsRcode>(ldns_pkt_get_rcode(raw));
  // A server that could not read the question may leave it out.
  bool unread = rcode == DnsRcode::kFormatError && ldns_pkt_qdcount(raw) == 0;
  if (!unread && !asks_the_same(raw, question))
    return error(ErrorCode::kInvalid, "answer to another question");
  UpstreamAnswer out;
  out.truncated = ldns_pkt_tc(raw);
  out.reply.rcode = rcode;
  out.reply.authenticated = ldns_pkt_ad(raw);
  out.reply.answers = following(records_of(ldns_pkt_answer(raw)), question.name);
  out.reply.authority = records_of(ldns_pkt_authority(raw));
  return out;
}

}  // namespace mainstay
