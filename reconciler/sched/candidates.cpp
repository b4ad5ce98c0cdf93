#include "reconciler/sched/candidates.h"

#include <algorithm>

#include "reconciler/sched/filters.h"
#include "reconciler/sched/scores.h"

namespace mainstay {
namespace {

using Slot = ClusterView::Slot;

constexpr int32_t kNever = -1;  // lower than any score

std::vector<int32_t> fixed_scores(const ClusterView& view, const PodSpec& spec) {
  std::vector<int32_t> out;
  out.reserve(view.slots().size());
  for (const NodeState& state : view.slots()) {
    out.push_back(node_suits(spec, state) ? fixed_score(spec, state) : kNever);
  }
  return out;
}

}  // namespace

uint32_t count_on(const ClusterView::OwnerCounts* counts, Slot slot) {
  if (counts == nullptr) return 0;
  auto found = counts->find(slot);
  return found != counts->end() ? found->second : 0;
}

int company_free_score(const Footprint& footprint, const NodeState& state, const ClusterView::OwnerCounts* counts,
                       Slot slot, const Company* company) {
  bool by_owner = company == nullptr || !company->spreads();
  return moving_score(footprint, state, by_owner ? count_on(counts, slot) : 0);
}

Candidates::Candidates(const ClusterView& view, const PodSpec& spec, const Footprint& footprint,
                       const PodProfile* profile, Topologies& topologies, size_t moves)
    : fixed_(fixed_scores(view, spec)), seen_(moves) {
  if (profile != nullptr) {
    company_.emplace(view, spec, *profile, topologies);
    scores_ = all_scores(view, footprint);
  } else {
    best_.emplace(all_scores(view, footprint));
  }
}

void Candidates::refresh(const ClusterView& view, const Footprint& footprint, const std::vector<Move>& moves) {
  if (!company_ && moves.size() - seen_ >= fixed_.size()) {
    best_.emplace(all_scores(view, footprint));
    seen_ = moves.size();
    return;
  }
  const auto* counts = view.owner_counts(footprint.owner);
  for (; seen_ < moves.size(); ++seen_) {
    const Move& move = moves[seen_];
    int32_t now = score(view, footprint, counts, move.slot);
    if (best_) best_->set(move.slot, now);
    else scores_[move.slot] = now;
    if (company_ && move.profile != nullptr) company_->change(move.slot, *move.profile, move.comes ? 1 : -1);
  }
}

std::optional<Slot> Candidates::pick(Rng& rng) const {
  if (company_) return pick_by_company(rng);
  if (best_->best() < 0) return std::nullopt;
  uint32_t ties = best_->ties();
  return best_->winner(ties == 1 ? 0 : static_cast<uint32_t>(rng.below(ties)));
}

std::optional<Slot> Candidates::pick_by_company(Rng& rng) const {
  std::vector<Slot> feasible;
  std::vector<int32_t> scores;
  for (Slot slot = 0; slot < scores_.size(); ++slot) {
    if (scores_[slot] == kNever || company_->check(slot) != CompanyVerdict::kFits) continue;
    feasible.push_back(slot);
    scores.push_back(scores_[slot]);
  }
  if (feasible.empty()) return std::nullopt;
  company_->add_scores(feasible, scores);
  int32_t best = *std::max_element(scores.begin(), scores.end());
  auto ties = static_cast<uint64_t>(std::count(scores.begin(), scores.end(), best));
  uint64_t drawn = ties == 1 ? 0 : rng.below(ties);
  for (size_t i = 0; i < scores.size(); ++i) {
    if (scores[i] == best && drawn-- == 0) return feasible[i];
  }
  return std::nullopt;
}

int32_t Candidates::score(const ClusterView& view, const Footprint& footprint,
                          const ClusterView::OwnerCounts* counts, Slot slot) const {
  const NodeState& state = view.slots()[slot];
  if (fixed_[slot] == kNever || !node_has_room(footprint, state)) return kNever;
  return fixed_[slot] + company_free_score(footprint, state, counts, slot, company());
}

std::vector<int32_t> Candidates::all_scores(const ClusterView& view, const Footprint& footprint) const {
  const auto* counts = view.owner_counts(footprint.owner);
  std::vector<int32_t> out;
  out.reserve(fixed_.size());
  for (Slot slot = 0; slot < fixed_.size(); ++slot) out.push_back(score(view, footprint, counts, slot));
  return out;
}

}  // namespace mainstay
