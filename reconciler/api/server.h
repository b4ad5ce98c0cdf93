// HttpServer: the HTTP/1.1 server under the API, the agents' endpoints and the webhooks.
//
// One thread owns all sockets (epoll): accepting, TLS, reading requests, writing answers. A request reaches
// a worker only when it is whole; a worker calls the handler and is free again when that returns. Idle
// connections, long polls (Deferred), watches (Stream) and slow clients cost memory but no thread.
//
// Bounds: connections, bytes of head and body, time for a handshake and for a request, time without
// progress while writing, bytes queued per stream. cpp-httplib parses the requests; its own server
// would hold one thread per connection.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "reconciler/api/http.h"
#include "schema/base/result.h"
#include "schema/base/time.h"

namespace mainstay::api {

struct ServerOptions {
  std::string address = "127.0.0.1";  // a numeric address or a name of this machine; "" is every address
  uint16_t port = 0;                  // 0 picks a free one
  std::string certificate_pem;        // chain, leaf first; empty serves plain HTTP
  std::string private_key_pem;
  size_t worker_threads = 4;
  size_t max_connections = 20'000;
  size_t max_head = 64 << 10;         // bytes
  size_t max_body = 3 << 20;          // bytes
  Duration handshake_timeout = 10s;
  Duration request_timeout = 30s;     // from a request's first byte to its last
  Duration idle_timeout = 180s;       // between requests
  Duration write_timeout = 30s;       // without any progress
};

struct ServerStats {
  uint64_t accepted = 0;
  uint64_t refused_connections = 0;   // over max_connections
  uint64_t requests = 0;
  uint64_t bad_requests = 0;          // refused before a handler saw them
  uint64_t cut_slow = 0;              // write time-outs and overflowing streams
  uint64_t timed_out = 0;             // handshake, request
  uint64_t connections = 0;           // open now
  uint64_t streams = 0;               // open now
};

class HttpServer {
 public:
  // Listens before it returns. The handler is called on worker threads, several at a time.
  static Result<std::unique_ptr<HttpServer>> start(ServerOptions options, Handler handler);
  // Stops without grace.
  ~HttpServer();

  // The port it listens on. Any thread.
  uint16_t port() const;
  // New connections get this certificate; open ones keep theirs. Any thread.
  Status replace_certificate(std::string_view chain_pem, std::string_view key_pem);
  // Accepts nothing more, ends streams properly, lets requests under way finish for up to `grace`, then
  // closes what is left and joins all threads. Idempotent; not from a handler.
  void stop(Duration grace);
  ServerStats stats() const;

 private:
  class Impl;
  explicit HttpServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace mainstay::api
