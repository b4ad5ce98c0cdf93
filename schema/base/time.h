// Points and spans of time as values. Nothing here reads a clock: `Now` is handed in from the edge
// (schema/base/clock.h), so the same code runs in virtual time. Any thread.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mainstay {

using Duration = std::chrono::microseconds;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;
using std::chrono_literals::operator""min;
using std::chrono_literals::operator""h;
using std::chrono_literals::operator""us;

// Microseconds since 1970-01-01 UTC, as people and other machines know it; may jump. For timestamps only.
struct WallTime {
  Duration since_epoch{0};
  auto operator<=>(const WallTime&) const = default;
  WallTime operator+(Duration d) const { return {since_epoch + d}; }
  WallTime operator-(Duration d) const { return {since_epoch - d}; }
  Duration operator-(WallTime other) const { return since_epoch - other.since_epoch; }
  // The same instant cut to whole seconds, as Kubernetes' Time stores it.
  WallTime seconds() const { return {std::chrono::floor<std::chrono::seconds>(since_epoch)}; }
};

// Time since an arbitrary start; never goes back. For deadlines only; means nothing to another process.
struct MonoTime {
  Duration since_start{0};
  auto operator<=>(const MonoTime&) const = default;
  MonoTime operator+(Duration d) const { return {since_start + d}; }
  MonoTime operator-(Duration d) const { return {since_start - d}; }
  Duration operator-(MonoTime other) const { return since_start - other.since_start; }
};

struct Now {
  WallTime wall;
  MonoTime mono;
};

// "2006-01-02T15:04:05Z" (Kubernetes' Time) and "2006-01-02T15:04:05.000000Z" (MicroTime).
std::string format_rfc3339(WallTime time);
std::string format_rfc3339_micro(WallTime time);

// Any RFC 3339 time, with or without fraction, 'Z' or offset; nothing if it is not one.
std::optional<WallTime> parse_rfc3339(std::string_view text);

// kubectl's age column ("5s", "2m30s", "47h", "8d"): apimachinery duration.HumanDuration.
std::string human_duration(Duration span);

// Go's time.ParseDuration ("1h30m", "300ms"); nothing if it is not one.
std::optional<Duration> parse_duration(std::string_view text);

}  // namespace mainstay
