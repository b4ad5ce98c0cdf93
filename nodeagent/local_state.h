// What the agent keeps on its node so that it can go on alone after its own end: the last assignment, the
// cluster's network and its back-off. ConfigMaps and Secrets of the assignment stay on the tmpfs of run_dir; the
// disk never sees them. The network's file is its keeper's, the others the stepping thread's.
#pragma once

#include <optional>
#include <string>

#include "nodeagent/agent_core.h"
#include "nodeagent/node_paths.h"
#include "schema/agent_messages.h"
#include "schema/base/result.h"
#include "schema/network_state.h"

namespace mainstay {

// Nothing if there is none, or none that can be read (a newer one comes from the control plane).
std::optional<Assignment> load_assignment(const NodePaths& paths);
Status save_assignment(const NodePaths& paths, const Assignment& assignment);

// The cluster's network as last written; nothing if there is none that can be read.
std::optional<NetworkState> load_network(const NodePaths& paths);
Status save_network(const NodePaths& paths, const NetworkState& state);

AgentMemory load_memory(const NodePaths& paths);
Status save_memory(const NodePaths& paths, const AgentMemory& memory);

}  // namespace mainstay
