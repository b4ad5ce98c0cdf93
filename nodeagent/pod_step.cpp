#include "nodeagent/pod_step.h"

#include <algorithm>
#include <utility>

#include "nodeagent/pod_status.h"
#include "nodeagent/volume_refresh.h"
#include "schema/compare.h"

namespace mainstay {
namespace {

using State = ProcessStatus::State;
using std::chrono::seconds;

bool is_running(const ContainerTrack& container) {
  return container.seen && container.seen->status.state == State::kRunning;
}

std::string pod_text(const PodRecord& record) {
  return record.name + "_" + record.ns + "(" + record.uid + ")";
}

void note(PodStepContext& context, const PodRecord& record, const std::string& container, bool warning,
          std::string reason, std::string message) {
  AgentEvent event;
  event.ns = record.ns;
  event.name = record.name;
  event.uid = record.uid;
  if (!container.empty()) event.field_path = "spec.containers{" + container + "}";
  event.warning = warning;
  event.reason = std::move(reason);
  event.message = std::move(message);
  context.note(std::move(event));
}

// ---- Going away ------------------------------------------------------------------------------------------

int64_t grace_of(const PodRecord& record) {
  if (!record.pod) return 5;  // nobody waits for it any more; a short chance to close files
  if (record.pod->meta.deletion_grace_period_seconds) return *record.pod->meta.deletion_grace_period_seconds;
  return as<Pod>(*record.pod).spec.termination_grace_period_seconds.value_or(30);
}

void begin_termination(PodRecord& record, PodStepContext& context) {
  record.terminating = true;
  record.kill_at = context.now.mono + seconds{std::max<int64_t>(grace_of(record), 0)};
  for (auto& [name, container] : record.containers) {
    if (is_running(container)) note(context, record, name, false, "Killing", "Stopping container " + name);
  }
}

// A later deletion may shorten the grace, never lengthen it.
void shorten_grace(PodRecord& record, PodStepContext& context) {
  MonoTime latest = context.now.mono + seconds{std::max<int64_t>(grace_of(record), 0)};
  if (!record.kill_at || latest < *record.kill_at) record.kill_at = latest;
}

void step_termination(PodRecord& record, PodStepContext& context) {
  bool any_running = false;
  for (auto& [name, container] : record.containers) {
    if (!is_running(container)) continue;
    any_running = true;
    if (!container.stopping) {
      container.stopping = true;
      record.operation = context.submit(StopContainer{container.seen->key}, record.uid);
      return;
    }
    if (context.now.mono >= *record.kill_at) {
      record.operation = context.submit(KillContainer{container.seen->key}, record.uid);
      // Should the kernel take its time, ask again a second later.
      record.kill_at = context.now.mono + seconds{1};
      return;
    }
  }
  if (any_running) {
    context.wake_at(*record.kill_at);
    return;
  }
  record.tearing_down = true;
  record.operation = context.submit(TearDownPod{record.uid}, record.uid);
}

// ---- Set-up ----------------------------------------------------------------------------------------------

void set_up_trouble(PodRecord& record, PodStepContext& context, const Error& error) {
  bool mount = error.message.starts_with("MountVolume") || error.code == ErrorCode::kInvalid;
  std::string_view reason = error.message.starts_with("forbidden sysctl") ? "SysctlForbidden"
                            : mount                                        ? "FailedMount"
                                                                           : "FailedCreatePodSandBox";
  if (record.trouble != error.message) note(context, record, "", true, std::string(reason), error.message);
  record.trouble = error.message;
  record.set_up_failed = true;
  record.set_up_retry.fail(context.now.mono);
}

void step_set_up(PodRecord& record, PodStepContext& context) {
  if (record.set_up_failed && context.now.mono < record.set_up_retry.retry_at()) {
    context.wake_at(record.set_up_retry.retry_at());
    return;
  }
  Result<SetUp> plan = plan_set_up(*record.pod, context.config, context.node, context.assignment);
  if (!plan.ok()) {
    set_up_trouble(record, context, plan.error());
    context.wake_at(record.set_up_retry.retry_at());
    return;
  }
  note_planned_volumes(record, plan->volumes);
  record.operation = context.submit(SetUpPod{std::move(*plan), record.pod, context.node}, record.uid);
}

// ---- Containers ------------------------------------------------------------------------------------------

PullPolicy pull_policy(const Container& container) {
  if (container.image_pull_policy == "Always") return PullPolicy::kAlways;
  if (container.image_pull_policy == "Never") return PullPolicy::kNever;
  return PullPolicy::kIfNotPresent;
}

void wait_because(ContainerTrack& container, std::string_view reason, std::string message) {
  container.waiting_reason = reason;
  container.waiting_message = std::move(message);
}

// True if the image is there for the next start; else it is being fetched or waits for its next try.
bool have_image(PodRecord& record, const Container& spec, ContainerTrack& container,
                PodStepContext& context) {
  if (container.image) return true;
  if (container.image_operation != 0) return false;
  if (container.pull_failed && context.now.mono < container.pull.retry_at()) {
    context.wake_at(container.pull.retry_at());
    return false;
  }
  PullPolicy policy = pull_policy(spec);
  container.image_operation = context.submit(
      EnsureImage{spec.image, policy, pull_credentials(*record.pod, context.config)}, record.uid);
  return false;
}

void image_trouble(PodRecord& record, const std::string& name, ContainerTrack& container, const Error& error,
                   PodStepContext& context) {
  container.pull.fail(context.now.mono);
  std::string_view reason = "ErrImagePull";
  if (error.code == ErrorCode::kNotFound && error.message.starts_with("ErrImageNeverPull"))
    reason = "ErrImageNeverPull";
  if (error.code == ErrorCode::kInvalid) reason = "InvalidImageName";
  if (container.pull_failed && reason == "ErrImagePull") {
    note(context, record, name, false, "BackOff", "Back-off pulling image: " + error.message);
    reason = "ImagePullBackOff";
  } else {
    note(context, record, name, true, "Failed", "Failed to pull image: " + error.message);
  }
  container.pull_failed = true;
  wait_because(container, reason, error.message);
}

void start_trouble(PodRecord& record, const std::string& name, ContainerTrack& container, const Error& error,
                   PodStepContext& context) {
  std::string_view reason =
      error.code == ErrorCode::kInvalid ? "CreateContainerConfigError" : "RunContainerError";
  note(context, record, name, true, "Failed", "Error: " + error.message);
  container.restart.fail(context.now.mono);
  if (container.restart.wait == Duration{0}) container.restart.wait = Backoff::kFirst;
  wait_because(container, reason, error.message);
}

void start_container(PodRecord& record, const Container& spec, ContainerTrack& container,
                     PodStepContext& context) {
  PodAddresses addresses{as<Pod>(*record.pod).spec.host_network ? context.node.address : record.set_up.ip,
                         context.node.address};
  Result<StartPlan> plan = plan_start(*record.pod, spec, container.attempt, context.config, addresses,
                                      context.node, context.assignment);
  if (!plan.ok()) {
    start_trouble(record, spec.name, container, plan.error(), context);
    context.wake_at(container.restart.retry_at());
    return;
  }
  if (!plan->skipped_env.empty()) {
    note(context, record, spec.name, true, "InvalidEnvironmentVariableNames",
         "Keys skipped since they are considered invalid environment variable names: " +
             plan->skipped_env.front());
  }
  plan->spec.image = *container.image;
  Result<std::vector<SubPathMount>> parts =
      place_mounts(*plan, *record.pod, context.config, context.node, record.set_up.volume_paths,
                   record.set_up.etc_dir);
  if (!parts.ok()) {
    start_trouble(record, spec.name, container, parts.error(), context);
    context.wake_at(container.restart.retry_at());
    return;
  }
  container.exit_handled = false;
  container.stopping = false;
  container.kill_at.reset();
  record.operation =
      context.submit(StartContainer{std::move(plan->spec), std::move(*parts), record.pod}, record.uid);
}

// A container's end: leave it so, or start the next attempt when the back-off is over.
void take_exit(PodRecord& record, const std::string& name, ContainerTrack& container,
               PodStepContext& context) {
  container.exit_handled = true;
  container.readiness.reset();
  container.liveness.reset();
  container.image.reset();  // policy Always looks again
  const PodSpec* spec = record.pod ? &as<Pod>(*record.pod).spec : nullptr;
  bool failed = container.seen->status.exit_code != 0;
  bool restart = spec != nullptr && !record.terminating &&
                 (spec->restart_policy == "Always" || spec->restart_policy.empty() ||
                  (spec->restart_policy == "OnFailure" && failed));
  if (!restart) {
    container.finished = true;
    wait_because(container, "", "");
    return;
  }
  Duration ran = container.seen->status.finished_at - container.seen->status.started_at;
  container.restart.fail(context.now.mono, ran);
  if (container.restart.wait == Duration{0}) {
    wait_because(container, "", "");
    return;
  }
  auto wait = std::chrono::duration_cast<seconds>(container.restart.wait).count();
  std::string message = "back-off " +
                        (wait < 60 ? std::to_string(wait) + "s"
                                   : std::to_string(wait / 60) + "m" + std::to_string(wait % 60) + "s") +
                        " restarting failed container=" + name + " pod=" + pod_text(record);
  wait_because(container, "CrashLoopBackOff", message);
  note(context, record, name, true, "BackOff",
       "Back-off restarting failed container " + name + " in pod " + pod_text(record));
}

// The next attempt, once the one before has ended and waited; older ones than that are removed.
void step_ended(PodRecord& record, const Container& spec, ContainerTrack& container,
                PodStepContext& context) {
  if (context.now.mono < container.restart.retry_at()) {
    context.wake_at(container.restart.retry_at());
    return;
  }
  if (!have_image(record, spec, container, context)) return;
  if (container.seen) {
    ContainerStateTerminated last;
    last.exit_code = container.seen->status.exit_code;
    last.reason = container.seen->status.oom_killed ? "OOMKilled"
                  : last.exit_code == 0             ? "Completed"
                                                    : "Error";
    last.started_at = container.seen->status.started_at.seconds();
    last.finished_at = container.seen->status.finished_at.seconds();
    last.container_id = "mainstay://" + container.seen->id;
    container.last = Box<ContainerStateTerminated>(last);
    // The last dead attempt stays for `logs --previous`; the one before it goes.
    if (container.attempt > 0) {
      context.submit(RemoveContainer{{record.uid, spec.name, container.attempt - 1}}, record.uid);
    }
    container.attempt++;
    container.seen.reset();
    wait_because(container, "ContainerCreating", "");
  }
  start_container(record, spec, container, context);
}

// ---- Probes ----------------------------------------------------------------------------------------------

void step_probe(PodRecord& record, const Container& spec, ContainerTrack& container, ProbeKind kind,
                PodStepContext& context) {
  const Box<Probe>& probe = kind == ProbeKind::kReadiness ? spec.readiness_probe : spec.liveness_probe;
  std::optional<ProbeState>& state = kind == ProbeKind::kReadiness ? container.readiness : container.liveness;
  if (!probe) return;
  if (!state) state = start_probe(kind, *probe, container.started);
  if (state->operation != 0) return;
  if (context.now.mono < state->due) {
    context.wake_at(state->due);
    return;
  }
  std::string ip = as<Pod>(*record.pod).spec.host_network ? context.node.address : record.set_up.ip;
  std::optional<ProbeTarget> target = probe_target(*probe, spec, ip);
  if (!target) {
    take_result(*state, kind, *probe, {false, "its port does not exist"}, context.now.mono);
    context.wake_at(state->due);
    return;
  }
  state->operation = context.submit(RunProbe{container.seen->key, kind, std::move(*target)}, record.uid);
}

// A container that failed its liveness probe gets the pod's grace, then the kill.
void step_unhealthy(PodRecord& record, const Container& spec, ContainerTrack& container,
                    PodStepContext& context) {
  if (!container.stopping) {
    const PodSpec& pod = as<Pod>(*record.pod).spec;
    int64_t grace = spec.liveness_probe->termination_grace_period_seconds.value_or(
        pod.termination_grace_period_seconds.value_or(30));
    note(context, record, spec.name, false, "Killing",
         "Container " + spec.name + " failed liveness probe, will be restarted");
    container.stopping = true;
    container.kill_at = context.now.mono + seconds{grace};
    record.operation = context.submit(StopContainer{container.seen->key}, record.uid);
  } else if (container.kill_at && context.now.mono >= *container.kill_at) {
    container.kill_at = context.now.mono + seconds{1};
    record.operation = context.submit(KillContainer{container.seen->key}, record.uid);
  } else if (container.kill_at) {
    context.wake_at(*container.kill_at);
  }
}

void step_container(PodRecord& record, const Container& spec, PodStepContext& context) {
  ContainerTrack& container = record.containers[spec.name];
  if (container.finished) return;
  if (is_running(container)) {
    step_probe(record, spec, container, ProbeKind::kReadiness, context);
    step_probe(record, spec, container, ProbeKind::kLiveness, context);
    if (container.liveness && container.liveness->failed_for_good && record.operation == 0) {
      step_unhealthy(record, spec, container, context);
    }
    return;
  }
  if (record.operation != 0) return;
  step_ended(record, spec, container, context);
}

// ---- Deadline and status ---------------------------------------------------------------------------------

void step_deadline(PodRecord& record, PodStepContext& context) {
  const PodSpec& spec = as<Pod>(*record.pod).spec;
  if (!spec.active_deadline_seconds || record.terminating || all_finished(record)) return;
  Duration left = record.start_time + seconds{*spec.active_deadline_seconds} - context.now.wall;
  if (left > Duration{0}) {
    context.wake_at(context.now.mono + left);
    return;
  }
  record.status.reason = "DeadlineExceeded";
  record.status.message = "Pod was active on the node longer than the specified deadline";
  note(context, record, "", false, "DeadlineExceeded", record.status.message);
  begin_termination(record, context);
}

void refresh_status(PodRecord& record, PodStepContext& context) {
  if (!record.pod) return;
  PodStatus next = pod_status(record, context.node, context.now);
  if (equal(PodStatus::kType, &next, &record.status)) return;
  record.status = std::move(next);
  record.dirty = true;
  record.reported_in = 0;
}

}  // namespace

void step_pod(PodRecord& record, PodStepContext& context) {
  if (record.torn_down) {
    refresh_status(record, context);
    return;
  }
  bool leaving = !record.pod || record.pod->meta.deletion_timestamp != WallTime{};
  if (leaving && !record.terminating) begin_termination(record, context);
  if (leaving) shorten_grace(record, context);
  if (!leaving) step_deadline(record, context);
  if (record.terminating) {
    if (record.operation == 0) step_termination(record, context);
  } else if (!record.is_set_up) {
    bool finished = record.pod && all_finished(record);
    if (record.operation == 0 && !finished) step_set_up(record, context);
  } else {
    step_volumes(record, context);
    for (const Container& container : as<Pod>(*record.pod).spec.containers)
      step_container(record, container, context);
  }
  refresh_status(record, context);
}

void take_container(PodRecord& record, const RuntimeContainer& seen, PodStepContext& context) {
  ContainerTrack& container = record.containers[seen.key.container];
  if (seen.key.attempt < container.attempt) return;  // an older one, kept for its log
  bool newer = !container.seen || container.seen->key.attempt < seen.key.attempt;
  if (newer && container.seen) container.exit_handled = false;
  container.attempt = seen.key.attempt;
  bool was_running = is_running(container);
  container.seen = seen;
  if (seen.status.state == State::kRunning && !was_running) {
    container.started = context.now.mono - std::max(Duration{0}, context.now.wall - seen.status.started_at);
    container.exit_handled = false;
    wait_because(container, "", "");
  }
  if (seen.status.state == State::kExited && !container.exit_handled) {
    take_exit(record, seen.key.container, container, context);
  }
}

namespace {

// True if the result was that of a container's image.
bool take_image_result(PodRecord& record, const OperationResult& result, PodStepContext& context) {
  for (auto& [name, container] : record.containers) {
    if (container.image_operation != result.id) continue;
    container.image_operation = 0;
    if (const Error* failure = std::get_if<Error>(&result.outcome)) {
      image_trouble(record, name, container, *failure, context);
    } else if (const auto* ensured = std::get_if<ImageEnsured>(&result.outcome)) {
      container.image = ensured->image;
      container.pull_failed = false;
      container.pull = Backoff::for_image();
      auto took = std::chrono::duration_cast<std::chrono::milliseconds>(ensured->took).count();
      note(context, record, name, false, "Pulled",
           ensured->pulled
               ? "Successfully pulled image \"" + ensured->image.name + "\" in " + std::to_string(took) + "ms"
               : "Container image \"" + ensured->image.name + "\" already present on machine");
    }
    return true;
  }
  return false;
}

void take_probe(PodRecord& record, const Container& spec, std::optional<ProbeState>& state, ProbeKind kind,
                const OperationResult& result, PodStepContext& context) {
  const Box<Probe>& probe = kind == ProbeKind::kReadiness ? spec.readiness_probe : spec.liveness_probe;
  ProbeResult outcome;
  if (const auto* given = std::get_if<ProbeResult>(&result.outcome)) outcome = *given;
  if (const Error* failure = std::get_if<Error>(&result.outcome)) outcome.output = failure->message;
  state->operation = 0;
  if (!probe) return;
  take_result(*state, kind, *probe, outcome, context.now.mono);
  if (!outcome.success) {
    std::string which = kind == ProbeKind::kReadiness ? "Readiness" : "Liveness";
    note(context, record, spec.name, true, "Unhealthy", which + " probe failed: " + outcome.output);
  }
}

// True if the result was that of a probe; one of an attempt that is gone has no state to change any more.
bool take_probe_result(PodRecord& record, const OperationResult& result, PodStepContext& context) {
  if (!record.pod) return false;
  for (const Container& spec : as<Pod>(*record.pod).spec.containers) {
    auto found = record.containers.find(spec.name);
    if (found == record.containers.end()) continue;
    ContainerTrack& container = found->second;
    if (container.readiness && container.readiness->operation == result.id) {
      take_probe(record, spec, container.readiness, ProbeKind::kReadiness, result, context);
      return true;
    }
    if (container.liveness && container.liveness->operation == result.id) {
      take_probe(record, spec, container.liveness, ProbeKind::kLiveness, result, context);
      return true;
    }
  }
  return false;
}

void take_failure(PodRecord& record, const Error& failure, PodStepContext& context) {
  if (record.terminating) {
    context.wake_at(context.now.mono + seconds{1});
    if (record.trouble == failure.message) return;
    record.trouble = failure.message;
    note(context, record, "", true, "FailedKillPod", failure.message);
    return;
  }
  if (!record.is_set_up) {
    set_up_trouble(record, context, failure);
    return;
  }
  for (auto& [name, container] : record.containers) {
    if (!container.image || container.seen) continue;
    start_trouble(record, name, container, failure, context);
    return;
  }
}

}  // namespace

void take_operation_result(PodRecord& record, const OperationResult& result, PodStepContext& context) {
  if (take_image_result(record, result, context) || take_probe_result(record, result, context)) return;
  if (take_volumes_result(record, result, context)) return;
  if (record.operation != result.id) return;  // a removal nobody waits for
  record.operation = 0;
  bool was_last = std::exchange(record.tearing_down, false);
  if (const Error* failure = std::get_if<Error>(&result.outcome)) {
    take_failure(record, *failure, context);
  } else if (const auto* set_up = std::get_if<PodSetUp>(&result.outcome)) {
    record.set_up = *set_up;
    record.is_set_up = true;
    take_prepared_volumes(record, set_up->renew_after, context);
    record.set_up_failed = false;
    record.trouble.clear();
  } else if (const auto* started = std::get_if<RuntimeContainer>(&result.outcome)) {
    const std::string& name = started->key.container;
    note(context, record, name, false, "Created", "Created container " + name);
    note(context, record, name, false, "Started", "Started container " + name);
    for (const std::string& limit : started->notes) note(context, record, name, true, "NotEnforced", limit);
    take_container(record, *started, context);
  } else if (was_last) {
    record.torn_down = true;
  }
}

}  // namespace mainstay
