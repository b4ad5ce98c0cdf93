// The Runtime door made real: an OCI runtime (runc, crun) under conmon, overlayfs root file systems, pinned
// namespaces, no daemon and no pause container. Containers and their monitors live on when we die.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "nodeagent/doors.h"
#include "nodeagent/node_paths.h"

namespace mainstay {

struct OciRuntimeOptions {
  NodePaths paths;
  std::string oci_runtime;  // path; "": the first of crun and runc that can create a container here
  std::string conmon;       // path; "": looked up
  // Of one log file, in bytes. Rotation keeps them far smaller; this holds where a container writes more than that
  // between two looks at it, and what it wrote before is lost then.
  uint64_t log_limit = 128 << 20;
};

struct OpenedRuntime {
  std::unique_ptr<Runtime> runtime;
  std::vector<std::string> notes;  // runtimes that were refused and why; for the log
};

// kUnavailable: no usable runtime or no conmon; kDenied: we are not root.
Result<OpenedRuntime> open_oci_runtime(const OciRuntimeOptions& options);

}  // namespace mainstay
