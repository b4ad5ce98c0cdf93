// What the agent knows of one pod on its node, and of one container of it. Plain values of the agent's core.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "nodeagent/backoff.h"
#include "nodeagent/operation.h"
#include "schema/agent_messages.h"
#include "schema/object.h"

namespace mainstay {

// Not to be taken for the runtime's own ContainerRecord (runtime/records.h).
struct ContainerTrack {
  uint32_t attempt = 0;  // of the newest attempt, made or to be made; equals the restart count
  std::optional<RuntimeContainer> seen;  // the newest attempt, as the runtime last showed it
  bool exit_handled = false;             // the end of `seen` was taken in
  bool finished = false;                 // it ended and the restart policy leaves it so
  Backoff restart;
  std::string waiting_reason = "ContainerCreating";
  std::string waiting_message;
  Box<ContainerStateTerminated> last;  // how the attempt before ended
  std::optional<Image> image;          // for the next start
  uint64_t image_operation = 0;        // under way, shared by all who wait for the reference
  Backoff pull = Backoff::for_image();
  bool pull_failed = false;
  std::optional<ProbeState> readiness, liveness;
  bool stopping = false;  // SIGTERM was sent
  std::optional<MonoTime> kill_at;
  MonoTime started;  // when we saw it run; for back-off and probes
};

// How far the content of a running pod's volumes is (nodeagent/volume_refresh.h).
struct VolumeRefresh {
  std::string content;          // digest of what the volumes hold
  std::string planned;          // of what the operation under way brings
  uint64_t checked = 0;         // the assignment they were last compared with
  uint64_t operation = 0;       // under way; 0: none
  std::optional<MonoTime> due;  // a token is to be renewed, or a failed update to be repeated
  std::string trouble;          // why the last update failed
};

struct PodRecord {
  std::string uid, ns, name;
  ObjectPtr pod;        // newest from the control plane; null: no longer ours
  WallTime start_time;  // when the agent took it in
  std::map<std::string, ContainerTrack> containers;
  bool is_set_up = false;
  PodSetUp set_up;
  VolumeRefresh refresh;
  Backoff set_up_retry = Backoff::for_image();
  bool set_up_failed = false;
  std::string trouble;     // why it is not set up
  uint64_t operation = 0;  // under way; 0: none
  bool terminating = false;
  bool tearing_down = false;  // the operation under way is the last one
  bool torn_down = false;
  std::optional<MonoTime> kill_at;
  PodStatus status;          // newest, as reported or to be reported
  bool dirty = true;         // status is to be reported
  uint64_t reported_in = 0;  // sequence of the report that carries it, while not acknowledged
};

}  // namespace mainstay
