#include "reconciler/store/backup.h"

#include <filesystem>
#include <system_error>

#include "reconciler/store/data_dir.h"
#include "reconciler/store/journal.h"
#include "reconciler/store/private_file.h"
#include "reconciler/store/secret_box.h"
#include "reconciler/store/sqlite_db.h"
#include "reconciler/store/sqlite_journal.h"
#include "reconciler/store/sqlite_load.h"
#include "reconciler/store/sqlite_schema.h"

namespace mainstay {
namespace {

namespace fs = std::filesystem;

void remove_database(const std::string& file) {
  std::error_code ignored;
  for (const char* end : {"", "-wal", "-shm", "-journal"}) fs::remove(file + end, ignored);
}

Status rename_durably(const std::string& from, const std::string& to) {
  std::error_code problem;
  fs::rename(from, to, problem);
  if (problem) return failed("renaming " + from + " to " + to + ": " + problem.message());
  return sync_path(folder_of(to));
}

Status copy_into(const std::string& database, const std::string& vfs, const std::string& fresh) {
  SqliteDb::Options how;
  how.vfs = vfs;
  how.create = false;
  ASSIGN_OR_RETURN(SqliteDb db, SqliteDb::open(database, how));
  ASSIGN_OR_RETURN(SqliteStatement copy, db.prepare("VACUUM INTO ?"));
  return copy.bind(1, std::string_view(fresh)).run();
}

// Opens the copy as the daemon would: format, damage, keys. Raises its epoch.
Result<Restored> check_and_raise(const std::string& file, const std::string& key_file) {
  SqliteDb::Options how;
  how.create = false;
  ASSIGN_OR_RETURN(SqliteDb db, SqliteDb::open(file, how));
  ASSIGN_OR_RETURN(SqliteStatement check, db.prepare("PRAGMA integrity_check"));
  ASSIGN_OR_RETURN(bool row, check.step());
  if (!row || check.text(0) != "ok") {
    return error(ErrorCode::kCorrupt, row ? std::string(check.text(0)) : "the check gave no answer");
  }
  check.reset();
  RETURN_IF_ERROR(prepare_connection(db));
  RETURN_IF_ERROR(migrate(db));
  ASSIGN_OR_RETURN(SecretBox secrets, open_secret_box(db, key_file));
  ASSIGN_OR_RETURN(Loaded loaded, load_database(db, secrets, {1, [&] { return SqliteDb::open(file, how); }}));
  Restored restored;
  restored.version = loaded.snapshot.version();
  restored.epoch = raise_epoch(loaded.epoch, 0);
  RETURN_IF_ERROR(db.exec("UPDATE meta SET value = '" + std::to_string(restored.epoch) + "' WHERE key = 'epoch'"));
  RETURN_IF_ERROR(db.checkpoint(true));
  return restored;
}

std::string free_name(const std::string& base) {
  std::error_code ignored;
  for (int i = 1;; ++i) {
    std::string name = base + ".before-restore-" + std::to_string(i);
    if (!fs::exists(name, ignored)) return name;
  }
}

}  // namespace

Status write_backup(const std::string& database, const std::string& vfs, const std::string& target) {
  std::error_code ignored;
  if (fs::exists(target, ignored)) return error(ErrorCode::kExists, target + " exists; choose a new name");
  std::string fresh = target + ".new";
  remove_database(fresh);
  Status copied = copy_into(database, vfs, fresh);
  if (copied.ok() && vfs.empty()) {
    std::error_code problem;
    fs::permissions(fresh, fs::perms::owner_read | fs::perms::owner_write, problem);
    copied = problem ? Status(failed(problem.message())) : sync_path(fresh);
    if (copied.ok()) copied = rename_durably(fresh, target);
  }
  if (!copied.ok()) {
    remove_database(fresh);
    return copied.error().in("writing backup " + target);
  }
  return {};
}

Result<Restored> restore_backup(const std::string& backup, const std::string& data_dir) {
  std::error_code problem;
  if (!fs::exists(backup, problem)) return error(ErrorCode::kNotFound, backup + " does not exist");
  ASSIGN_OR_RETURN(DataDir dir, DataDir::open(data_dir));
  std::string file = dir.file(kDatabaseFile), fresh = file + ".restoring";
  remove_database(fresh);
  fs::copy_file(backup, fresh, problem);
  if (problem) return failed("copying " + backup + ": " + problem.message());
  auto restored = check_and_raise(fresh, dir.file(kSecretKeyFile));
  if (!restored.ok()) {
    remove_database(fresh);
    return restored.error().in("backup " + backup);
  }
  fs::permissions(fresh, fs::perms::owner_read | fs::perms::owner_write, problem);
  RETURN_IF_ERROR(sync_path(fresh));
  for (const char* end : {"-wal", "-shm"}) fs::remove(fresh + end, problem);
  if (fs::exists(file, problem)) {
    restored.value().kept = free_name(file);
    // The log belongs to the database it stands beside and must move with it, and before it.
    for (const char* end : {"-wal", "-shm"}) {
      if (fs::exists(file + end, problem)) RETURN_IF_ERROR(rename_durably(file + end, restored.value().kept + end));
    }
    RETURN_IF_ERROR(rename_durably(file, restored.value().kept));
  }
  RETURN_IF_ERROR(rename_durably(fresh, file));
  return restored;
}

}  // namespace mainstay
