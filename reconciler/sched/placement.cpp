#include "reconciler/sched/placement.h"

#include <algorithm>
#include <map>
#include <optional>
#include <unordered_map>
#include <utility>

#include "reconciler/sched/candidates.h"
#include "reconciler/sched/class_key.h"
#include "reconciler/sched/scores.h"

namespace mainstay {
namespace {

using Slot = ClusterView::Slot;

// A table of candidates holds some bytes per node; more kinds of pods than this at once share by eviction.
constexpr size_t kTablesAtOnce = 64;

// Pods that every filter and score treats alike.
struct PodClass {
  Footprint footprint;
  std::optional<PodProfile> profile;  // if any pod at all wishes something of others
  bool minds_others = false;
  size_t waiting = 0;  // pods of it still to place
  std::optional<Candidates> candidates;
  size_t last_use = 0;
  // The refusal of the last pod of it, true as long as nothing has moved since.
  std::optional<Unplaced> refusal;
  size_t refused_at = 0;
};

struct Waiting {
  ObjectPtr pod;
  PodClass* of = nullptr;
};

bool goes_first(const ObjectPtr& a, const ObjectPtr& b) {
  int32_t first = as<Pod>(*a).spec.priority.value_or(0), second = as<Pod>(*b).spec.priority.value_or(0);
  if (first != second) return first > second;
  if (a->meta.creation_timestamp != b->meta.creation_timestamp) {
    return a->meta.creation_timestamp < b->meta.creation_timestamp;
  }
  return std::tie(a->meta.ns, a->meta.name) < std::tie(b->meta.ns, b->meta.name);
}

// The room kept for pods for which others were asked to leave. Pods of lower priority see it as taken.
struct Reservation {
  Key pod;
  Slot slot = 0;
  const Nominated* kept = nullptr;
  bool active = false;
};

// One call of place().
class Run {
 public:
  Run(ClusterView& view, Rng& rng) : view_(view), rng_(rng), topologies_(view) {}
  ~Run() {
    for (auto move = moves_.rbegin(); move != moves_.rend(); ++move) carry_out(*move, !move->comes);
  }

  Placement operator()(std::vector<ObjectPtr> pods) {
    std::sort(pods.begin(), pods.end(), goes_first);
    any_wishes_ = !view_.neighbours().wishes().empty() || std::any_of(pods.begin(), pods.end(), [](auto& pod) {
      return has_wishes(as<Pod>(*pod).spec);
    });
    std::vector<Waiting> queue;
    queue.reserve(pods.size());
    for (ObjectPtr& pod : pods) {
      if (is_gated(as<Pod>(*pod).spec)) out_.unplaced.push_back(gated(pod));
      else queue.push_back({pod, &classify(*pod)});
    }
    find_who_minds();
    prepare_reservations();
    for (Waiting& next : queue) place_one(next);
    return std::move(out_);
  }

 private:
  static Unplaced gated(const ObjectPtr& pod) {
    static const auto kWhy =
        std::make_shared<const std::string>("Scheduling is blocked due to non-empty scheduling gates");
    return {pod, "SchedulingGated", kWhy, 0};
  }

  PodClass& classify(const Object& pod) {
    Footprint footprint = footprint_of(pod);
    std::optional<PodProfile> profile;
    if (any_wishes_) profile = profile_of(pod);
    PodClass& found = classes_[class_key(as<Pod>(pod).spec, footprint, profile ? &*profile : nullptr)];
    if (found.waiting++ > 0) return found;
    found.footprint = std::move(footprint);
    found.profile = std::move(profile);
    return found;
  }

  // Of the others, too: what is placed now may mind what comes after it.
  void find_who_minds() {
    if (!any_wishes_) return;
    std::vector<const PodClass*> wishing;
    for (const auto& [key, of] : classes_) {
      if (!of.profile->terms.empty()) wishing.push_back(&of);
    }
    for (auto& [key, of] : classes_) {
      of.minds_others = minds_company(view_, *of.profile) ||
                        std::any_of(wishing.begin(), wishing.end(), [&](const PodClass* other) {
                          return is_meant(view_, *of.profile, *other->profile);
                        });
    }
  }

  void prepare_reservations() {
    for (const auto& [key, nominated] : view_.nominated()) {
      std::optional<Slot> slot = view_.slot_at(nominated.node);
      if (slot && view_.slots()[*slot].node) reservations_.push_back({key, *slot, &nominated, false});
    }
    std::stable_sort(reservations_.begin(), reservations_.end(), [](const Reservation& a, const Reservation& b) {
      return a.kept->priority > b.kept->priority;
    });
  }

  // Keeps the room of all nominated pods of this priority or above, but not the pod's own.
  void reserve_for_others(const Object& pod) {
    Key key = pod.key();
    for (Reservation& reservation : reservations_) {
      bool wanted = reservation.kept->priority >= as<Pod>(pod).spec.priority.value_or(0) && reservation.pod != key;
      if (wanted == reservation.active) continue;
      reservation.active = wanted;
      make({reservation.slot, &reservation.kept->footprint, nullptr, wanted});
    }
  }

  void place_one(const Waiting& next) {
    PodClass& of = *next.of;
    if (!reservations_.empty()) reserve_for_others(*next.pod);
    if (of.refusal && of.refused_at == moves_.size()) return refuse_again(next);
    const Candidates& candidates = candidates_of(of, *next.pod);
    std::optional<Slot> slot = candidates.pick(rng_);
    if (slot) {
      make({*slot, &of.footprint, of.profile ? &*of.profile : nullptr, true});
      out_.bindings.push_back({next.pod, view_.slots()[*slot].name});
      std::erase_if(reservations_, [&](const Reservation& each) { return each.pod == next.pod->key(); });
    } else {
      Summary why = summarize_refusals(view_, as<Pod>(*next.pod).spec, of.footprint, candidates.company());
      auto message = std::make_shared<const std::string>(std::move(why.message));
      of.refusal = Unplaced{next.pod, "Unschedulable", std::move(message), why.cures};
      of.refused_at = moves_.size();
      out_.unplaced.push_back(*of.refusal);
    }
    finish_one(of);
  }

  void refuse_again(const Waiting& next) {
    out_.unplaced.push_back(*next.of->refusal);
    out_.unplaced.back().pod = next.pod;
    finish_one(*next.of);
  }

  void make(const Move& move) {
    carry_out(move, move.comes);
    moves_.push_back(move);
  }

  void carry_out(const Move& move, bool comes) {
    if (comes) {
      view_.add(move.slot, *move.footprint);
      if (move.profile != nullptr) view_.neighbours().add(move.slot, *move.profile);
    } else {
      if (move.profile != nullptr) view_.neighbours().take(move.slot, *move.profile);
      view_.take(move.slot, *move.footprint);
    }
  }

  Candidates& candidates_of(PodClass& of, const Object& pod) {
    of.last_use = ++uses_;
    if (of.candidates) {
      of.candidates->refresh(view_, of.footprint, moves_);
      return *of.candidates;
    }
    if (tables_.size() == kTablesAtOnce) {
      auto used_before = [](const PodClass* a, const PodClass* b) { return a->last_use < b->last_use; };
      auto oldest = std::min_element(tables_.begin(), tables_.end(), used_before);
      (*oldest)->candidates.reset();
      tables_.erase(oldest);
    }
    tables_.push_back(&of);
    const PodProfile* profile = of.minds_others ? &*of.profile : nullptr;
    return of.candidates.emplace(view_, as<Pod>(pod).spec, of.footprint, profile, topologies_, moves_.size());
  }

  void finish_one(PodClass& of) {
    if (--of.waiting > 0 || !of.candidates) return;
    of.candidates.reset();
    std::erase(tables_, &of);
  }

  ClusterView& view_;
  Rng& rng_;
  Topologies topologies_;
  Placement out_;
  bool any_wishes_ = false;
  std::unordered_map<std::string, PodClass> classes_;
  std::vector<PodClass*> tables_;  // those whose candidates are in memory
  std::vector<Reservation> reservations_;
  std::vector<Move> moves_;  // in order; what they point to lives in classes_ and the view
  size_t uses_ = 0;
};

}  // namespace

Placement place(ClusterView& view, std::vector<ObjectPtr> pods, Rng& rng) {
  return Run(view, rng)(std::move(pods));
}

Summary summarize_refusals(const ClusterView& view, const PodSpec& spec, const Footprint& footprint,
                           const Company* company) {
  if (view.node_count() == 0) return {"no nodes available to schedule pods", kCureNode};
  Summary out;
  std::map<std::string, size_t> counts;
  for (Slot slot = 0; slot < view.slots().size(); ++slot) {
    const NodeState& state = view.slots()[slot];
    if (!state.node) continue;
    NodeRefusal refusal = refuse(spec, footprint, state);
    if (refusal.reasons.empty() && company != nullptr) refusal = refuse(company->check(slot));
    out.cures |= refusal.cures;
    for (std::string& reason : refusal.reasons) ++counts[std::move(reason)];
  }
  // Kubernetes sorts the finished texts, numbers included.
  std::vector<std::string> texts;
  for (const auto& [reason, count] : counts) texts.push_back(std::to_string(count) + " " + reason);
  std::sort(texts.begin(), texts.end());
  out.message = "0/" + std::to_string(view.node_count()) + " nodes are available: ";
  for (size_t i = 0; i < texts.size(); ++i) out.message += (i > 0 ? ", " : "") + texts[i];
  out.message += ".";
  out.cures |= kCureNode;  // one more node may always help
  return out;
}

std::vector<NodeVerdict> explain(const ClusterView& view, const Object& pod) {
  const PodSpec& spec = as<Pod>(pod).spec;
  Footprint footprint = footprint_of(pod);
  PodProfile profile = profile_of(pod);
  Topologies topologies(view);
  std::optional<Company> minded;
  if (minds_company(view, profile)) minded.emplace(view, spec, profile, topologies);
  const Company* company = minded ? &*minded : nullptr;
  const auto* counts = view.owner_counts(footprint.owner);
  std::vector<NodeVerdict> out;
  std::vector<Slot> feasible;
  std::vector<int32_t> scores;
  for (Slot slot = 0; slot < view.slots().size(); ++slot) {
    const NodeState& state = view.slots()[slot];
    if (!state.node) continue;
    NodeVerdict verdict{state.name, refuse(spec, footprint, state).reasons, 0};
    if (verdict.reasons.empty() && company != nullptr) verdict.reasons = refuse(company->check(slot)).reasons;
    if (verdict.reasons.empty()) {
      feasible.push_back(slot);
      scores.push_back(fixed_score(spec, state) + company_free_score(footprint, state, counts, slot, company));
    }
    out.push_back(std::move(verdict));
  }
  if (company != nullptr) company->add_scores(feasible, scores);
  for (size_t i = 0, fit = 0; i < out.size(); ++i) {
    if (out[i].reasons.empty()) out[i].score = scores[fit++];
  }
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.node < b.node; });
  return out;
}

}  // namespace mainstay
