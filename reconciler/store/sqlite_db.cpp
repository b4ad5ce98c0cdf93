#include "reconciler/store/sqlite_db.h"

#include <sqlite3.h>

#include <utility>

namespace mainstay {

struct SqliteDb::State {
  sqlite3* handle = nullptr;
  int64_t wal_pages = 0;
  ~State() { sqlite3_close_v2(handle); }
};

namespace {

ErrorCode code_of(int result) {
  switch (result & 0xFF) {
    case SQLITE_FULL: return ErrorCode::kFull;
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return ErrorCode::kBusy;
    case SQLITE_IOERR:
    case SQLITE_NOMEM: return ErrorCode::kAmbiguous;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return ErrorCode::kCorrupt;
    default: return ErrorCode::kFailed;
  }
}

Error error_of(int result, sqlite3* handle) {
  std::string message = sqlite3_errstr(result);
  if (handle != nullptr && sqlite3_errmsg(handle) != message) message += std::string(": ") + sqlite3_errmsg(handle);
  return error(code_of(result), message + " (" + std::to_string(sqlite3_extended_errcode(handle)) + ")");
}

int remember_wal_pages(void* pages, sqlite3*, const char*, int count) {
  *static_cast<int64_t*>(pages) = count;
  return SQLITE_OK;
}

}  // namespace

SqliteStatement::~SqliteStatement() { sqlite3_finalize(handle_); }

SqliteStatement& SqliteStatement::bind(int place, int64_t number) {
  ENSURE(sqlite3_bind_int64(handle_, place, number) == SQLITE_OK, "a statement has this place");
  return *this;
}

SqliteStatement& SqliteStatement::bind(int place, std::string_view text) {
  const char* start = text.data() != nullptr ? text.data() : "";
  int result = sqlite3_bind_text64(handle_, place, start, text.size(), SQLITE_STATIC, SQLITE_UTF8);
  ENSURE(result == SQLITE_OK, "a statement has this place, and the text is not too long");
  return *this;
}

SqliteStatement& SqliteStatement::bind_blob(int place, std::string_view bytes) {
  const char* start = bytes.data() != nullptr ? bytes.data() : "";
  int result = sqlite3_bind_blob64(handle_, place, start, bytes.size(), SQLITE_STATIC);
  ENSURE(result == SQLITE_OK, "a statement has this place, and the blob is not too long");
  return *this;
}

SqliteStatement& SqliteStatement::bind_null(int place) {
  ENSURE(sqlite3_bind_null(handle_, place) == SQLITE_OK, "a statement has this place");
  return *this;
}

Result<bool> SqliteStatement::step() {
  int result = sqlite3_step(handle_);
  if (result == SQLITE_ROW) return true;
  Error failure = result == SQLITE_DONE ? Error{} : error_of(result, sqlite3_db_handle(handle_));
  sqlite3_reset(handle_);
  if (result != SQLITE_DONE) return failure;
  return false;
}

Status SqliteStatement::run() {
  for (;;) {
    ASSIGN_OR_RETURN(bool more, step());
    if (!more) return {};
  }
}

void SqliteStatement::reset() { sqlite3_reset(handle_); }

int64_t SqliteStatement::number(int column) const { return sqlite3_column_int64(handle_, column); }

std::string_view SqliteStatement::text(int column) const {
  const auto* start = reinterpret_cast<const char*>(sqlite3_column_text(handle_, column));
  if (start == nullptr) return {};
  return {start, static_cast<size_t>(sqlite3_column_bytes(handle_, column))};
}

std::string_view SqliteStatement::blob(int column) const {
  const auto* start = static_cast<const char*>(sqlite3_column_blob(handle_, column));
  if (start == nullptr) return {};
  return {start, static_cast<size_t>(sqlite3_column_bytes(handle_, column))};
}

bool SqliteStatement::is_null(int column) const { return sqlite3_column_type(handle_, column) == SQLITE_NULL; }

SqliteDb::SqliteDb(std::unique_ptr<State> state) : state_(std::move(state)) {}
SqliteDb::SqliteDb(SqliteDb&&) noexcept = default;
SqliteDb& SqliteDb::operator=(SqliteDb&&) noexcept = default;
SqliteDb::~SqliteDb() = default;

Result<SqliteDb> SqliteDb::open(const std::string& path, const Options& options) {
  auto state = std::make_unique<State>();
  int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE |
              (options.read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE) |
              (options.create && !options.read_only ? SQLITE_OPEN_CREATE : 0);
  const char* vfs = options.vfs.empty() ? nullptr : options.vfs.c_str();
  int result = sqlite3_open_v2(path.c_str(), &state->handle, flags, vfs);
  if (result != SQLITE_OK) return error_of(result, state->handle).in("opening " + path);
  sqlite3_busy_timeout(state->handle, static_cast<int>(options.busy_wait / 1ms));
  sqlite3_wal_hook(state->handle, &remember_wal_pages, &state->wal_pages);
  // Opening looks at nothing: only the first read finds out that it is no database.
  result = sqlite3_exec(state->handle, "PRAGMA schema_version", nullptr, nullptr, nullptr);
  if ((result & 0xFF) == SQLITE_NOTADB) return error_of(result, state->handle).in("opening " + path);
  return SqliteDb(std::move(state));
}

Status SqliteDb::exec(std::string_view sql) {
  int result = sqlite3_exec(state_->handle, std::string(sql).c_str(), nullptr, nullptr, nullptr);
  if (result != SQLITE_OK) return error_of(result, state_->handle);
  return {};
}

Result<SqliteStatement> SqliteDb::prepare(std::string_view sql) {
  SqliteStatement statement;
  int result = sqlite3_prepare_v3(state_->handle, sql.data(), static_cast<int>(sql.size()),
                                  SQLITE_PREPARE_PERSISTENT, &statement.handle_, nullptr);
  if (result != SQLITE_OK) return error_of(result, state_->handle);
  return statement;
}

Result<int64_t> SqliteDb::number(std::string_view sql, int64_t otherwise) {
  ASSIGN_OR_RETURN(SqliteStatement statement, prepare(sql));
  ASSIGN_OR_RETURN(bool row, statement.step());
  return row && !statement.is_null(0) ? statement.number(0) : otherwise;
}

int64_t SqliteDb::last_row() const { return sqlite3_last_insert_rowid(state_->handle); }
int64_t SqliteDb::changed_rows() const { return sqlite3_changes64(state_->handle); }
bool SqliteDb::in_transaction() const { return sqlite3_get_autocommit(state_->handle) == 0; }

void SqliteDb::roll_back() {
  if (in_transaction()) sqlite3_exec(state_->handle, "ROLLBACK", nullptr, nullptr, nullptr);
}

int64_t SqliteDb::wal_pages() const { return state_->wal_pages; }

Status SqliteDb::checkpoint(bool whole) {
  int mode = whole ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE;
  int result = sqlite3_wal_checkpoint_v2(state_->handle, nullptr, mode, nullptr, nullptr);
  if (result != SQLITE_OK) return error_of(result, state_->handle);
  if (whole) state_->wal_pages = 0;
  return {};
}

void SqliteDb::interrupt() { sqlite3_interrupt(state_->handle); }

}  // namespace mainstay
