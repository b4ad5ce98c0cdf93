#include "nodeagent/runtime/pause.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <sstream>

#include "nodeagent/disk.h"
#include "nodeagent/process.h"
#include "nodeagent/runtime/namespaces.h"
#include "schema/base/clock.h"

namespace mainstay {
namespace {

struct Process {
  int64_t pid = 0;
  std::string started;  // field 22 of stat: tells it from a later process of the same number
};

// "" for a process that is gone, or has ended and waits for somebody to ask how.
std::string start_time(int64_t pid) {
  auto stat = read_file("/proc/" + std::to_string(pid) + "/stat", 8192);
  if (!stat.ok()) return "";
  size_t close = stat->rfind(')');
  if (close == std::string::npos) return "";
  std::istringstream fields(stat->substr(close + 1));
  std::string field;
  for (int number = 3; number <= 22; ++number) {
    fields >> field;
    if (number == 3 && (field == "Z" || field == "X")) return "";
  }
  return field;
}

Process read_record(const std::string& record) {
  Process out;
  auto text = read_file(record, 128);
  if (!text.ok()) return out;
  std::istringstream words(*text);
  words >> out.pid >> out.started;
  return out;
}

bool lives(const Process& process) {
  return process.pid > 0 && !process.started.empty() && start_time(process.pid) == process.started;
}

bool same_namespace(const std::string& a, const std::string& b) {
  struct stat one, other;
  return stat(a.c_str(), &one) == 0 && stat(b.c_str(), &other) == 0 && one.st_ino == other.st_ino &&
         one.st_dev == other.st_dev;
}

// ---- In the children: nothing but calls that are safe after a fork of one thread among many ----

[[noreturn]] void be_pause(const char* program, int go) {
  char word = 0;
  // Nobody has written down who we are: then we must not be.
  if (read(go, &word, 1) != 1) _exit(1);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  // Ignored across exec as well: the kernel then reaps orphans by itself.
  signal(SIGCHLD, SIG_IGN);
  int null = open("/dev/null", O_RDWR);
  for (int fd = 0; fd <= 2 && null >= 0; ++fd) dup2(null, fd);
  syscall(SYS_close_range, 3U, ~0U, 0U);
  if (chdir("/") != 0) _exit(1);
  char name[] = "/pause", span[] = "infinity";
  char* argv[] = {name, span, nullptr};
  char* environment[] = {nullptr};
  execve(program, argv, environment);
  _exit(1);
}

[[noreturn]] void be_parent(const char* program, int tell, int go, int go_writer) {
  setsid();
  close(go_writer);
  if (unshare(CLONE_NEWPID) != 0) _exit(1);
  pid_t child = fork();
  if (child == 0) be_pause(program, go);
  bool told = child > 0 && write(tell, &child, sizeof child) == static_cast<ssize_t>(sizeof child);
  _exit(told ? 0 : 1);
}

}  // namespace

bool pause_alive(const std::string& record, const std::string& pin) {
  Process process = read_record(record);
  return lives(process) && is_pinned(pin) &&
         same_namespace("/proc/" + std::to_string(process.pid) + "/ns/pid", pin);
}

Status make_pause(const std::string& record, const std::string& pin) {
  if (pause_alive(record, pin)) return {};
  RETURN_IF_ERROR(end_pause(record, pin));
  std::string program = find_program("sleep");
  if (program.empty()) {
    return error(ErrorCode::kUnsupported, "sharing the process namespace needs the program sleep (coreutils)");
  }
  int told[2], go[2];
  if (pipe2(told, O_CLOEXEC) != 0) return errno_error("making a pipe", errno);
  Fd tell_read(told[0]), tell_write(told[1]);
  if (pipe2(go, O_CLOEXEC) != 0) return errno_error("making a pipe", errno);
  Fd go_read(go[0]), go_write(go[1]);
  pid_t parent = fork();
  if (parent < 0) return errno_error("forking", errno);
  if (parent == 0) be_parent(program.c_str(), tell_write.get(), go_read.get(), go_write.get());
  tell_write.reset();
  go_read.reset();
  int status = 0;
  while (waitpid(parent, &status, 0) < 0 && errno == EINTR) {}
  pid_t pid = 0;
  if (read(tell_read.get(), &pid, sizeof pid) != static_cast<ssize_t>(sizeof pid)) {
    return failed("making a process namespace: the kernel refused it");
  }
  // Until it gets its word it waits, and ends if we do.
  RETURN_IF_ERROR(write_file(record, std::to_string(pid) + " " + start_time(pid), 0600));
  Fd file(open(pin.c_str(), O_RDONLY | O_CREAT | O_CLOEXEC, 0600));
  if (!file.open()) return errno_error("creating " + pin, errno);
  std::string ns = "/proc/" + std::to_string(pid) + "/ns/pid";
  if (mount(ns.c_str(), pin.c_str(), nullptr, MS_BIND, nullptr) != 0) {
    return errno_error("pinning a process namespace at " + pin, errno);
  }
  if (write(go_write.get(), "g", 1) != 1) return errno_error("starting the pause process", errno);
  return {};
}

Status end_pause(const std::string& record, const std::string& pin) {
  Process process = read_record(record);
  Fd handle(process.pid > 0 ? static_cast<int>(syscall(SYS_pidfd_open, process.pid, 0)) : -1);
  // The handle first, then the question whose process it is: so the answer stays true.
  if (handle.open() && lives(process)) {
    syscall(SYS_pidfd_send_signal, handle.get(), SIGKILL, nullptr, 0);
    MonoTime deadline = read_clock().mono + 5s;
    while (lives(process)) {
      if (read_clock().mono >= deadline) return error(ErrorCode::kBusy, "a pod's first process does not die");
      usleep(2'000);
    }
  }
  RETURN_IF_ERROR(unpin_namespace(pin));
  if (unlink(record.c_str()) != 0 && errno != ENOENT) return errno_error("deleting " + record, errno);
  return {};
}

}  // namespace mainstay
