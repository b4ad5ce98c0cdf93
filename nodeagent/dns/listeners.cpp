#include "nodeagent/dns/listeners.h"

#include <cerrno>
#include <cstring>

namespace mainstay {
namespace {

constexpr int kReceiveBuffer = 1 << 20;
constexpr int kBacklog = 128;
constexpr int kPortAttempts = 50;

Error socket_error(const SocketAddress& address, std::string_view what) {
  ErrorCode code = ErrorCode::kFailed;
  if (errno == EADDRINUSE) code = ErrorCode::kBusy;
  if (errno == EADDRNOTAVAIL) code = ErrorCode::kUnavailable;
  if (errno == EACCES || errno == EPERM) code = ErrorCode::kDenied;
  return error(code, "DNS on " + to_text(address) + ": " + std::string(what) + ": " + std::strerror(errno));
}

Result<Socket> open_one(const SocketAddress& address, int type) {
  Socket out(::socket(address.family(), type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!out.open()) return socket_error(address, "socket");
  int yes = 1;
  if (type == SOCK_STREAM) {
    ::setsockopt(out.fd(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
  } else {
    ::setsockopt(out.fd(), SOL_SOCKET, SO_RCVBUF, &kReceiveBuffer, sizeof(kReceiveBuffer));
  }
  if (::bind(out.fd(), address.raw(), address.size) != 0) return socket_error(address, "bind");
  if (type == SOCK_STREAM && ::listen(out.fd(), kBacklog) != 0) return socket_error(address, "listen");
  return out;
}

Result<std::vector<DnsListener>> open_all(std::vector<SocketAddress> addresses) {
  std::vector<DnsListener> out;
  for (SocketAddress& address : addresses) {
    if (!out.empty()) {
      reinterpret_cast<sockaddr_in&>(address.storage).sin_port =
          reinterpret_cast<const sockaddr_in&>(out.front().address.storage).sin_port;
    }
    ASSIGN_OR_RETURN(Socket tcp, open_one(address, SOCK_STREAM));
    address.size = sizeof(address.storage);
    if (::getsockname(tcp.fd(), reinterpret_cast<sockaddr*>(&address.storage), &address.size) != 0) {
      return socket_error(address, "getsockname");
    }
    ASSIGN_OR_RETURN(Socket udp, open_one(address, SOCK_DGRAM));
    out.push_back({address, std::move(udp), std::move(tcp)});
  }
  return out;
}

}  // namespace

Result<std::vector<DnsListener>> open_dns_listeners(const std::vector<std::string>& addresses,
                                                    uint16_t port) {
  std::vector<SocketAddress> parsed;
  for (const std::string& text : addresses) {
    ASSIGN_OR_RETURN(SocketAddress address, parse_address(text, port));
    if (address.family() != AF_INET) {
      return error(ErrorCode::kInvalid, "DNS listens on IPv4 addresses only, not on \"" + text + "\"");
    }
    parsed.push_back(address);
  }
  if (parsed.empty()) return error(ErrorCode::kInvalid, "DNS needs an address to listen on");
  // A port that is free for TCP may be taken for UDP: another draw.
  for (int i = 1;; ++i) {
    Result<std::vector<DnsListener>> out = open_all(parsed);
    bool again = !out.ok() && out.error().code == ErrorCode::kBusy && port == 0 && i < kPortAttempts;
    if (!again) return out;
  }
}

}  // namespace mainstay
