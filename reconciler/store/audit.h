// audit(): does a snapshot keep every rule that spans objects? The simulator asks after each turn, `mainstay
// audit` asks a live database. Pure; any thread; reads everything once.
#pragma once

#include <string>
#include <vector>

#include "reconciler/store/snapshot.h"

namespace mainstay {

enum class AuditMoment : uint8_t {
  // Any version: what must hold after every single transaction.
  kAny,
  // Also what controllers bring about within a few turns: owners that are gone have no dependents left, pods
  // do not stay on nodes that are gone, selectors match, addresses are used once.
  kSettled,
};

// One sentence per violation, naming the objects; empty if all is well. At most kAuditFindings.
std::vector<std::string> audit(const Snapshot& view, AuditMoment moment);
inline constexpr size_t kAuditFindings = 200;

}  // namespace mainstay
