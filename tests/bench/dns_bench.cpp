// Answers per second of the DNS server beside a bare UDP echo of the same packets, one thread of each, the
// same client with the same window of packets under way.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <thread>

#include "nodeagent/dns/dns_message.h"
#include "nodeagent/dns/dns_server.h"
#include "nodeagent/dns/socket.h"
#include "schema/base/clock.h"
#include "tests/bench/benchmark.h"

namespace mainstay::bench {
namespace {

constexpr size_t kServices = 1000;
constexpr size_t kWindow = 64;
constexpr int kRounds = 5;

NetworkStatePtr large_cluster(int generation) {
  auto state = std::make_shared<NetworkState>();
  state->cluster_cidr = "10.244.0.0/16";
  state->service_cidr = "10.96.0.0/12";
  for (size_t i = 0; i < kServices; ++i) {
    NetworkService service;
    service.ns = "shop";
    service.name = "service-" + std::to_string(i);
    service.type = "ClusterIP";
    service.cluster_ip = "10.96." + std::to_string(i / 250) + "." + std::to_string(i % 250 + 1);
    service.ports = {{"http", "TCP", 80, 0}};
    NetworkSlice slice;
    slice.ns = "shop";
    slice.name = service.name + "-1";
    slice.service = service.name;
    slice.ports = {{"http", "TCP", 8080}};
    for (size_t n = 0; n < 10; ++n) {
      NetworkEndpoint endpoint;
      size_t last = i * 10 + n + (i == 0 ? static_cast<size_t>(generation) : 0);
      endpoint.ip = "10.244." + std::to_string(last / 250) + "." + std::to_string(last % 250 + 1);
      slice.endpoints.push_back(std::move(endpoint));
    }
    state->services["shop/" + service.name] = std::move(service);
    state->slices["shop/" + slice.name] = std::move(slice);
  }
  return state;
}

// The other side of the comparison: everything a server must do, and nothing else, the same calls in batches.
class Echo {
 public:
  Echo() : socket_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::bind(socket_.fd(), reinterpret_cast<sockaddr*>(&address), sizeof(address));
    socklen_t size = sizeof(address);
    ::getsockname(socket_.fd(), reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { run(); });
  }
  ~Echo() {
    stopping_ = true;
    thread_.join();
  }
  uint16_t port() const { return port_; }

 private:
  void run() {
    std::array<std::array<char, 2048>, kWindow> bytes;
    std::array<sockaddr_storage, kWindow> from;
    std::array<iovec, kWindow> parts;
    std::array<mmsghdr, kWindow> messages;
    while (!stopping_) {
      pollfd ready{socket_.fd(), POLLIN, 0};
      if (::poll(&ready, 1, 50) != 1) continue;
      for (size_t i = 0; i < kWindow; ++i) {
        parts[i] = {bytes[i].data(), bytes[i].size()};
        messages[i] = {};
        messages[i].msg_hdr = {&from[i], sizeof(from[i]), &parts[i], 1, nullptr, 0, 0};
      }
      int got = ::recvmmsg(socket_.fd(), messages.data(), kWindow, MSG_DONTWAIT, nullptr);
      for (int i = 0; i < got; ++i) parts[i].iov_len = messages[i].msg_len;
      if (got > 0) ::sendmmsg(socket_.fd(), messages.data(), static_cast<unsigned>(got), MSG_DONTWAIT);
    }
  }

  Socket socket_;
  uint16_t port_ = 0;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

std::string question(size_t number) {
  DnsQuestion asked;
  asked.name = *dns_name("service-" + std::to_string(number % kServices) + ".shop.svc.cluster.local");
  asked.type = kDnsA;
  return encode_upstream_question(static_cast<uint16_t>(number), asked, true);
}

// With kWindow questions under way: answers per second, and answers per second of CPU time that somebody else than
// this thread spent: the server's, which has not all of its core while it waits for us.
struct Rate {
  double wall = 0, cpu = 0;
};
Result<Rate> load(uint16_t port, size_t count) {
  SocketAddress to = *parse_address("127.0.0.1", port);
  Socket socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (::connect(socket.fd(), to.raw(), to.size) != 0) return failed("no socket to the server");
  std::vector<std::string> questions;
  for (size_t i = 0; i < kServices; ++i) questions.push_back(question(i));
  std::array<std::array<char, 2048>, kWindow> bytes;
  std::array<iovec, kWindow> out, in;
  std::array<mmsghdr, kWindow> sending, receiving;
  for (size_t i = 0; i < kWindow; ++i) {
    in[i] = {bytes[i].data(), bytes[i].size()};
    receiving[i] = sending[i] = {};
    receiving[i].msg_hdr.msg_iov = &in[i];
    sending[i].msg_hdr.msg_iov = &out[i];
    receiving[i].msg_hdr.msg_iovlen = sending[i].msg_hdr.msg_iovlen = 1;
  }
  size_t sent = 0, received = 0;
  MonoTime begin = read_clock().mono;
  Duration cpu_before = process_cpu() - thread_cpu();
  while (received < count) {
    size_t room = kWindow - (sent - received);
    for (size_t i = 0; i < room; ++i) {
      std::string& one = questions[(sent + i) % kServices];
      out[i] = {one.data(), one.size()};
    }
    if (room > 0) {
      int done = ::sendmmsg(socket.fd(), sending.data(), static_cast<unsigned>(room), 0);
      if (done > 0) sent += static_cast<size_t>(done);
    }
    pollfd ready{socket.fd(), POLLIN, 0};
    if (::poll(&ready, 1, 2000) != 1) return failed("an answer got lost on loopback");
    int got = ::recvmmsg(socket.fd(), receiving.data(), kWindow, MSG_DONTWAIT, nullptr);
    if (got > 0) received += static_cast<size_t>(got);
  }
  Duration cpu = process_cpu() - thread_cpu() - cpu_before;
  auto answers = static_cast<double>(count);
  return Rate{answers / seconds(read_clock().mono - begin), answers / std::max(1e-9, seconds(cpu))};
}

// One question at a time: microseconds of the 99th percentile.
Result<double> slowest(uint16_t port, size_t count) {
  SocketAddress to = *parse_address("127.0.0.1", port);
  Socket socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (::connect(socket.fd(), to.raw(), to.size) != 0) return failed("no socket to the server");
  std::vector<double> times;
  std::array<char, 2048> bytes;
  for (size_t i = 0; i < count; ++i) {
    std::string one = question(i);
    MonoTime begin = read_clock().mono;
    ::send(socket.fd(), one.data(), one.size(), 0);
    pollfd ready{socket.fd(), POLLIN, 0};
    if (::poll(&ready, 1, 2000) != 1) return failed("an answer got lost on loopback");
    ::recv(socket.fd(), bytes.data(), bytes.size(), 0);
    times.push_back(static_cast<double>((read_clock().mono - begin).count()));
  }
  std::sort(times.begin(), times.end());
  return times[times.size() * 99 / 100];
}

}  // namespace

Result<Finding> bench_dns(const Setting& setting) {
  DnsServer server;
  DnsServerSettings settings;
  settings.addresses = {"127.0.0.1"};
  settings.port = 0;
  settings.resolv_conf = "/nonexistent";
  RETURN_IF_ERROR(server.start(settings));
  MonoTime begin = read_clock().mono;
  server.publish(large_cluster(0));
  double first = milliseconds(read_clock().mono - begin);
  std::vector<double> changes;
  for (int i = 1; i <= setting.repetitions(50); ++i) {
    NetworkStatePtr next = large_cluster(i);
    begin = read_clock().mono;
    server.publish(std::move(next));
    changes.push_back(milliseconds(read_clock().mono - begin));
  }
  Echo echo;
  size_t count = setting.sized(100000);
  std::vector<double> answers, echoes, answers_cpu, echoes_cpu, answer_p99, echo_p99;
  // In turns, so that what disturbs one disturbs the other.
  for (int i = 0; i < setting.repetitions(kRounds); ++i) {
    ASSIGN_OR_RETURN(Rate echoed, load(echo.port(), count));
    ASSIGN_OR_RETURN(Rate answered, load(server.port(), count));
    echoes.push_back(echoed.wall);
    answers.push_back(answered.wall);
    echoes_cpu.push_back(echoed.cpu);
    answers_cpu.push_back(answered.cpu);
    ASSIGN_OR_RETURN(double one_answer, slowest(server.port(), setting.sized(10000)));
    ASSIGN_OR_RETURN(double one_echo, slowest(echo.port(), setting.sized(10000)));
    answer_p99.push_back(one_answer);
    echo_p99.push_back(one_echo);
  }
  server.stop();
  Finding out;
  out.values.set("answers_per_second", median(answers));
  out.values.set("answers_per_cpu_second", median(answers_cpu));
  out.values.set("p99_us_one_at_a_time", median(answer_p99));
  out.values.set("first_index_ms", first);
  out.values.set("one_endpoint_changed_ms", median(changes));
  out.limits.set("echoes_per_second", median(echoes));
  out.limits.set("echoes_per_cpu_second", median(echoes_cpu));
  out.limits.set("p99_us_one_at_a_time", median(echo_p99));
  out.expected.set("answers_per_second", 50000.0);
  out.gates.push_back(
      {"answers per second, of a bare UDP echo's", median(answers) / median(echoes), 0.5, false});
  out.gates.push_back({"answers per second of the server's CPU time, of a bare UDP echo's",
                       median(answers_cpu) / median(echoes_cpu), 0.5, false});
  out.gates.push_back({"one answer at a time, p99: the echo's of ours", median(echo_p99) / median(answer_p99), 0.5,
                       false});
  return out;
}

}  // namespace mainstay::bench
