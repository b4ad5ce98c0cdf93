// SimNode: one machine with its agent, in virtual time: the real AgentCore over a SimulatedNode, with the
// loops of nodeagent/agent.cpp (poll, report, step) as a state machine. What is on its disk and what runs
// on it survive the agent; what runs does not survive the machine. One thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "nodeagent/agent_core.h"
#include "nodeagent/simulated_node.h"
#include "schema/base/rng.h"

namespace mainstay::sim {

struct PollUp {
  std::string node;
  std::string boot;
  uint64_t id = 0;
  AgentHas have;
};

// What came of a report.
enum class Heard { kYes, kNo, kAnew };  // kAnew: as another agent process, please

// How the machine carries operations out.
struct RuntimeTrouble {
  Duration slower{0};      // each operation takes up to that much longer
  unsigned failing = 0;    // percent of operations that end in an error, half of them after having been done
};

class SimNode {
 public:
  struct Up {
    std::function<void(PollUp)> poll;
    std::function<void(NodeReport)> report;
  };
  SimNode(std::string name, int number, Up up);

  const std::string& name() const { return name_; }
  bool is_up() const { return agent_ != nullptr; }
  // The agent's process starts, from what is on its disk.
  void start(Now now, Rng& rng);
  // kill -9 of the agent: containers go on.
  void kill();
  // The machine stops: its agent and all containers are gone.
  void power_loss();
  void wipe_disk() { disk_ = {}; }
  void set_trouble(RuntimeTrouble trouble) { trouble_ = trouble; }
  // Ends any one container as a crash does.
  void crash_one(Now now, Rng& rng);

  // When step() has something to do; nothing if it only waits for messages.
  std::optional<MonoTime> due(MonoTime now) const;
  void step(Now now, Rng& rng);

  // Answers from the daemon. Those to an earlier process of the agent are lost with its connections.
  void take_poll_answer(const std::string& boot, uint64_t poll, const AgentPollAnswer& answer);
  void take_report_answer(const std::string& boot, uint64_t sequence, Heard heard, MonoTime now, Rng& rng);
  // The daemon has gone: what is under way fails at once.
  void connection_lost(MonoTime now);

  std::set<std::string> uids() const { return machine_.uids(); }
  AssignmentNumber seen() const { return agent_ ? agent_->seen() : AssignmentNumber{}; }
  // What it knows of the cluster's network.
  const NetworkState& network() const { return network_; }

 private:
  NodeStatus status() const;
  void carry_out(const Operation& operation, Now now, Rng& rng);
  void send_report(Now now);
  void report_failed(MonoTime now);
  void send_poll(Now now);
  void take_network(const NetworkUpdate& update);

  const std::string name_;
  const Up up_;
  NodeFacts facts_;
  SimulatedNode machine_;
  RuntimeTrouble trouble_;
  struct Disk {
    std::optional<Assignment> assignment;
    AgentMemory memory;
    NetworkState network;  // may lag behind what the agent knows
  } disk_;

  // Of the agent's process.
  std::unique_ptr<AgentCore> agent_;
  std::string boot_;       // of the process
  std::string speaks_as_;  // in its reports
  std::vector<AgentInput> inputs_;
  NetworkState network_;
  bool ask_whole_network_ = false;
  std::multimap<MonoTime, OperationResult> results_;
  MonoTime heartbeat_at_;
  bool look_ = false;
  bool report_due_ = false;
  bool whole_next_ = true;
  uint64_t outstanding_ = 0;            // sequence of the report under way
  std::optional<MonoTime> report_until_;  // when it counts as lost
  MonoTime report_from_;                // not before, after a failure
  MonoTime poll_at_;                    // of the next poll, or when the one under way counts as lost
  uint64_t poll_ = 0;
};

}  // namespace mainstay::sim
