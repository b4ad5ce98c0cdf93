// How many pods a PodDisruptionBudget lets go: worked out from what stands, never from the budget's status. The rules
// are those of Kubernetes' disruption controller. Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "reconciler/store/snapshot.h"
#include "schema/selector.h"

namespace mainstay {

struct DisruptionBudget {
  ObjectPtr object;
  Selector pods;         // of its namespace
  int64_t healthy = 0;   // pods that are Ready and not on their way out
  int64_t desired = 0;   // so many must stay healthy
  int64_t expected = 0;  // so many pods there should be; 0 if the budget names no number, and then none may go
  int64_t allowed = 0;   // so many healthy pods may go now

  bool covers(const Object& pod) const;
};

// Of the PodDisruptionBudget `object`. Nothing for one without a selector (it means no pod) or with a broken one.
std::optional<DisruptionBudget> disruption_budget(const Snapshot& view, const ObjectPtr& object);

std::vector<DisruptionBudget> disruption_budgets(const Snapshot& view);

// True if some budget does not let this pod go. The budgets it is under have one less to give either way.
bool take_from_budgets(std::vector<DisruptionBudget>& budgets, const Object& pod);

// Ready, and not on its way out.
bool is_healthy_pod(const Object& pod);

}  // namespace mainstay
