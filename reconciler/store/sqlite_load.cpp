#include "reconciler/store/sqlite_load.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <utility>

#include "reconciler/store/load.h"
#include "reconciler/store/sqlite_rows.h"
#include "schema/stored.h"

namespace mainstay {
namespace {

// Shares of a table that the threads take one after the other: many, so that they finish together.
constexpr size_t kShares = 32;
constexpr size_t kSmallestShare = 256;  // rows

std::unordered_map<std::string_view, Kind> kinds_by_name() {
  std::unordered_map<std::string_view, Kind> kinds;
  for (const KindInfo& info : all_kinds()) kinds.emplace(info.kind, info.id);
  return kinds;
}

Digest digest_of(std::string_view bytes) {
  Digest digest{};
  if (bytes.size() == digest.size()) std::memcpy(digest.data(), bytes.data(), digest.size());
  return digest;
}

Error corrupt(const Key& key, std::string_view table, std::string_view what) {
  return error(ErrorCode::kCorrupt, "table " + std::string(table) + ", " + key.text() + ": " + std::string(what) +
                                        "; restore a backup, or remove the row");
}

// Kinds that nothing looks into when a process starts: their bodies wait until somebody asks.
bool is_read_later(Kind kind) {
  return kind == Kind::kConfigMap || kind == Kind::kSecret || kind == Kind::kEvent || !kind_info(kind).typed();
}

// The threads' common view of one query.
struct Reading {
  const SecretBox& secrets;
  const std::string& cluster_id;
  std::string_view table;  // "object" or "desired"
  std::unordered_map<std::string_view, Kind> kinds = kinds_by_name();
};

// One row of `object` or `desired` as it stands in the database. Valid until the next step.
// Columns: kind, ns, name, uid, key_id, bytes.
struct RawRow {
  Kind kind = Kind::kNamespace;
  std::string_view ns, name, uid, key_id, bytes;

  Key key() const { return {kind, std::string(ns), std::string(name)}; }
};

Result<RawRow> raw_row(const Reading& reading, const SqliteStatement& rows) {
  auto kind = reading.kinds.find(rows.text(0));
  if (kind == reading.kinds.end()) {
    return error(ErrorCode::kUnsupported, "the database holds a " + std::string(rows.text(0)) +
                                              ", a kind this mainstay does not know; run the newer one");
  }
  return RawRow{kind->second, rows.text(1), rows.text(2), rows.text(3), rows.text(4), rows.blob(5)};
}

// The body as it was before it was encrypted; `held` keeps it if it was.
Result<std::string_view> plain_body(const Reading& reading, const RawRow& row, std::string& held) {
  if (row.key_id.empty()) {
    if (!is_encrypted_kind(row.kind)) return row.bytes;
    return corrupt(row.key(), reading.table, "a Secret must be encrypted and is not");
  }
  const Key key = row.key();
  SealContext context{reading.cluster_id, reading.table, key, row.uid};
  ASSIGN_OR_RETURN(held, reading.secrets.unseal(context, row.key_id, row.bytes));
  return std::string_view(held);
}

Status check_name(const Reading& reading, const RawRow& row, const Object& object) {
  if (object.meta.name == row.name && object.meta.ns == row.ns) return {};
  return corrupt(row.key(), reading.table, "the body is that of " + object.key().text());
}

Result<ObjectPtr> read_object(const Reading& reading, const SqliteStatement& rows, StoredParser& parser) {
  ASSIGN_OR_RETURN(RawRow row, raw_row(reading, rows));
  std::string held;
  ASSIGN_OR_RETURN(std::string_view bytes, plain_body(reading, row, held));
  auto object = parser.object(row.kind, bytes, is_read_later(row.kind));
  if (!object.ok()) return corrupt(row.key(), reading.table, object.error().message);
  RETURN_IF_ERROR(check_name(reading, row, **object));
  if ((*object)->meta.uid != row.uid) return corrupt(row.key(), reading.table, "the body has another uid");
  (*object)->version = static_cast<uint64_t>(rows.number(6));
  return ObjectPtr(*std::move(object));
}

Status read_desired(const Reading& reading, const SqliteStatement& rows, StoredParser& parser,
                    ApplicationLoader& loader) {
  ASSIGN_OR_RETURN(RawRow row, raw_row(reading, rows));
  std::string held;
  ASSIGN_OR_RETURN(std::string_view bytes, plain_body(reading, row, held));
  Digest hash = digest_of(rows.blob(6));
  if (!row.key_id.empty()) {
    if (bytes.size() < hash.size()) return corrupt(row.key(), reading.table, "the encrypted body is too short");
    hash = digest_of(bytes.substr(0, hash.size()));
    bytes.remove_prefix(hash.size());
  }
  Result<StoredParser::Declared> declared = parser.declared(row.kind, bytes);
  if (!declared.ok()) return corrupt(row.key(), reading.table, declared.error().message);
  RETURN_IF_ERROR(check_name(reading, row, *declared->object));
  loader.put(DesiredRow{std::string(rows.text(7)), row.key(), declared->tree, hash}, declared->object);
  return {};
}

// A table in shares of so many rows: the keys with which they begin.
struct Cuts {
  struct Start {
    std::string kind, ns, name;
  };
  std::vector<Start> starts;
  uint64_t rows = 0;
};
Result<Cuts> cut_objects(SqliteDb& db) {
  ASSIGN_OR_RETURN(int64_t count, db.number("SELECT count(*) FROM object"));
  Cuts cuts;
  cuts.rows = std::max<uint64_t>(kSmallestShare, static_cast<uint64_t>(count) / kShares + 1);
  ASSIGN_OR_RETURN(SqliteStatement keys, db.prepare("SELECT kind, ns, name FROM object ORDER BY kind, ns, name"));
  for (uint64_t row = 0;; ++row) {
    ASSIGN_OR_RETURN(bool more, keys.step());
    if (!more) return cuts;
    if (row % cuts.rows != 0) continue;
    cuts.starts.push_back({std::string(keys.text(0)), std::string(keys.text(1)), std::string(keys.text(2))});
  }
}

constexpr std::string_view kObjectRows =
    "SELECT o.kind, o.ns, o.name, o.uid, b.key_id, b.bytes, o.version "
    "FROM object o JOIN body b ON b.id = o.body "
    "WHERE (o.kind, o.ns, o.name) >= (?, ?, ?) ORDER BY o.kind, o.ns, o.name LIMIT ?";

// Reads the table in shares, each thread on its own connection, and puts them together again.
class ObjectReading {
 public:
  ObjectReading(Reading reading, Cuts cuts)
      : reading_(std::move(reading)), cuts_(std::move(cuts)), shares_(cuts_.starts.size()) {}

  // What one thread does.
  void work(const std::function<Result<SqliteDb>()>& connect) {
    Status done = read(connect);
    if (done.ok()) return;
    std::lock_guard lock(mutex_);
    if (failure_.ok()) failure_ = std::move(done);
  }
  Result<std::vector<ObjectPtr>> finish() {
    RETURN_IF_ERROR(failure_);
    std::vector<ObjectPtr> out;
    for (std::vector<ObjectPtr>& share : shares_) std::move(share.begin(), share.end(), std::back_inserter(out));
    return out;
  }

 private:
  Status read(const std::function<Result<SqliteDb>()>& connect) {
    ASSIGN_OR_RETURN(SqliteDb db, connect());
    // Pages are looked at once: they are mapped, not copied into a cache. An I/O error then ends the process; found
    // by a read it would too.
    RETURN_IF_ERROR(db.exec("PRAGMA query_only=1; PRAGMA cache_size=-2048; PRAGMA mmap_size=17179869184;"));
    StoredParser parser;
    ASSIGN_OR_RETURN(SqliteStatement rows, db.prepare(kObjectRows));
    for (size_t i = next_++; i < shares_.size(); i = next_++) {
      const Cuts::Start& from = cuts_.starts[i];
      rows.bind(1, std::string_view(from.kind)).bind(2, std::string_view(from.ns));
      rows.bind(3, std::string_view(from.name)).bind(4, cuts_.rows);
      shares_[i].reserve(cuts_.rows);
      for (;;) {
        ASSIGN_OR_RETURN(bool more, rows.step());
        if (!more) break;
        ASSIGN_OR_RETURN(ObjectPtr object, read_object(reading_, rows, parser));
        shares_[i].push_back(std::move(object));
      }
    }
    return {};
  }

  const Reading reading_;
  const Cuts cuts_;
  std::vector<std::vector<ObjectPtr>> shares_;
  std::atomic<size_t> next_{0};
  std::mutex mutex_;
  Status failure_;
};

Result<Snapshot> load_objects(SqliteDb& db, const SecretBox& secrets, const LoadThreads& threads,
                              const std::string& cluster_id) {
  ASSIGN_OR_RETURN(Cuts cuts, cut_objects(db));
  ObjectReading reading(Reading{secrets, cluster_id, "object"}, std::move(cuts));
  std::vector<std::thread> others;
  for (size_t i = 1; i < threads.count; ++i) others.emplace_back([&] { reading.work(threads.connect); });
  reading.work(threads.connect);
  for (std::thread& other : others) other.join();
  ASSIGN_OR_RETURN(std::vector<ObjectPtr> objects, reading.finish());
  ASSIGN_OR_RETURN(Snapshot snapshot, StoreLoader::load_all(objects));
  StoreLoader loader(std::move(snapshot));
  ASSIGN_OR_RETURN(int64_t version, db.number("SELECT max(version) FROM change"));
  loader.raise_version(static_cast<uint64_t>(version));
  return std::move(loader).finish();
}

Status load_desired(SqliteDb& db, const SecretBox& secrets, const std::string& cluster_id,
                    ApplicationLoader& loader) {
  ASSIGN_OR_RETURN(SqliteStatement rows,
                   db.prepare("SELECT d.kind, d.ns, d.name, '', b.key_id, b.bytes, d.hash, d.application "
                              "FROM desired d JOIN body b ON b.id = d.body WHERE d.to_version IS NULL"));
  Reading reading{secrets, cluster_id, "desired"};
  StoredParser parser;
  for (;;) {
    ASSIGN_OR_RETURN(bool more, rows.step());
    if (!more) break;
    RETURN_IF_ERROR(read_desired(reading, rows, parser, loader));
  }
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

Result<Loaded> load_database(SqliteDb& db, const SecretBox& secrets, const LoadThreads& threads) {
  ASSIGN_OR_RETURN(Loaded loaded, load_meta(db));
  ASSIGN_OR_RETURN(loaded.snapshot, load_objects(db, secrets, threads, loaded.cluster_id));
  ApplicationLoader applications;
  RETURN_IF_ERROR(load_desired(db, secrets, loaded.cluster_id, applications));
  RETURN_IF_ERROR(load_cursors(db, applications));
  RETURN_IF_ERROR(load_commits(db, applications));
  loaded.applications = applications.finish();
  return loaded;
}

}  // namespace mainstay
