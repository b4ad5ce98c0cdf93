#include "nodeagent/pod_status.h"

#include <algorithm>

#include "nodeagent/condition.h"
#include "nodeagent/container_state.h"
#include "schema/pod_resources.h"

namespace mainstay {
namespace {

constexpr auto pod_condition = make_condition<PodCondition>;

// What all containers of a pod together may say at the end: Kubernetes' bound, shared out among them.
constexpr size_t kMessagesOfPod = 12 * 1024;

const ContainerTrack* find_track(const PodRecord& record, const std::string& name) {
  auto found = record.containers.find(name);
  return found == record.containers.end() ? nullptr : &found->second;
}

bool any_running(const PodRecord& record) {
  return std::any_of(record.containers.begin(), record.containers.end(),
                     [](const auto& one) { return is_running(one.second); });
}

// ---- Conditions ------------------------------------------------------------------------------------------

void put_condition(PodStatus& status, const PodStatus& before, PodCondition condition, WallTime now) {
  condition.last_transition_time = now.seconds();
  for (const PodCondition& old : before.conditions) {
    if (old.type == condition.type && old.status == condition.status) {
      condition.last_transition_time = old.last_transition_time;
    }
  }
  status.conditions.push_back(std::move(condition));
}

// "containers with unready status: [web log]", as the kubelet lists them; "" for none.
std::string listed(std::string_view what, const std::vector<std::string>& names) {
  if (names.empty()) return "";
  std::string out = "containers with " + std::string(what) + " status: [";
  for (const std::string& name : names) out += (out.back() == '[' ? "" : " ") + name;
  return out + "]";
}

PodCondition initialized_condition(const PodStatus& status, const PodSpec& spec) {
  std::vector<std::string> incomplete;
  for (const ContainerStatus& container : status.init_container_statuses) {
    bool sidecar = find_container(spec, container.name).role == ContainerRole::kSidecar;
    if (sidecar ? container.started != true : !container.ready) incomplete.push_back(container.name);
  }
  if (status.phase == "Succeeded") return pod_condition("Initialized", true, "PodCompleted", "");
  // Once a container proper has run, the pod has been initialised.
  bool begun = std::any_of(status.container_statuses.begin(), status.container_statuses.end(), [](auto& one) {
    return one.state.running || one.state.terminated || one.last_state.terminated;
  });
  if (begun || incomplete.empty()) return pod_condition("Initialized", true, "", "");
  return pod_condition("Initialized", false, "ContainersNotInitialized", listed("incomplete", incomplete));
}

PodCondition containers_ready_condition(const PodStatus& status, const PodSpec& spec) {
  if (status.phase == "Succeeded") return pod_condition("ContainersReady", false, "PodCompleted", "");
  if (status.phase == "Failed") return pod_condition("ContainersReady", false, "PodFailed", "");
  std::vector<std::string> unready;
  for (const ContainerStatus& container : status.init_container_statuses) {
    bool sidecar = find_container(spec, container.name).role == ContainerRole::kSidecar;
    if (sidecar && !container.ready) unready.push_back(container.name);
  }
  for (const ContainerStatus& container : status.container_statuses) {
    if (!container.ready) unready.push_back(container.name);
  }
  if (unready.empty()) return pod_condition("ContainersReady", true, "", "");
  return pod_condition("ContainersReady", false, "ContainersNotReady", listed("unready", unready));
}

// Ready is what the containers are, and every readiness gate besides.
PodCondition ready_condition(PodCondition containers, const Pod& pod) {
  containers.type = "Ready";
  if (containers.status != "True") return containers;
  std::string missing;
  for (const PodReadinessGate& gate : pod.spec.readiness_gates) {
    const auto& given = pod.status.conditions;
    auto found = std::find_if(given.begin(), given.end(),
                              [&](auto& condition) { return condition.type == gate.condition_type; });
    if (found != given.end() && found->status == "True") continue;
    if (!missing.empty()) missing += ", ";
    std::string quoted = "pod readiness gate \"" + gate.condition_type + "\"";
    missing += found == given.end()
                   ? "corresponding condition of " + quoted + " does not exist."
                   : "the status of " + quoted + " is not \"True\", but " + found->status;
  }
  if (missing.empty()) return containers;
  return pod_condition("Ready", false, "ReadinessGatesNotReady", missing);
}

void add_conditions(PodStatus& status, const PodRecord& record, Now now) {
  const PodStatus& before = record.status;
  const Pod& pod = as<Pod>(*record.pod);
  for (const PodCondition& given : pod.status.conditions) {
    bool kept = given.type == "PodScheduled" || (given.type == "DisruptionTarget" && !record.disrupted);
    if (kept) status.conditions.push_back(given);
  }
  if (record.disrupted) {
    put_condition(status, before,
                  pod_condition("DisruptionTarget", true, "TerminationByKubelet", record.fail_message), now.wall);
  }
  // Nobody scheduled a pod that came with its node's name.
  bool scheduled = std::any_of(status.conditions.begin(), status.conditions.end(),
                               [](const PodCondition& given) { return given.type == "PodScheduled"; });
  if (!scheduled) {
    put_condition(status, before, pod_condition("PodScheduled", true, "", ""), now.wall);
  }
  bool sandbox = record.is_set_up && !record.torn_down && !record.released;
  PodCondition containers = containers_ready_condition(status, pod.spec);
  put_condition(status, before, pod_condition("PodReadyToStartContainers", sandbox, "", ""), now.wall);
  put_condition(status, before, initialized_condition(status, pod.spec), now.wall);
  put_condition(status, before, containers, now.wall);
  put_condition(status, before, ready_condition(containers, pod), now.wall);
}

// ---- Phase -----------------------------------------------------------------------------------------------

// What the containers are doing, counted as Kubernetes does.
struct Count {
  bool init_pending = false, init_failed = false, sidecar_pending = false;
  int running = 0, waiting = 0, stopped = 0, succeeded = 0;
};

Count count_containers(const PodStatus& status, const PodSpec& spec) {
  Count out;
  for (const ContainerStatus& container : status.init_container_statuses) {
    const ContainerState& state = container.state;
    if (find_container(spec, container.name).role == ContainerRole::kSidecar) {
      bool first = state.waiting && !container.last_state.terminated;
      out.sidecar_pending |= first || (state.running && container.started != true);
      out.running += state.running ? 1 : 0;
      out.waiting += first ? 1 : 0;
      continue;
    }
    const auto& ended = state.terminated ? state.terminated : container.last_state.terminated;
    bool ended_last = state.terminated || (state.waiting && ended);
    if (!ended_last) out.init_pending = true;
    else if (ended->exit_code != 0) out.init_failed = true;
  }
  for (const ContainerStatus& container : status.container_statuses) {
    const ContainerState& state = container.state;
    if (state.running) {
      ++out.running;
    } else if (state.terminated) {
      ++out.stopped;
      out.succeeded += state.terminated->exit_code == 0 ? 1 : 0;
    } else if (container.last_state.terminated) {
      ++out.stopped;
    } else {
      ++out.waiting;
    }
  }
  return out;
}

std::string phase_of(const PodStatus& status, const PodRecord& record) {
  const PodSpec& spec = as<Pod>(*record.pod).spec;
  bool over = record.ending != Ending::kNone && record.ending != Ending::kSandboxLost && !any_running(record);
  if (record.ending == Ending::kFailed && over) return "Failed";
  Count count = count_containers(status, spec);
  bool begun = count.running + count.stopped > 0;
  if (record.torn_down && !begun) {
    // Stopped before it had begun, and not because it is deleted: a pod that a restored store remembers.
    if (record.pod->meta.deletion_timestamp == WallTime{}) return "Failed";
    return count.init_failed ? "Failed" : "Pending";
  }
  if (count.init_failed && spec.restart_policy == "Never" && count.running == 0) return "Failed";
  if (over && count.running == 0 && count.stopped > 0) {
    return count.stopped == count.succeeded && count.waiting == 0 ? "Succeeded" : "Failed";
  }
  bool initializing = count.sidecar_pending && !record.initialized;
  if (count.init_pending || count.init_failed || initializing) return "Pending";
  if (count.waiting > 0) return "Pending";
  if (count.running > 0) return "Running";
  if (count.stopped == 0) return "Pending";
  if (spec.restart_policy != "OnFailure" && spec.restart_policy != "Never") return "Running";
  if (count.stopped == count.succeeded) return "Succeeded";
  return spec.restart_policy == "Never" ? "Failed" : "Running";
}

// An end is an end, whether it was this node that said so or the control plane.
void settle_phase(PodStatus& status, const PodRecord& record) {
  const PodStatus& given = as<Pod>(*record.pod).status;
  const PodStatus* last = is_end(record.status.phase) ? &record.status
                          : is_end(given.phase)       ? &given
                                                      : nullptr;
  if (last != nullptr) {
    status.phase = last->phase;
    status.reason = last->reason;
    status.message = last->message;
    return;
  }
  std::string phase = phase_of(status, record);
  // Nothing has ended while something runs: who waits for the end may use what the pod held.
  const std::string& before = record.status.phase;
  if (is_end(phase) && any_running(record)) phase = before.empty() ? "Running" : before;
  status.phase = phase;
  if (phase != "Failed") return;
  status.reason = record.fail_reason;
  status.message = record.fail_message;
}

// Cuts at a character's beginning.
void cut(std::string& text, size_t most) {
  if (text.size() <= most) return;
  while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xc0) == 0x80) --most;
  text.resize(most);
}

void limit_messages(PodStatus& status) {
  size_t count = status.init_container_statuses.size() + status.container_statuses.size();
  size_t each = kMessagesOfPod / std::max<size_t>(count, 1);
  for (auto* statuses : {&status.init_container_statuses, &status.container_statuses}) {
    for (ContainerStatus& container : *statuses) {
      if (container.state.terminated) cut(container.state.terminated->message, each);
      if (container.last_state.terminated) cut(container.last_state.terminated->message, each);
    }
  }
}

// A pod that was turned away, or given up before all of it was made, says why, not that containers are being created.
void forget_unmade(PodStatus& status) {
  for (auto* statuses : {&status.init_container_statuses, &status.container_statuses}) {
    std::erase_if(*statuses, [](const ContainerStatus& one) {
      return one.state.waiting && one.restart_count == 0 && !one.last_state.terminated;
    });
  }
}

}  // namespace

bool all_finished(const PodRecord& record) {
  if (!record.pod) return false;
  const PodSpec& spec = as<Pod>(*record.pod).spec;
  for (const Container& container : spec.init_containers) {
    const ContainerTrack* track = find_track(record, container.name);
    bool counts = track != nullptr && track->finished && has_exited(*track) && !record.initialized;
    bool init = find_container(spec, container.name).role == ContainerRole::kInit;
    if (!init || !counts || track->attempt < track->first_attempt) continue;
    if (track->seen->status.exit_code != 0) return true;
  }
  return std::all_of(spec.containers.begin(), spec.containers.end(), [&](const Container& container) {
    const ContainerTrack* track = find_track(record, container.name);
    return track != nullptr && track->finished;
  });
}

PodStatus pod_status(const PodRecord& record, const NodeFacts& node, Now now) {
  PodStatus out;
  const PodSpec& spec = as<Pod>(*record.pod).spec;
  out.observed_generation = record.pod->meta.generation;
  out.host_ip = node.address;
  if (!node.address.empty()) out.host_ips.push_back({node.address});
  std::string ip = spec.host_network ? node.address : record.set_up.ip;
  // A pod that has ended keeps the address it had, as a memory only.
  if (ip.empty() && record.ending != Ending::kNone) ip = record.status.pod_ip;
  if (!ip.empty() && !record.torn_down) {
    out.pod_ip = ip;
    out.pod_ips.push_back({ip});
  }
  out.start_time = record.start_time.seconds();
  out.qos_class = qos_class(spec);
  std::string_view waiting = spec.init_containers.empty() ? "ContainerCreating" : "PodInitializing";
  for (const Container& container : spec.init_containers) {
    ContainerRole role = find_container(spec, container.name).role;
    out.init_container_statuses.push_back(
        container_status(container, role, find_track(record, container.name), waiting));
  }
  for (const Container& container : spec.containers) {
    out.container_statuses.push_back(
        container_status(container, ContainerRole::kApp, find_track(record, container.name), waiting));
  }
  settle_phase(out, record);
  limit_messages(out);
  add_conditions(out, record, now);
  bool given_up = out.phase == "Failed" && !out.reason.empty();  // not one whose init container has failed
  if (record.rejected || given_up) forget_unmade(out);
  return out;
}

}  // namespace mainstay
