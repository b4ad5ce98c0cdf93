// What becomes of pods when an agent, or the power, fails under them, over a simulated node in virtual time.
#include <catch2/catch.hpp>

#include "schema/base/inbox.h"
#include "tests/nodeagent/agent_bench.h"
#include "tests/nodeagent/fake_world.h"

namespace mainstay {

using namespace test;  // NOLINT: the bench

namespace {

using Log = std::vector<std::string>;

const ContainerStatus& app(Bench& bench) { return bench.status("p").container_statuses.at(0); }
std::string waiting(const ContainerStatus& status) { return status.state.waiting ? status.state.waiting->reason : ""; }

const std::string kTwoInits = R"(
  initContainers: [{name: one, image: i}, {name: two, image: i}]
  containers: [{name: web, image: i}]
)";

}  // namespace

TEST_CASE("after a power loss init containers run again and restarts go on counting") {
  Bench bench;
  ObjectPtr pod = living_pod(kTwoInits);
  bench.assign({pod});
  bench.run(5s);
  REQUIRE(bench.status("p").phase == "Running");
  auto known = std::make_shared<Object>(*pod);
  as<Pod>(*known).status = bench.status("p");
  bench.node.power_loss();
  bench.restart();
  bench.log.clear();
  bench.assign({known});
  bench.run(5s);
  CHECK(bench.log == Log{"set up", "start one.1", "start two.1", "start web.1"});
  CHECK(bench.status("p").phase == "Running");
  CHECK(app(bench).restart_count == 1);
  REQUIRE(app(bench).last_state.terminated);
  CHECK(app(bench).last_state.terminated->reason == "ContainerStatusUnknown");
  CHECK(app(bench).last_state.terminated->exit_code == 137);
  CHECK(bench.has_event("SandboxChanged"));
}

TEST_CASE("a sandbox whose pod has no address any more is no sandbox") {
  FakeWorld world;
  FakeDoors doors(world);
  for (const char* uid : {"moved", "stays", "host"}) world.sandboxes[uid].uid = uid;
  world.networks["moved"] = {"moved", "", "/run/netns/moved", "", {}};
  world.networks["stays"] = {"stays", "10.88.0.2", "/run/netns/stays", "veth0", {}};
  Inbox<OperationResult> results(10);
  auto executor = make_door_executor(
      doors.doors(), 1, [&](OperationResult result) { results.push(std::move(result)); },
      [](const TokenOrder&) { return Result<IssuedToken>(failed("none")); });
  executor->submit({1, "", Observe{}});
  std::vector<OperationResult> got = results.take_all(std::chrono::seconds{10});
  executor->stop();
  REQUIRE(got.size() == 1);
  const Observed& observed = std::get<Observed>(got[0].outcome);
  std::map<std::string, bool> ready;
  for (const RuntimeSandbox& sandbox : observed.runtime.sandboxes) ready[sandbox.spec.uid] = sandbox.ready;
  CHECK(ready == std::map<std::string, bool>{{"moved", false}, {"stays", true}, {"host", true}});
}

TEST_CASE("a container that ran well before a power loss does not pay for how it began") {
  Bench bench;
  bool broken = true;
  bench.intercept = [&](const Operation& operation) -> std::optional<Bench::Outcome> {
    if (!broken || !std::holds_alternative<StartContainer>(operation.body)) return std::nullopt;
    return Bench::Outcome(error(ErrorCode::kFailed, "it does not start"));
  };
  ObjectPtr pod = living_pod("  containers: [{name: web, image: i}]\n");
  bench.assign({pod});
  bench.run(100s);
  REQUIRE(app(bench).restart_count >= 3);  // and the next one would wait for long
  broken = false;
  bench.run(30min);
  REQUIRE(app(bench).state.running);
  int32_t before = app(bench).restart_count;
  auto known = std::make_shared<Object>(*pod);
  as<Pod>(*known).status = bench.status("p");
  bench.node.power_loss();
  bench.restart();
  bench.assign({known});
  bench.run(5s);
  CHECK(app(bench).restart_count == before + 1);
  CHECK(app(bench).state.running);
  REQUIRE(app(bench).last_state.terminated);
  CHECK(bench.now().wall - app(bench).last_state.terminated->finished_at < 10s);
}

TEST_CASE("a pod that has ended stays so when the node comes back") {
  Bench bench;
  ObjectPtr pod = living_pod(kTwoInits + "  restartPolicy: Never\n", "mainstay/simulated-run-time: 1s");
  bench.assign({pod});
  bench.run(5s);
  REQUIRE(bench.status("p").phase == "Succeeded");
  auto known = std::make_shared<Object>(*pod);
  as<Pod>(*known).status = bench.status("p");
  if (GENERATE(true, false)) bench.node.power_loss();
  bench.restart();
  bench.log.clear();
  bench.assign({known});
  bench.run(60s);
  CHECK(bench.log == Log{"release"});
  CHECK(bench.status("p").phase == "Succeeded");
}

TEST_CASE("the agent's own restart changes nothing: what was ready is, and back-off is not counted twice") {
  Bench bench;
  SECTION("ready") {
    ObjectPtr pod = living_pod("  containers: [{name: web, image: i, readinessProbe: {tcpSocket: {port: 1}, periodSeconds: 30}, "
                             "startupProbe: {tcpSocket: {port: 1}}}]\n");
    bench.assign({pod});
    bench.run(40s);
    REQUIRE(condition(bench.status("p"), "Ready") == "True");
    auto known = std::make_shared<Object>(*pod);
    as<Pod>(*known).status = bench.status("p");
    bench.restart();
    std::vector<std::string> seen;
    bench.assign({known});
    for (int i = 0; i < 20; ++i) {
      bench.run(1s);
      seen.push_back(condition(bench.status("p"), "Ready"));
    }
    CHECK(std::count(seen.begin(), seen.end(), "True") == 20);
    CHECK(app(bench).restart_count == 0);
  }
  SECTION("back-off") {
    ObjectPtr pod = living_pod("  containers: [{name: web, image: i}]\n", "mainstay/simulated-run-time: 1s");
    bench.assign({pod});
    bench.run(5s);
    REQUIRE(waiting(app(bench)) == "CrashLoopBackOff");
    bench.restart();
    bench.assign({pod});
    bench.run(1s);
    CHECK(app(bench).state.waiting->message.starts_with("back-off 10s restarting failed container=web pod=p_d(uid-p)"));
  }
}

}  // namespace mainstay
