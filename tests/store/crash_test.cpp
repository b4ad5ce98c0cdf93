// What a power loss, a full disk and a kill -9 may and may not do to the store: everything acknowledged is
// there afterwards, and nothing is there by half.
#include <catch2/catch.hpp>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

#include "reconciler/store/memory_journal.h"
#include "reconciler/store/sqlite_db.h"
#include "reconciler/store/sqlite_journal.h"
#include "tests/store/acks.h"
#include "tests/store/crash_vfs.h"
#include "tests/store/seeds.h"
#include "tests/store/temp_dir.h"
#include "tests/store/workload.h"

namespace mainstay {
namespace {

// A state the store went through, from a model that never fails.
struct Point {
  MemoryJournal::Saved saved;
  std::string text;
};

// One store on one failing disk, living and dying again and again.
class CrashRun {
 public:
  explicit CrashRun(uint64_t seed)
      : rng_(seed), vfs_("crash-" + std::to_string(seed)), disk_(vfs_, seed), workload_(seed) {
    points_.push_back({{}, describe(Loaded{})});
  }

  // Writes batches until the power fails at the given operation (0: never), then checks what a restart finds.
  // True if the power failed.
  bool live(uint64_t crash_at, size_t batches) {
    disk_.crash_at(crash_at);
    write(batches);
    bool crashed = disk_.crashed();
    disk_.recover();
    {
      auto opened = SqliteJournal::open(options());
      if (!opened.ok()) FAIL("opening after the crash: " << opened.error().message);
      auto loaded = opened.value()->load();
      if (!loaded.ok()) FAIL("loading after the crash: " << loaded.error().message);
      go_on_from(loaded.value());
    }
    SqliteDb::Options how;
    how.vfs = vfs_;
    SqliteDb db = SqliteDb::open(dir_.file("mainstay.db"), how).value();
    SqliteStatement integrity = db.prepare("PRAGMA integrity_check").value();
    REQUIRE(integrity.step().value());
    REQUIRE(integrity.text(0) == "ok");
    return crashed;
  }
  uint64_t operations() const { return disk_.operations(); }

 private:
  SqliteJournalOptions options() {
    SqliteJournalOptions options;
    options.data_dir = dir_.path();
    options.vfs = vfs_;
    options.load_threads = 1;
    options.busy_wait = 200ms;
    // Either the writer copies the log itself, or the second connection does, at every occasion.
    bool background = rng_.chance(50);
    options.checkpoint_pages = background ? 1 : 1'000'000;
    options.largest_log_pages = background ? 1'000'000 : static_cast<int64_t>(rng_.below(60));
    return options;
  }

  void write(size_t batches) {
    bool one_by_one = rng_.chance(50);
    auto opened = SqliteJournal::open(options());
    if (!opened.ok()) return;
    std::unique_ptr<SqliteJournal> journal = std::move(opened).value();
    auto loaded = journal->load();
    if (!loaded.ok()) return;
    go_on_from(loaded.value());
    MemoryJournal model("model");
    model.restore(points_.front().saved);
    model.start({[](auto&) {}, [](auto&) {}, [](auto&) {}});
    Acks acks;
    journal->start(acks.listener());
    for (size_t i = 0; i < batches && acks.ambiguous().empty(); ++i) {
      Batch batch = workload_.next(10);
      model.append(batch);
      model.deliver_all();
      points_.push_back({model.save(), describe(model.load().value())});
      journal->append(std::move(batch));
      if (one_by_one) acks.wait_for(i + 1);
    }
    acks.wait_for(batches);
    acknowledged_ = acks.durable().size();
    journal->stop();
    REQUIRE(acks.refused().empty());
    if (acks.ambiguous().empty()) REQUIRE(acknowledged_ == batches);
  }

  // What is loaded must be the last state acknowledged, or one after it, whole.
  void go_on_from(const Loaded& loaded) {
    std::string text = describe(loaded);
    size_t found = acknowledged_;
    while (found < points_.size() && points_[found].text != text) ++found;
    if (found == points_.size()) {
      FAIL("found none of the states " << acknowledged_ << " to " << points_.size() - 1 << ":\n" << text);
    }
    points_ = {points_[found]};
    acknowledged_ = 0;
    workload_.go_on_from(loaded, 0);
  }

  Rng rng_;
  std::string vfs_;
  TempDir dir_;
  CrashDisk disk_;
  Workload workload_;
  std::vector<Point> points_;  // that the disk may hold, in order
  size_t acknowledged_ = 0;    // the place of the last one that it must not be behind
};

TEST_CASE("a power loss at every n-th operation loses nothing acknowledged and leaves nothing half done") {
  CrashRun dry(1);
  dry.live(0, 12);
  uint64_t total = dry.operations();
  REQUIRE(total > 40);
  uint64_t step = std::getenv("MAINSTAY_SEEDS") != nullptr ? 1 : 7;
  size_t crashes = 0;
  for (uint64_t at = 1; at <= total; at += step) {
    INFO("crash at operation " << at);
    CrashRun run(1000 + at);
    crashes += run.live(at, 12) ? 1 : 0;
    run.live(0, 3);  // and it works as before
  }
  CHECK(crashes > total / step / 2);
}

TEST_CASE("a store that loses power again and again stays whole") {
  size_t crashes = 0;
  for (uint64_t seed : test_seeds(12)) {
    INFO("MAINSTAY_SEED=" << seed);
    CrashRun run(seed);
    Rng rng(seed * 77);
    for (int life = 0; life < 8; ++life) {
      INFO("life " << life);
      crashes += run.live(1 + rng.below(150), 1 + rng.below(20)) ? 1 : 0;
    }
    run.live(0, 5);
  }
  CHECK(crashes > 20);
}

TEST_CASE("a full disk refuses cleanly, frees the ballast and goes on when there is room") {
  for (uint64_t seed : test_seeds(6)) {
    INFO("MAINSTAY_SEED=" << seed);
    TempDir dir;
    CrashDisk disk("full-" + std::to_string(seed), seed);
    SqliteJournalOptions options;
    options.data_dir = dir.path();
    options.vfs = "full-" + std::to_string(seed);
    auto journal = SqliteJournal::open(options).value();
    Loaded loaded = journal->load().value();
    Workload workload(seed);
    MemoryJournal model("model");
    model.start({[](auto&) {}, [](auto&) {}, [](auto&) {}});
    Acks acks;
    journal->start(acks.listener());
    REQUIRE(std::filesystem::exists(dir.file("ballast")));
    Rng rng(seed);
    uint64_t speculation = 0;
    size_t answered = 0, refusals = 0;
    for (int i = 0; i < 60; ++i) {
      if (i % 15 == 5) disk.set_capacity(disk.used() + rng.below(20'000));
      if (i % 15 == 12) disk.set_capacity(0);
      Batch batch = workload.next(15);
      journal->append(batch);
      acks.wait_for(++answered);
      REQUIRE(acks.ambiguous() == "");
      if (acks.refused().size() == refusals) {
        model.append(batch);
        model.deliver_all();
        continue;
      }
      ++refusals;
      CHECK(acks.refused().back().reason == JournalRefusal::kFull);
      CHECK_FALSE(std::filesystem::exists(dir.file("ballast")));
      workload.go_on_from(model.load().value(), ++speculation);
    }
    CHECK(refusals > 0);
    disk.set_capacity(0);
    Batch last = workload.next(5);
    model.append(last);
    model.deliver_all();
    journal->append(std::move(last));
    acks.wait_for(++answered);
    CHECK(acks.refused().size() == refusals);
    journal->stop();
    journal.reset();
    disk.crash_at(1);
    disk.recover();
    CHECK(describe(SqliteJournal::open(options).value()->load().value()) == describe(model.load().value()));
  }
}

// The child writes batches and, after each acknowledgement, its number to the pipe, until it is killed.
[[noreturn]] void write_until_killed(const std::string& data_dir, uint64_t seed, int pipe) {
  SqliteJournalOptions options;
  options.data_dir = data_dir;
  options.checkpoint_pages = 20;
  auto journal = SqliteJournal::open(options).value();
  Loaded loaded = journal->load().value();
  Workload workload(seed);
  JournalListener listener;
  listener.durable = [&](const JournalDurable& ack) {
    if (::write(pipe, &ack.version, sizeof ack.version) != sizeof ack.version) ::_exit(3);
  };
  listener.refused = [](const JournalRefused&) { ::_exit(4); };
  listener.ambiguous = [](const std::string&) { ::_exit(5); };
  journal->start(listener);
  for (int i = 0; i < 400; ++i) journal->append(workload.next(10));
  for (;;) ::pause();
}

TEST_CASE("kill -9 of a writing process loses nothing it acknowledged") {
  for (uint64_t seed : test_seeds(4)) {
    INFO("MAINSTAY_SEED=" << seed);
    TempDir dir;
    int ends[2] = {};
    REQUIRE(::pipe(ends) == 0);
    pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      ::close(ends[0]);
      write_until_killed(dir.path(), seed, ends[1]);
    }
    ::close(ends[1]);
    uint64_t acknowledged = 0;
    // It dies in the middle: after the first so many words, with more on the way.
    for (uint64_t i = 0; i < 5 + seed * 20; ++i) {
      if (::read(ends[0], &acknowledged, sizeof acknowledged) != sizeof acknowledged) break;
    }
    ::kill(child, SIGKILL);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(WIFSIGNALED(status));
    for (uint64_t version = 0; ::read(ends[0], &version, sizeof version) == sizeof version;) acknowledged = version;
    ::close(ends[0]);
    REQUIRE(acknowledged > 0);

    SqliteJournalOptions options;
    options.data_dir = dir.path();
    Loaded loaded = SqliteJournal::open(options).value()->load().value();
    CHECK(loaded.snapshot.version() >= acknowledged);
    // The same seed makes the same batches: the state must be that after one of them.
    Workload again(seed);
    MemoryJournal model("model");
    model.start({[](auto&) {}, [](auto&) {}, [](auto&) {}});
    while (model.load().value().snapshot.version() < loaded.snapshot.version()) {
      model.append(again.next(10));
      model.deliver_all();
    }
    CHECK(describe(model.load().value()) == describe(loaded));
  }
}

}  // namespace
}  // namespace mainstay
