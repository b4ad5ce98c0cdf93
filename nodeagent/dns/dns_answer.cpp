// answer(): from a question to the records of a zone.
#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

#include "nodeagent/dns/dns_zone.h"

namespace mainstay {
namespace {

constexpr size_t kMostAliases = 8;  // ExternalName services that name each other

// A label of `name` at its start, with its length byte.
std::string_view first_label(std::string_view name) {
  return name.empty() ? name : name.substr(0, 1 + static_cast<uint8_t>(name[0]));
}

std::string wire_label(std::string_view text) { return static_cast<char>(text.size()) + std::string(text); }

std::string address_bytes(uint32_t address) {
  std::string out;
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(address >> shift & 0xff);
  return out;
}

DnsRecord authority_record(const DnsZone& zone, std::string owner) {
  std::string rdata =
      wire_label("ns") + wire_label("dns") + zone.origin() + wire_label("hostmaster") + zone.origin();
  auto serial = static_cast<uint32_t>(zone.state().at.number);
  for (uint32_t value : {serial, 7200u, 1800u, 86400u, kDnsClusterTtl}) rdata += address_bytes(value);
  return {std::move(owner), kDnsSoa, kDnsClusterTtl, std::move(rdata)};
}

DnsAnswer none(const DnsZone& zone, bool exists, std::string authority_owner) {
  DnsAnswer out;
  out.reply.authoritative = true;
  out.reply.rcode = exists ? DnsRcode::kNoError : DnsRcode::kNoName;
  out.reply.authority.push_back(authority_record(zone, std::move(authority_owner)));
  return out;
}

// Of the records of a name those asked for; "there are others" if none.
DnsAnswer select(const DnsZone& zone, const std::vector<DnsRecord>& records, uint16_t type) {
  DnsAnswer out;
  for (const DnsRecord& record : records) {
    if (record.type == type || type == kDnsAny) out.reply.answers.push_back(record);
  }
  if (out.reply.answers.empty()) return none(zone, true, zone.origin());
  out.reply.authoritative = true;
  return out;
}

DnsAnswer answer_apex(const DnsZone& zone, uint16_t type) {
  std::string server = wire_label("ns") + wire_label("dns") + zone.origin();
  DnsRecord authority = authority_record(zone, "");
  return select(zone, {authority, {"", kDnsNs, kDnsClusterTtl, server}}, type);
}

// Where services point at is told along, so that nobody has to ask for it.
void add_target_addresses(const ServiceNames& service, std::string_view full, DnsReply& reply) {
  std::vector<std::string_view> seen;
  for (const DnsRecord& record : reply.answers) {
    if (record.type != kDnsSrv) continue;
    std::string_view target = std::string_view(record.rdata).substr(6);
    if (!target.ends_with(full) || std::find(seen.begin(), seen.end(), target) != seen.end()) continue;
    seen.push_back(target);
    auto found = service.names.find(target.substr(0, target.size() - full.size()));
    if (found == service.names.end()) continue;
    for (const DnsRecord& address : found->second) {
      if (address.type != kDnsA) continue;
      reply.additional.push_back(address);
      reply.additional.back().owner = std::string(target);
    }
  }
}

// `inside` is what stands before "svc" and the zone: [endpoint or port] service namespace.
DnsAnswer answer_service(const DnsZone& zone, std::string_view inside, uint16_t type) {
  std::vector<size_t> starts;
  for (size_t at = 0; at < inside.size(); at += 1 + static_cast<uint8_t>(inside[at])) starts.push_back(at);
  if (starts.empty()) return none(zone, true, zone.origin());
  std::string_view ns = inside.substr(starts.back());
  if (starts.size() == 1) return none(zone, zone.has_namespace(ns), zone.origin());
  size_t service_at = starts[starts.size() - 2];
  const ServiceNames* service = zone.service(inside.substr(service_at));
  if (service == nullptr) return none(zone, false, zone.origin());
  auto found = service->names.find(inside.substr(0, service_at));
  if (found == service->names.end()) return none(zone, false, zone.origin());
  if (!service->external.empty()) {
    DnsAnswer out;
    out.reply.authoritative = true;
    out.reply.answers = found->second;
    if (type == kDnsCname || type == kDnsAny) return out;
    out.kind = DnsAnswer::Kind::kChase;
    out.target = service->external;
    return out;
  }
  DnsAnswer out = select(zone, found->second, type);
  if (type == kDnsSrv) {
    std::string full = std::string(inside.substr(service_at)) + wire_label("svc") + zone.origin();
    add_target_addresses(*service, full, out.reply);
  }
  return out;
}

// "10-1-2-3" of a pod's name; false if it is none.
bool parse_dashed(std::string_view text, uint32_t& out) {
  std::string dotted(text);
  std::replace(dotted.begin(), dotted.end(), '-', '.');
  in_addr address{};
  if (text.find('.') != std::string_view::npos || inet_pton(AF_INET, dotted.c_str(), &address) != 1)
    return false;
  out = ntohl(address.s_addr);
  return true;
}

// `inside` is what stands before "pod" and the zone: dashed address, namespace. Which pod is where is not
// known to every node; but an address no pod can have is told from one.
DnsAnswer answer_pod(const DnsZone& zone, std::string_view inside, uint16_t type) {
  if (inside.empty()) return none(zone, true, zone.origin());
  std::string_view first = first_label(inside);
  std::string_view rest = inside.substr(first.size());
  if (rest.empty()) return none(zone, true, zone.origin());
  uint32_t address = 0;
  bool known = first_label(rest).size() == rest.size() && parse_dashed(first.substr(1), address) &&
               zone.is_pod_address(address);
  if (!known) return none(zone, false, zone.origin());
  return select(zone, {{"", kDnsA, kDnsClusterTtl, address_bytes(address)}}, type);
}

// `inside` is what stands before the zone.
DnsAnswer answer_inside(const DnsZone& zone, std::string_view inside, uint16_t type) {
  if (inside.empty()) return answer_apex(zone, type);
  size_t last = 0;
  for (size_t at = 0; at < inside.size(); at += 1 + static_cast<uint8_t>(inside[at])) last = at;
  std::string_view branch = inside.substr(last + 1), before = inside.substr(0, last);
  if (branch == "svc") return answer_service(zone, before, type);
  if (branch == "pod") return answer_pod(zone, before, type);
  if (branch == "dns-version" && before.empty()) {
    return select(zone, {{"", kDnsTxt, kDnsClusterTtl, wire_label(kDnsSpecification)}}, type);
  }
  if (branch == "dns" && before.empty()) return none(zone, true, zone.origin());
  in_addr own{};
  bool has_own = inet_pton(AF_INET, zone.state().dns_address.c_str(), &own) == 1;
  if (branch == "dns" && has_own && before == wire_label("ns")) {
    return select(zone, {{"", kDnsA, kDnsClusterTtl, address_bytes(ntohl(own.s_addr))}}, type);
  }
  return none(zone, false, zone.origin());
}

// d.c.b.a.in-addr.arpa with four plain numbers; false if `name` is no such.
bool parse_reverse(std::string_view name, uint32_t& out) {
  static const std::string suffix = *dns_name("in-addr.arpa");
  if (!name.ends_with(suffix)) return false;
  name.remove_suffix(suffix.size());
  uint32_t address = 0;
  for (int i = 0; i < 4; ++i) {
    std::string_view one = first_label(name);
    if (one.size() < 2 || one.size() > 4 || (one[1] == '0' && one.size() > 2)) return false;
    unsigned value = 0;
    auto [end, problem] = std::from_chars(one.data() + 1, one.data() + one.size(), value);
    if (problem != std::errc() || end != one.data() + one.size() || value > 255) return false;
    address |= value << (8 * i);
    name.remove_prefix(one.size());
  }
  out = address;
  return name.empty();
}

DnsAnswer answer_reverse(const DnsZone& zone, std::string_view name, uint32_t address, uint16_t type) {
  const std::vector<std::string>* names = zone.names_of(address);
  std::string above(dns_parent(name));
  if (names == nullptr && zone.is_ours(address)) return none(zone, false, above);
  DnsAnswer out;
  out.kind = names == nullptr ? DnsAnswer::Kind::kForward : DnsAnswer::Kind::kReply;
  if (names == nullptr) return out;
  if (type != kDnsPtr && type != kDnsAny) return none(zone, true, above);
  out.reply.authoritative = true;
  for (const std::string& one : *names) out.reply.answers.push_back({"", kDnsPtr, kDnsClusterTtl, one});
  return out;
}

}  // namespace

DnsAnswer answer(const DnsZone& zone, const DnsQuestion& question) {
  std::vector<DnsRecord> aliases;
  std::string name = question.name;
  for (size_t steps = 0; steps <= kMostAliases; ++steps) {
    DnsAnswer out;
    uint32_t address = 0;
    if (dns_is_below(name, zone.origin())) {
      out = answer_inside(zone, std::string_view(name).substr(0, name.size() - zone.origin().size()),
                          question.type);
    } else if (parse_reverse(name, address)) {
      out = answer_reverse(zone, name, address, question.type);
    } else {
      out.kind = DnsAnswer::Kind::kForward;
    }
    // What stands behind an alias is said of the alias's target, not of the question's name.
    if (!aliases.empty()) {
      for (DnsRecord& record : out.reply.answers) {
        if (record.owner.empty()) record.owner = name;
      }
      out.reply.answers.insert(out.reply.answers.begin(), aliases.begin(), aliases.end());
      out.reply.authoritative = true;
      if (out.kind == DnsAnswer::Kind::kForward) {
        out.kind = DnsAnswer::Kind::kChase;
        out.target = name;
      }
    }
    if (out.kind != DnsAnswer::Kind::kChase) return out;
    bool inside = dns_is_below(out.target, zone.origin());
    uint32_t unused = 0;
    if (!inside && !(parse_reverse(out.target, unused) && zone.names_of(unused) != nullptr)) return out;
    if (out.target == name) break;
    aliases = std::move(out.reply.answers);
    name = std::move(out.target);
  }
  DnsAnswer circle;
  circle.reply.rcode = DnsRcode::kServerFailure;
  return circle;
}

}  // namespace mainstay
