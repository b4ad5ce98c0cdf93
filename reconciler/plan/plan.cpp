#include "reconciler/plan/plan.h"

#include <utility>

namespace mainstay {

Plan make_plan(const PlanInput& input, SyncMemo* memo) {
  ENSURE(!input.desired.is_partial, "what could be read of a refused tree is no plan's aim");
  Plan plan;
  plan.application = input.application;
  plan.from = input.from;
  plan.to = input.to;
  plan.set_hash = input.desired.hash;
  if (input.drafted != nullptr) plan.changes = std::move(*input.drafted);
  else plan.changes = diff({input.desired, input.last, input.live, input.claims, input.suspects}, memo);
  plan.guard = guard_prunes({plan.changes, input.desired, input.last, input.live, input.earlier,
                             input.held_before, input.acknowledged_count, input.acknowledged, input.prune});
  return plan;
}

bool Plan::empty() const {
  PlanCounts all = counts();
  return all.create + all.update + all.prune == 0;
}

PlanCounts Plan::counts() const {
  PlanCounts out;
  for (const PlannedChange& change : changes.changes) {
    switch (change.action) {
      case PlanAction::kCreate: ++out.create; break;
      case PlanAction::kUpdate: ++out.update; break;
      case PlanAction::kPrune: ++(guard.holds_back(change.key) ? out.held : out.prune); break;
    }
  }
  out.unchanged = changes.unchanged;
  out.leaving = changes.leaving.size();
  return out;
}

DesiredSet applied_set(const DesiredSet& desired, const DesiredSet* last, const GuardVerdict& guard) {
  DesiredSet out = desired;
  if (last == nullptr) return out;
  for (const Hold& hold : guard.holds) {
    const DesiredObject* held = last->objects.find(hold.key);
    if (held != nullptr) out.objects.set(*held);
  }
  return out;
}

}  // namespace mainstay
