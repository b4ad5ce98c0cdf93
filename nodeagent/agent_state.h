// The insides of Agent: what its loops share, each on a thread of its own. For agent.cpp and agent_upkeep.cpp alone.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "nodeagent/agent.h"
#include "nodeagent/agent_core.h"
#include "nodeagent/executor.h"
#include "nodeagent/network_keeper.h"
#include "schema/base/inbox.h"

namespace mainstay {

inline constexpr size_t kInboxLimit = 100000;

// A container has ended somewhere: look again.
struct LookAgain {};
// A report did not arrive: make another.
struct ReportAgain {
  bool as_another = false;  // under the name of another agent process
};

// The control plane has deleted this node.
struct LeftCluster {};
using AgentMessage = std::variant<AgentInput, StreamRequest, LookAgain, ReportAgain, LeftCluster>;

// What the messages of one turn ask for.
struct TurnWork {
  std::vector<AgentInput> inputs;
  bool look = false, report = false, as_another = false;
};

struct Agent::State {
  AgentSettings settings;
  std::unique_ptr<ControlLink> link;
  std::optional<Doors> doors;
  std::string network;
  NodeFacts facts;
  std::string range;  // of pod addresses, as the last assignment named it; the stepping thread's

  Inbox<AgentMessage> inbox{kInboxLimit};
  // The stepping thread's. Other threads read it under the lock, which that thread holds while it changes it.
  std::unique_ptr<AgentCore> core;
  std::mutex core_mutex;
  std::unique_ptr<Executor> executor;
  std::atomic<bool> stopping{false};
  std::atomic<size_t> pods{0};

  // The newest assignment taken in, for polls.
  std::mutex seen_mutex;
  AssignmentNumber seen;

  // Reports: made by the stepping thread, sent by one of their own, one at a time.
  std::mutex report_mutex;
  std::condition_variable report_ready;
  std::optional<NodeReport> outgoing;
  bool sending = false;
  bool whole_next = true;
  std::atomic<bool> reachable{true};

  RecordedNetwork recorded;  // for a node without a network of its own
  std::unique_ptr<NetworkKeeper> network_keeper;

  std::mutex sleep_mutex;
  std::condition_variable sleep_over;
  bool credential_refused = false;  // the credential is to be looked at now; with sleep_mutex
  std::vector<std::thread> threads;
  std::mutex stream_mutex;
  std::vector<std::pair<std::thread, std::shared_ptr<std::atomic<bool>>>> streams;

  State(AgentSettings given, std::unique_ptr<ControlLink> up)
      : settings(std::move(given)), link(std::move(up)) {}

  void step_loop();
  void poll_loop();
  void credential_loop();
  void look_at_refusal();
  void leave_cluster();
  void report_loop();
  void exit_loop();
  void log_loop();
  void rules_loop();
  void storage_loop();
  void watch_storage();
  void housekeeping_loop();
  TurnWork sort_out(std::vector<AgentMessage> messages);
  AgentInput nothing_after(const AssignmentNumber& newest) const;
  void take(AgentActions actions, Now now);
  void offer_report(Now now);
  bool learn_range(const Assignment& assignment);
  void take_network(const NetworkUpdate& update);
  void in_contact(bool yes) {
    if (settings.node_network != nullptr) settings.node_network->in_contact(yes);
  }
  void serve(const StreamRequest& request);
  void reap_streams(bool all);
  void sleep(Duration span) {
    std::unique_lock lock(sleep_mutex);
    sleep_over.wait_for(lock, span, [this] { return stopping.load(); });
  }
};

}  // namespace mainstay
