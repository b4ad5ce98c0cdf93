#include "nodeagent/runtime/cgroup.h"

#include <linux/magic.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <sstream>

#include "nodeagent/disk.h"
#include "schema/base/clock.h"

namespace mainstay {
namespace {

constexpr const char* kRoot = "/sys/fs/cgroup";

bool is_directory(const std::string& path) {
  struct stat info;
  return lstat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

// crun leaves a plain folder where cgroup v2 is named but not mounted.
bool is_cgroup(const std::string& path) {
  struct statfs info;
  return statfs(path.c_str(), &info) == 0 &&
         (info.f_type == CGROUP_SUPER_MAGIC || info.f_type == CGROUP2_SUPER_MAGIC);
}

// Mount points of the hierarchies. Links ("cpu -> cpu,cpuacct") are left out.
std::vector<std::string> hierarchies() {
  if (cgroup_mode() == CgroupMode::kV2) return {kRoot};
  std::vector<std::string> out;
  auto names = list_dir(kRoot);
  if (!names.ok()) return out;
  for (const std::string& name : *names) {
    std::string path = std::string(kRoot) + "/" + name;
    if (is_directory(path) && is_cgroup(path)) out.push_back(path);
  }
  return out;
}

Status remove_dir(const std::string& dir) {
  ASSIGN_OR_RETURN(auto names, list_dir(dir));
  for (const std::string& name : names) {
    if (is_directory(dir + "/" + name)) RETURN_IF_ERROR(remove_dir(dir + "/" + name));
  }
  // A cgroup stays busy for a moment after its last process was reaped.
  for (int attempt = 0; attempt < 100; ++attempt) {
    if (rmdir(dir.c_str()) == 0 || errno == ENOENT) return {};
    if (errno != EBUSY) break;
    usleep(5'000);
  }
  return errno_error("removing cgroup " + dir, errno);
}

}  // namespace

CgroupMode cgroup_mode() {
  struct statfs info;
  if (statfs(kRoot, &info) == 0 && info.f_type == CGROUP2_SUPER_MAGIC) return CgroupMode::kV2;
  std::string unified = std::string(kRoot) + "/unified";
  if (statfs(unified.c_str(), &info) == 0 && info.f_type == CGROUP2_SUPER_MAGIC) return CgroupMode::kHybrid;
  return CgroupMode::kV1;
}

std::vector<std::string> cgroup_dirs(const std::string& path) {
  std::vector<std::string> out;
  for (const std::string& root : hierarchies()) {
    if (is_directory(root + path)) out.push_back(root + path);
  }
  return out;
}

Status remove_cgroup(const std::string& path) {
  for (const std::string& dir : cgroup_dirs(path)) RETURN_IF_ERROR(remove_dir(dir));
  return {};
}

std::vector<int64_t> cgroup_processes(const std::string& path) {
  std::vector<int64_t> out;
  for (const std::string& dir : cgroup_dirs(path)) {
    auto text = read_file(dir + "/cgroup.procs", 16 << 20);
    if (!text.ok()) continue;
    std::istringstream lines(*text);
    for (int64_t pid; lines >> pid;) out.push_back(pid);
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

namespace {

// One that has ended, and waits for its parent to ask how, still names its cgroup.
bool has_ended(int64_t pid) {
  auto stat = read_file("/proc/" + std::to_string(pid) + "/stat", 8192);
  if (!stat.ok()) return true;
  size_t name_end = stat->rfind(')');
  if (name_end == std::string::npos || name_end + 2 >= stat->size()) return true;
  char state = (*stat)[name_end + 2];
  return state == 'Z' || state == 'X';
}

}  // namespace

bool process_in_cgroup(int64_t pid, const std::string& path) {
  if (pid <= 0 || has_ended(pid)) return false;
  auto text = read_file("/proc/" + std::to_string(pid) + "/cgroup", 1 << 20);
  if (!text.ok()) return false;
  std::istringstream lines(*text);
  for (std::string line; std::getline(lines, line);) {
    size_t colon = line.find(':', line.find(':') + 1);
    if (colon == std::string::npos) continue;
    std::string at = line.substr(colon + 1);
    if (at == path || at.starts_with(path + "/")) return true;
  }
  return false;
}

void kill_processes(const std::string& path) {
  for (int64_t pid : cgroup_processes(path)) {
    Fd handle(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
    // The handle first, then the question whose process it is: so the answer stays true.
    if (!handle.open() || !process_in_cgroup(pid, path)) continue;
    syscall(SYS_pidfd_send_signal, handle.get(), SIGKILL, nullptr, 0);
  }
}

Status end_processes(const std::string& path) {
  MonoTime deadline = read_clock().mono + 10s;
  while (true) {
    kill_processes(path);
    if (cgroup_processes(path).empty()) return {};
    if (read_clock().mono >= deadline) return error(ErrorCode::kBusy, "processes of cgroup " + path + " do not die");
    usleep(2'000);
  }
}

}  // namespace mainstay
