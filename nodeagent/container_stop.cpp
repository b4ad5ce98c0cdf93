#include "nodeagent/container_stop.h"

#include <algorithm>

#include "nodeagent/container_state.h"
#include "nodeagent/pod_note.h"

namespace mainstay {
namespace {

using std::chrono::seconds;

// Between the signal and the kill there is always a moment, however long the preStop hook took.
constexpr Duration kLeastAfterSignal = seconds{2};

// Begins the hook, or waits for it. True once there is nothing to wait for.
bool step_pre_stop(PodRecord& record, const std::string& name, const Container* spec, ContainerStop& stop,
                   const ContainerKey& key, PodStepContext& context) {
  if (stop.hook_done) return true;
  MonoTime now = context.now.mono;
  if (now >= stop.kill_at) {
    // The grace is over: the hook is not waited for any longer, and the executor ends it at the same time.
    stop.hook_done = true;
    return true;
  }
  if (stop.hook_until) {
    if (now < *stop.hook_until) {
      context.wake_at(std::min(*stop.hook_until, stop.kill_at));
      return false;
    }
    stop.hook_done = true;
    return true;
  }
  if (stop.hook_operation == 0) {
    const LifecycleHandler& hook = *spec->lifecycle->pre_stop;
    if (hook.sleep) {
      stop.hook_until = now + seconds{hook.sleep->seconds};
      context.wake_at(std::min(*stop.hook_until, stop.kill_at));
      return stop.hook_done = hook.sleep->seconds <= 0;
    }
    bool host = as<Pod>(*record.last_pod).spec.host_network;
    std::optional<ProbeTarget> target =
        hook_target(hook, *spec, host ? context.node.address : record.set_up.ip, stop.kill_at - now);
    if (!target) {
      note(context, record, name, true, "FailedPreStopHook", "PreStopHook failed");
      return stop.hook_done = true;
    }
    stop.hook_operation = context.submit(RunHook{key, std::move(*target)}, record.uid);
  }
  context.wake_at(stop.kill_at);
  return false;
}

}  // namespace

void begin_stop(PodRecord& record, const std::string& name, const Container* spec, ContainerTrack& container,
                Duration grace, std::string why, PodStepContext& context) {
  note(context, record, name, false, "Killing", std::move(why));
  ContainerStop stop;
  stop.kill_at = context.now.mono + std::max(grace, Duration{0});
  bool hooked = spec != nullptr && record.last_pod && spec->lifecycle && spec->lifecycle->pre_stop;
  stop.hook_done = !hooked || grace <= Duration{0};
  container.stop = stop;
}

void step_stop(PodRecord& record, const std::string& name, const Container* spec, ContainerTrack& container,
               bool turn, PodStepContext& context) {
  ContainerStop& stop = *container.stop;
  MonoTime now = context.now.mono;
  if (!stop.signalled) {
    if (!step_pre_stop(record, name, spec, stop, container.seen->key, context)) return;
    if (!turn && now < stop.kill_at) return context.wake_at(stop.kill_at);
    if (record.operation != 0) return;
    stop.signalled = true;
    stop.kill_at = std::max(stop.kill_at, now + kLeastAfterSignal);
    record.operation = context.submit(StopContainer{container.seen->key}, record.uid);
    context.wake_at(stop.kill_at);
    return;
  }
  if (now < stop.kill_at) return context.wake_at(stop.kill_at);
  if (record.operation != 0) return;
  // Should the kernel take its time, ask again a second later.
  stop.kill_at = now + seconds{1};
  record.operation = context.submit(KillContainer{container.seen->key}, record.uid);
  context.wake_at(stop.kill_at);
}

void shorten_stop(ContainerTrack& container, MonoTime kill_at) {
  if (container.stop) container.stop->kill_at = std::min(container.stop->kill_at, kill_at);
}

void take_pre_stop(PodRecord& record, const std::string& name, ContainerTrack& container, bool success,
                   PodStepContext& context) {
  container.stop->hook_done = true;
  container.stop->hook_operation = 0;
  // What a hook says may hold secrets: the event names none of it.
  if (!success) note(context, record, name, true, "FailedPreStopHook", "PreStopHook failed");
}

}  // namespace mainstay
