#include "nodeagent/container_exit.h"

#include <utility>

#include "nodeagent/container_start.h"
#include "nodeagent/container_state.h"
#include "nodeagent/go_duration.h"
#include "nodeagent/pod_note.h"

namespace mainstay {
namespace {

constexpr std::string_view kIdPrefix = "mainstay://";

void back_off(PodRecord& record, const std::string& name, ContainerTrack& container,
              PodStepContext& context) {
  const ProcessStatus& status = container.seen->status;
  WallTime counted = context.now.wall - (context.now.mono - container.restart.failed_at);
  // The agent's memory may have it already, from before its own start.
  bool known = std::exchange(container.restored, false) && counted >= status.finished_at;
  if (!known) container.restart.fail(context.now.mono, status.finished_at - status.started_at);
  if (container.restart.wait == Duration{0}) {
    bool hook = container.post_start == HookState::kFailed;
    return wait_because(container, hook ? "PostStartHookError" : "", hook ? "PostStartHook failed" : "");
  }
  wait_because(container, "CrashLoopBackOff",
               "back-off " + go_duration(container.restart.wait) + " restarting failed container=" + name +
                   " pod=" + pod_text(record));
  note(context, record, name, true, "BackOff",
       "Back-off restarting failed container " + name + " in pod " + pod_text(record));
}

void adopt_gone(PodRecord& record, const ContainerStatus& known, ContainerTrack& container, WallTime now) {
  RuntimeContainer gone;
  gone.key = {record.uid, known.name, static_cast<uint32_t>(known.restart_count)};
  gone.id = known.container_id.substr(kIdPrefix.size());
  if (size_t at = known.image_id.find('@'); at != std::string::npos) {
    gone.image_name = known.image_id.substr(0, at);
    gone.image_digest = known.image_id.substr(at + 1);
  }
  gone.status.state = ProcessStatus::State::kExited;
  const auto& ended = known.state.terminated ? known.state.terminated : known.last_state.terminated;
  // Of one that waits to be run again, the last end is the newest attempt's.
  if (ended && !known.state.running) {
    gone.status.exit_code = ended->exit_code;
    gone.status.oom_killed = ended->reason == "OOMKilled";
    gone.status.message = ended->message;
    gone.status.started_at = ended->started_at;
    gone.status.finished_at = ended->finished_at;
    if (ended->reason == "StartError") container.start_error = ended->message;
  } else {
    gone.status.exit_code = 137;
    gone.status.exit_unknown = true;
    if (known.state.running) gone.status.started_at = known.state.running->started_at;
    gone.status.finished_at = now;  // when it ended nobody saw; it ran well for as long as it was heard of
  }
  container.attempt = gone.key.attempt;
  container.seen = std::move(gone);
  container.exit_handled = false;
}

}  // namespace

void take_exit(PodRecord& record, const std::string& name, ContainerTrack& container,
               PodStepContext& context) {
  container.exit_handled = true;
  container.readiness.reset();
  container.liveness.reset();
  container.startup.reset();
  container.stop.reset();
  container.image.reset();  // policy Always looks again
  bool replaced = std::exchange(container.replaced, false);
  NamedContainer named = record.pod ? find_container(as<Pod>(*record.pod).spec, name) : NamedContainer{};
  bool ending = record.ending != Ending::kNone && record.ending != Ending::kSandboxLost;
  bool failed = container.seen->status.exit_code != 0;
  bool again = named.spec != nullptr && !ending &&
               (replaced || restarts_after(named.role, as<Pod>(*record.pod).spec.restart_policy, failed));
  if (!again) {
    container.finished = true;
    wait_because(container, "", "");
  } else if (replaced) {
    container.restart = Backoff{};
    wait_because(container, "", "");
  } else {
    back_off(record, name, container, context);
  }
  container.post_start = HookState::kNone;
}

void settle_exits(PodRecord& record, PodStepContext& context) {
  for (auto& [name, container] : record.containers) {
    if (has_exited(container) && !container.exit_handled) take_exit(record, name, container, context);
  }
}

void take_loss(ContainerTrack& container, Now now) {
  if (has_exited(container)) return;  // its end is known; that its remains are gone changes nothing
  container.seen->status.state = ProcessStatus::State::kExited;
  container.seen->status.pid = 0;
  container.seen->status.exit_code = 137;
  container.seen->status.exit_unknown = true;
  container.seen->status.finished_at = now.wall;
  container.exit_handled = false;
}

void adopt_status(PodRecord& record, PodStepContext& context) {
  record.adopted = true;
  if (!record.pod) return;
  const PodSpec& spec = as<Pod>(*record.pod).spec;
  auto adopt = [&](const std::vector<ContainerStatus>& statuses) {
    for (const ContainerStatus& known : statuses) {
      NamedContainer named = find_container(spec, known.name);
      if (named.spec == nullptr) continue;
      ContainerTrack& container = record.containers[known.name];
      if (known.last_state.terminated && !container.last) container.last = known.last_state.terminated;
      bool made = known.container_id.starts_with(kIdPrefix);
      if (!container.seen && made) adopt_gone(record, known, container, context.now.wall);
      if (!container.seen) container.attempt = static_cast<uint32_t>(known.restart_count);
      if (!container.seen || !made) continue;
      bool same = known.container_id == std::string(kIdPrefix) + container.seen->id;
      if (!is_running(container) || !same) continue;
      if (named.spec->startup_probe && known.started == true) {
        container.startup = start_probe(ProbeKind::kStartup, *named.spec->startup_probe, container.started);
        container.startup->passed = true;
      }
      if (named.spec->readiness_probe && known.ready) {
        const Probe& probe = *named.spec->readiness_probe;
        container.readiness = start_probe(ProbeKind::kReadiness, probe, container.started);
        container.readiness->passed = true;
      }
    }
  };
  adopt(record.status.init_container_statuses);
  adopt(record.status.container_statuses);
  // Nothing was written down of it: a container proper that was run shows that the init containers were done.
  if (record.remembered) return;
  for (const Container& container : spec.containers) {
    record.initialized = record.initialized || record.containers[container.name].seen.has_value();
  }
}

}  // namespace mainstay
