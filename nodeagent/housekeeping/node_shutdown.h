// The end of a whole node: its pods in their order, the ordinary ones first, then the critical ones, each kind within
// its share of the time. Pure; part of the agent's core. Words and order: the kubelet's graceful node shutdown.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "nodeagent/pod_record.h"
#include "schema/base/time.h"

namespace mainstay {

struct BeginShutdown {
  Duration period{std::chrono::seconds{30}};    // of all
  Duration critical{std::chrono::seconds{10}};  // of it, kept for critical pods
};

struct ShutdownVictim {
  std::string uid;
  Duration grace{0};
};
struct ShutdownStep {
  std::vector<ShutdownVictim> victims;  // to be ended now, unless they end already
  std::optional<MonoTime> wake;         // when the critical pods' time begins at the latest
  bool drained = false;                 // nothing runs any more
};

inline constexpr std::string_view kShutdownReason = "Terminated";
inline constexpr std::string_view kShutdownMessage = "Pod was terminated in response to imminent node shutdown.";

ShutdownStep step_shutdown(const std::map<std::string, PodRecord>& pods, const BeginShutdown& order, MonoTime begun,
                           MonoTime now);

}  // namespace mainstay
