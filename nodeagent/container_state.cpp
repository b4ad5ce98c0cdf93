#include "nodeagent/container_state.h"

#include "nodeagent/images/reference.h"

namespace mainstay {
namespace {

using State = ProcessStatus::State;

constexpr std::string_view kLost = "The container could not be located when the node looked for it";

ContainerState state_of(const ContainerTrack& container, std::string_view otherwise) {
  ContainerState out;
  bool hooked = container.post_start == HookState::kDue || container.post_start == HookState::kRunning;
  if (is_running(container) && !hooked) {
    ContainerStateRunning running;
    running.started_at = container.seen->status.started_at.seconds();
    out.running = Box<ContainerStateRunning>(running);
  } else if (has_exited(container) && container.waiting_reason.empty()) {
    out.terminated = Box<ContainerStateTerminated>(terminated_state(container));
  } else {
    ContainerStateWaiting waiting;
    waiting.reason = container.waiting_reason.empty() ? otherwise : container.waiting_reason;
    waiting.message = container.waiting_message;
    out.waiting = Box<ContainerStateWaiting>(waiting);
  }
  return out;
}

// The image by what it is, whatever it was asked for as: "docker.io/library/web@sha256:...".
std::string image_id(const RuntimeContainer& container) {
  Result<ImageReference> reference = parse_reference(container.image_name);
  return (reference.ok() ? reference->repository_name() : container.image_name) + "@" + container.image_digest;
}

}  // namespace

NamedContainer find_container(const PodSpec& spec, std::string_view name) {
  for (const Container& container : spec.containers) {
    if (container.name == name) return {&container, ContainerRole::kApp};
  }
  for (const Container& container : spec.init_containers) {
    if (container.name != name) continue;
    bool stays = container.restart_policy == "Always";
    return {&container, stays ? ContainerRole::kSidecar : ContainerRole::kInit};
  }
  return {};
}

bool restarts_after(ContainerRole role, std::string_view pod_policy, bool failed) {
  bool always = pod_policy == "Always" || pod_policy.empty();
  switch (role) {
    case ContainerRole::kSidecar: return true;
    case ContainerRole::kInit: return failed && pod_policy != "Never";
    case ContainerRole::kApp: return always || (pod_policy == "OnFailure" && failed);
  }
  return false;
}

bool is_running(const ContainerTrack& container) {
  return container.seen && container.seen->status.state == State::kRunning;
}

bool has_exited(const ContainerTrack& container) {
  return container.seen && container.seen->status.state == State::kExited;
}

bool is_started(const Container& spec, const ContainerTrack& container) {
  bool hooked = container.post_start == HookState::kNone || container.post_start == HookState::kDone;
  return is_running(container) && hooked &&
         (!spec.startup_probe || (container.startup && container.startup->passed));
}

bool has_initialized(const ContainerTrack& container) {
  return container.finished && has_exited(container) && container.seen->status.exit_code == 0 &&
         container.attempt >= container.first_attempt;
}

ContainerStateTerminated terminated_state(const ContainerTrack& container) {
  const ProcessStatus& status = container.seen->status;
  ContainerStateTerminated out;
  out.exit_code = status.exit_code;
  if (!container.start_error.empty()) {
    out.reason = "StartError";
    out.message = container.start_error;
  } else if (status.exit_unknown) {
    out.reason = "ContainerStatusUnknown";
    out.message = kLost;
  } else {
    out.reason = status.oom_killed ? "OOMKilled" : status.exit_code == 0 ? "Completed" : "Error";
    out.message = status.message;
  }
  out.started_at = status.started_at.seconds();
  out.finished_at = status.finished_at.seconds();
  out.container_id = "mainstay://" + container.seen->id;
  return out;
}

ContainerStatus container_status(const Container& spec, ContainerRole role, const ContainerTrack* container,
                                 std::string_view waiting) {
  ContainerStatus out;
  out.name = spec.name;
  out.image = spec.image;
  out.started = false;
  if (container == nullptr) {
    out.state.waiting = Box<ContainerStateWaiting>(ContainerStateWaiting{std::string(waiting), ""});
    return out;
  }
  out.restart_count = static_cast<int32_t>(container->attempt);
  out.state = state_of(*container, waiting);
  if (has_exited(*container) && !out.state.terminated) {
    out.last_state.terminated = Box<ContainerStateTerminated>(terminated_state(*container));
  } else if (container->last) {
    out.last_state.terminated = container->last;
  }
  if (container->seen) {
    out.container_id = "mainstay://" + container->seen->id;
    if (!container->seen->image_name.empty()) out.image_id = image_id(*container->seen);
  }
  if (role == ContainerRole::kInit) {
    out.ready = has_initialized(*container);
  } else if (is_started(spec, *container)) {
    out.started = true;
    out.ready = !spec.readiness_probe || (container->readiness && container->readiness->passed);
  }
  return out;
}

}  // namespace mainstay
