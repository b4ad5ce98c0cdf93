// A socket that closes itself, and the addresses sockets speak to. For the server's thread and tests.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <string>
#include <utility>

#include "schema/base/result.h"

namespace mainstay {

class Socket {
 public:
  Socket() = default;
  explicit Socket(int fd) : fd_(fd) {}
  Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Socket& operator=(Socket&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Socket() {
    if (fd_ >= 0) ::close(fd_);
  }
  int fd() const { return fd_; }
  bool open() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;

  const sockaddr* raw() const { return reinterpret_cast<const sockaddr*>(&storage); }
  int family() const { return storage.ss_family; }
  uint16_t port() const;
  bool operator==(const SocketAddress& other) const;
};

// "10.0.0.2", "10.0.0.2:5353", "fd00::2", "[fd00::2]:53"; kInvalid with the text otherwise.
Result<SocketAddress> parse_address(const std::string& text, uint16_t default_port);
std::string to_text(const SocketAddress& address);

}  // namespace mainstay
