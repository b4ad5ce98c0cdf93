// From a Value to a typed object, along its descriptor. Every mistake is reported with its path and place and
// the walk goes on, so that a manifest's author sees all of them at once. Pure; any thread.
//
// Rules (Go's JSON decoding as Kubernetes uses it): null means absent everywhere, in a list or map it means
// an empty element; field names are case-sensitive; defaults and required fields are not looked at here.
#pragma once

#include <cstdint>

#include "schema/descriptor.h"
#include "schema/diagnostics.h"
#include "schema/value.h"

namespace mainstay {

enum class UnknownFields : uint8_t { kError, kWarn, kIgnore };

struct DecodeOptions {
  UnknownFields unknown_fields = UnknownFields::kError;  // the field is dropped in any case
};

// Fills `out`, the default-made C++ struct that `type` (a kStruct with storage) describes. What is wrong
// keeps its default. Carried fields are checked and kept in their canonical form.
void decode(const Value& value, const TypeDesc& type, void* out, const DecodeOptions& options,
            const Path& path, Diagnostics& diagnostics);

// decode() of a struct with storage, S::kType.
template <typename S>
S decode_as(const Value& value, const DecodeOptions& options, const Path& path, Diagnostics& diagnostics) {
  S out{};
  decode(value, S::kType, &out, options, path, diagnostics);
  return out;
}

// The value in canonical form, for types that are kept as Values: members in the order of the table, nulls
// and unknown fields left out, map keys sorted, quantities, times and numbers written the one way encode()
// writes them. So equal content gives equal bytes. Works for every shape; what is wrong is left out.
Value canonical_value(const Value& value, const TypeDesc& type, const DecodeOptions& options,
                      const Path& path, Diagnostics& diagnostics);

// For objects whose envelope (apiVersion, kind, metadata) stands among the body's own fields: the same two,
// with the members that `skip` names left to the caller.
using SkipMember = bool (*)(std::string_view name);
void decode_members(const Value& value, const TypeDesc& type, void* out, SkipMember skip,
                    const DecodeOptions& options, const Path& path, Diagnostics& diagnostics);
Value canonical_members(const Value& value, const TypeDesc& type, SkipMember skip,
                        const DecodeOptions& options, const Path& path, Diagnostics& diagnostics);

// Only reports what canonical_value() would.
void check_value(const Value& value, const TypeDesc& type, const DecodeOptions& options, const Path& path,
                 Diagnostics& diagnostics);

}  // namespace mainstay
