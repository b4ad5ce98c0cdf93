// The words of Kubernetes' field errors, collected into Diagnostics. The first words of a message tell the
// cause of a 422 answer: see field_error_reason. One thread at a time.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "schema/diagnostics.h"
#include "schema/names.h"
#include "schema/value.h"

namespace mainstay {

// "FieldValueRequired" for "Required value", "FieldValueInvalid" for "Invalid value: ..." and so on: the
// reason of a cause in a Status. "FieldValueInvalid" for anything else.
std::string_view field_error_reason(std::string_view message);

class FieldErrors {
 public:
  // `document` may be null; then errors carry no mark.
  FieldErrors(Diagnostics& diagnostics, const Value* document)
      : diagnostics_(diagnostics), document_(document) {}

  void required(const Path& path, std::string_view why = {});
  void invalid(const Path& path, std::string_view value, std::string_view why);  // shown in quotes
  void invalid(const Path& path, int64_t value, std::string_view why);
  void invalid_shown(const Path& path, std::string_view shown, std::string_view why);  // shown as it is
  void unsupported(const Path& path, std::string_view value, std::span<const std::string_view> supported);
  void duplicate(const Path& path, std::string_view value);
  void duplicate_shown(const Path& path, std::string_view shown);
  void not_found(const Path& path, std::string_view value);
  void forbidden(const Path& path, std::string_view why, std::string hint = {});
  void too_long(const Path& path, size_t limit);
  void warning(const Path& path, std::string message);

  // Each problem as an invalid value.
  void problems(const Path& path, std::string_view value, const Problems& problems);

  // Common checks; true if nothing was wrong.
  bool at_least(const Path& path, int64_t value, int64_t least);
  bool in_range(const Path& path, int64_t value, int64_t least, int64_t most);
  bool port(const Path& path, int64_t value) { return in_range(path, value, 1, 65535); }
  // Required if empty, unsupported if it is none of the list.
  bool one_of(const Path& path, std::string_view value, std::span<const std::string_view> supported);

 private:
  void add(const Path& path, std::string message, std::string hint = {});

  Diagnostics& diagnostics_;
  const Value* document_;
};

}  // namespace mainstay
