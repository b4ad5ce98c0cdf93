// How many pods each PodDisruptionBudget lets go. The budgets' status is nobody's work yet, so it is worked out here
// from what stands: the rules are those of Kubernetes' disruption controller. Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "reconciler/store/snapshot.h"
#include "schema/selector.h"

namespace mainstay {

struct DisruptionBudget {
  std::string ns;
  Selector pods;
  int64_t allowed = 0;  // healthy pods that may go now
};

std::vector<DisruptionBudget> disruption_budgets(const Snapshot& view);

// True if some budget does not let this pod go. The budgets it is under have one less to give either way.
bool take_from_budgets(std::vector<DisruptionBudget>& budgets, const Object& pod);

}  // namespace mainstay
