// Keeps the status of each PodDisruptionBudget. Who takes pods away works the budget out anew (store/disruption.h), so
// that what the status says never is too old to be asked; it is for people. Key: the budget.
#include "reconciler/control/conditions.h"
#include "reconciler/control/controllers.h"
#include "reconciler/store/disruption.h"
#include "schema/decode.h"
#include "schema/encode.h"
#include "schema/kinds/meta.h"

namespace mainstay {
namespace {

Value condition_of(const Value* status, int64_t generation, bool allowed, WallTime now) {
  std::vector<Condition> conditions;
  const Value* known = status != nullptr ? status->find("conditions") : nullptr;
  if (known != nullptr && known->is_list()) {
    Diagnostics ignored;
    for (const Value& each : known->as_list()) {
      conditions.push_back(decode_as<Condition>(each, {}, Path(), ignored));
    }
  }
  set_condition(conditions, "DisruptionAllowed",
                {allowed ? "True" : "False", allowed ? "SufficientPods" : "InsufficientPods", ""}, now);
  ValueList out;
  for (Condition& each : conditions) {
    each.observed_generation = generation;
    out.push_back(to_value(Condition::kType, &each));
  }
  return Value(std::move(out));
}

Outcome reconcile(ControlContext& context, const Key& key) {
  ObjectPtr object = context.view().find(key);
  if (!object) return {};
  DisruptionBudget budget = disruption_budget(context.view(), object).value_or(DisruptionBudget{object, {}});
  Object next = *object;
  Value status = Value::map();
  status.set("observedGeneration", object->meta.generation);
  status.set("disruptionsAllowed", budget.allowed);
  status.set("currentHealthy", budget.healthy);
  status.set("desiredHealthy", budget.desired);
  status.set("expectedPods", budget.expected);
  status.set("conditions", condition_of(generic_fields(*object).find("status"), object->meta.generation,
                                        budget.allowed > 0, context.now().wall));
  generic_fields(next).set("status", std::move(status));
  (void)context.txn.update_status(std::move(next));
  return {};
}

void wakes(const Change& change, const Snapshot& view, std::vector<Key>& keys) {
  Kind kind = change.key.kind;
  if (kind == Kind::kPodDisruptionBudget && change.after) keys.push_back(change.key);
  bool counts = kind == Kind::kPod || kind == Kind::kReplicaSet || kind == Kind::kDeployment ||
                kind == Kind::kStatefulSet || kind == Kind::kReplicationController;
  if (!counts) return;
  for (const ObjectPtr& budget : view.list(Kind::kPodDisruptionBudget, change.key.ns)) keys.push_back(budget->key());
}

}  // namespace

Controller disruption_controller() { return {"disruption-controller", &reconcile, &wakes}; }

}  // namespace mainstay
