// IPv4 addresses and blocks of them as numbers. Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mainstay {

// "10.96.0.1"; nothing if it is not four decimal numbers without leading zeros.
std::optional<uint32_t> parse_ipv4(std::string_view text);
std::string ipv4_text(uint32_t address);

struct Ipv4Block {
  uint32_t base = 0;
  int bits = 32;

  uint64_t size() const { return uint64_t{1} << (32 - bits); }
  bool contains(uint32_t address) const { return address - base < size() && address >= base; }
  std::string text() const { return ipv4_text(base) + "/" + std::to_string(bits); }
};

// "10.96.0.0/16"; nothing if it is no range or has bits set beyond its prefix.
std::optional<Ipv4Block> parse_ipv4_range(std::string_view text);

}  // namespace mainstay
