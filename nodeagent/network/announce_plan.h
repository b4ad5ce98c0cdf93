// Which load balancer addresses a node announces on its segment, so that others send packets for them to it: of all
// nodes that are ready and have an address on the segment exactly one, the same whoever computes it. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "nodeagent/network/ipv4.h"
#include "schema/network_state.h"

namespace mainstay {

// One of the node's interfaces that speaks ARP.
struct Segment {
  std::string name;
  int index = 0;
  std::string mac;   // six bytes
  uint32_t own = 0;  // the node's address on it
  Ipv4Range range;   // the addresses of its segment
  bool operator==(const Segment&) const = default;
};

// The node that announces `address`, a load balancer address of `service`; "" if none may. Nodes are chosen by the
// highest hash of name and address, so that a node that goes moves only its own addresses. With externalTrafficPolicy
// Local only nodes with a ready endpoint count: any other would drop what comes.
std::string announcer_of(const NetworkState& state, const NetworkService& service, uint32_t address,
                         const Ipv4Range& segment);

// What `node` announces on the segment. Nothing unless the state says that addresses are announced.
std::set<uint32_t> announced_addresses(const NetworkState& state, const std::string& node, const Segment& segment);

// An ARP packet of Ethernet and IPv4, as it stands behind the link's header.
struct ArpPacket {
  bool reply = false;
  std::string sender_mac, target_mac;  // six bytes each
  uint32_t sender = 0, target = 0;
  bool operator==(const ArpPacket&) const = default;
};
std::string encode_arp(const ArpPacket& packet);
// Nothing if it is no such packet.
std::optional<ArpPacket> parse_arp(std::string_view bytes);

}  // namespace mainstay
