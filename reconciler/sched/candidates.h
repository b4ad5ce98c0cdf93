// Candidates: all nodes for one class of pods, and the best of them at any time while pods are being placed. A class
// that minds no other pod has a tournament, in which a binding touches one node; one that does looks at every node
// for every pod, at a few counts each. Core thread only.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "reconciler/sched/company.h"
#include "reconciler/sched/tournament.h"
#include "schema/base/rng.h"

namespace mainstay {

// A pod came to stand on a node while pods were being placed, or was taken back.
struct Move {
  ClusterView::Slot slot = 0;
  const Footprint* footprint = nullptr;
  const PodProfile* profile = nullptr;  // null: only its room counts
  bool comes = true;
};

class Candidates {
 public:
  using Slot = ClusterView::Slot;

  // `profile` is null for a class that minds no other pod. `moves` are those made so far; what is pointed to must
  // outlive this.
  Candidates(const ClusterView& view, const PodSpec& spec, const Footprint& footprint, const PodProfile* profile,
             Topologies& topologies, size_t moves);

  // Catches up with the moves made since the last call; `moves` is the list of all.
  void refresh(const ClusterView& view, const Footprint& footprint, const std::vector<Move>& moves);

  // One of the best nodes; nothing if none will do.
  std::optional<Slot> pick(Rng& rng) const;

  const Company* company() const { return company_ ? &*company_ : nullptr; }

 private:
  int32_t score(const ClusterView& view, const Footprint& footprint, const ClusterView::OwnerCounts* counts,
                Slot slot) const;
  std::vector<int32_t> all_scores(const ClusterView& view, const Footprint& footprint) const;
  std::optional<Slot> pick_by_company(Rng& rng) const;

  std::vector<int32_t> fixed_;
  std::optional<Company> company_;
  std::optional<Tournament> best_;   // without company
  std::vector<int32_t> scores_;      // with company: all but what the others add
  size_t seen_;
};

// How many of the owner's pods stand on a node.
uint32_t count_on(const ClusterView::OwnerCounts* counts, ClusterView::Slot slot);
// What the pods on a node decide of its score.
int company_free_score(const Footprint& footprint, const NodeState& state, const ClusterView::OwnerCounts* counts,
                       ClusterView::Slot slot, const Company* company);

}  // namespace mainstay
