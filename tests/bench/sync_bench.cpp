// From a commit to sealed or durable objects: a cold tree, one changed file, nothing new.
#include <map>

#include "schema/base/clock.h"
#include "schema/json.h"
#include "tests/bench/benchmark.h"
#include "tests/bench/daemon.h"
#include "tests/bench/limits.h"
#include "tests/bench/repository.h"
#include "tests/support/processes.h"

namespace mainstay::bench {
namespace {

constexpr Duration kPatience = 10min;
// Turns until a commit that changes one object must have been sealed.
constexpr int kMostTurns = 200;

Result<SourceNews> poll_news(Reading& reading) {
  ASSIGN_OR_RETURN(std::optional<SourceNews> news, reading.poll());
  if (!news) return failed("the poll found no new commit");
  return std::move(*news);
}

// A daemon that has applied a repository of `size` manifests, durably.
struct Synced {
  test::TempDir dir;
  std::optional<Repository> repository;
  std::unique_ptr<Reading> reading;
  std::unique_ptr<Daemon> daemon;
  std::string commit;
  size_t size = 0;
  Duration fetch{0}, took{0};  // of the first commit: tip and fetch; from then to durable
  Duration read{0};            // the part of it until the desired set was there
  Duration longest_turn{0};    // while it landed: what a report or an API write can have to wait
  DesiredSetPtr set;
};

Status make_repository(Synced& synced, size_t size) {
  synced.size = size;
  ASSIGN_OR_RETURN(synced.repository, Repository::create(synced.dir / "repo.git"));
  ASSIGN_OR_RETURN(synced.commit, synced.repository->commit(manifest_tree(size)));
  return {};
}

Status sync_cold(Synced& synced) {
  ASSIGN_OR_RETURN(synced.daemon, Daemon::open(synced.dir / "data"));
  RETURN_IF_ERROR(synced.daemon->quiet(kPatience));
  ASSIGN_OR_RETURN(synced.reading, Reading::open(*synced.repository, synced.dir / "mirrors"));
  MonoTime begin = read_clock().mono;
  ASSIGN_OR_RETURN(SourceNews news, poll_news(*synced.reading));
  synced.set = news.set;
  synced.read = read_clock().mono - begin - synced.reading->cost().wall;
  synced.daemon->take_longest_turn();
  synced.daemon->send(std::move(news));
  Daemon& daemon = *synced.daemon;
  auto all_durable = [&] {
    const Snapshot& view = daemon.durable().view;
    return view.count(Kind::kConfigMap) + view.count(Kind::kDeployment) >= synced.size;
  };
  RETURN_IF_ERROR(daemon.until(all_durable, kPatience));
  synced.fetch = synced.reading->cost().wall;
  synced.took = read_clock().mono - begin - synced.fetch;
  synced.longest_turn = synced.daemon->take_longest_turn();
  return {};
}

struct OneFile {
  double cpu_ms = 0, read_ms = 0, turn_ms = 0, diff_ms = 0;  // medians
};

// CPU of reading, less tip and fetch, and of the turns until the change is sealed.
Result<OneFile> measure_one_file(Synced& synced, int commits) {
  std::vector<double> read, turns, total, diffs;
  RETURN_IF_ERROR(synced.daemon->quiet(kPatience));
  for (int i = 0; i < commits; ++i) {
    size_t index = synced.size / 2 + static_cast<size_t>(i) * 7;
    ASSIGN_OR_RETURN(std::string next, synced.repository->commit({changed_config_map(index % synced.size, i + 1)}));
    SourceCost before = synced.reading->cost();
    Duration cpu = process_cpu();
    ASSIGN_OR_RETURN(SourceNews news, poll_news(*synced.reading));
    Duration reading = process_cpu() - cpu - (synced.reading->cost().cpu - before.cpu);
    synced.daemon->send(std::move(news));
    cpu = thread_cpu();
    size_t sealed = 0;
    for (int turn = 0; turn < kMostTurns && sealed == 0; ++turn) sealed = synced.daemon->turn();
    Duration turning = thread_cpu() - cpu;
    if (sealed == 0) return failed("a commit that changes one file changed no object");
    RETURN_IF_ERROR(synced.daemon->quiet(kPatience));
    ASSIGN_OR_RETURN(Duration diff, tree_diff_cpu(synced.repository->path(), synced.commit, next));
    synced.commit = next;
    read.push_back(milliseconds(reading));
    turns.push_back(milliseconds(turning));
    total.push_back(milliseconds(reading + turning));
    diffs.push_back(milliseconds(diff));
  }
  return OneFile{median(total), median(read), median(turns), median(diffs)};
}

}  // namespace

Result<Finding> bench_cold_tree(const Setting& setting) {
  const size_t size = setting.sized(10'000);
  std::vector<double> ours, fetches, reads, turns, blobs, yaml, rows, limits;
  for (int i = 0; i < setting.repetitions(3); ++i) {
    Synced synced;
    RETURN_IF_ERROR(make_repository(synced, size));
    RETURN_IF_ERROR(sync_cold(synced));
    synced.daemon.reset();
    ASSIGN_OR_RETURN(ReadBlobs read, read_blobs(synced.repository->path()));
    ASSIGN_OR_RETURN(Duration parsed, parse_yaml_events(read.bytes));
    std::vector<std::string> bodies;
    for (const DesiredObject& object : synced.set->objects) bodies.push_back(to_json(*object.declared));
    ASSIGN_OR_RETURN(Duration inserted, insert_rows(synced.dir / "limit.db", bodies));
    ours.push_back(milliseconds(synced.took));
    fetches.push_back(milliseconds(synced.fetch));
    reads.push_back(milliseconds(synced.read));
    turns.push_back(milliseconds(synced.longest_turn));
    blobs.push_back(milliseconds(read.took));
    yaml.push_back(milliseconds(parsed));
    rows.push_back(milliseconds(inserted));
    limits.push_back(milliseconds(read.took + parsed + inserted));
  }
  Finding out;
  out.values.set("manifests", static_cast<int64_t>(size));
  out.values.set("fetched_to_durable_ms", median(ours));
  out.values.set("objects_per_second", static_cast<double>(size) * 1e3 / median(ours));
  out.values.set("fetch_ms", median(fetches));
  out.values.set("of_it_reading_ms", median(reads));
  out.values.set("longest_turn_ms", median(turns));
  out.limits.set("total_ms", median(limits));
  out.limits.set("read_blobs_ms", median(blobs));
  out.limits.set("libyaml_events_ms", median(yaml));
  out.limits.set("sqlite_batched_ms", median(rows));
  out.expected.set("objects_per_second", 4000);
  out.expected.set("longest_turn_ms", 250);
  out.gates.push_back({"share of the limit's rate", median(limits) / median(ours), 0.4, false});
  return out;
}

Result<Finding> bench_one_file(const Setting& setting) {
  std::map<size_t, OneFile> found;
  const size_t small = setting.sized(10'000), large = setting.sized(50'000);
  for (size_t size : {small, large}) {
    Synced synced;
    RETURN_IF_ERROR(make_repository(synced, size));
    RETURN_IF_ERROR(sync_cold(synced));
    ASSIGN_OR_RETURN(found[size], measure_one_file(synced, setting.repetitions(9)));
  }
  Finding out;
  for (const auto& [size, one] : found) {
    std::string at = "_at_" + std::to_string(size);
    out.values.set("cpu_ms" + at, one.cpu_ms);
    out.values.set("of_it_reading_ms" + at, one.read_ms);
    out.values.set("of_it_turns_ms" + at, one.turn_ms);
    out.limits.set("tree_diff_cpu_ms" + at, one.diff_ms);
  }
  out.expected.set("cpu_ms_at_10000", 25);
  out.gates.push_back({"times the tree diff", found[small].cpu_ms / found[small].diff_ms, 3, true});
  out.gates.push_back({"50,000 manifests, times 10,000", found[large].cpu_ms / found[small].cpu_ms, 3, true});
  return out;
}

Result<Finding> bench_noop_poll(const Setting& setting) {
  Synced synced;
  RETURN_IF_ERROR(make_repository(synced, setting.sized(10'000)));
  RETURN_IF_ERROR(sync_cold(synced));
  RETURN_IF_ERROR(synced.daemon->quiet(kPatience));
  const int polls = 50;
  const SourceCost before = synced.reading->cost();
  const uint64_t turns = synced.daemon->turns(), transactions = synced.daemon->journal().transactions;
  std::vector<double> cpu, wall;
  int reports = 0;
  for (int i = 0; i < polls; ++i) {
    MonoTime begin = read_clock().mono;
    Duration used = process_cpu();
    ASSIGN_OR_RETURN(std::optional<SourceNews> news, synced.reading->poll());
    cpu.push_back(milliseconds(process_cpu() - used));
    wall.push_back(milliseconds(read_clock().mono - begin));
    if (!news) continue;
    ++reports;
    synced.daemon->send(std::move(*news));
    synced.daemon->turn();
  }
  const SourceCost& after = synced.reading->cost();
  auto each = [&](uint64_t now, uint64_t then) { return static_cast<double>(now - then) / polls; };
  Finding out;
  out.values.set("cpu_ms", median(cpu));
  out.values.set("wall_ms", median(wall));
  out.expected.set("cpu_ms", 3);
  out.gates.push_back({"ref advertisements per poll", each(after.tips, before.tips), 1, true});
  out.gates.push_back({"fetches per poll", each(after.fetches, before.fetches), 0, true});
  out.gates.push_back({"reads of the mirror per poll", each(after.reads, before.reads), 0, true});
  out.gates.push_back({"reports", static_cast<double>(reports), 0, true});
  out.gates.push_back({"turns", each(synced.daemon->turns(), turns), 0, true});
  out.gates.push_back({"store writes", each(synced.daemon->journal().transactions, transactions), 0, true});
  return out;
}

}  // namespace mainstay::bench
