#include "nodeagent/housekeeping/pressure.h"

#include <algorithm>

namespace mainstay {
namespace {

// The condition a shortage of this shows as.
ScarceResource condition_of(EvictionSignal signal) {
  ScarceResource resource = scarce_resource(signal);
  return resource == ScarceResource::kInodes ? ScarceResource::kDisk : resource;
}

bool is_below(const EvictionThreshold& threshold, const Supplies& supplies, bool until_reclaimed) {
  auto found = supplies.find(threshold.signal);
  if (found == supplies.end()) return false;
  const Supply& supply = found->second;
  int64_t wanted = threshold.below.of(supply.capacity);
  if (until_reclaimed) wanted += threshold.minimum_reclaim.of(supply.capacity);
  return supply.available < wanted;
}

bool was_due(const PressureState& before, const EvictionThreshold& threshold) {
  return std::any_of(before.due.begin(), before.due.end(), [&](const EvictionThreshold& one) {
    return one.signal == threshold.signal && one.hard == threshold.hard;
  });
}

}  // namespace

PressureState judge_pressure(const PressureState& before, const EvictionPolicy& policy, const Supplies& supplies,
                             MonoTime now) {
  PressureState out;
  out.last_seen = before.last_seen;
  for (size_t i = 0; i < policy.thresholds.size(); ++i) {
    const EvictionThreshold& threshold = policy.thresholds[i];
    if (!is_below(threshold, supplies, was_due(before, threshold))) continue;
    auto first = before.first_below.find(i);
    MonoTime since = first == before.first_below.end() ? now : first->second;
    out.first_below[i] = since;
    out.last_seen[condition_of(threshold.signal)] = now;
    if (now - since >= threshold.grace) out.due.push_back(threshold);
  }
  std::stable_sort(out.due.begin(), out.due.end(), [](const EvictionThreshold& a, const EvictionThreshold& b) {
    auto is_memory = [](const EvictionThreshold& one) { return one.signal == EvictionSignal::kMemoryAvailable; };
    return is_memory(a) && !is_memory(b);
  });
  std::erase_if(out.last_seen, [&](const auto& one) { return now - one.second > policy.transition; });
  out.pressures.memory = out.last_seen.count(ScarceResource::kMemory) != 0;
  out.pressures.disk = out.last_seen.count(ScarceResource::kDisk) != 0;
  out.pressures.pids = out.last_seen.count(ScarceResource::kPids) != 0;
  return out;
}

}  // namespace mainstay
