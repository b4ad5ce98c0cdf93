// AgentCore: everything the agent decides, as a function of (what it knows, what came in, now). It turns an
// assignment and what exists on the node into operations and a report; it reads no clock, file or socket, so a
// simulation turns the same code. One thread at a time.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "nodeagent/housekeeping/node_shutdown.h"
#include "nodeagent/node_condition.h"
#include "nodeagent/operation.h"
#include "nodeagent/pod_record.h"
#include "schema/agent_messages.h"
#include "schema/base/time.h"

namespace mainstay {

// What must survive the agent's own end, beside the assignment: back-off, start times, how far the init containers
// are, postStart hooks that are still to run. Small; no secrets.
struct PodMemory {
  struct ContainerMemory {
    Duration wait{0}, upcoming{0};
    WallTime failed_at;
    uint32_t first_attempt = 0;
    std::optional<uint32_t> owes_post_start;
  };
  WallTime start_time;
  bool initialized = false;
  std::map<std::string, ContainerMemory> containers;
};
using AgentMemory = std::map<std::string, PodMemory>;  // by uid

struct ReportAcknowledged {
  uint64_t sequence = 0;
};
// The node cannot keep the pod: it becomes Failed with this reason ("Evicted") once its containers have ended.
struct EvictPod {
  std::string uid;
  std::string reason;
  std::string message;
  Duration grace{0};
};
// What ended containers left is to go, logs too: the disk is short. Only of pods that are over.
struct CollectContainers {};

// NodePressures: what ails the node now; an AgentEvent of the node itself goes into the next report.
using AgentInput = std::variant<Assignment, OperationResult, ReportAcknowledged, EvictPod, NetworkStatePtr,
                                NodePressures, AgentEvent, CollectContainers, BeginShutdown>;

struct AgentActions {
  std::vector<Operation> operations;  // to be carried out, in any order
  bool report_due = false;            // take_report() has something new
  bool memory_changed = false;        // memory() is to be written down
};

class AgentCore {
 public:
  AgentCore(NodeFacts node, std::string boot, AgentMemory memory);
  ~AgentCore();
  AgentCore(AgentCore&&) noexcept;

  // Takes everything in and decides. Assignments older than the newest known one are ignored.
  AgentActions step(Now now, std::vector<AgentInput> inputs);

  // From now on its reports are those of another agent process, numbered on. For one that the control plane takes
  // for a process before the one that spoke last.
  void speak_as(std::string boot);

  // The next step reads back what exists, because something there may have ended.
  void look_again();

  // When to step again if nothing comes sooner; nothing if only inputs matter.
  std::optional<MonoTime> next_wake() const;

  // A report of everything that was not acknowledged yet, with a new sequence number; of all pods if `whole`.
  NodeReport take_report(bool whole);

  AgentMemory memory(Now now) const;
  // Of the newest assignment that was taken in.
  AssignmentNumber assigned() const;
  // After which a poll is to bring news: none while that assignment's ConfigMaps and Secrets are not there.
  AssignmentNumber seen() const;
  // By uid; for logs, tests and audits.
  const std::map<std::string, PodRecord>& pods() const;
  // Whether both an assignment and what exists are known: before, nothing on the node may be taken for unused.
  bool knows_node() const;
  // What ails the node, as its status has it.
  NodePressures pressures() const;
  // A shutdown was ordered, nothing runs any more, and the control plane knows.
  bool is_drained() const;
  // Layers of containers that exist, for the collection of images.
  std::vector<std::string> layers_in_use() const;
  // Where to read the logs of a container: the newest attempt, or the one before. kNotFound with a sentence.
  Result<ContainerKey> log_of(const StreamRequest& request) const;
  // Whether that container runs, so that its log may still grow.
  bool is_running(const StreamRequest& request) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace mainstay
