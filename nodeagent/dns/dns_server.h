// DnsServer: the cluster's name server on one node. Names of services, endpoints and pods come from the
// newest published NetworkState; every other name is asked of the node's own name servers and remembered for
// as long as they allow. UDP and TCP, one thread of its own, every buffer bounded. A pod asks the server of
// its own node, so that no answer depends on another node being there.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "schema/base/result.h"
#include "schema/base/time.h"
#include "schema/network_state.h"

namespace mainstay {

struct DnsServerSettings {
  // IPv4 addresses to listen on, all on one port. They must be there: see nodeagent/network/dns_interface.h.
  std::vector<std::string> addresses;
  uint16_t port = 53;  // 0: any free one; see DnsServer::port()
  // Who is asked for names outside the cluster: "10.0.0.2", "10.0.0.2:5353", "[fd00::2]:53". If empty, the
  // `nameserver` lines of resolv_conf, which is read again when it changes. Our own addresses are left out.
  std::vector<std::string> upstreams;
  std::string resolv_conf = "/etc/resolv.conf";
  Duration attempt_timeout{
      std::chrono::milliseconds{1500}};             // of one upstream server, then the next is asked
  Duration server_rest{std::chrono::seconds{10}};  // of one that did not answer twice; then one question tries it
  Duration total_timeout{std::chrono::seconds{5}};  // of one name, then SERVFAIL
  Duration tcp_idle{std::chrono::seconds{10}};
  size_t max_in_flight = 256;        // different names asked of upstreams at once; above: SERVFAIL
  size_t max_tcp_connections = 128;  // above: the idlest is closed
  size_t cache_entries = 10000;
  size_t cache_bytes = 8 << 20;
};

// Since the start of the server. `queries` is everything that could be read as a question.
struct DnsCounters {
  uint64_t queries = 0;
  uint64_t answered = 0;   // from the cluster's own names
  uint64_t cached = 0;     // from what upstreams said before
  uint64_t forwarded = 0;  // asked of upstreams, shared questions counted once
  uint64_t shared = 0;     // waited for the answer to somebody else's same question
  uint64_t errors = 0;     // SERVFAIL given
  uint64_t malformed = 0;  // dropped, or FORMERR given
  uint64_t upstream_timeouts = 0;
  uint64_t upstream_rejected = 0;  // packets that did not fit the question they claimed to answer
  uint64_t tcp_queries = 0;
};

class DnsServer {
 public:
  DnsServer();
  ~DnsServer();
  DnsServer(const DnsServer&) = delete;
  DnsServer& operator=(const DnsServer&) = delete;

  // Opens the sockets and starts the thread. kInvalid: an address that is none; kBusy: the port is taken;
  // kUnavailable: the address is not of this machine. Until the first publish() every question gets SERVFAIL.
  Status start(const DnsServerSettings& settings);

  // When this returns, no answer from an older state leaves any more. Cheap when little has changed. Any
  // thread, one at a time; also before start().
  void publish(NetworkStatePtr state);

  // Closes everything; start() may follow. The destructor does it too.
  void stop();

  // The port it listens on; 0 when stopped.
  uint16_t port() const;
  DnsCounters counters() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace mainstay
