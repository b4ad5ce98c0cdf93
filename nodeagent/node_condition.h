// What ails a node, and how it says so: the conditions of its status and the word about each change, in the
// kubelet's terms. Also whether it takes a new pod in while it is so. Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "schema/agent_messages.h"
#include "schema/kinds/node.h"
#include "schema/object.h"

namespace mainstay {

struct NodePressures {
  bool memory = false;
  bool disk = false;
  bool pids = false;
  bool shutting_down = false;
  bool operator==(const NodePressures&) const = default;
};

// MemoryPressure, DiskPressure, PIDPressure, Ready.
std::vector<NodeCondition> node_conditions(const NodePressures& pressures);

// The node's events for what has changed.
std::vector<AgentEvent> pressure_events(const std::string& node, const NodePressures& was, const NodePressures& is);

struct Rejection {
  std::string reason, message;
};
// Why a pod that is new here is not run: a critical one always is except in a shutdown, one that is not BestEffort or
// tolerates the taint also under memory pressure. Source: the kubelet's admission by its eviction manager.
std::optional<Rejection> reject_pod(const Object& pod, const NodePressures& pressures);

// Priority of the system's classes, or above: never evicted, ended last. Source: scheduling.SystemCriticalPriority.
bool is_critical(const Object& pod);

}  // namespace mainstay
