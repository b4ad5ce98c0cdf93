// Roll-up: how an application stands, from how its objects stand: Argo CD's sync status, health status, resource
// list and images, for the Application object and the commit status. Pure; any thread.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <set>
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
  std::vector<Key> carried;               // the first of those that nothing follows from (is_carried_kind)
  size_t carried_count = 0;
  size_t out_of_sync = 0;
  size_t missing = 0;
};

// How each object of an application stands, kept up to date one object at a time, so that summing up costs what
// needs attention and not what there is. Not synchronised.
class Standing {
 public:
  // Looks at one object anew. `desired` null: it is the application's no longer. `live` null: it is missing. If it is
  // found in step, that is noted in `memo`, and it is not compared again until it changes.
  void look(const Key& key, const DesiredObject* desired, const ObjectPtr& live, bool held, SyncMemo* memo);
  void clear() { *this = {}; }

  // Lists all resources if there are at most `listed`, else those that need attention, at most so many.
  Rollup sum(bool at_target, size_t listed) const;

 private:
  struct Part {
    bool synced = false, held = false, missing = false;
    std::optional<HealthReport> health;
    std::vector<std::string> images;
  };
  static bool needs_attention(const Part& part) {
    return !part.synced || (part.health && part.health->status != Health::kHealthy);
  }
  void forget(const Key& key);
  HealthReport worst() const;

  std::map<Key, Part> parts_;
  std::set<Key> attention_;
  std::set<Key> carried_;
  std::map<Health, std::set<Key>> unhealthy_;  // by what they are
  std::map<std::string, size_t> images_;       // how many objects name it
  size_t out_of_sync_ = 0, missing_ = 0;
};

// All objects, each looked at. Objects found in step are noted in `memo` and not compared again until they change.
Rollup roll_up(const RollupInput& input, SyncMemo* memo = nullptr);

}  // namespace mainstay
