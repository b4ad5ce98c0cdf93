#include "nodeagent/network/netfilter_socket.h"

#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <netinet/in.h>

#include <string>
#include <string_view>
#include <vector>

#include "nodeagent/network/netlink_message.h"

namespace mainstay {
namespace {

Status ask(const Fd& socket, uint16_t type, uint16_t flags, const std::string& attributes) {
  NetfilterMessage message;
  message.type = type;
  message.flags = flags;
  message.attributes = attributes;
  return send_messages(socket, encode_message(message));
}

struct Tuple {
  uint32_t from = 0, to = 0;
  uint16_t from_port = 0, to_port = 0;
  uint8_t protocol = 0;
};

Tuple read_tuple(std::string_view attributes) {
  std::string_view addresses = find_attribute(attributes, CTA_TUPLE_IP);
  std::string_view ports = find_attribute(attributes, CTA_TUPLE_PROTO);
  return {read_number<uint32_t>(find_attribute(addresses, CTA_IP_V4_SRC)),
          read_number<uint32_t>(find_attribute(addresses, CTA_IP_V4_DST)),
          read_number<uint16_t>(find_attribute(ports, CTA_PROTO_SRC_PORT)),
          read_number<uint16_t>(find_attribute(ports, CTA_PROTO_DST_PORT)),
          read_number<uint8_t>(find_attribute(ports, CTA_PROTO_NUM))};
}

// The attributes that name the connection again, if it is to be forgotten; else "".
std::string name_if_stale(std::string_view attributes, const std::function<bool(const UdpFlow&)>& stale) {
  std::string_view there = find_attribute(attributes, CTA_TUPLE_ORIG);
  Tuple original = read_tuple(there);
  if (original.protocol != IPPROTO_UDP) return "";
  Tuple reply = read_tuple(find_attribute(attributes, CTA_TUPLE_REPLY));
  UdpFlow flow;
  flow.to = original.to;
  flow.to_port = original.to_port;
  flow.answers_from = reply.from;
  flow.answers_from_port = reply.from_port;
  flow.translated = (read_number<uint32_t>(find_attribute(attributes, CTA_STATUS)) & IPS_DST_NAT) != 0;
  if (!stale(flow)) return "";
  std::string out;
  add_nested(out, CTA_TUPLE_ORIG, there);
  // A connection that came after this one with the same addresses must not be taken for it.
  std::string_view id = find_attribute(attributes, CTA_ID), zone = find_attribute(attributes, CTA_ZONE);
  if (!id.empty()) add_attribute(out, CTA_ID, id);
  if (!zone.empty()) add_attribute(out, CTA_ZONE, zone);
  return out;
}

}  // namespace

Result<uint32_t> rules_generation(const Fd& socket) {
  RETURN_IF_ERROR(ask(socket, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETGEN, 0, ""));
  uint32_t generation = 0;
  RETURN_IF_ERROR(read_answers(socket, false, [&](std::string_view attributes) {
    generation = read_number<uint32_t>(find_attribute(attributes, NFTA_GEN_ID));
  }));
  return generation;
}

Result<size_t> forget_udp_flows(const Fd& socket, const std::function<bool(const UdpFlow&)>& stale) {
  std::vector<std::string> names;
  RETURN_IF_ERROR(ask(socket, NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET, NLM_F_DUMP, ""));
  RETURN_IF_ERROR(read_answers(socket, true, [&](std::string_view attributes) {
    std::string name = name_if_stale(attributes, stale);
    if (!name.empty()) names.push_back(std::move(name));
  }));
  size_t forgotten = 0;
  for (const std::string& name : names) {
    RETURN_IF_ERROR(ask(socket, NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE, NLM_F_ACK, name));
    Status outcome = read_answers(socket, false, [](std::string_view) {});
    if (outcome.ok()) {
      ++forgotten;
    } else if (outcome.error().code != ErrorCode::kNotFound) {  // it ended by itself
      return outcome.error();
    }
  }
  return forgotten;
}

}  // namespace mainstay
