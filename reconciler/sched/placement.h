// Placement: which pod goes to which node. A function of what is and of the random source; nothing is
// written. The answer is the one that filtering and scoring every node for every pod would give, found
// without doing so: pods that ask for the same share one table of candidates, in which a binding touches one
// node (candidates.h).
// Core thread only.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "reconciler/sched/cluster_view.h"
#include "reconciler/sched/filters.h"
#include "schema/base/rng.h"

namespace mainstay {

struct Binding {
  ObjectPtr pod;
  std::string node;
};

struct Unplaced {
  ObjectPtr pod;
  std::string_view reason;  // "Unschedulable" or "SchedulingGated"
  // "0/3 nodes are available: 1 Insufficient cpu, 2 node(s) were unschedulable." Shared by equal pods.
  std::shared_ptr<const std::string> message;
  uint8_t cures = 0;  // CureBits: after which changes to try again
};

struct Placement {
  std::vector<Binding> bindings;
  std::vector<Unplaced> unplaced;
};

// Places pods by priority, then age, then name; of equally good nodes one is drawn. Expects pods for which
// needs_placement() holds, none twice. `view` is used to try out and left as it was: the bindings reach it as
// changes of the store.
Placement place(ClusterView& view, std::vector<ObjectPtr> pods, Rng& rng);

// What each node would say to a pod, by name: for `mainstay why`.
struct NodeVerdict {
  std::string node;
  std::vector<std::string> reasons;  // empty: it fits
  int score = 0;                     // 0..kHighestScore, if it fits
};
std::vector<NodeVerdict> explain(const ClusterView& view, const Object& pod);

// The one sentence over all nodes, and what could change it. Source: kube-scheduler's FitError.
struct Summary {
  std::string message;
  uint8_t cures = 0;
};
// `company` is null for a pod that minds no other.
Summary summarize_refusals(const ClusterView& view, const PodSpec& spec, const Footprint& footprint,
                           const Company* company);

}  // namespace mainstay
