// Journal: the door to the disk. The core hands it batches in order and hears later, for each, that it is durable
// or was refused; nothing that is not durable may leave the process. The real one writes SQLite
// (sqlite_journal.h), the simulated one remembers (memory_journal.h). Batches describe themselves, so that they
// can be replicated one day; no SQLite type is seen above this line.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "reconciler/store/snapshot.h"
#include "reconciler/store/transaction.h"
#include "schema/base/result.h"
#include "schema/base/time.h"
#include "schema/desired_set.h"

namespace mainstay {

// What became of one commit in one application; a line of `mainstay history`.
struct CommitRow {
  std::string application;
  uint64_t number = 0;      // counts from 1 per application; the row of the same number is replaced
  std::string commit;       // 40 or 64 hex digits
  std::string tree;
  std::string author;       // "Name <mail>"
  std::string subject;
  std::string result;       // "applied", "refused", "failed" ...: the core's word
  std::string message;      // why, for people
  WallTime committed;       // the author's time
  WallTime seen;            // first noticed here
  WallTime finished;        // zero while it goes on
  Digest set_hash{};        // of the desired set; zero if there was none
  uint64_t version = 0;     // the store's after it was applied
};

// One object an application declares from this batch on.
struct DesiredRow {
  std::string application;
  Key key;
  std::shared_ptr<const Value> declared;  // null: declares it no longer
  Digest hash{};                          // as in DesiredObject; unused when declared is null
  bool is_first = false;                  // it was not declared before: no row ends with this one
};

// Where it is declared. Written alone when only that changed.
struct OriginRow {
  std::string application;
  Key key;
  Origin origin;
};

// Where an application is on its way to its target; survives restarts.
struct CursorRow {
  std::string application;
  std::string target;        // commit id
  Digest set_hash{};         // of the desired rows taken together; comes back as DesiredSet::hash
  uint32_t wave = 0;         // the wave that is under way
  std::string state;         // whatever else the core must remember, as JSON; "" is nothing
  bool removed = false;      // forget the application's cursor and all its desired rows
};

// A fact about the store as a whole. "format", "cluster_id" and "epoch" are the journal's own (see raise_epoch).
struct MetaRow {
  std::string key;
  std::optional<std::string> value;  // nothing: remove it
};

// What one turn writes. All of it becomes durable, or none.
struct Batch {
  uint64_t number = 0;       // counts from 1 since start(); says which batch an ack means
  // Batches of one speculation build on each other: when one is refused, so is every later one of the same
  // speculation. The core raises this number when it hears of a refusal and goes on from the durable state.
  uint64_t speculation = 0;
  uint64_t version = 0;      // the store's after this batch; that of the one before if nothing changed
  WallTime at;
  std::vector<Change> changes;   // versions rise strictly
  std::vector<Cause> causes;     // parallel to changes
  std::vector<CommitRow> commits;
  std::vector<DesiredRow> desired;
  std::vector<OriginRow> origins;
  std::vector<CursorRow> cursors;
  std::vector<MetaRow> meta;
  // Set by the core when a client or an agent has seen a later epoch, or a later version of ours, than we have.
  std::optional<uint64_t> epoch;
};

enum class JournalRefusal : uint8_t {
  kFull,  // no room on the disk
  kBusy,  // somebody holds the database, or too much is queued
};
// "the disk is full", "the database is busy".
std::string_view journal_refusal_text(JournalRefusal reason);

struct JournalDurable {
  uint64_t number = 0;   // of the batch
  uint64_t version = 0;  // everything up to here is on disk
};
struct JournalRefused {
  uint64_t number = 0;
  uint64_t speculation = 0;
  JournalRefusal reason = JournalRefusal::kFull;
  std::string message;   // for the operator
};

// Called on the journal's thread, one call per batch, in the order of the batches. Must return quickly.
struct JournalListener {
  std::function<void(const JournalDurable&)> durable;
  std::function<void(const JournalRefused&)> refused;
  // Whether the last batches were written cannot be known: the process must end and start from the disk. The
  // composition root aborts here. Nothing is acknowledged after this.
  std::function<void(const std::string& why)> ambiguous;
};

struct LoadedApplication {
  std::string application;
  std::optional<CursorRow> cursor;
  DesiredSetPtr desired;            // last applied; never null
  std::vector<CommitRow> commits;   // newest first, at most kLoadedCommits
};
inline constexpr size_t kLoadedCommits = 100;

struct Loaded {
  Snapshot snapshot;
  uint64_t epoch = 1;
  std::string cluster_id;           // a UUID, made with the database
  std::map<std::string, std::string> meta;
  std::vector<LoadedApplication> applications;  // sorted by name
};

class Journal {
 public:
  virtual ~Journal() = default;

  // Everything durable. Before start(), from the thread that will call it.
  virtual Result<Loaded> load() = 0;
  // From here on batches are taken and the listener is called.
  virtual void start(JournalListener listener) = 0;
  // Never waits. Batches come in order from one thread.
  virtual void append(Batch batch) = 0;
  // Writes what is queued, calls the listener for it and ends. Later batches are dropped.
  virtual void stop() = 0;
};

// The epoch to go on with after somebody showed `seen`: past both (DESIGN 8). Put it into Batch::epoch.
inline uint64_t raise_epoch(uint64_t ours, uint64_t seen) { return (ours > seen ? ours : seen) + 1; }

}  // namespace mainstay
