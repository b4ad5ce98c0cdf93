#include "nodeagent/housekeeping/node_shutdown.h"

#include <algorithm>

#include "nodeagent/node_condition.h"

namespace mainstay {
namespace {

bool is_over(const PodRecord& record) { return record.released || record.torn_down; }
bool waits_for_ordinary(const PodRecord& record) { return record.last_pod && is_critical(*record.last_pod); }

}  // namespace

ShutdownStep step_shutdown(const std::map<std::string, PodRecord>& pods, const BeginShutdown& order, MonoTime begun,
                           MonoTime now) {
  ShutdownStep out;
  Duration ordinary_time = std::max(Duration{0}, order.period - order.critical);
  bool ordinary_over = std::all_of(pods.begin(), pods.end(), [](const auto& one) {
    return waits_for_ordinary(one.second) || is_over(one.second);
  });
  bool critical_turn = ordinary_over || now >= begun + ordinary_time;
  if (!critical_turn) out.wake = begun + ordinary_time;
  out.drained = true;
  for (const auto& [uid, record] : pods) {
    if (is_over(record)) continue;
    out.drained = false;
    bool critical = waits_for_ordinary(record);
    // One that is new is turned away instead.
    if ((critical && !critical_turn) || !record.pod || !record.admitted) continue;
    std::chrono::seconds own{as<Pod>(*record.pod).spec.termination_grace_period_seconds.value_or(30)};
    out.victims.push_back({uid, std::min<Duration>(own, critical ? order.critical : ordinary_time)});
  }
  return out;
}

}  // namespace mainstay
