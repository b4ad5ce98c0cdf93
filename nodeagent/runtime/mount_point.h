// The mount that a path is on, and how far mounts below it spread. Reads the kernel's table; any thread.
#pragma once

#include <string>

#include "nodeagent/doors.h"
#include "schema/base/result.h"

namespace mainstay {

struct MountPoint {
  std::string path;      // as /proc/self/mountinfo writes it
  bool shared = false;   // mounts made below it spread to its peers
  bool follows = false;  // those of its master spread to it
};

// kNotFound if there is nothing at the path.
Result<MountPoint> mount_of(const std::string& path);

// Whether a mount can spread as its specification says. kUnavailable with containerd's words if not: without them the
// runtime would make a mount that spreads nothing.
Status check_propagation(const MountSpec& mount);

}  // namespace mainstay
