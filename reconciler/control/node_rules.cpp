#include "reconciler/control/node_rules.h"

#include <algorithm>

#include "reconciler/control/conditions.h"

namespace mainstay {
namespace {

constexpr std::string_view kNoSchedule = "NoSchedule";
constexpr std::string_view kNoExecute = "NoExecute";

struct PressureTaint {
  std::string_view condition, key;
};
constexpr PressureTaint kPressureTaints[] = {
    {"MemoryPressure", "node.kubernetes.io/memory-pressure"},
    {"DiskPressure", "node.kubernetes.io/disk-pressure"},
    {"PIDPressure", "node.kubernetes.io/pid-pressure"},
    {"NetworkUnavailable", "node.kubernetes.io/network-unavailable"},
};

struct Wanted {
  std::string_view key, effect;
};

// Taints that only the conditions decide about; everything else is left alone.
bool is_ours(const Taint& taint) {
  if (taint.key == kNotReadyTaint || taint.key == kUnreachableTaint) return true;
  if (taint.effect != kNoSchedule) return false;
  if (taint.key == kUnschedulableTaint) return true;
  return std::any_of(std::begin(kPressureTaints), std::end(kPressureTaints),
                     [&](const PressureTaint& row) { return row.key == taint.key; });
}

std::vector<Wanted> condition_taints(const Node& node, bool evict) {
  std::vector<Wanted> wanted;
  NodeHealth health = node_health(node);
  if (health == NodeHealth::kNotReady) {
    wanted.push_back({kNotReadyTaint, kNoSchedule});
    wanted.push_back({kNotReadyTaint, kNoExecute});
  } else if (health == NodeHealth::kUnknown) {
    wanted.push_back({kUnreachableTaint, kNoSchedule});
    if (evict) wanted.push_back({kUnreachableTaint, kNoExecute});
  }
  for (const PressureTaint& row : kPressureTaints) {
    if (condition_true(node.status.conditions, row.condition)) wanted.push_back({row.key, kNoSchedule});
  }
  if (node.spec.unschedulable) wanted.push_back({kUnschedulableTaint, kNoSchedule});
  return wanted;
}

}  // namespace

NodeHealth node_health(const Node& node) {
  const NodeCondition* ready = find_condition(node.status.conditions, "Ready");
  if (ready == nullptr || ready->status == "False") return NodeHealth::kNotReady;
  return ready->status == "True" ? NodeHealth::kReady : NodeHealth::kUnknown;
}

std::vector<Taint> wanted_taints(const Node& node, bool evict, WallTime now) {
  std::vector<Wanted> missing = condition_taints(node, evict);
  std::vector<Taint> taints;
  for (const Taint& taint : node.spec.taints) {
    auto same = std::find_if(missing.begin(), missing.end(), [&](const Wanted& wanted) {
      return wanted.key == taint.key && wanted.effect == taint.effect;
    });
    if (same == missing.end() && is_ours(taint)) continue;
    if (same != missing.end()) missing.erase(same);
    taints.push_back(taint);
  }
  for (const Wanted& wanted : missing) {
    Taint& taint = taints.emplace_back();
    taint.key = wanted.key;
    taint.effect = wanted.effect;
  }
  for (Taint& taint : taints) {
    if (taint.effect == kNoExecute && taint.time_added == WallTime{}) taint.time_added = now.seconds();
  }
  return taints;
}

bool tolerates(const Toleration& toleration, const Taint& taint) {
  if (!toleration.effect.empty() && toleration.effect != taint.effect) return false;
  if (!toleration.key.empty() && toleration.key != taint.key) return false;
  if (toleration.op == "Exists") return true;
  return !toleration.key.empty() && (toleration.op.empty() || toleration.op == "Equal") &&
         toleration.value == taint.value;
}

std::optional<WallTime> eviction_time(const std::vector<Toleration>& tolerations,
                                      const std::vector<Taint>& taints) {
  std::optional<WallTime> earliest;
  auto leave_at = [&](WallTime when) {
    if (!earliest || when < *earliest) earliest = when;
  };
  for (const Taint& taint : taints) {
    if (taint.effect != kNoExecute) continue;
    bool tolerated = false;
    for (const Toleration& toleration : tolerations) {
      if (!tolerates(toleration, taint)) continue;
      tolerated = true;
      if (!toleration.toleration_seconds) continue;
      int64_t seconds = std::clamp<int64_t>(*toleration.toleration_seconds, 0, INT32_MAX);
      leave_at(taint.time_added + std::chrono::seconds(seconds));
    }
    if (!tolerated) leave_at(WallTime{});
  }
  return earliest;
}

}  // namespace mainstay
