// What happens on one connection: handshake, request, answer, stream. Part of EventLoop; its thread only.
#include <sys/epoll.h>
#include <time.h>

#include <algorithm>
#include <cstring>

#include "reconciler/api/event_loop.h"
#include "reconciler/api/status_response.h"

namespace mainstay::api {
namespace {

constexpr size_t kReadSize = 16 << 10;
constexpr size_t kReadAhead = 64 << 10;     // bytes kept from a client while its answer is not finished
constexpr size_t kWriteGather = 16 << 10;   // one TLS record
constexpr size_t kReadBudget = 1 << 20;     // per turn of the loop, so that one client cannot hold it
constexpr size_t kWriteBudget = 1 << 20;
constexpr Duration kLingerTime = 2s;
constexpr MonoTime kNever{Duration::max()};

const char* reason_phrase(int status) {
  switch (status) {
    case 101: return "Switching Protocols";
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 304: return "Not Modified";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 410: return "Gone";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 415: return "Unsupported Media Type";
    case 417: return "Expectation Failed";
    case 422: return "Unprocessable Content";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    default: return "Status";
  }
}

// Header values may quote what a client sent; a line end in one would start a header of its own.
void add_header(std::string& head, std::string_view name, std::string_view value) {
  head.append(name).append(": ");
  for (char c : value) head += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
  head += "\r\n";
}

std::string status_line(int status) {
  return "HTTP/1.1 " + std::to_string(status) + " " + reason_phrase(status) + "\r\n";
}

std::string hex_size(size_t size) {
  char text[20];
  int length = std::snprintf(text, sizeof text, "%zx\r\n", size);
  return std::string(text, static_cast<size_t>(length));
}

}  // namespace

std::string EventLoop::date() const {
  time_t seconds = std::chrono::duration_cast<std::chrono::seconds>(now_.wall.since_epoch).count();
  tm parts{};
  gmtime_r(&seconds, &parts);
  char text[40];
  size_t length = strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts);
  return std::string(text, length);
}

void EventLoop::set_deadline(Connection& c, Duration from_now) {
  c.deadline = now_.mono + from_now;
  next_sweep_ = std::min(next_sweep_, c.deadline);
}

void EventLoop::no_deadline(Connection& c) { c.deadline = kNever; }

void EventLoop::kill(Connection& c) {
  if (c.dead) return;
  c.dead = true;
  c.io.shut_down();
  epoll_ctl(epoll_fd_, EPOLL_CTL_DEL, c.io.fd(), nullptr);
  dead_.push_back(c.id);
  if (c.deferred) c.deferred->leave();
  if (c.stream) {
    --counters_.streams;
    c.stream->end();
  }
  c.deferred.reset();
  c.stream.reset();
  c.out.clear();
}

void EventLoop::progress(Connection& c) {
  c.want_write = false;
  if (c.phase == Phase::kHandshake) {
    SocketIo::Outcome outcome = c.io.handshake();
    if (outcome.state == SocketIo::State::kClosed) return kill(c);
    if (outcome.state == SocketIo::State::kDone) {
      c.phase = Phase::kReading;
      set_deadline(c, options_.idle_timeout);
    } else {
      c.want_write = outcome.state == SocketIo::State::kWantWrite;
      return update_interest(c);
    }
  }
  flush(c);
  if (!c.dead) read_some(c);
  if (!c.dead) flush(c);
  if (!c.dead) update_interest(c);
}

bool EventLoop::wants_read(const Connection& c) const {
  if (c.phase == Phase::kReading || c.phase == Phase::kLingering) return true;
  if (c.raw && c.stream && c.stream->reading()) return true;
  return c.input.size() < kReadAhead;  // also to notice that the client has gone
}

void EventLoop::update_interest(Connection& c) {
  uint32_t wanted = (wants_read(c) ? EPOLLIN : 0u) | (c.want_write ? EPOLLOUT : 0u);
  if (wanted == c.armed) return;
  epoll_event event{wanted, {.u64 = c.id}};
  epoll_ctl(epoll_fd_, EPOLL_CTL_MOD, c.io.fd(), &event);
  c.armed = wanted;
}

void EventLoop::read_some(Connection& c) {
  take_input(c);
  char buffer[kReadSize];
  size_t budget = kReadBudget;
  while (!c.dead && wants_read(c)) {
    if (budget == 0) {
      again_.push_back(c.id);  // TLS may hold bytes that epoll does not know of
      return;
    }
    SocketIo::Outcome outcome = c.io.read(buffer, std::min(sizeof buffer, budget));
    if (outcome.state == SocketIo::State::kClosed) {
      // What was read ahead while the stream was paused was sent before the peer left: it is not lost.
      if (c.raw && c.stream && !c.input.empty()) c.stream->data(c.input);
      return kill(c);
    }
    if (outcome.state != SocketIo::State::kDone) {
      c.want_write = c.want_write || outcome.state == SocketIo::State::kWantWrite;
      return;
    }
    budget -= outcome.bytes;
    if (c.phase == Phase::kLingering) continue;
    c.input.append(buffer, outcome.bytes);
    take_input(c);
  }
}

// Gives what was read to whoever may have it now; the rest waits in c.input.
void EventLoop::take_input(Connection& c) {
  if (c.input.empty()) return;
  if (c.phase == Phase::kReading) return take_request_bytes(c);
  if (c.raw && c.stream && c.stream->reading()) {
    std::string bytes;
    bytes.swap(c.input);
    c.stream->data(bytes);
  }
}

void EventLoop::take_request_bytes(Connection& c) {
  bool fresh = c.framer.state() == RequestFramer::State::kIdle;
  std::string_view rest = c.framer.feed(c.input);
  c.input.erase(0, c.input.size() - rest.size());
  RequestFramer::State state = c.framer.state();
  if (fresh && state != RequestFramer::State::kIdle) set_deadline(c, options_.request_timeout);
  if (c.framer.take_expect_continue()) add(c, "HTTP/1.1 100 Continue\r\n\r\n");
  if (state == RequestFramer::State::kBad) {
    ++counters_.bad_requests;
    return refuse(c, c.framer.error_status(), c.framer.error_text());
  }
  if (state == RequestFramer::State::kComplete) dispatch(c);
}

void EventLoop::dispatch(Connection& c) {
  c.phase = Phase::kWorking;
  no_deadline(c);
  c.keep_alive = c.framer.keep_alive();
  c.http10 = c.framer.http10();
  c.head_only = c.framer.head().starts_with("HEAD ");
  WorkItem item{c.id, c.framer.head(), std::move(c.framer.body()), c.peer};
  c.framer.reset();
  ++counters_.requests;
  submit_(std::move(item));
}

void EventLoop::refuse(Connection& c, int status, const char* text) {
  c.keep_alive = false;
  c.linger = true;  // the client may still be sending: closing at once would destroy the answer
  c.head_only = false;
  respond(c, failure(status, status_reason(status), text));
}

void EventLoop::answer(Connection& c, Reply reply) {
  c.deferred.reset();
  if (c.phase != Phase::kWorking) return abandon(reply);
  if (auto* response = std::get_if<Response>(&reply)) return respond(c, *response);
  if (auto* stream = std::get_if<std::shared_ptr<Stream>>(&reply)) return start_stream(c, std::move(*stream));
  c.deferred = std::get<std::shared_ptr<Deferred>>(reply);
  std::weak_ptr<Mailbox> mailbox = mailbox_;
  c.deferred->attach([mailbox, id = c.id](Reply later) {
    if (auto open = mailbox.lock()) open->post({id, std::move(later)});
    else abandon(later);
  });
}

void EventLoop::respond(Connection& c, const Response& response) {
  bool bodiless = response.status == 204 || response.status == 304;
  size_t size = response.body && !bodiless ? response.body->size() : 0;
  c.keep_alive = c.keep_alive && !stopping_;
  std::string head = status_line(response.status);
  if (size > 0) add_header(head, "Content-Type", response.content_type);
  if (!bodiless) add_header(head, "Content-Length", std::to_string(size));
  add_header(head, "Date", date());
  if (!c.keep_alive) add_header(head, "Connection", "close");
  else if (c.http10) add_header(head, "Connection", "keep-alive");
  for (const auto& [name, value] : response.headers) add_header(head, name, value);
  add(c, std::move(head += "\r\n"));
  if (size > 0 && !c.head_only) c.out.push_back({response.body, 0, false});
  c.phase = Phase::kResponding;
  set_deadline(c, options_.write_timeout);
}

void EventLoop::start_stream(Connection& c, std::shared_ptr<Stream> stream) {
  const Stream::Options& options = stream->options();
  c.raw = !options.upgrade.empty();
  c.chunked = !c.raw && !c.http10;
  c.keep_alive = c.keep_alive && c.chunked && !stopping_;
  std::string head = status_line(c.raw ? 101 : options.status);
  if (c.raw) {
    add_header(head, "Connection", "Upgrade");
    add_header(head, "Upgrade", options.upgrade);
  } else {
    add_header(head, "Content-Type", options.content_type);
    if (c.chunked) add_header(head, "Transfer-Encoding", "chunked");
    if (!c.keep_alive) add_header(head, "Connection", "close");
  }
  add_header(head, "Date", date());
  for (const auto& [name, value] : options.headers) add_header(head, name, value);
  add(c, std::move(head += "\r\n"));
  if (c.head_only) {
    stream->end();
    c.phase = Phase::kResponding;
    return set_deadline(c, options_.write_timeout);
  }
  c.phase = Phase::kStreaming;
  c.stream = std::move(stream);
  ++counters_.streams;
  set_deadline(c, options_.write_timeout);
  std::weak_ptr<Mailbox> mailbox = mailbox_;
  c.stream->attach([mailbox, id = c.id] {
    if (auto open = mailbox.lock()) open->post({id, std::nullopt});
  });
  if (stopping_) c.stream->close();
}

void EventLoop::pull_stream(Connection& c) {
  Stream::Taken taken = c.stream->take();
  if (taken.aborted) {
    if (taken.overflowed) ++counters_.cut_slow;
    return kill(c);
  }
  if (c.phase != Phase::kStreaming) return;
  if (c.out.empty() && !taken.bytes.empty()) set_deadline(c, options_.write_timeout);
  for (Bytes& bytes : taken.bytes) {
    if (c.chunked) add(c, hex_size(bytes->size()));
    c.out.push_back({std::move(bytes), 0, true});
    if (c.chunked) add(c, "\r\n");
  }
  if (taken.closed) {
    if (c.chunked) add(c, "0\r\n\r\n");
    c.phase = Phase::kResponding;
    set_deadline(c, options_.write_timeout);
  }
}

void EventLoop::flush(Connection& c) {
  char gathered[kWriteGather];
  size_t budget = kWriteBudget;
  while (!c.out.empty()) {
    if (budget == 0) {
      again_.push_back(c.id);
      return;
    }
    const Piece& first = c.out.front();
    const char* bytes = first.bytes->data() + first.offset;
    size_t size = first.bytes->size() - first.offset;
    if (size < kWriteGather && c.out.size() > 1) {
      // Small pieces share one record. A repeated write sees the same front, so the same bytes.
      size = 0;
      for (const Piece& piece : c.out) {
        size_t take = std::min(piece.bytes->size() - piece.offset, kWriteGather - size);
        std::memcpy(gathered + size, piece.bytes->data() + piece.offset, take);
        size += take;
        if (size == kWriteGather) break;
      }
      bytes = gathered;
    }
    SocketIo::Outcome outcome = c.io.write(bytes, size);
    if (outcome.state == SocketIo::State::kClosed) return kill(c);
    if (outcome.state != SocketIo::State::kDone) {
      c.want_write = outcome.state == SocketIo::State::kWantWrite;
      return;
    }
    budget -= std::min(budget, outcome.bytes);
    wrote(c, outcome.bytes);
  }
  if (c.phase == Phase::kResponding) response_done(c);
  else if (c.phase == Phase::kStreaming) no_deadline(c);
}

void EventLoop::wrote(Connection& c, size_t bytes) {
  size_t payload = 0;
  while (bytes > 0) {
    Piece& piece = c.out.front();
    size_t take = std::min(bytes, piece.bytes->size() - piece.offset);
    if (piece.payload) payload += take;
    piece.offset += take;
    bytes -= take;
    if (piece.offset == piece.bytes->size()) c.out.pop_front();
  }
  if (c.phase != Phase::kReading) set_deadline(c, options_.write_timeout);
  if (payload > 0 && c.stream) c.stream->sent(payload);
}

void EventLoop::response_done(Connection& c) {
  if (c.stream) {
    --counters_.streams;
    std::shared_ptr<Stream> ended = std::move(c.stream);
    c.stream.reset();
    ended->end();
  }
  if (c.linger) {
    c.phase = Phase::kLingering;
    c.io.shut_down();
    return set_deadline(c, kLingerTime);
  }
  if (!c.keep_alive || stopping_) return kill(c);
  c.phase = Phase::kReading;
  set_deadline(c, options_.idle_timeout);
  again_.push_back(c.id);  // a pipelined request may be waiting in c.input
}

}  // namespace mainstay::api
