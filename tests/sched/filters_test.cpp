#include <catch2/catch.hpp>

#include "reconciler/sched/filters.h"
#include "reconciler/sched/scores.h"
#include "reconciler/sched/tournament.h"
#include "tests/sched/cluster.h"

namespace mainstay {
namespace {

NodeState state_of(const Object& node) {
  ClusterView view = view_of({node});
  return *view.find(node.meta.name);
}

std::vector<std::string> reasons(const Object& pod, const Object& node) {
  NodeState state = state_of(node);
  Footprint footprint = footprint_of(pod);
  std::vector<std::string> out = refuse(as<Pod>(pod).spec, footprint, state).reasons;
  bool fits = node_suits(as<Pod>(pod).spec, state) && node_has_room(footprint, state);
  CHECK(fits == out.empty());
  return out;
}

using Reasons = std::vector<std::string>;

TEST_CASE("tolerations match taints as Kubernetes says") {
  struct Row {
    Toleration toleration;
    bool tolerated;
  };
  Taint taint = taint_of("team", "red", "NoSchedule");
  for (const Row& row : std::vector<Row>{
           {toleration_of("team", "Equal", "red", "NoSchedule"), true},
           {toleration_of("team", "", "red", ""), true},
           {toleration_of("team", "Equal", "blue", ""), false},
           {toleration_of("team", "Exists", "", ""), true},
           {toleration_of("team", "Exists", "", "NoExecute"), false},
           {toleration_of("other", "Exists", "", ""), false},
           {toleration_of("", "Exists", "", ""), true},
           {toleration_of("", "Equal", "red", ""), false},
       }) {
    CAPTURE(row.toleration.key, row.toleration.op, row.toleration.value, row.toleration.effect);
    CHECK(tolerates({row.toleration}, taint) == row.tolerated);
  }
  CHECK_FALSE(tolerates({}, taint));
}

TEST_CASE("node affinity operators, with and without the label") {
  Object node = ready_node("n1");
  map_slot(node.meta.labels, "rank") = "5";
  struct Row {
    NodeSelectorRequirement requirement;
    bool matches;
  };
  for (const Row& row : std::vector<Row>{
           {requirement_of("rank", "In", {"4", "5"}), true},   {requirement_of("rank", "In", {"4"}), false},
           {requirement_of("rank", "NotIn", {"5"}), false},    {requirement_of("none", "NotIn", {"5"}), true},
           {requirement_of("rank", "Exists", {}), true},       {requirement_of("none", "Exists", {}), false},
           {requirement_of("none", "DoesNotExist", {}), true}, {requirement_of("rank", "DoesNotExist", {}), false},
           {requirement_of("rank", "Gt", {"4"}), true},        {requirement_of("rank", "Gt", {"5"}), false},
           {requirement_of("rank", "Lt", {"6"}), true},        {requirement_of("none", "Lt", {"6"}), false},
           {requirement_of("kubernetes.io/hostname", "Gt", {"1"}), false},
       }) {
    CAPTURE(row.requirement.key, row.requirement.op);
    NodeSelectorTerm term;
    term.match_expressions = {row.requirement};
    CHECK(matches(term, node) == row.matches);
  }
  CHECK_FALSE(matches(NodeSelectorTerm{}, node));
  NodeSelectorTerm by_name;
  by_name.match_fields = {requirement_of("metadata.name", "In", {"n1"})};
  CHECK(matches(by_name, node));
  by_name.match_expressions = {requirement_of("rank", "Lt", {"1"})};
  CHECK_FALSE(matches(by_name, node));
}

TEST_CASE("each filter refuses in Kubernetes' words, the first one alone") {
  Object node = ready_node("n1", {"1", "1Gi", "1"});
  CHECK(reasons(waiting_pod("p", "1", "1Gi"), node).empty());
  CHECK(reasons(waiting_pod("p", "1001m"), node) == Reasons{"Insufficient cpu"});
  CHECK(reasons(waiting_pod("p", "2", "2Gi"), node) == Reasons{"Insufficient cpu", "Insufficient memory"});

  Object gpu = waiting_pod("p");
  map_slot(as<Pod>(gpu).spec.containers[0].resources.requests, "example.com/gpu") = Quantity::of(1);
  CHECK(reasons(gpu, node) == Reasons{"Insufficient example.com/gpu"});

  Object storage = waiting_pod("p");
  map_slot(as<Pod>(storage).spec.containers[0].resources.requests, "ephemeral-storage") = amount("1Mi");
  CHECK(reasons(storage, node) == Reasons{"Insufficient ephemeral-storage"});

  Object no_pods = ready_node("n2", {"1", "1Gi", "0"});
  CHECK(reasons(waiting_pod("p", "2"), no_pods) == Reasons{"Too many pods", "Insufficient cpu"});

  Object selecting = waiting_pod("p");
  map_slot(as<Pod>(selecting).spec.node_selector, "disk") = "ssd";
  CHECK(reasons(selecting, node) == Reasons{"node(s) didn't match Pod's node affinity/selector"});

  Object tainted = ready_node("n3", {"0", "0", "0"});
  as<Node>(tainted).spec.taints = {taint_of("a", "", "PreferNoSchedule"), taint_of("k", "v", "NoExecute")};
  CHECK(reasons(selecting, tainted) == Reasons{"node(s) had untolerated taint {k: v}"});

  Object cordoned = tainted;
  as<Node>(cordoned).spec.unschedulable = true;
  CHECK(reasons(selecting, cordoned) == Reasons{"node(s) were unschedulable"});

  Object elsewhere = waiting_pod("p");
  as<Pod>(elsewhere).spec.node_name = "other";
  CHECK(reasons(elsewhere, node) == Reasons{"node(s) didn't match the requested node name"});
}

TEST_CASE("a node that is not ready takes no pod even before it is tainted") {
  Object node = ready_node("n1");
  as<Node>(node).status.conditions[0].status = "Unknown";
  CHECK(reasons(waiting_pod("p"), node) == Reasons{"node(s) had untolerated taint {node.kubernetes.io/unreachable: }"});
  as<Node>(node).status.conditions.clear();
  CHECK(reasons(waiting_pod("p"), node) == Reasons{"node(s) had untolerated taint {node.kubernetes.io/not-ready: }"});
  Object tolerant = waiting_pod("p");
  as<Pod>(tolerant).spec.tolerations = {toleration_of("node.kubernetes.io/not-ready", "Exists", "", "")};
  CHECK(reasons(tolerant, node).empty());
}

TEST_CASE("host ports clash by address, protocol and number") {
  HostPort any{"", "TCP", 80}, local{"127.0.0.1", "TCP", 80}, other{"10.0.0.1", "TCP", 80};
  CHECK(ports_clash(any, local));
  CHECK(ports_clash(local, any));
  CHECK(ports_clash(local, local));
  CHECK_FALSE(ports_clash(local, other));
  CHECK_FALSE(ports_clash(any, HostPort{"", "UDP", 80}));
  CHECK_FALSE(ports_clash(any, HostPort{"", "TCP", 81}));
}

TEST_CASE("a footprint counts init containers, sidecars and what is missing") {
  Object object = waiting_pod("p", "100m", "64Mi");
  PodSpec& spec = as<Pod>(object).spec;
  spec.containers.push_back(spec.containers[0]);
  map_slot(spec.containers[1].resources.requests, "cpu") = amount("200m");
  auto init = [&](std::string_view cpu, bool sidecar) {
    Container container;
    map_slot(container.resources.requests, "cpu") = amount(cpu);
    if (sidecar) container.restart_policy = "Always";
    spec.init_containers.push_back(container);
  };
  init("500m", false);
  init("50m", true);
  init("300m", false);
  CHECK(footprint_of(object).requests.cpu_milli == 500);
  CHECK(footprint_of(object).score_cpu_milli == 500);
  CHECK(footprint_of(object).requests.memory == 128 << 20);

  Footprint nothing = footprint_of(waiting_pod("q"));
  CHECK(nothing.requests == Amounts{});
  CHECK(nothing.score_cpu_milli == 100);
  CHECK(nothing.score_memory == 200 << 20);
}

TEST_CASE("an absurd request neither overflows nor fits") {
  Object node = ready_node("n1");
  Object pod = waiting_pod("p", "9223372036854775807", "8Ei");
  CHECK(reasons(pod, node) == Reasons{"Insufficient cpu", "Insufficient memory"});
  Footprint footprint = footprint_of(pod);
  ClusterView view = view_of({node});
  for (int i = 0; i < 1000; ++i) view.add(0, footprint);
  CHECK(view.slots()[0].requested.memory > 0);
  for (int i = 0; i < 1000; ++i) view.take(0, footprint);
  CHECK(view.text() == view_of({node}).text());
}

TEST_CASE("scores: Kubernetes' worked numbers") {
  Object node = ready_node("n1", {"4", "8Gi", "110"});
  ClusterView view = view_of({node});
  view.add(0, footprint_of(waiting_pod("there", "1", "2Gi")));
  Footprint pod = footprint_of(waiting_pod("p", "1", "2Gi"));
  CHECK(least_allocated_score(pod, view.slots()[0]) == 50);
  CHECK(balanced_score(pod, view.slots()[0]) == 100);
  Footprint lopsided = footprint_of(waiting_pod("p", "3", "0"));
  CHECK(balanced_score(lopsided, view.slots()[0]) == 62);  // 1 - (1.0 - 0.25) / 2, cut
  CHECK(least_allocated_score(footprint_of(waiting_pod("p", "9", "20Gi")), view.slots()[0]) == 0);
  CHECK(spread_score(0) == 100);
  CHECK(spread_score(1) == 50);
}

TEST_CASE("a tournament knows the best and all who tie") {
  for (uint64_t seed : test_seeds(20)) {
    CAPTURE(seed);
    Rng rng(seed);
    std::vector<int32_t> scores(1 + rng.below(40));
    for (int32_t& score : scores) score = static_cast<int32_t>(rng.below(5)) - 1;
    Tournament tournament(scores);
    for (int step = 0; step < 100; ++step) {
      int32_t best = *std::max_element(scores.begin(), scores.end());
      std::vector<uint32_t> winners;
      for (uint32_t i = 0; i < scores.size(); ++i) {
        if (scores[i] == best) winners.push_back(i);
      }
      REQUIRE(tournament.best() == best);
      REQUIRE(tournament.ties() == winners.size());
      for (uint32_t i = 0; i < winners.size(); ++i) REQUIRE(tournament.winner(i) == winners[i]);
      uint32_t at = static_cast<uint32_t>(rng.below(scores.size()));
      scores[at] = static_cast<int32_t>(rng.below(5)) - 1;
      tournament.set(at, scores[at]);
    }
  }
}

}  // namespace
}  // namespace mainstay
