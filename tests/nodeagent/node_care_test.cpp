// What pressure and shutdown do to pods, over a simulated node in virtual time.
#include <catch2/catch.hpp>

#include "nodeagent/housekeeping/housekeeper.h"
#include "tests/nodeagent/agent_bench.h"

namespace mainstay {

using namespace test;  // NOLINT: the bench

namespace {

ObjectPtr named(const std::string& name, int32_t priority = 0, const std::string& stop_delay = "20ms") {
  auto pod = std::make_shared<Object>(*pod_of(
      "apiVersion: v1\nkind: Pod\nmetadata: {name: " + name + ", namespace: d, annotations: {mainstay/simulated-stop-delay: \"" +
      stop_delay + "\"}}\nspec:\n  containers: [{name: c, image: i}]\n"));
  as<Pod>(*pod).spec.priority = priority;
  return pod;
}

NodePressures short_of_memory() {
  NodePressures out;
  out.memory = true;
  return out;
}

}  // namespace

TEST_CASE("an evicted pod has failed, with the reason, the message and its disruption") {
  Bench bench;
  bench.assign({pod_of(kPod)});
  bench.run(5s);
  bench.step({EvictPod{"uid-p", "Evicted", "The node was low on resource: memory. ", 1s}});
  bench.run(5s);
  const PodStatus& status = bench.status("p");
  CHECK(status.phase == "Failed");
  CHECK(status.reason == "Evicted");
  CHECK(status.message == "The node was low on resource: memory. ");
  CHECK(condition(status, "DisruptionTarget") == "True");
  CHECK(reason_of(status, "DisruptionTarget") == "TerminationByKubelet");
  CHECK(bench.event_message("Evicted") == "The node was low on resource: memory. ");
}

TEST_CASE("a pod that is evicted while it waits says why it ended, not what it waited for") {
  Bench bench;
  bench.intercept = [](const Operation& operation) -> std::optional<Bench::Outcome> {
    if (!std::holds_alternative<EnsureImage>(operation.body)) return std::nullopt;
    return Bench::Outcome(error(ErrorCode::kNotFound, "no such image"));
  };
  ObjectPtr pod = pod_of(kPod);
  bench.assign({pod});
  bench.run(5s);
  REQUIRE(bench.word(pod) == "ErrImagePull");
  bench.step({EvictPod{"uid-p", "Evicted", "The node was low on resource: memory. ", 1s}});
  bench.run(5s);
  CHECK(bench.status("p").phase == "Failed");
  CHECK(bench.word(pod) == "Evicted");
  auto known = std::make_shared<Object>(*pod);
  as<Pod>(*known).status = bench.status("p");
  bench.restart();
  bench.assign({known});
  bench.run(5s);
  CHECK(bench.word(pod) == "Evicted");
}

TEST_CASE("a node under pressure turns new pods away and keeps those it has") {
  Bench bench;
  bench.assign({named("old")});
  bench.run(5s);
  bench.step({short_of_memory()});
  bench.assign({named("old"), named("new")});
  bench.run(5s);
  CHECK(bench.status("old").phase == "Running");
  CHECK(bench.status("new").phase == "Failed");
  CHECK(bench.status("new").reason == "Evicted");
  CHECK(bench.status("new").message == "Pod was rejected: The node had condition: [MemoryPressure]. ");
  CHECK(bench.status("new").container_statuses.empty());
  CHECK(bench.event_message("Evicted") == "The node had condition: [MemoryPressure]. ");
  CHECK_FALSE(bench.node.uids().count("uid-new"));
  SECTION("also after a restart of the agent") {
    bench.restart();
    bench.step({short_of_memory()});
    bench.assign({named("old")});
    bench.run(5s);
    CHECK(bench.status("old").phase == "Running");
  }
}

TEST_CASE("what ended containers left is collected once, and only of pods that are over") {
  Bench bench;
  std::string never = kPod;
  never.replace(never.find("  terminationGrace"), 0, "  restartPolicy: Never\n");
  bench.assign({pod_of(with_annotation(never, "run-time", "1s")), named("runs")});
  bench.run(20s);
  std::vector<std::string> removed;
  bench.intercept = [&](const Operation& operation) -> std::optional<Bench::Outcome> {
    if (auto* one = std::get_if<RemoveContainer>(&operation.body)) removed.push_back(one->key.uid);
    return std::nullopt;
  };
  auto collectable = [&] {
    size_t count = 0;
    for (const HousedPod& pod : view_node(*bench.core).pods) count += pod.collectable ? 1 : 0;
    return count;
  };
  CHECK(view_node(*bench.core).known);
  CHECK(collectable() == 1);
  bench.step({CollectContainers{}});
  bench.step({CollectContainers{}});
  bench.run(60s);
  CHECK(removed == std::vector<std::string>{"uid-p"});
  CHECK(collectable() == 0);
  CHECK(bench.status("p").phase == "Succeeded");
  REQUIRE(bench.status("p").container_statuses.at(0).state.terminated);
  CHECK(bench.status("p").container_statuses.at(0).state.terminated->exit_code == 0);
}

TEST_CASE("images of containers that are there are in use, and of those that wait for their start") {
  Bench bench;
  bench.assign({pod_of(kPod)});
  bench.run(5s);
  NodeView view = view_node(*bench.core);
  CHECK_FALSE(view.images_in_use.empty());
  AgentCore fresh(NodeFacts{}, "boot", {});
  CHECK_FALSE(view_node(fresh).known);
}

TEST_CASE("shutdown: ordinary pods end first, then critical ones, with Kubernetes' words, and none comes back") {
  Bench bench;
  ObjectPtr web = named("web", 0, "2s"), slow = named("slow", 0, "never"), dns = named("dns", 2000000000, "1s");
  bench.assign({web, slow, dns});
  bench.run(5s);
  bench.log.clear();
  bench.step({BeginShutdown{30s, 10s}});
  CHECK(bench.core->pressures().shutting_down);
  bench.run(5s);
  CHECK(bench.status("web").phase == "Failed");
  CHECK(bench.status("web").reason == "Terminated");
  CHECK(bench.status("web").message == "Pod was terminated in response to imminent node shutdown.");
  CHECK(condition(bench.status("web"), "DisruptionTarget") == "True");
  CHECK(bench.status("dns").phase == "Running");
  CHECK_FALSE(bench.core->is_drained());
  bench.run(14s);
  CHECK(bench.status("dns").phase == "Running");
  CHECK(bench.status("slow").phase == "Running");
  bench.run(5s);
  CHECK(bench.status("slow").phase == "Failed");
  CHECK(bench.status("dns").phase == "Failed");
  CHECK(bench.status("dns").reason == "Terminated");
  bench.run(1s);
  CHECK(bench.core->is_drained());
  bench.assign({web, slow, dns, named("late")});
  bench.run(5s);
  CHECK(bench.status("late").reason == "NodeShutdown");
  CHECK(bench.status("web").phase == "Failed");
}

TEST_CASE("shutdown: critical pods wait no longer than for the ordinary ones") {
  Bench bench;
  bench.assign({named("web"), named("dns", 2000000000)});
  bench.run(5s);
  bench.step({BeginShutdown{30s, 10s}});
  bench.run(2s);
  CHECK(bench.status("dns").phase == "Failed");
  CHECK(bench.core->is_drained());
}

TEST_CASE("pressure and shutdown are told of together") {
  Bench bench;
  bench.assign({});
  bench.run(1s);
  bench.step({BeginShutdown{}});
  bench.step({short_of_memory()});
  CHECK(bench.core->pressures().shutting_down);
  CHECK(bench.core->pressures().memory);
}

}  // namespace mainstay
