#include "nodeagent/process.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "nodeagent/disk.h"
#include "schema/base/clock.h"

namespace mainstay {
namespace {

struct Pipe {
  Fd read;
  Fd write;
};

Result<Pipe> make_pipe() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return errno_error("making a pipe", errno);
  return Pipe{Fd(ends[0]), Fd(ends[1])};
}

// What the child needs, all made before fork: between fork and exec only async-signal-safe calls are allowed.
struct ChildPlan {
  std::vector<char*> argv;
  std::vector<char*> env;
  std::vector<std::pair<int, int>> descriptors;
  std::vector<int> parked;  // room for the descriptors' temporary numbers
  const char* workdir = "/";
  bool dies_with_us = true;
  pid_t parent = 0;
  int report = -1;  // errno of a failed exec goes here; closes itself when exec succeeds
};

[[noreturn]] void child_failed(const ChildPlan& plan) {
  int error_number = errno;
  ssize_t ignored = write(plan.report, &error_number, sizeof error_number);
  (void)ignored;
  _exit(127);
}

[[noreturn]] void run_child(ChildPlan& plan) {
  setsid();
  if (plan.dies_with_us) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != plan.parent) _exit(127);  // the parent died before the request took effect
  }
  signal(SIGPIPE, SIG_DFL);
  signal(SIGCHLD, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  // Everything closes on exec except what is dup'ed below; two steps, as numbers may overlap.
  syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC);
  int high = 64;
  for (auto& [ours, theirs] : plan.descriptors) high = std::max({high, ours + 1, theirs + 1});
  for (size_t i = 0; i < plan.descriptors.size(); ++i) {
    plan.parked[i] = fcntl(plan.descriptors[i].first, F_DUPFD_CLOEXEC, high);
    if (plan.parked[i] < 0) child_failed(plan);
  }
  int report = fcntl(plan.report, F_DUPFD_CLOEXEC, high);
  if (report < 0) child_failed(plan);
  plan.report = report;
  for (size_t i = 0; i < plan.descriptors.size(); ++i) {
    if (dup2(plan.parked[i], plan.descriptors[i].second) < 0) child_failed(plan);
  }
  if (chdir(plan.workdir) != 0) child_failed(plan);
  execve(plan.argv[0], plan.argv.data(), plan.env.data());
  child_failed(plan);
}

std::vector<char*> pointers(const std::vector<std::string>& strings) {
  std::vector<char*> out;
  out.reserve(strings.size() + 1);
  for (const std::string& s : strings) out.push_back(const_cast<char*>(s.c_str()));
  out.push_back(nullptr);
  return out;
}

// A running child and our ends of its pipes.
struct Child {
  pid_t pid = -1;
  Fd pidfd;
  Fd in;
  Fd out;
  Fd err;
};

Result<Child> start(const ProcessSpec& spec) {
  ASSIGN_OR_RETURN(Pipe in, make_pipe());
  ASSIGN_OR_RETURN(Pipe out, make_pipe());
  ASSIGN_OR_RETURN(Pipe err, make_pipe());
  ASSIGN_OR_RETURN(Pipe report, make_pipe());
  ChildPlan plan;
  plan.argv = pointers(spec.argv);
  plan.env = pointers(spec.env);
  plan.descriptors = spec.descriptors;
  plan.descriptors.insert(plan.descriptors.end(),
                          {{in.read.get(), 0}, {out.write.get(), 1}, {err.write.get(), 2}});
  plan.parked.resize(plan.descriptors.size());
  if (!spec.workdir.empty()) plan.workdir = spec.workdir.c_str();
  plan.dies_with_us = spec.dies_with_us;
  plan.parent = getpid();
  plan.report = report.write.get();

  pid_t pid = fork();
  if (pid < 0) return errno_error("starting a process", errno);
  if (pid == 0) run_child(plan);
  report.write.reset();
  int error_number = 0;
  ssize_t got = 0;
  do got = read(report.read.get(), &error_number, sizeof error_number);
  while (got < 0 && errno == EINTR);
  if (got == sizeof error_number) {
    waitpid(pid, nullptr, 0);
    return errno_error("starting " + spec.argv[0], error_number);
  }
  Child child;
  child.pid = pid;
  child.pidfd = Fd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  if (!child.pidfd.open()) {
    int saved = errno;
    ::kill(-pid, SIGKILL);
    waitpid(pid, nullptr, 0);
    return errno_error("watching " + spec.argv[0], saved);
  }
  child.in = std::move(in.write);
  child.out = std::move(out.read);
  child.err = std::move(err.read);
  for (int fd : {child.in.get(), child.out.get(), child.err.get()}) fcntl(fd, F_SETFL, O_NONBLOCK);
  return child;
}

// Takes what is there now; closes the descriptor at its end.
void drain(Fd& fd, std::string& into, size_t max, bool& truncated) {
  char buffer[16384];
  while (fd.open()) {
    ssize_t got = read(fd.get(), buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) {
      fd.reset();
      return;
    }
    size_t room = max - std::min(max, into.size());
    into.append(buffer, std::min(room, static_cast<size_t>(got)));
    truncated = truncated || static_cast<size_t>(got) > room;
  }
}

void feed(Fd& fd, std::string_view& rest) {
  while (fd.open() && !rest.empty()) {
    // A pipe cannot take MSG_NOSIGNAL, so SIGPIPE is blocked by run_process while we write.
    ssize_t put = write(fd.get(), rest.data(), rest.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0 && errno == EAGAIN) return;
    if (put < 0) break;
    rest.remove_prefix(static_cast<size_t>(put));
  }
  fd.reset();
}

// Blocks SIGPIPE for this thread and swallows one that we caused.
class PipeSignalBlock {
 public:
  PipeSignalBlock() {
    sigemptyset(&pipe_);
    sigaddset(&pipe_, SIGPIPE);
    sigset_t pending;
    sigpending(&pending);
    was_pending_ = sigismember(&pending, SIGPIPE) == 1;
    pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }
  ~PipeSignalBlock() {
    timespec zero{};
    if (!was_pending_) {
      while (sigtimedwait(&pipe_, nullptr, &zero) < 0 && errno == EINTR) {}
    }
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }

 private:
  sigset_t pipe_;
  sigset_t before_;
  bool was_pending_ = false;
};

}  // namespace

Result<ProcessResult> run_process(const ProcessSpec& spec) {
  ENSURE(!spec.argv.empty() && spec.argv[0].starts_with("/"), "argv[0] must be an absolute path");
  MonoTime deadline = read_clock().mono + spec.timeout;
  PipeSignalBlock no_sigpipe;
  ASSIGN_OR_RETURN(Child child, start(spec));
  ProcessResult result;
  std::string_view to_write = spec.stdin_bytes;
  bool ended = false, cancelled = false;
  constexpr int kLookForCancel = 200;  // ms
  while (!ended) {
    feed(child.in, to_write);
    pollfd watched[4] = {{child.pidfd.get(), POLLIN, 0},
                         {child.out.get(), POLLIN, 0},
                         {child.err.get(), POLLIN, 0},
                         {child.in.get(), POLLOUT, 0}};
    Duration left = deadline - read_clock().mono;
    cancelled = cancelled || (spec.cancelled != nullptr && spec.cancelled->load());
    if ((left <= Duration{0} || cancelled) && !result.timed_out) {
      result.timed_out = true;
      if (spec.before_kill) {
        ::kill(-child.pid, SIGSTOP);
        spec.before_kill(child.pid);
      }
      ::kill(-child.pid, SIGKILL);
      syscall(SYS_pidfd_send_signal, child.pidfd.get(), SIGKILL, nullptr, 0);
    }
    int wait = result.timed_out
                   ? 1000
                   : static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(left).count());
    if (spec.cancelled != nullptr) wait = std::min(wait, kLookForCancel);
    poll(watched, 4, wait);
    drain(child.out, result.out, spec.max_output, result.truncated);
    drain(child.err, result.err, spec.max_output, result.truncated);
    ended = (watched[0].revents & POLLIN) != 0;
  }
  int status = 0;
  while (waitpid(child.pid, &status, 0) < 0 && errno == EINTR) {}
  drain(child.out, result.out, spec.max_output, result.truncated);
  drain(child.err, result.err, spec.max_output, result.truncated);
  if (cancelled) return error(ErrorCode::kCancelled, spec.argv[0] + " was ended because the agent stops");
  result.exit_code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  return result;
}

Result<ProcessResult> run_checked(const ProcessSpec& spec) {
  ASSIGN_OR_RETURN(ProcessResult result, run_process(spec));
  std::string name = spec.argv[0].substr(spec.argv[0].rfind('/') + 1);
  if (result.timed_out) {
    auto seconds = std::chrono::duration_cast<std::chrono::seconds>(spec.timeout).count();
    return error(ErrorCode::kTimeout, name + " did not finish within " + std::to_string(seconds) + " s");
  }
  if (result.exit_code == 0) return result;
  std::string said = said_in_log(result.err.empty() ? result.out : result.err);
  return failed(name + " ended with exit code " + std::to_string(result.exit_code) + ": " + said);
}

std::string said_in_log(std::string_view output) {
  std::string out;
  size_t at = output.rfind("msg=\"");
  if (at == std::string_view::npos) {
    out = output.substr(output.size() > 1000 ? output.size() - 1000 : 0);
  } else {
    for (size_t i = at + 5; i < output.size() && output[i] != '"'; ++i) {
      if (output[i] == '\\' && i + 1 < output.size()) ++i;
      out += output[i];
    }
    if (out.size() > 1000) out.resize(1000);
  }
  std::replace(out.begin(), out.end(), '\n', ' ');
  while (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

std::vector<std::string> plain_environment() {
  std::vector<std::string> out{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                               "LC_ALL=C.UTF-8"};
  for (const char* name :
       {"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"}) {
    if (const char* value = std::getenv(name)) out.push_back(std::string(name) + "=" + value);
  }
  return out;
}

std::string find_program(const std::string& name) {
  for (const char* dir :
       {"/usr/local/sbin/", "/usr/local/bin/", "/usr/sbin/", "/usr/bin/", "/sbin/", "/bin/"}) {
    std::string path = dir + name;
    if (::access(path.c_str(), X_OK) == 0) return path;
  }
  return "";
}

}  // namespace mainstay
