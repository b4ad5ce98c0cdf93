#include "nodeagent/dns/socket.h"

#include <arpa/inet.h>
#include <net/if.h>

#include <charconv>
#include <cstring>

namespace mainstay {
namespace {

const sockaddr_in& as_ipv4(const SocketAddress& address) {
  return reinterpret_cast<const sockaddr_in&>(address.storage);
}
const sockaddr_in6& as_ipv6(const SocketAddress& address) {
  return reinterpret_cast<const sockaddr_in6&>(address.storage);
}

bool parse_port(const std::string& text, uint16_t& out) {
  unsigned value = 0;
  auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc() || end != text.data() + text.size() || value == 0 || value > 65535) return false;
  out = static_cast<uint16_t>(value);
  return true;
}

}  // namespace

uint16_t SocketAddress::port() const {
  return ntohs(family() == AF_INET ? as_ipv4(*this).sin_port : as_ipv6(*this).sin6_port);
}

bool SocketAddress::operator==(const SocketAddress& other) const {
  if (family() != other.family() || port() != other.port()) return false;
  if (family() == AF_INET) return as_ipv4(*this).sin_addr.s_addr == as_ipv4(other).sin_addr.s_addr;
  return std::memcmp(&as_ipv6(*this).sin6_addr, &as_ipv6(other).sin6_addr, sizeof(in6_addr)) == 0;
}

Result<SocketAddress> parse_address(const std::string& text, uint16_t default_port) {
  std::string host = text;
  uint16_t port = default_port;
  bool fine = true;
  size_t close = text.find(']'), colon = text.find(':');
  if (text.starts_with('[') && close != std::string::npos) {
    host = text.substr(1, close - 1);
    fine = close + 1 == text.size() || (text[close + 1] == ':' && parse_port(text.substr(close + 2), port));
  } else if (colon != std::string::npos && text.find(':', colon + 1) == std::string::npos) {
    host = text.substr(0, colon);
    fine = parse_port(text.substr(colon + 1), port);
  }
  SocketAddress out;
  auto& four = reinterpret_cast<sockaddr_in&>(out.storage);
  auto& six = reinterpret_cast<sockaddr_in6&>(out.storage);
  // "fe80::1%eth0", as resolv.conf may have it.
  size_t percent = host.find('%');
  if (fine && inet_pton(AF_INET, host.c_str(), &four.sin_addr) == 1) {
    four.sin_family = AF_INET;
    four.sin_port = htons(port);
    out.size = sizeof(sockaddr_in);
    return out;
  }
  if (fine && inet_pton(AF_INET6, host.substr(0, percent).c_str(), &six.sin6_addr) == 1) {
    six.sin6_family = AF_INET6;
    six.sin6_port = htons(port);
    if (percent != std::string::npos) six.sin6_scope_id = if_nametoindex(host.substr(percent + 1).c_str());
    out.size = sizeof(sockaddr_in6);
    return out;
  }
  return error(ErrorCode::kInvalid, "\"" + text + "\" is no address such as 10.0.0.2 or 10.0.0.2:53");
}

std::string to_text(const SocketAddress& address) {
  char text[INET6_ADDRSTRLEN] = {};
  if (address.family() == AF_INET) {
    inet_ntop(AF_INET, &as_ipv4(address).sin_addr, text, sizeof(text));
    return std::string(text) + ":" + std::to_string(address.port());
  }
  inet_ntop(AF_INET6, &as_ipv6(address).sin6_addr, text, sizeof(text));
  return "[" + std::string(text) + "]:" + std::to_string(address.port());
}

}  // namespace mainstay
