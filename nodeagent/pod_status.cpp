#include "nodeagent/pod_status.h"

#include <algorithm>

#include "schema/pod_resources.h"

namespace mainstay {
namespace {

using State = ProcessStatus::State;

bool is_running(const ContainerTrack& record) {
  return record.seen && record.seen->status.state == State::kRunning;
}

ContainerStateTerminated terminated_state(const RuntimeContainer& seen) {
  ContainerStateTerminated out;
  out.exit_code = seen.status.exit_code;
  out.reason = seen.status.exit_unknown     ? "ContainerStatusUnknown"
               : seen.status.oom_killed     ? "OOMKilled"
               : seen.status.exit_code == 0 ? "Completed"
                                            : "Error";
  out.started_at = seen.status.started_at.seconds();
  out.finished_at = seen.status.finished_at.seconds();
  out.container_id = "mainstay://" + seen.id;
  return out;
}

ContainerState current_state(const ContainerTrack& record) {
  ContainerState out;
  if (is_running(record)) {
    ContainerStateRunning running;
    running.started_at = record.seen->status.started_at.seconds();
    out.running = Box<ContainerStateRunning>(running);
  } else if (record.seen && record.seen->status.state == State::kExited && record.waiting_reason.empty()) {
    out.terminated = Box<ContainerStateTerminated>(terminated_state(*record.seen));
  } else {
    ContainerStateWaiting waiting;
    waiting.reason = record.waiting_reason.empty() ? "ContainerCreating" : record.waiting_reason;
    waiting.message = record.waiting_message;
    out.waiting = Box<ContainerStateWaiting>(waiting);
  }
  return out;
}

ContainerStatus container_status(const Container& container, const ContainerTrack* record) {
  ContainerStatus out;
  out.name = container.name;
  out.image = container.image;
  out.started = false;
  if (record == nullptr) {
    out.state.waiting = Box<ContainerStateWaiting>(ContainerStateWaiting{"ContainerCreating", ""});
    return out;
  }
  out.restart_count = static_cast<int32_t>(record->attempt);
  out.state = current_state(*record);
  if (record->seen && !out.state.terminated && record->seen->status.state == State::kExited) {
    out.last_state.terminated = Box<ContainerStateTerminated>(terminated_state(*record->seen));
  } else if (record->last) {
    out.last_state.terminated = record->last;
  }
  if (record->seen) {
    out.container_id = "mainstay://" + record->seen->id;
    out.image_id = record->seen->image_name + "@" + record->seen->image_digest;
  }
  if (is_running(*record)) {
    out.started = true;
    out.ready = !container.readiness_probe || (record->readiness && record->readiness->passed);
  }
  return out;
}

const ContainerTrack* find_record(const PodRecord& record, const std::string& name) {
  auto found = record.containers.find(name);
  return found == record.containers.end() ? nullptr : &found->second;
}

PodCondition make_condition(std::string_view type, bool is_true, std::string_view reason,
                            std::string_view message) {
  PodCondition out;
  out.type = type;
  out.status = is_true ? "True" : "False";
  out.reason = reason;
  out.message = message;
  return out;
}

void put_condition(PodStatus& status, const PodStatus& before, PodCondition condition, WallTime now) {
  condition.last_transition_time = now.seconds();
  for (const PodCondition& old : before.conditions) {
    if (old.type == condition.type && old.status == condition.status) {
      condition.last_transition_time = old.last_transition_time;
    }
  }
  status.conditions.push_back(std::move(condition));
}

// "containers with unready status: [web]", as the kubelet lists them.
std::string unready_names(const PodStatus& status) {
  std::string out;
  for (const ContainerStatus& container : status.container_statuses) {
    if (container.ready) continue;
    if (!out.empty()) out += " ";
    out += container.name;
  }
  return out.empty() ? "" : "containers with unready status: [" + out + "]";
}

void add_conditions(PodStatus& status, const PodRecord& record, Now now) {
  const PodStatus& before = record.status;
  for (const PodCondition& given : as<Pod>(*record.pod).status.conditions) {
    if (given.type == "PodScheduled" || given.type == "DisruptionTarget") status.conditions.push_back(given);
  }
  bool finished = status.phase == "Succeeded" || status.phase == "Failed";
  std::string unready = unready_names(status);
  bool ready = unready.empty() && !finished && !status.container_statuses.empty();
  std::string_view reason = ready ? "" : finished ? "PodCompleted" : "ContainersNotReady";
  std::string_view message = finished ? std::string_view() : std::string_view(unready);
  put_condition(status, before,
                make_condition("PodReadyToStartContainers", record.is_set_up && !record.torn_down, "", ""),
                now.wall);
  put_condition(status, before, make_condition("Initialized", true, finished ? "PodCompleted" : "", ""),
                now.wall);
  put_condition(status, before, make_condition("ContainersReady", ready, reason, ready ? "" : message),
                now.wall);
  put_condition(status, before, make_condition("Ready", ready, reason, ready ? "" : message), now.wall);
}

}  // namespace

bool all_finished(const PodRecord& record) {
  if (!record.pod) return false;
  const auto& containers = as<Pod>(*record.pod).spec.containers;
  return std::all_of(containers.begin(), containers.end(), [&](const Container& container) {
    const ContainerTrack* found = find_record(record, container.name);
    return found != nullptr && found->finished;
  });
}

std::string pod_phase(const PodRecord& record) {
  const std::string& before = record.status.phase;
  if (before == "Succeeded" || before == "Failed") return before;  // never back from an end
  if (record.status.reason == "DeadlineExceeded") return "Failed";
  bool failed = false, any_started = false, waits_for_first = false;
  for (const Container& container : as<Pod>(*record.pod).spec.containers) {
    const ContainerTrack* found = find_record(record, container.name);
    if (found == nullptr || (!found->seen && found->attempt == 0)) {
      waits_for_first = true;
      continue;
    }
    any_started = true;
    if (found->seen && found->seen->status.state == State::kExited && found->seen->status.exit_code != 0)
      failed = true;
  }
  // Stopped before it had begun, and not because it is deleted: a pod that a restored store remembers.
  bool never_began = record.terminating && record.torn_down && !any_started;
  if (never_began && record.pod->meta.deletion_timestamp == WallTime{}) return "Failed";
  bool ended = all_finished(record) || (record.terminating && record.torn_down && any_started);
  if (ended) return failed ? "Failed" : "Succeeded";
  return waits_for_first || !any_started ? "Pending" : "Running";
}

PodStatus pod_status(const PodRecord& record, const NodeFacts& node, Now now) {
  PodStatus out;
  const PodSpec& spec = as<Pod>(*record.pod).spec;
  out.observed_generation = record.pod->meta.generation;
  out.phase = pod_phase(record);
  out.reason = record.status.reason;
  out.message = record.status.message;
  out.host_ip = node.address;
  if (!node.address.empty()) out.host_ips.push_back({node.address});
  std::string ip = spec.host_network ? node.address : record.set_up.ip;
  if (!ip.empty() && !record.torn_down) {
    out.pod_ip = ip;
    out.pod_ips.push_back({ip});
  }
  out.start_time = record.start_time.seconds();
  out.qos_class = qos_class(spec);
  for (const Container& container : spec.containers) {
    out.container_statuses.push_back(container_status(container, find_record(record, container.name)));
  }
  add_conditions(out, record, now);
  return out;
}

}  // namespace mainstay
