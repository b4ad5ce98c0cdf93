// The sockets a DNS server listens on. Any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "nodeagent/dns/socket.h"
#include "schema/base/result.h"

namespace mainstay {

struct DnsListener {
  SocketAddress address;
  Socket udp, tcp;
};

// One pair per address, all on the same port; 0 takes one that is free for all of them. Non-blocking.
// kInvalid, kBusy, kUnavailable, kDenied as DnsServer::start says.
Result<std::vector<DnsListener>> open_dns_listeners(const std::vector<std::string>& addresses, uint16_t port);

}  // namespace mainstay
