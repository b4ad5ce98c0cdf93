// Are two objects the same, and if not, where not? Along the descriptor. Pure; any thread.
#pragma once

#include <string>
#include <vector>

#include "schema/descriptor.h"
#include "schema/value.h"

namespace mainstay {

// Field by field; quantities by value ("1" equals "1000m"), carried fields as Values. Both are C++ structs
// that `type` describes.
bool equal(const TypeDesc& type, const void* a, const void* b);
// The same, but fields of the struct itself that have any of these flags do not count.
bool equal_but(uint16_t flags, const TypeDesc& type, const void* a, const void* b);

template <typename S>
bool equal(const S& a, const S& b) {
  return equal(S::kType, &a, &b);
}

// One field that differs. `before` or `after` is null where the field is absent.
struct FieldChange {
  std::string path;  // "spec.template.spec.containers[name=web].image"
  Value before;
  Value after;
  uint16_t flags = 0;  // FieldFlags of this field and all above it: kImmutable, kStatus, kSecret ...
};

// The smallest fields that differ, in the order of the table. Lists whose descriptor names keys are paired by
// those keys (a mere change of order is no change); other lists by position.
std::vector<FieldChange> diff_paths(const TypeDesc& type, const Value& before, const Value& after);
std::vector<FieldChange> diff_paths(const TypeDesc& type, const void* before, const void* after);

}  // namespace mainstay
