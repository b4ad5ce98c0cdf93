// Who owns whom, and what a pod counts as. Small questions that several controllers ask. Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "schema/base/time.h"
#include "schema/object.h"

namespace mainstay {

// The reference with controller: true; null if nobody controls the object.
const OwnerReference* controller_of(const ObjectMeta& meta);
// True if `owner` (by uid) is the object's controller.
bool controlled_by(const ObjectMeta& meta, std::string_view owner_uid);
// A reference by which `owner` controls a dependent and its foreground deletion waits for it.
OwnerReference controller_reference(const Object& owner);
// Takes out every reference to `owner_uid`; true if there was one.
bool remove_owner(ObjectMeta& meta, std::string_view owner_uid);

// The selector is there and not empty, and matches. (An absent or empty one would adopt everything: apps/v1
// does not accept it, and neither do we where it slips in.)
bool selects(const Box<LabelSelector>& selector, const StringMap& labels);
// Every label of `selector` with the same value; an empty one selects nothing (a Service without selector).
bool selects(const StringMap& selector, const StringMap& labels);

// Ended for good.
bool is_finished(const Pod& pod);
// Counts towards its owner's replicas: neither finished nor being deleted (k8s-semantics 2).
bool is_active(const Object& pod);
// Condition Ready is True.
bool is_ready(const Pod& pod);
// Since when; nothing if not ready.
std::optional<WallTime> ready_since(const Pod& pod);

// How a ReplicaSet's active pods stand.
struct PodCounts {
  int32_t active = 0;
  int32_t fully_labeled = 0;
  int32_t ready = 0;
  int32_t available = 0;
  std::optional<WallTime> next_available;  // when the first of the ready becomes available
};
PodCounts count_pods(const std::vector<ObjectPtr>& active, const ReplicaSet& set, WallTime now);

}  // namespace mainstay
