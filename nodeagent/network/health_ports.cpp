#include "nodeagent/network/health_ports.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "nodeagent/disk.h"
#include "schema/base/clock.h"

namespace mainstay {
namespace {

constexpr size_t kMostConnections = 64;
constexpr size_t kMostRequest = 8192;
constexpr Duration kPatience = std::chrono::seconds{2};
constexpr int kLookEvery = 500;  // milliseconds

struct Connection {
  Fd socket;
  int32_t port = 0;
  std::string request;
  MonoTime until;
};

Result<Fd> listen_on(int32_t port) {
  Fd out(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!out.open()) return errno_error("opening a socket for health checks", errno);
  int one = 1;
  setsockopt(out.get(), SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  sockaddr_in here{};
  here.sin_family = AF_INET;
  here.sin_port = htons(static_cast<uint16_t>(port));
  bool bound = bind(out.get(), reinterpret_cast<sockaddr*>(&here), sizeof here) == 0;
  if (!bound || listen(out.get(), 64) != 0)
    return error(ErrorCode::kBusy, "health check node port " + std::to_string(port) + " is taken");
  return out;
}

}  // namespace

std::map<int32_t, HealthAnswer> health_answers(const NetworkState& state, const std::string& node) {
  std::map<std::string, std::set<std::string>> here;  // service -> addresses of its ready endpoints
  for (const auto& [key, slice] : state.slices) {
    std::string owner = slice->ns + "/" + slice->service;
    auto service = state.services.find(owner);
    if (service == state.services.end() || service->second->health_check_port == 0) continue;
    for (const NetworkEndpoint& endpoint : slice->endpoints) {
      bool ready = endpoint.ready || service->second->publish_not_ready;
      if (ready && endpoint.node == node) here[owner].insert(endpoint.ip);
    }
  }
  std::map<int32_t, HealthAnswer> out;
  for (const auto& [key, service] : state.services) {
    int32_t port = service->health_check_port;
    if (port > 0 && port <= 65535) out.try_emplace(port, HealthAnswer{service->ns, service->name, here[key].size()});
  }
  return out;
}

std::string health_response(const HealthAnswer& answer) {
  std::string body = "{\"service\":{\"namespace\":\"" + answer.ns + "\",\"name\":\"" + answer.name +
                     "\"},\"localEndpoints\":" + std::to_string(answer.endpoints) + ",\"serviceProxyHealthy\":true}";
  return std::string("HTTP/1.1 ") + (answer.endpoints > 0 ? "200 OK" : "503 Service Unavailable") +
         "\r\nContent-Type: application/json\r\nX-Content-Type-Options: nosniff\r\n"
         "X-Load-Balancing-Endpoint-Weight: " + std::to_string(answer.endpoints) +
         "\r\nConnection: close\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

struct HealthPorts::State {
  std::mutex mutex;
  std::map<int32_t, HealthAnswer> answers;  // guarded by mutex
  std::map<int32_t, Fd> listeners;          // guarded by mutex
  bool stopping = false;                    // guarded by mutex
  Fd wake;
  std::thread thread;
  std::vector<Connection> connections;  // the thread's own

  void run();
  std::vector<std::pair<int32_t, int>> listening();
  void accept_from(int32_t port, int listener, MonoTime now);
  bool serve(Connection& connection);
  void rouse() {
    uint64_t one = 1;
    [[maybe_unused]] ssize_t written = write(wake.get(), &one, sizeof one);
  }
};

std::vector<std::pair<int32_t, int>> HealthPorts::State::listening() {
  std::lock_guard lock(mutex);
  std::vector<std::pair<int32_t, int>> out;
  // Who comes while all places are taken waits in the kernel's queue.
  if (connections.size() >= kMostConnections) return out;
  for (const auto& [port, socket] : listeners) out.emplace_back(port, socket.get());
  return out;
}

void HealthPorts::State::accept_from(int32_t port, int listener, MonoTime now) {
  std::lock_guard lock(mutex);
  auto known = listeners.find(port);
  if (known == listeners.end() || known->second.get() != listener) return;
  Fd socket(accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (socket.open()) connections.push_back({std::move(socket), port, "", now + kPatience});
}

// True while more of the request is to come.
bool HealthPorts::State::serve(Connection& connection) {
  char bytes[2048];
  ssize_t got = recv(connection.socket.get(), bytes, sizeof bytes, 0);
  if (got < 0) return errno == EAGAIN || errno == EINTR;
  if (got == 0) return false;
  connection.request.append(bytes, static_cast<size_t>(got));
  if (connection.request.find("\r\n\r\n") == std::string::npos) return connection.request.size() < kMostRequest;
  std::string out;
  {
    std::lock_guard lock(mutex);
    auto answer = answers.find(connection.port);
    if (answer == answers.end()) return false;
    out = health_response(answer->second);
  }
  send(connection.socket.get(), out.data(), out.size(), MSG_NOSIGNAL);
  shutdown(connection.socket.get(), SHUT_WR);
  return false;
}

void HealthPorts::State::run() {
  while (true) {
    {
      std::lock_guard lock(mutex);
      if (stopping) return;
    }
    std::vector<std::pair<int32_t, int>> doors = listening();
    std::vector<pollfd> ready{{wake.get(), POLLIN, 0}};
    for (const auto& [port, socket] : doors) ready.push_back({socket, POLLIN, 0});
    for (const Connection& one : connections) ready.push_back({one.socket.get(), POLLIN, 0});
    poll(ready.data(), ready.size(), connections.empty() ? -1 : kLookEvery);
    MonoTime now = read_clock().mono;
    uint64_t count = 0;
    if (ready[0].revents != 0) [[maybe_unused]] ssize_t got = read(wake.get(), &count, sizeof count);
    std::vector<Connection> rest;
    for (size_t i = 0; i < connections.size(); ++i) {
      bool open = ready[1 + doors.size() + i].revents == 0 || serve(connections[i]);
      if (open && now < connections[i].until) rest.push_back(std::move(connections[i]));
    }
    connections = std::move(rest);
    for (size_t i = 0; i < doors.size(); ++i) {
      if (ready[1 + i].revents != 0) accept_from(doors[i].first, doors[i].second, now);
    }
  }
}

HealthPorts::HealthPorts() : state_(std::make_unique<State>()) {}

HealthPorts::~HealthPorts() {
  if (!state_->thread.joinable()) return;
  {
    std::lock_guard lock(state_->mutex);
    state_->stopping = true;
  }
  state_->rouse();
  state_->thread.join();
}

Status HealthPorts::set(std::map<int32_t, HealthAnswer> answers) {
  State& s = *state_;
  if (!s.wake.open()) s.wake = Fd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!s.wake.open()) return errno_error("health checks", errno);
  Status outcome;
  bool any = false;
  {
    std::lock_guard lock(s.mutex);
    std::erase_if(s.listeners, [&](const auto& one) { return answers.count(one.first) == 0; });
    for (const auto& [port, answer] : answers) {
      if (s.listeners.count(port) > 0) continue;
      Result<Fd> opened = listen_on(port);
      if (opened.ok()) s.listeners.emplace(port, std::move(*opened));
      if (!opened.ok() && outcome.ok()) outcome = opened.error();
    }
    s.answers = std::move(answers);
    any = !s.listeners.empty();
  }
  if (any && !s.thread.joinable()) s.thread = std::thread([&s] { s.run(); });
  s.rouse();
  return outcome;
}

}  // namespace mainstay
