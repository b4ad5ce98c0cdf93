// What there is to know of the machine the agent runs on. Reads files and interfaces; any thread.
#pragma once

#include <string>

#include "nodeagent/housekeeping/reservation.h"
#include "nodeagent/node_condition.h"
#include "nodeagent/pod_plan.h"
#include "schema/kinds/node.h"

namespace mainstay {

struct MachineOptions {
  std::string name;             // "" takes the host name
  std::string address;          // "" takes that of the interface with the default route, else 127.0.0.1
  std::string runtime_version;  // "runc://1.1.5"
  std::string data_dir;         // whose file system counts as the node's storage
  int64_t max_pods = 110;
  int64_t pids_limit = 0;                    // NodeFacts::pids_limit
  std::vector<std::string> allowed_sysctls;  // NodeFacts::allowed_sysctls
  NodeReservations kept;                     // what allocatable is short of capacity
};

NodeFacts read_node_facts(const MachineOptions& options);

// Capacity, allocatable, addresses and system information, measured now, and the conditions of these pressures.
NodeStatus read_node_status(const MachineOptions& options, const NodeFacts& facts, const NodePressures& pressures);

}  // namespace mainstay
