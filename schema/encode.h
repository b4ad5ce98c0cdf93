// From a typed object to JSON or a Value, along its descriptor. Fields stand in the order of the table; zero
// values are left out unless the field is kEmitZero or an optional that is set; an empty struct that is
// neither is left out too. Carried fields stand in their place. Pure; any thread.
//
// Quantities are canonical, times RFC 3339 in UTC, bytes base64; a zero time that must be written is null.
#pragma once

#include <string>

#include "schema/descriptor.h"
#include "schema/value.h"

namespace mainstay {

// Appends the whole object, "{...}". `type` is a kStruct with storage, `object` its C++ struct.
void append_json(std::string& out, const TypeDesc& type, const void* object);

// Appends `"name":value` for each field, with a comma in front unless `out` ends in '{': to put the
// fields of a body behind apiVersion, kind and metadata.
void append_json_fields(std::string& out, const TypeDesc& type, const void* object);
// The same for a map that is kept as a Value. Requires a map.
void append_json_fields(std::string& out, const Value& map);

// The same as a Value, always a map. Not marked.
Value to_value(const TypeDesc& type, const void* object);

// S::kType of a struct with storage.
template <typename S>
std::string to_json(const S& object) {
  std::string out;
  append_json(out, S::kType, &object);
  return out;
}

}  // namespace mainstay
