// Checking UTF-8, sequence by sequence. Pure; any thread.
#pragma once

#include <cstddef>
#include <string_view>

namespace mainstay {

// The bytes of the well-formed sequence (Unicode 15, table 3-7) that starts at `at`; 0 if there is none.
inline size_t utf8_length(std::string_view text, size_t at) {
  auto byte = [&](size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  auto tail = [&](size_t i) { return (byte(i) & 0xc0) == 0x80; };
  if (at >= text.size()) return 0;
  unsigned lead = byte(at), second = byte(at + 1);
  if (lead < 0x80) return 1;
  if (lead >= 0xc2 && lead < 0xe0) return tail(at + 1) ? 2 : 0;
  if ((lead >> 4) == 14) {
    if ((lead == 0xe0 && second < 0xa0) || (lead == 0xed && second > 0x9f)) return 0;
    return tail(at + 1) && tail(at + 2) ? 3 : 0;
  }
  if (lead >= 0xf0 && lead <= 0xf4) {
    if ((lead == 0xf0 && second < 0x90) || (lead == 0xf4 && second > 0x8f)) return 0;
    return tail(at + 1) && tail(at + 2) && tail(at + 3) ? 4 : 0;
  }
  return 0;
}

// Where the text stops being UTF-8; its size if it does not.
inline size_t utf8_valid_prefix(std::string_view text) {
  size_t at = 0;
  while (at < text.size()) {
    size_t length = utf8_length(text, at);
    if (length == 0) break;
    at += length;
  }
  return at;
}

}  // namespace mainstay
