// How much of everything the node has left, and what one pod uses of it, read from file systems, /proc and cgroups.
// Any thread; may take long for a pod with many files.
#pragma once

#include "nodeagent/housekeeping/eviction_rank.h"
#include "nodeagent/node_paths.h"

namespace mainstay {

// memory.available is the kernel's own estimate (MemAvailable), not the kubelet's sum, which counts file cache in
// active use as lost. imagefs is where images are kept, nodefs the data directory; mostly the same.
Supplies measure_supplies(const NodePaths& paths);

// Whether images lie on a file system of their own.
bool has_own_image_disk(const NodePaths& paths);

// Memory is the working set (without inactive file cache), disk and inodes are writable layers, logs and emptyDir
// volumes.
PodUse measure_pod_use(const NodePaths& paths, const ObjectPtr& pod, ScarceResource resource);

}  // namespace mainstay
