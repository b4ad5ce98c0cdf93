// What is still on the node of a pod that should be gone. Looks at the kernel and the disk only. Any thread.
#pragma once

#include <string>
#include <vector>

#include "nodeagent/node_paths.h"

namespace mainstay {

// One line each: mounts, namespaces, cgroups, interfaces, addresses, runtime state, directories. Empty: nothing is
// left. (The packet filter table holds no entry of a single pod.)
std::vector<std::string> leftovers(const NodePaths& paths, const std::string& uid);

}  // namespace mainstay
