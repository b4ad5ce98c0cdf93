// Preemption: which pods of lower priority must leave a node so that a pod fits there. Asked only for pods that found
// no node; a function of what is. Source of the rules: Kubernetes' plugin DefaultPreemption. Core thread only.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "reconciler/sched/cluster_view.h"
#include "schema/base/rng.h"

namespace mainstay {

struct Preemption {
  enum class Outcome : uint8_t {
    kNone,   // the pod must not preempt, or it would not help: an earlier nomination is void
    kWaits,  // pods are leaving its nominated node already
    kFound,
  };
  Outcome outcome = Outcome::kNone;
  std::string node;
  std::vector<ObjectPtr> victims;  // those that are leaving already among them
  std::vector<Key> outbid;         // pods of lower priority that were nominated to this node
};

// Expects a pod that place() has just refused on this very view; `snapshot` holds the same pods. Looks at up to a
// tenth of the nodes, a hundred at least, that would do, and picks the one where it hurts least: fewest broken
// disruption budgets, then lowest priority of the highest victim, lowest sum of priorities, fewest victims, latest
// started. `view` is used to try out and left as it was.
Preemption preempt(ClusterView& view, const Snapshot& snapshot, const Object& pod, Rng& rng);

// False if preempt() would find nothing anyway: nobody stands who has a lower priority, or the pod must not. Cheap.
bool may_preempt(const ClusterView& view, const PodSpec& spec);

}  // namespace mainstay
