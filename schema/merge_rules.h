// How a field merges, read from its descriptor, and when two written values mean the same.
// Shared by apply and drift. Constant; any thread.
#pragma once

#include <span>
#include <string_view>

#include "schema/descriptor.h"

namespace mainstay {

enum class MergeRule : uint8_t {
  kAtomic,  // one value, replaced whole
  kStruct,  // member by member
  kMap,     // entry by entry
  kSet,     // a list of scalars without order
  kKeyed,   // a list of structs told apart by map_keys
};

// The rule of `field`, a member of `owner`.
MergeRule merge_rule(const TypeDesc& owner, const FieldDesc& field);

// The members of `type` of which only one may be set besides `member`; empty if it is in no such group.
std::span<const std::string_view> union_of(const TypeDesc& type, std::string_view member);

// True if both say the same to `field`: equal quantities, times or bytes, however they are written. An absent
// (null) value equals the zero value where the field is not optional.
bool same_meaning(const FieldDesc& field, const Value& a, const Value& b);

// Null, false, 0, "", and lists and maps of nothing.
bool is_empty_value(const Value& value);

}  // namespace mainstay
