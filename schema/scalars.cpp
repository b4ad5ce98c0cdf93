#include "schema/scalars.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "schema/base/crypto.h"
#include "schema/base/time.h"
#include "schema/json.h"
#include "schema/yaml_scalar.h"

namespace mainstay {
namespace {

std::string_view trimmed(std::string_view text) {
  size_t start = text.find_first_not_of(" \t\r\n");
  if (start == std::string_view::npos) return {};
  return text.substr(start, text.find_last_not_of(" \t\r\n") - start + 1);
}

std::string shown(std::string_view text, const Place& place) {
  return place.secret ? std::string("the value") : quoted(text);
}

}  // namespace

void wrong_type(const Value& value, std::string_view expected, const Place& place) {
  std::string hint;
  if (value.is_string() && (expected == "integer" || expected == "boolean")) {
    Scalar scalar = resolve_plain(value.as_string());
    bool fits =
        expected == "integer" ? scalar.kind == Scalar::Kind::kInt : scalar.kind == Scalar::Kind::kBool;
    if (fits) hint = "remove the quotes";
  } else if (expected.ends_with("string") && !value.is_list() && !value.is_map()) {
    hint = "put it in quotes";
  } else if (expected == "list" && !value.is_list()) {
    hint = "write it as an item: \"- ...\"";
  }
  std::string article(expected);
  place.error("expected " + article + ", got " + std::string(value_kind_name(value.kind())), std::move(hint));
}

std::optional<bool> read_bool(const Value& value, const Place& place) {
  if (value.is_bool()) return value.as_bool();
  wrong_type(value, "boolean", place);
  return std::nullopt;
}

std::optional<int64_t> read_integer(const Value& value, int bits, const Place& place) {
  if (!value.is_number()) {
    wrong_type(value, "integer", place);
    return std::nullopt;
  }
  int64_t number = 0;
  bool fits = value.is_int();
  if (fits) {
    number = value.as_int();
  } else {
    double wide = value.as_double();
    if (wide != std::floor(wide)) {
      place.error("expected integer, got a number with a fraction");
      return std::nullopt;
    }
    constexpr double kEdge = 9223372036854775808.0;  // 2^63
    fits = wide >= -kEdge && wide < kEdge;
    if (fits) number = static_cast<int64_t>(wide);
  }
  if (bits == 32) {
    fits = fits && number >= std::numeric_limits<int32_t>::min() &&
           number <= std::numeric_limits<int32_t>::max();
  }
  if (fits) return number;
  place.error("the number does not fit into " + std::to_string(bits) + " bits");
  return std::nullopt;
}

const std::string* read_string(const Value& value, const Place& place) {
  if (value.is_string()) return &value.as_string();
  wrong_type(value, "string", place);
  return nullptr;
}

std::optional<std::string> read_bytes(const Value& value, const Place& place) {
  if (!value.is_string()) {
    wrong_type(value, "base64 string", place);
    return std::nullopt;
  }
  std::string text = value.as_string();
  // Go's decoder skips line ends, so folded blocks are common.
  std::erase_if(text, [](char c) { return c == '\n' || c == '\r'; });
  std::optional<std::string> bytes = unbase64(text);
  if (!bytes) {
    place.error("not base64", "encode it (base64 -w0), or use stringData for plain text in a Secret");
  }
  return bytes;
}

std::optional<Quantity> read_quantity(const Value& value, const Place& place) {
  std::string text;
  if (value.is_string()) {
    text = value.as_string();
  } else if (value.is_int()) {
    append_json_number(text, value.as_int());
  } else if (value.is_double()) {
    append_json_number(text, value.as_double());
  } else {
    wrong_type(value, "quantity", place);
    return std::nullopt;
  }
  std::optional<Quantity> quantity = Quantity::parse(trimmed(text));
  if (!quantity) {
    place.error("expected quantity, got " + shown(text, place),
                "a number with a suffix, such as 250m, 1.5, 64Mi or 2G");
  }
  return quantity;
}

std::optional<IntOrString> read_int_or_string(const Value& value, const Place& place) {
  if (value.is_string()) return IntOrString(value.as_string());
  if (!value.is_number()) {
    wrong_type(value, "integer or string", place);
    return std::nullopt;
  }
  std::optional<int64_t> number = read_integer(value, 32, place);
  if (!number) return std::nullopt;
  return IntOrString(static_cast<int32_t>(*number));
}

std::optional<WallTime> read_time(const Value& value, bool micro, const Place& place) {
  if (!value.is_string()) {
    wrong_type(value, "RFC 3339 time", place);
    return std::nullopt;
  }
  std::optional<WallTime> time = parse_rfc3339(value.as_string());
  if (!time) {
    place.error("expected RFC 3339 time, got " + shown(value.as_string(), place),
                "such as 2006-01-02T15:04:05Z");
    return std::nullopt;
  }
  return micro ? *time : time->seconds();
}

}  // namespace mainstay
