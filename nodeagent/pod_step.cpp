#include "nodeagent/pod_step.h"

#include <algorithm>
#include <utility>

#include "nodeagent/container_exit.h"
#include "nodeagent/container_start.h"
#include "nodeagent/container_step.h"
#include "nodeagent/pod_ending.h"
#include "nodeagent/pod_note.h"
#include "nodeagent/pod_status.h"
#include "nodeagent/probe_step.h"
#include "nodeagent/volume_refresh.h"
#include "schema/compare.h"

namespace mainstay {
namespace {

using State = ProcessStatus::State;
using std::chrono::seconds;

// ---- Set-up ----------------------------------------------------------------------------------------------

void set_up_trouble(PodRecord& record, PodStepContext& context, const Error& error) {
  bool mount = error.message.starts_with("MountVolume") || error.code == ErrorCode::kInvalid;
  std::string_view reason = mount ? "FailedMount" : "FailedCreatePodSandBox";
  if (record.trouble != error.message) note(context, record, "", true, std::string(reason), error.message);
  record.trouble = error.message;
  record.set_up_failed = true;
  record.set_up_retry.fail(context.now.mono);
}

void step_set_up(PodRecord& record, PodStepContext& context) {
  if (record.operation != 0) return;
  if (record.set_up_failed && context.now.mono < record.set_up_retry.retry_at()) {
    context.wake_at(record.set_up_retry.retry_at());
    return;
  }
  Result<SetUp> plan = plan_set_up(*record.pod, context.config, context.node, context.assignment);
  if (!plan.ok() && plan.error().message.starts_with(kForbiddenSysctl)) {
    note(context, record, "", true, "SysctlForbidden", plan.error().message);
    fail_pod(record, "SysctlForbidden", "Pod was rejected: " + plan.error().message, Duration{0}, context);
    return context.wake_at(context.now.mono);
  }
  if (!plan.ok() && !context.config.known) return;  // the next assignment tells
  if (!plan.ok()) {
    set_up_trouble(record, context, plan.error());
    context.wake_at(record.set_up_retry.retry_at());
    return;
  }
  note_planned_volumes(record, plan->volumes);
  record.operation = context.submit(SetUpPod{std::move(*plan), record.pod, context.node}, record.uid);
}

// ---- Containers in their order ---------------------------------------------------------------------------

bool awaits_hook(const ContainerTrack& container) {
  return container.post_start == HookState::kDue || container.post_start == HookState::kRunning;
}

// Init containers one after another, each to its success; sidecars until they are started, and from then on
// for good. True once the containers proper may start.
bool step_init_containers(PodRecord& record, const PodSpec& spec, PodStepContext& context) {
  bool before = true;  // all that stands before is done, or started
  for (const Container& container : spec.init_containers) {
    ContainerRole role = find_container(spec, container.name).role;
    ContainerTrack& track = record.containers[container.name];
    if (role == ContainerRole::kSidecar) {
      step_container(record, container, role, before || record.initialized, context);
      before = before && is_started(container, track);
      continue;
    }
    if (record.initialized || has_initialized(track)) continue;
    // A success in an earlier sandbox does not count.
    if (has_exited(track) && track.attempt < track.first_attempt) track.finished = false;
    if (before || is_running(track)) step_container(record, container, role, before, context);
    before = false;
  }
  record.initialized = record.initialized || before;
  return record.initialized;
}

void step_containers(PodRecord& record, PodStepContext& context) {
  const PodSpec& spec = as<Pod>(*record.pod).spec;
  bool may_start = step_init_containers(record, spec, context);
  for (const Container& container : spec.containers) {
    step_container(record, container, ContainerRole::kApp, may_start, context);
    // As in Kubernetes, the next one waits for the hook of the one before.
    if (awaits_hook(record.containers[container.name])) may_start = false;
  }
}

// ---- Deadline and status ---------------------------------------------------------------------------------

Duration grace_of_spec(const PodRecord& record) {
  return seconds{as<Pod>(*record.pod).spec.termination_grace_period_seconds.value_or(30)};
}

void step_deadline(PodRecord& record, PodStepContext& context) {
  const PodSpec& spec = as<Pod>(*record.pod).spec;
  if (!spec.active_deadline_seconds) return;
  Duration left = record.start_time + seconds{*spec.active_deadline_seconds} - context.now.wall;
  if (left > Duration{0}) return context.wake_at(context.now.mono + left);
  std::string message = "Pod was active on the node longer than the specified deadline";
  note(context, record, "", false, "DeadlineExceeded", message);
  fail_pod(record, "DeadlineExceeded", message, grace_of_spec(record), context);
}

void refresh_status(PodRecord& record, PodStepContext& context) {
  if (!record.pod) return;
  PodStatus next = pod_status(record, context.node, context.now);
  if (equal(PodStatus::kType, &next, &record.status)) return;
  record.status = std::move(next);
  record.dirty = true;
  record.reported_in = 0;
}

// A pod that is new here may be turned away; one that was here before may not.
void admit(PodRecord& record, PodStepContext& context) {
  if (record.admitted || !record.pod) return;
  record.admitted = true;
  bool known = record.remembered || record.ending != Ending::kNone ||
               std::any_of(record.containers.begin(), record.containers.end(),
                           [](const auto& one) { return one.second.seen.has_value(); });
  if (known) return;
  record.rejected = is_end(as<Pod>(*record.pod).status.phase);
  if (record.rejected) return;
  std::optional<Rejection> rejection = reject_pod(*record.pod, context.pressures);
  if (!rejection) return;
  record.rejected = true;
  note(context, record, "", true, rejection->reason, rejection->message);
  fail_pod(record, rejection->reason, "Pod was rejected: " + rejection->message, Duration{0}, context);
}

// What has become of the pod since: it leaves, its time is over, it is done, its sandbox is gone.
void judge(PodRecord& record, PodStepContext& context) {
  bool leaving = !record.pod || record.pod->meta.deletion_timestamp != WallTime{};
  if (leaving) return leave(record, context);
  if (record.ending != Ending::kNone) return;
  // The control plane may have given the pod up while it did not hear of this node.
  bool given_up = is_end(record.status.phase) || is_end(as<Pod>(*record.pod).status.phase);
  if (given_up || all_finished(record)) {
    return begin_ending(record, Ending::kFinished, grace_of_spec(record), context);
  }
  step_deadline(record, context);
  if (record.ending != Ending::kNone || !record.sandbox_gone) return;
  bool begun = record.initialized || std::any_of(record.containers.begin(), record.containers.end(),
                                                 [](const auto& one) { return one.second.seen.has_value(); });
  record.sandbox_gone = false;
  record.is_set_up = false;
  if (begun) lose_sandbox(record, context);
}

}  // namespace

void step_pod(PodRecord& record, PodStepContext& context) {
  if (record.torn_down) return refresh_status(record, context);
  if (!record.adopted) adopt_status(record, context);
  settle_exits(record, context);
  admit(record, context);
  judge(record, context);
  if (record.ending != Ending::kNone) {
    step_ending(record, context);
  } else if (!record.is_set_up) {
    step_set_up(record, context);
  } else {
    step_volumes(record, context);
    step_containers(record, context);
  }
  refresh_status(record, context);
}

void take_container(PodRecord& record, const RuntimeContainer& seen, PodStepContext& context) {
  ContainerTrack& container = record.containers[seen.key.container];
  if (seen.key.attempt < container.attempt) return;  // an older one, kept for its log
  bool newer = !container.seen || container.seen->key.attempt < seen.key.attempt;
  // A half made one is made again, as the same attempt.
  bool whole = seen.status.state == State::kRunning || seen.status.state == State::kExited;
  if (newer) {
    container.attempt = seen.key.attempt;
    container.exit_handled = false;
    if (!whole) container.seen.reset();
  }
  if (!whole) return;
  bool was_running = is_running(container);
  bool was_over = has_exited(container) && !newer;
  if (was_over && seen.status.state == State::kExited) {
    container.seen->layers = seen.layers;
    return;
  }
  container.seen = seen;
  container.start_error.clear();
  if (seen.status.state == State::kRunning && !was_running) {
    container.started = context.now.mono - std::max(Duration{0}, context.now.wall - seen.status.started_at);
    container.exit_handled = false;
    container.finished = false;
    // Also of one that an earlier agent has started, which may have ended before the hook had run.
    bool owes = container.owes_post_start == seen.key.attempt;
    container.post_start = owes ? HookState::kDue : HookState::kNone;
    wait_because(container, "", "");
  }
}

namespace {

void take_failure(PodRecord& record, const Error& failure, bool starting, PodStepContext& context) {
  if (record.ending != Ending::kNone) {
    record.retry_at = context.now.mono + seconds{1};
    context.wake_at(record.retry_at);
    if (record.trouble == failure.message || starting) return;
    record.trouble = failure.message;
    note(context, record, "", true, "FailedKillPod", failure.message);
  } else if (!record.is_set_up) {
    set_up_trouble(record, context, failure);
  } else if (starting) {
    take_start_failure(record, failure, context);
  }
}

}  // namespace

void take_operation_result(PodRecord& record, const OperationResult& result, PodStepContext& context) {
  if (take_image_result(record, result, context) || take_probe_result(record, result, context)) return;
  if (take_hook_result(record, result, context) || take_volumes_result(record, result, context)) return;
  if (record.operation != result.id) return;  // a removal nobody waits for
  record.operation = 0;
  bool was_last = std::exchange(record.tearing_down, false);
  bool was_release = std::exchange(record.releasing, false);
  bool starting = !record.subject.empty();
  if (const Error* failure = std::get_if<Error>(&result.outcome)) {
    take_failure(record, *failure, starting, context);
  } else if (const auto* set_up = std::get_if<PodSetUp>(&result.outcome)) {
    record.set_up = *set_up;
    record.is_set_up = true;
    record.sandbox_gone = false;
    take_prepared_volumes(record, set_up->renew_after, context);
    record.set_up_failed = false;
    record.set_up_retry = Backoff::for_image();
    record.trouble.clear();
  } else if (const auto* started = std::get_if<RuntimeContainer>(&result.outcome)) {
    take_start(record, *started, context);
  } else if (was_last) {
    record.torn_down = true;
  } else if (was_release) {
    record.released = true;
  }
  record.subject.clear();
}

}  // namespace mainstay
