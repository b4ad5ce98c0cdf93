// The reader and the worker: what is reported when, and that a failed read moves nothing.
#include <catch2/catch.hpp>

#include <condition_variable>

#include "gitsync/fake_source.h"
#include "gitsync/libgit2_source.h"
#include "gitsync/worker.h"
#include "tests/support/git_fixture.h"

using namespace mainstay;
using namespace mainstay::test;

namespace {

using Outcome = SourceReport::Outcome;
using Operation = FakeSource::Operation;

std::string config_map(const std::string& name, const std::string& value = "1") {
  return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: " + name + "}\ndata: {key: \"" + value + "\"}\n";
}

struct Bench {
  std::shared_ptr<FakeRepository> repository = std::make_shared<FakeRepository>();
  FakeSource source{repository, "main"};
  SourceReader reader{"root", source,
                      *FileSelection::create({.path = "apps", .include = {}, .exclude = {}, .recurse = true}),
                      ManifestRules{}};

  SourceReport must_report() {
    std::optional<SourceReport> report = reader.poll();
    REQUIRE(report);
    return *report;
  }
  CommitId push(const std::string& value) {
    return repository->push("main", {{"apps/a.yaml", config_map("a", value)}});
  }
};

// Collects reports of a worker's thread.
class Collector {
 public:
  void add(SourceReport report) {
    std::lock_guard lock(mutex_);
    reports_.push_back(std::move(report));
    changed_.notify_all();
  }
  // The report at `index`, waited for.
  SourceReport at(size_t index) {
    std::unique_lock lock(mutex_);
    REQUIRE(changed_.wait_for(lock, std::chrono::seconds(30), [&] { return reports_.size() > index; }));
    return reports_[index];
  }
  size_t count() {
    std::lock_guard lock(mutex_);
    return reports_.size();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<SourceReport> reports_;
};

}  // namespace

TEST_CASE("a new commit is reported once; a poll without one is a single look") {
  Bench bench;
  CommitId first = bench.push("1");
  SourceReport report = bench.must_report();
  CHECK(report.outcome == Outcome::kAccepted);
  CHECK(report.commit->id == first);
  CHECK(report.set->objects.size() == 1);
  CHECK_FALSE(report.forced_from);
  unsigned fetches = bench.source.calls(Operation::kFetch), lists = bench.source.calls(Operation::kListTree);
  for (int i = 0; i < 3; ++i) CHECK_FALSE(bench.reader.poll());
  CHECK(bench.source.calls(Operation::kTip) == 4);
  CHECK(bench.source.calls(Operation::kFetch) == fetches);
  CHECK(bench.source.calls(Operation::kListTree) == lists);
  bench.push("2");
  SourceReport second = bench.must_report();
  CHECK(second.outcome == Outcome::kAccepted);
  CHECK(second.set->hash != report.set->hash);
  bench.repository->revert("main", first);
  CHECK(bench.must_report().set->hash == report.set->hash);
}

TEST_CASE("trouble is reported when it begins, changes and ends, and moves nothing") {
  Bench bench;
  bench.push("1");
  bench.must_report();
  bench.source.fail_next(Operation::kTip, error(ErrorCode::kUnavailable, "away"), 3);
  SourceReport away = bench.must_report();
  CHECK(away.outcome == Outcome::kUnreadable);
  CHECK(away.trouble == "away");
  CHECK(away.trouble_code == ErrorCode::kUnavailable);
  CHECK(away.set == nullptr);
  CHECK_FALSE(bench.reader.poll());
  CHECK(bench.reader.failures() == 2);
  CHECK_FALSE(bench.reader.poll());
  CHECK(bench.must_report().outcome == Outcome::kReadable);
  CHECK(bench.reader.failures() == 0);
  CHECK_FALSE(bench.reader.poll());

  bench.repository->delete_branch("main");
  bench.repository->push("other", {{"x", "y"}});
  SourceReport gone = bench.must_report();
  CHECK(gone.outcome == Outcome::kHold);
  CHECK(gone.set == nullptr);
  CHECK_FALSE(bench.reader.poll());
  bench.push("3");
  CHECK(bench.must_report().outcome == Outcome::kAccepted);
}

TEST_CASE("every read that fails leaves the commit to be read again") {
  for (Operation operation :
       {Operation::kFetch, Operation::kCommitInfo, Operation::kListTree, Operation::kReadBlob}) {
    Bench bench;
    CommitId commit = bench.push("1");
    bench.source.fail_next(operation, error(ErrorCode::kUnavailable, "away"));
    SourceReport failed = bench.must_report();
    CHECK(failed.outcome == Outcome::kUnreadable);
    CHECK(failed.set == nullptr);
    SourceReport good = bench.must_report();
    CHECK(good.outcome == Outcome::kAccepted);
    CHECK(good.commit->id == commit);
  }
}

TEST_CASE("a damaged mirror is fetched again within the same poll") {
  for (Operation operation : {Operation::kCommitInfo, Operation::kListTree, Operation::kReadBlob}) {
    Bench bench;
    bench.push("1");
    bench.source.fail_next(operation, error(ErrorCode::kCorrupt, "damaged"));
    CHECK(bench.must_report().outcome == Outcome::kAccepted);
    CHECK(bench.source.calls(Operation::kFetch) == 2);
    bench.push("2");
    // The second commit is read as a change of the first.
    Operation second = operation == Operation::kListTree ? Operation::kChangedFiles : operation;
    bench.source.fail_next(second, error(ErrorCode::kCorrupt, "damaged"), 2);
    CHECK(bench.must_report().outcome == Outcome::kUnreadable);
    CHECK(bench.source.calls(Operation::kListTree) <= 2);
  }
}

TEST_CASE("a force-push is noticed, also over a restart, and going back along the branch is one") {
  Bench bench;
  CommitId first = bench.push("1");
  CommitId second = bench.push("2");
  bench.must_report();
  bench.repository->force("main", {{"apps/a.yaml", config_map("a", "3")}});
  SourceReport forced = bench.must_report();
  CHECK(forced.outcome == Outcome::kAccepted);
  CHECK(forced.forced_from == second);
  bench.push("4");
  CHECK_FALSE(bench.must_report().forced_from);
  bench.repository->force("main", first);
  CHECK(bench.must_report().forced_from);

  Bench restarted;
  restarted.push("1");
  restarted.reader.remember_tip(*CommitId::parse(std::string(40, 'd')));
  CHECK(restarted.must_report().forced_from == CommitId::parse(std::string(40, 'd')));
}

TEST_CASE("a bad tree, a path gone and an empty tree are told apart, once each") {
  Bench bench;
  bench.push("1");
  bench.must_report();
  bench.repository->push("main", {{"apps/a.yaml", "image: x\n"}});
  SourceReport bad = bench.must_report();
  CHECK(bad.outcome == Outcome::kRefused);
  CHECK(bad.diagnostics.error_count() == 1);
  CHECK(bad.set == nullptr);
  CHECK_FALSE(bench.reader.poll());
  bench.repository->push("main", {{"other/a.yaml", config_map("a")}});
  SourceReport gone = bench.must_report();
  CHECK(gone.outcome == Outcome::kHold);
  CHECK(gone.trouble.find("does not exist") != std::string::npos);
  CHECK(gone.commit);
  CHECK_FALSE(bench.reader.poll());
  bench.repository->push("main", {{"apps/README.md", "words"}});
  CHECK(bench.must_report().trouble.find("no object") != std::string::npos);
  CHECK_FALSE(bench.reader.poll());
}

TEST_CASE("the time to the next poll has jitter, doubles with failures and is bounded") {
  PollRules rules;
  Rng rng(7);
  for (int i = 0; i < 1000; ++i) {
    Duration wait = next_poll(rules, 0, rng);
    REQUIRE(wait >= 54s);
    REQUIRE(wait <= 66s);
  }
  Duration expected = 5s;
  for (unsigned failures = 1; failures < 100; ++failures) {
    Duration wait = next_poll(rules, failures, rng);
    REQUIRE(wait >= expected * 9 / 10);
    REQUIRE(wait <= expected * 11 / 10);
    expected = std::min<Duration>(expected * 2, 5min);
  }
}

TEST_CASE("the worker reads a real repository, again when poked, and any commit on request") {
  TempDir root;
  GitRepo repo(root / "app");
  std::string first = repo.commit_files({{"apps/a.yaml", config_map("a")}});
  SourceSpec spec;
  spec.url = repo.path();
  spec.ref = {RefChoice::Kind::kBranch, "main"};
  Collector collector;
  SourceWorker::Settings settings;
  settings.application = "root";
  settings.files.path = "apps";
  settings.polls.interval = 1h;
  settings.polls.poke_gap = 0s;
  auto worker =
      std::move(SourceWorker::start(settings, std::move(make_libgit2_source(spec, root / "repos")).value(),
                                    [&](SourceReport report) { collector.add(std::move(report)); }))
          .value();
  SourceReport report = collector.at(0);
  CHECK(report.outcome == Outcome::kAccepted);
  CHECK(report.commit->id.text() == first);
  CHECK(report.application == "root");
  repo.commit_files({{"apps/a.yaml", config_map("a", "2")}});
  worker->poke();
  CHECK(collector.at(1).set->hash != report.set->hash);
  CHECK(worker->request(*CommitId::parse(first)));
  SourceReport asked = collector.at(2);
  CHECK_FALSE(asked.is_tip);
  CHECK(asked.set->hash == report.set->hash);
  uint64_t polls = worker->polls();
  worker->poke();
  while (worker->polls() == polls) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  CHECK(collector.count() == 3);
}

TEST_CASE("a worker whose server hangs ends at once when told to") {
  TempDir root;
  TinyHttp silent([](const std::string&) { return std::string(); });
  SourceSpec spec;
  spec.url = "http://127.0.0.1:" + std::to_string(silent.port()) + "/x.git";
  auto worker =
      std::move(SourceWorker::start({}, std::move(make_libgit2_source(spec, root / "repos")).value(),
                                    [](SourceReport) {}))
          .value();
  while (silent.requests().empty()) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  worker.reset();  // the test would run into the server's 30 s otherwise, and ctest's limit
}

TEST_CASE("bad file rules are refused at the start") {
  SourceWorker::Settings settings;
  settings.files.path = "../x";
  CHECK_FALSE(SourceWorker::start(settings,
                                  std::make_unique<FakeSource>(std::make_shared<FakeRepository>(), "main"),
                                  [](SourceReport) {})
                  .ok());
}
