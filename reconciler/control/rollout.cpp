#include "reconciler/control/rollout.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>

namespace mainstay {
namespace {

enum class Rounding { kUp, kDown };

// The number itself, or the percentage of `total`. Text that is no percentage counts as 0: validation
// refuses it.
int32_t resolve(const IntOrString& value, int32_t total, Rounding rounding) {
  if (value.is_int()) return std::max(0, value.number());
  const std::string& text = value.string();
  int64_t percent = 0;
  auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), percent);
  if (failed != std::errc() || end != text.data() + text.size() - 1 || *end != '%' || percent < 0) return 0;
  percent = std::min<int64_t>(percent, 1'000'000);
  int64_t scaled = percent * total;
  int64_t whole = rounding == Rounding::kUp ? (scaled + 99) / 100 : scaled / 100;
  return static_cast<int32_t>(std::min<int64_t>(whole, INT32_MAX / 2));
}

int32_t total_of(const std::vector<SetSize>& sets, int32_t SetSize::*member) {
  return std::accumulate(sets.begin(), sets.end(), 0,
                         [&](int32_t sum, const SetSize& set) { return sum + set.*member; });
}

// Takes up to `budget` from `sizes`, oldest first; `removable` says how much each may lose.
template <typename Removable>
int32_t cut(std::vector<int32_t>& sizes, int32_t budget, const Removable& removable) {
  for (size_t i = 0; i < sizes.size() && budget > 0; ++i) {
    int32_t less = std::clamp(removable(i), 0, std::min(budget, sizes[i]));
    sizes[i] -= less;
    budget -= less;
  }
  return budget;
}

// A set that is told to shrink gives up unavailable pods first, so at most `wanted` available ones stay.
int32_t sure(const SetSize& set) { return std::min(set.wanted, set.available); }

}  // namespace

RolloutLimits rollout_limits(const DeploymentSpec& spec) {
  int32_t replicas = spec.replicas.value_or(1);
  RolloutLimits limits;
  if (spec.strategy.type != "Recreate" && replicas > 0) {
    const IntOrString quarter{std::string("25%")};
    std::optional<IntOrString> surge = quarter, unavailable = quarter;
    if (spec.strategy.rolling_update) {
      const RollingUpdateDeployment& given = *spec.strategy.rolling_update;
      if (given.max_surge) surge = given.max_surge;
      if (given.max_unavailable) unavailable = given.max_unavailable;
    }
    limits.max_surge = resolve(*surge, replicas, Rounding::kUp);
    limits.max_unavailable = std::min(replicas, resolve(*unavailable, replicas, Rounding::kDown));
    if (limits.max_surge == 0 && limits.max_unavailable == 0) limits.max_unavailable = 1;
  }
  limits.max_total = replicas + limits.max_surge;
  limits.min_available = replicas - limits.max_unavailable;
  return limits;
}

RollingStep rolling_step(int32_t replicas, const RolloutLimits& limits, const SetSize& fresh,
                         const std::vector<SetSize>& old) {
  // What a set still has beyond its wanted size takes room until it is gone; what it lacks is on its way.
  auto room_taken = [](const SetSize& set) { return std::max(set.wanted, set.active); };
  RollingStep step;
  step.fresh = fresh.wanted;
  for (const SetSize& set : old) step.old.push_back(set.wanted);

  int32_t taken = room_taken(fresh);
  for (const SetSize& set : old) taken += room_taken(set);
  if (fresh.wanted > replicas) {
    step.fresh = replicas;
  } else {
    step.fresh += std::max(0, std::min(limits.max_total - taken, replicas - fresh.wanted));
  }

  // New pods that are not available yet do not allow old ones to go.
  int32_t fresh_available = std::min(step.fresh, sure(fresh));
  int32_t wanted = step.fresh + total_of(old, &SetSize::wanted);
  int32_t budget = wanted - limits.min_available - (step.fresh - fresh_available);
  if (budget <= 0) return step;

  // Old pods that serve nobody go first: they cost no availability.
  budget = cut(step.old, budget, [&](size_t i) { return old[i].wanted - sure(old[i]); });
  int32_t available = fresh_available;
  for (size_t i = 0; i < old.size(); ++i) available += std::min(step.old[i], sure(old[i]));
  budget = std::min(budget, available - limits.min_available);
  cut(step.old, budget, [&](size_t i) { return step.old[i]; });
  return step;
}

std::vector<int32_t> proportional_sizes(int32_t replicas, int32_t max_surge, int32_t known_replicas,
                                        const std::vector<Share>& sets) {
  std::vector<int32_t> sizes;
  int32_t total = 0;
  for (const Share& set : sets) {
    sizes.push_back(set.wanted);
    total += set.wanted;
  }
  int32_t allowed = replicas > 0 ? replicas + max_surge : 0;
  int32_t to_add = allowed - total;
  if (to_add == 0 || sets.empty()) return sizes;

  std::vector<size_t> order(sets.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    if (sets[a].wanted != sets[b].wanted) return sets[a].wanted > sets[b].wanted;
    return to_add > 0 ? sets[a].age < sets[b].age : sets[a].age > sets[b].age;
  });

  int32_t added = 0;
  for (size_t i : order) {
    const Share& set = sets[i];
    int32_t change = -set.wanted;
    if (replicas > 0) {
      int32_t before = set.max_replicas.value_or(known_replicas);
      if (before <= 0) continue;
      double scaled = static_cast<double>(set.wanted) * allowed / before;
      change = static_cast<int32_t>(std::llround(scaled)) - set.wanted;
    }
    int32_t left = to_add - added;
    change = to_add > 0 ? std::clamp(change, 0, left) : std::clamp(change, left, 0);
    sizes[i] += change;
    added += change;
  }
  int32_t& largest = sizes[order.front()];
  largest = std::max(0, largest + (to_add - added));
  return sizes;
}

std::vector<int32_t> keep_available(std::vector<int32_t> sizes, const std::vector<SetSize>& sets,
                                    int32_t min_available) {
  int32_t available = 0, missing = 0, idle = 0;
  for (size_t i = 0; i < sets.size(); ++i) {
    available += std::min(sizes[i], sure(sets[i]));
    missing += std::max(0, sure(sets[i]) - sizes[i]);
    idle += std::max(0, sizes[i] - sure(sets[i]));
  }
  int32_t moved = std::clamp(min_available - available, 0, std::min(missing, idle));
  int32_t back = moved;
  for (size_t i = 0; i < sets.size(); ++i) {
    int32_t more = std::clamp(sure(sets[i]) - sizes[i], 0, back);
    int32_t less = std::clamp(sizes[i] - sure(sets[i]), 0, moved);
    sizes[i] += more - less;
    back -= more;
    moved -= less;
  }
  return sizes;
}

}  // namespace mainstay
