// Scores: which of the nodes that could take a pod is the best one. Every score here depends on one node alone, so
// that a binding changes the score of one node only; that is what makes placing fast. (What pods wish of each other
// depends on many nodes: company.h.) Pure; any thread.
#pragma once

#include <cstdint>

#include "reconciler/sched/cluster_view.h"

namespace mainstay {

// Each part is 0..100; weights are those of Kubernetes' default profile.
inline constexpr int kTaintWeight = 3;
inline constexpr int kAffinityWeight = 2;
inline constexpr int kSpreadWeight = 2;
inline constexpr int kCompanyWeight = 2;  // preferred affinity between pods
inline constexpr int kHighestScore =
    100 * (kTaintWeight + kAffinityWeight + kSpreadWeight + kCompanyWeight + 1 + 1);

// Fewer untolerated PreferNoSchedule taints are better.
int taint_score(const PodSpec& spec, const NodeState& state);
// The weights of the preferred node affinity terms that match, as a share of all their weights.
int affinity_score(const PodSpec& spec, const NodeState& state);
// 100 for a node without a pod of this owner, falling with each: the first pods of an owner spread above all,
// the many that follow go where there is room.
int spread_score(uint32_t of_same_owner);
// Mean of the free shares of cpu and memory with the pod in place (NodeResourcesFit, LeastAllocated).
int least_allocated_score(const Footprint& footprint, const NodeState& state);
// How evenly cpu and memory are used with the pod in place (NodeResourcesBalancedAllocation).
int balanced_score(const Footprint& footprint, const NodeState& state);

// The weighted part that only the node's own object decides.
int fixed_score(const PodSpec& spec, const NodeState& state);
// The weighted part that the pods on it decide.
int moving_score(const Footprint& footprint, const NodeState& state, uint32_t of_same_owner);

}  // namespace mainstay
