// Reading one scalar of a manifest: the checks and messages that native and carried fields share.
// Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "schema/base/time.h"
#include "schema/diagnostics.h"
#include "schema/int_or_string.h"
#include "schema/quantity.h"
#include "schema/value.h"

namespace mainstay {

// What a scalar reader needs to say where something is wrong. `secret` keeps the text out of messages.
struct Place {
  const Path& path;
  Diagnostics& diagnostics;
  Mark mark;
  bool secret = false;

  void error(std::string message, std::string hint = {}) const {
    diagnostics.error(mark, path.text(), std::move(message), std::move(hint));
  }
};

// Each returns nothing after reporting what was wrong. The value is never null.
std::optional<bool> read_bool(const Value& value, const Place& place);
std::optional<int64_t> read_integer(const Value& value, int bits, const Place& place);
const std::string* read_string(const Value& value, const Place& place);
std::optional<std::string> read_bytes(const Value& value, const Place& place);
std::optional<Quantity> read_quantity(const Value& value, const Place& place);
std::optional<IntOrString> read_int_or_string(const Value& value, const Place& place);
// Whole seconds, unless `micro`.
std::optional<WallTime> read_time(const Value& value, bool micro, const Place& place);

// "expected integer, got string", with a hint where one is obvious.
void wrong_type(const Value& value, std::string_view expected, const Place& place);

}  // namespace mainstay
