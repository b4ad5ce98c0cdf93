// Every crash point of the agent on a remembered node, in virtual time: before and after each operation on each
// door and each file of its own, the agent is dropped and another one starts from what is on its disk. The story
// must come to the same end, with nothing run twice, nothing left and nothing lost.
#include <catch2/catch.hpp>

#include "nodeagent/agent_core.h"
#include "nodeagent/local_state.h"
#include "schema/base/inbox.h"
#include "tests/nodeagent/crash_doors.h"
#include "tests/nodeagent/edge_images.h"
#include "tests/nodeagent/edge_node.h"
#include "tests/nodeagent/fake_world.h"

using namespace mainstay;
using namespace mainstay::test;

namespace {

// The loop of Agent with one thread, one operation at a time, in virtual time.
class VirtualAgent {
 public:
  VirtualAgent(FakeWorld& world, CrashPoint& point, Story& story, NodePaths paths)
      : world_(world),
        point_(point),
        story_(story),
        paths_(std::move(paths)),
        doors_(world),
        images_(doors_.doors().images, point),
        network_(doors_.doors().network, point),
        volumes_(doors_.doors().volumes, point),
        runtime_(doors_.doors().runtime, point) {
    auto deliver = [this](OperationResult result) { results_.push(std::move(result)); };
    auto token = [](const TokenOrder&) { return Result<IssuedToken>(IssuedToken{"token", std::chrono::hours{1}}); };
    executor_ = make_door_executor({images_, network_, volumes_, runtime_}, 1, deliver, token);
    NodeFacts facts;
    facts.name = "n1";
    facts.address = "192.0.2.1";
    facts.memory_bytes = 1 << 30;
    core_ = std::make_unique<AgentCore>(facts, "boot", load_memory(paths_));
  }
  ~VirtualAgent() { executor_->stop(); }

  // Until the story or this agent is over. True: the story is.
  bool run() {
    std::vector<AgentInput> inputs;
    if (auto known = load_assignment(paths_)) inputs.emplace_back(std::move(*known));
    if (story_.phase() < StoryPhase::kOver) (void)images_.import_archive("/archive", Story::image());
    for (int guard = 0; guard < 20000 && !point_.ended.load(); ++guard) {
      story_.advance(world_);
      if (story_.phase() == StoryPhase::kOver) return clean_up();
      take_assignment(inputs);
      if (outstanding_ > 0) take_results(inputs);
      if (point_.ended.load()) return false;
      if (std::exchange(world_.ended, false)) core_->look_again();
      bool idle = inputs.empty() && outstanding_ == 0;
      if (idle) pass_time();
      step(std::exchange(inputs, {}), inputs);
    }
    if (!point_.ended.load()) FAIL("the story does not end: " << how_it_stands());
    return false;
  }

 private:
  std::string how_it_stands() {
    std::string out = "phase " + std::to_string(static_cast<int>(story_.phase()));
    for (const auto& [uid, record] : core_->pods()) {
      out += "; " + record.status.phase + " " + record.trouble;
      for (const auto& [name, container] : record.containers) out += "; " + name + " " + container.waiting_message;
    }
    return out;
  }
  bool clean_up() {
    bool removed = images_.remove(Story::image()).ok();
    return removed && images_.collect(core_->layers_in_use()).ok();
  }
  void take_assignment(std::vector<AgentInput>& inputs) {
    if (core_->seen().number >= story_.number()) return;
    Assignment next = story_.assignment(world_.now.wall);
    keep("assignment", [&] { return save_assignment(paths_, next); });
    inputs.emplace_back(std::move(next));
  }
  void take_results(std::vector<AgentInput>& inputs) {
    for (OperationResult& result : results_.take_all(std::chrono::seconds{5})) {
      --outstanding_;
      inputs.emplace_back(std::move(result));
    }
  }
  void pass_time() {
    std::optional<MonoTime> wake = core_->next_wake();
    REQUIRE(wake);
    Duration span = std::max(*wake - world_.now.mono, Duration{1000});
    world_.now.mono = world_.now.mono + span;
    world_.now.wall = world_.now.wall + span;
  }
  template <typename Save>
  void keep(const char* what, Save save) {
    if (!point_.reach("before saving", what)) return;
    (void)save();  // as Agent: it goes on without
    point_.reach("after saving", what);
  }
  void step(std::vector<AgentInput> taken, std::vector<AgentInput>& later) {
    AgentActions actions = core_->step(world_.now, std::move(taken));
    if (actions.memory_changed) keep("memory", [&] { return save_memory(paths_, core_->memory(world_.now)); });
    if (point_.ended.load()) return;
    for (Operation& operation : actions.operations) {
      ++outstanding_;
      executor_->submit(std::move(operation));
    }
    bool heartbeat = story_.phase() == StoryPhase::kForget;
    if (!(actions.report_due || heartbeat) || !point_.reach("before", "a report")) return;
    NodeReport report = core_->take_report(false);
    story_.take(report);
    if (point_.reach("after", "a report")) later.emplace_back(ReportAcknowledged{report.sequence});
  }

  FakeWorld& world_;
  CrashPoint& point_;
  Story& story_;
  const NodePaths paths_;
  FakeDoors doors_;
  CrashImages images_;
  CrashNetwork network_;
  CrashVolumes volumes_;
  CrashRuntime runtime_;
  Inbox<OperationResult> results_{1000};
  std::unique_ptr<Executor> executor_;
  std::unique_ptr<AgentCore> core_;
  size_t outstanding_ = 0;
};

struct Told {
  int64_t steps = 0;
  std::string where;
  bool crashed = false;
};

// The story with a crash at step `at` of the first agent (0: none), and one of the second at step `again`.
Told tell(const NodePaths& paths, int64_t at, int64_t again = 0) {
  FakeWorld world;
  StoryRecord record;
  Story story(record, world.uid, "/shared");
  Told out;
  for (int64_t crash : {at, again, int64_t{0}}) {
    CrashPoint point;
    point.at = crash;
    bool over = VirtualAgent(world, point, story, paths).run();
    if (out.steps == 0) out.steps = point.steps.load();
    if (point.where[0] != 0) out.where += std::string(out.where.empty() ? "" : ", then ") + point.where;
    out.crashed = out.crashed || !over;
    if (over) break;
  }
  INFO("crash " << out.where << " (step " << at << ", " << again << ")");
  CHECK(record.trouble == std::string());
  for (const std::string& fault : world.faults) FAIL_CHECK(fault);
  for (const std::string& left : world.left()) FAIL_CHECK("left: " << left);
  CHECK(world.starts["init"] == 1);
  CHECK(world.starts["main"] == 2);
  CHECK(world.hooks == std::set<std::string>{"post 0", "post 1", "pre 1"});
  return out;
}

NodePaths state_in(const TempDir& temp, int64_t number) {
  NodePaths paths;
  paths.data_dir = temp.path() + "/" + std::to_string(number) + "/data";
  paths.run_dir = temp.path() + "/" + std::to_string(number) + "/run";
  REQUIRE(make_roots(paths).ok());
  return paths;
}

}  // namespace

TEST_CASE("an agent that ends before or after any of its steps loses nothing and leaves nothing", "[crash]") {
  TempDir temp;
  int64_t steps = tell(state_in(temp, 0), 0).steps;
  REQUIRE(steps > 100);
  int64_t crashes = 0;
  for (int64_t at = 1; at <= steps; ++at) crashes += tell(state_in(temp, at), at).crashed ? 1 : 0;
  CHECK(crashes > steps - 5);  // two threads are at it: the number of steps is not always the same
}

TEST_CASE("an agent that ends twice loses nothing and leaves nothing", "[crash]") {
  TempDir temp;
  int64_t steps = tell(state_in(temp, 0), 0).steps, number = 1;
  for (int64_t at = 1; at <= steps; at += 7) {
    for (int64_t again = 1; again <= 40; again += 5) tell(state_in(temp, number++), at, again);
  }
}

TEST_CASE("an agent whose disk is full whenever it writes its own files down goes on", "[crash]") {
  TempDir temp;
  int64_t steps = 1, number = 0, failures = 0;
  for (int64_t lasting : {1, 6}) {
    for (int64_t at = 1; at <= steps; ++at) {
      CrashPoint disk;
      disk.way = CrashPoint::Way::kFull;
      disk.at = at;
      disk.lasting = lasting;
      NodePaths paths = state_in(temp, number++);
      watch_system_calls(&disk, paths.data_dir);
      tell(paths, 0);
      watch_system_calls(nullptr);
      if (at == 1) steps = disk.steps.load();
      failures += disk.where[0] != 0 ? 1 : 0;
    }
  }
  CHECK(failures > 60);
}
