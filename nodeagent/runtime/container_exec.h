// Running one more command inside a running container, for exec probes and hooks. Any thread.
#pragma once

#include <atomic>
#include <string>
#include <vector>

#include "nodeagent/doors.h"
#include "nodeagent/node_paths.h"

namespace mainstay {

// As Runtime::exec; the caller has made sure that the container runs.
Result<ExecResult> exec_in_container(const NodePaths& paths, const std::string& oci_runtime,
                                     const ContainerKey& key, const std::vector<std::string>& argv,
                                     Duration timeout, size_t max_output,
                                     const std::atomic<bool>& cancelled);

}  // namespace mainstay
