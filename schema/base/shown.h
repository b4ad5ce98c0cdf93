// Text of strangers (what a probe or a program printed, names in an archive) on its way to a terminal or a line of
// log: nothing in it moves the cursor or changes colours, and lines begin where the caller lets them. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

namespace mainstay {

// Line breaks become `line_break`, those at the end nothing, tabs and carriage returns a blank; other control
// characters are shown as "^[" (ESC), "^G" and the like, those of Unicode's second set (U+0080 to U+009F) as "?".
// All else stays.
inline std::string shown(std::string_view text, std::string_view line_break = " ") {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.remove_suffix(1);
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    auto c = static_cast<unsigned char>(text[i]);
    bool second_set = c == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0;
    if (c == '\n') {
      out += line_break;
    } else if (c == '\r' || c == '\t') {
      out += ' ';
    } else if (c < 0x20 || c == 0x7f) {
      out += {'^', static_cast<char>(c ^ 0x40)};
    } else if (second_set) {
      out += '?';
      ++i;
    } else {
      out += text[i];
    }
  }
  return out;
}

}  // namespace mainstay
