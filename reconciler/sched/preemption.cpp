#include "reconciler/sched/preemption.h"

#include <algorithm>
#include <optional>
#include <tuple>
#include <utility>

#include "reconciler/store/disruption.h"
#include "reconciler/sched/filters.h"

namespace mainstay {
namespace {

using Slot = ClusterView::Slot;

constexpr size_t kEnoughNodes = 100;
constexpr size_t kShareOfNodes = 10;

int32_t priority_of(const Object& pod) { return as<Pod>(pod).spec.priority.value_or(0); }

WallTime started(const Object& pod) {
  WallTime start = as<Pod>(pod).status.start_time;
  return start != WallTime{} ? start : pod.meta.creation_timestamp;
}

bool leaves_for_another(const Object& pod) {
  if (pod.meta.deletion_timestamp == WallTime{}) return false;
  const auto& conditions = as<Pod>(pod).status.conditions;
  return std::any_of(conditions.begin(), conditions.end(), [](const PodCondition& condition) {
    return condition.type == "DisruptionTarget" && condition.reason == "PreemptionByScheduler";
  });
}

// A pod that could be made to leave.
struct Standing {
  ObjectPtr pod;
  Footprint footprint;
  PodProfile profile;
  bool breaks_budget = false;
};

// Higher priority first, then older.
bool more_important(const Standing& a, const Standing& b) {
  if (priority_of(*a.pod) != priority_of(*b.pod)) return priority_of(*a.pod) > priority_of(*b.pod);
  return std::tuple(started(*a.pod), a.pod->key()) < std::tuple(started(*b.pod), b.pod->key());
}

struct Candidate {
  Slot slot = 0;
  std::vector<ObjectPtr> victims;  // the most important first
  int64_t broken_budgets = 0;
};

// What it costs to clear a node, the most important first; lower is better.
auto cost(const Candidate& candidate) {
  int64_t sum = 0;
  WallTime oldest = started(*candidate.victims[0]);
  int32_t highest = priority_of(*candidate.victims[0]);
  for (const ObjectPtr& victim : candidate.victims) {
    sum += int64_t{priority_of(*victim)} + INT32_MAX + 1;
    if (priority_of(*victim) == highest) oldest = std::min(oldest, started(*victim));
  }
  return std::tuple(candidate.broken_budgets, highest, sum, candidate.victims.size(),
                    -oldest.since_epoch.count());
}

// Tries out on the view, and takes it all back.
class Trial {
 public:
  Trial(ClusterView& view, const Snapshot& snapshot, const Object& pod)
      : view_(view),
        snapshot_(snapshot),
        pod_(pod),
        spec_(as<Pod>(pod).spec),
        footprint_(footprint_of(pod)),
        profile_(profile_of(pod)),
        topologies_(view),
        budgets_(disruption_budgets(snapshot)) {
    keep_room_of_others();
    if (minds_company(view, profile_)) company_.emplace(view, spec_, profile_, topologies_);
  }
  ~Trial() {
    for (const auto& [slot, nominated] : kept_) view_.take(slot, nominated->footprint);
  }

  std::optional<Candidate> clear(Slot slot) {
    const NodeState& state = view_.slots()[slot];
    if (!node_suits(spec_, state)) return std::nullopt;
    if (company_) {
      CompanyVerdict verdict = company_->check(slot);
      if (verdict == CompanyVerdict::kAffinity || verdict == CompanyVerdict::kSpreadLabel) return std::nullopt;
    }
    std::vector<Standing> standing = lower_on(state.name);
    if (standing.empty()) return std::nullopt;
    for (const Standing& each : standing) move(slot, each, -1);
    std::optional<Candidate> out;
    if (fits(slot)) out = spare(slot, standing);
    for (const Standing& each : standing) move(slot, each, 1);
    return out;
  }

 private:
  // Pods of this priority or above that wait for their node to be cleared keep what they wait for.
  void keep_room_of_others() {
    for (const auto& [key, nominated] : view_.nominated()) {
      std::optional<Slot> slot = view_.slot_at(nominated.node);
      bool keeps = slot && view_.slots()[*slot].node && nominated.priority >= priority_of(pod_) && key != pod_.key();
      if (!keeps) continue;
      view_.add(*slot, nominated.footprint);
      kept_.emplace_back(*slot, &nominated);
    }
  }

  std::vector<Standing> lower_on(const std::string& node) {
    std::vector<Standing> out;
    for (const ObjectPtr& pod : snapshot_.pods_on(node)) {
      if (!takes_room(*pod) || priority_of(*pod) >= priority_of(pod_)) continue;
      out.push_back({pod, footprint_of(*pod), company_ ? profile_of(*pod) : PodProfile{}, false});
    }
    std::sort(out.begin(), out.end(), more_important);
    std::vector<DisruptionBudget> left = budgets_;
    for (Standing& each : out) each.breaks_budget = !left.empty() && take_from_budgets(left, *each.pod);
    return out;
  }

  void move(Slot slot, const Standing& each, int by) {
    if (by > 0) view_.add(slot, each.footprint);
    else view_.take(slot, each.footprint);
    if (company_) company_->change(slot, each.profile, by);
  }

  bool fits(Slot slot) const {
    return node_has_room(footprint_, view_.slots()[slot]) &&
           (!company_ || company_->check(slot) == CompanyVerdict::kFits);
  }

  // All of `standing` are away: lets back in whom the pod can live with, first those that a budget protects. Leaves all
  // away.
  Candidate spare(Slot slot, const std::vector<Standing>& standing) {
    Candidate out;
    out.slot = slot;
    std::vector<const Standing*> spared, victims;
    for (bool protected_ones : {true, false}) {
      for (const Standing& each : standing) {
        if (each.breaks_budget != protected_ones) continue;
        move(slot, each, 1);
        if (fits(slot)) {
          spared.push_back(&each);
          continue;
        }
        move(slot, each, -1);
        victims.push_back(&each);
        out.broken_budgets += protected_ones ? 1 : 0;
      }
    }
    for (const Standing* each : spared) move(slot, *each, -1);
    std::sort(victims.begin(), victims.end(), [](auto* a, auto* b) { return more_important(*a, *b); });
    for (const Standing* each : victims) out.victims.push_back(each->pod);
    return out;
  }

  ClusterView& view_;
  const Snapshot& snapshot_;
  const Object& pod_;
  const PodSpec& spec_;
  Footprint footprint_;
  PodProfile profile_;
  Topologies topologies_;
  std::vector<DisruptionBudget> budgets_;
  std::vector<std::pair<Slot, const Nominated*>> kept_;
  std::optional<Company> company_;
};

bool waits_for_its_node(const ClusterView& view, const Snapshot& snapshot, const Object& pod) {
  const std::string& node = as<Pod>(pod).status.nominated_node_name;
  const NodeState* state = node.empty() ? nullptr : view.find(node);
  if (state == nullptr || !node_suits(as<Pod>(pod).spec, *state)) return false;
  for (const ObjectPtr& other : snapshot.pods_on(node)) {
    if (takes_room(*other) && priority_of(*other) < priority_of(pod) && leaves_for_another(*other)) return true;
  }
  return false;
}

}  // namespace

bool may_preempt(const ClusterView& view, const PodSpec& spec) {
  std::optional<int32_t> lowest = view.lowest_priority();
  return lowest && *lowest < spec.priority.value_or(0) && spec.preemption_policy != "Never";
}

Preemption preempt(ClusterView& view, const Snapshot& snapshot, const Object& pod, Rng& rng) {
  Preemption out;
  if (!may_preempt(view, as<Pod>(pod).spec)) return out;
  if (waits_for_its_node(view, snapshot, pod)) {
    out.outcome = Preemption::Outcome::kWaits;
    return out;
  }
  size_t slots = view.slots().size(), enough = std::max(kEnoughNodes, view.node_count() / kShareOfNodes);
  size_t first = slots > enough ? rng.below(slots) : 0, found = 0;
  std::optional<Candidate> best;
  Trial trial(view, snapshot, pod);
  for (size_t i = 0; i < slots && found < enough; ++i) {
    std::optional<Candidate> candidate = trial.clear(static_cast<Slot>((first + i) % slots));
    // Without victims the pod would fit as things are: the next try finds that.
    if (!candidate || candidate->victims.empty()) continue;
    ++found;
    if (!best || cost(*candidate) < cost(*best)) best = std::move(candidate);
  }
  if (!best) return out;
  out.outcome = Preemption::Outcome::kFound;
  out.node = view.slots()[best->slot].name;
  out.victims = std::move(best->victims);
  for (const auto& [key, nominated] : view.nominated()) {
    if (nominated.node == out.node && nominated.priority < priority_of(pod)) out.outbid.push_back(key);
  }
  return out;
}

}  // namespace mainstay
