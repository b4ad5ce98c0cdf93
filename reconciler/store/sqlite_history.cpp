#include "reconciler/store/sqlite_history.h"

#include <filesystem>
#include <utility>

#include "reconciler/store/sqlite_journal.h"
#include "reconciler/store/sqlite_load.h"

namespace mainstay {

Result<SqliteHistory> SqliteHistory::open(const std::string& data_dir) {
  std::string file = data_dir + "/" + std::string(kDatabaseFile);
  std::error_code ignored;
  if (!std::filesystem::exists(file, ignored)) {
    return error(ErrorCode::kNotFound, file + " does not exist; is this the data directory?");
  }
  SqliteDb::Options how;
  how.read_only = true;
  ASSIGN_OR_RETURN(SqliteDb db, SqliteDb::open(file, how));
  return SqliteHistory(std::move(db));
}

Result<std::vector<PastChange>> SqliteHistory::of_object(const Key& key, size_t limit) {
  ASSIGN_OR_RETURN(SqliteStatement rows,
                   db_.prepare("SELECT c.version, c.at, c.operation, c.actor, c.why, b.key_id, b.bytes FROM change c "
                               "LEFT JOIN body b ON b.id = c.body WHERE c.kind = ? AND c.ns = ? AND c.name = ? "
                               "ORDER BY c.version DESC LIMIT ?"));
  rows.bind(1, kind_info(key.kind).kind).bind(2, std::string_view(key.ns)).bind(3, std::string_view(key.name));
  rows.bind(4, static_cast<uint64_t>(limit));
  std::vector<PastChange> changes;
  for (;;) {
    ASSIGN_OR_RETURN(bool more, rows.step());
    if (!more) return changes;
    PastChange& change = changes.emplace_back();
    change.version = static_cast<uint64_t>(rows.number(0));
    change.at = WallTime{Duration(rows.number(1))};
    change.operation = rows.text(2);
    change.actor = rows.text(3);
    change.why = rows.text(4);
    if (rows.is_null(5) && !rows.is_null(6)) change.json = std::string(rows.text(6));
  }
}

Result<std::vector<CommitRow>> SqliteHistory::of_application(const std::string& application, size_t limit) {
  return read_commits(db_, application, limit);
}

}  // namespace mainstay
