// Probes over the network against small servers on loopback.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <functional>
#include <string>
#include <thread>

#include "nodeagent/prober.h"

using namespace mainstay;

namespace {

// Serves one connection after another on a port of its own with `answer(connection)`.
class Server {
 public:
  explicit Server(std::function<void(int)> answer) : answer_(std::move(answer)) {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    REQUIRE(bind(listener_, reinterpret_cast<sockaddr*>(&address), size) == 0);
    REQUIRE(listen(listener_, 16) == 0);
    REQUIRE(getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~Server() {
    stopping_ = true;
    thread_.join();
    close(listener_);
  }
  int port() const { return port_; }

 private:
  void serve() {
    while (!stopping_) {
      pollfd watched{listener_, POLLIN, 0};
      if (poll(&watched, 1, 20) <= 0) continue;
      int connection = accept(listener_, nullptr, nullptr);
      if (connection < 0) continue;
      answer_(connection);
      close(connection);
    }
  }
  std::function<void(int)> answer_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

void say(int connection, const std::string& bytes) {
  size_t sent = 0;
  while (sent < bytes.size()) {
    ssize_t now = send(connection, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (now <= 0) return;
    sent += static_cast<size_t>(now);
  }
}

// What was sent up to the blank line.
std::string hear_head(int connection) {
  std::string out;
  char buffer[4096];
  while (out.find("\r\n\r\n") == std::string::npos) {
    ssize_t got = recv(connection, buffer, sizeof buffer, 0);
    if (got <= 0) break;
    out.append(buffer, static_cast<size_t>(got));
  }
  return out;
}

std::string response(const std::string& status, const std::string& headers = "", const std::string& body = "") {
  return "HTTP/1.1 " + status + "\r\nConnection: close\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         headers + "\r\n" + body;
}

ProbeTarget target(ProbeTarget::Kind kind, int port, const std::string& path = "/") {
  ProbeTarget out;
  out.kind = kind;
  out.host = "127.0.0.1";
  out.port = port;
  out.path = path;
  out.timeout = 5s;
  return out;
}

// ---- Just enough of an HTTP/2 server for one call ----

std::string frame(char type, char flags, const std::string& payload, int stream) {
  std::string out;
  for (int shift = 16; shift >= 0; shift -= 8) out += static_cast<char>((payload.size() >> shift) & 0xff);
  out += type;
  out += flags;
  out += std::string(3, '\0') + static_cast<char>(stream);
  return out + payload;
}

// A header as HPACK's literal without indexing, both strings plain.
std::string header(const std::string& name, const std::string& value) {
  return std::string(1, '\0') + static_cast<char>(name.size()) + name + static_cast<char>(value.size()) + value;
}

// Answers Health/Check with this message and grpc-status; `heard` gets the request's message.
void serve_grpc(int connection, const std::string& message, const std::string& status, std::string& heard) {
  std::string in;
  char buffer[4096];
  auto fill = [&](size_t count) {
    while (in.size() < count) {
      ssize_t got = recv(connection, buffer, sizeof buffer, 0);
      if (got <= 0) return false;
      in.append(buffer, static_cast<size_t>(got));
    }
    return true;
  };
  constexpr size_t kPreface = 24;
  if (!fill(kPreface)) return;
  in.erase(0, kPreface);
  say(connection, frame(4, 0, "", 0));
  for (bool ended = false; !ended;) {
    if (!fill(9)) return;
    auto byte = [&](size_t i) { return static_cast<size_t>(static_cast<unsigned char>(in[i])); };
    size_t length = (byte(0) << 16) | (byte(1) << 8) | byte(2);
    char type = in[3], flags = in[4];
    if (!fill(9 + length)) return;
    if (type == 0) heard += in.substr(9, length);
    if (type == 4 && flags == 0) say(connection, frame(4, 1, "", 0));
    ended = (type == 0 || type == 1) && (flags & 1) != 0;
    in.erase(0, 9 + length);
  }
  say(connection, frame(1, 4, "\x88" + header("content-type", "application/grpc"), 1));
  if (!message.empty()) {
    say(connection, frame(0, 0, std::string(4, '\0') + static_cast<char>(message.size()) + message, 1));
  }
  say(connection, frame(1, 5, header("grpc-status", status), 1));
  while (recv(connection, buffer, sizeof buffer, 0) > 0) {}
}

}  // namespace

TEST_CASE("an HTTP probe: statuses, headers, the words of a failure", "[edge][probe]") {
  std::string head;
  std::string answer = response("200 OK");
  Server server([&](int connection) {
    head = hear_head(connection);
    const std::string now = answer;  // once it is sent, the test may change it
    say(connection, now);
  });
  ProbeTarget to = target(ProbeTarget::Kind::kHttp, server.port(), "/healthz?full=1");
  to.headers = {{"Host", "example.org"}, {"X-Empty", ""}};
  CHECK(probe_network(to).success);
  CHECK(head.starts_with("GET /healthz?full=1 HTTP/1.1\r\n"));
  CHECK(head.find("Host: example.org\r\n") != std::string::npos);
  CHECK(head.find("User-Agent: kube-probe/1.33\r\n") != std::string::npos);
  CHECK(head.find("X-Empty:") != std::string::npos);
  answer = response("399 Odd");
  CHECK(probe_network(to).success);
  answer = response("503 No");
  ProbeResult no = probe_network(to);
  CHECK_FALSE(no.success);
  CHECK(no.output == "HTTP probe failed with statuscode: 503");
  to.any_status = true;
  CHECK(probe_network(to).success);
}

TEST_CASE("an HTTP probe follows redirects on its host and no others", "[edge][probe]") {
  int asked = 0;
  std::string location = "/there";
  Server server([&](int connection) {
    ++asked;
    std::string head = hear_head(connection);
    bool first = head.starts_with("GET / ");
    say(connection, first ? response("302 Found", "Location: " + location + "\r\n", "gone") : response("200 OK"));
  });
  ProbeTarget to = target(ProbeTarget::Kind::kHttp, server.port());
  ProbeResult same = probe_network(to);
  CHECK(same.success);
  CHECK_FALSE(same.warning);
  CHECK(asked == 2);
  location = "http://localhost:1/there";
  ProbeResult other = probe_network(to);
  CHECK(other.success);
  CHECK(other.warning);
  CHECK(other.output == "Probe terminated redirects, Response body: gone");
  asked = 0;
  location = "/";
  ProbeResult endless = probe_network(to);
  CHECK_FALSE(endless.success);
  CHECK(endless.output.ends_with("stopped after 10 redirects"));
}

TEST_CASE("nobody listens, nobody answers", "[edge][probe]") {
  int closed_port = 0;
  { closed_port = Server([](int) {}).port(); }
  std::string where = "127.0.0.1:" + std::to_string(closed_port);
  ProbeResult tcp = probe_network(target(ProbeTarget::Kind::kTcp, closed_port));
  CHECK_FALSE(tcp.success);
  CHECK(tcp.output == "dial tcp " + where + ": connect: connection refused");
  ProbeResult http = probe_network(target(ProbeTarget::Kind::kHttp, closed_port));
  CHECK(http.output == "Get \"http://" + where + "/\": dial tcp " + where + ": connect: connection refused");
  Server silent([](int connection) {
    char byte;
    while (recv(connection, &byte, 1, 0) > 0) {}
  });
  ProbeTarget to = target(ProbeTarget::Kind::kHttp, silent.port());
  to.timeout = 300ms;
  ProbeResult slow = probe_network(to);
  CHECK_FALSE(slow.success);
  CHECK(slow.output.ends_with("context deadline exceeded (Client.Timeout exceeded while awaiting headers)"));
  CHECK(probe_network(target(ProbeTarget::Kind::kTcp, silent.port())).success);
  std::atomic<bool> cancelled{true};
  to.timeout = 60s;
  CHECK_FALSE(probe_network(to, &cancelled).success);
}

TEST_CASE("a gRPC probe asks the health service", "[edge][probe]") {
  std::string message, status = "0", heard;
  Server server([&](int connection) {
    heard.clear();
    serve_grpc(connection, message, status, heard);
  });
  ProbeTarget to = target(ProbeTarget::Kind::kGrpc, server.port());
  to.service = "shop";
  message = std::string("\x08\x01", 2);
  CHECK(probe_network(to).success);
  CHECK(heard == std::string("\0\0\0\0\x06\x0a\x04shop", 11));
  to.service.clear();
  message = std::string("\x08\x02", 2);
  ProbeResult no = probe_network(to);
  CHECK_FALSE(no.success);
  CHECK(no.output == "service unhealthy (responded with \"NOT_SERVING\")");
  CHECK(heard == std::string("\0\0\0\0\0", 5));
  message.clear();
  CHECK(probe_network(to).output == "service unhealthy (responded with \"UNKNOWN\")");
  status = "12";
  CHECK(probe_network(to).output ==
        "error: this server does not implement the grpc health protocol (grpc.health.v1.Health)");
  int closed_port = 0;
  { closed_port = Server([](int) {}).port(); }
  ProbeResult refused = probe_network(target(ProbeTarget::Kind::kGrpc, closed_port));
  CHECK(refused.output.starts_with("timeout: failed to connect service \"127.0.0.1:"));
}
