#include "nodeagent/container_start.h"

#include <algorithm>
#include <utility>

#include "nodeagent/container_exit.h"
#include "nodeagent/go_duration.h"
#include "nodeagent/images/reference.h"
#include "nodeagent/node_paths.h"
#include "nodeagent/pod_note.h"

namespace mainstay {
namespace {

using std::chrono::seconds;

// How often is tried again what does not depend on the container: a missing ConfigMap, a runtime that is ill.
constexpr Duration kStartRetry = seconds{10};
// How often is looked for an image that must not be pulled.
constexpr Duration kLookForImage = seconds{10};

// ---- Images ----------------------------------------------------------------------------------------------

PullPolicy pull_policy(const Container& container) {
  if (container.image_pull_policy == "Always") return PullPolicy::kAlways;
  if (container.image_pull_policy == "Never") return PullPolicy::kNever;
  return PullPolicy::kIfNotPresent;
}

// What is known of the image belongs to another reference: the pod was given a new one.
void forget_image(ContainerTrack& container, const std::string& ref) {
  container.image_ref = ref;
  container.image.reset();
  container.image_operation = 0;
  container.pull = Backoff::for_image();
  container.pull_failed = false;
}

// True if the image is there for the next start; else it is being fetched or waits for its next try.
bool have_image(PodRecord& record, const Container& spec, ContainerTrack& container,
                PodStepContext& context) {
  if (container.image_ref != spec.image) forget_image(container, spec.image);
  if (container.image) return true;
  if (container.image_operation != 0) return false;
  if (container.pull_failed && context.now.mono < container.pull.retry_at()) {
    context.wake_at(container.pull.retry_at());
    return false;
  }
  PullSecrets secrets = pull_secrets(*record.pod, context.config);
  if (context.config.known && !secrets.missing.empty()) {
    std::string names;
    for (const std::string& name : secrets.missing) names += (names.empty() ? "" : ", ") + name;
    note(context, record, "", true, "FailedToRetrieveImagePullSecret",
         "Unable to retrieve some image pull secrets (" + names +
             "); attempting to pull the image may not succeed.");
  }
  container.image_asked = context.now.mono;
  container.pull_told = false;
  container.image_operation =
      context.submit(EnsureImage{spec.image, pull_policy(spec), std::move(secrets.credentials)}, record.uid);
  return false;
}

void tell_pull(PodRecord& record, const std::string& name, ContainerTrack& container, PodStepContext& context) {
  if (std::exchange(container.pull_told, true)) return;
  note(context, record, name, false, "Pulling", "Pulling image \"" + container.image_ref + "\"");
}

void take_image_trouble(PodRecord& record, const std::string& name, ContainerTrack& container,
                        const Error& error, PodStepContext& context) {
  const std::string quoted = "\"" + container.image_ref + "\"";
  container.pull.fail(context.now.mono);
  const std::string before = container.waiting_reason;
  bool never = error.code == ErrorCode::kNotFound && error.message.starts_with("ErrImageNeverPull");
  if (never) {
    container.pull.wait = kLookForImage;
    if (before != "ErrImageNeverPull") {
      note(context, record, name, true, "ErrImageNeverPull",
           "Container image " + quoted + " is not present with pull policy of Never");
    }
    wait_because(container, "ErrImageNeverPull",
                 "Container image " + quoted + " is not present with pull policy of Never");
  } else if (!parse_reference(container.image_ref).ok()) {
    std::string message = "Failed to apply default image tag " + quoted + ": " + error.message;
    note(context, record, name, true, "InspectFailed", message);
    wait_because(container, "InvalidImageName", message);
  } else if (error.code == ErrorCode::kCorrupt) {
    std::string message = "Failed to inspect image " + quoted + ": " + error.message;
    note(context, record, name, true, "InspectFailed", message);
    wait_because(container, "ImageInspectError", message);
  } else {
    tell_pull(record, name, container, context);
    note(context, record, name, true, "Failed", "Failed to pull image " + quoted + ": " + error.message);
    wait_because(container, "ErrImagePull", error.message);
    if (container.pull_failed) {
      note(context, record, name, true, "Failed", "Error: ErrImagePull");
      note(context, record, name, false, "BackOff", "Back-off pulling image " + quoted);
      wait_because(container, "ImagePullBackOff",
                   "Back-off pulling image " + quoted + ": ErrImagePull: " + error.message);
    }
  }
  container.pull_failed = true;
  bool told = never && before == container.waiting_reason;
  if (!told) note(context, record, name, true, "Failed", "Error: " + container.waiting_reason);
}

// ---- Starting --------------------------------------------------------------------------------------------

// Nothing of the container's doing: the same attempt is tried again in a while.
void retry_start(PodRecord& record, const std::string& name, ContainerTrack& container,
                 std::string_view reason, const Error& error, PodStepContext& context) {
  note(context, record, name, true, "Failed", "Error: " + error.message);
  wait_because(container, reason, error.message);
  container.start_after = context.now.mono + kStartRetry;
  context.wake_at(container.start_after);
}

// The attempt that ended becomes the last one. It stays for `logs --previous`; the one before it goes.
void next_attempt(PodRecord& record, const std::string& name, ContainerTrack& container,
                  PodStepContext& context) {
  container.last = Box<ContainerStateTerminated>(terminated_state(container));
  if (container.attempt > 0) {
    context.submit(RemoveContainer{{record.uid, name, container.attempt - 1}}, record.uid);
  }
  container.attempt++;
  container.seen.reset();
  container.start_error.clear();
  container.finished = false;
  wait_because(container, "", "");
}

// Kubernetes kills a container when its image changes, and tells it by the hash of what it was started from.
bool is_of_other_image(const Container& spec, const ContainerTrack& container) {
  return container.seen && !container.seen->note.empty() && container.seen->note != spec.image;
}

void start_container(PodRecord& record, const Container& spec, ContainerTrack& container,
                     PodStepContext& context) {
  PodAddresses addresses{as<Pod>(*record.pod).spec.host_network ? context.node.address : record.set_up.ip,
                         context.node.address};
  Result<StartPlan> plan = plan_start(*record.pod, spec, container.attempt, context.config, addresses,
                                      context.node, context.assignment);
  if (!plan.ok()) {
    if (!context.config.known) return;  // the next assignment tells
    return retry_start(record, spec.name, container, "CreateContainerConfigError", plan.error(), context);
  }
  if (!plan->skipped_env.empty()) {
    note(context, record, spec.name, true, "InvalidEnvironmentVariableNames",
         "Keys skipped since they are considered invalid environment variable names: " +
             plan->skipped_env.front());
  }
  plan->spec.image = *container.image;
  plan->spec.note = spec.image;
  plan->spec.termination_message_path = spec.termination_message_path;
  plan->spec.message_from_log = spec.termination_message_policy == "FallbackToLogsOnError";
  Result<std::vector<SubPathMount>> parts =
      place_mounts(*plan, *record.pod, context.config, context.node, record.set_up.volume_paths,
                   record.set_up.etc_dir);
  if (!parts.ok()) {
    return retry_start(record, spec.name, container, "CreateContainerConfigError", parts.error(), context);
  }
  container.exit_handled = false;
  container.stop.reset();
  container.owes_post_start.reset();
  if (spec.lifecycle && spec.lifecycle->post_start) container.owes_post_start = container.attempt;
  record.subject = spec.name;
  record.operation =
      context.submit(StartContainer{std::move(plan->spec), std::move(*parts), record.pod}, record.uid);
}

}  // namespace

void wait_because(ContainerTrack& container, std::string_view reason, std::string message) {
  container.waiting_reason = reason;
  container.waiting_message = std::move(message);
}

void step_start(PodRecord& record, const Container& spec, ContainerTrack& container,
                PodStepContext& context) {
  MonoTime due = container.start_after;
  // A new image gets its chance at once.
  bool backs_off = container.seen && !is_of_other_image(spec, container);
  if (backs_off) due = std::max(due, container.restart.retry_at());
  if (context.now.mono < due) return context.wake_at(due);
  if (!have_image(record, spec, container, context)) return;
  if (container.seen) next_attempt(record, spec.name, container, context);
  start_container(record, spec, container, context);
}

bool take_image_result(PodRecord& record, const OperationResult& result, PodStepContext& context) {
  for (auto& [name, container] : record.containers) {
    if (container.image_operation != result.id) continue;
    if (std::holds_alternative<PullBegun>(result.outcome)) {
      tell_pull(record, name, container, context);
      return true;
    }
    container.image_operation = 0;
    if (const Error* failure = std::get_if<Error>(&result.outcome)) {
      take_image_trouble(record, name, container, *failure, context);
    } else if (const auto* ensured = std::get_if<ImageEnsured>(&result.outcome)) {
      std::string quoted = "\"" + container.image_ref + "\"";
      container.image = ensured->image;
      container.pull_failed = false;
      container.pull = Backoff::for_image();
      if (ensured->pulled) {
        tell_pull(record, name, container, context);
        note(context, record, name, false, "Pulled",
             "Successfully pulled image " + quoted + " in " + go_duration(ensured->took) + " (" +
                 go_duration(context.now.mono - container.image_asked) + " including waiting). Image size: " +
                 std::to_string(ensured->image.bytes) + " bytes.");
      } else {
        note(context, record, name, false, "Pulled",
             "Container image " + quoted + " already present on machine");
      }
      // While it starts it waits for no image any more; one in back-off goes on saying so.
      if (!container.seen) wait_because(container, "", "");
    }
    return true;
  }
  return false;
}

void take_start(PodRecord& record, const RuntimeContainer& started, PodStepContext& context) {
  const std::string& name = started.key.container;
  note(context, record, name, false, "Created", "Created container: " + name);
  note(context, record, name, false, "Started", "Started container " + name);
  for (const std::string& limit : started.notes) note(context, record, name, true, "NotEnforced", limit);
  take_container(record, started, context);
}

void take_start_failure(PodRecord& record, const Error& failure, PodStepContext& context) {
  auto found = record.containers.find(record.subject);
  if (found == record.containers.end()) return;
  auto& [name, container] = *found;
  switch (failure.code) {
    case ErrorCode::kInvalid:
      return retry_start(record, name, container, "CreateContainerConfigError", failure, context);
    case ErrorCode::kNotFound:
    case ErrorCode::kFailed: break;
    case ErrorCode::kConflict: return lose_sandbox(record, context);
    default:
      container.image.reset();  // it may be the image that is gone
      return retry_start(record, name, container, "CreateContainerError", failure, context);
  }
  // The container was made and could not be run: an attempt that has ended, as Kubernetes sees it.
  RuntimeContainer dead;
  dead.key = {record.uid, name, container.attempt};
  dead.id = container_id(dead.key);
  if (container.image) {
    dead.image_name = container.image->name;
    dead.image_digest = container.image->digest;
    dead.note = container.image_ref;
  }
  dead.status.state = ProcessStatus::State::kExited;
  dead.status.exit_code = 128;
  dead.status.started_at = dead.status.finished_at = context.now.wall;
  container.seen = std::move(dead);
  container.start_error = failure.message;
  note(context, record, name, true, "Failed", "Error: " + failure.message);
  take_exit(record, name, container, context);
  if (!container.finished && container.waiting_reason.empty()) {
    wait_because(container, "RunContainerError", failure.message);
  }
}

}  // namespace mainstay
