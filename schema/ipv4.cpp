#include "schema/ipv4.h"

#include <charconv>

namespace mainstay {
namespace {

// A decimal number up to `limit` that is all of `text`.
std::optional<uint32_t> small_number(std::string_view text, uint32_t limit) {
  if (text.empty() || text.size() > 3 || (text.size() > 1 && text[0] == '0')) return std::nullopt;
  uint32_t number = 0;
  auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failed != std::errc() || end != text.data() + text.size() || number > limit) return std::nullopt;
  return number;
}

}  // namespace

std::optional<uint32_t> parse_ipv4(std::string_view text) {
  uint32_t address = 0;
  for (int part = 0; part < 4; ++part) {
    size_t dot = text.find('.');
    if ((dot == std::string_view::npos) != (part == 3)) return std::nullopt;
    std::optional<uint32_t> number = small_number(text.substr(0, dot), 255);
    if (!number) return std::nullopt;
    address = address << 8 | *number;
    if (part < 3) text.remove_prefix(dot + 1);
  }
  return address;
}

std::string ipv4_text(uint32_t address) {
  std::string text;
  for (int shift = 24; shift >= 0; shift -= 8) {
    if (!text.empty()) text += '.';
    text += std::to_string(address >> shift & 255);
  }
  return text;
}

std::optional<Ipv4Block> parse_ipv4_range(std::string_view text) {
  size_t slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  std::optional<uint32_t> base = parse_ipv4(text.substr(0, slash));
  std::optional<uint32_t> bits = small_number(text.substr(slash + 1), 32);
  if (!base || !bits) return std::nullopt;
  Ipv4Block range{*base, static_cast<int>(*bits)};
  if (*base % range.size() != 0) return std::nullopt;
  return range;
}

}  // namespace mainstay
