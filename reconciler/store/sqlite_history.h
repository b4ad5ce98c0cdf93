// Questions about the past, asked of the database while the daemon writes it: a read-only connection of one's
// own. Any thread, one at a time per reader. Secrets' bodies are never shown.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "reconciler/store/journal.h"
#include "reconciler/store/sqlite_db.h"

namespace mainstay {

struct PastChange {
  uint64_t version = 0;
  WallTime at;
  std::string operation;             // "add", "update", "remove"
  std::string actor, why;
  std::optional<std::string> json;   // nothing for removals and Secrets
};

class SqliteHistory {
 public:
  // kNotFound if data_dir has no database.
  static Result<SqliteHistory> open(const std::string& data_dir);

  // Newest first; as far back as the history reaches.
  Result<std::vector<PastChange>> of_object(const Key& key, size_t limit);
  // Newest first.
  Result<std::vector<CommitRow>> of_application(const std::string& application, size_t limit);

 private:
  explicit SqliteHistory(SqliteDb db) : db_(std::move(db)) {}
  SqliteDb db_;
};

}  // namespace mainstay
