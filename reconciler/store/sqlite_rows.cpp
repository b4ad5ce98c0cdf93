#include "reconciler/store/sqlite_rows.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "reconciler/store/sqlite_ahead.h"
#include "schema/base/crypto.h"
#include "schema/json.h"

namespace mainstay {

struct SqliteRows::State {
  State(SqliteDb& database, const SecretBox& box, std::string cluster)
      : db(database), secrets(box), cluster_id(std::move(cluster)) {}

  SqliteDb& db;
  const SecretBox& secrets;
  std::string cluster_id;
  SqliteStatement add_body, find_body, put_object, drop_object, add_change;
  SqliteStatement put_commit, end_desired, add_desired, put_origin, drop_origin;
  SqliteStatement put_cursor, drop_cursor, end_all_desired, drop_all_origins, put_meta, drop_meta;

  Status prepare();
  // `version` is its change's; `ready` has the hash, if it was made ahead.
  Result<int64_t> put_body(BodyName by, const SealContext& context, uint64_t version, std::string_view bytes,
                           const EncodeAhead::Body* ready);
  Result<int64_t> intern(std::string_view hash, std::string_view key_id, std::string_view bytes);
  Status write_change(const Batch& batch, size_t index, bool last_of_object, const EncodeAhead::Body* ready);
  Status write_desired(const DesiredRow& row, uint64_t version, const EncodeAhead::Body* ready);
  Status write_cursor(const CursorRow& row, uint64_t version);
  Status write_commit(const CommitRow& row);
  Status write_rest(const Batch& batch, EncodeAhead& ahead);
};

namespace {

std::string_view view_of(const Digest& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

std::string_view kind_name(const Key& key) { return kind_info(key.kind).kind; }

// Binds kind, ns, name from `place` on.
SqliteStatement& bind_key(SqliteStatement& statement, int place, const Key& key) {
  return statement.bind(place, kind_name(key))
      .bind(place + 1, std::string_view(key.ns))
      .bind(place + 2, std::string_view(key.name));
}

int64_t micros(WallTime time) { return time.since_epoch.count(); }

}  // namespace

bool is_encrypted_kind(Kind kind) { return kind == Kind::kSecret; }

BodyName name_of_object(Kind kind) {
  bool short_lived = std::find(kShortLivedKinds.begin(), kShortLivedKinds.end(), kind) != kShortLivedKinds.end();
  return short_lived ? BodyName::kVersion : name_of_desired(kind);
}

BodyName name_of_desired(Kind kind) { return is_encrypted_kind(kind) ? BodyName::kKeyed : BodyName::kDigest; }

std::string_view operation_name(ChangeOp op) {
  return op == ChangeOp::kAdd ? "add" : op == ChangeOp::kUpdate ? "update" : "remove";
}

Status SqliteRows::State::prepare() {
  struct Wanted {
    SqliteStatement& statement;
    std::string_view sql;
  };
  for (const Wanted& wanted : std::initializer_list<Wanted>{
           {add_body, "INSERT INTO body(hash, key_id, bytes) VALUES (?,?,?) ON CONFLICT (hash) DO NOTHING"},
           {find_body, "SELECT id FROM body WHERE hash = ?"},
           {put_object,
            "INSERT INTO object(kind, ns, name, uid, version, body) VALUES (?,?,?,?,?,?) ON CONFLICT (kind, ns, name) "
            "DO UPDATE SET uid = excluded.uid, version = excluded.version, body = excluded.body"},
           {drop_object, "DELETE FROM object WHERE kind = ? AND ns = ? AND name = ?"},
           {add_change,
            "INSERT INTO change(version, at, kind, ns, name, uid, operation, body, actor, why) "
            "VALUES (?,?,?,?,?,?,?,?,?,?)"},
           {put_commit,
            "INSERT OR REPLACE INTO \"commit\"(application, number, commit_id, tree, author, subject, result, message, "
            "committed, seen, finished, set_hash, version) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)"},
           {end_desired,
            "UPDATE desired SET to_version = ? WHERE application = ? AND kind = ? AND ns = ? AND name = ? "
            "AND to_version IS NULL"},
           {add_desired,
            "INSERT INTO desired(application, kind, ns, name, from_version, hash, body) "
            "VALUES (?,?,?,?,?,?,?)"},
           {put_origin,
            "INSERT OR REPLACE INTO origin(application, kind, ns, name, path, line) VALUES (?,?,?,?,?,?)"},
           {drop_origin, "DELETE FROM origin WHERE application = ? AND kind = ? AND ns = ? AND name = ?"},
           {put_cursor,
            "INSERT OR REPLACE INTO cursor(application, target, set_hash, wave, state) VALUES (?,?,?,?,?)"},
           {drop_cursor, "DELETE FROM cursor WHERE application = ?"},
           {end_all_desired, "UPDATE desired SET to_version = ? WHERE application = ? AND to_version IS NULL"},
           {drop_all_origins, "DELETE FROM origin WHERE application = ?"},
           {put_meta, "INSERT OR REPLACE INTO meta(key, value) VALUES (?,?)"},
           {drop_meta, "DELETE FROM meta WHERE key = ?"},
       }) {
    ASSIGN_OR_RETURN(wanted.statement, db.prepare(wanted.sql));
  }
  return {};
}

// The id of the body with this hash; written if it is new.
Result<int64_t> SqliteRows::State::intern(std::string_view hash, std::string_view key_id,
                                          std::string_view bytes) {
  add_body.bind_blob(1, hash);
  if (key_id.empty()) add_body.bind_null(2).bind(3, bytes); else add_body.bind(2, key_id).bind_blob(3, bytes);
  RETURN_IF_ERROR(add_body.run());
  if (db.changed_rows() > 0) return db.last_row();
  find_body.bind_blob(1, hash);
  ASSIGN_OR_RETURN(bool row, find_body.step());
  if (!row) return error(ErrorCode::kCorrupt, "a body that must be there cannot be found by its hash");
  int64_t id = find_body.number(0);
  find_body.reset();
  return id;
}

Result<int64_t> SqliteRows::State::put_body(BodyName by, const SealContext& context, uint64_t version,
                                            std::string_view bytes, const EncodeAhead::Body* ready) {
  if (by == BodyName::kKeyed) {
    return intern(secrets.name(context, bytes), secrets.key_id(), secrets.seal(context, bytes));
  }
  if (by == BodyName::kDigest) {
    const Digest hash = ready != nullptr ? ready->hash : sha256(bytes);
    return intern(view_of(hash), "", bytes);
  }
  std::array<char, sizeof version> name;  // big-endian, so that the index grows at its end; never as long as a digest
  for (size_t i = 0; i < name.size(); ++i) name[i] = static_cast<char>(version >> (8 * (name.size() - 1 - i)));
  return intern({name.data(), name.size()}, "", bytes);
}

Status SqliteRows::State::write_change(const Batch& batch, size_t index, bool last_of_object,
                                       const EncodeAhead::Body* ready) {
  const Change& change = batch.changes[index];
  const Cause& cause = batch.causes[index];
  const Object& object = change.after ? *change.after : *change.before;
  add_change.bind(1, change.version).bind(2, micros(batch.at));
  bind_key(add_change, 3, change.key);
  add_change.bind(6, std::string_view(object.meta.uid)).bind(7, operation_name(change.op));
  add_change.bind(9, std::string_view(cause.actor)).bind(10, std::string_view(cause.why));
  if (!change.after) {
    add_change.bind_null(8);
    RETURN_IF_ERROR(add_change.run());
    if (!last_of_object) return {};
    return bind_key(drop_object, 1, change.key).run();
  }
  SealContext context{cluster_id, "object", change.key, object.meta.uid};
  BodyName by = name_of_object(change.key.kind);
  ASSIGN_OR_RETURN(int64_t body, put_body(by, context, change.version, encoded(object), ready));
  add_change.bind(8, body);
  RETURN_IF_ERROR(add_change.run());
  if (!last_of_object) return {};
  bind_key(put_object, 1, change.key).bind(4, std::string_view(object.meta.uid));
  return put_object.bind(5, change.version).bind(6, body).run();
}

Status SqliteRows::State::write_desired(const DesiredRow& row, uint64_t version,
                                        const EncodeAhead::Body* ready) {
  if (!row.is_first) {
    end_desired.bind(1, version).bind(2, std::string_view(row.application));
    RETURN_IF_ERROR(bind_key(end_desired, 3, row.key).run());
  }
  if (!row.declared) {
    drop_origin.bind(1, std::string_view(row.application));
    return bind_key(drop_origin, 2, row.key).run();
  }
  std::string bytes = ready != nullptr ? ready->declared : to_json(*row.declared);
  BodyName by = name_of_desired(row.key.kind);
  bool encrypted = by == BodyName::kKeyed;
  // The hash of a short password would give it away to whoever tries them all.
  if (encrypted) bytes.insert(0, view_of(row.hash));
  ASSIGN_OR_RETURN(int64_t body, put_body(by, {cluster_id, "desired", row.key, ""}, version, bytes, ready));
  add_desired.bind(1, std::string_view(row.application));
  bind_key(add_desired, 2, row.key).bind(5, version);
  if (encrypted) add_desired.bind_null(6); else add_desired.bind_blob(6, view_of(row.hash));
  return add_desired.bind(7, body).run();
}

Status SqliteRows::State::write_cursor(const CursorRow& row, uint64_t version) {
  std::string_view application = row.application;
  if (row.removed) {
    RETURN_IF_ERROR(drop_cursor.bind(1, application).run());
    RETURN_IF_ERROR(drop_all_origins.bind(1, application).run());
    return end_all_desired.bind(1, version).bind(2, application).run();
  }
  put_cursor.bind(1, application).bind(2, std::string_view(row.target)).bind_blob(3, view_of(row.set_hash));
  return put_cursor.bind(4, static_cast<int64_t>(row.wave)).bind(5, std::string_view(row.state)).run();
}

Status SqliteRows::State::write_commit(const CommitRow& row) {
  put_commit.bind(1, std::string_view(row.application)).bind(2, row.number);
  int place = 3;
  for (const std::string* text : {&row.commit, &row.tree, &row.author, &row.subject, &row.result, &row.message}) {
    put_commit.bind(place++, std::string_view(*text));
  }
  put_commit.bind(9, micros(row.committed)).bind(10, micros(row.seen)).bind(11, micros(row.finished));
  return put_commit.bind_blob(12, view_of(row.set_hash)).bind(13, row.version).run();
}

Status SqliteRows::State::write_rest(const Batch& batch, EncodeAhead& ahead) {
  for (const CommitRow& row : batch.commits) RETURN_IF_ERROR(write_commit(row));
  for (const DesiredRow& row : batch.desired) RETURN_IF_ERROR(write_desired(row, batch.version, ahead.next()));
  for (const OriginRow& row : batch.origins) {
    put_origin.bind(1, std::string_view(row.application));
    bind_key(put_origin, 2, row.key).bind(5, std::string_view(row.origin.path));
    RETURN_IF_ERROR(put_origin.bind(6, static_cast<int64_t>(row.origin.line)).run());
  }
  for (const CursorRow& row : batch.cursors) RETURN_IF_ERROR(write_cursor(row, batch.version));
  for (const MetaRow& row : batch.meta) {
    if (row.value) {
      RETURN_IF_ERROR(put_meta.bind(1, std::string_view(row.key)).bind(2, std::string_view(*row.value)).run());
    } else {
      RETURN_IF_ERROR(drop_meta.bind(1, std::string_view(row.key)).run());
    }
  }
  if (!batch.epoch) return {};
  std::string epoch = std::to_string(*batch.epoch);
  return put_meta.bind(1, std::string_view("epoch")).bind(2, std::string_view(epoch)).run();
}

SqliteRows::SqliteRows(std::unique_ptr<State> state) : state_(std::move(state)) {}
SqliteRows::SqliteRows(SqliteRows&&) noexcept = default;
SqliteRows& SqliteRows::operator=(SqliteRows&&) noexcept = default;
SqliteRows::~SqliteRows() = default;

Result<SqliteRows> SqliteRows::open(SqliteDb& db, const SecretBox& secrets, std::string cluster_id) {
  auto state = std::make_unique<State>(db, secrets, std::move(cluster_id));
  RETURN_IF_ERROR(state->prepare());
  return SqliteRows(std::move(state));
}

Status SqliteRows::write(std::span<const Batch> batches) {
  std::unordered_map<Key, uint64_t> last_version;
  for (const Batch& batch : batches) {
    for (const Change& change : batch.changes) last_version[change.key] = change.version;
  }
  EncodeAhead ahead(batches);
  for (const Batch& batch : batches) {
    for (size_t i = 0; i < batch.changes.size(); ++i) {
      bool last = last_version.at(batch.changes[i].key) == batch.changes[i].version;
      RETURN_IF_ERROR(state_->write_change(batch, i, last, ahead.next()));
    }
    RETURN_IF_ERROR(state_->write_rest(batch, ahead));
  }
  return {};
}

Result<size_t> SqliteRows::reseal_secrets() {
  struct Sealed {
    int64_t id;
    std::string table, key_id, bytes, uid;
    Key key;
  };
  ASSIGN_OR_RETURN(
      SqliteStatement find,
      state_->db.prepare(
          "SELECT b.id, 'object', b.key_id, b.bytes, r.uid, r.ns, r.name FROM "
          "(SELECT body, uid, ns, name FROM object WHERE kind = 'Secret' UNION "
          " SELECT body, uid, ns, name FROM change WHERE kind = 'Secret' AND body IS NOT NULL) r "
          "JOIN body b ON b.id = r.body WHERE b.key_id <> ?1 UNION ALL "
          "SELECT b.id, 'desired', b.key_id, b.bytes, '', r.ns, r.name FROM "
          "(SELECT DISTINCT body, ns, name FROM desired WHERE kind = 'Secret') r "
          "JOIN body b ON b.id = r.body WHERE b.key_id <> ?1"));
  find.bind(1, std::string_view(state_->secrets.key_id()));
  std::vector<Sealed> old;
  for (;;) {
    ASSIGN_OR_RETURN(bool row, find.step());
    if (!row) break;
    old.push_back({find.number(0), std::string(find.text(1)), std::string(find.text(2)), std::string(find.blob(3)),
                   std::string(find.text(4)), {Kind::kSecret, std::string(find.text(5)), std::string(find.text(6))}});
  }
  ASSIGN_OR_RETURN(SqliteStatement put,
                   state_->db.prepare("UPDATE body SET hash = ?, key_id = ?, bytes = ? WHERE id = ?"));
  for (const Sealed& body : old) {
    SealContext context{state_->cluster_id, body.table, body.key, body.uid};
    ASSIGN_OR_RETURN(std::string plain, state_->secrets.unseal(context, body.key_id, body.bytes));
    std::string name = state_->secrets.name(context, plain), bytes = state_->secrets.seal(context, plain);
    put.bind_blob(1, name).bind(2, std::string_view(state_->secrets.key_id())).bind_blob(3, bytes);
    RETURN_IF_ERROR(put.bind(4, body.id).run());
  }
  return old.size();
}

}  // namespace mainstay
