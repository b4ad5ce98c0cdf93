// The life of a pod as its control plane directs it: an image is brought, the pod runs (init container, hooks,
// probes, every kind of volume), a container of it ends and is run again, its configuration changes, it is
// deleted and forgotten, the image goes. What the control plane knows outlives every agent.
#pragma once

#include <atomic>
#include <mutex>
#include <string>

#include "schema/agent_messages.h"

namespace mainstay::test {

enum class StoryPhase : int { kStart, kEnd, kUpdate, kLeave, kForget, kOver };

// Plain, so that it can lie in memory shared with the agent's process.
struct StoryRecord {
  std::atomic<StoryPhase> phase{StoryPhase::kStart};
  std::atomic<StoryPhase> hold{StoryPhase::kOver};  // goes no further than this one
  std::atomic<int> patience{0};                     // so many more restarts than the story's own are fine
  std::atomic<bool> ready{false}, gone{false}, forgotten{false};
  std::atomic<int> restarts{0};
  std::atomic<uint32_t> report_bytes{0};
  char report[32 << 10] = "";  // the pod's newest status
  char trouble[400] = "";      // the first thing that must not be
};

// What the story asks of the world its pod lives in.
class StoryWorld {
 public:
  virtual ~StoryWorld() = default;
  virtual void end_first_attempt() = 0;       // of the container "main"; may be asked again and again
  virtual std::string configuration() = 0;    // what the pod's volume shows of it
};

class Story {
 public:
  // `shared` is a directory of the node for the pod's own notes.
  Story(StoryRecord& record, std::string pod_uid, std::string shared)
      : uid(std::move(pod_uid)), record_(record), shared_(std::move(shared)) {}

  const std::string uid;  // of the pod
  static const std::string& image();
  uint64_t number() const;
  Assignment assignment(WallTime now) const;
  void take(const NodeReport& report);
  // Goes on to the next phase if this one has come to its end.
  void advance(StoryWorld& world);
  StoryPhase phase() const { return record_.phase.load(); }
  std::string trouble() const { return record_.trouble; }

 private:
  void fail(const std::string& what);

  StoryRecord& record_;
  std::string shared_;
  // For the threads of one agent. Not in the shared memory: who is killed with it would keep it for ever.
  mutable std::mutex mutex_;
};

}  // namespace mainstay::test
