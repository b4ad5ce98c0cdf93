// A node to test the agent's edges on: temporary directories, a cgroup name of its own, a busybox image layer
// and the real runtime. Everything it made is gone when it ends, and the test fails if something is not.
#pragma once

#include <memory>
#include <string>

#include "nodeagent/doors.h"
#include "nodeagent/node_paths.h"
#include "nodeagent/runtime/oci_runtime.h"

namespace mainstay::test {

// Why real containers cannot be tried here ("" if they can): not root, or a program is missing.
std::string why_no_containers();

struct EdgeNodeOptions {
  std::string oci_runtime;   // "": the node's own
  uint64_t log_limit = 0;    // bytes; 0: the usual one
  uint64_t disk_bytes = 0;   // of a tmpfs that is the data directory's disk; 0: the machine's own
};

class EdgeNode {
 public:
  explicit EdgeNode(EdgeNodeOptions how = {});
  ~EdgeNode();
  EdgeNode(const EdgeNode&) = delete;
  EdgeNode& operator=(const EdgeNode&) = delete;

  const NodePaths& paths() const { return paths_; }
  const std::string& dir() const { return dir_; }
  const std::vector<std::string>& runtime_notes() const { return notes_; }
  Runtime& runtime() { return *runtime_; }
  // A second one on the same directories, as a restarted agent would open.
  std::unique_ptr<Runtime> reopen();

  // An image of one layer with busybox, made by hand.
  Image image();

  // A pod sandbox with a pinned network namespace (loopback only).
  std::string make_pod();
  ContainerSpec container(const std::string& uid, const std::string& script, uint32_t attempt = 0);
  void remove_pod(const std::string& uid);

 private:
  OciRuntimeOptions options() const;

  std::string oci_runtime_;
  uint64_t log_limit_;
  std::string dir_;
  NodePaths paths_;
  std::vector<std::string> notes_;
  std::unique_ptr<Runtime> runtime_;
  int pods_ = 0;
};

// Waits (at most ten seconds) until `done` holds; returns whether it does.
template <typename Condition>
bool eventually(Condition done);

// Polls the status until the container has ended, at most ten seconds.
ProcessStatus wait_until_exited(Runtime& runtime, const ContainerKey& key);

std::string log_text(Runtime& runtime, const ContainerKey& key);

void sleep_ms(int milliseconds);

template <typename Condition>
bool eventually(Condition done) {
  for (int i = 0; i < 2000; ++i) {
    if (done()) return true;
    sleep_ms(5);
  }
  return done();
}

}  // namespace mainstay::test

// Leaves the test with the reason where real containers cannot run.
#define NEEDS_CONTAINERS()                                   \
  do {                                                       \
    std::string reason_ = mainstay::test::why_no_containers(); \
    if (!reason_.empty()) {                                  \
      WARN("SKIPPED: " << reason_);                          \
      return;                                                \
    }                                                        \
  } while (false)

// Fails the test with the error's sentence.
#define REQUIRE_OK(expr)                          \
  do {                                            \
    auto&& outcome_ = (expr);                     \
    if (!outcome_.ok()) FAIL(outcome_.error().message); \
  } while (false)
