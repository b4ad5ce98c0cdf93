#include "nodeagent/network/announce_plan.h"

#include <algorithm>

#include "nodeagent/network/kept_addresses.h"

namespace mainstay {
namespace {

uint64_t weight_of(const std::string& node, uint32_t address) {
  uint64_t hash = 14695981039346656037u;  // FNV-1a, then stirred: names differ in their last letters only
  for (unsigned char c : node + "/" + ipv4_text(address)) hash = (hash ^ c) * 1099511628211u;
  hash ^= hash >> 33;
  hash *= 0xff51afd7ed558ccdu;
  return hash ^ hash >> 33;
}

std::set<std::string> nodes_with_endpoints(const NetworkState& state, const NetworkService& service) {
  std::set<std::string> out;
  for (const auto& [key, slice] : state.slices) {
    if (slice->ns != service.ns || slice->service != service.name) continue;
    for (const NetworkEndpoint& endpoint : slice->endpoints) {
      if (endpoint.ready || service.publish_not_ready) out.insert(endpoint.node);
    }
  }
  return out;
}

void put16(std::string& out, uint16_t number) {
  out += static_cast<char>(number >> 8);
  out += static_cast<char>(number & 255);
}

void put32(std::string& out, uint32_t number) {
  put16(out, static_cast<uint16_t>(number >> 16));
  put16(out, static_cast<uint16_t>(number & 65535));
}

uint32_t get32(std::string_view bytes) {
  uint32_t out = 0;
  for (size_t i = 0; i < 4; ++i) out = out << 8 | static_cast<unsigned char>(bytes[i]);
  return out;
}

// Ethernet, IPv4, and how long their addresses are.
constexpr std::string_view kArpHead("\x00\x01\x08\x00\x06\x04\x00", 7);
constexpr size_t kArpSize = 28;

}  // namespace

std::string announcer_of(const NetworkState& state, const NetworkService& service, uint32_t address,
                         const Ipv4Range& segment) {
  std::set<std::string> serving;
  if (service.external_local) serving = nodes_with_endpoints(state, service);
  std::string best;
  uint64_t most = 0;
  for (const auto& [name, node] : state.nodes) {
    std::optional<uint32_t> own = parse_ipv4(node.address);
    if (!node.ready || !own || !segment.has(*own)) continue;
    if (service.external_local && serving.count(name) == 0) continue;
    uint64_t weight = weight_of(name, address);
    if (!best.empty() && weight <= most) continue;
    best = name;
    most = weight;
  }
  return best;
}

std::set<uint32_t> announced_addresses(const NetworkState& state, const std::string& node, const Segment& segment) {
  std::set<uint32_t> out, machines;
  if (!state.announce) return out;
  for (const auto& [name, one] : state.nodes) {
    if (std::optional<uint32_t> own = parse_ipv4(one.address)) machines.insert(*own);
  }
  for (const KeptAddress& kept : kept_addresses(state)) machines.insert(*parse_ipv4(kept.ip));
  for (const auto& [key, service] : state.services) {
    for (const std::string& text : service->load_balancer_ips) {
      std::optional<uint32_t> address = parse_ipv4(text);
      // What a machine has itself it announces itself.
      if (!address || !segment.range.has(*address) || machines.count(*address) > 0) continue;
      if (announcer_of(state, *service, *address, segment.range) == node) out.insert(*address);
    }
  }
  return out;
}

std::string encode_arp(const ArpPacket& packet) {
  std::string out(kArpHead);
  out += packet.reply ? '\x02' : '\x01';
  out += packet.sender_mac;
  put32(out, packet.sender);
  out += packet.target_mac;
  put32(out, packet.target);
  return out;
}

std::optional<ArpPacket> parse_arp(std::string_view bytes) {
  if (bytes.size() < kArpSize || !bytes.starts_with(kArpHead)) return std::nullopt;
  if (bytes[7] != 1 && bytes[7] != 2) return std::nullopt;
  ArpPacket out;
  out.reply = bytes[7] == 2;
  out.sender_mac = bytes.substr(8, 6);
  out.sender = get32(bytes.substr(14, 4));
  out.target_mac = bytes.substr(18, 6);
  out.target = get32(bytes.substr(24, 4));
  return out;
}

}  // namespace mainstay
