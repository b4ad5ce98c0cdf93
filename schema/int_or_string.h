// Kubernetes' intstr.IntOrString: a port number or name, a count or a percentage. Plain value; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <variant>

namespace mainstay {

struct IntOrString {
  std::variant<int32_t, std::string> value = 0;

  IntOrString() = default;
  IntOrString(int32_t number) : value(number) {}            // NOLINT: implicit on purpose
  IntOrString(std::string text) : value(std::move(text)) {}  // NOLINT
  bool is_int() const { return value.index() == 0; }
  int32_t number() const { return std::get<0>(value); }
  const std::string& string() const { return std::get<1>(value); }
  std::string text() const { return is_int() ? std::to_string(number()) : string(); }
  // Go's zero value: the number 0.
  bool is_zero() const { return is_int() && number() == 0; }
  bool operator==(const IntOrString&) const = default;
};

}  // namespace mainstay
