// The Volumes door made real: directories and tmpfs mounts below the pod's directory; a hostPath is the
// node's own.
#pragma once

#include <memory>

#include "nodeagent/doors.h"
#include "nodeagent/node_paths.h"

namespace mainstay {

// kInvalid: unusable directories; kDenied: they cannot be made.
Result<std::unique_ptr<Volumes>> open_host_volumes(const NodePaths& paths);

}  // namespace mainstay
