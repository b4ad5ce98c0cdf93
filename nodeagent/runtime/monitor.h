// conmon, the small process that stands between a container and everybody else: it creates the container
// through the OCI runtime, writes its output to a CRI log and its exit code to a file, and outlives us. Any
// thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "nodeagent/disk.h"
#include "schema/base/result.h"

namespace mainstay {

struct MonitorSpec {
  std::string conmon;        // path of the program
  std::string runtime;       // path of the OCI runtime
  std::string runtime_root;  // its --root
  std::string id;
  std::string name;
  std::string bundle;        // holds config.json; conmon puts its pid files and control pipe there
  std::string exits;         // directory: a file named after the id appears when the container ends
  std::string persist;  // directory: file `exit` (code) and `oom` (exists if the kernel killed for memory)
  std::string log;
  bool terminal = false;    // it makes the container's terminal and reads its output there
  bool keep_stdin = false;  // it holds the writing end of the container's input
  uint64_t log_limit = 0;  // bytes; a file that reaches it before it was rotated is begun anew, its lines are lost
};

// Starts conmon and waits until the container is created (not started). The first process's pid.
// kNotFound: its command is not in the image; kFailed: the runtime refused, in its words; kUnavailable: it, or
// conmon, ended without a word (somebody killed it), which says nothing of the container.
Result<int64_t> start_monitor(const MonitorSpec& spec);

// What a runtime said when it refused (its log, or plain text) as one sentence; the codes as above. Pure.
Error creation_refused(std::string_view said);

// Whether a conmon of this bundle lives, or is only about to. While this holds, an exit file may still come.
bool monitor_alive(const std::string& bundle);

// A handle (pidfd) on the bundle's conmon, readable once it has ended; not open if there is none.
Fd watch_monitor(const std::string& bundle);

// Waits for the end of the bundle's conmon, and after two seconds kills it.
Status end_monitor(const std::string& bundle, const std::string& id);

// A lock file that programs we start inherit, so that whoever comes after us knows whether one still runs.
// kBusy: somebody holds it.
Result<Fd> take_lock(const std::string& path);
bool lock_held(const std::string& path);

// The pid conmon wrote for the container's first process; 0 if it has not.
int64_t monitored_pid(const std::string& bundle);

// Tells conmon to open its log anew. kNotFound: it is gone.
Status reopen_log(const std::string& bundle);

}  // namespace mainstay
