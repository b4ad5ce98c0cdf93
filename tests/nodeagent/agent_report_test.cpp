// What an agent says of its node from its first word on, to a control plane that does not know it yet.
#include <atomic>
#include <catch2/catch.hpp>
#include <condition_variable>
#include <mutex>
#include <vector>

#include "nodeagent/agent.h"
#include "nodeagent/local_state.h"
#include "tests/nodeagent/agent_bench.h"
#include "tests/nodeagent/edge_images.h"
#include "tests/nodeagent/quiet_link.h"

namespace mainstay {
namespace {

using test::TempDir;

// Assigns nothing to the node, and that not before it has heard of it: as with a node that joins.
class JoiningLink : public test::QuietLink {
 public:
  struct Heard {
    std::mutex mutex;
    std::condition_variable changed;
    std::vector<NodeReport> reports;

    bool wait_for(const std::function<bool()>& what) {
      std::unique_lock lock(mutex);
      return changed.wait_for(lock, std::chrono::seconds{20}, what);
    }
  };
  explicit JoiningLink(std::shared_ptr<Heard> heard) : heard_(std::move(heard)) {}

  Result<AgentPollAnswer> poll(const AgentHas& has, Duration) override {
    std::unique_lock lock(heard_->mutex);
    AgentPollAnswer answer;
    answer.has_assignment = has.assignment == AssignmentNumber{};
    heard_->changed.wait(lock, [&] {
      return interrupted_.load() || (answer.has_assignment && !heard_->reports.empty());
    });
    answer.assignment.at = {1, 7};
    answer.assignment.node = "n1";
    return answer;
  }
  Status report(const NodeReport& report) override {
    std::lock_guard lock(heard_->mutex);
    heard_->reports.push_back(report);
    heard_->changed.notify_all();
    return {};
  }
  void interrupt() override {
    std::lock_guard lock(heard_->mutex);
    interrupted_.store(true);
    heard_->changed.notify_all();
  }

 private:
  std::shared_ptr<Heard> heard_;
  std::atomic<bool> interrupted_{false};
};

// Of a control plane that has deleted the node.
class DeletedLink : public test::QuietLink {
 public:
  explicit DeletedLink(std::shared_ptr<JoiningLink::Heard> heard) : heard_(std::move(heard)) {}

  Result<AgentPollAnswer> poll(const AgentHas&, Duration) override { return gone(); }
  Status report(const NodeReport& report) override {
    std::lock_guard lock(heard_->mutex);
    heard_->reports.push_back(report);
    heard_->changed.notify_all();
    return gone();
  }
  void interrupt() override {}
  bool node_deleted() const override { return true; }

 private:
  static Error gone() { return error(ErrorCode::kDenied, "node n1 was deleted"); }
  std::shared_ptr<JoiningLink::Heard> heard_;
};

AgentSettings settings_in(const TempDir& dir) {
  AgentSettings settings;
  settings.machine.name = "n1";
  settings.machine.address = "127.0.0.1";
  settings.machine.data_dir = settings.paths.data_dir = settings.paths.run_dir = dir.path();
  return settings;
}

}  // namespace

TEST_CASE("a node that joins has its labels from its first report on, and says everything once it can") {
  TempDir dir;
  AgentSettings settings = settings_in(dir);
  settings.labels = {{"topology.kubernetes.io/zone", "rack-7"}};
  settings.heartbeat = std::chrono::milliseconds{50};
  auto heard = std::make_shared<JoiningLink::Heard>();
  Agent agent(settings, std::make_unique<JoiningLink>(heard), "10.244.1");
  REQUIRE(agent.start().ok());
  auto any_whole = [&] {
    return std::any_of(heard->reports.begin(), heard->reports.end(), [](auto& report) { return report.whole; });
  };
  CHECK(heard->wait_for(any_whole));
  agent.stop();
  REQUIRE_FALSE(heard->reports.empty());
  CHECK(heard->reports.front().labels == settings.labels);
  CHECK(heard->reports.front().node_status);
  for (const NodeReport& report : heard->reports) CHECK((!report.whole || report.labels == settings.labels));
}

TEST_CASE("an agent that finds at its start that its node was deleted ends what it was assigned") {
  TempDir dir;
  AgentSettings settings = settings_in(dir);
  Assignment remembered;
  remembered.at = {1, 500};
  remembered.node = "n1";
  remembered.pods = {test::pod_of(test::kPod)};
  REQUIRE(save_assignment(settings.paths, remembered).ok());
  auto heard = std::make_shared<JoiningLink::Heard>();
  Agent agent(settings, std::make_unique<DeletedLink>(heard), "10.244.1");
  REQUIRE(agent.start().ok());
  auto has_left = [&] {
    return !heard->reports.empty() && heard->reports.back().seen == AssignmentNumber{1, 501};
  };
  CHECK(heard->wait_for(has_left));
  agent.stop();
  std::optional<Assignment> left = load_assignment(settings.paths);
  REQUIRE(left);
  CHECK(left->pods.empty());
}

}  // namespace mainstay
