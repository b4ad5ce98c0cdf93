// The cells of pods.
#include <algorithm>
#include <string>

#include "schema/pod_resources.h"
#include "schema/table_cells.h"

namespace mainstay {
namespace {

struct Restarts {
  int64_t count = 0;
  WallTime last;

  void add(const ContainerStatus& status) {
    count += status.restart_count;
    if (status.last_state.terminated) last = std::max(last, status.last_state.terminated->finished_at);
  }
};

// What the columns Ready, Status and Restarts say.
struct Summary {
  std::string status;
  int64_t ready = 0;
  int64_t total = 0;
  Restarts restarts;
};

bool has_condition(const PodStatus& status, std::string_view type) {
  return std::any_of(status.conditions.begin(), status.conditions.end(), [&](const PodCondition& condition) {
    return condition.type == type && condition.status == "True";
  });
}

// "Error", "Signal:9", "ExitCode:1".
std::string end_word(const ContainerStateTerminated& end) {
  if (!end.reason.empty()) return end.reason;
  if (end.signal != 0) return "Signal:" + std::to_string(end.signal);
  return "ExitCode:" + std::to_string(end.exit_code);
}

bool is_sidecar_named(const PodSpec& spec, std::string_view name) {
  return std::any_of(spec.init_containers.begin(), spec.init_containers.end(),
                     [&](const Container& container) { return container.name == name && is_sidecar(container); });
}

// Walks the init containers; true if one of them is what the pod waits for.
bool summarize_init(const Pod& pod, Summary& out, Restarts& sidecars) {
  const auto& statuses = pod.status.init_container_statuses;
  for (size_t i = 0; i < statuses.size(); ++i) {
    const ContainerStatus& status = statuses[i];
    bool sidecar = is_sidecar_named(pod.spec, status.name);
    out.restarts.add(status);
    if (sidecar) sidecars.add(status);
    const auto& end = status.state.terminated;
    if (end && end->exit_code == 0) continue;
    if (sidecar && status.started == true) {
      if (status.ready) ++out.ready;
      continue;
    }
    const auto& waiting = status.state.waiting;
    if (end) {
      out.status = "Init:" + end_word(*end);
    } else if (waiting && !waiting->reason.empty() && waiting->reason != "PodInitializing") {
      out.status = "Init:" + waiting->reason;
    } else {
      out.status = "Init:" + std::to_string(i) + "/" + std::to_string(pod.spec.init_containers.size());
    }
    return true;
  }
  return false;
}

void summarize_containers(const Pod& pod, Summary& out) {
  bool running = false;
  const auto& statuses = pod.status.container_statuses;
  for (auto status = statuses.rbegin(); status != statuses.rend(); ++status) {
    out.restarts.add(*status);
    if (status->state.waiting && !status->state.waiting->reason.empty()) {
      out.status = status->state.waiting->reason;
    } else if (status->state.terminated) {
      out.status = end_word(*status->state.terminated);
    } else if (status->ready && status->state.running) {
      running = true;
      ++out.ready;
    }
  }
  if (out.status == "Completed" && running) {
    out.status = has_condition(pod.status, "Ready") ? "Running" : "NotReady";
  }
}

Summary summarize(const Object& object) {
  const Pod& pod = as<Pod>(object);
  Summary out;
  out.status = pod.status.reason.empty() ? pod.status.phase : pod.status.reason;
  for (const PodCondition& condition : pod.status.conditions) {
    if (condition.type == "PodScheduled" && condition.reason == "SchedulingGated") {
      out.status = condition.reason;
    }
  }
  out.total = static_cast<int64_t>(pod.spec.containers.size()) +
              std::count_if(pod.spec.init_containers.begin(), pod.spec.init_containers.end(), &is_sidecar);
  Restarts sidecars;
  bool initializing = summarize_init(pod, out, sidecars);
  if (!initializing || has_condition(pod.status, "Initialized")) {
    out.restarts = sidecars;
    summarize_containers(pod, out);
  }
  if (object.meta.deletion_timestamp != WallTime{}) {
    bool done = pod.status.phase == "Succeeded" || pod.status.phase == "Failed";
    if (pod.status.reason == "NodeLost") {
      out.status = "Unknown";
    } else if (!done) {
      out.status = "Terminating";
    }
  }
  return out;
}

Value ready_cell(const Object& object, WallTime) {
  Summary summary = summarize(object);
  return std::to_string(summary.ready) + "/" + std::to_string(summary.total);
}

Value status_cell(const Object& object, WallTime) { return summarize(object).status; }

Value restarts_cell(const Object& object, WallTime now) {
  Restarts restarts = summarize(object).restarts;
  std::string out = std::to_string(restarts.count);
  if (restarts.count > 0 && restarts.last != WallTime{}) out += " (" + age(restarts.last, now) + " ago)";
  return out;
}

Value ip_cell(const Object& object, WallTime) {
  const PodStatus& status = as<Pod>(object).status;
  return or_none(status.pod_ips.empty() ? status.pod_ip : status.pod_ips[0].ip);
}

Value node_cell(const Object& object, WallTime) { return or_none(as<Pod>(object).spec.node_name); }

Value nominated_cell(const Object& object, WallTime) {
  return or_none(as<Pod>(object).status.nominated_node_name);
}

Value gates_cell(const Object& object, WallTime) {
  const Pod& pod = as<Pod>(object);
  if (pod.spec.readiness_gates.empty()) return kNone;
  auto met = std::count_if(pod.spec.readiness_gates.begin(), pod.spec.readiness_gates.end(),
                           [&](const PodReadinessGate& gate) {
                             return has_condition(pod.status, gate.condition_type);
                           });
  return std::to_string(met) + "/" + std::to_string(pod.spec.readiness_gates.size());
}

constexpr CellColumn kPodColumns[] = {
    kNameColumn,
    {{"Ready", "string", ""}, &ready_cell},
    {{"Status", "string", ""}, &status_cell},
    {{"Restarts", "string", ""}, &restarts_cell},
    kAgeColumn,
    {{"IP", "string", "", kWide}, &ip_cell},
    {{"Node", "string", "", kWide}, &node_cell},
    {{"Nominated Node", "string", "", kWide}, &nominated_cell},
    {{"Readiness Gates", "string", "", kWide}, &gates_cell},
};

}  // namespace

std::string pod_status_word(const Object& pod) { return summarize(pod).status; }

std::span<const CellColumn> pod_columns(Kind kind) {
  return kind == Kind::kPod ? std::span<const CellColumn>(kPodColumns) : std::span<const CellColumn>();
}

}  // namespace mainstay
