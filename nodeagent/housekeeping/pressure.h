// What a node's shortages lead to over time: conditions that stay for the transition period, thresholds that are due
// once their grace is over and stay so until enough is given back. Pure; any thread. Rules: the kubelet's eviction
// manager.
#pragma once

#include <map>
#include <vector>

#include "nodeagent/housekeeping/eviction_thresholds.h"
#include "nodeagent/node_condition.h"

namespace mainstay {

struct PressureState {
  NodePressures pressures;
  // Thresholds due for reclaiming, what is to be reclaimed first at the front: memory, then in the policy's order.
  std::vector<EvictionThreshold> due;

  std::map<size_t, MonoTime> first_below;      // by place in the policy
  std::map<ScarceResource, MonoTime> last_seen;  // of a condition; inodes count as disk
};

// The state after one more measurement. What was not measured is not below.
PressureState judge_pressure(const PressureState& before, const EvictionPolicy& policy, const Supplies& supplies,
                             MonoTime now);

}  // namespace mainstay
