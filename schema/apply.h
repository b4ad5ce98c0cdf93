// Server-side apply: Git is a manager that declares some fields of an object and leaves the rest to others.
// What Git declares is set, what it no longer declares is removed, everything else stays as it is. Lists are
// merged by their keys, as sets, or replaced whole, as their descriptor says.
// Source of the rules: Kubernetes, "Server-Side Apply" (1.33). Pure; any thread.
//
// Only Git's own declarations are tracked (the last applied tree), not those of other managers. What follows:
// when Git drops a list element it goes as a whole; when Git drops a struct (a probe, say), its scalar fields
// go too, since they are mostly defaults, but map entries and list elements that others added inside stay.
#pragma once

#include <string>
#include <vector>

#include "schema/base/result.h"
#include "schema/descriptor.h"
#include "schema/object.h"
#include "schema/value.h"

namespace mainstay {

// Which fields `declared` sets, as Kubernetes' FieldsV1 ({"f:spec":{"f:replicas":{}}}). The form without a
// kind takes the fields of one type; the other a whole document, and leaves out what identifies the object.
Value field_set(const Value& declared, const TypeDesc& type);
Value field_set(const Value& declared, const KindInfo& kind);

// `live` with the fields of `declared` set, and without those that `last` (null if there is none) declared
// and `declared` no longer does. Both are trees of `type`. A null counts as not declared. A live value that
// means the same as the declared one ("1" and "1000m" of a quantity) stays as it is written.
Value apply(const Value& live, const Value* last, const Value& declared, const TypeDesc& type);

// apply() of whole documents to an object: labels, annotations, owners and finalizers of the metadata, and
// all fields but the status. Identity, uid, versions, times and assigned values stay those of `live`; the
// result has its defaults. kInvalid if the merged document does not decode, with the reasons.
Result<Object> apply_object(const Object& live, const Value* last, const Value& declared);

// One field that is not as declared.
struct Drift {
  std::string path;      // "spec.template.spec.containers[name=web].image"
  Value declared;        // null: apply would remove it
  Value live;            // null: absent
  bool secret = false;   // neither value may be printed
};

// The declared leaves that live does not hold; values that mean the same, or are absent where the zero value
// is declared, do not differ.
std::vector<Drift> drift(const Value& declared, const Value& live, const TypeDesc& type);

// What apply_object(live, nullptr, declared) would change; empty if nothing. Fails where that fails.
Result<std::vector<Drift>> drift_object(const Object& live, const Value& declared);

}  // namespace mainstay
