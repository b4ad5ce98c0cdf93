// When a node is short of something, and what it says and does then: thresholds, conditions over time, who goes first.
#include <catch2/catch.hpp>

#include "nodeagent/housekeeping/eviction_rank.h"
#include "nodeagent/housekeeping/pressure.h"
#include "nodeagent/housekeeping/supply.h"
#include "schema/base/rng.h"
#include "tests/nodeagent/agent_bench.h"
#include "tests/nodeagent/edge_images.h"

namespace mainstay {

using namespace test;  // NOLINT: the bench

namespace {

using Signal = EvictionSignal;
constexpr int64_t kMi = 1 << 20;

EvictionPolicy policy_of(const EvictionFlags& flags) {
  Result<EvictionPolicy> policy = parse_eviction_flags(flags);
  if (!policy.ok()) FAIL(policy.error().message);
  return *policy;
}

EvictionFlags hard(const std::string& text) {
  EvictionFlags flags;
  flags.hard = text;
  return flags;
}

MonoTime at(int64_t seconds) { return {std::chrono::seconds{1000 + seconds}}; }

// The first threshold that is due, or "".
std::string due(const PressureState& state) {
  return state.due.empty() ? "" : std::string(signal_name(state.due.front().signal));
}

ObjectPtr pod_with(const std::string& name, int32_t priority, const std::string& requests = "") {
  auto pod = std::make_shared<Object>(*pod_of(
      "apiVersion: v1\nkind: Pod\nmetadata: {name: " + name +
      ", namespace: d}\nspec:\n  containers: [{name: c, image: i, resources: {requests: {" + requests + "}}}]\n"));
  as<Pod>(*pod).spec.priority = priority;
  return pod;
}

std::vector<std::string> names(const std::vector<PodUse>& order) {
  std::vector<std::string> out;
  for (const PodUse& use : order) out.push_back(use.pod->meta.name);
  return out;
}
using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("each default threshold, one below it and at it") {
  struct Row {
    Signal signal;
    int64_t capacity, threshold;
    const char* name;
    bool memory;
  };
  for (const Row& row : {Row{Signal::kMemoryAvailable, 1 << 30, 100 * kMi, "memory.available", true},
                         Row{Signal::kNodefsAvailable, 1000, 100, "nodefs.available", false},
                         Row{Signal::kNodefsInodesFree, 1000, 50, "nodefs.inodesFree", false},
                         Row{Signal::kImagefsAvailable, 1000, 150, "imagefs.available", false},
                         Row{Signal::kImagefsInodesFree, 1000, 50, "imagefs.inodesFree", false}}) {
    INFO(row.name);
    PressureState enough = judge_pressure({}, policy_of({}), {{row.signal, {row.threshold, row.capacity}}}, at(0));
    CHECK(enough.pressures == NodePressures{});
    CHECK(enough.due.empty());
    PressureState low = judge_pressure({}, policy_of({}), {{row.signal, {row.threshold - 1, row.capacity}}}, at(0));
    CHECK(due(low) == row.name);
    CHECK(low.pressures.memory == row.memory);
    CHECK(low.pressures.disk != row.memory);
  }
  CHECK(judge_pressure({}, policy_of({}), {{Signal::kPidAvailable, {0, 1000}}}, at(0)).due.empty());
  PressureState processes =
      judge_pressure({}, policy_of(hard("pid.available<10%")), {{Signal::kPidAvailable, {99, 1000}}}, at(0));
  CHECK(processes.pressures.pids);
  CHECK(due(processes) == "pid.available");
}

TEST_CASE("flags of thresholds: what they mean, and what is wrong with them") {
  EvictionPolicy policy = policy_of(hard("memory.available<1Gi,nodefs.available<0%,imagefs.available<100%"));
  REQUIRE(policy.thresholds.size() == 1);
  CHECK(policy.thresholds[0].below.units == 1 << 30);
  CHECK(policy_of(hard("")).thresholds.empty());
  CHECK(policy.transition == 5min);
  auto refusal = [](auto set) {
    EvictionFlags flags;
    set(flags);
    Result<EvictionPolicy> read = parse_eviction_flags(flags);
    return read.ok() ? std::string("taken") : read.error().message;
  };
  CHECK(refusal([](auto& f) { f.hard = "memory<1Gi"; }) == "--eviction-hard: unknown eviction signal 'memory'");
  CHECK(refusal([](auto& f) { f.hard = "memory.available"; }) ==
        "--eviction-hard: 'memory.available' is not of the form signal<value");
  CHECK(refusal([](auto& f) { f.hard = "memory.available<1Gi,memory.available<2Gi"; }) ==
        "--eviction-hard: 'memory.available' stands there twice");
  CHECK(refusal([](auto& f) { f.hard = "memory.available<-1"; }) == "--eviction-hard: '-1' is no quantity");
  CHECK(refusal([](auto& f) { f.hard = "memory.available<120%"; }) == "--eviction-hard: '120%' is no percentage");
  CHECK(refusal([](auto& f) { f.hard = "memory.available<nan%"; }) == "--eviction-hard: 'nan%' is no percentage");
  CHECK(refusal([](auto& f) { f.soft = "memory.available<1Gi"; }) ==
        "--eviction-soft-grace-period: the soft threshold of memory.available needs a grace period");
  CHECK(refusal([](auto& f) { f.transition_period = "soon"; }) ==
        "--eviction-pressure-transition-period: 'soon' is no span of time");
  CHECK(refusal([](auto& f) { f.minimum_reclaim = "nodefs.available=x"; }) ==
        "--eviction-minimum-reclaim: 'x' is no quantity");
}

TEST_CASE("a condition stays for the transition period after the shortage, evictions do not") {
  EvictionPolicy policy = policy_of({});
  Supplies low = {{Signal::kMemoryAvailable, {kMi, 1 << 30}}};
  Supplies enough = {{Signal::kMemoryAvailable, {1 << 29, 1 << 30}}};
  PressureState state = judge_pressure({}, policy, low, at(0));
  state = judge_pressure(state, policy, enough, at(10));
  CHECK(state.pressures.memory);
  CHECK(state.due.empty());
  state = judge_pressure(state, policy, enough, at(300));
  CHECK(state.pressures.memory);
  state = judge_pressure(state, policy, enough, at(301));
  CHECK_FALSE(state.pressures.memory);
}

TEST_CASE("a soft threshold is due once its grace is over, and is forgotten when it recovers") {
  EvictionFlags flags = hard("");
  flags.soft = "memory.available<300Mi";
  flags.soft_grace_period = "memory.available=90s";
  EvictionPolicy policy = policy_of(flags);
  Supplies low = {{Signal::kMemoryAvailable, {200 * kMi, 1 << 30}}};
  Supplies enough = {{Signal::kMemoryAvailable, {400 * kMi, 1 << 30}}};
  PressureState state = judge_pressure({}, policy, low, at(0));
  CHECK(state.pressures.memory);
  CHECK(judge_pressure(state, policy, low, at(89)).due.empty());
  CHECK(due(judge_pressure(state, policy, low, at(90))) == "memory.available");
  state = judge_pressure(state, policy, enough, at(50));
  state = judge_pressure(state, policy, low, at(60));
  CHECK(judge_pressure(state, policy, low, at(140)).due.empty());
}

TEST_CASE("minimum reclaim keeps a threshold due until so much more is there") {
  EvictionFlags flags = hard("nodefs.available<10%");
  flags.minimum_reclaim = "nodefs.available=200";
  EvictionPolicy policy = policy_of(flags);
  auto with = [](int64_t available) { return Supplies{{Signal::kNodefsAvailable, {available, 1000}}}; };
  CHECK(judge_pressure({}, policy, with(150), at(0)).due.empty());
  PressureState state = judge_pressure({}, policy, with(99), at(0));
  state = judge_pressure(state, policy, with(299), at(1));
  CHECK(due(state) == "nodefs.available");
  state = judge_pressure(state, policy, with(300), at(2));
  CHECK(state.due.empty());
}

TEST_CASE("memory is given back first; what was not measured counts as enough") {
  Supplies low = {{Signal::kImagefsAvailable, {0, 100}}, {Signal::kMemoryAvailable, {0, 1 << 30}}};
  CHECK(due(judge_pressure({}, policy_of({}), low, at(0))) == "memory.available");
  CHECK(judge_pressure({}, policy_of({}), {}, at(0)).pressures == NodePressures{});
}

TEST_CASE("the order of eviction: over the request, then priority, then how far over it") {
  std::vector<PodUse> pods = {
      {pod_with("within-low", 0, "memory: 100Mi"), 90 * kMi, {}},
      {pod_with("over-high", 1000, "memory: 10Mi"), 500 * kMi, {}},
      {pod_with("over-little", 0, "memory: 100Mi"), 110 * kMi, {}},
      {pod_with("over-much", 0, "memory: 10Mi"), 60 * kMi, {}},
      {pod_with("critical", 2000000000), 900 * kMi, {}},
      {pod_with("unmeasured", 0), std::nullopt, {}},
      {pod_with("within-lower", -5, "memory: 100Mi"), 10 * kMi, {}},
  };
  CHECK(names(eviction_order(pods, ScarceResource::kMemory)) ==
        Names{"unmeasured", "over-much", "over-little", "over-high", "within-lower", "within-low"});
  // Processes are requested by nobody.
  std::vector<PodUse> forks = {{pod_with("few", 0), 3, {}}, {pod_with("many", 0), 30, {}}, {pod_with("low", -1), 1, {}}};
  CHECK(names(eviction_order(forks, ScarceResource::kPids)) == Names{"low", "many", "few"});
}

TEST_CASE("a pod whose containers do not run uses nothing, and goes last") {
  TempDir dir;
  NodePaths paths;
  paths.data_dir = paths.run_dir = dir.path();
  paths.cgroup = "mainstay-of-nobody";
  PodUse waiting = measure_pod_use(paths, pod_with("waiting", 0), ScarceResource::kMemory);
  CHECK(waiting.used == 0);
  CHECK(measure_pod_use(paths, waiting.pod, ScarceResource::kPids).used == 0);
  PodUse fat{pod_with("fat", 0), 500 * kMi, {}};
  CHECK(names(eviction_order({waiting, fat}, ScarceResource::kMemory)) == Names{"fat", "waiting"});
  CHECK(names(eviction_order({waiting, fat}, ScarceResource::kPids)) == Names{"fat", "waiting"});
}

TEST_CASE("the order of eviction is one, whatever order the pods came in") {
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    Rng rng(seed);
    INFO("seed " << seed);
    std::vector<PodUse> pods;
    for (uint64_t i = 0, count = rng.below(9); i < count; ++i) {
      std::string request = rng.chance(50) ? "memory: " + std::to_string(rng.below(4)) : "";
      PodUse use{pod_with("p" + std::to_string(i), static_cast<int32_t>(rng.below(3)), request), std::nullopt, {}};
      if (rng.chance(90)) use.used = static_cast<int64_t>(rng.below(4) * 100 + i);  // no two alike
      pods.push_back(use);
    }
    auto order = eviction_order(pods, ScarceResource::kMemory);
    REQUIRE(order.size() == pods.size());
    auto requested = [](const PodUse& use) {
      const Quantity* found = map_find(as<Pod>(*use.pod).spec.containers[0].resources.requests, "memory");
      return found == nullptr ? 0 : found->units();
    };
    auto exceeds = [&](const PodUse& use) { return !use.used || *use.used > requested(use); };
    for (size_t i = 1; i < order.size(); ++i) {
      const PodUse &first = order[i - 1], &second = order[i];
      CHECK(exceeds(first) >= exceeds(second));
      if (exceeds(first) != exceeds(second)) continue;
      int32_t a = *as<Pod>(*first.pod).spec.priority, b = *as<Pod>(*second.pod).spec.priority;
      CHECK(a <= b);
      if (a != b || !first.used || !second.used) continue;
      CHECK(*first.used - requested(first) >= *second.used - requested(second));
    }
  }
}

TEST_CASE("the message of an eviction is the kubelet's") {
  PodUse use{pod_with("p", 0, "memory: 10Mi"), 60 * kMi, {{"c", 60 * kMi}, {"other", 1}}};
  EvictionThreshold threshold = policy_of({}).thresholds.at(2);
  REQUIRE(threshold.signal == Signal::kMemoryAvailable);
  CHECK(eviction_message(use, threshold, {90 * kMi, 1 << 30}) ==
        "The node was low on resource: memory. Threshold quantity: 100Mi, available: 90Mi. Container c was using 60Mi, "
        "request is 10Mi, has larger consumption of memory. ");
  use.containers = {{"c", 10 * kMi}};
  EvictionThreshold inodes = policy_of(hard("nodefs.inodesFree<5%")).thresholds.at(0);
  CHECK(eviction_message(use, inodes, {3, 1000}).starts_with(
      "The node was low on resource: inodes. Threshold quantity: 50, available: 3. "));
}

TEST_CASE("how long a victim is given") {
  EvictionPolicy policy;
  policy.max_pod_grace = std::chrono::seconds{20};
  EvictionThreshold soft, now;
  soft.hard = false;
  auto pod = std::make_shared<Object>(*pod_with("p", 0));
  as<Pod>(*pod).spec.termination_grace_period_seconds = 60;
  CHECK(eviction_grace(*pod, now, policy) == 1s);
  CHECK(eviction_grace(*pod, soft, policy) == 20s);
  as<Pod>(*pod).spec.termination_grace_period_seconds = 5;
  CHECK(eviction_grace(*pod, soft, policy) == 5s);
}

TEST_CASE("what ails a node, in its conditions and events") {
  NodePressures ill;
  ill.memory = ill.pids = true;
  auto text = [](const NodeCondition& one) { return one.type + "=" + one.status + " " + one.reason; };
  std::vector<NodeCondition> conditions = node_conditions(ill);
  REQUIRE(conditions.size() == 4);
  CHECK(text(conditions[0]) == "MemoryPressure=True KubeletHasInsufficientMemory");
  CHECK(text(conditions[1]) == "DiskPressure=False KubeletHasNoDiskPressure");
  CHECK(text(conditions[2]) == "PIDPressure=True KubeletHasInsufficientPID");
  CHECK(text(conditions[3]) == "Ready=True KubeletReady");
  CHECK(conditions[0].message == "kubelet has insufficient memory available");
  std::vector<AgentEvent> events = pressure_events("n1", {}, ill);
  REQUIRE(events.size() == 2);
  CHECK(events[0].message == "Node n1 status is now: NodeHasInsufficientMemory");
  CHECK(pressure_events("n1", ill, ill).empty());
  ill = {};
  ill.shutting_down = true;
  CHECK(node_conditions(ill)[3].message == "node is shutting down");
}

TEST_CASE("whom a node under pressure turns away") {
  auto why = [](const ObjectPtr& pod, const NodePressures& ill) {
    std::optional<Rejection> rejection = reject_pod(*pod, ill);
    return rejection ? rejection->reason + ": " + rejection->message : "";
  };
  ObjectPtr plain = pod_with("p", 0), asking = pod_with("p", 0, "memory: 1Mi"), critical = pod_with("p", 2000001000);
  NodePressures memory, disk, both, ends;
  memory.memory = disk.disk = both.memory = both.disk = ends.shutting_down = true;
  CHECK(why(plain, {}).empty());
  CHECK(why(plain, memory) == "Evicted: The node had condition: [MemoryPressure]. ");
  CHECK(why(asking, memory).empty());
  CHECK(why(asking, disk) == "Evicted: The node had condition: [DiskPressure]. ");
  CHECK(why(asking, both) == "Evicted: The node had condition: [MemoryPressure DiskPressure]. ");
  CHECK(why(critical, both).empty());
  CHECK(why(critical, ends) == "NodeShutdown: Pod was rejected as the node is shutting down.");
  auto tolerant = std::make_shared<Object>(*plain);
  as<Pod>(*tolerant).spec.tolerations.emplace_back().op = "Exists";
  CHECK(why(tolerant, memory).empty());
}

}  // namespace mainstay
