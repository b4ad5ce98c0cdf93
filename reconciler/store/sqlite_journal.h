// SqliteJournal: the Journal on a disk. One thread writes, everything queued in one transaction (group
// commit), WAL with synchronous FULL; a second connection copies the log into the database, so that writing
// never waits for it. The tables stand in sqlite_schema.cpp and can be read with the sqlite3 shell.
//
// A full disk or a busy database is a clean refusal (nothing written; the ballast file is freed). An I/O
// error, corruption or anything else unexpected is ambiguous: the listener is told, and the journal does
// nothing more.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "reconciler/store/data_dir.h"
#include "reconciler/store/journal.h"
#include "reconciler/store/sqlite_prune.h"
#include "schema/base/time.h"

namespace mainstay {

struct SqliteJournalOptions {
  std::string data_dir;
  std::string vfs;                       // "" is the operating system's; tests have others
  HistoryLimits history;
  size_t load_threads = 2;
  Duration busy_wait = 2s;
  size_t group_changes = 4'000;          // of one transaction, unless a single batch has more
  size_t queued_changes = 500'000;       // beyond: refused as busy
  int64_t checkpoint_pages = 2'000;      // of the log, before it is copied into the database
  int64_t largest_log_pages = 20'000;    // then writing waits until it has been
  Duration prune_pause = 60s;            // between two looks at the history
  std::function<WallTime()> clock;       // for the history's age; null reads the system's
};

class SqliteJournal : public Journal {
 public:
  // Takes the data directory, opens or makes the database and brings it up to date. kBusy if another process
  // has it.
  static Result<std::unique_ptr<SqliteJournal>> open(SqliteJournalOptions options);
  ~SqliteJournal() override;

  Result<Loaded> load() override;
  void start(JournalListener listener) override;
  void append(Batch batch) override;
  void stop() override;

  // The rest: any thread, after start().

  // Writes the durable state to a new file while the daemon runs; on disk when this returns. The file holds
  // Secrets encrypted: it is worth nothing without pki/secrets.key, which must be kept apart. kExists if
  // there is such a file.
  Status backup(const std::string& file);
  // Encrypts all Secrets with a new key and forgets the old ones. How many bodies there were. Backups from
  // before need a copy of the key file from before.
  Result<size_t> rotate_secret_key();

  struct Counters {
    uint64_t batches = 0, changes = 0, transactions = 0, refusals = 0, checkpoints = 0;
    uint64_t log_pages = 0;
    bool copying = false;  // the log, into the database
    Duration longest_commit{0};
  };
  Counters counters() const;

 private:
  struct State;
  explicit SqliteJournal(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

inline constexpr std::string_view kDatabaseFile = "mainstay.db";
inline constexpr std::string_view kSecretKeyFile = "pki/secrets.key";

}  // namespace mainstay
