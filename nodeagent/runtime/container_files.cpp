#include "nodeagent/runtime/container_files.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include "nodeagent/disk.h"
#include "nodeagent/process.h"
#include "nodeagent/runtime/cgroup.h"
#include "nodeagent/runtime/monitor.h"
#include "nodeagent/runtime/namespaces.h"
#include "nodeagent/runtime/termination_message.h"
#include "schema/base/clock.h"

namespace mainstay {
namespace {

std::string record_path(const NodePaths& paths, const ContainerKey& key) {
  return paths.container(key) + "/container.json";
}

WallTime modified(const struct stat& info) {
  return {std::chrono::duration_cast<Duration>(std::chrono::seconds(info.st_mtim.tv_sec) +
                                               std::chrono::nanoseconds(info.st_mtim.tv_nsec))};
}

// Its time is that of the end of a container that had lost its monitor.
std::string unwatched_mark(const NodePaths& paths, const ContainerKey& key) {
  return paths.container(key) + "/unwatched";
}

std::string state_dir(const NodePaths& paths, const ContainerKey& key) {
  return paths.runtime_root() + "/" + container_id(key);
}

}  // namespace

Result<ContainerRecord> load_container(const NodePaths& paths, const ContainerKey& key) {
  auto text = read_file(record_path(paths, key));
  if (!text.ok()) {
    if (text.error().code == ErrorCode::kNotFound && path_exists(paths.container(key))) {
      return error(ErrorCode::kCorrupt, "container " + container_id(key) + " has no record");
    }
    return text.error().in("container " + container_id(key));
  }
  auto record = decode_container_record(*text);
  if (!record.ok() || record->container.key != key) {
    return error(ErrorCode::kCorrupt, "the record of container " + container_id(key) + " cannot be read");
  }
  record->container.id = container_id(key);
  return record;
}

Status save_container(const NodePaths& paths, const ContainerRecord& record) {
  return write_file(record_path(paths, record.container.key), encode_record(record), 0600);
}

ProcessStatus observe_container(const NodePaths& paths, const ContainerRecord& record) {
  const ContainerKey& key = record.container.key;
  ProcessStatus out;
  out.started_at = record.started_at;
  std::string bundle = paths.bundle(key);
  struct stat info;
  if (out.started_at == WallTime{} && stat((bundle + "/pid").c_str(), &info) == 0)
    out.started_at = modified(info);

  // The order matters: a process that is gone by now has, or will have, its exit file if its monitor lives.
  bool watched = monitor_alive(bundle);
  out.pid = monitored_pid(bundle);
  bool alive = process_in_cgroup(out.pid, paths.container_cgroup(key));
  // One that was never let go has not run, whatever became of it: it is being made, or unmade.
  bool was_started = record.started_at != WallTime{};
  std::string exit_path = paths.container(key) + "/exit";
  if (auto code = read_file(exit_path, 64); was_started && code.ok() && !code->empty()) {
    out.state = ProcessStatus::State::kExited;
    out.exit_code = std::atoi(code->c_str());
    out.oom_killed = path_exists(paths.container(key) + "/oom");
    if (stat(exit_path.c_str(), &info) == 0) out.finished_at = modified(info);
    out.pid = 0;
    out.message = read_termination_message(paths, key, record.message_from_log && out.exit_code != 0);
    return out;
  }
  if (alive) {
    bool waiting = path_exists(state_dir(paths, key) + "/exec.fifo");
    // Without a monitor it must not be started: it has to be made again.
    if (waiting) out.state = watched ? ProcessStatus::State::kCreated : ProcessStatus::State::kBroken;
    if (!waiting) out.state = ProcessStatus::State::kRunning;
    return out;
  }
  if (was_started && watched) {  // between the end and the exit file
    out.state = ProcessStatus::State::kRunning;
    return out;
  }
  out.pid = 0;
  if (!was_started) return out;  // kBroken
  out.state = ProcessStatus::State::kExited;
  out.exit_unknown = true;
  out.exit_code = 137;
  out.finished_at = out.started_at;
  if (stat(unwatched_mark(paths, key).c_str(), &info) == 0) out.finished_at = modified(info);
  return out;
}

namespace {

// What overlayfs is to lay on each other, lowest first. It takes no layer twice: the highest shows all that one below
// it would. And it merges the roots of all, also of one whose root was made anew.
std::vector<std::string> stack_of(const NodePaths& paths, const std::vector<std::string>& layers) {
  std::vector<std::string> out;
  for (auto layer = layers.rbegin(); layer != layers.rend(); ++layer) {
    if (std::find(out.begin(), out.end(), *layer) == out.end()) out.push_back(*layer);
    char value = 0;
    std::string root = paths.layers() + "/" + *layer;
    if (getxattr(root.c_str(), "trusted.overlay.opaque", &value, 1) == 1 && value == 'y') break;
  }
  std::reverse(out.begin(), out.end());
  return out;
}

}  // namespace

Status make_root_filesystem(const NodePaths& paths, const ContainerKey& key,
                            const std::vector<std::string>& layers) {
  std::string home = paths.container(key);
  std::string rootfs = paths.bundle(key) + "/rootfs";
  for (const std::string& dir : {home + "/upper", home + "/work", rootfs})
    RETURN_IF_ERROR(make_dirs(dir, 0755));
  std::vector<std::string> lower = stack_of(paths, layers);
  if (lower.empty()) {  // an image from scratch without a layer; overlayfs wants at least one
    RETURN_IF_ERROR(make_dirs(paths.layers() + "/empty", 0755));
    lower = {"empty"};
  }
  for (const std::string& layer : lower) {
    if (!safe_name(layer) || !path_exists(paths.layers() + "/" + layer)) {
      return error(ErrorCode::kUnavailable, "layer '" + layer + "' of the image is not on this node");
    }
  }
  return mount_overlay(paths.layers(), lower, home + "/upper", home + "/work", rootfs);
}

std::string read_in_root(const std::string& rootfs, const std::string& path) {
  Fd root(open(rootfs.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root.open()) return "";
  auto file = open_in_root(root.get(), path, O_RDONLY | O_NONBLOCK);
  struct stat info;
  if (!file.ok() || fstat(file->get(), &info) != 0 || !S_ISREG(info.st_mode)) return "";
  auto text = read_file("/proc/self/fd/" + std::to_string(file->get()), 1 << 20);
  return text.ok() ? *text : "";
}

Status signal_container(const NodePaths& paths, const ContainerRecord& record, int signal) {
  int64_t pid = monitored_pid(paths.bundle(record.container.key));
  if (pid <= 0) return {};
  Fd handle(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  // The handle first, then the question whose process it is: so the answer stays true.
  if (!handle.open() || !process_in_cgroup(pid, paths.container_cgroup(record.container.key))) return {};
  if (syscall(SYS_pidfd_send_signal, handle.get(), signal, nullptr, 0) != 0 && errno != ESRCH) {
    return errno_error("signalling container " + record.container.id, errno);
  }
  return {};
}

Status kill_container(const NodePaths& paths, const ContainerKey& key) {
  kill_processes(paths.container_cgroup(key));
  return {};
}

namespace {

Status delete_runtime_state(const NodePaths& paths, const std::string& oci_runtime, const ContainerKey& key) {
  if (!path_exists(state_dir(paths, key))) return {};
  ProcessSpec spec;
  spec.argv = {oci_runtime, "--root", paths.runtime_root(), "delete", "--force", container_id(key)};
  spec.env = plain_environment();
  // Its verdict does not matter: what it leaves, if it knows the container no more, is taken away here.
  auto deleted = run_process(spec);
  if (!deleted.ok()) return deleted.error();
  return remove_tree(state_dir(paths, key));
}

}  // namespace

Status end_unwatched(const NodePaths& paths, const ContainerKey& key) {
  RETURN_IF_ERROR(write_file(unwatched_mark(paths, key), "", 0600));
  return end_processes(paths.container_cgroup(key));
}

Status discard_container(const NodePaths& paths, const std::string& oci_runtime, const ContainerKey& key,
                         bool keep_log) {
  std::string id = container_id(key);
  RETURN_IF_ERROR(end_processes(paths.container_cgroup(key)));
  RETURN_IF_ERROR(end_monitor(paths.bundle(key), id));
  // A monitor killed in the middle of a create may have left one more process behind.
  RETURN_IF_ERROR(end_processes(paths.container_cgroup(key)));
  RETURN_IF_ERROR(delete_runtime_state(paths, oci_runtime, key));
  RETURN_IF_ERROR(remove_cgroup(paths.container_cgroup(key)));
  RETURN_IF_ERROR(remove_tree(paths.bundle(key)));
  RETURN_IF_ERROR(remove_tree(paths.exits() + "/" + id));
  std::string log = paths.log(key);
  if (!keep_log) {
    RETURN_IF_ERROR(remove_tree(log));
    RETURN_IF_ERROR(remove_tree(log + ".tmp"));  // conmon's, if it was killed while it began a new file
    for (int number = 1; path_exists(log + "." + std::to_string(number)); ++number) {
      RETURN_IF_ERROR(remove_tree(log + "." + std::to_string(number)));
    }
  }
  RETURN_IF_ERROR(remove_tree(paths.container(key)));  // last: while the record stands, list() names the rest
  for (const std::string& dir :
       {paths.containers(key.uid) + "/" + key.container, log.substr(0, log.rfind('/'))}) {
    rmdir(dir.c_str());  // stays if other attempts are in it
  }
  return {};
}

Status unmake_container(const NodePaths& paths, const std::string& oci_runtime, const ContainerKey& key,
                        bool keep_log) {
  std::string record = record_path(paths, key);
  if (unlink(record.c_str()) != 0 && errno != ENOENT && errno != ENOTDIR) return errno_error("deleting " + record, errno);
  return discard_container(paths, oci_runtime, key, keep_log);
}

}  // namespace mainstay
