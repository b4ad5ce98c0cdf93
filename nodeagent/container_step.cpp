#include "nodeagent/container_step.h"

#include "nodeagent/container_start.h"
#include "nodeagent/container_stop.h"
#include "nodeagent/pod_note.h"
#include "nodeagent/probe_step.h"

namespace mainstay {
namespace {

using std::chrono::seconds;

// Nothing limits a postStart hook in Kubernetes; a bound keeps one that hangs from holding a thread for ever.
constexpr Duration kLongestPostStart = std::chrono::minutes{30};

Duration grace_of(const PodSpec& spec, const Box<Probe>& probe = {}) {
  int64_t grace = spec.termination_grace_period_seconds.value_or(30);
  if (probe) grace = probe->termination_grace_period_seconds.value_or(grace);
  return seconds{grace};
}

void fail_post_start(PodRecord& record, const Container& spec, ContainerTrack& container,
                     PodStepContext& context) {
  container.post_start = HookState::kFailed;
  // What a hook says may hold secrets: the event names none of it.
  note(context, record, spec.name, true, "FailedPostStartHook", "PostStartHook failed");
  begin_stop(record, spec.name, &spec, container, grace_of(as<Pod>(*record.pod).spec), "FailedPostStartHook",
             context);
}

void step_post_start(PodRecord& record, const Container& spec, ContainerTrack& container,
                     PodStepContext& context) {
  const LifecycleHandler& hook = *spec.lifecycle->post_start;
  if (container.post_start == HookState::kRunning) {
    if (!container.post_start_until) return;
    if (context.now.mono < *container.post_start_until) return context.wake_at(*container.post_start_until);
    container.post_start = HookState::kDone;
    container.owes_post_start.reset();
    return;
  }
  container.post_start = HookState::kRunning;
  container.post_start_until.reset();
  if (hook.sleep) {
    container.post_start_until = context.now.mono + seconds{hook.sleep->seconds};
    return context.wake_at(*container.post_start_until);
  }
  bool host = as<Pod>(*record.pod).spec.host_network;
  std::optional<ProbeTarget> target =
      hook_target(hook, spec, host ? context.node.address : record.set_up.ip, kLongestPostStart);
  if (!target) return fail_post_start(record, spec, container, context);
  container.post_start_operation =
      context.submit(RunHook{container.seen->key, std::move(*target)}, record.uid);
}

// Why a container that runs must be run anew: "" if it need not.
std::string reason_to_end(const Container& spec, ContainerRole role, const ContainerTrack& container) {
  const std::string& from = container.seen->note;
  bool other_image = role != ContainerRole::kInit && !from.empty() && from != spec.image;
  if (other_image) return "definition changed";
  if (container.liveness && container.liveness->failed_for_good) return "failed liveness probe";
  if (container.startup && container.startup->failed_for_good) return "failed startup probe";
  return "";
}

void step_running(PodRecord& record, const Container& spec, ContainerRole role, ContainerTrack& container,
                  PodStepContext& context) {
  if (container.stop) return step_stop(record, spec.name, &spec, container, true, context);
  bool hooked = spec.lifecycle && spec.lifecycle->post_start;
  if (hooked && (container.post_start == HookState::kDue || container.post_start == HookState::kRunning)) {
    step_post_start(record, spec, container, context);
  }
  if (container.post_start == HookState::kDue || container.post_start == HookState::kRunning) return;
  step_probes(record, spec, container, context);
  std::string reason = reason_to_end(spec, role, container);
  if (reason.empty() || container.stop) return;
  const PodSpec& pod = as<Pod>(*record.pod).spec;
  container.replaced = reason == "definition changed";
  bool restarts = container.replaced || restarts_after(role, pod.restart_policy, true);
  bool sick = container.liveness && container.liveness->failed_for_good;
  Duration grace = container.replaced ? grace_of(pod)
                                      : grace_of(pod, sick ? spec.liveness_probe : spec.startup_probe);
  begin_stop(record, spec.name, &spec, container, grace,
             "Container " + spec.name + " " + reason + (restarts ? ", will be restarted" : ""), context);
  step_stop(record, spec.name, &spec, container, true, context);
}

}  // namespace

void step_container(PodRecord& record, const Container& spec, ContainerRole role, bool may_start,
                    PodStepContext& context) {
  ContainerTrack& container = record.containers[spec.name];
  if (is_running(container)) return step_running(record, spec, role, container, context);
  if (container.finished || !may_start || record.operation != 0) return;
  step_start(record, spec, container, context);
}

bool take_hook_result(PodRecord& record, const OperationResult& result, PodStepContext& context) {
  const auto* outcome = std::get_if<ProbeResult>(&result.outcome);
  bool success = outcome != nullptr && outcome->success;
  for (auto& [name, container] : record.containers) {
    if (container.stop && container.stop->hook_operation == result.id) {
      take_pre_stop(record, name, container, success, context);
      return true;
    }
    if (container.post_start_operation != result.id) continue;
    container.post_start_operation = 0;
    if (container.post_start != HookState::kRunning) return true;
    container.owes_post_start.reset();
    if (success) {
      container.post_start = HookState::kDone;
      return true;
    }
    const Container* spec = record.pod ? find_container(as<Pod>(*record.pod).spec, name).spec : nullptr;
    bool runs = spec != nullptr && is_running(container) && !container.stop;
    if (runs) fail_post_start(record, *spec, container, context);
    container.post_start = HookState::kFailed;
    return true;
  }
  return false;
}

}  // namespace mainstay
