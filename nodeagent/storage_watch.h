// Who uses more of the node's disk than his manifest allows: emptyDir volumes with a size limit, containers with a
// limit on ephemeral storage (their writable layer and their logs), pods with a limit in sum. Kubernetes measures
// and evicts, and so do we: nothing stops a container at the very byte. Rules: k8s-semantics section 1.8.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "nodeagent/node_paths.h"
#include "schema/object.h"

namespace mainstay {

struct StorageUsage {
  std::map<std::string, uint64_t> volumes;     // emptyDir on disk by name; bytes
  std::map<std::string, uint64_t> containers;  // by name; of all attempts that are still there
};

// Whether the pod limits its storage at all; only such pods are measured. Pure.
bool limits_storage(const Object& pod);

// The first limit that is exceeded, in the kubelet's words; nothing if none is. Pure.
std::optional<std::string> storage_excess(const Object& pod, const StorageUsage& usage);

// Reads the pod's directories. Any thread.
StorageUsage measure_storage(const NodePaths& paths, const Object& pod);

}  // namespace mainstay
