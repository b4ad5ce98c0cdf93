// The DNS server over real sockets on loopback: what is answered, asked of others, remembered; servers that
// are dead, slow or lie; floods and nonsense; and that nobody gets an address that is gone.
#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <fstream>
#include <functional>
#include <mutex>
#include <set>
#include <thread>

#include "nodeagent/dns/dns_server.h"
#include "nodeagent/dns/socket.h"
#include "schema/base/rng.h"
#include "tests/dns/dns_packet.h"
#include "tests/support/processes.h"

using namespace mainstay;

#define REQUIRE_OK(expression)                          \
  do {                                                  \
    auto&& outcome_ = (expression);                     \
    if (!outcome_.ok()) FAIL(outcome_.error().message); \
  } while (false)

namespace {

using Lines = std::vector<std::string>;

NetworkStatePtr state_with(const std::vector<std::string>& addresses) {
  NetworkState state = empty_cluster();
  put(state, cluster_service("default", "web", "10.96.7.1"));
  put(state, cluster_service("default", "db", ""));
  std::vector<NetworkEndpoint> endpoints;
  for (const std::string& address : addresses) endpoints.push_back(endpoint_at(address));
  put(state, slice_of("default", "db", endpoints));
  NetworkService outside;
  outside.ns = "default";
  outside.name = "outside";
  outside.type = "ExternalName";
  outside.external_name = "www.example.com";
  put(state, outside);
  return std::make_shared<const NetworkState>(std::move(state));
}

Socket connect_to(uint16_t port, int type) {
  SocketAddress to = *parse_address("127.0.0.1", port);
  Socket out(::socket(AF_INET, type | SOCK_CLOEXEC, 0));
  REQUIRE(::connect(out.fd(), to.raw(), to.size) == 0);
  return out;
}

std::string receive(const Socket& socket, int milliseconds = 10000) {
  pollfd ready{socket.fd(), POLLIN, 0};
  if (::poll(&ready, 1, milliseconds) != 1) return "";
  std::string out(65535, '\0');
  ssize_t got = ::recv(socket.fd(), out.data(), out.size(), 0);
  out.resize(static_cast<size_t>(std::max<ssize_t>(0, got)));
  return out;
}

void send_on(const Socket& socket, const std::string& bytes) {
  REQUIRE(::send(socket.fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
          static_cast<ssize_t>(bytes.size()));
}

ReadPacket ask(const DnsServer& server, const std::string& name, const std::string& type = "A",
               size_t edns = 0) {
  Socket socket = connect_to(server.port(), SOCK_DGRAM);
  send_on(socket, make_question(name, type, 7, edns));
  ReadPacket out = read_packet(receive(socket));
  REQUIRE(out.readable);
  return out;
}

std::string framed(const std::string& bytes) {
  return std::string{static_cast<char>(bytes.size() >> 8), static_cast<char>(bytes.size() & 0xff)} + bytes;
}

// The next message of a TCP connection.
ReadPacket read_framed(const Socket& socket, std::string& rest) {
  auto size = [&] {
    return static_cast<size_t>(static_cast<uint8_t>(rest[0])) << 8 | static_cast<uint8_t>(rest[1]);
  };
  while (rest.size() < 2 || rest.size() < size() + 2) {
    std::string more = receive(socket);
    if (more.empty()) return {};
    rest += more;
  }
  ReadPacket out = read_packet(std::string_view(rest).substr(2, size()));
  rest.erase(0, size() + 2);
  return out;
}

// A name server on loopback that answers what it is told to. UDP; TCP too if `over_tcp` is given.
class Upstream {
 public:
  // The packets to send for a question; none: silence.
  using Answers = std::function<std::vector<std::string>(const std::string& query, int count)>;

  explicit Upstream(Answers answers, Answers over_tcp = nullptr)
      : answers_(std::move(answers)), tcp_(over_tcp) {
    for (int i = 0; i < 50; ++i) {
      SocketAddress address = *parse_address("127.0.0.1", 1);
      reinterpret_cast<sockaddr_in&>(address.storage).sin_port = 0;
      udp_ = Socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
      listening_ = Socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
      REQUIRE(::bind(udp_.fd(), address.raw(), address.size) == 0);
      address.size = sizeof(address.storage);
      ::getsockname(udp_.fd(), reinterpret_cast<sockaddr*>(&address.storage), &address.size);
      port_ = address.port();
      if (::bind(listening_.fd(), address.raw(), address.size) == 0 && ::listen(listening_.fd(), 8) == 0)
        break;
    }
    thread_ = std::thread([this] { run(); });
  }
  ~Upstream() {
    stopping_ = true;
    thread_.join();
  }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  int asked() const { return asked_; }
  std::set<uint16_t> ports() {
    std::lock_guard lock(mutex_);
    return ports_;
  }
  std::set<uint16_t> ids() {
    std::lock_guard lock(mutex_);
    return ids_;
  }

 private:
  void run() {
    while (!stopping_) {
      std::array<pollfd, 2> ready = {pollfd{udp_.fd(), POLLIN, 0}, pollfd{listening_.fd(), POLLIN, 0}};
      if (::poll(ready.data(), ready.size(), 20) <= 0) continue;
      if (ready[0].revents != 0) serve_udp();
      if (ready[1].revents != 0 && tcp_) serve_tcp();
    }
  }
  void serve_udp() {
    SocketAddress from;
    from.size = sizeof(from.storage);
    std::string query(4096, '\0');
    ssize_t got = ::recvfrom(udp_.fd(), query.data(), query.size(), 0,
                             reinterpret_cast<sockaddr*>(&from.storage), &from.size);
    if (got < 12) return;
    query.resize(static_cast<size_t>(got));
    {
      std::lock_guard lock(mutex_);
      ports_.insert(from.port());
      ids_.insert(
          static_cast<uint16_t>(static_cast<uint8_t>(query[0]) << 8 | static_cast<uint8_t>(query[1])));
    }
    for (const std::string& one : answers_(query, ++asked_)) {
      ::sendto(udp_.fd(), one.data(), one.size(), 0, from.raw(), from.size);
    }
  }
  void serve_tcp() {
    Socket connection(::accept(listening_.fd(), nullptr, nullptr));
    std::string query = receive(connection);
    if (query.size() < 14) return;
    for (const std::string& one : tcp_(query.substr(2), ++asked_)) {
      std::string bytes = framed(one);
      // In two parts: a stream owes nobody whole messages.
      ::send(connection.fd(), bytes.data(), bytes.size() / 2, MSG_NOSIGNAL);
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
      ::send(connection.fd(), bytes.data() + bytes.size() / 2, bytes.size() - bytes.size() / 2, MSG_NOSIGNAL);
    }
  }

  Answers answers_, tcp_;
  Socket udp_, listening_;
  uint16_t port_ = 0;
  std::atomic<int> asked_{0};
  std::atomic<bool> stopping_{false};
  std::mutex mutex_;
  std::set<uint16_t> ports_, ids_;
  std::thread thread_;
};

std::vector<std::string> example(const std::string& query, int) {
  MadeAnswer made;
  made.answers = {"www.example.com. 60 IN A 192.0.2.1"};
  return {make_answer(query, made)};
}

std::vector<std::string> silence(const std::string&, int) { return {}; }

struct Running {
  DnsServer server;
  explicit Running(std::vector<std::string> upstreams,
                   std::function<void(DnsServerSettings&)> change = nullptr) {
    DnsServerSettings settings;
    settings.addresses = {"127.0.0.1"};
    settings.port = 0;
    settings.upstreams = std::move(upstreams);
    settings.resolv_conf = "/nonexistent";
    settings.attempt_timeout = 200ms;
    settings.total_timeout = 2s;
    if (change) change(settings);
    REQUIRE_OK(server.start(settings));
    server.publish(state_with({"10.244.1.1"}));
  }
};

}  // namespace

TEST_CASE("dns server: answers over UDP and TCP, several questions on one connection") {
  Running run({});
  CHECK(ask(run.server, "web.default.svc.cluster.local.").answers ==
        Lines{"web.default.svc.cluster.local. 5 IN A 10.96.7.1"});
  Socket tcp = connect_to(run.server.port(), SOCK_STREAM);
  std::string both = framed(make_question("web.default.svc.cluster.local.", "A", 1)) +
                     framed(make_question("db.default.svc.cluster.local.", "A", 2));
  send_on(tcp, both.substr(0, 5));
  send_on(tcp, both.substr(5));
  std::string rest;
  CHECK(read_framed(tcp, rest).id == 1);
  CHECK(read_framed(tcp, rest).id == 2);
  CHECK(run.server.counters().queries == 3);
  CHECK(run.server.counters().tcp_queries == 2);
}

TEST_CASE("dns server: before it knows the cluster it answers nothing; it can start again") {
  DnsServer server;
  DnsServerSettings settings;
  settings.addresses = {"127.0.0.1", "127.0.0.2"};
  settings.port = 0;
  settings.resolv_conf = "/nonexistent";
  REQUIRE_OK(server.start(settings));
  CHECK(ask(server, "web.default.svc.cluster.local.").rcode == 2);
  DnsServer second;
  settings.port = server.port();
  Status taken = second.start(settings);
  REQUIRE_FALSE(taken.ok());
  CHECK(taken.error().code == ErrorCode::kBusy);
  server.publish(state_with({}));
  CHECK(ask(server, "web.default.svc.cluster.local.").rcode == 0);
  server.stop();
  CHECK(server.port() == 0);
  REQUIRE_OK(server.start(settings));
  CHECK(ask(server, "web.default.svc.cluster.local.").rcode == 0);
  settings.addresses = {"nowhere"};
  CHECK(second.start(settings).error().code == ErrorCode::kInvalid);
  settings.addresses = {"192.0.2.1"};
  CHECK(second.start(settings).error().code == ErrorCode::kUnavailable);
}

TEST_CASE("dns server: an answer too long for UDP is whole over TCP") {
  Running run({});
  std::vector<std::string> addresses;
  for (int i = 0; i < 200; ++i) addresses.push_back("10.244.1." + std::to_string(i));
  run.server.publish(state_with(addresses));
  ReadPacket cut = ask(run.server, "db.default.svc.cluster.local.", "A", 1232);
  CHECK(cut.truncated);
  CHECK(cut.answers.size() > 50);
  Socket tcp = connect_to(run.server.port(), SOCK_STREAM);
  send_on(tcp, framed(make_question("db.default.svc.cluster.local.", "A")));
  std::string rest;
  ReadPacket whole = read_framed(tcp, rest);
  CHECK_FALSE(whole.truncated);
  CHECK(whole.answers.size() == 200);
}

TEST_CASE("dns server: after publish() returns nobody gets the address before, however many ask") {
  Running run({});
  std::atomic<int> generation{1};
  std::atomic<bool> stopping{false};
  std::atomic<int> asked{0}, stale{0};
  std::vector<std::thread> clients;
  uint16_t port = run.server.port();
  for (int i = 0; i < 3; ++i) {
    clients.emplace_back([&] {
      Socket socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
      SocketAddress to = *parse_address("127.0.0.1", port);
      ::connect(socket.fd(), to.raw(), to.size);
      std::string question = make_question("db.default.svc.cluster.local.", "A");
      while (!stopping) {
        int least = generation;
        ::send(socket.fd(), question.data(), question.size(), 0);
        std::string bytes = receive(socket, 2000);
        if (bytes.size() < 4) continue;
        // The last byte of the only address is the generation.
        int got = static_cast<uint8_t>(bytes.back());
        ++asked;
        if (got < least) ++stale;
      }
    });
  }
  for (int i = 2; i <= 200; ++i) {
    run.server.publish(state_with({"10.244.1." + std::to_string(i)}));
    generation = i;
  }
  stopping = true;
  for (std::thread& client : clients) client.join();
  CHECK(stale == 0);
  CHECK(asked > 0);
}

TEST_CASE("dns server: other names are asked once and remembered") {
  Upstream upstream(example);
  Running run({upstream.address()});
  ReadPacket first = ask(run.server, "www.example.com.", "A", 1232);
  CHECK(first.answers == Lines{"www.example.com. 60 IN A 192.0.2.1"});
  CHECK(first.recursion_available);
  CHECK_FALSE(first.authoritative);
  CHECK(ask(run.server, "WWW.example.COM.").question.starts_with("WWW.example.COM."));
  CHECK(upstream.asked() == 1);
  CHECK(run.server.counters().cached == 1);
  CHECK(run.server.counters().forwarded == 1);
}

TEST_CASE("dns server: an alias to outside has its addresses along") {
  Upstream upstream(example);
  Running run({upstream.address()});
  CHECK(ask(run.server, "outside.default.svc.cluster.local.").answers ==
        Lines{"outside.default.svc.cluster.local. 5 IN CNAME www.example.com.",
              "www.example.com. 60 IN A 192.0.2.1"});
  CHECK(ask(run.server, "outside.default.svc.cluster.local.").answers.size() == 2);
  CHECK(upstream.asked() == 1);
}

TEST_CASE("dns server: \"no such name\" is remembered") {
  Upstream upstream([](const std::string& query, int) -> std::vector<std::string> {
    MadeAnswer made;
    made.rcode = 3;
    made.authority = {"example.com. 60 IN SOA a.example.com. b.example.com. 1 2 3 4 60"};
    return {make_answer(query, made)};
  });
  Running run({upstream.address()});
  CHECK(ask(run.server, "none.example.com.").rcode == 3);
  ReadPacket again = ask(run.server, "none.example.com.");
  CHECK(again.rcode == 3);
  CHECK(again.authority.size() == 1);
  CHECK(upstream.asked() == 1);
}

TEST_CASE("dns server: a dead server costs one attempt, then the next is asked first") {
  Upstream dead(silence), alive(example);
  Running run({dead.address(), alive.address()});
  CHECK(ask(run.server, "www.example.com.").answers.size() == 1);
  for (const char* name : {"a.example.com.", "b.example.com.", "c.example.com.", "d.example.com."}) {
    ask(run.server, name);
  }
  CHECK(dead.asked() == 2);
  CHECK(alive.asked() == 5);
  CHECK(run.server.counters().upstream_timeouts == 2);
}

TEST_CASE("dns server: whether a dead server is back one question finds out, and no other waits") {
  std::atomic<bool> back{false};
  Upstream first([&](const std::string& query, int asked) {
    return back ? example(query, asked) : silence(query, asked);
  });
  Upstream second(example);
  Running run({first.address(), second.address()}, [](auto& settings) { settings.server_rest = 300ms; });
  ask(run.server, "a.example.com.");
  ask(run.server, "b.example.com.");
  REQUIRE(first.asked() == 2);
  // Many ask at once, until its rest is over and one of them is sent there.
  for (int round = 0; first.asked() == 2; ++round) {
    std::vector<Socket> many;
    for (int i = 0; i < 8; ++i) {
      std::string name = "x" + std::to_string(i) + "-" + std::to_string(round) + ".example.com.";
      send_on(many.emplace_back(connect_to(run.server.port(), SOCK_DGRAM)), make_question(name, "A"));
    }
    for (const Socket& one : many) CHECK(read_packet(receive(one)).rcode == 0);
  }
  CHECK(first.asked() == 3);
  back = true;
  for (int n = 0; first.asked() == 3; ++n) ask(run.server, "c" + std::to_string(n) + ".example.com.");
  ask(run.server, "d.example.com.");
  CHECK(first.asked() == 5);
  CHECK(run.server.counters().upstream_timeouts == 3);
}

TEST_CASE("dns server: nobody listens, or nobody answers: SERVFAIL") {
  uint16_t closed;
  {
    Upstream gone(silence);
    closed = parse_address(gone.address(), 53)->port();
  }
  Running refused({"127.0.0.1:" + std::to_string(closed)});
  CHECK(ask(refused.server, "www.example.com.").rcode == 2);
  Upstream dead(silence);
  Running mute({dead.address()});
  CHECK(ask(mute.server, "www.example.com.").rcode == 2);
  CHECK(mute.server.counters().errors == 1);
  CHECK(ask(mute.server, "web.default.svc.cluster.local.").rcode == 0);
  Running alone({});
  ReadPacket packet = ask(alone.server, "www.example.com.");
  CHECK(packet.rcode == 2);
  CHECK_FALSE(packet.recursion_available);
}

TEST_CASE("dns server: a server that fails or refuses is passed over") {
  auto code = [](int rcode) {
    return [rcode](const std::string& query, int) -> std::vector<std::string> {
      MadeAnswer made;
      made.rcode = rcode;
      return {make_answer(query, made)};
    };
  };
  Upstream failing(code(2)), refusing(code(5)), good(example);
  Running run({failing.address(), refusing.address(), good.address()});
  CHECK(ask(run.server, "www.example.com.").answers.size() == 1);
  // In the order they are named, and if all of them fail each was asked once.
  CHECK(failing.asked() == 1);
  CHECK(refusing.asked() == 1);
  Upstream also(code(5));
  Running all({failing.address(), also.address()});
  CHECK(ask(all.server, "www.example.com.").rcode == 2);
  CHECK(failing.asked() == 2);
  CHECK(also.asked() == 1);
}

TEST_CASE("dns server: packets that do not fit the question are not believed") {
  Upstream liar([](const std::string& query, int) -> std::vector<std::string> {
    MadeAnswer lie;
    lie.answers = {"www.example.com. 60 IN A 198.51.100.66"};
    std::string other_id = make_answer(query, lie);
    other_id[0] = static_cast<char>(other_id[0] ^ 1);
    std::string other_name = make_answer(make_question("www.example.org.", "A"), lie);
    other_name[0] = query[0];
    other_name[1] = query[1];
    MadeAnswer truth;
    truth.answers = {"www.example.com. 60 IN A 192.0.2.1", "bank.example. 60 IN A 198.51.100.66"};
    return {other_id, other_name, query, "x", make_answer(query, truth)};
  });
  Running run({liar.address()});
  CHECK(ask(run.server, "www.example.com.").answers == Lines{"www.example.com. 60 IN A 192.0.2.1"});
  CHECK(run.server.counters().upstream_rejected == 4);
}

TEST_CASE("dns server: ids and source ports of its questions are random") {
  Upstream upstream(example);
  Running run({upstream.address()});
  for (int i = 0; i < 40; ++i) ask(run.server, "n" + std::to_string(i) + ".example.com.");
  CHECK(upstream.ports().size() > 30);
  CHECK(upstream.ids().size() > 30);
}

TEST_CASE("dns server: who asks the same meanwhile waits for the same answer") {
  std::atomic<bool> open{false};
  Upstream slow([&](const std::string& query, int count) -> std::vector<std::string> {
    while (!open) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return example(query, count);
  });
  Running run({slow.address()}, [](DnsServerSettings& settings) { settings.attempt_timeout = 5s; });
  std::vector<Socket> sockets;
  for (int i = 0; i < 20; ++i) {
    sockets.push_back(connect_to(run.server.port(), SOCK_DGRAM));
    send_on(sockets.back(), make_question("www.example.com.", "A", static_cast<uint16_t>(i)));
  }
  Socket tcp = connect_to(run.server.port(), SOCK_STREAM);
  send_on(tcp, framed(make_question("www.example.com.", "A", 99)));
  while (run.server.counters().queries < 21) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  open = true;
  for (int i = 0; i < 20; ++i) {
    ReadPacket packet = read_packet(receive(sockets[i]));
    CHECK(packet.id == i);
    CHECK(packet.answers.size() == 1);
  }
  std::string rest;
  CHECK(read_framed(tcp, rest).id == 99);
  CHECK(slow.asked() == 1);
  CHECK(run.server.counters().shared == 20);
}

TEST_CASE("dns server: a truncated answer is fetched over TCP, and one who knows no EDNS is asked without") {
  MadeAnswer large;
  for (int i = 1; i <= 200; ++i)
    large.answers.push_back("www.example.com. 60 IN A 192.0.2." + std::to_string(i));
  Upstream upstream(
      [](const std::string& query, int) -> std::vector<std::string> {
        MadeAnswer made;
        if (read_packet(query).edns) {
          made.rcode = 1;
        } else {
          made.truncated = true;
        }
        return {make_answer(query, made)};
      },
      [&](const std::string& query, int) -> std::vector<std::string> { return {make_answer(query, large)}; });
  Running run({upstream.address()});
  CHECK(ask(run.server, "www.example.com.").truncated);
  Socket tcp = connect_to(run.server.port(), SOCK_STREAM);
  send_on(tcp, framed(make_question("www.example.com.", "A")));
  std::string rest;
  CHECK(read_framed(tcp, rest).answers.size() == 200);
  CHECK(upstream.asked() == 3);
}

TEST_CASE("dns server: its servers are those of resolv.conf, again when that changes, never itself") {
  test::TempDir temp;
  std::string file = temp.path() + "/resolv.conf";
  Upstream upstream(example);
  std::ofstream(file) << "nameserver " << upstream.address() << "\n";
  Running run({}, [&](DnsServerSettings& settings) { settings.resolv_conf = file; });
  CHECK(ask(run.server, "www.example.com.").rcode == 0);
  std::ofstream(file) << "nameserver 127.0.0.1:" << run.server.port() << "\n";
  // Read every five seconds; itself is left out, so nobody is asked.
  for (int i = 0; i < 200 && ask(run.server, "web.default.svc.cluster.local.").recursion_available; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  CHECK(ask(run.server, "other.example.com.").rcode == 2);
  CHECK(upstream.asked() == 1);
}

TEST_CASE("dns server: floods, nonsense and half-open connections do it no harm") {
  Upstream dead(silence);
  Running run({dead.address()}, [](DnsServerSettings& settings) {
    settings.max_in_flight = 16;
    settings.max_tcp_connections = 8;
  });
  Rng rng(4);
  Socket flood = connect_to(run.server.port(), SOCK_DGRAM);
  for (int i = 0; i < 20000; ++i) {
    std::string packet = make_question("x" + std::to_string(i) + ".example.com.", "A");
    if (rng.chance(50)) packet.resize(rng.below(packet.size() + 1));
    for (char& c : packet) {
      if (rng.chance(5)) c = static_cast<char>(rng.below(256));
    }
    ::send(flood.fd(), packet.data(), packet.size(), MSG_DONTWAIT);
  }
  std::vector<Socket> half;
  for (int i = 0; i < 40; ++i) {
    half.push_back(connect_to(run.server.port(), SOCK_STREAM));
    ::send(half.back().fd(), "\1", 1, MSG_NOSIGNAL);
  }
  CHECK(ask(run.server, "web.default.svc.cluster.local.").rcode == 0);
  Socket tcp = connect_to(run.server.port(), SOCK_STREAM);
  send_on(tcp, framed(make_question("web.default.svc.cluster.local.", "A")));
  std::string rest;
  CHECK(read_framed(tcp, rest).answers.size() == 1);
  // One that speaks something else is put out.
  Socket stranger = connect_to(run.server.port(), SOCK_STREAM);
  send_on(stranger, "GET / HTTP/1.1\r\n\r\n");
  CHECK(receive(stranger).empty());
}

TEST_CASE("dns server: a flood on its socket holds no change up, and only the new address is told") {
  Running run({});
  std::atomic<bool> stopping{false};
  std::atomic<uint64_t> flooded{0};
  uint16_t port = run.server.port();
  std::vector<std::thread> floods;
  for (int i = 0; i < 2; ++i) {
    floods.emplace_back([&] {
      Socket socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
      SocketAddress to = *parse_address("127.0.0.1", port);
      ::connect(socket.fd(), to.raw(), to.size);
      std::string question = make_question("db.default.svc.cluster.local.", "A");
      while (!stopping) {  // and never reads
        if (::send(socket.fd(), question.data(), question.size(), MSG_DONTWAIT) > 0) ++flooded;
      }
    });
  }
  auto now = [] { return std::chrono::steady_clock::now(); };
  auto milliseconds = [](auto span) { return std::chrono::duration<double, std::milli>(span).count(); };
  double slowest_publish = 0;
  std::vector<double> answers;
  int stale = 0;
  for (int generation = 2; generation < 42; ++generation) {
    NetworkStatePtr next = state_with({"10.244.1." + std::to_string(generation)});
    auto begin = now();
    run.server.publish(std::move(next));
    slowest_publish = std::max(slowest_publish, milliseconds(now() - begin));
    // The flood crowds questions out: ask again, as resolvers do, only sooner.
    std::string bytes;
    Socket socket = connect_to(port, SOCK_DGRAM);
    while (bytes.empty() && milliseconds(now() - begin) < 5000) {
      send_on(socket, make_question("db.default.svc.cluster.local.", "A"));
      bytes = receive(socket, 20);
    }
    REQUIRE_FALSE(bytes.empty());
    answers.push_back(milliseconds(now() - begin));
    if (static_cast<uint8_t>(bytes.back()) != generation) ++stale;
  }
  stopping = true;
  for (std::thread& flood : floods) flood.join();
  std::sort(answers.begin(), answers.end());
  double typical = answers[answers.size() / 2];
  WARN("40 changes under a flood of " << flooded << " questions: publish() took " << slowest_publish
                                      << " ms at most, the new address was told after " << typical << " ms mostly, "
                                      << answers.back() << " ms at most");
  CHECK(stale == 0);
  CHECK(slowest_publish < 1000);
  // Not the slowest: which questions the full socket takes is luck.
  CHECK(typical < 1000);
}
