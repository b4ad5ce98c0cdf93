#include "nodeagent/pod_ending.h"

#include <algorithm>
#include <utility>

#include "nodeagent/container_exit.h"
#include "nodeagent/container_start.h"
#include "nodeagent/container_state.h"
#include "nodeagent/container_stop.h"
#include "nodeagent/pod_note.h"
#include "nodeagent/probe_step.h"

namespace mainstay {
namespace {

using std::chrono::seconds;

// Of a pod nothing is known of any more: a short chance to close files.
constexpr Duration kGraceOfUnknown = seconds{5};

Duration leaving_grace(const PodRecord& record) {
  if (!record.last_pod) return kGraceOfUnknown;
  const ObjectMeta& meta = record.last_pod->meta;
  const PodSpec& spec = as<Pod>(*record.last_pod).spec;
  int64_t grace = meta.deletion_grace_period_seconds ? *meta.deletion_grace_period_seconds
                                                     : spec.termination_grace_period_seconds.value_or(30);
  return seconds{std::max<int64_t>(grace, 1)};
}

// Sidecars wait until what they serve has ended: the containers proper, then the later of their own kind.
bool is_turn(const PodRecord& record, const std::string& name) {
  if (!record.last_pod) return true;
  const PodSpec& spec = as<Pod>(*record.last_pod).spec;
  if (find_container(spec, name).role != ContainerRole::kSidecar) return true;
  auto runs = [&](const Container& container) {
    auto found = record.containers.find(container.name);
    return found != record.containers.end() && is_running(found->second);
  };
  auto own = std::find_if(spec.init_containers.begin(), spec.init_containers.end(),
                          [&](const Container& container) { return container.name == name; });
  return std::none_of(spec.containers.begin(), spec.containers.end(), runs) &&
         std::none_of(own + 1, spec.init_containers.end(), runs);
}

// True while something of the pod runs.
bool stop_containers(PodRecord& record, PodStepContext& context) {
  bool any = false;
  for (auto& [name, container] : record.containers) {
    if (!is_running(container)) continue;
    any = true;
    const Container* spec =
        record.last_pod ? find_container(as<Pod>(*record.last_pod).spec, name).spec : nullptr;
    if (!container.stop) {
      begin_stop(record, name, spec, container, *record.end_by - context.now.mono,
                 "Stopping container " + name, context);
    }
    if (spec != nullptr) step_readiness(record, *spec, container, context);
    step_stop(record, name, spec, container, is_turn(record, name), context);
  }
  return any;
}

void release(PodRecord& record, PodStepContext& context) {
  for (auto& [name, container] : record.containers) {
    container.finished = true;
    if (has_exited(container)) wait_because(container, "", "");
  }
  if (record.released) return;
  record.releasing = true;
  record.operation = context.submit(ReleasePod{record.uid}, record.uid);
}

}  // namespace

void begin_ending(PodRecord& record, Ending why, Duration grace, PodStepContext& context) {
  MonoTime end_by = context.now.mono + std::max(grace, Duration{0});
  if (record.ending != Ending::kNone) end_by = std::min(end_by, *record.end_by);
  record.ending = why;
  record.end_by = end_by;
  record.retry_at = MonoTime{};
}

void leave(PodRecord& record, PodStepContext& context) {
  Duration grace = leaving_grace(record);
  if (record.ending != Ending::kLeaving) begin_ending(record, Ending::kLeaving, grace, context);
  MonoTime end_by = context.now.mono + grace;
  if (end_by >= *record.end_by) return;
  record.end_by = end_by;
  for (auto& [name, container] : record.containers) shorten_stop(container, end_by);
}

void step_ending(PodRecord& record, PodStepContext& context) {
  if (stop_containers(record, context) || record.operation != 0) return;
  if (context.now.mono < record.retry_at) return context.wake_at(record.retry_at);
  switch (record.ending) {
    case Ending::kNone: return;
    case Ending::kLeaving:
      record.tearing_down = true;
      record.operation = context.submit(TearDownPod{record.uid}, record.uid);
      return;
    case Ending::kFailed:
    case Ending::kFinished: return release(record, context);
    case Ending::kSandboxLost:
      record.ending = Ending::kNone;
      record.end_by.reset();
      context.wake_at(context.now.mono);
      return;
  }
}

void lose_sandbox(PodRecord& record, PodStepContext& context) {
  if (record.ending != Ending::kNone || !record.pod) return;
  note(context, record, "", false, "SandboxChanged",
       "Pod sandbox changed, it will be killed and re-created.");
  const PodSpec& spec = as<Pod>(*record.pod).spec;
  seconds grace{spec.termination_grace_period_seconds.value_or(30)};
  begin_ending(record, Ending::kSandboxLost, grace, context);
  record.is_set_up = false;
  record.initialized = false;
  for (auto& [name, container] : record.containers) {
    bool init = find_container(spec, name).role == ContainerRole::kInit;
    if (init && container.seen) container.first_attempt = container.attempt + 1;
  }
}

void fail_pod(PodRecord& record, std::string reason, std::string message, Duration grace,
              PodStepContext& context) {
  if (record.ending != Ending::kNone && record.ending != Ending::kSandboxLost) return;
  record.fail_reason = std::move(reason);
  record.fail_message = std::move(message);
  begin_ending(record, Ending::kFailed, grace, context);
}

}  // namespace mainstay
