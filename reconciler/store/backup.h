// Backups of the database: whole, on disk when the call returns, and readable by any later mainstay. Edge.
#pragma once

#include <string>

#include "schema/base/result.h"

namespace mainstay {

// Copies the durable state of `database` to the new file `target` while others write. kExists if it is there.
Status write_backup(const std::string& database, const std::string& vfs, const std::string& target);

struct Restored {
  std::string kept;        // where the database that stood there before is now; "" if there was none
  uint64_t epoch = 0;      // the new one: above the backup's, so that nobody mistakes this store for the later one
  uint64_t version = 0;
};
// Puts `backup` into the place of data_dir's database, which is kept beside it. kBusy while a mainstay runs
// there; kCorrupt if the backup is damaged; kNotFound if the key file lacks the key of one of its Secrets.
Result<Restored> restore_backup(const std::string& backup, const std::string& data_dir);

}  // namespace mainstay
