// Field selectors: which fields of each kind one may select by, and their values. Source: Kubernetes' field
// label conversions (1.33). Pure; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "schema/base/result.h"
#include "schema/object.h"
#include "schema/selector.h"

namespace mainstay {

// The fields of `kind` that a selector may name; metadata.name and metadata.namespace always.
std::vector<std::string_view> selectable_fields(Kind kind);

// kInvalid, "field label not supported: spec.foo", if `selector` names a field that `kind` does not offer.
Status check_field_selector(Kind kind, const FieldSelector& selector);

// The text of a selectable field of `object`; "" for one that is not set or not offered.
std::string field_text(const Object& object, std::string_view field);

bool matches(const FieldSelector& selector, const Object& object);

}  // namespace mainstay
