#include "nodeagent/runtime/mount_point.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <fstream>
#include <sstream>

#include "nodeagent/disk.h"

namespace mainstay {

Result<MountPoint> mount_of(const std::string& path) {
  struct statx info {};
  if (statx(AT_FDCWD, path.c_str(), 0, STATX_MNT_ID, &info) != 0) return errno_error("looking at " + path, errno);
  std::ifstream file("/proc/self/mountinfo");
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    MountPoint out;
    uint64_t id = 0;
    std::string parent, device, root, options;
    words >> id >> parent >> device >> root >> out.path >> options;
    if (id != info.stx_mnt_id) continue;
    for (std::string field; words >> field && field != "-";) {
      out.shared = out.shared || field.starts_with("shared:");
      out.follows = out.follows || field.starts_with("master:");
    }
    return out;
  }
  return error(ErrorCode::kUnavailable, path + " is on a mount that the kernel does not list");
}

Status check_propagation(const MountSpec& mount) {
  if (mount.propagation == MountPropagation::kPrivate) return {};
  auto on = mount_of(mount.host_path);
  if (!on.ok()) return error(ErrorCode::kUnavailable, on.error().message);
  bool both = mount.propagation == MountPropagation::kBidirectional;
  if (on->shared || (!both && on->follows)) return {};
  return error(ErrorCode::kUnavailable, "path \"" + mount.host_path + "\" is mounted on \"" + on->path +
                                            "\" but it is not a shared " + (both ? "" : "or slave ") + "mount");
}

}  // namespace mainstay
