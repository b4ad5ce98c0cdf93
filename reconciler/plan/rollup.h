// Roll-up: how an application stands, from how its objects stand: Argo CD's sync status, health status, resource
// list and images, for the Application object and the commit status. Pure; any thread.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "reconciler/plan/diff.h"
#include "schema/health.h"
#include "schema/kinds/application.h"

namespace mainstay {

struct RollupInput {
  const DesiredSet& applied;       // what is the application's, held objects included
  const Snapshot& live;
  std::span<const Key> held = {};  // sorted; declared no longer, but not pruned
  bool at_target = true;           // the applied commit is the one that it ought to be
};

struct Rollup {
  std::string sync;            // "Synced" or "OutOfSync"
  HealthReport health;         // the worst of all objects (schema/health.h)
  std::vector<ResourceStatus> resources;  // in order of key
  std::vector<std::string> images;        // of all pod templates; sorted, none twice
  size_t out_of_sync = 0;
  size_t missing = 0;
};

// Objects found in step are noted in `memo` and not compared again until they change.
Rollup roll_up(const RollupInput& input, SyncMemo* memo = nullptr);

}  // namespace mainstay
