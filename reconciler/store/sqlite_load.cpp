#include "reconciler/store/sqlite_load.h"

#include <algorithm>
#include <cstring>
#include <deque>
#include <thread>
#include <unordered_map>
#include <utility>

#include "reconciler/store/load.h"
#include "reconciler/store/sqlite_rows.h"
#include "schema/base/inbox.h"
#include "schema/decode.h"
#include "schema/diagnostics.h"
#include "schema/json.h"

namespace mainstay {
namespace {

constexpr size_t kChunkRows = 256;
constexpr size_t kQueuedChunks = 8;  // a worker takes all there are: few, so that they finish together

// One row of `object` or `desired` with its body, and what becomes of it.
struct Row {
  Key key;
  std::string uid;
  uint64_t version = 0;
  std::string application;    // of a desired row
  Digest hash{};
  std::string key_id, bytes;
  ObjectPtr object;
  std::shared_ptr<const Value> declared;
};

struct Chunk {
  std::vector<Row> rows;
  Status status;
};

std::unordered_map<std::string_view, Kind> kinds_by_name() {
  std::unordered_map<std::string_view, Kind> kinds;
  for (const KindInfo& info : all_kinds()) kinds.emplace(info.kind, info.id);
  return kinds;
}

Error corrupt(const Key& key, std::string_view table, std::string_view what) {
  return error(ErrorCode::kCorrupt, "table " + std::string(table) + ", " + key.text() + ": " + std::string(what) +
                                        "; restore a backup, or remove the row");
}

Status decode_row(Row& row, const SecretBox& secrets, const std::string& cluster_id, JsonParser& parser) {
  bool desired = !row.application.empty();
  std::string_view table = desired ? "desired" : "object";
  if (!row.key_id.empty()) {
    ASSIGN_OR_RETURN(row.bytes, secrets.unseal({cluster_id, table, row.key, row.uid}, row.key_id, row.bytes));
    if (desired) {
      if (row.bytes.size() < row.hash.size()) return corrupt(row.key, table, "the encrypted body is too short");
      std::memcpy(row.hash.data(), row.bytes.data(), row.hash.size());
      row.bytes.erase(0, row.hash.size());
    }
  } else if (is_encrypted_kind(row.key.kind)) {
    return corrupt(row.key, table, "a Secret must be encrypted and is not");
  }
  auto value = read_json(row.bytes, parser);
  if (!value.ok()) return corrupt(row.key, table, value.error().message);
  row.bytes = {};
  Diagnostics diagnostics;
  DecodeOptions options;
  options.unknown_fields = UnknownFields::kIgnore;  // a newer version may have written them
  std::optional<Object> object = decode_object(value.value(), options, diagnostics);
  if (!object) return corrupt(row.key, table, "the body has no known apiVersion and kind");
  if (object->kind != row.key.kind || object->meta.name != row.key.name) {
    return corrupt(row.key, table, "the body is that of " + object->key().text());
  }
  if (desired) {
    row.declared = std::make_shared<const Value>(std::move(value).value());
  } else {
    object->version = row.version;
  }
  row.object = std::make_shared<const Object>(std::move(*object));
  return {};
}

// Decodes chunks on several threads while the caller goes on reading; finish() gives them back in order.
class Decoding {
 public:
  Decoding(const SecretBox& secrets, const std::string& cluster_id, size_t threads)
      : secrets_(secrets), cluster_id_(cluster_id), inbox_(kQueuedChunks) {
    for (size_t i = 0; i < std::max<size_t>(threads, 1); ++i) workers_.emplace_back([this] { work(); });
  }
  ~Decoding() { join(); }

  void add(std::vector<Row> rows) {
    chunks_.push_back({std::move(rows), {}});
    inbox_.push(&chunks_.back());
  }
  Result<std::vector<Row>> finish() {
    join();
    std::vector<Row> all;
    for (Chunk& chunk : chunks_) {
      RETURN_IF_ERROR(chunk.status);
      std::move(chunk.rows.begin(), chunk.rows.end(), std::back_inserter(all));
    }
    return all;
  }

 private:
  void join() {
    inbox_.close();
    for (std::thread& worker : workers_) worker.join();
    workers_.clear();
  }
  void work() {
    JsonParser parser;
    // A closed inbox still hands out what it holds.
    for (;;) {
      std::vector<Chunk*> taken = inbox_.take_all(1s);
      if (taken.empty() && inbox_.closed()) return;
      for (Chunk* chunk : taken) {
        for (Row& row : chunk->rows) {
          chunk->status = decode_row(row, secrets_, cluster_id_, parser);
          if (!chunk->status.ok()) break;
        }
      }
    }
  }

  const SecretBox& secrets_;
  const std::string& cluster_id_;
  std::deque<Chunk> chunks_;  // addresses stay
  Inbox<Chunk*> inbox_;
  std::vector<std::thread> workers_;
};

// Columns: application, kind, ns, name, uid, version, hash, key_id, bytes.
Result<std::vector<Row>> read_rows(SqliteDb& db, std::string_view sql, const SecretBox& secrets,
                                   const std::string& cluster_id, size_t threads) {
  auto kinds = kinds_by_name();
  ASSIGN_OR_RETURN(SqliteStatement rows, db.prepare(sql));
  Decoding decoding(secrets, cluster_id, threads);
  std::vector<Row> chunk;
  for (;;) {
    ASSIGN_OR_RETURN(bool more, rows.step());
    if (!more) break;
    auto kind = kinds.find(rows.text(1));
    if (kind == kinds.end()) {
      return error(ErrorCode::kUnsupported, "the database holds a " + std::string(rows.text(1)) +
                                                ", a kind this mainstay does not know; run the newer one");
    }
    Row& row = chunk.emplace_back();
    row.application = rows.text(0);
    row.key = {kind->second, std::string(rows.text(2)), std::string(rows.text(3))};
    row.uid = rows.text(4);
    row.version = static_cast<uint64_t>(rows.number(5));
    std::string_view hash = rows.blob(6);
    if (hash.size() == row.hash.size()) std::memcpy(row.hash.data(), hash.data(), hash.size());
    row.key_id = rows.text(7);
    row.bytes = rows.blob(8);
    if (chunk.size() == kChunkRows) decoding.add(std::exchange(chunk, {}));
  }
  if (!chunk.empty()) decoding.add(std::move(chunk));
  return decoding.finish();
}

Result<Snapshot> load_objects(SqliteDb& db, const SecretBox& secrets, size_t threads,
                              const std::string& cluster_id) {
  ASSIGN_OR_RETURN(std::vector<Row> rows,
                   read_rows(db,
                             "SELECT '', o.kind, o.ns, o.name, o.uid, o.version, NULL, b.key_id, b.bytes "
                             "FROM object o JOIN body b ON b.id = o.body ORDER BY o.kind, o.ns, o.name",
                             secrets, cluster_id, threads));
  StoreLoader loader;
  for (Row& row : rows) {
    if (row.object->meta.uid != row.uid) return corrupt(row.key, "object", "the body has another uid");
    loader.put(row.object);
  }
  ASSIGN_OR_RETURN(int64_t version, db.number("SELECT max(version) FROM change"));
  loader.raise_version(static_cast<uint64_t>(version));
  return std::move(loader).finish();
}

Status load_desired(SqliteDb& db, const SecretBox& secrets, size_t threads, const std::string& cluster_id,
                    ApplicationLoader& loader) {
  ASSIGN_OR_RETURN(std::vector<Row> rows,
                   read_rows(db,
                             "SELECT d.application, d.kind, d.ns, d.name, '', 0, d.hash, b.key_id, b.bytes "
                             "FROM desired d JOIN body b ON b.id = d.body WHERE d.to_version IS NULL",
                             secrets, cluster_id, threads));
  for (Row& row : rows) loader.put(DesiredRow{row.application, row.key, row.declared, row.hash}, row.object);
  auto kinds = kinds_by_name();
  ASSIGN_OR_RETURN(SqliteStatement origins, db.prepare("SELECT application, kind, ns, name, path, line FROM origin"));
  for (;;) {
    ASSIGN_OR_RETURN(bool more, origins.step());
    if (!more) return {};
    auto kind = kinds.find(origins.text(1));
    if (kind == kinds.end()) continue;
    Key key{kind->second, std::string(origins.text(2)), std::string(origins.text(3))};
    Origin origin{std::string(origins.text(4)), static_cast<uint32_t>(origins.number(5))};
    loader.put(OriginRow{std::string(origins.text(0)), std::move(key), std::move(origin)});
  }
}

Digest digest_of(std::string_view bytes) {
  Digest digest{};
  if (bytes.size() == digest.size()) std::memcpy(digest.data(), bytes.data(), digest.size());
  return digest;
}

WallTime time_of(int64_t micros) { return WallTime{Duration(micros)}; }

Status load_cursors(SqliteDb& db, ApplicationLoader& loader) {
  ASSIGN_OR_RETURN(SqliteStatement rows, db.prepare("SELECT application, target, set_hash, wave, state FROM cursor"));
  for (;;) {
    ASSIGN_OR_RETURN(bool more, rows.step());
    if (!more) return {};
    CursorRow row;
    row.application = rows.text(0);
    row.target = rows.text(1);
    row.set_hash = digest_of(rows.blob(2));
    row.wave = static_cast<uint32_t>(rows.number(3));
    row.state = rows.text(4);
    loader.put(row);
  }
}

// Every application that has commits.
Result<std::vector<std::string>> application_names(SqliteDb& db) {
  ASSIGN_OR_RETURN(SqliteStatement rows, db.prepare("SELECT DISTINCT application FROM \"commit\""));
  std::vector<std::string> names;
  for (;;) {
    ASSIGN_OR_RETURN(bool more, rows.step());
    if (!more) return names;
    names.emplace_back(rows.text(0));
  }
}

Status load_commits(SqliteDb& db, ApplicationLoader& loader) {
  ASSIGN_OR_RETURN(std::vector<std::string> names, application_names(db));
  for (const std::string& name : names) {
    ASSIGN_OR_RETURN(std::vector<CommitRow> commits, read_commits(db, name, kLoadedCommits));
    for (CommitRow& row : commits) loader.put(std::move(row));
  }
  return {};
}

Result<Loaded> load_meta(SqliteDb& db) {
  Loaded loaded;
  ASSIGN_OR_RETURN(SqliteStatement rows, db.prepare("SELECT key, value FROM meta"));
  for (;;) {
    ASSIGN_OR_RETURN(bool more, rows.step());
    if (!more) break;
    loaded.meta[std::string(rows.text(0))] = rows.text(1);
  }
  loaded.cluster_id = loaded.meta["cluster_id"];
  loaded.epoch = std::strtoull(loaded.meta["epoch"].c_str(), nullptr, 10);
  if (loaded.cluster_id.empty() || loaded.epoch == 0) {
    return error(ErrorCode::kCorrupt, "table meta lacks cluster_id or epoch; restore a backup");
  }
  return loaded;
}

}  // namespace

Result<std::vector<CommitRow>> read_commits(SqliteDb& db, const std::string& application, size_t limit) {
  ASSIGN_OR_RETURN(
      SqliteStatement rows,
      db.prepare("SELECT application, number, commit_id, tree, author, subject, result, message, committed, seen, "
                 "finished, set_hash, version FROM \"commit\" WHERE application = ? ORDER BY number DESC LIMIT ?"));
  rows.bind(1, std::string_view(application)).bind(2, static_cast<uint64_t>(limit));
  std::vector<CommitRow> commits;
  for (;;) {
    ASSIGN_OR_RETURN(bool more, rows.step());
    if (!more) return commits;
    CommitRow& row = commits.emplace_back();
    row.application = rows.text(0);
    row.number = static_cast<uint64_t>(rows.number(1));
    int column = 2;
    for (std::string* text : {&row.commit, &row.tree, &row.author, &row.subject, &row.result, &row.message}) {
      *text = rows.text(column++);
    }
    row.committed = time_of(rows.number(8));
    row.seen = time_of(rows.number(9));
    row.finished = time_of(rows.number(10));
    row.set_hash = digest_of(rows.blob(11));
    row.version = static_cast<uint64_t>(rows.number(12));
  }
}

Result<SecretBox> open_secret_box(SqliteDb& db, const std::string& key_file) {
  ASSIGN_OR_RETURN(int64_t holds_secrets, db.number("SELECT EXISTS (SELECT 1 FROM object WHERE kind = 'Secret') OR "
                                                    "EXISTS (SELECT 1 FROM change WHERE kind = 'Secret')"));
  return SecretBox::open(key_file, holds_secrets == 0);
}

Result<std::string> read_meta(SqliteDb& db, std::string_view key) {
  ASSIGN_OR_RETURN(SqliteStatement find, db.prepare("SELECT value FROM meta WHERE key = ?"));
  ASSIGN_OR_RETURN(bool row, find.bind(1, key).step());
  return row ? std::string(find.text(0)) : std::string();
}

Result<Loaded> load_database(SqliteDb& db, const SecretBox& secrets, size_t threads) {
  ASSIGN_OR_RETURN(Loaded loaded, load_meta(db));
  ASSIGN_OR_RETURN(loaded.snapshot, load_objects(db, secrets, threads, loaded.cluster_id));
  ApplicationLoader applications;
  RETURN_IF_ERROR(load_desired(db, secrets, threads, loaded.cluster_id, applications));
  RETURN_IF_ERROR(load_cursors(db, applications));
  RETURN_IF_ERROR(load_commits(db, applications));
  loaded.applications = applications.finish();
  return loaded;
}

}  // namespace mainstay
