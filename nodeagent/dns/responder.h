// What a question is answered with: from the zone, from what is remembered, or later, when an upstream has
// spoken. Lives on the server's thread.
#pragma once

#include <atomic>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "nodeagent/dns/dns_cache.h"
#include "nodeagent/dns/dns_server.h"
#include "nodeagent/dns/dns_zone.h"
#include "nodeagent/dns/forwarder.h"
#include "schema/base/rng.h"

namespace mainstay {

// Written by the server's thread, read by any.
struct DnsTally {
  std::atomic<uint64_t> queries{0}, answered{0}, cached{0}, forwarded{0}, shared{0}, errors{0}, malformed{0},
      upstream_timeouts{0}, upstream_rejected{0}, tcp_queries{0};
};

class DnsResponder {
 public:
  DnsResponder(const DnsServerSettings& settings, int epoll_fd, uint64_t upstream_tag, uint64_t seed,
               DnsTally& tally);

  struct Sender {
    uint64_t connection = 0;  // 0: UDP
    size_t listener = 0;
    const sockaddr_storage* address = nullptr;  // UDP
    socklen_t size = 0;
  };
  // The bytes to send back; nothing if nothing is to be sent, or not yet.
  std::optional<std::string> on_packet(const DnsZone* zone, std::string_view packet, const Sender& sender,
                                       MonoTime now);

  struct Delivery {
    DnsClient client;
    std::string bytes;
  };
  std::vector<Delivery> on_ready(const DnsZone* zone, uint64_t tagged, uint32_t events, MonoTime now);
  std::vector<Delivery> on_time(const DnsZone* zone, MonoTime now);
  std::optional<MonoTime> next_deadline() const { return forwarder_.next_deadline(); }
  void set_servers(std::vector<SocketAddress> servers) { forwarder_.set_servers(std::move(servers)); }

 private:
  // What is known about a question's name outside the cluster, and whom to tell when it is known later.
  std::optional<DnsReply> look_outside(const DnsQuestion& outside, const DnsQuestion& question,
                                       const Sender& sender, MonoTime now);
  std::optional<std::string> respond(const DnsZone* zone, const DnsQuestion& question, const Sender& sender,
                                     const DnsForwarder::Done* done, MonoTime now);
  std::string encode(const DnsQuestion& question, DnsReply reply, bool tcp);
  std::vector<Delivery> deliver(const DnsZone* zone, std::vector<DnsForwarder::Done> done, MonoTime now);

  DnsCache cache_;
  DnsForwarder forwarder_;
  Rng rng_;
  DnsTally& tally_;
};

}  // namespace mainstay
