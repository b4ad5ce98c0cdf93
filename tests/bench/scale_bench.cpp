// A Deployment of 5,000 pods: from its commit to every pod bound and durable, on small and large clusters, empty
// and full. The nodes' agents are not turned meanwhile: they live on other machines.
#include <map>

#include "schema/base/clock.h"
#include "tests/bench/benchmark.h"
#include "tests/bench/daemon.h"
#include "tests/bench/fleet.h"
#include "tests/bench/repository.h"
#include "tests/support/processes.h"

namespace mainstay::bench {
namespace {

constexpr Duration kPatience = 15min;

// Counts the pods of one Deployment that a publication shows bound for the first time.
size_t newly_bound(const Publication& publication, std::string_view prefix) {
  size_t count = 0;
  for (const Change& change : publication.changes) {
    if (change.key.kind != Kind::kPod || !change.after || !change.key.name.starts_with(prefix)) continue;
    bool before = change.before && !as<Pod>(*change.before).spec.node_name.empty();
    if (!before && !as<Pod>(*change.after).spec.node_name.empty()) ++count;
  }
  return count;
}

// Commits one more Deployment and turns until all its pods are bound, durably; how long that took.
Result<Duration> bind_all(Repository& repository, Reading& reading, Daemon& daemon, const std::string& name,
                          size_t pods) {
  ASSIGN_OR_RETURN(std::string commit, repository.commit({{name + ".yaml", deployment_manifest(name, pods)}}));
  size_t bound = 0;
  std::string prefix = name + "-";
  MonoTime begin = read_clock().mono;
  ASSIGN_OR_RETURN(std::optional<SourceNews> news, reading.poll());
  if (!news) return failed("the poll did not find " + commit);
  daemon.send(std::move(*news));
  RETURN_IF_ERROR(daemon.until([&] { return bound >= pods; }, kPatience,
                               [&](const Publication& publication) { bound += newly_bound(publication, prefix); }));
  return read_clock().mono - begin;
}

size_t running_pods(const Snapshot& view) {
  size_t count = 0;
  for (const ObjectPtr& pod : view.list(Kind::kPod)) count += as<Pod>(*pod).status.phase == "Running";
  return count;
}

struct Cell {
  size_t nodes = 0, present = 0;
  auto operator<=>(const Cell&) const = default;
  std::string text() const { return std::to_string(nodes) + "_nodes_" + std::to_string(present) + "_pods_present"; }
};

// Pods per second of one cluster made for it.
Result<double> measure(const Cell& cell, size_t pods) {
  test::TempDir dir;
  ASSIGN_OR_RETURN(Repository repository, Repository::create(dir / "repo.git"));
  ASSIGN_OR_RETURN(std::unique_ptr<Daemon> daemon, Daemon::open(dir / "data"));
  ASSIGN_OR_RETURN(std::unique_ptr<Reading> reading, Reading::open(repository, dir / "mirrors"));
  Fleet fleet(cell.nodes);
  daemon->send(fleet.introduce());
  RETURN_IF_ERROR(daemon->quiet(kPatience));
  if (cell.present > 0) {
    ASSIGN_OR_RETURN([[maybe_unused]] Duration took,
                     bind_all(repository, *reading, *daemon, "present", cell.present));
    RETURN_IF_ERROR(daemon->quiet(kPatience));
    daemon->send(fleet.follow(daemon->durable()));
    RETURN_IF_ERROR(daemon->quiet(kPatience));
    size_t running = running_pods(daemon->durable().view);
    if (running < cell.present) return failed("only " + std::to_string(running) + " pods came to run");
  }
  ASSIGN_OR_RETURN(Duration took, bind_all(repository, *reading, *daemon, "wave", pods));
  return static_cast<double>(pods) / seconds(took);
}

}  // namespace

Result<Finding> bench_scale_up(const Setting& setting) {
  const size_t pods = setting.sized(5'000), present = setting.sized(20'000);
  const size_t few = setting.sized(1'000), many = setting.sized(5'000);
  std::map<Cell, std::vector<double>> rates;
  for (int i = 0; i < setting.repetitions(3); ++i) {
    for (Cell cell : {Cell{few, 0}, Cell{many, 0}, Cell{few, present}, Cell{many, present}}) {
      ASSIGN_OR_RETURN(double rate, measure(cell, pods));
      rates[cell].push_back(rate);
    }
  }
  Finding out;
  out.values.set("pods", static_cast<int64_t>(pods));
  for (const auto& [cell, seen] : rates) out.values.set("pods_per_second_" + cell.text(), median(seen));
  out.expected.set("pods_per_second", 2000);
  auto ratio = [&](Cell a, Cell b) { return median(rates[a]) / median(rates[b]); };
  out.gates.push_back({"rate with 5,000 nodes, of that with 1,000", ratio({many, 0}, {few, 0}), 0.85, false});
  out.gates.push_back({"1,000 nodes, rate with 20,000 pods present, of that without",
                       ratio({few, present}, {few, 0}), 0.75, false});
  out.gates.push_back({"5,000 nodes, rate with 20,000 pods present, of that without",
                       ratio({many, present}, {many, 0}), 0.75, false});
  return out;
}

}  // namespace mainstay::bench
