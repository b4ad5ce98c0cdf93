// The one thread that owns the server's sockets. Internal to HttpServer (see server.h for the promises).
//
// Others reach it only through its Mailbox: "here is the answer for connection N", "stream of connection N
// has news". Callbacks of streams and deferred answers run on this thread, never inside one of its own
// steps on the same connection, because they in turn can only write to the mailbox.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "reconciler/api/framing.h"
#include "reconciler/api/http.h"
#include "reconciler/api/server.h"
#include "reconciler/api/socket_io.h"

namespace mainstay::api {

// One whole request for a worker, not parsed yet.
struct WorkItem {
  uint64_t connection = 0;
  std::string head, body, peer;
};

// Letters to the event loop. Any thread; outlives the loop (letters are then returned to their sender).
class Mailbox {
 public:
  struct Letter {
    uint64_t connection = 0;
    std::optional<Reply> reply;  // nothing: look at the connection's stream
  };

  Mailbox();
  ~Mailbox();
  // False when the loop has ended; the letter is then dropped and its answer abandoned.
  bool post(Letter letter);
  std::vector<Letter> take();
  void close();
  void wake();
  int fd() const { return fd_; }

 private:
  std::mutex mutex_;
  std::vector<Letter> letters_;
  bool closed_ = false;
  int fd_;
};

struct Counters {
  std::atomic<uint64_t> accepted{0}, refused_connections{0}, requests{0}, bad_requests{0}, cut_slow{0},
      timed_out{0}, connections{0}, streams{0};
};

class EventLoop {
 public:
  using Submit = std::function<void(WorkItem)>;

  // Takes over `listen_fd`, which listens and does not block.
  EventLoop(ServerOptions options, int listen_fd, std::shared_ptr<const TlsContext> tls, Submit submit);
  ~EventLoop();

  // Until stopped. Call on a thread of its own.
  void run();
  // Any thread.
  void stop(Duration grace);
  void set_tls(std::shared_ptr<const TlsContext> tls);
  const std::shared_ptr<Mailbox>& mailbox() const { return mailbox_; }
  const Counters& counters() const { return counters_; }

 private:
  enum class Phase { kHandshake, kReading, kWorking, kStreaming, kResponding, kLingering };

  struct Piece {
    Bytes bytes;
    size_t offset = 0;
    bool payload = false;  // counts for the stream's queue
  };

  struct Connection {
    Connection(uint64_t number, int fd, std::shared_ptr<const TlsContext> tls, FrameLimits limits)
        : id(number), io(fd, std::move(tls)), framer(limits) {}
    const uint64_t id;
    SocketIo io;
    RequestFramer framer;
    std::string peer;
    std::string input;  // read ahead of what the framer may have yet
    std::deque<Piece> out;
    Phase phase = Phase::kHandshake;
    std::shared_ptr<Deferred> deferred;
    std::shared_ptr<Stream> stream;
    bool keep_alive = true, http10 = false, head_only = false, chunked = false, raw = false;
    bool linger = false, want_write = false, dead = false;
    uint32_t armed = 0;
    MonoTime deadline;
  };

  void accept_some();
  void deliver_mail();
  void sweep();
  void begin_stop();
  void reap();
  int wait_milliseconds() const;

  void progress(Connection& c);
  void read_some(Connection& c);
  void take_input(Connection& c);
  void take_request_bytes(Connection& c);
  void dispatch(Connection& c);
  void flush(Connection& c);
  void wrote(Connection& c, size_t bytes);
  void response_done(Connection& c);
  void update_interest(Connection& c);
  bool wants_read(const Connection& c) const;

  void answer(Connection& c, Reply reply);
  void respond(Connection& c, const Response& response);
  void refuse(Connection& c, int status, const char* text);
  void start_stream(Connection& c, std::shared_ptr<Stream> stream);
  void pull_stream(Connection& c);
  void add(Connection& c, std::string bytes) { c.out.push_back({make_bytes(std::move(bytes)), 0, false}); }
  void kill(Connection& c);
  void set_deadline(Connection& c, Duration from_now);
  void no_deadline(Connection& c);
  std::string date() const;

  const ServerOptions options_;
  const Submit submit_;
  int listen_fd_;
  int epoll_fd_;
  std::shared_ptr<Mailbox> mailbox_;
  std::mutex tls_mutex_;
  std::shared_ptr<const TlsContext> tls_;  // under tls_mutex_

  Now now_;
  uint64_t next_id_ = 16;  // below are the listener and the mailbox
  std::unordered_map<uint64_t, std::unique_ptr<Connection>> connections_;
  std::vector<uint64_t> dead_, again_;
  MonoTime next_sweep_;
  MonoTime listen_again_;  // out of file descriptors until then
  bool listening_ = true;
  std::atomic<bool> stop_wanted_{false};
  std::atomic<int64_t> stop_grace_us_{0};
  bool stopping_ = false;
  MonoTime stop_deadline_;
  Counters counters_;
};

}  // namespace mainstay::api
