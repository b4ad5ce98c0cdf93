#include "nodeagent/network/netlink_message.h"

#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <vector>

namespace mainstay {
namespace {

constexpr uint16_t kTypeMask = static_cast<uint16_t>(NLA_TYPE_MASK);

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

void add_attribute(std::string& out, uint16_t type, std::string_view payload) {
  nlattr head{static_cast<uint16_t>(NLA_HDRLEN + payload.size()), type};
  out.append(reinterpret_cast<const char*>(&head), sizeof head);
  out.append(payload);
  out.resize(NLA_ALIGN(out.size()));
}

void add_nested(std::string& out, uint16_t type, std::string_view attributes) {
  add_attribute(out, static_cast<uint16_t>(type | NLA_F_NESTED), attributes);
}

void add_name(std::string& out, uint16_t type, const std::string& name) {
  add_attribute(out, type, std::string_view(name.c_str(), name.size() + 1));
}

void add_number(std::string& out, uint16_t type, uint32_t number) {
  uint32_t ordered = htonl(number);
  add_attribute(out, type, std::string_view(reinterpret_cast<const char*>(&ordered), sizeof ordered));
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

void each_attribute(std::string_view attributes, const std::function<void(uint16_t, std::string_view)>& each) {
  while (attributes.size() >= sizeof(nlattr)) {
    nlattr head;
    std::memcpy(&head, attributes.data(), sizeof head);
    if (head.nla_len < sizeof head || head.nla_len > attributes.size()) return;
    each(head.nla_type & kTypeMask, attributes.substr(NLA_HDRLEN, head.nla_len - NLA_HDRLEN));
    attributes.remove_prefix(std::min<size_t>(NLA_ALIGN(head.nla_len), attributes.size()));
  }
}

std::string encode_message(const NetfilterMessage& message) {
  nfgenmsg family{message.family, NFNETLINK_V0, htons(message.resource)};
  nlmsghdr head{};
  head.nlmsg_len = static_cast<uint32_t>(NLMSG_HDRLEN + sizeof family + message.attributes.size());
  head.nlmsg_type = message.type;
  head.nlmsg_flags = static_cast<uint16_t>(NLM_F_REQUEST | message.flags);
  std::string out(reinterpret_cast<const char*>(&head), sizeof head);
  out.append(reinterpret_cast<const char*>(&family), sizeof family);
  out.append(message.attributes);
  return out;
}

Status send_messages(const Fd& socket, std::string_view bytes) {
  char rest[4096];
  while (recv(socket.get(), rest, sizeof rest, MSG_DONTWAIT) >= 0 || errno == ENOBUFS || errno == EINTR) {
  }
  ssize_t sent = send(socket.get(), bytes.data(), bytes.size(), 0);
  if (sent != static_cast<ssize_t>(bytes.size())) return errno_error("asking the packet filter", errno);
  return {};
}

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
        bool moved = problem == -ERESTART || problem == -EINTR;
        if (moved) return error(ErrorCode::kConflict, "somebody else changed packet rules at the same time");
        return errno_error("the packet filter's answer", -problem);
      }
      if (body.size() >= sizeof(nfgenmsg)) each(body.substr(NLMSG_ALIGN(sizeof(nfgenmsg))));
      if (!many) return {};
    }
  }
}

}  // namespace mainstay
