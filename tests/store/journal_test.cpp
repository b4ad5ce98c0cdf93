#include <catch2/catch.hpp>

#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "reconciler/store/backup.h"
#include "reconciler/store/memory_journal.h"
#include "reconciler/store/sqlite_db.h"
#include "reconciler/store/sqlite_history.h"
#include "reconciler/store/sqlite_journal.h"
#include "tests/store/acks.h"
#include "tests/store/seeds.h"
#include "tests/store/temp_dir.h"
#include "tests/store/workload.h"

namespace mainstay {
namespace {

namespace fs = std::filesystem;

SqliteJournalOptions options_for(const TempDir& dir) {
  SqliteJournalOptions options;
  options.data_dir = dir.path();
  return options;
}

std::unique_ptr<SqliteJournal> open_journal(const TempDir& dir) {
  auto opened = SqliteJournal::open(options_for(dir));
  if (!opened.ok()) FAIL(opened.error().message);
  return std::move(opened).value();
}

std::string read_all(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

// What the memory journal says after the same batches: the model.
struct Model {
  MemoryJournal journal{"model"};
  Acks acks;
  Model() { journal.start(acks.listener()); }
  void add(const Batch& batch) {
    journal.append(batch);
    journal.deliver_all();
  }
  std::string text() { return describe(journal.load().value()); }
};

TEST_CASE("an empty database has an identity and nothing else") {
  TempDir dir;
  std::string cluster;
  {
    auto journal = open_journal(dir);
    Loaded loaded = journal->load().value();
    CHECK(loaded.snapshot.version() == 0);
    CHECK(loaded.epoch == 1);
    CHECK(loaded.cluster_id.size() == 36);
    CHECK(loaded.applications.empty());
    cluster = loaded.cluster_id;
  }
  CHECK(open_journal(dir)->load().value().cluster_id == cluster);
  struct stat status = {};
  REQUIRE(::stat(dir.file("pki/secrets.key").c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);
  REQUIRE(::stat(dir.file("mainstay.db").c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);
}

TEST_CASE("what was appended comes back after a restart") {
  for (uint64_t seed : test_seeds(4)) {
    INFO("MAINSTAY_SEED=" << seed);
    TempDir dir;
    Workload workload(seed);
    Model model;
    size_t batches = 0;
    for (uint64_t restart = 0; restart < 3; ++restart) {
      auto journal = open_journal(dir);
      Loaded loaded = journal->load().value();
      REQUIRE(describe(loaded) == model.text());
      workload.go_on_from(loaded, restart);
      Acks acks;
      journal->start(acks.listener());
      size_t count = 10 + workload.rng().below(40);
      for (size_t i = 0; i < count; ++i) {
        Batch batch = workload.next(12);
        model.add(batch);
        journal->append(std::move(batch));
      }
      batches += count;
      acks.wait_for(count);
      CHECK(acks.ambiguous() == "");
      CHECK(acks.refused().empty());
      REQUIRE(acks.durable().size() == count);
      CHECK(acks.durable_version() == workload.head().version());
      CHECK(acks.durable_number() == batches);
      journal->stop();
    }
    CHECK(describe(open_journal(dir)->load().value()) == model.text());
  }
}

TEST_CASE("the log is copied into the database while writing goes on, and stays short") {
  TempDir dir;
  SqliteJournalOptions options = options_for(dir);
  options.checkpoint_pages = 20;
  options.largest_log_pages = 200;
  auto journal = SqliteJournal::open(options).value();
  Workload workload(7);
  workload.go_on_from(journal->load().value(), 0);
  Acks acks;
  journal->start(acks.listener());
  for (size_t i = 1; i <= 150; ++i) {
    journal->append(workload.next(20));
    acks.wait_for(i);
  }
  CHECK(journal->counters().checkpoints > 1);
  CHECK(std::filesystem::file_size(dir.file("mainstay.db")) > 40'000);
  CHECK(std::filesystem::file_size(dir.file("mainstay.db-wal")) < 4 * 200 * 4096);
  CHECK(acks.ambiguous() == "");
}

TEST_CASE("a data directory has one owner") {
  TempDir dir;
  auto first = open_journal(dir);
  auto second = SqliteJournal::open(options_for(dir));
  REQUIRE_FALSE(second.ok());
  CHECK(second.error().code == ErrorCode::kBusy);
  CHECK(second.error().message.find("another mainstay") != std::string::npos);
  first.reset();
  CHECK(SqliteJournal::open(options_for(dir)).ok());
}

TEST_CASE("a database of a newer version is refused") {
  TempDir dir;
  open_journal(dir).reset();
  {
    SqliteDb db = SqliteDb::open(dir.file("mainstay.db"), {}).value();
    REQUIRE(db.exec("PRAGMA user_version = 99").ok());
  }
  auto opened = SqliteJournal::open(options_for(dir));
  REQUIRE_FALSE(opened.ok());
  CHECK(opened.error().code == ErrorCode::kUnsupported);
}

TEST_CASE("a busy database refuses a speculation as a whole and then goes on") {
  TempDir dir;
  SqliteJournalOptions options = options_for(dir);
  options.busy_wait = 10ms;
  auto journal = SqliteJournal::open(options).value();
  Loaded loaded = journal->load().value();
  Workload workload(5);
  Acks acks;
  journal->start(acks.listener());
  journal->append(workload.next(5));
  acks.wait_for(1);
  Snapshot durable = workload.head();
  SqliteDb other = SqliteDb::open(dir.file("mainstay.db"), {}).value();
  REQUIRE(other.exec("BEGIN IMMEDIATE").ok());
  journal->append(workload.next(5));
  acks.wait_for(2);
  REQUIRE(other.exec("ROLLBACK").ok());
  journal->append(workload.next(5));  // built on the refused one
  acks.wait_for(3);
  REQUIRE(acks.durable().size() == 1);
  REQUIRE(acks.refused().size() == 2);
  CHECK(acks.refused()[0].reason == JournalRefusal::kBusy);
  CHECK(acks.refused()[1].speculation == 0);
  loaded.snapshot = durable;
  workload.go_on_from(loaded, 1);
  journal->append(workload.next(5));
  acks.wait_for(4);
  CHECK(acks.durable_version() == workload.head().version());
  journal->stop();
  journal.reset();
  CHECK(open_journal(dir)->load().value().snapshot.version() == workload.head().version());
}

TEST_CASE("a queue that is too long is refused") {
  TempDir dir;
  SqliteJournalOptions options = options_for(dir);
  options.queued_changes = 20;
  options.busy_wait = 300ms;
  auto journal = SqliteJournal::open(options).value();
  REQUIRE(journal->load().ok());
  SqliteDb other = SqliteDb::open(dir.file("mainstay.db"), {}).value();
  REQUIRE(other.exec("BEGIN IMMEDIATE").ok());  // keeps the journal's thread waiting
  Workload workload(6);
  Acks acks;
  journal->start(acks.listener());
  for (int i = 0; i < 50; ++i) journal->append(workload.next(5));
  REQUIRE(other.exec("ROLLBACK").ok());
  acks.wait_for(50);
  CHECK(acks.ambiguous() == "");
  CHECK_FALSE(acks.refused().empty());
  // Refusals are a tail: nothing of the same speculation is written after one.
  CHECK(acks.durable_number() == acks.durable().size());
  journal->stop();
}

Object secret_with(const std::string& value) {
  Object object = make_object<Secret>("shop", "login");
  map_slot(as<Secret>(object).data, "password") = value;
  return object;
}

Batch batch_of(const Transaction& txn, uint64_t number) {
  Batch batch;
  batch.number = number;
  batch.version = txn.view().version();
  batch.at = txn.now().wall;
  batch.changes = txn.changes();
  batch.causes = txn.causes();
  return batch;
}

TEST_CASE("a Secret's value is nowhere on the disk") {
  const std::string value = "canary-3f9a-value-that-must-not-be-found";
  // base64 of the value's middle, at each of the three alignments.
  std::vector<std::string> traces = {value};
  for (size_t shift = 0; shift < 3; ++shift) {
    std::string text = base64(value.substr(shift));
    traces.push_back(text.substr(4, text.size() - 12));
  }
  TempDir dir;
  TestStore store;
  auto journal = open_journal(dir);
  REQUIRE(journal->load().ok());
  Acks acks;
  journal->start(acks.listener());
  Transaction txn = store.begin();
  ObjectPtr made = txn.create(secret_with(value)).value();
  Object annotated = *made;
  map_slot(annotated.meta.annotations, "kubectl.kubernetes.io/last-applied-configuration") = value;
  REQUIRE(txn.update(annotated).ok());
  Batch batch = batch_of(txn, 1);
  auto declared = std::make_shared<const Value>(to_value(secret_with(value)));
  batch.desired.push_back({"root", made->key(), declared, sha256(value)});
  batch.cursors.push_back({"root", "c", {}, 0, "", false});
  journal->append(batch);
  acks.wait_for(1);
  REQUIRE(acks.durable_number() == 1);
  REQUIRE(journal->backup(dir.file("copy.db")).ok());
  std::vector<PastChange> past = SqliteHistory::open(dir.path()).value().of_object(made->key(), 10).value();
  REQUIRE(past.size() == 2);
  CHECK_FALSE(past[0].json.has_value());
  // While it runs (log and index included), and after it ended.
  for (bool running : {true, false}) {
    if (!running) journal->stop(), journal.reset();
    size_t files = 0;
    for (const auto& entry : fs::recursive_directory_iterator(dir.path())) {
      if (!entry.is_regular_file()) continue;
      ++files;
      std::string bytes = read_all(entry.path());
      for (const std::string& trace : traces) {
        INFO(entry.path().string());
        REQUIRE(bytes.find(trace) == std::string::npos);
      }
      // The hash of the value alone would be enough to try passwords against.
      Digest digest = sha256(value);
      REQUIRE(bytes.find(std::string(digest.begin(), digest.end())) == std::string::npos);
    }
    CHECK(files >= 4);
  }
  Loaded loaded = open_journal(dir)->load().value();
  CHECK(as<Secret>(*loaded.snapshot.find(made->key())).data[0].second == value);
  REQUIRE(loaded.applications.size() == 1);
  REQUIRE(loaded.applications[0].desired->objects.size() == 1);
  CHECK(loaded.applications[0].desired->objects.begin()->hash == sha256(value));
  CHECK(*loaded.applications[0].desired->objects.begin()->declared == *declared);
}

TEST_CASE("encrypted rows cannot be swapped, and a lost key file is not replaced") {
  TempDir dir;
  TestStore store;
  {
    auto journal = open_journal(dir);
    REQUIRE(journal->load().ok());
    Acks acks;
    journal->start(acks.listener());
    Transaction txn = store.begin();
    REQUIRE(txn.create(secret_with("one")).ok());
    Object other = secret_with("two");
    other.meta.name = "other";
    REQUIRE(txn.create(other).ok());
    journal->append(batch_of(txn, 1));
    acks.wait_for(1);
    journal->stop();
  }
  SECTION("swapped bodies") {
    {
      SqliteDb db = SqliteDb::open(dir.file("mainstay.db"), {}).value();
      REQUIRE(db.exec("UPDATE object SET body = (SELECT max(body) FROM object) WHERE name = 'login'").ok());
    }
    auto loaded = open_journal(dir)->load();
    REQUIRE_FALSE(loaded.ok());
    CHECK(loaded.error().code == ErrorCode::kCorrupt);
    CHECK(loaded.error().message.find("Secret shop/login") != std::string::npos);
  }
  SECTION("lost keys") {
    fs::remove(dir.file("pki/secrets.key"));
    auto opened = SqliteJournal::open(options_for(dir));
    REQUIRE_FALSE(opened.ok());
    CHECK(opened.error().code == ErrorCode::kNotFound);
    CHECK_FALSE(fs::exists(dir.file("pki/secrets.key")));
  }
  SECTION("keys that others can read") {
    fs::permissions(dir.file("pki/secrets.key"), fs::perms::others_read, fs::perm_options::add);
    CHECK(SqliteJournal::open(options_for(dir)).error().code == ErrorCode::kDenied);
  }
}

TEST_CASE("rotation encrypts everything anew") {
  TempDir dir;
  Workload workload(8);
  Model model;
  auto journal = open_journal(dir);
  REQUIRE(journal->load().ok());
  Acks acks;
  journal->start(acks.listener());
  for (size_t i = 1; i <= 20; ++i) {
    Batch batch = workload.next(10);
    model.add(batch);
    journal->append(std::move(batch));
  }
  acks.wait_for(20);
  std::string before = read_all(dir.file("pki/secrets.key"));
  auto count = journal->rotate_secret_key();
  REQUIRE(count.ok());
  CHECK(count.value() > 0);
  std::string after = read_all(dir.file("pki/secrets.key"));
  CHECK(after != before);
  CHECK(std::count(after.begin(), after.end(), '\n') == 1);
  Batch batch = workload.next(10);
  model.add(batch);
  journal->append(std::move(batch));
  acks.wait_for(21);
  journal->stop();
  journal.reset();
  CHECK(describe(open_journal(dir)->load().value()) == model.text());
  SqliteDb db = SqliteDb::open(dir.file("mainstay.db"), {}).value();
  CHECK(db.number("SELECT count(DISTINCT key_id) FROM body WHERE key_id IS NOT NULL").value() == 1);
}

TEST_CASE("a backup restores, and the restored store is noticeably another") {
  TempDir dir;
  Workload workload(9);
  Model model;
  auto journal = open_journal(dir);
  REQUIRE(journal->load().ok());
  Acks acks;
  journal->start(acks.listener());
  for (size_t i = 0; i < 10; ++i) {
    Batch batch = workload.next(10);
    model.add(batch);
    journal->append(std::move(batch));
  }
  acks.wait_for(10);
  REQUIRE(journal->backup(dir.file("copy.db")).ok());
  CHECK(journal->backup(dir.file("copy.db")).error().code == ErrorCode::kExists);
  journal->append(workload.next(10));
  acks.wait_for(11);
  CHECK(restore_backup(dir.file("copy.db"), dir.path()).error().code == ErrorCode::kBusy);
  journal->stop();
  journal.reset();

  Restored restored = restore_backup(dir.file("copy.db"), dir.path()).value();
  CHECK(restored.epoch == 2);
  CHECK(fs::exists(restored.kept));
  auto again = open_journal(dir);
  Loaded loaded = again->load().value();
  CHECK(loaded.epoch == 2);
  CHECK(describe(loaded) == model.text());
  CHECK(loaded.snapshot.version() < workload.head().version());

  // An agent saw epoch 7 of this cluster: ours must rise past it, durably.
  Batch raise;
  raise.number = 1;
  raise.version = loaded.snapshot.version();
  raise.epoch = raise_epoch(loaded.epoch, 7);
  Acks more;
  again->start(more.listener());
  again->append(raise);
  more.wait_for(1);
  again.reset();
  CHECK(open_journal(dir)->load().value().epoch == 8);
}

TEST_CASE("a file that is no database is named") {
  TempDir dir;
  std::ofstream(dir.file("mainstay.db")) << std::string(8192, 'x');
  auto opened = SqliteJournal::open(options_for(dir));
  REQUIRE_FALSE(opened.ok());
  CHECK(opened.error().code == ErrorCode::kCorrupt);
  CHECK(opened.error().message == "opening " + dir.file("mainstay.db") + ": file is not a database (26)");
}

TEST_CASE("a damaged backup is refused and nothing moves") {
  TempDir dir;
  open_journal(dir).reset();
  std::string before = read_all(dir.file("mainstay.db"));
  std::ofstream(dir.file("copy.db")) << std::string(8192, 'x');
  CHECK_FALSE(restore_backup(dir.file("copy.db"), dir.path()).ok());
  CHECK(restore_backup(dir.file("missing.db"), dir.path()).error().code == ErrorCode::kNotFound);
  CHECK(read_all(dir.file("mainstay.db")) == before);
}

TEST_CASE("history is pruned by age and keeps what is alive") {
  TempDir dir;
  SqliteJournalOptions options = options_for(dir);
  options.history.age = 100s;
  options.history.short_age = 10s;
  options.prune_pause = 2ms;
  std::atomic<int64_t> second = 0;
  options.clock = [&] { return at_second(second).wall; };
  auto journal = SqliteJournal::open(options).value();
  REQUIRE(journal->load().ok());
  Workload workload(10);
  Model model;
  Acks acks;
  journal->start(acks.listener());
  for (size_t i = 0; i < 60; ++i) {
    Batch batch = workload.next(20);
    model.add(batch);
    journal->append(std::move(batch));
  }
  acks.wait_for(60);
  auto count = [&](const std::string& where) {
    SqliteDb db = SqliteDb::open(dir.file("mainstay.db"), {}).value();
    return db.number("SELECT count(*) FROM change WHERE " + where).value();
  };
  auto wait_until = [&](const std::string& where, int64_t wanted) {
    for (int i = 0; i < 2000 && count(where) > wanted; ++i) std::this_thread::sleep_for(5ms);
    return count(where);
  };
  int64_t configs = count("kind = 'ConfigMap'");
  REQUIRE(count("kind = 'Pod'") > 1);
  second = 80;
  CHECK(wait_until("kind = 'Pod'", 1) <= 1);
  CHECK(count("kind = 'ConfigMap'") == configs);
  second = 1000;
  CHECK(wait_until("1", 1) == 1);
  journal->stop();
  journal.reset();
  CHECK(describe(open_journal(dir)->load().value()) == model.text());
  SqliteDb db = SqliteDb::open(dir.file("mainstay.db"), {}).value();
  CHECK(db.number("SELECT count(*) FROM body WHERE id NOT IN (SELECT body FROM object) AND id NOT IN (SELECT body "
                  "FROM desired) AND id NOT IN (SELECT body FROM change WHERE body IS NOT NULL)").value() == 0);
}

TEST_CASE("the tables read well in a shell, and equal bodies stand once") {
  TempDir dir;
  TestStore store;
  auto journal = open_journal(dir);
  REQUIRE(journal->load().ok());
  Acks acks;
  journal->start(acks.listener());
  Transaction txn = store.begin();
  txn.set_cause({"user:admin", "PUT"});
  REQUIRE(txn.create(config("shop", "a", "1")).ok());
  REQUIRE(txn.update(config("shop", "a", "2")).ok());
  REQUIRE(txn.update(config("shop", "a", "1")).ok());
  journal->append(batch_of(txn, 1));
  acks.wait_for(1);
  journal->stop();
  SqliteDb db = SqliteDb::open(dir.file("mainstay.db"), {}).value();
  CHECK(db.number("SELECT count(*) FROM live WHERE kind = 'ConfigMap' AND json_extract(json, '$.data.value') = '1'")
            .value() == 1);
  CHECK(db.number("SELECT count(*) FROM history WHERE actor = 'user:admin' AND why = 'PUT'").value() == 3);
  CHECK(db.number("SELECT count(*) FROM body").value() == 2);
  std::vector<PastChange> past =
      SqliteHistory::open(dir.path()).value().of_object({Kind::kConfigMap, "shop", "a"}, 2).value();
  REQUIRE(past.size() == 2);
  CHECK(past[0].version == 3);
  CHECK(past[0].operation == "update");
}

TEST_CASE("the memory journal refuses, delays and forgets as told") {
  MemoryJournal journal("sim");
  Workload workload(11);
  Acks acks;
  journal.start(acks.listener());
  journal.append(workload.next(5));
  journal.append(workload.next(5));
  CHECK(journal.waiting() == 2);
  CHECK(acks.durable().empty());
  journal.deliver(1);
  uint64_t durable = acks.durable_version();
  CHECK(durable > 0);
  journal.refuse_next(1, JournalRefusal::kFull);
  journal.append(workload.next(5));
  journal.deliver_all();
  REQUIRE(acks.refused().size() == 2);
  CHECK(acks.refused()[1].reason == JournalRefusal::kFull);
  workload.go_on_from(journal.load().value(), 1);
  journal.append(workload.next(5));
  journal.crash();
  CHECK(journal.waiting() == 0);
  CHECK(journal.load().value().snapshot.version() == durable);
}

}  // namespace
}  // namespace mainstay
