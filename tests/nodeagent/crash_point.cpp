#include "tests/nodeagent/crash_point.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "schema/base/clock.h"

namespace mainstay::test {

std::vector<int64_t> some_of(int64_t steps, int64_t usual) {
  const char* wish = std::getenv("MAINSTAY_CRASHES");
  int64_t wanted = wish == nullptr ? usual : std::max(1, std::atoi(wish));
  if (wish != nullptr && std::string(wish) == "all") wanted = std::max<int64_t>(1, steps);
  int64_t stride = std::max<int64_t>(1, steps / wanted);
  int64_t first = 1 + read_clock().wall.since_epoch.count() / 1000 % stride;
  std::vector<int64_t> out;
  for (int64_t at = first; at <= steps; at += stride) out.push_back(at);
  WARN("crashes at " << out.size() << " of " << steps << " points, every " << stride << " from " << first);
  return out;
}

bool CrashPoint::reach(const char* what, const char* more) {
  if (ended.load()) return false;
  int64_t step = steps.fetch_add(1) + 1;
  if (at == 0 || step < at) return true;
  if (step == at) snprintf(where, sizeof where, "%s %s", what, more);
  if (way == Way::kFull) return step >= at + lasting;
  if (step > at) return false;  // another thread, while the first is at it
  if (way == Way::kKill) {
    syscall(SYS_kill, getpid(), SIGKILL);
    while (true) pause();
  }
  ended.store(true);
  return false;
}

namespace {

std::atomic<CrashPoint*> g_watch{nullptr};
pid_t g_process = 0;
char g_directory[256] = "";

}  // namespace

void watch_system_calls(CrashPoint* point, const std::string& directory) {
  snprintf(g_directory, sizeof g_directory, "%s", directory.c_str());
  g_process = getpid();
  g_watch.store(point);
}

namespace {

CrashPoint* watch_of_this_process() {
  CrashPoint* point = g_watch.load();
  // A child between fork and exec is not the agent.
  return point != nullptr && syscall(SYS_getpid) == g_process ? point : nullptr;
}

bool of_directory(const char* path) {
  return g_directory[0] == 0 || (path != nullptr && strncmp(path, g_directory, strlen(g_directory)) == 0);
}

// Whether the call may be made. One that takes room on the disk can also find it full.
bool may(const char* call, const char* path, bool takes_room) {
  CrashPoint* point = watch_of_this_process();
  if (point == nullptr) return true;
  bool full = point->way == CrashPoint::Way::kFull;
  if (full && !(takes_room && of_directory(path))) return true;
  if (point->reach(call, path == nullptr ? "" : path)) return true;
  errno = ENOSPC;
  return false;
}

bool may_write(const char* call, int fd) {
  CrashPoint* point = watch_of_this_process();
  if (point == nullptr) return true;
  char link[64], path[256] = "";
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t size = readlink(link, path, sizeof path - 1);
  path[size > 0 ? size : 0] = 0;
  bool file = path[0] == '/' && strncmp(path, "/dev/", 5) != 0;
  return may(call, path, file);
}

template <typename Function>
Function real(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

}  // namespace
}  // namespace mainstay::test

using mainstay::test::may;
using mainstay::test::may_write;
using mainstay::test::real;

// The C library's names: the program's own definitions come first, also for the libraries it uses.
#define STEP(result, name, parameters, arguments, path, room, promise)                       \
  extern "C" result name parameters promise {                                               \
    static const auto next = real<result(*) parameters>(#name);                             \
    if (!may(#name, path, room)) return static_cast<result>(-1);                            \
    return next arguments;                                                                  \
  }

STEP(int, rename, (const char* from, const char* to), (from, to), to, true, noexcept)
STEP(int, renameat, (int a, const char* from, int b, const char* to), (a, from, b, to), to, false, noexcept)
STEP(int, mkdir, (const char* path, mode_t mode), (path, mode), path, true, noexcept)
STEP(int, mkdirat, (int at, const char* path, mode_t mode), (at, path, mode), path, false, noexcept)
STEP(int, mknodat, (int at, const char* path, mode_t mode, dev_t device), (at, path, mode, device), path, false,
     noexcept)
STEP(int, symlink, (const char* to, const char* path), (to, path), path, true, noexcept)
STEP(int, symlinkat, (const char* to, int at, const char* path), (to, at, path), path, false, noexcept)
STEP(int, linkat, (int a, const char* from, int b, const char* path, int flags), (a, from, b, path, flags), path,
     false, noexcept)
STEP(int, unlink, (const char* path), (path), path, false, noexcept)
STEP(int, unlinkat, (int at, const char* path, int flags), (at, path, flags), path, false, noexcept)
STEP(int, rmdir, (const char* path), (path), path, false, noexcept)
STEP(int, chmod, (const char* path, mode_t mode), (path, mode), path, false, noexcept)
STEP(int, chown, (const char* path, uid_t user, gid_t group), (path, user, group), path, false, noexcept)
STEP(int, fchmod, (int fd, mode_t mode), (fd, mode), nullptr, false, noexcept)
STEP(int, mount,
     (const char* what, const char* path, const char* type, unsigned long flags, const void* data),
     (what, path, type, flags, data), path, false, noexcept)
STEP(int, umount2, (const char* path, int flags), (path, flags), path, false, noexcept)
STEP(int, unshare, (int flags), (flags), nullptr, false, noexcept)
STEP(pid_t, fork, (), (), nullptr, false, noexcept)
STEP(int, fsync, (int fd), (fd), nullptr, false, )
STEP(ssize_t, sendmsg, (int fd, const msghdr* message, int flags), (fd, message, flags), nullptr, false, )

extern "C" ssize_t write(int fd, const void* bytes, size_t size) {
  static const auto next = real<ssize_t (*)(int, const void*, size_t)>("write");
  return may_write("write", fd) ? next(fd, bytes, size) : -1;
}

extern "C" ssize_t pwrite(int fd, const void* bytes, size_t size, off_t offset) {
  static const auto next = real<ssize_t (*)(int, const void*, size_t, off_t)>("pwrite");
  return may_write("pwrite", fd) ? next(fd, bytes, size, offset) : -1;
}

extern "C" int open(const char* path, int flags, ...) {
  static const auto next = real<int (*)(const char*, int, ...)>("open");
  mode_t mode = 0;
  if ((flags & (O_CREAT | O_TMPFILE)) != 0) {
    va_list more;
    va_start(more, flags);
    mode = va_arg(more, mode_t);
    va_end(more);
  }
  bool changes = (flags & (O_CREAT | O_TRUNC)) != 0;
  return !changes || may("open", path, true) ? next(path, flags, mode) : -1;
}
