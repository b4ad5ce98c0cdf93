#include "nodeagent/dns/dns_server.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <mutex>
#include <thread>
#include <unordered_map>

#include "nodeagent/dns/listeners.h"
#include "nodeagent/dns/resolver_config.h"
#include "nodeagent/dns/responder.h"
#include "schema/base/clock.h"
#include "schema/base/crypto.h"
#include "schema/base/log.h"
#include "schema/base/published.h"

namespace mainstay {
namespace {

constexpr size_t kBatch = 64;
constexpr size_t kBatchesInARow = 8;  // of one socket before the others get their turn
constexpr size_t kMostQuestion = 2048;
constexpr size_t kMostUnsent = 256 << 10;
constexpr size_t kMostFile = 64 << 10;
constexpr Duration kFileEvery = std::chrono::seconds{5};
constexpr uint16_t kDnsPort = 53;

// What an epoll event is about: the top byte, and a number below it.
constexpr uint64_t kWake = uint64_t{1} << 56;
constexpr uint64_t kUdp = uint64_t{2} << 56;
constexpr uint64_t kAccept = uint64_t{3} << 56;
constexpr uint64_t kConnection = uint64_t{4} << 56;
constexpr uint64_t kUpstream = uint64_t{5} << 56;
constexpr uint64_t kTagMask = uint64_t{0xff} << 56;

struct Connection {
  Socket socket;
  std::string received, unsent;
  MonoTime idle_since;
  bool watches_writing = false;
};

uint64_t random_seed() {
  std::string bytes = random_bytes(8);
  uint64_t out = 0;
  std::memcpy(&out, bytes.data(), sizeof(out));
  return out;
}

std::string read_small_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::string out(kMostFile, '\0');
  in.read(out.data(), static_cast<std::streamsize>(out.size()));
  out.resize(static_cast<size_t>(std::max<std::streamsize>(0, in.gcount())));
  return out;
}

}  // namespace

struct DnsServer::State {
  Published<DnsZone> zone;
  std::mutex publishing;
  // Odd while a batch is being answered from a zone.
  std::atomic<uint64_t> batch{0};
  DnsTally tally;

  DnsServerSettings settings;
  std::vector<DnsListener> listeners;
  Socket epoll, wake;
  std::thread thread;
  std::atomic<bool> stopping{false};
  std::atomic<uint16_t> port{0};

  // The thread's own.
  std::unique_ptr<DnsResponder> responder;
  std::unordered_map<uint64_t, Connection> connections;
  uint64_t next_connection = 0;
  struct timespec file_changed {};
  bool file_read = false;
  MonoTime file_due{};
  // Where a batch of datagrams comes in.
  struct Batch {
    std::array<std::array<char, kMostQuestion>, kBatch> bytes;
    std::array<sockaddr_storage, kBatch> from;
    std::array<iovec, kBatch> in, out;
    std::array<mmsghdr, kBatch> messages, replies;
    std::array<std::string, kBatch> answers;
  };
  std::unique_ptr<Batch> datagrams = std::make_unique<Batch>();

  Status watch(int fd, uint64_t tag, uint32_t events, int operation);
  Status open(const DnsServerSettings& wanted);
  void run();
  void close();
  int wait_milliseconds(MonoTime now) const;
  void read_upstreams(MonoTime now);
  void serve_events(const epoll_event* events, size_t count, MonoTime now);
  void on_datagrams(const DnsZone* zone, size_t listener, MonoTime now);
  size_t answer_batch(const DnsZone* zone, size_t listener, size_t received, MonoTime now);
  void send_batch(size_t listener, size_t count);
  void on_accept(size_t listener, MonoTime now);
  void on_connection(const DnsZone* zone, uint64_t number, uint32_t events, MonoTime now);
  bool read_connection(const DnsZone* zone, uint64_t number, Connection& connection, MonoTime now);
  bool reply_on(uint64_t number, Connection& connection, const std::string& bytes, MonoTime now);
  bool flush(uint64_t number, Connection& connection);
  void close_idle(MonoTime now);
  void close_idlest();
  void send_all(std::vector<DnsResponder::Delivery> deliveries, MonoTime now);
};

Status DnsServer::State::watch(int fd, uint64_t tag, uint32_t events, int operation) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = tag;
  if (::epoll_ctl(epoll.fd(), operation, fd, &event) == 0) return {};
  return failed(std::string("DNS: epoll: ") + std::strerror(errno));
}

Status DnsServer::State::open(const DnsServerSettings& wanted) {
  settings = wanted;
  ASSIGN_OR_RETURN(listeners, open_dns_listeners(settings.addresses, settings.port));
  epoll = Socket(::epoll_create1(EPOLL_CLOEXEC));
  wake = Socket(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!epoll.open() || !wake.open()) return failed(std::string("DNS: epoll: ") + std::strerror(errno));
  RETURN_IF_ERROR(watch(wake.fd(), kWake, EPOLLIN, EPOLL_CTL_ADD));
  for (size_t i = 0; i < listeners.size(); ++i) {
    RETURN_IF_ERROR(watch(listeners[i].udp.fd(), kUdp | i, EPOLLIN, EPOLL_CTL_ADD));
    RETURN_IF_ERROR(watch(listeners[i].tcp.fd(), kAccept | i, EPOLLIN, EPOLL_CTL_ADD));
  }
  for (const std::string& upstream : settings.upstreams) {
    Result<SocketAddress> parsed = parse_address(upstream, kDnsPort);
    if (!parsed.ok()) return parsed.error();
  }
  responder = std::make_unique<DnsResponder>(settings, epoll.fd(), kUpstream, random_seed(), tally);
  file_read = false;
  file_due = {};
  return {};
}

void DnsServer::State::close() {
  responder.reset();
  connections.clear();
  listeners.clear();
  epoll = Socket();
  wake = Socket();
  port.store(0);
}

// Whom to ask: those of the settings, or the node's own file, whenever it has changed. Never ourselves.
void DnsServer::State::read_upstreams(MonoTime now) {
  if (now < file_due) return;
  file_due = now + kFileEvery;
  std::vector<std::string> texts = settings.upstreams;
  if (texts.empty()) {
    struct stat info {};
    bool there = ::stat(settings.resolv_conf.c_str(), &info) == 0;
    bool same = file_read && there && info.st_mtim.tv_sec == file_changed.tv_sec &&
                info.st_mtim.tv_nsec == file_changed.tv_nsec;
    if (same) return;
    file_changed = info.st_mtim;
    texts = parse_resolv_conf(read_small_file(settings.resolv_conf)).nameservers;
  } else if (file_read) {
    return;
  }
  file_read = true;
  std::vector<SocketAddress> servers;
  for (const std::string& text : texts) {
    Result<SocketAddress> address = parse_address(text, kDnsPort);
    if (!address.ok()) {
      log::warning("dns", address.error().message + "; it is left out");
      continue;
    }
    bool own = std::any_of(listeners.begin(), listeners.end(),
                           [&](const DnsListener& one) { return one.address == *address; });
    if (!own) servers.push_back(*address);
  }
  responder->set_servers(std::move(servers));
}

int DnsServer::State::wait_milliseconds(MonoTime now) const {
  MonoTime until = file_due;
  if (std::optional<MonoTime> deadline = responder->next_deadline()) until = std::min(until, *deadline);
  if (!connections.empty()) until = std::min(until, now + std::chrono::seconds{1});
  Duration left = std::max(Duration{0}, until - now);
  return static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(left).count());
}

void DnsServer::State::run() {
  std::array<epoll_event, 64> events;
  while (!stopping.load()) {
    MonoTime now = read_clock().mono;
    read_upstreams(now);
    int count = ::epoll_wait(epoll.fd(), events.data(), events.size(), wait_milliseconds(now));
    if (count < 0 && errno != EINTR) {
      log::error("dns", std::string("epoll_wait: ") + std::strerror(errno));
      return;
    }
    // Between these two marks a zone is in use: publish() waits for the second.
    batch.fetch_add(1);
    serve_events(events.data(), static_cast<size_t>(std::max(0, count)), read_clock().mono);
    batch.fetch_add(1);
    batch.notify_all();
  }
}

void DnsServer::State::serve_events(const epoll_event* events, size_t count, MonoTime now) {
  DnsZonePtr current = zone.get();
  for (size_t i = 0; i < count; ++i) {
    uint64_t tagged = events[i].data.u64, number = tagged & ~kTagMask;
    switch (tagged & kTagMask) {
      case kUdp:
        on_datagrams(current.get(), number, now);
        break;
      case kAccept:
        on_accept(number, now);
        break;
      case kConnection:
        on_connection(current.get(), number, events[i].events, now);
        break;
      case kUpstream:
        send_all(responder->on_ready(current.get(), tagged, events[i].events, now), now);
        break;
      default:
        break;
    }
  }
  send_all(responder->on_time(current.get(), now), now);
  close_idle(now);
}

void DnsServer::State::on_datagrams(const DnsZone* current, size_t listener, MonoTime now) {
  Batch& all = *datagrams;
  for (size_t turn = 0; turn < kBatchesInARow; ++turn) {
    for (size_t i = 0; i < kBatch; ++i) {
      all.in[i] = {all.bytes[i].data(), all.bytes[i].size()};
      all.messages[i] = {};
      all.messages[i].msg_hdr.msg_name = &all.from[i];
      all.messages[i].msg_hdr.msg_namelen = sizeof(all.from[i]);
      all.messages[i].msg_hdr.msg_iov = &all.in[i];
      all.messages[i].msg_hdr.msg_iovlen = 1;
    }
    int got = ::recvmmsg(listeners[listener].udp.fd(), all.messages.data(), kBatch, MSG_DONTWAIT, nullptr);
    if (got <= 0) return;
    send_batch(listener, answer_batch(current, listener, static_cast<size_t>(got), now));
    if (static_cast<size_t>(got) < kBatch) return;
  }
}

// Fills `replies`; how many there are.
size_t DnsServer::State::answer_batch(const DnsZone* current, size_t listener, size_t received,
                                      MonoTime now) {
  Batch& all = *datagrams;
  size_t count = 0;
  for (size_t i = 0; i < received; ++i) {
    const msghdr& message = all.messages[i].msg_hdr;
    // Longer than any question of ours: what was cut off makes it malformed.
    std::string_view packet(all.bytes[i].data(), all.messages[i].msg_len);
    DnsResponder::Sender sender{0, listener, &all.from[i], message.msg_namelen};
    std::optional<std::string> bytes = responder->on_packet(current, packet, sender, now);
    if (!bytes) continue;
    all.answers[count] = std::move(*bytes);
    all.out[count] = {all.answers[count].data(), all.answers[count].size()};
    all.replies[count] = {};
    all.replies[count].msg_hdr.msg_name = &all.from[i];
    all.replies[count].msg_hdr.msg_namelen = message.msg_namelen;
    all.replies[count].msg_hdr.msg_iov = &all.out[count];
    all.replies[count].msg_hdr.msg_iovlen = 1;
    ++count;
  }
  return count;
}

// What does not go out is lost, as datagrams are: who asked asks again.
void DnsServer::State::send_batch(size_t listener, size_t count) {
  for (size_t at = 0; at < count;) {
    int sent = ::sendmmsg(listeners[listener].udp.fd(), &datagrams->replies[at],
                          static_cast<unsigned>(count - at), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0 && errno == EAGAIN) return;
    at += sent > 0 ? static_cast<size_t>(sent) : 1;
  }
}

void DnsServer::State::on_accept(size_t listener, MonoTime now) {
  for (size_t i = 0; i < kBatch; ++i) {
    Socket socket(::accept4(listeners[listener].tcp.fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!socket.open()) {
      if (errno == EMFILE || errno == ENFILE) close_idlest();
      return;
    }
    if (connections.size() >= settings.max_tcp_connections) close_idlest();
    uint64_t number = ++next_connection;
    if (!watch(socket.fd(), kConnection | number, EPOLLIN, EPOLL_CTL_ADD).ok()) return;
    connections[number] = {std::move(socket), "", "", now, false};
  }
}

void DnsServer::State::on_connection(const DnsZone* current, uint64_t number, uint32_t events, MonoTime now) {
  auto found = connections.find(number);
  if (found == connections.end()) return;
  Connection& connection = found->second;
  bool alive = (events & EPOLLERR) == 0;
  if (alive && (events & EPOLLOUT) != 0) alive = flush(number, connection);
  if (alive && (events & (EPOLLIN | EPOLLHUP)) != 0)
    alive = read_connection(current, number, connection, now);
  if (!alive) connections.erase(number);
}

// False: the connection is to be closed.
bool DnsServer::State::read_connection(const DnsZone* current, uint64_t number, Connection& connection,
                                       MonoTime now) {
  std::array<char, 16384> buffer;
  ssize_t got = ::recv(connection.socket.fd(), buffer.data(), buffer.size(), 0);
  if (got < 0) return errno == EAGAIN || errno == EINTR;
  if (got == 0) return false;
  connection.received.append(buffer.data(), static_cast<size_t>(got));
  size_t at = 0;
  while (connection.received.size() - at >= 2) {
    size_t size = static_cast<size_t>(static_cast<uint8_t>(connection.received[at])) << 8 |
                  static_cast<uint8_t>(connection.received[at + 1]);
    // No question is that long: somebody who speaks something else.
    if (size > kMostQuestion) return false;
    if (connection.received.size() - at - 2 < size) break;
    std::string packet = connection.received.substr(at + 2, size);
    at += 2 + size;
    DnsResponder::Sender sender{number, 0, nullptr, 0};
    std::optional<std::string> bytes = responder->on_packet(current, packet, sender, now);
    if (bytes && !reply_on(number, connection, *bytes, now)) return false;
    connection.idle_since = now;
  }
  connection.received.erase(0, at);
  return true;
}

bool DnsServer::State::reply_on(uint64_t number, Connection& connection, const std::string& bytes,
                                MonoTime now) {
  if (connection.unsent.size() > kMostUnsent) return false;  // asks and does not read
  connection.unsent += {static_cast<char>(bytes.size() >> 8), static_cast<char>(bytes.size() & 0xff)};
  connection.unsent += bytes;
  connection.idle_since = now;
  return flush(number, connection);
}

bool DnsServer::State::flush(uint64_t number, Connection& connection) {
  while (!connection.unsent.empty()) {
    ssize_t sent =
        ::send(connection.socket.fd(), connection.unsent.data(), connection.unsent.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && errno != EAGAIN) return false;
    if (sent < 0) break;
    connection.unsent.erase(0, static_cast<size_t>(sent));
  }
  bool wanted = !connection.unsent.empty();
  if (wanted == connection.watches_writing) return true;
  connection.watches_writing = wanted;
  uint32_t events = wanted ? EPOLLIN | EPOLLOUT : EPOLLIN;
  return watch(connection.socket.fd(), kConnection | number, events, EPOLL_CTL_MOD).ok();
}

void DnsServer::State::close_idle(MonoTime now) {
  std::erase_if(connections, [&](auto& one) { return now - one.second.idle_since > settings.tcp_idle; });
}

void DnsServer::State::close_idlest() {
  auto idlest = std::min_element(connections.begin(), connections.end(),
                                 [](auto& a, auto& b) { return a.second.idle_since < b.second.idle_since; });
  if (idlest != connections.end()) connections.erase(idlest);
}

void DnsServer::State::send_all(std::vector<DnsResponder::Delivery> deliveries, MonoTime now) {
  for (DnsResponder::Delivery& one : deliveries) {
    if (one.client.connection == 0) {
      const SocketAddress& to = one.client.address;
      ::sendto(listeners[one.client.listener].udp.fd(), one.bytes.data(), one.bytes.size(),
               MSG_DONTWAIT | MSG_NOSIGNAL, to.raw(), to.size);
      continue;
    }
    auto found = connections.find(one.client.connection);
    if (found == connections.end()) continue;
    if (!reply_on(found->first, found->second, one.bytes, now)) connections.erase(found);
  }
}

DnsServer::DnsServer() : state_(std::make_unique<State>()) {}

DnsServer::~DnsServer() { stop(); }

Status DnsServer::start(const DnsServerSettings& settings) {
  State& s = *state_;
  ENSURE(!s.thread.joinable(), "a DNS server is started once");
  Status opened = s.open(settings);
  if (!opened.ok()) {
    s.close();
    return opened;
  }
  s.port.store(s.listeners.front().address.port());
  s.stopping.store(false);
  s.thread = std::thread([&s] { s.run(); });
  return {};
}

void DnsServer::publish(NetworkStatePtr state) {
  ENSURE(state != nullptr, "there is a state to publish");
  State& s = *state_;
  std::lock_guard lock(s.publishing);
  s.zone.set(DnsZone::make(std::move(state), s.zone.get()));
  // Whoever began before this line may hold the zone before; whoever begins later sees the new one.
  uint64_t running = s.batch.load();
  if (running % 2 == 1) s.batch.wait(running);
}

void DnsServer::stop() {
  State& s = *state_;
  if (!s.thread.joinable()) return;
  s.stopping.store(true);
  uint64_t one = 1;
  [[maybe_unused]] ssize_t written = ::write(s.wake.fd(), &one, sizeof(one));
  s.thread.join();
  s.close();
}

uint16_t DnsServer::port() const { return state_->port.load(); }

DnsCounters DnsServer::counters() const {
  const DnsTally& tally = state_->tally;
  DnsCounters out;
  out.queries = tally.queries;
  out.answered = tally.answered;
  out.cached = tally.cached;
  out.forwarded = tally.forwarded;
  out.shared = tally.shared;
  out.errors = tally.errors;
  out.malformed = tally.malformed;
  out.upstream_timeouts = tally.upstream_timeouts;
  out.upstream_rejected = tally.upstream_rejected;
  out.tcp_queries = tally.tcp_queries;
  return out;
}

}  // namespace mainstay
