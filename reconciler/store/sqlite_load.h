// Rows to memory: the reading half of the database, at the start. Edge; reads and decodes with several threads.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "reconciler/store/journal.h"
#include "reconciler/store/secret_box.h"
#include "reconciler/store/sqlite_db.h"

namespace mainstay {

// How many threads read, and a further connection for each; nobody may write meanwhile.
struct LoadThreads {
  size_t count = 1;
  std::function<Result<SqliteDb>()> connect;
};

// Everything the database holds. kCorrupt names the row that cannot be right; kNotFound the key that is missing to
// decrypt one. Bodies that nothing looks into at the start are decoded when they are first asked for.
Result<Loaded> load_database(SqliteDb& db, const SecretBox& secrets, const LoadThreads& threads);

// The keys that belong to the database. They are made only as long as it holds no Secret: a lost key file
// must be restored, not replaced.
Result<SecretBox> open_secret_box(SqliteDb& db, const std::string& key_file);

// The commits of one application, newest first.
Result<std::vector<CommitRow>> read_commits(SqliteDb& db, const std::string& application, size_t limit);

// A value of the meta table; "" if there is none.
Result<std::string> read_meta(SqliteDb& db, std::string_view key);

}  // namespace mainstay
