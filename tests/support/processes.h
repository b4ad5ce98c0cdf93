// For tests with real programs: temporary directories, running a command, servers on free loopback ports
// that are gone when the test ends, and a small HTTP server of our own whose answers the test writes.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace mainstay::test {

class TempDir {
 public:
  TempDir() {
    char name[] = "/tmp/mainstay-test-XXXXXX";
    if (!::mkdtemp(name)) throw std::runtime_error("mkdtemp failed");
    path_ = name;
  }
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  const std::string& path() const { return path_; }
  std::string operator/(std::string_view name) const { return path_ + "/" + std::string(name); }

 private:
  std::string path_;
};

inline void write_file(const std::string& path, std::string_view bytes) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

// The full path of a program, or nothing.
inline std::optional<std::string> find_program(const std::string& name) {
  for (const char* directory :
       {"/usr/local/bin/", "/usr/bin/", "/bin/", "/usr/sbin/", "/sbin/", "/usr/lib/git-core/"}) {
    if (::access((directory + name).c_str(), X_OK) == 0) return directory + name;
  }
  return std::nullopt;
}

// A started program. It is killed, with what it started, and waited for when this goes.
class Process {
 public:
  Process(const std::vector<std::string>& command, int out_fd = -1, int in_fd = -1) {
    std::vector<char*> argv;
    for (const std::string& word : command) argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    // Not fork(): a benchmark would pay for each page it writes afterwards.
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    auto stream = [&](int given, int number) {
      if (given >= 0) posix_spawn_file_actions_adddup2(&actions, given, number);
      else posix_spawn_file_actions_addopen(&actions, number, "/dev/null", O_RDWR, 0);
    };
    stream(in_fd, 0);
    stream(out_fd, 1);
    stream(out_fd, 2);
    posix_spawn_file_actions_addclosefrom_np(&actions, 3);
    int code = ::posix_spawnp(&pid_, argv[0], &actions, &attributes, argv.data(), environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    if (code != 0) throw std::runtime_error(command[0] + ": " + std::strerror(code));
  }
  ~Process() {
    if (pid_ <= 0) return;
    ::kill(-pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  // Its exit code; 128 + signal if it was killed.
  int wait() {
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {}
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  bool running() const { return pid_ > 0 && ::waitpid(pid_, nullptr, WNOHANG) == 0; }

 private:
  pid_t pid_ = -1;
};

struct RunResult {
  int code = 0;
  std::string output;  // both streams
};

// Runs a program to its end; `input` goes to its standard input.
inline RunResult run(const std::vector<std::string>& command, std::string_view input = {}) {
  int out[2], in[2];
  if (::pipe(out) != 0 || ::pipe(in) != 0) throw std::runtime_error("pipe failed");
  Process process(command, out[1], in[0]);
  ::close(out[1]);
  ::close(in[0]);
  std::thread feeder([&] {
    while (!input.empty()) {
      ssize_t sent = ::write(in[1], input.data(), input.size());
      if (sent <= 0) break;
      input.remove_prefix(static_cast<size_t>(sent));
    }
    ::close(in[1]);
  });
  RunResult outcome;
  char chunk[4096];
  ssize_t got;
  while ((got = ::read(out[0], chunk, sizeof chunk)) > 0)
    outcome.output.append(chunk, static_cast<size_t>(got));
  ::close(out[0]);
  feeder.join();
  outcome.code = process.wait();
  return outcome;
}

inline sockaddr_in loopback(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

inline uint16_t free_port() {
  int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  ::bind(fd, reinterpret_cast<sockaddr*>(&address), size);
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  ::close(fd);
  return ntohs(address.sin_port);
}

inline bool accepts(uint16_t port) {
  int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = loopback(port);
  bool ok = ::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  ::close(fd);
  return ok;
}

// A server program listening on a free port. `command` gets the port; another is tried if one was taken.
class PortServer {
 public:
  explicit PortServer(const std::function<std::vector<std::string>(uint16_t)>& command) {
    for (int attempt = 0; attempt < 5; ++attempt) {
      port_ = free_port();
      process_.emplace(command(port_));
      for (int i = 0; i < 1000 && process_->running(); ++i) {
        if (accepts(port_)) return;
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
      }
      process_.reset();
    }
    throw std::runtime_error("the server did not start: " + command(0).at(0));
  }
  uint16_t port() const { return port_; }

 private:
  uint16_t port_ = 0;
  std::optional<Process> process_;
};

// Answers each connection's first request with what `answer` makes of it, then closes. Thread of its own.
class TinyHttp {
 public:
  using Answer = std::function<std::string(const std::string& request)>;

  explicit TinyHttp(Answer answer) : answer_(std::move(answer)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = loopback(0);
    socklen_t size = sizeof address;
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listener_, 64) != 0) {
      throw std::runtime_error("TinyHttp cannot listen");
    }
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~TinyHttp() {
    stopping_ = true;
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }
  uint16_t port() const { return port_; }
  std::vector<std::string> requests() const {
    std::lock_guard lock(mutex_);
    return requests_;
  }
  static std::string response(int status, const std::string& headers, const std::string& body) {
    return "HTTP/1.1 " + std::to_string(status) + " X\r\nConnection: close\r\nContent-Length: " +
           std::to_string(body.size()) + "\r\n" + headers + "\r\n" + body;
  }

 private:
  // The header and as much body as Content-Length says; "" when the peer stays silent.
  std::string read_request(int fd) {
    std::string request;
    char chunk[4096];
    while (!stopping_) {
      pollfd waiting{fd, POLLIN, 0};
      if (::poll(&waiting, 1, 50) == 0) continue;
      ssize_t got = ::recv(fd, chunk, sizeof chunk, 0);
      if (got <= 0) break;
      request.append(chunk, static_cast<size_t>(got));
      size_t end = request.find("\r\n\r\n");
      if (end == request.npos) continue;
      size_t length = 0;
      if (size_t at = request.find("Content-Length: "); at < end)
        length = std::strtoul(request.c_str() + at + 16, nullptr, 10);
      if (request.size() >= end + 4 + length) break;
    }
    return request;
  }

  void serve() {
    while (!stopping_) {
      int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) continue;
      std::string request = read_request(fd);
      {
        std::lock_guard lock(mutex_);
        requests_.push_back(request);
      }
      std::string bytes = answer_(request);
      // "" keeps the connection open and silent until the peer has had enough.
      if (bytes.empty()) {
        char byte;
        while (!stopping_) {
          pollfd waiting{fd, POLLIN, 0};
          if (::poll(&waiting, 1, 20) > 0 && ::recv(fd, &byte, 1, 0) <= 0) break;
        }
      }
      for (std::string_view rest = bytes; !rest.empty();) {
        ssize_t sent = ::send(fd, rest.data(), rest.size(), MSG_NOSIGNAL);
        if (sent <= 0) break;
        rest.remove_prefix(static_cast<size_t>(sent));
      }
      ::shutdown(fd, SHUT_WR);
      ::close(fd);
    }
  }

  Answer answer_;
  int listener_ = -1;
  uint16_t port_ = 0;
  std::atomic<bool> stopping_{false};
  mutable std::mutex mutex_;
  std::vector<std::string> requests_;
  std::thread thread_;
};

}  // namespace mainstay::test
