// The object an owner reference names, wherever its kind is looked up.
#pragma once

#include <string_view>

#include "reconciler/store/snapshot.h"

namespace mainstay {

// By the reference's uid; null if no such object stands. `ns` is the dependent's: an Event, which the index by uid
// leaves out, is found there by its name. The kind and name of what is found may be others than the reference says.
ObjectPtr find_owner(const Snapshot& view, const OwnerReference& reference, std::string_view ns);

}  // namespace mainstay
