// What a YAML scalar means: the rules by which kubectl reads one (go-yaml v2's resolver as sigs.k8s.io/yaml
// uses it: YAML 1.1 with some of 1.2), then what survives the way through JSON. Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "schema/base/result.h"
#include "schema/value.h"

namespace mainstay {

struct Scalar {
  enum class Kind : uint8_t { kString, kNull, kBool, kInt, kUint, kFloat };
  Kind kind = Kind::kString;  // a string is the text itself
  bool boolean = false;
  int64_t integer = 0;
  uint64_t natural = 0;  // kUint: larger than any int64
  double number = 0;     // may be infinite or not a number
};

// The meaning of an unquoted scalar without a tag.
Scalar resolve_plain(std::string_view text);

// The value of a scalar with an explicit tag ("tag:yaml.org,2002:int"), whatever its quotes. Tags we do not
// know leave the text a string, as go-yaml does.
Result<Value> resolve_tagged(std::string_view tag, std::string_view text);

// The value of a plain scalar: whole floats become integers (as they do on the way through JSON), integers
// beyond int64 become numbers. Fails for .inf and .nan, which JSON cannot hold.
Result<Value> scalar_value(const Scalar& scalar, std::string_view text);

// The text of a plain scalar used as a map key: 017 is "15", yes is "true". Fails for null.
Result<std::string> scalar_key(const Scalar& scalar, std::string_view text);

}  // namespace mainstay
