#include "nodeagent/runtime/namespaces.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <thread>

#include "nodeagent/disk.h"

namespace mainstay {
namespace {

int clone_flag(NamespaceKind kind) {
  switch (kind) {
    case NamespaceKind::kNet: return CLONE_NEWNET;
    case NamespaceKind::kIpc: return CLONE_NEWIPC;
    case NamespaceKind::kUts: return CLONE_NEWUTS;
  }
  return 0;
}

const char* proc_path(NamespaceKind kind) {
  switch (kind) {
    case NamespaceKind::kNet: return "/proc/thread-self/ns/net";
    case NamespaceKind::kIpc: return "/proc/thread-self/ns/ipc";
    case NamespaceKind::kUts: return "/proc/thread-self/ns/uts";
  }
  return "";
}

Status loopback_up() {
  Fd fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!fd.open()) return errno_error("opening a socket in the new network namespace", errno);
  ifreq request{};
  std::strncpy(request.ifr_name, "lo", sizeof request.ifr_name - 1);
  if (ioctl(fd.get(), SIOCGIFFLAGS, &request) != 0) return errno_error("reading the flags of lo", errno);
  request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP);
  if (ioctl(fd.get(), SIOCSIFFLAGS, &request) != 0) return errno_error("setting lo up", errno);
  return {};
}

// Runs `work` in a thread that may change its own namespaces and directory without anybody noticing.
template <typename Work>
Status in_thread(Work work) {
  Status status = failed("the thread did not run");
  try {
    std::thread thread([&] { status = work(); });
    thread.join();
  } catch (const std::system_error& problem) {
    return failed(std::string("starting a thread: ") + problem.what());
  }
  return status;
}

}  // namespace

bool is_pinned(const std::string& path) {
  struct statfs info;
  return statfs(path.c_str(), &info) == 0 && info.f_type == NSFS_MAGIC;
}

Status unpin_namespace(const std::string& path) {
  // Several mounts may lie on top of each other after interrupted attempts.
  while (is_pinned(path)) {
    if (umount2(path.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) != 0)
      return errno_error("unmounting " + path, errno);
  }
  if (unlink(path.c_str()) != 0 && errno != ENOENT) return errno_error("deleting " + path, errno);
  return {};
}

Status pin_namespaces(const std::vector<NamespacePin>& pins, const std::string& hostname) {
  bool complete =
      std::all_of(pins.begin(), pins.end(), [](const NamespacePin& pin) { return is_pinned(pin.path); });
  if (complete) return {};
  int flags = 0;
  for (const NamespacePin& pin : pins) {
    flags |= clone_flag(pin.kind);
    RETURN_IF_ERROR(unpin_namespace(pin.path));
    Fd file(open(pin.path.c_str(), O_RDONLY | O_CREAT | O_CLOEXEC, 0600));
    if (!file.open()) return errno_error("creating " + pin.path, errno);
  }
  return in_thread([&]() -> Status {
    if (unshare(flags) != 0) return errno_error("making namespaces", errno);
    if ((flags & CLONE_NEWNET) != 0) RETURN_IF_ERROR(loopback_up());
    if ((flags & CLONE_NEWUTS) != 0 && sethostname(hostname.data(), hostname.size()) != 0) {
      return errno_error("setting the host name '" + hostname + "'", errno);
    }
    for (const NamespacePin& pin : pins) {
      if (mount(proc_path(pin.kind), pin.path.c_str(), nullptr, MS_BIND, nullptr) != 0) {
        return errno_error("pinning a namespace at " + pin.path, errno);
      }
    }
    return {};
  });
}

Status in_network_namespace(const std::string& path, const std::function<Status()>& work) {
  if (!is_pinned(path)) return error(ErrorCode::kNotFound, path + " is no namespace");
  return in_thread([&]() -> Status {
    Fd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd.open() || setns(fd.get(), CLONE_NEWNET) != 0) return errno_error("entering " + path, errno);
    return work();
  });
}

Status mount_overlay(const std::string& layers_dir, const std::vector<std::string>& lower,
                     const std::string& upper, const std::string& work, const std::string& target) {
  std::string options = "lowerdir=";
  for (auto layer = lower.rbegin(); layer != lower.rend(); ++layer) {
    if (layer != lower.rbegin()) options += ':';
    options += *layer;
  }
  options += ",upperdir=" + upper + ",workdir=" + work;
  if (options.size() >= 4096) {
    return error(ErrorCode::kInvalid,
                 "an image of " + std::to_string(lower.size()) + " layers is more than overlayfs takes");
  }
  return in_thread([&]() -> Status {
    if (unshare(CLONE_FS) != 0) return errno_error("leaving the shared working directory", errno);
    if (chdir(layers_dir.c_str()) != 0) return errno_error("entering " + layers_dir, errno);
    if (mount("overlay", target.c_str(), "overlay", 0, options.c_str()) != 0) {
      return errno_error("mounting the image at " + target + " (" + options + ")", errno);
    }
    return {};
  });
}

}  // namespace mainstay
