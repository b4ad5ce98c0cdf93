// The loop itself: waiting, accepting, mail, time. What happens on one connection is in connection.cpp.
#include "reconciler/api/event_loop.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "schema/base/clock.h"
#include "schema/base/log.h"

namespace mainstay::api {
namespace {

constexpr uint64_t kListener = 1;
constexpr uint64_t kMail = 2;
constexpr Duration kSweepStep = 100ms;
constexpr int kAcceptBurst = 256;

std::string address_text(const sockaddr_storage& address) {
  char text[INET6_ADDRSTRLEN] = "";
  if (address.ss_family == AF_INET) {
    inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in&>(address).sin_addr, text, sizeof text);
  } else if (address.ss_family == AF_INET6) {
    inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6&>(address).sin6_addr, text, sizeof text);
  }
  return text;
}

// A peer that vanished without a word is found within about a minute, also on a connection that waits.
void tune(int fd) {
  int on = 1, idle = 30, interval = 10, probes = 3;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof interval);
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
}

}  // namespace

Mailbox::Mailbox() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  ENSURE(fd_ >= 0, "eventfd failed");
}

Mailbox::~Mailbox() { ::close(fd_); }

void Mailbox::wake() {
  uint64_t one = 1;
  [[maybe_unused]] ssize_t put = ::write(fd_, &one, sizeof one);  // full means: it will wake anyway
}

bool Mailbox::post(Letter letter) {
  {
    std::lock_guard lock(mutex_);
    if (!closed_) {
      letters_.push_back(std::move(letter));
      if (letters_.size() > 1) return true;  // the first one has woken the loop
      wake();
      return true;
    }
  }
  if (letter.reply) abandon(*letter.reply);
  return false;
}

std::vector<Mailbox::Letter> Mailbox::take() {
  uint64_t count = 0;
  [[maybe_unused]] ssize_t got = ::read(fd_, &count, sizeof count);
  std::vector<Letter> letters;
  std::lock_guard lock(mutex_);
  letters.swap(letters_);
  return letters;
}

void Mailbox::close() {
  std::vector<Letter> left;
  {
    std::lock_guard lock(mutex_);
    closed_ = true;
    left.swap(letters_);
  }
  for (Letter& letter : left) {
    if (letter.reply) abandon(*letter.reply);
  }
}

EventLoop::EventLoop(ServerOptions options, int listen_fd, std::shared_ptr<const TlsContext> tls,
                     Submit submit)
    : options_(std::move(options)),
      submit_(std::move(submit)),
      listen_fd_(listen_fd),
      epoll_fd_(::epoll_create1(EPOLL_CLOEXEC)),
      mailbox_(std::make_shared<Mailbox>()),
      tls_(std::move(tls)) {
  ENSURE(epoll_fd_ >= 0, "epoll_create1 failed");
  epoll_event listener{EPOLLIN, {.u64 = kListener}};
  epoll_event mail{EPOLLIN, {.u64 = kMail}};
  ENSURE(epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, listen_fd_, &listener) == 0, "epoll_ctl failed");
  ENSURE(epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, mailbox_->fd(), &mail) == 0, "epoll_ctl failed");
}

EventLoop::~EventLoop() {
  connections_.clear();
  if (listen_fd_ >= 0) ::close(listen_fd_);
  ::close(epoll_fd_);
}

void EventLoop::set_tls(std::shared_ptr<const TlsContext> tls) {
  std::lock_guard lock(tls_mutex_);
  tls_ = std::move(tls);
}

void EventLoop::stop(Duration grace) {
  stop_grace_us_ = grace.count();
  stop_wanted_ = true;
  mailbox_->wake();
}

void EventLoop::run() {
  now_ = read_clock();
  next_sweep_ = now_.mono;
  std::array<epoll_event, 256> events;
  while (true) {
    int count = ::epoll_wait(epoll_fd_, events.data(), static_cast<int>(events.size()), wait_milliseconds());
    now_ = read_clock();
    std::vector<uint64_t> again;
    again.swap(again_);
    for (int i = 0; i < count; ++i) {
      uint64_t id = events[static_cast<size_t>(i)].data.u64;
      if (id == kListener) accept_some();
      else if (id >= 16) again.push_back(id);
    }
    for (uint64_t id : again) {
      auto it = connections_.find(id);
      if (it != connections_.end() && !it->second->dead) progress(*it->second);
    }
    deliver_mail();
    if (stop_wanted_ && !stopping_) begin_stop();
    if (now_.mono >= next_sweep_) sweep();
    reap();
    if (stopping_ && (connections_.empty() || now_.mono >= stop_deadline_)) break;
  }
  for (auto& [id, connection] : connections_) kill(*connection);
  reap();
  mailbox_->close();
}

int EventLoop::wait_milliseconds() const {
  if (!again_.empty()) return 0;
  MonoTime until = next_sweep_;
  if (stopping_) until = std::min(until, stop_deadline_);
  else if (connections_.empty() && listening_) return -1;
  int64_t wait = std::chrono::ceil<std::chrono::milliseconds>(until - now_.mono).count();
  return static_cast<int>(std::clamp<int64_t>(wait, 0, 60'000));
}

void EventLoop::accept_some() {
  if (stopping_) return;
  for (int i = 0; i < kAcceptBurst; ++i) {
    sockaddr_storage address{};
    socklen_t length = sizeof address;
    int fd = ::accept4(listen_fd_, reinterpret_cast<sockaddr*>(&address), &length,
                       SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
      if (errno != EMFILE && errno != ENFILE && errno != ENOBUFS && errno != ENOMEM) return;
      log::warning("api", "no file descriptors left: connections wait");
      epoll_event none{0, {.u64 = kListener}};
      epoll_ctl(epoll_fd_, EPOLL_CTL_MOD, listen_fd_, &none);
      listening_ = false;
      listen_again_ = now_.mono + kSweepStep;
      next_sweep_ = std::min(next_sweep_, listen_again_);
      return;
    }
    if (connections_.size() >= options_.max_connections) {
      ::close(fd);
      ++counters_.refused_connections;
      continue;
    }
    tune(fd);
    std::shared_ptr<const TlsContext> tls;
    {
      std::lock_guard lock(tls_mutex_);
      tls = tls_;
    }
    auto made = std::make_unique<Connection>(next_id_++, fd, std::move(tls),
                                             FrameLimits{options_.max_head, options_.max_body});
    Connection& c = *made;
    c.peer = address_text(address);
    epoll_event event{EPOLLIN, {.u64 = c.id}};
    ENSURE(epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, fd, &event) == 0, "epoll_ctl failed");
    c.armed = EPOLLIN;
    connections_.emplace(c.id, std::move(made));
    ++counters_.accepted;
    ++counters_.connections;
    set_deadline(c, options_.handshake_timeout);
    progress(c);
  }
}

void EventLoop::deliver_mail() {
  for (Mailbox::Letter& letter : mailbox_->take()) {
    auto it = connections_.find(letter.connection);
    if (it == connections_.end() || it->second->dead) {
      if (letter.reply) abandon(*letter.reply);
      continue;
    }
    Connection& c = *it->second;
    if (letter.reply) answer(c, std::move(*letter.reply));
    else if (c.stream) pull_stream(c);
    if (!c.dead) progress(c);
  }
}

// Deadlines are looked at in one pass, at the earliest of them but not more often than every kSweepStep.
void EventLoop::sweep() {
  MonoTime next = now_.mono + 60s;
  if (!listening_ && !stopping_) {
    if (now_.mono >= listen_again_) {
      epoll_event listener{EPOLLIN, {.u64 = kListener}};
      epoll_ctl(epoll_fd_, EPOLL_CTL_MOD, listen_fd_, &listener);
      listening_ = true;
    } else {
      next = std::min(next, listen_again_);
    }
  }
  for (auto& [id, connection] : connections_) {
    Connection& c = *connection;
    if (c.dead) continue;
    if (now_.mono < c.deadline) {
      next = std::min(next, c.deadline);
      continue;
    }
    bool idle = c.phase == Phase::kReading && c.framer.state() == RequestFramer::State::kIdle;
    if (c.phase == Phase::kHandshake || (c.phase == Phase::kReading && !idle)) ++counters_.timed_out;
    else if (!c.out.empty()) ++counters_.cut_slow;
    kill(c);
  }
  next_sweep_ = std::max(next, now_.mono + kSweepStep);
}

void EventLoop::begin_stop() {
  stopping_ = true;
  stop_deadline_ = now_.mono + Duration(stop_grace_us_.load());
  ::close(listen_fd_);
  listen_fd_ = -1;
  for (auto& [id, connection] : connections_) {
    Connection& c = *connection;
    if (c.dead) continue;
    if (c.phase == Phase::kHandshake || c.phase == Phase::kReading || c.phase == Phase::kLingering) kill(c);
    else if (c.stream) c.stream->close();
  }
}

void EventLoop::reap() {
  for (uint64_t id : dead_) connections_.erase(id);
  dead_.clear();
  counters_.connections = connections_.size();
}

}  // namespace mainstay::api
