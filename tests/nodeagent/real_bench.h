// The agent's core over real containers: real runtime and volumes, pods with the node's own network. The loop of
// Agent without a control plane.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "nodeagent/agent_core.h"
#include "nodeagent/door_executor.h"
#include "schema/base/inbox.h"
#include "tests/nodeagent/edge_node.h"

namespace mainstay::test {

// Every reference is this image.
std::unique_ptr<Images> one_image(Image image);
// For pods with the node's own network.
std::unique_ptr<Network> no_network();

struct RealBenchOptions {
  std::function<void(NodeFacts&)> facts;  // may change what the node says of itself
  uint64_t disk_bytes = 0;                // as EdgeNodeOptions'
};

class RealBench {
 public:
  explicit RealBench(RealBenchOptions how = {});
  ~RealBench();

  // Exactly these pods.
  void assign(std::vector<ObjectPtr> pods);
  // Turns the loop until the condition holds, a minute at most; returns whether it does.
  bool until(const std::function<bool()>& done);
  bool empty() const { return core_->pods().empty(); }
  const PodStatus& status(const std::string& name) { return reports_[name].status; }
  bool gone(const std::string& name) { return reports_[name].gone; }
  std::string event_message(const std::string& reason) const;
  const std::vector<AgentEvent>& events() const { return events_; }
  // A directory of the node that pods may mount.
  const std::string& shared() const { return shared_; }
  const NodePaths& paths() const { return node_.paths(); }
  Runtime& runtime() { return node_.runtime(); }
  const AgentCore& core() const { return *core_; }
  // For the next turn of the loop.
  void tell(AgentInput input) { told_.push_back(std::move(input)); }

 private:
  void step(std::vector<AgentInput> inputs);

  EdgeNode node_;
  std::string shared_;
  std::unique_ptr<Images> images_;
  std::unique_ptr<Network> network_;
  std::unique_ptr<Volumes> volumes_;
  Inbox<OperationResult> results_{1000};
  std::unique_ptr<Executor> executor_;
  std::unique_ptr<AgentCore> core_;
  std::map<std::string, PodReport> reports_;
  std::vector<AgentEvent> events_;
  std::vector<AgentInput> told_;
  uint64_t number_ = 0;
};

}  // namespace mainstay::test
