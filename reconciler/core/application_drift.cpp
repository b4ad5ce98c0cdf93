// Applications: which live objects may differ from what is declared, and putting them right.
#include <algorithm>

#include "reconciler/core/application_state.h"
#include "reconciler/plan/apply.h"
#include "reconciler/store/object_parts.h"

namespace mainstay {
namespace {

// Repairs of drift that come one upon the other wait: at once, then 2, 6, 18 ... 300 s (Argo CD's self-heal).
constexpr Duration kFirstHealPause = std::chrono::seconds{2};
constexpr Duration kLongestHealPause = std::chrono::seconds{300};
constexpr Duration kHealForgotten = std::chrono::minutes{10};

// The next objects to compare; those known to be in step are no longer suspect.
std::set<Key> next_suspects(std::set<Key>& suspects, const DesiredSet& applied, const Snapshot& live,
                            const SyncMemo& memo) {
  std::set<Key> out;
  for (auto key = suspects.begin(); key != suspects.end() && out.size() < kLookedAtOnce;) {
    const DesiredObject* desired = applied.objects.find(*key);
    ObjectPtr object = live.find(*key);
    bool in_step = desired == nullptr || (object && memo.holds(*desired, *object));
    if (!in_step) out.insert(*key);
    key = in_step ? suspects.erase(key) : std::next(key);
  }
  return out;
}

}  // namespace

void Applications::State::mark(One& one, const ApplicationState& state, std::span<const Change> changes) {
  for (const Change& change : changes) {
    const DesiredObject* ours = state.applied->objects.find(change.key);
    if (ours == nullptr && !is_application_object(one.settings, change.key)) continue;
    one.dirty = true;
    if (ours == nullptr) continue;
    one.to_look.insert(change.key);
    // Nothing of a status is declared: what was in step before a change of it is so after it.
    bool by_status = change.before && change.after && same_but_status(*change.before, *change.after);
    if (!by_status) one.suspects.insert(change.key);
    else if (one.memo.holds(*ours, *change.before)) one.memo.note(*ours, *change.after);
  }
}

// Where the applied set is another one: what it declares otherwise, and what it no longer does.
void Applications::State::follow_applied(One& one, const ApplicationState& state) {
  static const DesiredObjects kNone;
  if (one.standing_of == state.applied) return;
  DesiredObjects::for_each_difference(one.standing_of ? one.standing_of->objects : kNone, state.applied->objects,
                                      [&](const DesiredObject* before, const DesiredObject* after) {
                                        // In order: the end is where most go when much is new.
                                        const Key& key = after != nullptr ? after->key : before->key;
                                        one.to_look.insert(one.to_look.end(), key);
                                        if (after != nullptr) one.suspects.insert(one.suspects.end(), key);
                                        else one.suspects.erase(key);
                                      });
  one.standing_of = state.applied;
}

// Drift repair: always towards the applied commit, also while Git is away or a newer commit is refused.
void Applications::State::heal(One& one, ApplicationState& state, Transaction& txn, ApplicationOutcome& out) {
  if (state.commit.id.empty()) one.suspects.clear();
  if (one.suspects.empty()) return;
  if (!one.settings.self_heal) {
    // The next sync looks at them, as it applies everything; only those in step are let go.
    next_suspects(one.suspects, *state.applied, txn.view(), one.memo);
    return;
  }
  if (txn.now().mono < one.heal_at) {
    one.wake = one.heal_at;
    return;
  }
  std::vector<Key> held = keys_of(state.held);
  std::set<Key> looked_at = next_suspects(one.suspects, *state.applied, txn.view(), one.memo);
  if (looked_at.empty()) return;
  PlanInput input{one.settings.name,
                  state.commit.id,
                  state.commit.id,
                  *state.applied,
                  state.applied.get(),
                  txn.view(),
                  {},
                  {},
                  held,
                  std::nullopt,
                  false,
                  false,
                  &looked_at};
  Plan plan = make_plan(input, &one.memo);
  if (!plan.acceptable()) return;
  for (const Key& key : looked_at) one.suspects.erase(key);
  if (!one.suspects.empty()) one.dirty = true;
  if (plan.empty()) return;
  Transaction::Mark mark = txn.mark();
  Result<Applied> applied = apply_plan(txn, plan);
  if (!applied.ok()) {
    txn.rollback_to(std::move(mark));
    for (const PlannedChange& change : plan.changes.changes) one.suspects.insert(change.key);
    out.log.push_back(one.settings.name + ": drift cannot be repaired: " + applied.error().message);
  } else if (!applied->nothing()) {
    out.log.push_back(one.settings.name + ": drift repaired: " + summary(plan));
  } else {
    return;
  }
  if (txn.now().mono - one.healed_at > kHealForgotten) one.heal_pause = Duration{0};
  one.healed_at = txn.now().mono;
  one.heal_at = txn.now().mono + one.heal_pause;
  one.heal_pause =
      one.heal_pause == Duration{0} ? kFirstHealPause : std::min(one.heal_pause * 3, kLongestHealPause);
}

}  // namespace mainstay
