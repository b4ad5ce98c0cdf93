#include "nodeagent/runtime/monitor.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include "nodeagent/disk.h"
#include "nodeagent/process.h"
#include "schema/base/clock.h"
#include "schema/json.h"

namespace mainstay {
namespace {

constexpr Duration kCreateTimeout = 60s;

std::string lock_path(const std::string& bundle) { return bundle + "/monitor.lock"; }

int64_t read_number(const std::string& path) {
  auto text = read_file(path, 64);
  return text.ok() ? std::strtoll(text->c_str(), nullptr, 10) : 0;
}

// The one line conmon writes when the runtime's `create` has ended.
Result<std::string> read_line(int fd, MonoTime deadline) {
  std::string line;
  while (true) {
    Duration left = deadline - read_clock().mono;
    if (left <= Duration{0}) return error(ErrorCode::kTimeout, "the container was not created in time");
    pollfd watched{fd, POLLIN, 0};
    poll(&watched, 1, static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(left).count()));
    if (watched.revents == 0) continue;
    char buffer[4096];
    ssize_t got = read(fd, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return error(ErrorCode::kUnavailable, "conmon ended without a word");
    line.append(buffer, static_cast<size_t>(got));
    if (size_t end = line.find('\n'); end != std::string::npos) return line.substr(0, end);
    if (line.size() > (64 << 10)) return failed("conmon's answer is too long");
  }
}

Result<int64_t> parse_answer(const std::string& line) {
  ASSIGN_OR_RETURN(Value answer, read_json(line));
  for (const char* name : {"data", "pid"}) {
    const Value* number = answer.find(name);
    if (number && number->is_int() && number->as_int() > 0) return number->as_int();
  }
  std::string message(answer.string_at("message"));
  if (message.empty()) return error(ErrorCode::kUnavailable, "creating the container: the runtime gave no reason");
  return creation_refused(message);
}

}  // namespace

Error creation_refused(std::string_view said) {
  std::string message = said_in_log(said);
  auto says = [&](std::string_view words) { return message.find(words) != std::string::npos; };
  bool missing = says("executable file not found") ||  // runc, in $PATH
                 (says("exec: \"") && says("no such file or directory")) ||  // runc, a path
                 (says("executable file `") && says("` not found"));  // crun
  return error(missing ? ErrorCode::kNotFound : ErrorCode::kFailed, "creating the container: " + message);
}

Result<Fd> take_lock(const std::string& path) {
  Fd lock(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!lock.open()) return errno_error("creating " + path, errno);
  if (flock(lock.get(), LOCK_EX | LOCK_NB) != 0) return error(ErrorCode::kBusy, path + " is held");
  return lock;
}

bool lock_held(const std::string& path) {
  Fd lock(open(path.c_str(), O_RDWR | O_CLOEXEC));
  return lock.open() && flock(lock.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}

Result<int64_t> start_monitor(const MonitorSpec& spec) {
  auto taken = take_lock(lock_path(spec.bundle));
  if (!taken.ok()) return taken.error().in("starting the monitor of container " + spec.id);
  Fd lock = std::move(*taken);
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return errno_error("making a pipe", errno);
  Fd answer(ends[0]);
  Fd write_end(ends[1]);

  ProcessSpec process;
  process.argv = {spec.conmon, "--api-version", "1", "-c", spec.id, "-u", spec.id, "-n", spec.name,
                  "-r", spec.runtime, "--runtime-arg", "--root=" + spec.runtime_root, "-b", spec.bundle,
                  "-p", spec.bundle + "/pid", "-P", spec.bundle + "/monitor.pid", "--exit-dir", spec.exits,
                  "--persist-dir", spec.persist, "-l", "k8s-file:" + spec.log, "--log-level", "error",
                  "--full-attach", "--no-sync-log"};
  if (spec.terminal) process.argv.push_back("--terminal");
  if (spec.keep_stdin) process.argv.push_back("--stdin");
  if (spec.log_limit > 0) process.argv.insert(process.argv.end(), {"--log-size-max", std::to_string(spec.log_limit)});
  process.env = plain_environment();
  process.env.push_back("_OCI_SYNCPIPE=3");
  // conmon, and the runtime it starts, inherit the lock; the container does not (the runtime closes it).
  process.descriptors = {{write_end.get(), 3}, {lock.get(), 4}};
  process.dies_with_us = false;
  process.timeout = kCreateTimeout;
  ASSIGN_OR_RETURN(ProcessResult ran, run_checked(process));
  (void)ran;
  write_end.reset();
  lock.reset();
  ASSIGN_OR_RETURN(std::string line, read_line(answer.get(), read_clock().mono + kCreateTimeout));
  return parse_answer(line);
}

// By the pid it wrote down, which may be somebody else's by now.
Fd watch_monitor(const std::string& bundle) {
  int64_t pid = read_number(bundle + "/monitor.pid");
  Fd handle(pid > 0 ? static_cast<int>(syscall(SYS_pidfd_open, pid, 0)) : -1);
  if (!handle.open()) return handle;
  auto command = read_file("/proc/" + std::to_string(pid) + "/cmdline", 64 << 10);
  bool ours = command.ok() && command->find(bundle.substr(bundle.rfind('/') + 1)) != std::string::npos;
  return ours ? std::move(handle) : Fd();
}

bool monitor_alive(const std::string& bundle) {
  // conmon closes what it inherited, our lock too, just before it writes the exit file: then its pid tells.
  return lock_held(lock_path(bundle)) || watch_monitor(bundle).open();
}

Status end_monitor(const std::string& bundle, const std::string& id) {
  MonoTime patience = read_clock().mono + 2s;
  while (monitor_alive(bundle)) {
    if (read_clock().mono < patience) {
      usleep(2'000);
      continue;
    }
    Fd handle = watch_monitor(bundle);
    if (!handle.open()) {
      if (!lock_held(lock_path(bundle))) break;
      return error(ErrorCode::kBusy,
                   "the monitor of container " + id + " holds its lock and cannot be found");
    }
    syscall(SYS_pidfd_send_signal, handle.get(), SIGKILL, nullptr, 0);
    patience = read_clock().mono + 2s;
    pollfd watched{handle.get(), POLLIN, 0};
    poll(&watched, 1, 2000);
  }
  return {};
}

int64_t monitored_pid(const std::string& bundle) { return read_number(bundle + "/pid"); }

Status reopen_log(const std::string& bundle) {
  std::string path = bundle + "/ctl";
  Fd control(open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
  if (!control.open()) return error(ErrorCode::kNotFound, "the container's monitor is gone");
  static constexpr std::string_view kReopen =
      "2 0 0\n";  // conmon's src/ctrl.c: REOPEN_LOGS_EVENT, two unused numbers
  if (write(control.get(), kReopen.data(), kReopen.size()) != static_cast<ssize_t>(kReopen.size())) {
    return errno_error("writing to " + path, errno);
  }
  return {};
}

}  // namespace mainstay
