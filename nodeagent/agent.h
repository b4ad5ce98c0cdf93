// Agent: the threads around the agent's core on one node. One steps the core, one waits for the control plane, one
// for ends of containers, a few carry operations out, and each open log stream has its own. It keeps its pods
// running while the control plane is away, and its end touches no container.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "nodeagent/control_link.h"
#include "nodeagent/credential_keeper.h"
#include "nodeagent/door_executor.h"
#include "nodeagent/housekeeping/housekeeper.h"
#include "nodeagent/node_network.h"
#include "nodeagent/node_facts.h"
#include "nodeagent/node_paths.h"
#include "schema/base/result.h"

namespace mainstay {

struct AgentSettings {
  MachineOptions machine;
  NodePaths paths;
  Duration heartbeat{std::chrono::seconds{10}};
  Duration poll_wait{std::chrono::seconds{60}};
  uint64_t log_bytes = 10 << 20;  // of one log file before it is rotated
  int log_files = 5;
  size_t streams = 64;  // open at once
  CredentialKeeper::Settings credential;
  NodeLabels labels;    // for the Node object
  HousekeepingSettings housekeeping;  // of a node with containers; a simulated one is never short of anything
  NodeNetwork* node_network = nullptr;  // outlives the agent; null: the cluster's network is only remembered
  // Told the node's range of pod addresses whenever an assignment names it, before its pods are looked at.
  std::function<Status(const std::string& pod_cidr, const std::string& cluster_cidr)> range_known;
};

class Agent {
 public:
  // With containers: `doors` must outlive the agent.
  Agent(AgentSettings settings, std::unique_ptr<ControlLink> link, Doors doors);
  // Without: everything is simulated, pods get addresses below `network` ("10.244.1").
  Agent(AgentSettings settings, std::unique_ptr<ControlLink> link, std::string network);
  ~Agent();

  // Reads what it knew before, then starts all threads.
  Status start();
  // Ends the node's pods in their order, for good, and takes no new ones: the machine is about to be switched off.
  // Returns when nothing runs any more and the control plane knows, a few seconds after the period at the latest.
  void shut_down(const BeginShutdown& order);
  // Ends all threads; containers run on.
  void stop();
  // How many pods run here, for logs and metrics. Any thread.
  size_t pod_count() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace mainstay
