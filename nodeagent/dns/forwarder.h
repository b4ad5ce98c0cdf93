// Asks upstream name servers and says what came of it. A question in flight is asked once, whoever waits for
// it. Every attempt has a socket of its own, so that its port and id are random; a server that does not
// answer is left alone for a while. Lives on the server's thread, in whose epoll its sockets are; never
// blocks.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "nodeagent/dns/dns_message.h"
#include "nodeagent/dns/socket.h"
#include "schema/base/time.h"

namespace mainstay {

// Who asked: over UDP a listener's socket and an address, over TCP a connection.
struct DnsClient {
  uint64_t connection = 0;  // 0: UDP
  size_t listener = 0;
  SocketAddress address;
  DnsQuestion question;
};

struct ForwarderSettings {
  Duration attempt_timeout{0};
  Duration total_timeout{0};
  Duration rest{0};
  size_t max_in_flight = 0;
  size_t max_waiting = 64;  // for one question
};

struct ForwarderCounters {
  uint64_t asked = 0;
  uint64_t timeouts = 0;
  uint64_t rejected = 0;
};

class DnsForwarder {
 public:
  // epoll_event.data of our sockets is `tag` | a number below 2^56.
  DnsForwarder(int epoll_fd, uint64_t tag, ForwarderSettings settings)
      : epoll_fd_(epoll_fd), tag_(tag), settings_(settings) {}

  // In their order of preference. Questions in flight go on with those they have.
  void set_servers(std::vector<SocketAddress> servers);
  bool has_servers() const { return !servers_.empty(); }

  enum class Asked : uint8_t { kSent, kShared, kFull };
  // `question` is what is asked; `client` may have asked for something that leads to it.
  Asked ask(const DnsQuestion& question, DnsClient client, MonoTime now);

  struct Done {
    DnsQuestion question;
    DnsReply reply;  // SERVFAIL if nobody answered
    std::vector<DnsClient> clients;
  };
  std::vector<Done> on_ready(uint64_t tagged, uint32_t events, MonoTime now);
  std::vector<Done> on_time(MonoTime now);
  std::optional<MonoTime> next_deadline() const;
  const ForwarderCounters& counters() const { return counters_; }
  size_t in_flight() const { return queries_.size(); }

 private:
  struct Server {
    SocketAddress address;
    int failures = 0;
    MonoTime rests_until{};
  };
  struct Query {
    std::string key;
    DnsQuestion question;
    std::vector<DnsClient> clients;
    Socket socket;
    bool tcp = false, edns = true;
    uint16_t id = 0;
    size_t server = 0, attempts = 0, rejected = 0;
    size_t refusals = 0;  // answers that were none: SERVFAIL, REFUSED and their like
    std::string unsent, received;  // TCP
    MonoTime attempt_ends, ends;
  };

  // Starts the next attempt; false: none is left.
  bool attempt(uint64_t number, Query& query, MonoTime now);
  bool send(uint64_t number, Query& query, MonoTime now);
  size_t choose_server(const Query& query, MonoTime now) const;
  void server_failed(size_t server, MonoTime now);
  // What a packet means for its query; nothing: wait on.
  std::optional<DnsReply> take(uint64_t number, Query& query, std::string_view packet, MonoTime now);
  std::optional<DnsReply> read_udp(uint64_t number, Query& query, MonoTime now);
  std::optional<DnsReply> move_tcp(uint64_t number, Query& query, uint32_t events, MonoTime now);
  std::optional<DnsReply> try_next(uint64_t number, Query& query, MonoTime now);
  Done finish(uint64_t number, DnsReply reply);

  int epoll_fd_;
  uint64_t tag_;
  ForwarderSettings settings_;
  std::vector<Server> servers_;
  std::unordered_map<uint64_t, Query> queries_;
  std::unordered_map<std::string, uint64_t> by_key_;
  uint64_t next_number_ = 0;
  ForwarderCounters counters_;
};

}  // namespace mainstay
