// Health: how well an object does what it is for, in Argo CD's words. The rules are the union of Argo CD's
// and Flux's (kstatus), the stricter one where they differ: a failed pod is Degraded, a Job that runs is not
// done, a StatefulSet must have its newest revision. Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "schema/object.h"

namespace mainstay {

// From best to worst, as a roll-up takes them.
enum class Health : uint8_t { kHealthy, kSuspended, kProgressing, kMissing, kDegraded, kUnknown };

// "Healthy", "Suspended" ...
std::string_view health_name(Health health);

struct HealthReport {
  Health status = Health::kHealthy;
  std::string message;  // one sentence; "" where the status says all

  bool operator==(const HealthReport&) const = default;
};

// Nothing for kinds that have no health (ConfigMap, Secret ...): being there is success. A pod that cannot be
// scheduled is Progressing with the scheduler's words: whether it has waited too long is for whoever holds
// the deadline to say.
std::optional<HealthReport> health_of(const Object& object);

// The worst of several. Missing objects do not count unless all are missing. `parts` names each object for
// the message, which is the worst one's: "Deployment default/web: ...". Healthy if there is none.
HealthReport roll_up(std::span<const std::pair<std::string, HealthReport>> parts);

}  // namespace mainstay
