#include "nodeagent/go_duration.h"

#include <algorithm>
#include <cstdio>

namespace mainstay {

std::string go_duration(Duration span) {
  int64_t millis = std::chrono::duration_cast<std::chrono::milliseconds>(std::max(span, Duration{0})).count();
  if (millis == 0) return "0s";
  if (millis < 1000) return std::to_string(millis) + "ms";
  int64_t seconds = millis / 1000, minutes = seconds / 60, hours = minutes / 60;
  std::string out;
  if (hours > 0) out += std::to_string(hours) + "h";
  if (minutes > 0) out += std::to_string(minutes % 60) + "m";
  out += std::to_string(seconds % 60);
  if (millis % 1000 != 0) {
    char fraction[8];
    std::snprintf(fraction, sizeof fraction, ".%03d", static_cast<int>(millis % 1000));
    out += fraction;
    while (out.back() == '0') out.pop_back();
  }
  return out + "s";
}

}  // namespace mainstay
