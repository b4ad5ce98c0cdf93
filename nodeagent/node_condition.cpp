#include "nodeagent/node_condition.h"

#include <algorithm>
#include <string_view>

#include "nodeagent/condition.h"
#include "schema/pod_resources.h"

namespace mainstay {
namespace {

constexpr auto node_condition = make_condition<NodeCondition>;

constexpr int32_t kSystemCritical = 2000000000;
constexpr std::string_view kMemoryTaint = "node.kubernetes.io/memory-pressure";

struct PressureRow {
  bool NodePressures::*member;
  std::string_view type;
  std::string_view true_reason, true_message, false_reason, false_message;
  std::string_view true_event, false_event;
};
constexpr PressureRow kPressures[] = {
    {&NodePressures::memory, "MemoryPressure", "KubeletHasInsufficientMemory",
     "kubelet has insufficient memory available", "KubeletHasSufficientMemory",
     "kubelet has sufficient memory available", "NodeHasInsufficientMemory", "NodeHasSufficientMemory"},
    {&NodePressures::disk, "DiskPressure", "KubeletHasDiskPressure", "kubelet has disk pressure",
     "KubeletHasNoDiskPressure", "kubelet has no disk pressure", "NodeHasDiskPressure", "NodeHasNoDiskPressure"},
    {&NodePressures::pids, "PIDPressure", "KubeletHasInsufficientPID", "kubelet has insufficient PID available",
     "KubeletHasSufficientPID", "kubelet has sufficient PID available", "NodeHasInsufficientPID",
     "NodeHasSufficientPID"},
};

bool tolerates_memory_pressure(const PodSpec& spec) {
  return std::any_of(spec.tolerations.begin(), spec.tolerations.end(), [](const Toleration& one) {
    bool key = one.key == kMemoryTaint || (one.key.empty() && one.op == "Exists");
    bool value = one.op == "Exists" || one.value.empty();
    return key && value && (one.effect.empty() || one.effect == "NoSchedule");
  });
}

}  // namespace

std::vector<NodeCondition> node_conditions(const NodePressures& pressures) {
  std::vector<NodeCondition> out;
  for (const PressureRow& row : kPressures) {
    bool is = pressures.*row.member;
    out.push_back(node_condition(row.type, is, is ? row.true_reason : row.false_reason,
                                 is ? row.true_message : row.false_message));
  }
  out.push_back(pressures.shutting_down
                    ? node_condition("Ready", false, "KubeletNotReady", "node is shutting down")
                    : node_condition("Ready", true, "KubeletReady", "kubelet is posting ready status"));
  return out;
}

std::vector<AgentEvent> pressure_events(const std::string& node, const NodePressures& was, const NodePressures& is) {
  std::vector<AgentEvent> out;
  for (const PressureRow& row : kPressures) {
    if (was.*row.member == is.*row.member) continue;
    AgentEvent& event = out.emplace_back();
    event.reason = is.*row.member ? row.true_event : row.false_event;
    event.message = "Node " + node + " status is now: " + event.reason;
  }
  return out;
}

std::optional<Rejection> reject_pod(const Object& pod, const NodePressures& pressures) {
  if (pressures.shutting_down) return Rejection{"NodeShutdown", "Pod was rejected as the node is shutting down."};
  if (is_critical(pod)) return std::nullopt;
  const PodSpec& spec = as<Pod>(pod).spec;
  bool only_memory = !pressures.disk && !pressures.pids;
  bool stands_memory = qos_class(spec) != "BestEffort" || tolerates_memory_pressure(spec);
  std::string listed;
  for (const PressureRow& row : kPressures) {
    if (pressures.*row.member) listed += (listed.empty() ? "" : " ") + std::string(row.type);
  }
  if (listed.empty() || (only_memory && stands_memory)) return std::nullopt;
  return Rejection{"Evicted", "The node had condition: [" + listed + "]. "};
}

bool is_critical(const Object& pod) { return as<Pod>(pod).spec.priority.value_or(0) >= kSystemCritical; }

}  // namespace mainstay
