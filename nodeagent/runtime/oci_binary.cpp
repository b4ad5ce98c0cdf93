#include "nodeagent/runtime/oci_binary.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cstdlib>

#include "nodeagent/disk.h"
#include "nodeagent/process.h"
#include "nodeagent/runtime/cgroup.h"

namespace mainstay {
namespace {

Result<std::string> read_version(const std::string& path) {
  ProcessSpec spec;
  spec.argv = {path, "--version"};
  spec.env = plain_environment();
  ASSIGN_OR_RETURN(ProcessResult result, run_checked(spec));
  // "runc version 1.1.5+ds1" and more lines.
  std::string line = result.out.substr(0, result.out.find('\n'));
  std::string name = path.substr(path.rfind('/') + 1);
  size_t space = line.rfind(' ');
  return name + "://" + (space == std::string::npos ? line : line.substr(space + 1));
}

// Creates (never starts) a container from an empty image with our own kind of config, and deletes it.
Status try_create(const std::string& path, const NodePaths& paths, const MachineLimits& machine) {
  std::string id = "trial-" + std::to_string(getpid());
  std::string dir = paths.run_dir + "/" + id;
  RETURN_IF_ERROR(remove_tree(dir));
  RETURN_IF_ERROR(make_dirs(dir + "/rootfs", 0700));
  RETURN_IF_ERROR(make_dirs(dir + "/shm", 0700));
  RETURN_IF_ERROR(write_file(dir + "/rootfs/init", "#!/init\n", 0755));
  OciConfigInput input;
  input.spec.command = {"/init"};
  input.spec.limits.pids = 10;
  input.machine = machine;
  input.spec.limits.oom_score_adj = machine.lowest_oom_score_adj;
  input.rootfs = dir + "/rootfs";
  input.cgroup = "/" + paths.cgroup + "/" + id;
  input.shm = dir + "/shm";
  ASSIGN_OR_RETURN(OciConfig config, oci_config(input));
  RETURN_IF_ERROR(write_file(dir + "/config.json", config.json, 0600));

  ProcessSpec create;
  create.argv = {path, "--root", dir + "/oci", "create", "--bundle", dir, "--pid-file", dir + "/pid", id};
  create.env = plain_environment();
  auto created = run_checked(create);
  ProcessSpec remove;
  remove.argv = {path, "--root", dir + "/oci", "delete", "--force", id};
  remove.env = plain_environment();
  auto removed = run_process(remove);
  Status cgroup = remove_cgroup(input.cgroup);
  Status tree = remove_tree(dir);
  if (!created.ok()) return created.error();
  if (!removed.ok()) return removed.error();
  if (!cgroup.ok()) return cgroup;
  return tree;
}

void collect_devices(const std::string& dir, int depth, std::vector<DeviceNode>& out) {
  auto names = list_dir(dir);
  if (!names.ok() || depth > 3) return;
  for (const std::string& name : *names) {
    std::string path = dir + "/" + name;
    struct stat info;
    if (lstat(path.c_str(), &info) != 0 || out.size() >= 4096) continue;
    if (S_ISDIR(info.st_mode)) {
      // These are mounts of the container's own.
      if (path != "/dev/pts" && path != "/dev/shm" && path != "/dev/mqueue")
        collect_devices(path, depth + 1, out);
    } else if (path == "/dev/console") {
      continue;  // the runtime gives the container one of its own
    } else if (S_ISCHR(info.st_mode) || S_ISBLK(info.st_mode)) {
      out.push_back({path, S_ISCHR(info.st_mode) ? 'c' : 'b', major(info.st_rdev), minor(info.st_rdev),
                     info.st_mode & 07777, info.st_uid, info.st_gid});
    }
  }
}

}  // namespace

Result<OciBinary> choose_oci_binary(const std::string& wanted, const NodePaths& paths,
                                    const MachineLimits& machine) {
  OciBinary out;
  std::vector<std::string> candidates{wanted};
  if (wanted.empty()) candidates = {find_program("crun"), find_program("runc")};
  for (const std::string& path : candidates) {
    if (path.empty()) continue;
    auto version = read_version(path);
    Status tried = version.ok() ? try_create(path, paths, machine) : Status(version.error());
    if (tried.ok()) {
      out.path = path;
      out.version = *version;
      return out;
    }
    out.refusals.push_back(path + ": " + tried.error().message);
  }
  std::string reasons;
  for (const std::string& refusal : out.refusals) reasons += "; " + refusal;
  return error(ErrorCode::kUnavailable, "no OCI runtime works on this node (install runc or crun)" + reasons);
}

MachineLimits read_machine_limits() {
  MachineLimits out;
  out.capabilities = own_capabilities();
  out.cgroup_v2 = cgroup_mode() == CgroupMode::kV2;
  CapabilitySet resource = CapabilitySet{1} << *capability_number("SYS_RESOURCE");
  auto current = read_file("/proc/self/oom_score_adj", 64);
  // Without CAP_SYS_RESOURCE the value can only be raised.
  if ((out.capabilities & resource) == 0)
    out.lowest_oom_score_adj = current.ok() ? std::atoi(current->c_str()) : 0;
  return out;
}

std::vector<DeviceNode> list_devices() {
  std::vector<DeviceNode> out;
  collect_devices("/dev", 0, out);
  return out;
}

}  // namespace mainstay
