// The three ways to say what is to change in an object: JSON patch (RFC 6902), JSON merge patch (RFC 7386)
// and Kubernetes' strategic merge patch, which knows from the descriptors which lists merge. All work on
// Values and leave their arguments alone. Errors are kInvalid, with a message for the client's Status that
// names the place and no value (it might be a secret). Pure; any thread.
//
// A patch's metadata.resourceVersion is a precondition; checking it is the caller's matter.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "schema/base/result.h"
#include "schema/kind.h"
#include "schema/value.h"

namespace mainstay {

enum class PatchType : uint8_t { kJson, kMerge, kStrategic, kApply };

// By Content-Type, parameters ignored: application/json-patch+json, merge-patch+json,
// strategic-merge-patch+json, apply-patch+yaml. Nothing for any other.
std::optional<PatchType> patch_type(std::string_view content_type);

// `target`, a whole object, with `patch` carried out. kApply is not a patch of this kind: see schema/apply.h.
Result<Value> patch_object(PatchType type, const Value& target, const Value& patch, const KindInfo& kind);

// RFC 7386: null deletes, maps merge, everything else replaces.
Value merge_patch(Value target, const Value& patch);

// RFC 6902: all operations or none. At most 10,000.
Result<Value> json_patch(Value target, const Value& operations);

// Lists with a merge key merge by it; null deletes. Understood: $patch (delete, replace, merge) in maps and
// list elements, $setElementOrder/<list>, $deleteFromPrimitiveList/<list>, $retainKeys. Source: Kubernetes'
// strategicpatch.
Result<Value> strategic_merge_patch(const Value& target, const Value& patch, const KindInfo& kind);
// The same for a tree of one type.
Result<Value> strategic_merge_patch(const Value& target, const Value& patch, const TypeDesc& type);

}  // namespace mainstay
