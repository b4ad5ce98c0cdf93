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

// kDue: it is to be run; kFailed: the container is ended for it.
enum class HookState : uint8_t { kNone, kDue, kRunning, kDone, kFailed };

// How a running container is being ended: its preStop hook, its stop signal, SIGKILL when the time is over.
struct ContainerStop {
  MonoTime kill_at;
  bool hook_done = false;              // preStop has run, has failed, or there is none
  uint64_t hook_operation = 0;         // under way; 0: none
  std::optional<MonoTime> hook_until;  // of a preStop that sleeps
  bool signalled = false;
};

// Not to be taken for the runtime's own ContainerRecord (runtime/records.h).
struct ContainerTrack {
  uint32_t attempt = 0;        // of the newest attempt, made or to be made; equals the restart count
  uint32_t first_attempt = 0;  // of an init container: ends of earlier ones are of an earlier sandbox
  std::optional<RuntimeContainer> seen;  // the newest attempt, as the runtime last showed it
  std::string start_error;               // why it could not be run, if `seen` only stands for it
  bool exit_handled = false;             // the end of `seen` was taken in
  bool finished = false;                 // it ended and the restart policy leaves it so
  bool replaced = false;                 // it is being ended because its image was changed
  Backoff restart;
  bool restored = false;       // `restart` is from before the agent's start
  MonoTime start_after;        // not tried again before
  std::string waiting_reason;  // "" for the usual one
  std::string waiting_message;
  Box<ContainerStateTerminated> last;  // how the attempt before ended
  std::string image_ref;               // what the next six are about
  std::optional<Image> image;          // for the next start
  uint64_t image_operation = 0;        // under way
  MonoTime image_asked;                // when it was handed over
  bool pull_told = false;              // that it fetches the image was said
  Backoff pull = Backoff::for_image();
  bool pull_failed = false;
  std::optional<ProbeState> startup, readiness, liveness;
  HookState post_start = HookState::kNone;
  std::optional<uint32_t> owes_post_start;  // the attempt whose hook was not seen through; outlives the agent
  uint64_t post_start_operation = 0;
  std::optional<MonoTime> post_start_until;  // of one that sleeps
  std::optional<ContainerStop> stop;
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

// Why everything of a pod is ended. What follows once nothing runs: its removal, the release of its network and
// volumes (logs and states stay), or a new sandbox.
enum class Ending : uint8_t { kNone, kLeaving, kFailed, kFinished, kSandboxLost };

struct PodRecord {
  std::string uid, ns, name;
  ObjectPtr pod;        // newest from the control plane; null: no longer ours
  ObjectPtr last_pod;   // the newest there ever was, for hooks and grace
  WallTime start_time;  // when the agent took it in
  std::map<std::string, ContainerTrack> containers;
  bool remembered = false;   // from before the agent's start
  bool admitted = false;     // it was decided whether the node takes it
  bool rejected = false;  // by us or by the control plane, before it was taken in
  bool adopted = false;      // what the control plane knew of its containers was taken in
  bool initialized = false;  // its init containers are done, its sidecars were started
  bool is_set_up = false;
  bool sandbox_gone = false;  // it was looked for and not found
  PodSetUp set_up;
  VolumeRefresh refresh;
  Backoff set_up_retry = Backoff::for_image();
  bool set_up_failed = false;
  std::string trouble;      // why it is not set up
  uint64_t operation = 0;   // under way; 0: none
  std::string subject;      // the container it starts
  uint64_t settled = 0;     // observations begun before this one do not count against what there is
  Ending ending = Ending::kNone;
  std::optional<MonoTime> end_by;       // SIGKILL for what still runs then
  std::string fail_reason, fail_message;  // of Ending::kFailed
  bool disrupted = false;     // and the node was the reason
  MonoTime retry_at;          // of an ending's last operation that failed
  bool tearing_down = false;  // the operation under way is the last one
  bool torn_down = false;
  bool releasing = false;  // the operation under way releases network and volumes
  bool released = false;
  bool collected = false;  // its ended containers were removed, since the disk was short
  bool gone_said = false;
  PodStatus status;          // newest, as reported or to be reported
  bool dirty = true;         // status is to be reported
  uint64_t reported_in = 0;  // sequence of the report that carries it, while not acknowledged
};

}  // namespace mainstay
