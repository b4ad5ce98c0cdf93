#include "tests/bench/limits.h"

#include <git2.h>
#include <simdjson.h>
#include <sqlite3.h>
#include <yaml.h>

#include <memory>

#include "schema/base/clock.h"
#include "tests/bench/benchmark.h"

namespace mainstay::bench {
namespace {

constexpr size_t kRowsPerTransaction = 1000;

template <auto kFree>
struct FreedBy {
  template <typename T>
  void operator()(T* thing) const {
    kFree(thing);
  }
};
using Repo = std::unique_ptr<git_repository, FreedBy<git_repository_free>>;
using Tree = std::unique_ptr<git_tree, FreedBy<git_tree_free>>;
using Diff = std::unique_ptr<git_diff, FreedBy<git_diff_free>>;
using Odb = std::unique_ptr<git_odb, FreedBy<git_odb_free>>;
using Db = std::unique_ptr<sqlite3, FreedBy<sqlite3_close>>;
using Statement = std::unique_ptr<sqlite3_stmt, FreedBy<sqlite3_finalize>>;

Error git_error_here(const char* what) {
  const git_error* last = git_error_last();
  return failed(std::string(what) + ": " + (last != nullptr ? last->message : "libgit2 failed"));
}

Result<Repo> open_repository(const std::string& path) {
  git_repository* raw = nullptr;
  if (git_repository_open(&raw, path.c_str()) != 0) return git_error_here("open");
  return Repo(raw);
}

Result<Tree> open_tree(git_repository* repo, const std::string& revision) {
  git_object* raw = nullptr;
  if (git_revparse_single(&raw, repo, (revision + "^{tree}").c_str()) != 0) return git_error_here("tree");
  return Tree(reinterpret_cast<git_tree*>(raw));
}

Result<Db> open_db(const std::string& file) {
  sqlite3* raw = nullptr;
  int code = sqlite3_open(file.c_str(), &raw);
  Db db(raw);
  if (code != SQLITE_OK) return failed("sqlite: " + file + ": " + sqlite3_errstr(code));
  return db;
}

Status exec(sqlite3* db, const char* sql) {
  if (sqlite3_exec(db, sql, nullptr, nullptr, nullptr) != SQLITE_OK) return failed(sqlite3_errmsg(db));
  return {};
}

Result<Statement> prepare(sqlite3* db, const char* sql) {
  sqlite3_stmt* raw = nullptr;
  if (sqlite3_prepare_v2(db, sql, -1, &raw, nullptr) != SQLITE_OK) return failed(sqlite3_errmsg(db));
  return Statement(raw);
}

std::string_view column(sqlite3_stmt* row, int index) {
  const void* bytes = sqlite3_column_blob(row, index);
  return {static_cast<const char*>(bytes), static_cast<size_t>(sqlite3_column_bytes(row, index))};
}

}  // namespace

Result<ReadBlobs> read_blobs(const std::string& repository) {
  git_libgit2_init();
  ReadBlobs out;
  MonoTime begin = read_clock().mono;
  ASSIGN_OR_RETURN(Repo repo, open_repository(repository));
  ASSIGN_OR_RETURN(Tree tree, open_tree(repo.get(), "main"));
  std::vector<git_oid> ids;
  auto note = [](const char*, const git_tree_entry* entry, void* payload) {
    if (git_tree_entry_type(entry) == GIT_OBJECT_BLOB) {
      static_cast<std::vector<git_oid>*>(payload)->push_back(*git_tree_entry_id(entry));
    }
    return 0;
  };
  if (git_tree_walk(tree.get(), GIT_TREEWALK_PRE, note, &ids) != 0) return git_error_here("walk");
  git_odb* raw_odb = nullptr;
  if (git_repository_odb(&raw_odb, repo.get()) != 0) return git_error_here("odb");
  Odb odb(raw_odb);
  for (const git_oid& id : ids) {
    git_odb_object* object = nullptr;
    if (git_odb_read(&object, odb.get(), &id) != 0) return git_error_here("read");
    out.bytes.emplace_back(static_cast<const char*>(git_odb_object_data(object)), git_odb_object_size(object));
    git_odb_object_free(object);
  }
  out.took = read_clock().mono - begin;
  return out;
}

Result<Duration> parse_yaml_events(const std::vector<std::string>& texts) {
  MonoTime begin = read_clock().mono;
  for (const std::string& text : texts) {
    yaml_parser_t parser;
    if (yaml_parser_initialize(&parser) == 0) return failed("libyaml has no memory");
    yaml_parser_set_input_string(&parser, reinterpret_cast<const unsigned char*>(text.data()), text.size());
    bool ended = false, good = true;
    while (good && !ended) {
      yaml_event_t event;
      good = yaml_parser_parse(&parser, &event) != 0;
      if (!good) break;
      ended = event.type == YAML_STREAM_END_EVENT;
      yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    if (!good) return failed("libyaml cannot read a manifest of ours");
  }
  return read_clock().mono - begin;
}

Result<Duration> insert_rows(const std::string& file, const std::vector<std::string>& bodies) {
  ASSIGN_OR_RETURN(Db db, open_db(file));
  RETURN_IF_ERROR(exec(db.get(),
                       "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                       "CREATE TABLE row (id INTEGER PRIMARY KEY, name TEXT, version INTEGER, body TEXT);"
                       "CREATE UNIQUE INDEX row_name ON row (name); CREATE INDEX row_version ON row (version);"));
  ASSIGN_OR_RETURN(Statement insert, prepare(db.get(), "INSERT INTO row (name, version, body) VALUES (?, ?, ?)"));
  MonoTime begin = read_clock().mono;
  for (size_t i = 0; i < bodies.size(); ++i) {
    if (i % kRowsPerTransaction == 0) RETURN_IF_ERROR(exec(db.get(), "BEGIN IMMEDIATE"));
    std::string name = "ConfigMap/default/item-" + std::to_string(i);
    sqlite3_bind_text(insert.get(), 1, name.data(), static_cast<int>(name.size()), SQLITE_STATIC);
    sqlite3_bind_int64(insert.get(), 2, static_cast<int64_t>(i));
    sqlite3_bind_text(insert.get(), 3, bodies[i].data(), static_cast<int>(bodies[i].size()), SQLITE_STATIC);
    if (sqlite3_step(insert.get()) != SQLITE_DONE) return failed(sqlite3_errmsg(db.get()));
    sqlite3_reset(insert.get());
    bool last = i + 1 == bodies.size() || (i + 1) % kRowsPerTransaction == 0;
    if (last) RETURN_IF_ERROR(exec(db.get(), "COMMIT"));
  }
  return read_clock().mono - begin;
}

Result<Duration> tree_diff_cpu(const std::string& repository, const std::string& older, const std::string& newer) {
  git_libgit2_init();
  Duration begin = thread_cpu();
  ASSIGN_OR_RETURN(Repo repo, open_repository(repository));
  ASSIGN_OR_RETURN(Tree before, open_tree(repo.get(), older));
  ASSIGN_OR_RETURN(Tree after, open_tree(repo.get(), newer));
  git_diff* raw = nullptr;
  if (git_diff_tree_to_tree(&raw, repo.get(), before.get(), after.get(), nullptr) != 0) return git_error_here("diff");
  Diff diff(raw);
  if (git_diff_num_deltas(diff.get()) == 0) return failed("the two commits do not differ");
  return thread_cpu() - begin;
}

Result<std::vector<std::string>> stored_bodies(const std::string& database) {
  ASSIGN_OR_RETURN(Db db, open_db(database));
  ASSIGN_OR_RETURN(Statement rows, prepare(db.get(),
                                           "SELECT b.bytes FROM object o JOIN body b ON b.id = o.body "
                                           "WHERE b.key_id IS NULL"));
  std::vector<std::string> out;
  int code = SQLITE_ROW;
  while ((code = sqlite3_step(rows.get())) == SQLITE_ROW) out.emplace_back(column(rows.get(), 0));
  if (code != SQLITE_DONE) return failed(sqlite3_errmsg(db.get()));
  return out;
}

Result<Duration> scan_and_parse(const std::string& file) {
  MonoTime begin = read_clock().mono;
  ASSIGN_OR_RETURN(Db db, open_db(file));
  ASSIGN_OR_RETURN(Statement rows, prepare(db.get(), "SELECT id, name, version, body FROM row"));
  simdjson::dom::parser parser;
  std::string buffer;
  int code = SQLITE_ROW;
  while ((code = sqlite3_step(rows.get())) == SQLITE_ROW) {
    std::string_view body = column(rows.get(), 3);
    buffer.reserve(body.size() + simdjson::SIMDJSON_PADDING);
    buffer.assign(body);
    if (parser.parse(buffer.data(), buffer.size(), false).error() != simdjson::SUCCESS) {
      return failed("simdjson cannot read a stored body");
    }
  }
  if (code != SQLITE_DONE) return failed(sqlite3_errmsg(db.get()));
  return read_clock().mono - begin;
}

}  // namespace mainstay::bench
