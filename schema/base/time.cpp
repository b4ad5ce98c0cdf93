#include "schema/base/time.h"

#include <array>
#include <cctype>
#include <cstdio>

namespace mainstay {
namespace {

using std::chrono::days;
using std::chrono::seconds;

struct Civil {
  int year, month, day, hour, minute, second, micros;
};

Civil civil_of(WallTime time) {
  auto day = std::chrono::floor<days>(time.since_epoch);
  std::chrono::year_month_day ymd{std::chrono::sys_days{day}};
  auto rest = time.since_epoch - day;
  auto whole = std::chrono::floor<seconds>(rest);
  auto secs = static_cast<int>(whole.count());
  return {static_cast<int>(ymd.year()), static_cast<int>(static_cast<unsigned>(ymd.month())),
          static_cast<int>(static_cast<unsigned>(ymd.day())), secs / 3600, secs / 60 % 60, secs % 60,
          static_cast<int>((rest - whole).count())};
}

// Reads exactly `width` digits at `at`; -1 if they are not there.
int digits(std::string_view text, size_t at, size_t width) {
  if (at + width > text.size()) return -1;
  int value = 0;
  for (size_t i = at; i < at + width; ++i) {
    if (text[i] < '0' || text[i] > '9') return -1;
    value = value * 10 + (text[i] - '0');
  }
  return value;
}

}  // namespace

std::string format_rfc3339(WallTime time) {
  Civil c = civil_of(time);
  std::array<char, 48> out{};
  int n = std::snprintf(out.data(), out.size(), "%04d-%02d-%02dT%02d:%02d:%02dZ", c.year, c.month, c.day,
                        c.hour, c.minute, c.second);
  return {out.data(), static_cast<size_t>(n)};
}

std::string format_rfc3339_micro(WallTime time) {
  Civil c = civil_of(time);
  std::array<char, 48> out{};
  int n = std::snprintf(out.data(), out.size(), "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ", c.year, c.month,
                        c.day, c.hour, c.minute, c.second, c.micros);
  return {out.data(), static_cast<size_t>(n)};
}

std::optional<WallTime> parse_rfc3339(std::string_view t) {
  if (t.size() < 20 || t[4] != '-' || t[7] != '-' || (t[10] != 'T' && t[10] != 't') || t[13] != ':' ||
      t[16] != ':') {
    return std::nullopt;
  }
  int year = digits(t, 0, 4), month = digits(t, 5, 2), day = digits(t, 8, 2);
  int hour = digits(t, 11, 2), minute = digits(t, 14, 2), second = digits(t, 17, 2);
  if (year < 0 || month < 0 || day < 0 || hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 ||
      second > 60) {
    return std::nullopt;
  }
  std::chrono::year_month_day ymd{std::chrono::year{year}, std::chrono::month{static_cast<unsigned>(month)},
                                  std::chrono::day{static_cast<unsigned>(day)}};
  if (!ymd.ok()) return std::nullopt;
  size_t at = 19;
  int64_t micros = 0;
  if (t[at] == '.') {
    int64_t unit = 100000;
    size_t start = ++at;
    for (; at < t.size() && std::isdigit(static_cast<unsigned char>(t[at])); ++at, unit /= 10) {
      micros += (t[at] - '0') * unit;
    }
    if (at == start) return std::nullopt;
  }
  if (at >= t.size()) return std::nullopt;
  int offset_minutes = 0;
  if (t[at] == 'Z' || t[at] == 'z') {
    ++at;
  } else if (t[at] == '+' || t[at] == '-') {
    int oh = digits(t, at + 1, 2), om = digits(t, at + 4, 2);
    if (oh < 0 || om < 0 || t[at + 3] != ':') return std::nullopt;
    offset_minutes = (t[at] == '-' ? -1 : 1) * (oh * 60 + om);
    at += 6;
  }
  if (at != t.size()) return std::nullopt;
  auto since = std::chrono::sys_days{ymd}.time_since_epoch() + std::chrono::hours{hour} +
               std::chrono::minutes{minute - offset_minutes} + seconds{second};
  return WallTime{std::chrono::duration_cast<Duration>(since) + Duration{micros}};
}

std::string human_duration(Duration span) {
  auto total = std::chrono::duration_cast<seconds>(span).count();
  if (total < -1) return "<invalid>";
  if (total < 0) return "0s";
  auto pair = [](int64_t a, const char* ua, int64_t b, const char* ub) {
    std::string out = std::to_string(a) + ua;
    if (b != 0) out += std::to_string(b) + ub;
    return out;
  };
  int64_t m = total / 60, h = total / 3600, d = total / 86400, y = d / 365;
  if (total < 120) return std::to_string(total) + "s";
  if (m < 10) return pair(m, "m", total % 60, "s");
  if (m < 180) return std::to_string(m) + "m";
  if (h < 8) return pair(h, "h", m % 60, "m");
  if (h < 48) return std::to_string(h) + "h";
  if (h < 192) return pair(d, "d", h % 24, "h");
  if (y < 2) return std::to_string(d) + "d";
  if (y < 8) return pair(y, "y", d % 365, "d");
  return std::to_string(y) + "y";
}

std::optional<Duration> parse_duration(std::string_view text) {
  if (text.empty()) return std::nullopt;
  bool negative = text[0] == '-';
  if (text[0] == '-' || text[0] == '+') text.remove_prefix(1);
  if (text == "0") return Duration{0};
  if (text.empty()) return std::nullopt;
  double total = 0;
  while (!text.empty()) {
    size_t n = 0;
    double value = 0, scale = 1;
    bool seen_digit = false, fraction = false;
    for (; n < text.size() && (std::isdigit(static_cast<unsigned char>(text[n])) || text[n] == '.'); ++n) {
      if (text[n] == '.') {
        if (fraction) return std::nullopt;
        fraction = true;
        continue;
      }
      seen_digit = true;
      value = value * 10 + (text[n] - '0');
      if (fraction) scale *= 10;
    }
    if (!seen_digit) return std::nullopt;
    text.remove_prefix(n);
    struct Unit { std::string_view name; double micros; };
    static constexpr Unit kUnits[] = {{"ns", 1e-3}, {"us", 1}, {"ms", 1e3}, {"s", 1e6}, {"m", 6e7}, {"h", 3.6e9}};
    const Unit* found = nullptr;
    for (const Unit& unit : kUnits) {
      if (text.starts_with(unit.name) && (found == nullptr || unit.name.size() > found->name.size())) found = &unit;
    }
    if (found == nullptr) return std::nullopt;
    total += value / scale * found->micros;
    if (total > 9.2e18) return std::nullopt;
    text.remove_prefix(found->name.size());
  }
  auto micros = static_cast<int64_t>(total + 0.5);
  return Duration{negative ? -micros : micros};
}

}  // namespace mainstay
