// Running another program: an argument vector (never a shell), a whole environment, bounded output, a
// deadline. The program gets a session of its own and only the descriptors named here. Any thread; blocks
// until the end.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "schema/base/result.h"
#include "schema/base/time.h"

namespace mainstay {

struct ProcessSpec {
  std::vector<std::string> argv;  // argv[0] is the absolute path of the program
  std::vector<std::string> env;   // all of it; see plain_environment()
  std::string stdin_bytes;
  std::string workdir;            // "" means "/"
  size_t max_output = 64 << 10;   // of stdout and of stderr; the rest is read and dropped
  Duration timeout = 30s;         // then its process group is killed
  const std::atomic<bool>* cancelled = nullptr;  // once true it is killed too, and the answer is kCancelled
  // Called just before it is killed, when it stands still: who is to go with it can be seen then.
  std::function<void(int64_t pid)> before_kill;
  // Killed with us. Not for what has to outlive us (conmon).
  bool dies_with_us = true;
  std::vector<std::pair<int, int>> descriptors;  // (ours, its number there); the numbers from 3 on
};

struct ProcessResult {
  int exit_code = 0;      // 128 + signal if a signal ended it
  bool timed_out = false;
  bool truncated = false;  // some output was dropped
  std::string out;
  std::string err;
};

// An error only if the program could not be started at all (kNotFound: no such program). Once it has ended,
// what is still written by children that inherited its descriptors is not waited for.
Result<ProcessResult> run_process(const ProcessSpec& spec);

// As run_process, but an exit code other than 0 or the deadline is an error that quotes the end of stderr.
Result<ProcessResult> run_checked(const ProcessSpec& spec);

// What a Go program (runc, skopeo) said: the text of its last `msg="..."`, or all of it, at most 1,000 bytes.
// Pure.
std::string said_in_log(std::string_view output);

// PATH and the proxy variables of our own environment: what the node's tools need, and no secrets.
std::vector<std::string> plain_environment();

// The absolute path of a program in the usual system directories, or "".
std::string find_program(const std::string& name);

}  // namespace mainstay
