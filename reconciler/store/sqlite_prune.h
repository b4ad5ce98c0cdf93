// Keeps the history within its limits, a little at a time, so that writing never waits long for it. Journal
// thread.
#pragma once

#include <memory>

#include "reconciler/store/sqlite_db.h"
#include "schema/base/time.h"

namespace mainstay {

struct HistoryLimits {
  Duration age = 24h * 30;         // of changes, past desired bodies
  Duration short_age = 24h;        // of changes of kShortLivedKinds
  uint64_t bytes = uint64_t{2} << 30;  // of the database's used pages; the oldest changes go first
  uint64_t commits = 1000;         // kept per application
};

class SqlitePrune {
 public:
  SqlitePrune(SqliteDb& db, HistoryLimits limits) : db_(db), limits_(limits) {}

  // One small transaction. True if there may be more to do at once.
  Result<bool> step(WallTime now);

 private:
  Result<bool> prune(WallTime now);
  Result<bool> prune_changes(WallTime now);
  Result<bool> prune_short_lived(WallTime now);
  Result<bool> prune_desired(WallTime now);
  Status prune_commits();
  Result<bool> too_large();

  SqliteDb& db_;
  HistoryLimits limits_;
  int64_t short_lived_done_ = 0;  // changes up to here were looked at since the process started
};

}  // namespace mainstay
