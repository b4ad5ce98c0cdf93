// What there is to know of the machine the agent runs on. Reads files and interfaces; any thread.
#pragma once

#include <string>

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
};

NodeFacts read_node_facts(const MachineOptions& options);

// Capacity, allocatable, addresses, system information and conditions, measured now.
// Allocatable is capacity less 100 MiB of memory (Kubernetes' hard eviction threshold).
NodeStatus read_node_status(const MachineOptions& options, const NodeFacts& facts);

}  // namespace mainstay
