#include "nodeagent/runtime/container_exec.h"

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <sstream>

#include "nodeagent/disk.h"
#include "nodeagent/process.h"
#include "nodeagent/runtime/cgroup.h"
#include "schema/base/clock.h"
#include "schema/json.h"

namespace mainstay {
namespace {

// The session a process belongs to, 0 if it is gone: field 6 of stat, after the name in parentheses.
int64_t session_of(int64_t pid) {
  auto stat = read_file("/proc/" + std::to_string(pid) + "/stat", 8192);
  if (!stat.ok()) return 0;
  size_t close = stat->rfind(')');
  if (close == std::string::npos) return 0;
  std::istringstream fields(stat->substr(close + 1));
  std::string state;
  int64_t parent = 0, group = 0, session = 0;
  fields >> state >> parent >> group >> session;
  return session;
}

std::vector<int64_t> children_of(int64_t pid) {
  std::vector<int64_t> out;
  std::string tasks = "/proc/" + std::to_string(pid) + "/task";
  auto threads = list_dir(tasks);
  if (!threads.ok()) return out;
  for (const std::string& thread : *threads) {
    auto text = read_file(tasks + "/" + thread + "/children", 1 << 16);
    if (!text.ok()) continue;
    std::istringstream words(*text);
    for (int64_t child; words >> child;) out.push_back(child);
  }
  return out;
}

// The runtime gives an exec a session of its own; its children are in it unless they left it on purpose. Again until
// there are none: one may start another while it is looked at.
void kill_sessions(const std::string& cgroup, const std::vector<int64_t>& leaders) {
  MonoTime patience = read_clock().mono + 2s;
  for (bool any = true; any && read_clock().mono < patience;) {
    any = false;
    for (int64_t pid : cgroup_processes(cgroup)) {
      Fd handle(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
      int64_t session = session_of(pid);
      bool theirs = session > 0 && std::find(leaders.begin(), leaders.end(), session) != leaders.end();
      if (!handle.open() || !theirs || !process_in_cgroup(pid, cgroup)) continue;
      syscall(SYS_pidfd_send_signal, handle.get(), SIGKILL, nullptr, 0);
      any = true;
    }
    if (any) usleep(2'000);
  }
}

Result<std::string> exec_process(const std::string& bundle, const std::vector<std::string>& argv) {
  ASSIGN_OR_RETURN(std::string text, read_file(bundle + "/config.json"));
  ASSIGN_OR_RETURN(Value config, read_json(text));
  const Value* process = config.find("process");
  if (!process) return error(ErrorCode::kCorrupt, bundle + "/config.json has no process");
  Value out = *process;
  Value args = Value::list();
  for (const std::string& arg : argv) args.push(arg);
  out.set("args", args);
  out.set("terminal", false);
  return to_json(out);
}

}  // namespace

Result<ExecResult> exec_in_container(const NodePaths& paths, const std::string& oci_runtime,
                                     const ContainerKey& key, const std::vector<std::string>& argv,
                                     Duration timeout, size_t max_output,
                                     const std::atomic<bool>& cancelled) {
  if (argv.empty()) return error(ErrorCode::kInvalid, "no command to execute");
  static std::atomic<uint64_t> counter{0};  // only makes file names differ
  std::string bundle = paths.bundle(key);
  std::string stem = bundle + "/exec-" + std::to_string(getpid()) + "-" + std::to_string(counter++);
  ASSIGN_OR_RETURN(std::string process, exec_process(bundle, argv));
  RETURN_IF_ERROR(write_file(stem + ".json", process, 0600));
  ProcessSpec spec;
  spec.argv = {oci_runtime, "--root", paths.runtime_root(), "exec", "--process", stem + ".json",
               "--pid-file", stem + ".pid", container_id(key)};
  spec.env = plain_environment();
  spec.timeout = timeout;
  spec.max_output = max_output;
  spec.cancelled = &cancelled;
  // The process may run before the runtime has written down which one it is.
  std::vector<int64_t> started;
  spec.before_kill = [&](int64_t pid) { started = children_of(pid); };
  auto ran = run_process(spec);
  bool ended_early = ran.ok() ? ran->timed_out : ran.error().code == ErrorCode::kCancelled;
  if (ended_early) {
    auto pid = read_file(stem + ".pid", 64);
    if (pid.ok()) started.push_back(std::strtoll(pid->c_str(), nullptr, 10));
    kill_sessions(paths.container_cgroup(key), started);
  }
  unlink((stem + ".json").c_str());
  unlink((stem + ".pid").c_str());
  if (!ran.ok()) return ran.error();
  ExecResult out;
  out.exit_code = ran->exit_code;
  out.timed_out = ran->timed_out;
  out.output = ran->out + ran->err;
  if (out.output.size() > max_output) out.output.resize(max_output);
  return out;
}

}  // namespace mainstay
