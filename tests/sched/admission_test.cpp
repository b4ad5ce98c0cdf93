// Pods that come with a node's name: what the kubelet would refuse is refused.
#include "reconciler/sched/admission.h"

#include <catch2/catch.hpp>

#include "tests/sched/reference.h"

namespace mainstay {
namespace {

Object bound_pod(std::string_view name, std::string_view node = "n1") {
  Object pod = waiting_pod(name);
  as<Pod>(pod).spec.node_name = node;
  return pod;
}

Object with_port(std::string_view name, int32_t port) {
  Object pod = bound_pod(name);
  ContainerPort held;
  held.container_port = held.host_port = port;
  held.protocol = "TCP";
  as<Pod>(pod).spec.containers[0].ports = {held};
  return pod;
}

Object with_cpu(std::string_view name, int64_t cores) {
  Object pod = bound_pod(name);
  as<Pod>(pod).spec.containers[0].resources.requests = {{"cpu", Quantity::of(cores)}};
  return pod;
}

// Reasons by pod, of those that were judged.
std::vector<std::string> judged(std::vector<Object> objects, std::vector<Object> nodes = {ready_node("n1")}) {
  ClusterView view;
  auto enter = [&](Object object) {
    auto shared = std::make_shared<const Object>(std::move(object));
    view.apply(Change{1, ChangeOp::kAdd, shared->key(), nullptr, shared});
    return shared;
  };
  for (Object& node : nodes) enter(std::move(node));
  std::vector<ObjectPtr> pods;
  for (Object& object : objects) pods.push_back(enter(std::move(object)));
  std::string before = view.text();
  std::vector<std::string> out;
  for (const Admission& one : admit_bound(view, pods)) out.push_back(one.reason);
  CHECK(view.text() == before);
  return out;
}

using Reasons = std::vector<std::string>;

}  // namespace

TEST_CASE("a pod that names its node is taken in if it fits, and else fails with the kubelet's reason") {
  CHECK(judged({bound_pod("a")}) == Reasons{""});
  CHECK(judged({with_cpu("a", 10'000)}) == Reasons{"OutOfcpu"});
  Object elsewhere = bound_pod("a");
  as<Pod>(elsewhere).spec.node_selector = {{"kubernetes.io/hostname", "n2"}};
  CHECK(judged({elsewhere}) == Reasons{"NodeAffinity"});
}

TEST_CASE("of pods that cannot all be on their node those that came first are") {
  CHECK(judged({with_port("b", 80), with_port("a", 80), with_port("c", 81)}) == Reasons{"", "NodePorts", ""});
  Object node = ready_node("n1");
  const Quantity* cores = map_find(as<Node>(node).status.allocatable, "cpu");
  REQUIRE(cores != nullptr);
  int64_t half = cores->units() / 2;
  CHECK(judged({with_cpu("c", half), with_cpu("b", half), with_cpu("a", half)}) == Reasons{"", "", "OutOfcpu"});
}

TEST_CASE("a node that is not there, or has not said what it has, judges nobody") {
  CHECK(judged({bound_pod("a", "n2")}).empty());
  CHECK(judged({bound_pod("a")}, {make_object<Node>("", "n1")}).empty());
}

TEST_CASE("only pods that nobody has judged and that have not begun are judged") {
  CHECK(needs_admission(bound_pod("a")));
  CHECK_FALSE(needs_admission(waiting_pod("a")));
  Object scheduled = bound_pod("a");
  as<Pod>(scheduled).status.conditions.emplace_back().type = "PodScheduled";
  CHECK_FALSE(needs_admission(scheduled));
  Object begun = bound_pod("a");
  as<Pod>(begun).status.start_time = WallTime{std::chrono::seconds{1}};
  CHECK_FALSE(needs_admission(begun));
  Object over = bound_pod("a");
  as<Pod>(over).status.phase = "Failed";
  CHECK_FALSE(needs_admission(over));
}

}  // namespace mainstay
