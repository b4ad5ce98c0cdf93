// Two questions to the kernel's packet filter that libnftables has no words for: how often its rules have changed, and
// to forget UDP connections. See nodeagent/network/netlink_message.h for sockets.
#pragma once

#include <cstdint>
#include <functional>

#include "nodeagent/disk.h"
#include "schema/base/result.h"

namespace mainstay {

// Rises by one with every change of any nft rule, set or table in the namespace, whoever made it; never 0.
Result<uint32_t> rules_generation(const Fd& socket);

// A connection as conntrack knows it; addresses in host order. `answers_from` differs from `to` where the
// destination was translated.
struct UdpFlow {
  uint32_t to = 0, answers_from = 0;
  uint16_t to_port = 0, answers_from_port = 0;
  bool translated = false;
};

// Forgets those for which `stale` holds; returns how many. kDenied without CAP_NET_ADMIN.
Result<size_t> forget_udp_flows(const Fd& socket, const std::function<bool(const UdpFlow&)>& stale);

}  // namespace mainstay
