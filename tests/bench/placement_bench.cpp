// The scheduler alone: how many pods of one Deployment it places in a second on an empty cluster, by what they wish
// of each other. Plain pods beside them set the measure.
#include "reconciler/sched/placement.h"
#include "schema/base/clock.h"
#include "tests/bench/benchmark.h"

namespace mainstay::bench {
namespace {

constexpr size_t kZones = 3;

ClusterView cluster_of(size_t nodes) {
  ClusterView view;
  for (size_t i = 0; i < nodes; ++i) {
    Object object = make_object<Node>("", "node-" + std::to_string(i));
    object.meta.labels = {{"kubernetes.io/hostname", object.meta.name},
                          {"topology.kubernetes.io/zone", "zone-" + std::to_string(i % kZones)}};
    NodeStatus& status = as<Node>(object).status;
    status.allocatable = {{"cpu", Quantity::of(32)}, {"memory", Quantity::of(int64_t{64} << 30)}, {"pods", Quantity::of(110)}};
    status.conditions.push_back({"Ready", "True", {}, {}, "", ""});
    auto node = std::make_shared<const Object>(std::move(object));
    view.apply(Change{1, ChangeOp::kAdd, node->key(), nullptr, node});
  }
  return view;
}

LabelSelector own_selector() {
  LabelSelector out;
  out.match_labels = {{"app", "wave"}};
  return out;
}

using Wish = void (*)(PodSpec& spec);

void nothing(PodSpec&) {}

void apart(PodSpec& spec) {
  PodAffinityTerm term;
  term.topology_key = "kubernetes.io/hostname";
  term.label_selector = own_selector();
  spec.affinity.ensure().pod_anti_affinity.ensure().required_during_scheduling_ignored_during_execution = {term};
}

void spread(PodSpec& spec, bool hard) {
  TopologySpreadConstraint even;
  even.max_skew = 1;
  even.topology_key = "topology.kubernetes.io/zone";
  even.when_unsatisfiable = hard ? "DoNotSchedule" : "ScheduleAnyway";
  even.label_selector = own_selector();
  spec.topology_spread_constraints = {even};
}
void hard_spread(PodSpec& spec) { spread(spec, true); }
void soft_spread(PodSpec& spec) { spread(spec, false); }

std::vector<ObjectPtr> wave(size_t count, Wish wish) {
  std::vector<ObjectPtr> out;
  for (size_t i = 0; i < count; ++i) {
    Object pod = make_object<Pod>("default", "wave-" + std::to_string(100'000 + i));
    pod.meta.labels = {{"app", "wave"}};
    OwnerReference owner;
    owner.uid = "wave";
    owner.controller = true;
    pod.meta.owner_references = {owner};
    PodSpec& spec = as<Pod>(pod).spec;
    spec.containers.emplace_back();
    spec.containers[0].resources.requests = {{"cpu", Quantity::of_milli(100)}, {"memory", Quantity::of(int64_t{64} << 20)}};
    wish(spec);
    out.push_back(std::make_shared<const Object>(std::move(pod)));
  }
  return out;
}

// Pods per second; fails if one finds no place.
Result<double> rate(size_t nodes, size_t pods, Wish wish) {
  ClusterView view = cluster_of(nodes);
  std::vector<ObjectPtr> waiting = wave(pods, wish);
  Rng rng(1);
  MonoTime begin = read_clock().mono;
  Placement placed = place(view, waiting, rng);
  Duration took = read_clock().mono - begin;
  if (placed.bindings.size() < pods) return failed("only " + std::to_string(placed.bindings.size()) + " pods were placed");
  return static_cast<double>(pods) / seconds(took);
}

}  // namespace

Result<Finding> bench_placement(const Setting& setting) {
  struct Row {
    const char* name;
    size_t nodes;
    Wish wish;
    std::vector<double> seen = {};
  };
  const size_t pods = setting.sized(5'000), few = setting.sized(1'000), many = setting.sized(5'000);
  Row rows[] = {{"plain_5000_nodes", many, nothing},
                {"required_anti_affinity_by_hostname_5000_nodes", many, apart},
                {"plain_1000_nodes", few, nothing},
                {"required_zone_spread_1000_nodes", few, hard_spread},
                {"preferred_zone_spread_1000_nodes", few, soft_spread}};
  for (int i = 0; i < setting.repetitions(5); ++i) {
    for (Row& row : rows) {
      ASSIGN_OR_RETURN(double seen, rate(row.nodes, pods, row.wish));
      row.seen.push_back(seen);
    }
  }
  Finding out;
  out.values.set("pods", static_cast<int64_t>(pods));
  for (const Row& row : rows) out.values.set("pods_per_second_" + std::string(row.name), median(row.seen));
  out.expected.set("pods_per_second_plain_5000_nodes", 190'000);
  return out;
}

}  // namespace mainstay::bench
