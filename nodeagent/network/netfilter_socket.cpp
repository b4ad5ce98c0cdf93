#include "nodeagent/network/netfilter_socket.h"

#include <arpa/inet.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace mainstay {
namespace {

constexpr uint16_t kTypeMask = static_cast<uint16_t>(NLA_TYPE_MASK);

// Attributes are padded to four bytes; a nested one holds attributes.
void add_attribute(std::string& out, uint16_t type, std::string_view payload) {
  nlattr head{static_cast<uint16_t>(NLA_HDRLEN + payload.size()), type};
  out.append(reinterpret_cast<const char*>(&head), sizeof head);
  out.append(payload);
  out.resize(NLA_ALIGN(out.size()));
}

std::string_view find_attribute(std::string_view attributes, uint16_t type) {
  while (attributes.size() >= sizeof(nlattr)) {
    nlattr head;
    std::memcpy(&head, attributes.data(), sizeof head);
    if (head.nla_len < sizeof head || head.nla_len > attributes.size()) return {};
    if ((head.nla_type & kTypeMask) == type) return attributes.substr(NLA_HDRLEN, head.nla_len - NLA_HDRLEN);
    attributes.remove_prefix(std::min<size_t>(NLA_ALIGN(head.nla_len), attributes.size()));
  }
  return {};
}

// Numbers in attributes are in network order. Missing or too short: 0.
template <typename T>
T number(std::string_view payload) {
  T out{};
  if (payload.size() < sizeof out) return 0;
  std::memcpy(&out, payload.data(), sizeof out);
  if constexpr (sizeof out == 4) return ntohl(out);
  if constexpr (sizeof out == 2) return ntohs(out);
  return out;
}

Status send_request(const Fd& socket, uint16_t subsystem, uint16_t type, uint16_t flags,
                    std::string_view attributes) {
  // What an answer that could not be read to its end left behind is no answer to this.
  char rest[4096];
  while (recv(socket.get(), rest, sizeof rest, MSG_DONTWAIT) >= 0 || errno == ENOBUFS || errno == EINTR) {
  }
  nfgenmsg family{AF_INET, NFNETLINK_V0, 0};
  nlmsghdr head{};
  head.nlmsg_len = static_cast<uint32_t>(NLMSG_HDRLEN + sizeof family + attributes.size());
  head.nlmsg_type = static_cast<uint16_t>(subsystem << 8 | type);
  head.nlmsg_flags = static_cast<uint16_t>(NLM_F_REQUEST | flags);
  std::string message(reinterpret_cast<const char*>(&head), sizeof head);
  message.append(reinterpret_cast<const char*>(&family), sizeof family);
  message.append(attributes);
  ssize_t sent = send(socket.get(), message.data(), message.size(), 0);
  if (sent != static_cast<ssize_t>(message.size())) return errno_error("asking the packet filter", errno);
  return {};
}

// Reads one answer: every message (type, what follows its family header) until the kernel says it is done or
// one message has come of a request that has only one. The kernel's error number as the error.
Status read_answers(const Fd& socket, bool many, const std::function<void(std::string_view)>& each) {
  std::vector<char> buffer(64 << 10);
  while (true) {
    ssize_t got = recv(socket.get(), buffer.data(), buffer.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno_error("reading the packet filter's answer", errno);
    std::string_view rest(buffer.data(), static_cast<size_t>(got));
    while (rest.size() >= sizeof(nlmsghdr)) {
      nlmsghdr head;
      std::memcpy(&head, rest.data(), sizeof head);
      if (head.nlmsg_len < sizeof head || head.nlmsg_len > rest.size()) break;
      std::string_view body = rest.substr(NLMSG_HDRLEN, head.nlmsg_len - NLMSG_HDRLEN);
      rest.remove_prefix(std::min<size_t>(NLMSG_ALIGN(head.nlmsg_len), rest.size()));
      if (head.nlmsg_type == NLMSG_DONE) return {};
      if (head.nlmsg_type == NLMSG_ERROR) {
        int problem = 0;
        if (body.size() >= sizeof problem) std::memcpy(&problem, body.data(), sizeof problem);
        if (problem == 0) return {};
        return errno_error("the packet filter's answer", -problem);
      }
      if (body.size() >= sizeof(nfgenmsg)) each(body.substr(NLMSG_ALIGN(sizeof(nfgenmsg))));
      if (!many) return {};
    }
  }
}

struct Tuple {
  uint32_t from = 0, to = 0;
  uint16_t from_port = 0, to_port = 0;
  uint8_t protocol = 0;
};

Tuple read_tuple(std::string_view attributes) {
  std::string_view addresses = find_attribute(attributes, CTA_TUPLE_IP);
  std::string_view ports = find_attribute(attributes, CTA_TUPLE_PROTO);
  return {number<uint32_t>(find_attribute(addresses, CTA_IP_V4_SRC)),
          number<uint32_t>(find_attribute(addresses, CTA_IP_V4_DST)),
          number<uint16_t>(find_attribute(ports, CTA_PROTO_SRC_PORT)),
          number<uint16_t>(find_attribute(ports, CTA_PROTO_DST_PORT)),
          number<uint8_t>(find_attribute(ports, CTA_PROTO_NUM))};
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
  flow.translated = (number<uint32_t>(find_attribute(attributes, CTA_STATUS)) & IPS_DST_NAT) != 0;
  if (!stale(flow)) return "";
  std::string out;
  add_attribute(out, CTA_TUPLE_ORIG | NLA_F_NESTED, there);
  // A connection that came after this one with the same addresses must not be taken for it.
  std::string_view id = find_attribute(attributes, CTA_ID), zone = find_attribute(attributes, CTA_ZONE);
  if (!id.empty()) add_attribute(out, CTA_ID, id);
  if (!zone.empty()) add_attribute(out, CTA_ZONE, zone);
  return out;
}

}  // namespace

Result<Fd> open_netfilter_socket() {
  Fd out(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER));
  if (!out.open()) return errno_error("opening a netlink socket", errno);
  sockaddr_nl nobody{};
  nobody.nl_family = AF_NETLINK;
  if (bind(out.get(), reinterpret_cast<sockaddr*>(&nobody), sizeof nobody) != 0)
    return errno_error("binding a netlink socket", errno);
  return out;
}

Result<uint32_t> rules_generation(const Fd& socket) {
  RETURN_IF_ERROR(send_request(socket, NFNL_SUBSYS_NFTABLES, NFT_MSG_GETGEN, 0, ""));
  uint32_t generation = 0;
  RETURN_IF_ERROR(read_answers(socket, false, [&](std::string_view attributes) {
    generation = number<uint32_t>(find_attribute(attributes, NFTA_GEN_ID));
  }));
  return generation;
}

Result<size_t> forget_udp_flows(const Fd& socket, const std::function<bool(const UdpFlow&)>& stale) {
  std::vector<std::string> names;
  RETURN_IF_ERROR(send_request(socket, NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_GET, NLM_F_DUMP, ""));
  RETURN_IF_ERROR(read_answers(socket, true, [&](std::string_view attributes) {
    std::string name = name_if_stale(attributes, stale);
    if (!name.empty()) names.push_back(std::move(name));
  }));
  size_t forgotten = 0;
  for (const std::string& name : names) {
    RETURN_IF_ERROR(send_request(socket, NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_DELETE, NLM_F_ACK, name));
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
