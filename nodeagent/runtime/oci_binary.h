// Which OCI runtime this node uses: the one asked for, else the first of crun and runc that can create a
// container here (crun refuses hybrid cgroups, for one). Any thread.
#pragma once

#include <string>
#include <vector>

#include "nodeagent/node_paths.h"
#include "nodeagent/runtime/oci_config.h"

namespace mainstay {

struct OciBinary {
  std::string path;
  std::string version;                // "runc://1.1.5+ds1"
  std::vector<std::string> refusals;  // candidates before it, and why not ("/usr/bin/crun: ...")
};

// `wanted` is a path or "". kUnavailable, with every candidate's reason, if none works.
Result<OciBinary> choose_oci_binary(const std::string& wanted, const NodePaths& paths,
                                    const MachineLimits& machine);

// What this process and machine allow containers.
MachineLimits read_machine_limits();

// Every device node below /dev, for privileged containers.
std::vector<DeviceNode> list_devices();

}  // namespace mainstay
