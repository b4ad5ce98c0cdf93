#include "nodeagent/probe_step.h"

#include "nodeagent/container_state.h"
#include "nodeagent/pod_note.h"

namespace mainstay {
namespace {

constexpr ProbeKind kKinds[] = {ProbeKind::kStartup, ProbeKind::kReadiness, ProbeKind::kLiveness};

const Box<Probe>& probe_of(const Container& spec, ProbeKind kind) {
  return kind == ProbeKind::kStartup     ? spec.startup_probe
         : kind == ProbeKind::kReadiness ? spec.readiness_probe
                                         : spec.liveness_probe;
}

std::optional<ProbeState>& state_of(ContainerTrack& container, ProbeKind kind) {
  return kind == ProbeKind::kStartup     ? container.startup
         : kind == ProbeKind::kReadiness ? container.readiness
                                         : container.liveness;
}

void say_result(PodStepContext& context, const PodRecord& record, const std::string& container, ProbeKind kind,
                const ProbeResult& result) {
  std::string which = kind == ProbeKind::kStartup     ? "Startup"
                      : kind == ProbeKind::kReadiness ? "Readiness"
                                                      : "Liveness";
  if (result.warning) {
    note(context, record, container, true, "ProbeWarning", which + " probe warning: " + result.output);
  } else if (result.errored) {
    note(context, record, container, true, "Unhealthy",
         which + " probe errored and resulted in failure state: " + result.output);
  } else if (!result.success) {
    note(context, record, container, true, "Unhealthy", which + " probe failed: " + result.output);
  }
}

void step_probe(PodRecord& record, const Container& spec, ContainerTrack& container, ProbeKind kind,
                PodStepContext& context) {
  const Box<Probe>& probe = probe_of(spec, kind);
  std::optional<ProbeState>& state = state_of(container, kind);
  if (!probe) return;
  if (!state) state = start_probe(kind, *probe, container.started);
  bool over = state->failed_for_good || (kind == ProbeKind::kStartup && state->passed);
  if (state->operation != 0 || over) return;
  if (context.now.mono < state->due) return context.wake_at(state->due);
  bool host = as<Pod>(*record.last_pod).spec.host_network;
  std::optional<ProbeTarget> target =
      probe_target(*probe, spec, host ? context.node.address : record.set_up.ip);
  if (!target) {
    ProbeResult none{false, "its port does not exist", false, true};
    take_result(*state, kind, *probe, none, context.now.mono);
    say_result(context, record, spec.name, kind, none);
    return context.wake_at(state->due);
  }
  state->operation = context.submit(RunProbe{container.seen->key, kind, std::move(*target)}, record.uid);
}

}  // namespace

void step_probes(PodRecord& record, const Container& spec, ContainerTrack& container,
                 PodStepContext& context) {
  step_probe(record, spec, container, ProbeKind::kStartup, context);
  if (!is_started(spec, container)) return;
  step_probe(record, spec, container, ProbeKind::kReadiness, context);
  step_probe(record, spec, container, ProbeKind::kLiveness, context);
}

void step_readiness(PodRecord& record, const Container& spec, ContainerTrack& container,
                    PodStepContext& context) {
  if (is_started(spec, container)) step_probe(record, spec, container, ProbeKind::kReadiness, context);
}

bool take_probe_result(PodRecord& record, const OperationResult& result, PodStepContext& context) {
  for (auto& [name, container] : record.containers) {
    for (ProbeKind kind : kKinds) {
      std::optional<ProbeState>& state = state_of(container, kind);
      if (!state || state->operation != result.id) continue;
      state->operation = 0;
      const Container* spec =
          record.last_pod ? find_container(as<Pod>(*record.last_pod).spec, name).spec : nullptr;
      if (spec == nullptr || !probe_of(*spec, kind)) return true;
      ProbeResult outcome;
      if (const auto* given = std::get_if<ProbeResult>(&result.outcome)) outcome = *given;
      if (const Error* failure = std::get_if<Error>(&result.outcome)) {
        outcome.output = failure->message;
        outcome.errored = true;
      }
      take_result(*state, kind, *probe_of(*spec, kind), outcome, context.now.mono);
      say_result(context, record, name, kind, outcome);
      return true;
    }
  }
  return false;
}

}  // namespace mainstay
