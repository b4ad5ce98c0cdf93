#include "reconciler/api/server.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <thread>

#include "reconciler/api/event_loop.h"
#include "reconciler/api/request_parser.h"
#include "reconciler/api/status_response.h"

namespace mainstay::api {
namespace {

constexpr int kBacklog = 1024;

// Whole requests waiting for a worker. At most one per connection, so bounded by their number.
class WorkQueue {
 public:
  void push(WorkItem item) {
    std::lock_guard lock(mutex_);
    if (closed_) return;
    items_.push_back(std::move(item));
    filled_.notify_one();
  }
  // Nothing once closed.
  std::optional<WorkItem> pop() {
    std::unique_lock lock(mutex_);
    filled_.wait(lock, [&] { return closed_ || !items_.empty(); });
    if (closed_) return std::nullopt;
    WorkItem item = std::move(items_.front());
    items_.pop_front();
    return item;
  }
  void close() {
    std::lock_guard lock(mutex_);
    closed_ = true;
    items_.clear();
    filled_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable filled_;
  std::deque<WorkItem> items_;
  bool closed_ = false;
};

struct Listening {
  int fd = -1;
  uint16_t port = 0;
};

uint16_t bound_port(int fd) {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) != 0) return 0;
  return ntohs(address.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6&>(address).sin6_port
                                             : reinterpret_cast<sockaddr_in&>(address).sin_port);
}

Result<Listening> listen_on(const addrinfo& info) {
  int fd = ::socket(info.ai_family, info.ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, info.ai_protocol);
  if (fd < 0) return failed(std::strerror(errno));
  int on = 1, off = 0;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (info.ai_family == AF_INET6) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  if (::bind(fd, info.ai_addr, info.ai_addrlen) != 0 || ::listen(fd, kBacklog) != 0) {
    int code = errno;
    ::close(fd);
    return error(code == EADDRINUSE ? ErrorCode::kBusy : ErrorCode::kFailed, std::strerror(code));
  }
  return Listening{fd, bound_port(fd)};
}

Result<Listening> listen_on(const std::string& address, uint16_t port) {
  addrinfo hints{}, *found = nullptr;
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  std::string where = (address.empty() ? "*" : address) + ":" + std::to_string(port);
  int code = getaddrinfo(address.empty() ? nullptr : address.c_str(), std::to_string(port).c_str(), &hints,
                         &found);
  if (code != 0) return failed("listening on " + where + ": " + gai_strerror(code));
  std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(found, &freeaddrinfo);
  std::optional<Error> last;
  // Every address: the IPv6 socket serves IPv4 too, so it is tried first.
  for (int family : {address.empty() ? AF_INET6 : AF_UNSPEC, AF_UNSPEC}) {
    for (const addrinfo* info = found; info; info = info->ai_next) {
      if (family != AF_UNSPEC && info->ai_family != family) continue;
      Result<Listening> made = listen_on(*info);
      if (made.ok()) return made;
      last = made.error();
    }
  }
  return last ? last->in("listening on " + where) : failed("listening on " + where + ": no such address");
}

}  // namespace

class HttpServer::Impl {
 public:
  Impl(ServerOptions options, Listening listening, std::shared_ptr<const TlsContext> tls, Handler handler)
      : port_(listening.port),
        secure_(tls != nullptr),
        handler_(std::move(handler)),
        loop_(options, listening.fd, std::move(tls), [this](WorkItem item) { queue_.push(std::move(item)); }) {
    for (size_t i = 0; i < std::max<size_t>(options.worker_threads, 1); ++i) {
      workers_.emplace_back([this] { work(); });
    }
    thread_ = std::thread([this] { loop_.run(); });
  }

  void stop(Duration grace) {
    std::lock_guard lock(stop_mutex_);
    if (!thread_.joinable()) return;
    loop_.stop(grace);
    thread_.join();
    queue_.close();
    for (std::thread& worker : workers_) worker.join();
    workers_.clear();
  }

  uint16_t port() const { return port_; }
  bool secure() const { return secure_; }
  EventLoop& loop() { return loop_; }

 private:
  void work() {
    RequestParser parser;
    while (std::optional<WorkItem> item = queue_.pop()) {
      std::variant<Request, int> parsed = parser.parse(item->head);
      Reply reply;
      if (auto* request = std::get_if<Request>(&parsed)) {
        request->body = std::move(item->body);
        request->peer = std::move(item->peer);
        reply = handler_(std::move(*request));
      } else {
        int status = std::get<int>(parsed);
        reply = failure(status, status_reason(status), "the request cannot be understood");
      }
      loop_.mailbox()->post({item->connection, std::move(reply)});
    }
  }

  const uint16_t port_;
  const bool secure_;
  const Handler handler_;
  WorkQueue queue_;
  EventLoop loop_;
  std::mutex stop_mutex_;
  std::vector<std::thread> workers_;
  std::thread thread_;
};

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

HttpServer::~HttpServer() { stop(Duration{0}); }

Result<std::unique_ptr<HttpServer>> HttpServer::start(ServerOptions options, Handler handler) {
  std::shared_ptr<const TlsContext> tls;
  if (!options.certificate_pem.empty()) {
    ASSIGN_OR_RETURN(tls, TlsContext::from_pem(options.certificate_pem, options.private_key_pem));
  }
  ASSIGN_OR_RETURN(Listening listening, listen_on(options.address, options.port));
  auto impl = std::make_unique<Impl>(std::move(options), listening, std::move(tls), std::move(handler));
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

uint16_t HttpServer::port() const { return impl_->port(); }

Status HttpServer::replace_certificate(std::string_view chain_pem, std::string_view key_pem) {
  if (!impl_->secure()) return error(ErrorCode::kInvalid, "this server speaks plain HTTP");
  ASSIGN_OR_RETURN(auto tls, TlsContext::from_pem(chain_pem, key_pem));
  impl_->loop().set_tls(std::move(tls));
  return {};
}

void HttpServer::stop(Duration grace) { impl_->stop(grace); }

ServerStats HttpServer::stats() const {
  const Counters& c = impl_->loop().counters();
  return ServerStats{c.accepted, c.refused_connections, c.requests, c.bad_requests,
                     c.cut_slow, c.timed_out,           c.connections, c.streams};
}

}  // namespace mainstay::api
