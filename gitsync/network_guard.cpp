#include "gitsync/network_guard.h"

#include <git2/errors.h>
#include <git2/sys/stream.h>
#include <netdb.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>

namespace mainstay {
namespace {

constexpr Duration kConnectTimeout = 15s;
thread_local NetworkGuard* current_guard = nullptr;

}  // namespace

NetworkGuard::NetworkGuard(Bounds bounds) : bounds_(std::move(bounds)), outer_(current_guard) {
  current_guard = this;
  watcher_ = std::thread([this] { watch(); });
}

NetworkGuard::~NetworkGuard() {
  current_guard = outer_;
  {
    std::lock_guard lock(mutex_);
    done_ = true;
  }
  wake_.notify_all();
  watcher_.join();
}

void NetworkGuard::watch() {
  std::unique_lock lock(mutex_);
  auto over = [&] { return done_ || stopped_.has_value(); };
  if (wake_.wait_for(lock, bounds_.total, over)) return;
  auto seconds = std::chrono::duration_cast<std::chrono::seconds>(bounds_.total).count();
  stopped_ = error(ErrorCode::kTimeout, "not finished after " + std::to_string(seconds) + " s");
  if (fd_ >= 0) ::shutdown(fd_, SHUT_RDWR);
}

void NetworkGuard::cancel() { stop(error(ErrorCode::kCancelled, "interrupted")); }

std::optional<Error> NetworkGuard::stopped() const {
  std::lock_guard lock(mutex_);
  return stopped_;
}

void NetworkGuard::stop(Error why) {
  {
    std::lock_guard lock(mutex_);
    if (!stopped_) stopped_ = std::move(why);
    if (fd_ >= 0) ::shutdown(fd_, SHUT_RDWR);
  }
  wake_.notify_all();
}

bool NetworkGuard::may_dial(const std::string& host, const std::string& port) const {
  auto same = [](char a, char b) {
    return std::tolower(static_cast<unsigned char>(a)) == std::tolower(static_cast<unsigned char>(b));
  };
  return !bounds_.host.empty() && port == std::to_string(bounds_.port) &&
         std::equal(host.begin(), host.end(), bounds_.host.begin(), bounds_.host.end(), same);
}

bool NetworkGuard::attach(int fd) {
  std::lock_guard lock(mutex_);
  if (stopped_) return false;
  fd_ = fd;
  return true;
}

void NetworkGuard::detach() {
  std::lock_guard lock(mutex_);
  fd_ = -1;
}

void NetworkGuard::count_read(size_t bytes) {
  bytes_read_ += bytes;
  if (bytes_read_ > bounds_.max_read) {
    stop(error(ErrorCode::kFull,
               "the server sent more than " + std::to_string(bounds_.max_read >> 20) + " MiB"));
  }
}

NetworkGuard* NetworkGuard::current() { return current_guard; }

namespace {

// The first members are those of libgit2 1.5's own socket stream (src/libgit2/streams/socket.h), because its
// ssh transport takes the descriptor from there (ssh.c, _git_ssh_session_create). The ssh test fails
// if a later libgit2 disagrees.
struct GuardedSocket {
  git_stream parent;
  char* host;
  char* port;
  int fd;
  NetworkGuard* guard;
};

GuardedSocket* self_of(git_stream* stream) { return reinterpret_cast<GuardedSocket*>(stream); }

int fail(const std::string& sentence) {
  git_error_set_str(GIT_ERROR_NET, sentence.c_str());
  return -1;
}

void set_timeout(int fd, int option, Duration span) {
  timeval value{static_cast<time_t>(span.count() / 1'000'000),
                static_cast<suseconds_t>(span.count() % 1'000'000)};
  ::setsockopt(fd, SOL_SOCKET, option, &value, sizeof value);
}

int socket_close(git_stream* stream) {
  GuardedSocket* self = self_of(stream);
  if (self->fd < 0) return 0;
  self->guard->detach();
  ::close(self->fd);
  self->fd = -1;
  return 0;
}

int socket_connect(git_stream* stream) {
  GuardedSocket* self = self_of(stream);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_family = AF_UNSPEC;
  addrinfo* found = nullptr;
  if (int code = ::getaddrinfo(self->host, self->port, &hints, &found); code != 0) {
    return fail(std::string("cannot resolve ") + self->host + ": " + ::gai_strerror(code));
  }
  int last_errno = ECONNREFUSED;
  for (addrinfo* each = found; each && self->fd < 0; each = each->ai_next) {
    int fd = ::socket(each->ai_family, each->ai_socktype | SOCK_CLOEXEC, each->ai_protocol);
    if (fd < 0) continue;
    if (!self->guard->attach(fd)) {
      ::close(fd);
      break;
    }
    set_timeout(fd, SO_SNDTIMEO, std::min(kConnectTimeout, self->guard->idle()));  // bounds connect() too
    if (::connect(fd, each->ai_addr, each->ai_addrlen) == 0) {
      self->fd = fd;
    } else {
      last_errno = errno == EINPROGRESS ? ETIMEDOUT : errno;
      self->guard->detach();
      ::close(fd);
    }
  }
  ::freeaddrinfo(found);
  if (self->fd < 0) {
    return fail(std::string("cannot connect to ") + self->host + ":" + self->port + ": " +
                std::strerror(last_errno));
  }
  set_timeout(self->fd, SO_SNDTIMEO, self->guard->idle());
  set_timeout(self->fd, SO_RCVTIMEO, self->guard->idle());
  return 0;
}

int idle_for_too_long(GuardedSocket* self) {
  auto seconds = std::chrono::duration_cast<std::chrono::seconds>(self->guard->idle()).count();
  self->guard->stop(
      error(ErrorCode::kTimeout, "the server was silent for " + std::to_string(seconds) + " s"));
  return fail("the server was silent for too long");
}

ssize_t socket_read(git_stream* stream, void* buffer, size_t size) {
  GuardedSocket* self = self_of(stream);
  while (true) {
    ssize_t got = ::recv(self->fd, buffer, size, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return idle_for_too_long(self);
    if (got < 0) return fail(std::string("reading from the server: ") + std::strerror(errno));
    self->guard->count_read(static_cast<size_t>(got));
    return self->guard->stopped() ? fail("stopped") : got;
  }
}

ssize_t socket_write(git_stream* stream, const char* bytes, size_t size, int flags) {
  GuardedSocket* self = self_of(stream);
  while (true) {
    ssize_t sent = ::send(self->fd, bytes, size, flags | MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return idle_for_too_long(self);
    if (sent < 0) return fail(std::string("writing to the server: ") + std::strerror(errno));
    return sent;
  }
}

void socket_free(git_stream* stream) {
  GuardedSocket* self = self_of(stream);
  socket_close(stream);
  ::free(self->host);
  ::free(self->port);
  delete self;
}

int make_socket(git_stream** out, const char* host, const char* port) {
  NetworkGuard* guard = NetworkGuard::current();
  if (!guard) return fail("no network operation is under way");
  if (!guard->may_dial(host, port)) {
    guard->stop(error(ErrorCode::kDenied, std::string("the server redirects to ") + host + ":" + port +
                                              ", which is not followed; set the address to what is meant"));
    return fail("redirected elsewhere");
  }
  auto* self = new GuardedSocket{};
  self->parent.version = GIT_STREAM_VERSION;
  self->parent.connect = socket_connect;
  self->parent.read = socket_read;
  self->parent.write = socket_write;
  self->parent.close = socket_close;
  self->parent.free = socket_free;
  self->host = ::strdup(host);
  self->port = ::strdup(port);
  self->fd = -1;
  self->guard = guard;
  *out = &self->parent;
  return 0;
}

}  // namespace

void register_guarded_sockets() {
  git_stream_registration registration{};
  registration.version = GIT_STREAM_VERSION;
  registration.init = make_socket;
  git_stream_register(GIT_STREAM_STANDARD, &registration);
}

}  // namespace mainstay
