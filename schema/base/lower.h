// Lower case of ASCII letters; all other bytes stay, whatever the locale. Pure; any thread.
#pragma once

#include <string>

namespace mainstay {

inline std::string lower_ascii(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

}  // namespace mainstay
