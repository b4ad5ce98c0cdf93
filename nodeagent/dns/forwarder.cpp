#include "nodeagent/dns/forwarder.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "nodeagent/dns/dns_cache.h"
#include "nodeagent/dns/upstream_message.h"
#include "nodeagent/own_mark.h"
#include "schema/base/crypto.h"

namespace mainstay {
namespace {

constexpr int kFailuresToRest = 2;
constexpr size_t kMostServers = 3;  // as every resolver reads of resolv.conf
constexpr size_t kRounds = 2;
constexpr size_t kMostRejected = 64;  // packets of others before an attempt is given up
constexpr uint64_t kNumberMask = (uint64_t{1} << 56) - 1;

uint16_t random_id() {
  std::string bytes = random_bytes(2);
  return static_cast<uint16_t>(static_cast<uint8_t>(bytes[0]) << 8 | static_cast<uint8_t>(bytes[1]));
}

DnsReply server_failure() {
  DnsReply out;
  out.rcode = DnsRcode::kServerFailure;
  return out;
}

}  // namespace

void DnsForwarder::set_servers(std::vector<SocketAddress> servers) {
  servers_.clear();
  for (SocketAddress& one : servers) {
    if (servers_.size() < kMostServers) servers_.push_back({std::move(one), 0, {}});
  }
}

DnsForwarder::Asked DnsForwarder::ask(const DnsQuestion& question, DnsClient client, MonoTime now) {
  std::string key = dns_cache_key(question);
  if (auto found = by_key_.find(key); found != by_key_.end()) {
    Query& query = queries_.at(found->second);
    if (query.clients.size() >= settings_.max_waiting) return Asked::kFull;
    query.clients.push_back(std::move(client));
    return Asked::kShared;
  }
  if (servers_.empty() || queries_.size() >= settings_.max_in_flight) return Asked::kFull;
  uint64_t number = ++next_number_ & kNumberMask;
  Query& query = queries_[number];
  query.key = key;
  query.question = question;
  query.ends = now + settings_.total_timeout;
  query.clients.push_back(std::move(client));
  if (!attempt(number, query, now)) {
    queries_.erase(number);
    return Asked::kFull;
  }
  by_key_.emplace(std::move(key), number);
  ++counters_.asked;
  return Asked::kSent;
}

// The first in order that is not resting, each after the one asked before; the next in order if all rest.
size_t DnsForwarder::choose_server(const Query& query, MonoTime now) const {
  size_t first = query.attempts == 0 ? 0 : query.server + 1;
  for (size_t i = 0; i < servers_.size(); ++i) {
    size_t at = (first + i) % servers_.size();
    if (servers_[at].rests_until <= now) return at;
  }
  return first % servers_.size();
}

void DnsForwarder::server_failed(size_t server, MonoTime now) {
  if (server >= servers_.size()) return;
  if (++servers_[server].failures >= kFailuresToRest) servers_[server].rests_until = now + settings_.rest;
}

bool DnsForwarder::attempt(uint64_t number, Query& query, MonoTime now) {
  while (!servers_.empty() && query.attempts < kRounds * servers_.size() && now < query.ends) {
    query.server = choose_server(query, now);
    // One question finds out whether a server that has rested is back; the others need not wait with it.
    Server& server = servers_[query.server];
    if (server.failures >= kFailuresToRest) server.rests_until = std::max(server.rests_until, now + settings_.rest);
    ++query.attempts;
    query.tcp = false;
    if (send(number, query, now)) return true;
    server_failed(query.server, now);
  }
  return false;
}

bool DnsForwarder::send(uint64_t number, Query& query, MonoTime now) {
  if (query.server >= servers_.size()) return false;
  const SocketAddress& to = servers_[query.server].address;
  int type = (query.tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK | SOCK_CLOEXEC;
  query.socket = Socket(::socket(to.family(), type, 0));
  if (!query.socket.open()) return false;
  mark_as_own(query.socket.fd());
  query.id = random_id();
  query.rejected = 0;
  query.received.clear();
  query.unsent.clear();
  query.attempt_ends = std::min(now + settings_.attempt_timeout, query.ends);
  // Connected, so that the kernel takes packets of this server only.
  int connected = ::connect(query.socket.fd(), to.raw(), to.size);
  if (connected != 0 && errno != EINPROGRESS) return false;
  std::string message = encode_upstream_question(query.id, query.question, query.edns);
  if (query.tcp) {
    query.unsent = {static_cast<char>(message.size() >> 8), static_cast<char>(message.size() & 0xff)};
    query.unsent += message;
  } else if (::send(query.socket.fd(), message.data(), message.size(), MSG_NOSIGNAL) < 0) {
    return false;
  }
  epoll_event event{};
  event.events = query.tcp ? EPOLLOUT | EPOLLIN : EPOLLIN;
  event.data.u64 = tag_ | number;
  return ::epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, query.socket.fd(), &event) == 0;
}

std::optional<DnsReply> DnsForwarder::try_next(uint64_t number, Query& query, MonoTime now) {
  server_failed(query.server, now);
  if (attempt(number, query, now)) return std::nullopt;
  return server_failure();
}

std::optional<DnsReply> DnsForwarder::take(uint64_t number, Query& query, std::string_view packet,
                                           MonoTime now) {
  Result<UpstreamAnswer> answer = parse_upstream_answer(packet, query.id, query.question);
  if (!answer.ok()) {
    ++counters_.rejected;
    if (!query.tcp && ++query.rejected < kMostRejected) return std::nullopt;
    return try_next(number, query, now);
  }
  // Whatever it says, it is there.
  if (query.server < servers_.size()) {
    servers_[query.server].failures = 0;
    servers_[query.server].rests_until = {};
  }
  if (answer->truncated && !query.tcp) {
    query.tcp = true;
    if (send(number, query, now)) return std::nullopt;
    return try_next(number, query, now);
  }
  DnsRcode rcode = answer->reply.rcode;
  bool no_options =
      rcode == DnsRcode::kFormatError || rcode == DnsRcode::kNotImplemented || rcode == DnsRcode::kBadVersion;
  if (no_options && query.edns) {
    query.edns = false;
    if (send(number, query, now)) return std::nullopt;
    return try_next(number, query, now);
  }
  if (rcode != DnsRcode::kNoError && rcode != DnsRcode::kNoName) {
    // Somebody who does not want to answer is no reason to leave it alone, but the next one may.
    bool more = ++query.refusals < servers_.size() && attempt(number, query, now);
    return more ? std::nullopt : std::optional(server_failure());
  }
  return std::move(answer->reply);
}

std::optional<DnsReply> DnsForwarder::read_udp(uint64_t number, Query& query, MonoTime now) {
  std::array<char, 4096> buffer;
  // A new attempt replaces the socket: what follows belongs to another turn.
  int fd = query.socket.fd();
  while (query.socket.fd() == fd && !query.tcp) {
    ssize_t got = ::recv(fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (got < 0) {
      if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) return std::nullopt;
      return try_next(number, query, now);
    }
    size_t before = query.attempts;
    std::optional<DnsReply> reply = take(number, query, {buffer.data(), static_cast<size_t>(got)}, now);
    if (reply || query.attempts != before) return reply;
  }
  return std::nullopt;
}

std::optional<DnsReply> DnsForwarder::move_tcp(uint64_t number, Query& query, uint32_t events, MonoTime now) {
  if ((events & EPOLLOUT) != 0 && !query.unsent.empty()) {
    ssize_t sent = ::send(query.socket.fd(), query.unsent.data(), query.unsent.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN && errno != EINTR) return try_next(number, query, now);
    if (sent > 0) query.unsent.erase(0, static_cast<size_t>(sent));
    if (query.unsent.empty()) {
      epoll_event event{};
      event.events = EPOLLIN;
      event.data.u64 = tag_ | number;
      ::epoll_ctl(epoll_fd_, EPOLL_CTL_MOD, query.socket.fd(), &event);
    }
  }
  if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) == 0) return std::nullopt;
  std::array<char, 16384> buffer;
  ssize_t got = ::recv(query.socket.fd(), buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return std::nullopt;
  if (got <= 0) return try_next(number, query, now);
  query.received.append(buffer.data(), static_cast<size_t>(got));
  if (query.received.size() < 2) return std::nullopt;
  size_t size = static_cast<size_t>(static_cast<uint8_t>(query.received[0])) << 8 |
                static_cast<uint8_t>(query.received[1]);
  if (query.received.size() < size + 2) return std::nullopt;
  std::string packet = query.received.substr(2, size);
  return take(number, query, packet, now);
}

DnsForwarder::Done DnsForwarder::finish(uint64_t number, DnsReply reply) {
  auto found = queries_.find(number);
  Done out{std::move(found->second.question), std::move(reply), std::move(found->second.clients)};
  by_key_.erase(found->second.key);
  queries_.erase(found);
  return out;
}

std::vector<DnsForwarder::Done> DnsForwarder::on_ready(uint64_t tagged, uint32_t events, MonoTime now) {
  std::vector<Done> out;
  uint64_t number = tagged & kNumberMask;
  auto found = queries_.find(number);
  if (found == queries_.end()) return out;
  Query& query = found->second;
  std::optional<DnsReply> reply =
      query.tcp ? move_tcp(number, query, events, now) : read_udp(number, query, now);
  if (reply) out.push_back(finish(number, std::move(*reply)));
  return out;
}

std::vector<DnsForwarder::Done> DnsForwarder::on_time(MonoTime now) {
  std::vector<uint64_t> late;
  for (const auto& [number, query] : queries_) {
    if (now >= query.attempt_ends) late.push_back(number);
  }
  std::vector<Done> out;
  for (uint64_t number : late) {
    ++counters_.timeouts;
    std::optional<DnsReply> reply = try_next(number, queries_.at(number), now);
    if (reply) out.push_back(finish(number, std::move(*reply)));
  }
  return out;
}

std::optional<MonoTime> DnsForwarder::next_deadline() const {
  std::optional<MonoTime> out;
  for (const auto& [number, query] : queries_) {
    if (!out || query.attempt_ends < *out) out = query.attempt_ends;
  }
  return out;
}

}  // namespace mainstay
