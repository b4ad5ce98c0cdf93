// What the API server and its handlers say to each other: requests, answers and long-lived streams, in
// plain types. A handler answers at once (Response), later (Deferred, completed from any thread, e.g. when
// a write is durable) or for a long time (Stream, fed from any thread). None of the three holds a thread.
//
// Callbacks set here run on the server's event loop: they must be short and must not block.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace mainstay::api {

// Names and values in the order of the wire; a name may stand more than once.
using NameValues = std::vector<std::pair<std::string, std::string>>;

// Who is asking. Filled in by the authentication step; an empty user is nobody.
struct Identity {
  std::string user;
  std::vector<std::string> groups;

  bool in_group(std::string_view group) const;
};

struct Request {
  std::string method;   // upper case; "HEAD" is passed on, its answer's body is dropped by the server
  std::string path;     // percent-decoded, without the query
  NameValues query;     // percent-decoded
  NameValues headers;
  std::string body;     // whole and within the server's limit; chunked bodies are joined
  std::string peer;     // address of the client
  Identity identity;

  // The first header of that name in any case; "" if there is none.
  std::string_view header(std::string_view name) const;
  // The first query value of that name; "" if there is none.
  std::string_view param(std::string_view name) const;
  bool has_param(std::string_view name) const;
};

// Bytes that may be shared between many answers.
using Bytes = std::shared_ptr<const std::string>;
Bytes make_bytes(std::string bytes);

struct Response {
  int status = 200;
  std::string content_type = "application/json";
  Bytes body;            // may be null: empty
  NameValues headers;   // besides Content-Type, Content-Length, Date
};

Response text_response(int status, std::string text);

class Deferred;
class Stream;
using Reply = std::variant<Response, std::shared_ptr<Deferred>, std::shared_ptr<Stream>>;
using Handler = std::function<Reply(Request)>;

// Tells whoever fills a reply that nobody will read it. Any thread.
void abandon(Reply& reply);

// The HTTP status of a reply; 0 if it is not known yet. Any thread.
int status_of(const Reply& reply);

// An answer that is not known yet. The first completion counts, later ones are ignored. Any thread.
class Deferred {
 public:
  Deferred() = default;
  Deferred(const Deferred&) = delete;
  Deferred& operator=(const Deferred&) = delete;

  void complete(Reply reply);
  // True when nobody waits any more: the client left, or the server stopped.
  bool gone() const;
  // Called once when the client leaves before completion; at once if it has left already.
  void on_gone(std::function<void()> callback);
  // Called once with the HTTP status of the completion, by whoever completes; at once if that has happened.
  void on_status(std::function<void(int)> callback);

 private:
  friend class EventLoop;
  friend void abandon(Reply& reply);
  void attach(std::function<void(Reply)> deliver);
  void leave();

  mutable std::mutex mutex_;
  std::optional<Reply> reply_;
  std::function<void(Reply)> deliver_;
  std::function<void()> on_gone_;
  std::function<void(int)> on_status_;
  int status_ = 0;
  bool completed_ = false;
  bool gone_ = false;
};

// A body without a known end (chunked), or, with `upgrade` set, a connection taken over for raw bytes in
// both directions. What is pushed and not yet sent is bounded: a client that reads too slowly is cut off.
class Stream {
 public:
  struct Options {
    int status = 200;
    std::string content_type = "application/json";
    NameValues headers;
    size_t limit = 4 << 20;    // bytes pushed and not yet sent
    std::string upgrade;       // protocol of a 101 answer; "" is an ordinary chunked body
  };

  explicit Stream(Options options);
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  // False when the stream has ended, or ends now because its limit is passed. Any thread.
  bool push(Bytes bytes);
  bool push(std::string bytes) { return push(make_bytes(std::move(bytes))); }
  // Ends the body properly once all that was pushed is sent. Any thread.
  void close();
  // Ends the connection at once, so that the client sees a broken body. Any thread.
  void abort();
  // Bytes pushed and not yet sent. Any thread.
  size_t queued() const;
  // False once closed, aborted, cut or left by the client.
  bool open() const;

  // Called once when the connection has ended, for whatever reason; at once if it has already.
  void on_end(std::function<void()> callback);
  // Called whenever queued() falls to `low` or below after it was above.
  void on_drain(size_t low, std::function<void()> callback);
  // Upgraded streams: called with the bytes the peer sends.
  void on_data(std::function<void(std::string_view)> callback);
  // Upgraded streams: stops and restarts reading from the peer (back-pressure). Any thread.
  void pause_reading();
  void resume_reading();

  const Options& options() const { return options_; }

 private:
  friend class EventLoop;
  friend void abandon(Reply& reply);
  struct Taken {
    std::vector<Bytes> bytes;
    bool closed = false;
    bool aborted = false;
    bool overflowed = false;  // aborted because the client was too slow
  };
  void attach(std::function<void()> wake);
  Taken take();
  void sent(size_t bytes);
  void data(std::string_view bytes);
  bool reading() const;
  void end();
  void wake_locked(std::unique_lock<std::mutex>& lock);

  const Options options_;
  mutable std::mutex mutex_;
  std::vector<Bytes> pending_;
  size_t queued_ = 0;
  size_t low_ = 0;
  bool above_low_ = false;
  bool closed_ = false;
  bool aborted_ = false;
  bool overflowed_ = false;
  bool ended_ = false;
  bool paused_ = false;
  std::function<void()> wake_, on_end_, on_drain_;
  std::function<void(std::string_view)> on_data_;
};

}  // namespace mainstay::api
