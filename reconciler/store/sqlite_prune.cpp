#include "reconciler/store/sqlite_prune.h"

#include <string>
#include <vector>

#include "reconciler/store/sqlite_rows.h"

namespace mainstay {
namespace {

constexpr int64_t kRowsPerStep = 500;

int64_t micros(WallTime time) { return time.since_epoch.count(); }

// A body belongs to one object only (its name and uid stand in it), so only that object's rows can refer to
// it.
constexpr std::string_view kDropBodies =
    "DELETE FROM body WHERE id IN (SELECT g.body FROM temp.going g WHERE g.body IS NOT NULL "
    "AND NOT EXISTS (SELECT 1 FROM object WHERE (kind, ns, name, body) = (g.kind, g.ns, g.name, g.body)) "
    "AND NOT EXISTS (SELECT 1 FROM change WHERE (kind, ns, name, body) = (g.kind, g.ns, g.name, g.body)) "
    "AND NOT EXISTS (SELECT 1 FROM desired WHERE (kind, ns, name, body) = (g.kind, g.ns, g.name, g.body)))";

}  // namespace

Result<bool> SqlitePrune::step(WallTime now) {
  RETURN_IF_ERROR(db_.exec(
      "CREATE TEMP TABLE IF NOT EXISTS going (id INTEGER, kind TEXT, ns TEXT, name TEXT, body INTEGER);"
      "BEGIN IMMEDIATE"));
  Result<bool> more = prune(now);
  Status ended = more.ok() ? db_.exec("COMMIT") : Status(more.error());
  if (!ended.ok()) {
    db_.roll_back();
    return ended.error();
  }
  return more;
}

Result<bool> SqlitePrune::prune(WallTime now) {
  ASSIGN_OR_RETURN(bool changes, prune_changes(now));
  ASSIGN_OR_RETURN(bool short_lived, prune_short_lived(now));
  ASSIGN_OR_RETURN(bool desired, prune_desired(now));
  RETURN_IF_ERROR(prune_commits());
  return changes || short_lived || desired;
}

Result<bool> SqlitePrune::too_large() {
  ASSIGN_OR_RETURN(int64_t pages, db_.number("PRAGMA page_count"));
  ASSIGN_OR_RETURN(int64_t free_pages, db_.number("PRAGMA freelist_count"));
  ASSIGN_OR_RETURN(int64_t page_size, db_.number("PRAGMA page_size"));
  return static_cast<uint64_t>((pages - free_pages) * page_size) > limits_.bytes;
}

// The newest change always stays: it tells the store's version.
Result<bool> SqlitePrune::prune_changes(WallTime now) {
  ASSIGN_OR_RETURN(bool large, too_large());
  ASSIGN_OR_RETURN(SqliteStatement choose,
                   db_.prepare("INSERT INTO temp.going SELECT version, kind, ns, name, body FROM "
                               "(SELECT * FROM change ORDER BY version LIMIT ?) "
                               "WHERE (at < ? OR ?) AND version < (SELECT max(version) FROM change)"));
  choose.bind(1, kRowsPerStep).bind(2, micros(now - limits_.age)).bind(3, int64_t{large});
  RETURN_IF_ERROR(db_.exec("DELETE FROM temp.going"));
  RETURN_IF_ERROR(choose.run());
  bool more = db_.changed_rows() == kRowsPerStep;
  RETURN_IF_ERROR(db_.exec("DELETE FROM change WHERE version IN (SELECT id FROM temp.going)"));
  RETURN_IF_ERROR(db_.exec(kDropBodies));
  return more;
}

Result<bool> SqlitePrune::prune_short_lived(WallTime now) {
  ASSIGN_OR_RETURN(SqliteStatement look,
                   db_.prepare("SELECT max(version), count(*) FROM (SELECT version FROM change WHERE version > ?1 AND "
                               "at < ?2 AND version < (SELECT max(version) FROM change) ORDER BY version LIMIT ?3)"));
  look.bind(1, short_lived_done_).bind(2, micros(now - limits_.short_age)).bind(3, kRowsPerStep * 4);
  ASSIGN_OR_RETURN(bool row, look.step());
  int64_t up_to = row ? look.number(0) : 0;
  int64_t count = row ? look.number(1) : 0;
  look.reset();
  if (count == 0) return false;
  std::string kinds;
  for (Kind kind : kShortLivedKinds) kinds += (kinds.empty() ? "'" : ", '") + std::string(kind_info(kind).kind) + "'";
  ASSIGN_OR_RETURN(SqliteStatement choose,
                   db_.prepare("INSERT INTO temp.going SELECT version, kind, ns, name, body FROM change "
                               "WHERE version > ? AND version <= ? AND kind IN (" + kinds + ")"));
  RETURN_IF_ERROR(db_.exec("DELETE FROM temp.going"));
  RETURN_IF_ERROR(choose.bind(1, short_lived_done_).bind(2, up_to).run());
  RETURN_IF_ERROR(db_.exec("DELETE FROM change WHERE version IN (SELECT id FROM temp.going)"));
  RETURN_IF_ERROR(db_.exec(kDropBodies));
  short_lived_done_ = up_to;
  return count == kRowsPerStep * 4;
}

// A past desired body goes when the change that ended it is old; its version tells the time.
Result<bool> SqlitePrune::prune_desired(WallTime now) {
  ASSIGN_OR_RETURN(SqliteStatement choose,
                   db_.prepare("INSERT INTO temp.going SELECT id, kind, ns, name, body FROM desired "
                               "WHERE to_version IS NOT NULL AND to_version < coalesce("
                               "(SELECT min(version) FROM change WHERE at >= ?), 0) LIMIT ?"));
  RETURN_IF_ERROR(db_.exec("DELETE FROM temp.going"));
  RETURN_IF_ERROR(choose.bind(1, micros(now - limits_.age)).bind(2, kRowsPerStep).run());
  bool more = db_.changed_rows() == kRowsPerStep;
  RETURN_IF_ERROR(db_.exec("DELETE FROM desired WHERE id IN (SELECT id FROM temp.going)"));
  RETURN_IF_ERROR(db_.exec(kDropBodies));
  return more;
}

Status SqlitePrune::prune_commits() {
  ASSIGN_OR_RETURN(SqliteStatement drop,
                   db_.prepare("DELETE FROM \"commit\" AS c WHERE c.number <= "
                               "(SELECT max(n.number) FROM \"commit\" n WHERE n.application = c.application) - ?"));
  return drop.bind(1, limits_.commits).run();
}

}  // namespace mainstay
