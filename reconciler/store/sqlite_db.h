// A thin layer over one SQLite connection: values in and out, errors as Result. sqlite_db.cpp is the only
// source that includes sqlite3.h. A connection and its statements belong to one thread at a time.
//
// Errors: kFull and kBusy left nothing behind; kAmbiguous (an I/O error) and kCorrupt may have; kFailed is
// anything else (a constraint, wrong SQL: our own bug).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "schema/base/result.h"
#include "schema/base/time.h"

struct sqlite3_stmt;

namespace mainstay {

// A prepared statement; used again and again. Bound texts and blobs must live until run() or the last step().
class SqliteStatement {
 public:
  SqliteStatement() = default;
  SqliteStatement(SqliteStatement&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  SqliteStatement& operator=(SqliteStatement&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~SqliteStatement();

  // Places count from 1.
  SqliteStatement& bind(int place, int64_t number);
  SqliteStatement& bind(int place, uint64_t number) { return bind(place, static_cast<int64_t>(number)); }
  SqliteStatement& bind(int place, std::string_view text);
  SqliteStatement& bind_blob(int place, std::string_view bytes);
  SqliteStatement& bind_null(int place);

  // True while there is a row. After the last row, or an error, the statement can be bound anew.
  Result<bool> step();
  // Steps to the end.
  Status run();
  // Ends early.
  void reset();

  // Of the present row; columns count from 0. Texts and blobs are valid until the next step.
  int64_t number(int column) const;
  std::string_view text(int column) const;
  std::string_view blob(int column) const;
  bool is_null(int column) const;

 private:
  friend class SqliteDb;
  sqlite3_stmt* handle_ = nullptr;
};

class SqliteDb {
 public:
  struct Options {
    std::string vfs;             // "" is the operating system's
    bool create = true;
    bool read_only = false;
    Duration busy_wait = 2s;     // how long to wait for a lock before kBusy
  };
  static Result<SqliteDb> open(const std::string& path, const Options& options);

  SqliteDb(SqliteDb&&) noexcept;
  SqliteDb& operator=(SqliteDb&&) noexcept;
  ~SqliteDb();

  // One or more statements without results.
  Status exec(std::string_view sql);
  Result<SqliteStatement> prepare(std::string_view sql);
  // The first column of the first row, or `otherwise`.
  Result<int64_t> number(std::string_view sql, int64_t otherwise = 0);

  int64_t last_row() const;
  int64_t changed_rows() const;
  bool in_transaction() const;
  // Ends a transaction that failed, if SQLite has not done so already.
  void roll_back();

  // Pages in the write-ahead log after this connection's last commit.
  int64_t wal_pages() const;
  // Copies the log into the database as far as readers allow, without waiting (`whole`: waits, then empties
  // the log file).
  Status checkpoint(bool whole);
  // Wakes a long statement of another thread; it ends with an error. Any thread.
  void interrupt();

 private:
  struct State;
  explicit SqliteDb(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace mainstay
