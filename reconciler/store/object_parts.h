// The parts of an object the store tells apart: metadata, status, and the rest (called spec here). Any
// thread.
#pragma once

#include "schema/object.h"

namespace mainstay {

// Being deleted: deletionTimestamp is set.
inline bool is_deleting(const Object& object) { return object.meta.deletion_timestamp != WallTime{}; }

// Nothing holds an object that is being deleted any more: no finalizer, for pods no grace, for namespaces no
// spec.finalizers.
bool is_free_to_go(const Object& object);

// Kinds with a spec count its changes in metadata.generation (k8s-semantics 0).
bool has_generation(const Object& object);

// Replaces the status of `to` by that of `from`, an object of the same kind. Kinds without status stay as
// they are.
void take_status(Object& to, const Object& from);

// Equal in everything but metadata and status.
bool same_spec(const Object& a, const Object& b);
// Equal in everything but status.
bool same_but_status(const Object& a, const Object& b);

}  // namespace mainstay
