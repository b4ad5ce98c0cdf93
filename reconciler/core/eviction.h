// The eviction subresource of a pod: a deletion that asks the pod's PodDisruptionBudget first. Source of the rules and
// the words: Kubernetes' pod registry. Core thread only.
#pragma once

#include <optional>

#include "reconciler/core/messages.h"
#include "reconciler/store/transaction.h"

namespace mainstay {

// Why the pod may not go now: 429 if a budget does not allow it, 500 if several are about it. Nothing if it may: also
// if it is over, was never started or is on its way out already, and if it is not ready and the budget's
// unhealthyPodEvictionPolicy does not keep it.
std::optional<ApiError> eviction_refusal(const Snapshot& view, const Object& pod);

// Notes in a pod's conditions that it goes by an eviction; its deletion is the caller's.
void note_eviction(Transaction& txn, const ObjectPtr& pod);

}  // namespace mainstay
