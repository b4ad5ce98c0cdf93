// The tables of mainstay.db, and how older ones become newer ones. Any thread, one connection.
#pragma once

#include "reconciler/store/sqlite_db.h"

namespace mainstay {

// Raised with every change of the tables; stands in PRAGMA user_version.
inline constexpr int64_t kDatabaseFormat = 1;

// Sets how the connection writes: WAL, synchronous FULL, no checkpoints of its own.
Status prepare_connection(SqliteDb& db);

// Brings the database to kDatabaseFormat, one numbered step at a time, each in a transaction of its own.
// kUnsupported if a newer version of mainstay wrote it.
Status migrate(SqliteDb& db);

}  // namespace mainstay
