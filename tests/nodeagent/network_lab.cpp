#include "tests/nodeagent/network_lab.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include <catch2/catch.hpp>

#include "nodeagent/disk.h"
#include "nodeagent/process.h"
#include "nodeagent/runtime/namespaces.h"

namespace mainstay::test {
namespace {

sockaddr_in address_of(const std::string& ip, int port) {
  sockaddr_in out{};
  out.sin_family = AF_INET;
  out.sin_port = htons(static_cast<uint16_t>(port));
  if (!ip.empty()) inet_pton(AF_INET, ip.c_str(), &out.sin_addr);
  return out;
}

std::string ip_of(const sockaddr_in& address) {
  char text[INET_ADDRSTRLEN] = "";
  inet_ntop(AF_INET, &address.sin_addr, text, sizeof text);
  return text;
}

void answer_stream(int listener, const std::string& who) {
  sockaddr_in client{};
  socklen_t size = sizeof client;
  Fd peer(accept4(listener, reinterpret_cast<sockaddr*>(&client), &size, SOCK_CLOEXEC));
  if (!peer.open()) return;
  std::string text = who + " " + ip_of(client);
  (void)!send(peer.get(), text.data(), text.size(), MSG_NOSIGNAL);
}

void answer_datagram(int fd, const std::string& who) {
  sockaddr_in client{};
  socklen_t size = sizeof client;
  char buffer[64];
  if (recvfrom(fd, buffer, sizeof buffer, 0, reinterpret_cast<sockaddr*>(&client), &size) < 0) return;
  std::string text = who + " " + ip_of(client);
  (void)!sendto(fd, text.data(), text.size(), 0, reinterpret_cast<sockaddr*>(&client), size);
}

bool wait_for(int fd, short what, int milliseconds) {
  pollfd one{fd, what, 0};
  return ::poll(&one, 1, milliseconds) == 1;
}

std::string error_word(int number) {
  // A datagram that our own node refuses is reported on sending as "not permitted".
  if (number == ECONNREFUSED || number == EPERM) return "refused";
  return std::strerror(number);
}

}  // namespace

std::string why_no_lab() {
  if (geteuid() != 0) return "network namespaces need root";
  for (const char* program : {"ip", "bridge", "nft"}) {
    if (mainstay::find_program(program).empty()) return std::string(program) + " is not installed";
  }
  return "";
}

NetworkLab::NetworkLab() = default;

NetworkLab::~NetworkLab() {
  stop_ = true;
  for (std::thread& server : servers_) server.join();
  for (const auto& [name, path] : namespaces_) {
    Status gone = unpin_namespace(path);
    if (!gone.ok()) WARN(gone.error().message);
  }
}

void NetworkLab::make_namespace(const std::string& name) {
  std::string path = temp_.path() + "/" + name;
  namespaces_[name] = path;
  Status made = pin_namespaces({{NamespaceKind::kNet, path}}, "");
  if (!made.ok()) FAIL(made.error().message);
}

Status NetworkLab::inside(const std::string& name, const std::function<Status()>& work) {
  return in_network_namespace(path(name), work);
}

std::string NetworkLab::run(const std::string& name, std::vector<std::string> argv) {
  std::string out;
  Status done = inside(name, [&]() -> Status {
    ProcessSpec spec;
    spec.argv = argv;
    spec.argv[0] = mainstay::find_program(argv[0]);
    spec.env = plain_environment();
    ASSIGN_OR_RETURN(ProcessResult result, run_checked(spec));
    out = result.out;
    return {};
  });
  if (!done.ok()) FAIL(done.error().message);
  return out;
}

void NetworkLab::ip(const std::string& name, const std::string& lines) {
  std::string file = temp_.path() + "/lines";
  REQUIRE(mainstay::write_file(file, lines, 0600).ok());
  run(name, {"ip", "-batch", file});
}

void NetworkLab::add_machine(const std::string& name, const std::string& address,
                             const std::string& segment) {
  std::string bridge = "switch-" + segment;
  if (namespaces_.count(bridge) == 0) {
    make_namespace(bridge);
    ip(bridge, "link add br0 type bridge\nlink set br0 up\n");
  }
  if (namespaces_.count(name) == 0) make_namespace(name);
  std::string port = "port" + std::to_string(devices_), device = "lan" + std::to_string(devices_);
  ++devices_;
  ip(bridge, "link add " + port + " type veth peer name " + device + "\nlink set " + port + " master br0 up\n" +
                 "link set " + device + " netns " + path(name) + "\n");
  ip(name, "link set " + device + " up\naddr add " + address + " dev " + device + "\n");
  Status on = inside(name, []() -> Status {
    Fd fd(open("/proc/sys/net/ipv4/ip_forward", O_WRONLY | O_CLOEXEC));
    if (write(fd.get(), "1", 1) != 1) return errno_error("ip_forward", errno);
    return {};
  });
  REQUIRE(on.ok());
}

void NetworkLab::add_pod(const std::string& name, const std::string& machine, const std::string& address,
                         const std::string& gateway) {
  make_namespace(name);
  std::string device = "veth" + std::to_string(devices_++);
  ip(machine, "link add " + device + " type veth peer name eth0 netns " + path(name) + "\nlink set " + device +
                  " up\naddr add " + gateway + "/32 dev " + device + "\nroute add " + address + " dev " + device +
                  " src " + gateway + "\n");
  ip(name, "link set eth0 up\naddr add " + address + "/32 dev eth0\nroute add " + gateway +
               " dev eth0\nroute add default via " + gateway + "\n");
}

void NetworkLab::serve(const std::string& name, const std::string& address, int port, int type) {
  int fd = -1;
  Status bound = inside(name, [&]() -> Status {
    Fd made(socket(AF_INET, type | SOCK_CLOEXEC, 0));
    int on = 1;
    setsockopt(made.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in here = address_of(address, port);
    if (bind(made.get(), reinterpret_cast<sockaddr*>(&here), sizeof here) != 0)
      return errno_error("bind", errno);
    if (type == SOCK_STREAM && listen(made.get(), 64) != 0) return errno_error("listen", errno);
    fd = dup(made.get());
    return {};
  });
  if (!bound.ok()) FAIL(bound.error().message);
  std::string who = name + ":" + std::to_string(port);
  servers_.emplace_back([this, fd, who, type] {
    Fd owned(fd);
    while (!stop_) {
      if (!wait_for(fd, POLLIN, 20)) continue;
      type == SOCK_STREAM ? answer_stream(fd, who) : answer_datagram(fd, who);
    }
  });
}

void NetworkLab::serve_tcp(const std::string& name, const std::string& address, int port) {
  serve(name, address, port, SOCK_STREAM);
}

void NetworkLab::serve_udp(const std::string& name, const std::string& address, int port) {
  serve(name, address, port, SOCK_DGRAM);
}

std::string NetworkLab::ask(const std::string& name, const std::string& address, int port, int type,
                            int from_port, int wait_ms) {
  std::string out;
  Status done = inside(name, [&]() -> Status {
    Fd fd(socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    int on = 1;
    setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in here = address_of("", from_port), there = address_of(address, port);
    if (from_port > 0 && bind(fd.get(), reinterpret_cast<sockaddr*>(&here), sizeof here) != 0)
      return errno_error("bind", errno);
    if (connect(fd.get(), reinterpret_cast<sockaddr*>(&there), sizeof there) != 0 && errno != EINPROGRESS) {
      out = error_word(errno);
      return {};
    }
    if (type == SOCK_DGRAM && send(fd.get(), "?", 1, 0) < 0) {
      out = error_word(errno);
      return {};
    }
    if (!wait_for(fd.get(), POLLIN, wait_ms)) {
      out = "timeout";
      return {};
    }
    char buffer[256];
    ssize_t got = recv(fd.get(), buffer, sizeof buffer, 0);
    out = got < 0 ? error_word(errno) : std::string(buffer, static_cast<size_t>(got));
    return {};
  });
  if (!done.ok()) return done.error().message;
  return out;
}

std::string NetworkLab::ask_tcp(const std::string& name, const std::string& address, int port, int wait_ms) {
  return ask(name, address, port, SOCK_STREAM, 0, wait_ms);
}

std::string NetworkLab::ask_udp(const std::string& name, const std::string& address, int port, int from_port,
                                int wait_ms) {
  return ask(name, address, port, SOCK_DGRAM, from_port, wait_ms);
}

std::map<std::string, int> NetworkLab::poll_tcp(const std::string& name, const std::string& address, int port,
                                                int times) {
  std::map<std::string, int> out;
  for (int i = 0; i < times; ++i) ++out[ask_tcp(name, address, port)];
  return out;
}

}  // namespace mainstay::test
