#include "reconciler/store/sqlite_schema.h"

#include <array>

namespace mainstay {
namespace {

// Times are microseconds since 1970 UTC; versions are the store's resource versions; kinds are written as in
// manifests. A body that is encrypted has a key_id; all others are JSON text.
constexpr std::string_view kFormat1 = R"sql(
CREATE TABLE meta (
  key   TEXT PRIMARY KEY,
  value TEXT NOT NULL
) WITHOUT ROWID;

-- Content-addressed: equal bytes stand once; but a pod's, event's, lease's and endpoint slice's hash is the version
-- that wrote it, in 8 bytes. Rows refer to it by the short id.
CREATE TABLE body (
  id     INTEGER PRIMARY KEY,
  hash   BLOB NOT NULL UNIQUE,
  key_id TEXT,
  bytes  NOT NULL
);

-- What is.
CREATE TABLE object (
  kind    TEXT NOT NULL,
  ns      TEXT NOT NULL,
  name    TEXT NOT NULL,
  uid     TEXT NOT NULL,
  version INTEGER NOT NULL,
  body    INTEGER NOT NULL REFERENCES body(id),
  PRIMARY KEY (kind, ns, name)
) WITHOUT ROWID;

-- How it came to be: appended only, pruned by age and size.
CREATE TABLE change (
  version   INTEGER PRIMARY KEY,
  at        INTEGER NOT NULL,
  kind      TEXT NOT NULL,
  ns        TEXT NOT NULL,
  name      TEXT NOT NULL,
  uid       TEXT NOT NULL,
  operation TEXT NOT NULL,
  body      INTEGER REFERENCES body(id),
  actor     TEXT NOT NULL,
  why       TEXT NOT NULL
);
CREATE INDEX change_of_object ON change (kind, ns, name);

CREATE TABLE "commit" (
  application TEXT NOT NULL,
  number      INTEGER NOT NULL,
  commit_id   TEXT NOT NULL,
  tree        TEXT NOT NULL,
  author      TEXT NOT NULL,
  subject     TEXT NOT NULL,
  result      TEXT NOT NULL,
  message     TEXT NOT NULL,
  committed   INTEGER NOT NULL,
  seen        INTEGER NOT NULL,
  finished    INTEGER NOT NULL,
  set_hash    BLOB NOT NULL,
  version     INTEGER NOT NULL,
  PRIMARY KEY (application, number)
) WITHOUT ROWID;

-- What an application declared, from one version until (not including) another; to_version is null while it does.
-- A Secret's hash stands encrypted in its body.
CREATE TABLE desired (
  id           INTEGER PRIMARY KEY,
  application  TEXT NOT NULL,
  kind         TEXT NOT NULL,
  ns           TEXT NOT NULL,
  name         TEXT NOT NULL,
  from_version INTEGER NOT NULL,
  to_version   INTEGER,
  hash         BLOB,
  body         INTEGER NOT NULL REFERENCES body(id)
);
CREATE INDEX desired_of_object ON desired (kind, ns, name);

CREATE TABLE origin (
  application TEXT NOT NULL,
  kind        TEXT NOT NULL,
  ns          TEXT NOT NULL,
  name        TEXT NOT NULL,
  path        TEXT NOT NULL,
  line        INTEGER NOT NULL,
  PRIMARY KEY (application, kind, ns, name)
) WITHOUT ROWID;

CREATE TABLE cursor (
  application TEXT PRIMARY KEY,
  target      TEXT NOT NULL,
  set_hash    BLOB NOT NULL,
  wave        INTEGER NOT NULL,
  state       TEXT NOT NULL
) WITHOUT ROWID;

-- For people with the sqlite3 shell. Encrypted bodies show as null.
CREATE VIEW live AS
  SELECT o.kind, o.ns, o.name, o.uid, o.version, CASE WHEN b.key_id IS NULL THEN b.bytes END AS json
  FROM object o JOIN body b ON b.id = o.body;
CREATE VIEW history AS
  SELECT c.version, datetime(c.at / 1000000, 'unixepoch') AS at, c.operation, c.kind, c.ns, c.name, c.actor, c.why,
         CASE WHEN b.key_id IS NULL THEN b.bytes END AS json
  FROM change c LEFT JOIN body b ON b.id = c.body;
)sql";

// Step i leads from format i to i + 1. Steps are never edited once a release has shipped them.
constexpr std::array<std::string_view, kDatabaseFormat> kSteps = {kFormat1};

}  // namespace

Status prepare_connection(SqliteDb& db) {
  // The page size counts for a new database only: a body of a few kilobytes fits into a page, and a large commit is
  // written in two thirds of the time that SQLite's own 4,096 bytes take.
  // Not wal_autocheckpoint=0: it would take the place of SqliteDb's own hook, which has switched that off already.
  return db.exec(
      "PRAGMA page_size=8192; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA temp_store=MEMORY;"
      "PRAGMA journal_size_limit=201326592; PRAGMA cache_size=-32768;");
}

Status migrate(SqliteDb& db) {
  ASSIGN_OR_RETURN(int64_t format, db.number("PRAGMA user_version"));
  if (format > kDatabaseFormat) {
    return error(ErrorCode::kUnsupported, "the database has format " + std::to_string(format) +
                                              ", this mainstay knows " + std::to_string(kDatabaseFormat) +
                                              "; run the newer mainstay that wrote it");
  }
  for (; format < kDatabaseFormat; ++format) {
    std::string step = "BEGIN IMMEDIATE;" + std::string(kSteps[static_cast<size_t>(format)]) +
                       ";PRAGMA user_version=" + std::to_string(format + 1) + ";COMMIT;";
    Status done = db.exec(step);
    if (!done.ok()) {
      db.roll_back();
      return done.error().in("migrating the database to format " + std::to_string(format + 1));
    }
  }
  return {};
}

}  // namespace mainstay
