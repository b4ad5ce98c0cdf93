#include "reconciler/sched/scores.h"

#include <algorithm>
#include <cmath>

#include "reconciler/sched/filters.h"

namespace mainstay {
namespace {

int free_share(int64_t wanted, int64_t used, int64_t allocatable) {
  int64_t left = allocatable - used - wanted;
  return left <= 0 ? 0 : static_cast<int>(left * 100 / allocatable);
}

double used_share(int64_t wanted, int64_t used, int64_t allocatable) {
  return std::min(1.0, static_cast<double>(used + wanted) / static_cast<double>(allocatable));
}

}  // namespace

int taint_score(const PodSpec& spec, const NodeState& state) {
  int disliked = 0;
  for (const Taint& taint : state.taints) {
    if (taint.effect == "PreferNoSchedule" && !tolerates(spec.tolerations, taint)) ++disliked;
  }
  return 100 / (1 + disliked);
}

int affinity_score(const PodSpec& spec, const NodeState& state) {
  if (!spec.affinity || !spec.affinity->node_affinity) return 0;
  int64_t matched = 0, all = 0;
  for (const PreferredSchedulingTerm& term :
       spec.affinity->node_affinity->preferred_during_scheduling_ignored_during_execution) {
    all += term.weight;
    if (matches(term.preference, *state.node)) matched += term.weight;
  }
  return all > 0 ? static_cast<int>(matched * 100 / all) : 0;
}

int spread_score(uint32_t of_same_owner) { return static_cast<int>(100 / (1 + of_same_owner)); }

int least_allocated_score(const Footprint& footprint, const NodeState& state) {
  int sum = 0, counted = 0;
  if (state.allocatable.cpu_milli > 0) {
    sum += free_share(footprint.score_cpu_milli, state.score_cpu_milli, state.allocatable.cpu_milli);
    ++counted;
  }
  if (state.allocatable.memory > 0) {
    sum += free_share(footprint.score_memory, state.score_memory, state.allocatable.memory);
    ++counted;
  }
  return counted > 0 ? sum / counted : 0;
}

int balanced_score(const Footprint& footprint, const NodeState& state) {
  const Amounts &wanted = footprint.requests, &all = state.allocatable, &used = state.requested;
  // With fewer than two resources there is nothing to balance.
  if (all.cpu_milli <= 0 || all.memory <= 0) return 100;
  double cpu = used_share(wanted.cpu_milli, used.cpu_milli, all.cpu_milli);
  double memory = used_share(wanted.memory, used.memory, all.memory);
  // The standard deviation of two values is half their distance.
  return static_cast<int>((1.0 - std::abs(cpu - memory) / 2) * 100);
}

int fixed_score(const PodSpec& spec, const NodeState& state) {
  return kTaintWeight * taint_score(spec, state) + kAffinityWeight * affinity_score(spec, state);
}

int moving_score(const Footprint& footprint, const NodeState& state, uint32_t of_same_owner) {
  return kSpreadWeight * (footprint.owner.empty() ? 100 : spread_score(of_same_owner)) +
         least_allocated_score(footprint, state) + balanced_score(footprint, state);
}

}  // namespace mainstay
