#include "reconciler/store/sqlite_journal.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <future>
#include <mutex>
#include <thread>
#include <utility>

#include "reconciler/store/backup.h"
#include "reconciler/store/private_file.h"
#include "reconciler/store/secret_box.h"
#include "reconciler/store/sqlite_db.h"
#include "reconciler/store/sqlite_load.h"
#include "reconciler/store/sqlite_rows.h"
#include "reconciler/store/sqlite_schema.h"
#include "schema/base/clock.h"
#include "schema/base/crypto.h"
#include "schema/base/log.h"

namespace mainstay {
namespace {

constexpr Duration kPruneBreath = 20ms;

struct Queued {
  Batch batch;
  bool overflow = false;  // there was no room: its contents were dropped, only the refusal is left to tell
};

size_t weight(const Batch& batch) {
  return 1 + batch.changes.size() + batch.desired.size() + batch.origins.size();
}

bool is_clean_refusal(const Error& failure) {
  return failure.code == ErrorCode::kFull || failure.code == ErrorCode::kBusy;
}

Status write_first_meta(SqliteDb& db) {
  ASSIGN_OR_RETURN(std::string id, read_meta(db, "cluster_id"));
  if (!id.empty()) return {};
  // A version 4 UUID from the operating system's generator: it must differ between clusters.
  std::string random = random_bytes(16);
  random[6] = static_cast<char>((random[6] & 0x0F) | 0x40);
  random[8] = static_cast<char>((random[8] & 0x3F) | 0x80);
  std::string digits = hex(random);
  for (size_t place : {8u, 13u, 18u, 23u}) digits.insert(place, "-");
  return db.exec("BEGIN IMMEDIATE; INSERT INTO meta(key, value) VALUES ('cluster_id', '" + digits +
                 "'), ('epoch', '1'); COMMIT;");
}

}  // namespace

struct SqliteJournal::State {
  State(SqliteJournalOptions opts, DataDir owned, SqliteDb database, SqliteDb copier_db, SecretBox box)
      : options(std::move(opts)), dir(std::move(owned)), db(std::move(database)),
        copier_connection(std::move(copier_db)), secrets(std::move(box)), prune(db, options.history) {}

  // Journal thread.
  void work();
  std::deque<Queued> take();  // under the mutex
  void write_group(std::deque<Queued> taken);
  Status commit(std::span<const Batch> batches);
  void refuse(const std::deque<Queued>& taken, const Error& failure);
  void answer_refused(const Batch& batch, JournalRefusal reason, const std::string& message);
  void make_room();
  void keep_history();
  void keep_log_short();
  // Says so and stops all further work.
  void fail(const std::string& what, const Error& failure);
  // Second connection's thread.
  void copy_log();

  SqliteJournalOptions options;
  DataDir dir;
  SqliteDb db;
  SqliteDb copier_connection;
  SecretBox secrets;
  std::optional<SqliteRows> rows;
  SqlitePrune prune;
  JournalListener listener;

  // Journal thread only.
  std::optional<uint64_t> refused_speculation;
  uint64_t durable_version = 0;
  MonoTime next_prune{};

  mutable std::mutex mutex;
  std::condition_variable filled;    // wakes the journal thread
  std::condition_variable log_grew;  // wakes the copier
  std::deque<Queued> queue;
  size_t queued_weight = 0;
  std::deque<std::packaged_task<Result<size_t>()>> jobs;
  bool started = false, stopping = false, dead = false;
  bool copier_stopping = false, copy_wanted = false;
  Counters counters;
  std::thread writer, copier;
};

void SqliteJournal::State::fail(const std::string& what, const Error& failure) {
  {
    std::lock_guard lock(mutex);
    if (dead) return;
    dead = true;
    queue.clear();
    queued_weight = 0;
    // Whoever waits for a job is told that it was dropped.
    jobs.clear();
  }
  if (listener.ambiguous) listener.ambiguous(what + ": " + failure.message);
}

void SqliteJournal::State::work() {
  for (;;) {
    std::deque<Queued> taken;
    std::packaged_task<Result<size_t>()> job;
    {
      std::unique_lock lock(mutex);
      Duration pause = std::max(next_prune - read_clock().mono, Duration(1ms));
      filled.wait_for(lock, pause, [&] { return stopping || dead || !queue.empty() || !jobs.empty(); });
      if (dead || (stopping && queue.empty() && jobs.empty())) return;
      if (!queue.empty()) {
        taken = take();
      } else if (!jobs.empty()) {
        job = std::move(jobs.front());
        jobs.pop_front();
      }
    }
    if (!taken.empty()) write_group(std::move(taken));
    if (job.valid()) job();
    if (read_clock().mono >= next_prune) keep_history();
  }
}

// Everything queued, up to the size of a group; at least one.
std::deque<Queued> SqliteJournal::State::take() {
  std::deque<Queued> taken;
  size_t total = 0;
  while (!queue.empty() && (taken.empty() || total + weight(queue.front().batch) <= options.group_changes)) {
    total += weight(queue.front().batch);
    taken.push_back(std::move(queue.front()));
    queue.pop_front();
  }
  queued_weight -= total;
  return taken;
}

void SqliteJournal::State::answer_refused(const Batch& batch, JournalRefusal reason,
                                          const std::string& message) {
  refused_speculation = batch.speculation;
  {
    std::lock_guard lock(mutex);
    ++counters.refusals;
  }
  listener.refused({batch.number, batch.speculation, reason, message});
}

void SqliteJournal::State::write_group(std::deque<Queued> taken) {
  // Batches of a refused speculation, and from one that found no room on, are refused unwritten.
  std::vector<Batch> batches;
  auto is_refused = [&](const Queued& queued) {
    return queued.overflow || refused_speculation == queued.batch.speculation;
  };
  while (!taken.empty() && !is_refused(taken.front())) {
    batches.push_back(std::move(taken.front().batch));
    taken.pop_front();
  }
  if (!batches.empty()) {
    MonoTime begin = read_clock().mono;
    Status done = commit(batches);
    if (!done.ok() && !is_clean_refusal(done.error())) {
      fail("writing " + dir.file(kDatabaseFile), done.error());
      return;
    }
    if (!done.ok()) {
      if (done.error().code == ErrorCode::kFull) make_room();
      bool full = done.error().code == ErrorCode::kFull;
      for (const Batch& batch : batches) {
        answer_refused(batch, full ? JournalRefusal::kFull : JournalRefusal::kBusy, done.error().message);
      }
    } else {
      {
        std::lock_guard lock(mutex);
        if (dead) return;  // the other connection failed meanwhile
        ++counters.transactions;
        counters.batches += batches.size();
        for (const Batch& batch : batches) counters.changes += batch.changes.size();
        counters.longest_commit = std::max(counters.longest_commit, read_clock().mono - begin);
        counters.log_pages = static_cast<uint64_t>(db.wal_pages());
      }
      for (const Batch& batch : batches) listener.durable({batch.number, batch.version});
      keep_log_short();
    }
  }
  // What follows a refusal in the same speculation was built on it.
  while (!taken.empty() && is_refused(taken.front())) {
    const Queued& queued = taken.front();
    answer_refused(queued.batch, JournalRefusal::kBusy,
                   queued.overflow ? "too much is waiting to be written" : "it follows a refused batch");
    taken.pop_front();
  }
  if (!taken.empty()) write_group(std::move(taken));
}

Status SqliteJournal::State::commit(std::span<const Batch> batches) {
  uint64_t version = durable_version;
  for (const Batch& batch : batches) {
    for (const Change& change : batch.changes) {
      ENSURE(change.version > version, "versions rise strictly from one change to the next");
      version = change.version;
    }
    ENSURE(batch.version == version, "a batch's version is that of its last change");
  }
  RETURN_IF_ERROR(db.exec("BEGIN IMMEDIATE"));
  Status done = rows->write(batches);
  if (done.ok()) done = db.exec("COMMIT");
  if (done.ok()) durable_version = version; else db.roll_back();
  return done;
}

// The disk is full: give back what we kept for this moment, and what the log holds twice.
void SqliteJournal::State::make_room() {
  if (dir.drop_ballast()) log::warning("journal", "the disk is full; the ballast file was freed");
  Status done = db.checkpoint(true);
  if (!done.ok() && !is_clean_refusal(done.error())) fail("copying the log", done.error());
}

void SqliteJournal::State::keep_log_short() {
  int64_t pages = db.wal_pages();
  if (pages > options.largest_log_pages) {
    Status done = db.checkpoint(true);
    if (!done.ok() && !is_clean_refusal(done.error())) fail("copying the log", done.error());
    return;
  }
  if (pages < options.checkpoint_pages) return;
  std::lock_guard lock(mutex);
  copy_wanted = counters.copying = true;
  log_grew.notify_one();
}

void SqliteJournal::State::keep_history() {
  dir.make_ballast();
  next_prune = read_clock().mono + options.prune_pause;
  WallTime now = options.clock ? options.clock() : read_clock().wall;
  Result<bool> more = prune.step(now);
  if (!more.ok()) {
    if (is_clean_refusal(more.error())) return;
    fail("pruning the history", more.error());
    return;
  }
  // While there is more, writing gets its turn in between, but not the whole pause.
  if (more.value()) next_prune = read_clock().mono + std::min(kPruneBreath, options.prune_pause);
  keep_log_short();
}

void SqliteJournal::State::copy_log() {
  for (;;) {
    {
      std::unique_lock lock(mutex);
      log_grew.wait(lock, [&] { return copier_stopping || dead || copy_wanted; });
      if (copier_stopping || dead) return;
      copy_wanted = false;
      counters.copying = true;
    }
    Status done = copier_connection.checkpoint(false);
    if (!done.ok() && !is_clean_refusal(done.error())) {
      fail("copying the log", done.error());
      return;
    }
    std::lock_guard lock(mutex);
    ++counters.checkpoints;
    counters.copying = copy_wanted;
  }
}

SqliteJournal::SqliteJournal(std::unique_ptr<State> state) : state_(std::move(state)) {}

SqliteJournal::~SqliteJournal() { stop(); }

Result<std::unique_ptr<SqliteJournal>> SqliteJournal::open(SqliteJournalOptions options) {
  ASSIGN_OR_RETURN(DataDir dir, DataDir::open(options.data_dir));
  std::string file = dir.file(kDatabaseFile);
  // SQLite gives the log the database's own permissions.
  if (options.vfs.empty()) RETURN_IF_ERROR(make_private_file(file));
  SqliteDb::Options how;
  how.vfs = options.vfs;
  how.busy_wait = options.busy_wait;
  ASSIGN_OR_RETURN(SqliteDb db, SqliteDb::open(file, how));
  RETURN_IF_ERROR(prepare_connection(db));
  RETURN_IF_ERROR(migrate(db));
  RETURN_IF_ERROR(write_first_meta(db));
  ASSIGN_OR_RETURN(SqliteDb copier, SqliteDb::open(file, how));
  RETURN_IF_ERROR(prepare_connection(copier));
  ASSIGN_OR_RETURN(SecretBox secrets, open_secret_box(db, dir.file(kSecretKeyFile)));
  ASSIGN_OR_RETURN(int64_t version, db.number("SELECT max(version) FROM change"));
  ASSIGN_OR_RETURN(std::string cluster_id, read_meta(db, "cluster_id"));
  auto state = std::make_unique<State>(std::move(options), std::move(dir), std::move(db), std::move(copier),
                                       std::move(secrets));
  state->durable_version = static_cast<uint64_t>(version);
  ASSIGN_OR_RETURN(state->rows, SqliteRows::open(state->db, state->secrets, cluster_id));
  return std::unique_ptr<SqliteJournal>(new SqliteJournal(std::move(state)));
}

Result<Loaded> SqliteJournal::load() {
  ENSURE(!state_->started, "load() comes before start()");
  LoadThreads threads{state_->options.load_threads, [this]() -> Result<SqliteDb> {
                        SqliteDb::Options how;
                        how.vfs = state_->options.vfs;
                        how.busy_wait = state_->options.busy_wait;
                        ASSIGN_OR_RETURN(SqliteDb db, SqliteDb::open(state_->dir.file(kDatabaseFile), how));
                        RETURN_IF_ERROR(prepare_connection(db));
                        return db;
                      }};
  ASSIGN_OR_RETURN(Loaded loaded, load_database(state_->db, state_->secrets, threads));
  state_->durable_version = loaded.snapshot.version();
  return loaded;
}

void SqliteJournal::start(JournalListener listener) {
  ENSURE(!state_->started, "a journal is started once");
  state_->started = true;
  state_->listener = std::move(listener);
  state_->dir.make_ballast();
  state_->copy_wanted = state_->counters.copying = true;  // what a process that was killed has left in the log
  state_->next_prune = read_clock().mono + state_->options.prune_pause;
  state_->writer = std::thread([state = state_.get()] { state->work(); });
  state_->copier = std::thread([state = state_.get()] { state->copy_log(); });
}

void SqliteJournal::append(Batch batch) {
  ENSURE(batch.changes.size() == batch.causes.size(), "each change has its cause");
  std::lock_guard lock(state_->mutex);
  if (!state_->started || state_->stopping || state_->dead) return;
  Queued queued{std::move(batch), false};
  size_t total = state_->queued_weight + weight(queued.batch);
  if (state_->queued_weight > 0 && total > state_->options.queued_changes) {
    Batch dropped;
    dropped.number = queued.batch.number;
    dropped.speculation = queued.batch.speculation;
    queued = {std::move(dropped), true};
  }
  state_->queued_weight += weight(queued.batch);
  state_->queue.push_back(std::move(queued));
  state_->filled.notify_one();
}

void SqliteJournal::stop() {
  {
    std::lock_guard lock(state_->mutex);
    state_->stopping = true;
    state_->filled.notify_one();
  }
  if (state_->writer.joinable()) state_->writer.join();
  {
    std::lock_guard lock(state_->mutex);
    state_->copier_stopping = true;
    state_->log_grew.notify_one();
  }
  if (state_->copier.joinable()) state_->copier.join();
}

Status SqliteJournal::backup(const std::string& file) {
  return write_backup(state_->dir.file(kDatabaseFile), state_->options.vfs, file);
}

Result<size_t> SqliteJournal::rotate_secret_key() {
  State* state = state_.get();
  std::packaged_task<Result<size_t>()> job([state]() -> Result<size_t> {
    RETURN_IF_ERROR(state->secrets.add_key());
    Status begun = state->db.exec("BEGIN IMMEDIATE");
    if (!begun.ok()) return begun.error();
    Result<size_t> count = state->rows->reseal_secrets();
    Status done = count.ok() ? state->db.exec("COMMIT") : Status(count.error());
    if (!done.ok()) {
      state->db.roll_back();
      if (!is_clean_refusal(done.error())) state->fail("rotating the secret key", done.error());
      return done.error();
    }
    RETURN_IF_ERROR(state->secrets.forget_old_keys());
    return count;
  });
  std::future<Result<size_t>> answer = job.get_future();
  {
    std::lock_guard lock(state->mutex);
    if (!state->started || state->stopping || state->dead) {
      return error(ErrorCode::kUnavailable, "the journal does not run");
    }
    state->jobs.push_back(std::move(job));
    state->filled.notify_one();
  }
  try {
    return answer.get();
  } catch (const std::future_error&) {  // dropped by fail()
    return error(ErrorCode::kAmbiguous, "the journal failed before the key was rotated");
  }
}

SqliteJournal::Counters SqliteJournal::counters() const {
  std::lock_guard lock(state_->mutex);
  return state_->counters;
}

}  // namespace mainstay
