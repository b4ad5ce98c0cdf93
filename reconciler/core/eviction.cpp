#include "reconciler/core/eviction.h"

#include "reconciler/control/conditions.h"
#include "reconciler/core/refusal.h"
#include "reconciler/store/disruption.h"

namespace mainstay {
namespace {

// A healthy pod does not count here: it goes at the budget's expense.
bool is_free_to_leave(const Object& pod) {
  const std::string& phase = as<Pod>(pod).status.phase;
  return phase == "Pending" || phase == "Succeeded" || phase == "Failed" || pod.meta.deletion_timestamp != WallTime{};
}

bool keeps_unhealthy(const DisruptionBudget& budget) {
  const Value* policy = generic_fields(*budget.object).find_path({"spec", "unhealthyPodEvictionPolicy"});
  bool always = policy != nullptr && policy->is_string() && policy->as_string() == "AlwaysAllow";
  return !always && (budget.desired <= 0 || budget.healthy < budget.desired);
}

ApiError several_budgets(const std::string& pod) {
  ApiError error;
  error.reason = "InternalError";
  error.message = "Internal error occurred: pod " + pod +
                  " has more than one PodDisruptionBudget, which the eviction subresource does not support";
  return error;
}

ApiError over_budget(const DisruptionBudget& budget) {
  ApiError error;
  error.code = 429;
  error.reason = "TooManyRequests";
  error.message = "Cannot evict pod as it would violate the pod's disruption budget.";
  error.causes.push_back({"DisruptionBudget",
                          "The disruption budget " + budget.object->meta.name + " needs " +
                              std::to_string(budget.desired) + " healthy pods and has " +
                              std::to_string(budget.healthy) + " currently",
                          ""});
  return error;
}

}  // namespace

std::optional<ApiError> eviction_refusal(const Snapshot& view, const Object& pod) {
  if (is_free_to_leave(pod)) return std::nullopt;
  std::optional<DisruptionBudget> found;
  for (const ObjectPtr& object : view.list(Kind::kPodDisruptionBudget, pod.meta.ns)) {
    std::optional<DisruptionBudget> budget = disruption_budget(view, object);
    if (!budget || !budget->covers(pod)) continue;
    if (found) return several_budgets(pod.meta.name);
    found = std::move(budget);
  }
  if (!found || found->allowed > 0) return std::nullopt;
  if (!is_healthy_pod(pod) && !keeps_unhealthy(*found)) return std::nullopt;
  return over_budget(*found);
}

void note_eviction(Transaction& txn, const ObjectPtr& pod) {
  Object next = *pod;
  set_condition(as<Pod>(next).status.conditions, "DisruptionTarget",
                {"True", "EvictionByEvictionAPI", "Eviction API: evicting"}, txn.now().wall);
  (void)txn.update_status(std::move(next));
}

}  // namespace mainstay
