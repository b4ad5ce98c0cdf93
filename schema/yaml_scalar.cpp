#include "schema/yaml_scalar.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>

#include "schema/base/crypto.h"
#include "schema/utf8.h"

namespace mainstay {
namespace {

using ScalarKind = Scalar::Kind;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool one_of(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), text) != words.end();
}

// Words with a meaning of their own, or nothing.
std::optional<Scalar> resolve_word(std::string_view text) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  if (text.size() > 5) return std::nullopt;
  if (one_of(text, {"", "~", "null", "Null", "NULL"})) return Scalar{.kind = ScalarKind::kNull};
  if (one_of(text, {"y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"})) {
    return Scalar{.kind = ScalarKind::kBool, .boolean = true};
  }
  if (one_of(text, {"n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"})) {
    return Scalar{.kind = ScalarKind::kBool, .boolean = false};
  }
  if (one_of(text, {".nan", ".NaN", ".NAN"})) {
    return Scalar{.kind = ScalarKind::kFloat, .number = std::numeric_limits<double>::quiet_NaN()};
  }
  if (one_of(text, {".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"})) {
    return Scalar{.kind = ScalarKind::kFloat, .number = kInfinity};
  }
  if (one_of(text, {"-.inf", "-.Inf", "-.INF"})) return Scalar{.kind = ScalarKind::kFloat, .number = -kInfinity};
  return std::nullopt;
}

// `digits` (one or more, nothing else) in `base`, with a sign in front of them already taken off.
std::optional<Scalar> magnitude(std::string_view digits, int base, bool negative) {
  uint64_t value = 0;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  if (digits.empty() || error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  constexpr uint64_t kMost = std::numeric_limits<int64_t>::max();
  if (negative) {
    if (value > kMost + 1) return std::nullopt;
    return Scalar{.kind = ScalarKind::kInt, .integer = static_cast<int64_t>(~value + 1)};
  }
  if (value <= kMost) return Scalar{.kind = ScalarKind::kInt, .integer = static_cast<int64_t>(value)};
  return Scalar{.kind = ScalarKind::kUint, .natural = value};
}

// Go's strconv.ParseInt and ParseUint with base 0: 0x, 0o, 0b and a leading 0 choose the base.
std::optional<Scalar> resolve_integer(std::string_view text) {
  bool negative = text.starts_with('-'), is_signed = negative || text.starts_with('+');
  std::string_view digits = text.substr(is_signed ? 1 : 0);
  std::optional<Scalar> found;
  if (digits.size() > 1 && digits[0] == '0') {
    char letter = static_cast<char>(digits[1] | 0x20);
    int base = letter == 'x' ? 16 : letter == 'o' ? 8 : letter == 'b' ? 2 : 0;
    found =
        base != 0 ? magnitude(digits.substr(2), base, negative) : magnitude(digits.substr(1), 8, negative);
  } else {
    found = magnitude(digits, 10, negative);
  }
  // ParseUint takes no sign, so a signed number beyond int64 is not an integer.
  if (found && found->kind == ScalarKind::kUint && is_signed) return std::nullopt;
  return found;
}

// [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)? within the range of a double.
std::optional<Scalar> resolve_float(std::string_view text) {
  size_t at = 0;
  auto sign = [&] {
    if (at < text.size() && (text[at] == '-' || text[at] == '+')) ++at;
  };
  auto digits = [&] {
    size_t start = at;
    while (at < text.size() && is_digit(text[at])) ++at;
    return at - start;
  };
  sign();
  size_t whole = digits();
  if (at < text.size() && text[at] == '.') {
    ++at;
    if (digits() == 0 && whole == 0) return std::nullopt;
  } else if (whole == 0) {
    return std::nullopt;
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    sign();
    if (digits() == 0) return std::nullopt;
  }
  if (at != text.size()) return std::nullopt;
  if (text.starts_with('+')) text.remove_prefix(1);
  double value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc::result_out_of_range) {
    // Go calls only what is too large out of range; what is too small is 0.
    size_t exponent = text.find_first_of("eE");
    if (exponent == std::string_view::npos || text[exponent + 1] != '-') return std::nullopt;
    return Scalar{.kind = ScalarKind::kFloat, .number = 0};
  }
  if (error != std::errc()) return std::nullopt;
  return Scalar{.kind = ScalarKind::kFloat, .number = value};
}

std::optional<Scalar> resolve_number(std::string_view text) {
  std::string without;
  if (text.find('_') != std::string_view::npos) {
    std::copy_if(text.begin(), text.end(), std::back_inserter(without), [](char c) { return c != '_'; });
    text = without;
  }
  if (auto integer = resolve_integer(text)) return integer;
  if (auto number = resolve_float(text)) return number;
  if (text.starts_with("0b")) {  // go-yaml lets the sign stand behind the base
    std::string_view digits = text.substr(2);
    bool negative = digits.starts_with('-');
    if (negative || digits.starts_with('+')) return magnitude(digits.substr(1), 2, negative);
  }
  return std::nullopt;
}

// The times go-yaml knows start with a date; the exact rest does not matter, as the text stays a string.
bool looks_like_timestamp(std::string_view text) {
  size_t at = 0;
  auto number = [&](size_t least, size_t most) {
    size_t start = at;
    while (at < text.size() && at - start < most && is_digit(text[at])) ++at;
    return at - start >= least;
  };
  auto expect = [&](char c) { return at < text.size() && text[at++] == c; };
  if (!number(4, 4) || !expect('-') || !number(1, 2) || !expect('-') || !number(1, 2)) return false;
  if (at == text.size()) return true;
  char separator = text[at++];
  if (separator != 'T' && separator != 't' && separator != ' ') return false;
  return number(1, 2) && expect(':') && number(1, 2) && expect(':') && number(1, 2);
}

// A float as a key: Go's FormatFloat(value, 'g', -1, 32), quirks and all.
std::string float_key(double value) {
  if (std::isnan(value)) return ".nan";
  auto narrow = static_cast<float>(value);
  if (std::isinf(narrow)) return narrow > 0 ? ".inf" : "-.inf";
  std::array<char, 64> buffer{};
  auto end =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), narrow, std::chars_format::scientific).ptr;
  std::string_view text(buffer.data(), static_cast<size_t>(end - buffer.data()));
  int exponent = 0;
  std::string_view tail = text.substr(text.find('e') + 1);
  if (tail.starts_with('+')) tail.remove_prefix(1);
  std::from_chars(tail.data(), tail.data() + tail.size(), exponent);
  if (exponent < -4 || exponent >= 6) return std::string(text);
  end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), narrow, std::chars_format::fixed).ptr;
  return {buffer.data(), end};
}

Value whole_or_double(double number) {
  constexpr double kEdge = 9223372036854775808.0;  // 2^63
  if (number == std::floor(number) && number >= -kEdge && number < kEdge) {
    return Value(static_cast<int64_t>(number));
  }
  return Value(number);
}

Result<Value> binary(std::string_view text) {
  std::string stripped;
  std::copy_if(text.begin(), text.end(), std::back_inserter(stripped),
               [](char c) { return c != '\n' && c != '\r'; });
  auto bytes = unbase64(stripped);
  if (!bytes) return error(ErrorCode::kInvalid, "!!binary value is not base64");
  if (utf8_valid_prefix(*bytes) < bytes->size()) {
    return error(ErrorCode::kInvalid,
                 "!!binary value is no UTF-8 text, so that JSON cannot hold it; "
                 "leave the tag out to keep the base64 text");
  }
  return Value(std::move(*bytes));
}

}  // namespace

Scalar resolve_plain(std::string_view text) {
  if (text.empty()) return {.kind = ScalarKind::kNull};
  char first = text[0];
  bool number_like = is_digit(first) || first == '-' || first == '+' || first == '.';
  if (!number_like && std::string_view("yYnNtTfFoO~").find(first) == std::string_view::npos) return {};
  if (auto word = resolve_word(text)) return *word;
  if (!number_like) return {};
  if (first == '.') return resolve_float(text).value_or(Scalar{});
  return resolve_number(text).value_or(Scalar{});
}

Result<Value> scalar_value(const Scalar& scalar, std::string_view text) {
  switch (scalar.kind) {
    case ScalarKind::kString: return Value(text);
    case ScalarKind::kNull: return Value();
    case ScalarKind::kBool: return Value(scalar.boolean);
    case ScalarKind::kInt: return Value(scalar.integer);
    case ScalarKind::kUint: return Value(static_cast<double>(scalar.natural));
    case ScalarKind::kFloat:
      if (!std::isfinite(scalar.number)) {
        return error(ErrorCode::kInvalid,
                     "JSON has no number for " + std::string(text) + "; quote it to mean text");
      }
      return whole_or_double(scalar.number);
  }
  return Value();
}

Result<std::string> scalar_key(const Scalar& scalar, std::string_view text) {
  switch (scalar.kind) {
    case ScalarKind::kString: return std::string(text);
    case ScalarKind::kBool: return std::string(scalar.boolean ? "true" : "false");
    case ScalarKind::kInt: return std::to_string(scalar.integer);
    case ScalarKind::kUint: return std::to_string(scalar.natural);
    case ScalarKind::kFloat: return float_key(scalar.number);
    case ScalarKind::kNull: break;
  }
  return error(ErrorCode::kInvalid, "null is no map key; quote it to mean text");
}

Result<Value> resolve_tagged(std::string_view tag, std::string_view text) {
  constexpr std::string_view kPrefix = "tag:yaml.org,2002:";
  if (!tag.starts_with(kPrefix)) return Value(text);
  std::string_view name = tag.substr(kPrefix.size());
  if (name == "binary") return binary(text);
  bool known = one_of(name, {"bool", "int", "float", "null", "timestamp"});
  if (!known) return Value(text);
  Scalar scalar = resolve_plain(text);
  bool fits = false;
  switch (scalar.kind) {
    case ScalarKind::kString: fits = name == "timestamp" && looks_like_timestamp(text); break;
    case ScalarKind::kNull: fits = name == "null"; break;
    case ScalarKind::kBool: fits = name == "bool"; break;
    case ScalarKind::kInt:
    case ScalarKind::kUint: fits = name == "int" || name == "float"; break;
    case ScalarKind::kFloat: fits = name == "float"; break;
  }
  if (!fits) {
    return error(ErrorCode::kInvalid,
                 "\"" + std::string(text.substr(0, 60)) + "\" is no !!" + std::string(name));
  }
  return scalar_value(scalar, text);
}

}  // namespace mainstay
