#include "schema/health.h"

#include <algorithm>
#include <array>

namespace mainstay {
namespace {

constexpr std::array<std::string_view, 6> kNames = {"Healthy", "Suspended", "Progressing",
                                                    "Missing", "Degraded",  "Unknown"};

HealthReport progressing(std::string message) { return {Health::kProgressing, std::move(message)}; }
HealthReport degraded(std::string message) { return {Health::kDegraded, std::move(message)}; }

std::string of(int64_t have, int64_t want, std::string_view what) {
  return std::to_string(have) + " of " + std::to_string(want) + " " + std::string(what);
}

template <typename C>
const C* condition(const std::vector<C>& conditions, std::string_view type) {
  for (const C& candidate : conditions) {
    if (candidate.type == type) return &candidate;
  }
  return nullptr;
}

constexpr std::string_view kNotObserved = "the newest change is not yet observed";

HealthReport deployment_health(const Deployment& body, int64_t generation) {
  const DeploymentStatus& status = body.status;
  if (status.observed_generation < generation) return progressing(std::string(kNotObserved));
  if (body.spec.paused) return {Health::kSuspended, "the Deployment is paused"};
  const DeploymentCondition* progress = condition(status.conditions, "Progressing");
  if (progress != nullptr && progress->reason == "ProgressDeadlineExceeded") {
    return degraded(progress->message);
  }
  const DeploymentCondition* failure = condition(status.conditions, "ReplicaFailure");
  int32_t wanted = body.spec.replicas.value_or(1);
  std::string trouble = failure != nullptr && failure->status == "True" ? ": " + failure->message : "";
  if (status.updated_replicas < wanted) {
    return progressing(of(status.updated_replicas, wanted, "new replicas have been made") + trouble);
  }
  if (status.replicas > status.updated_replicas) {
    return progressing(std::to_string(status.replicas - status.updated_replicas) +
                       " old replicas are still there");
  }
  if (status.available_replicas < wanted) {
    return progressing(of(status.available_replicas, wanted, "replicas are available") + trouble);
  }
  if (status.ready_replicas < wanted) {
    return progressing(of(status.ready_replicas, wanted, "replicas are ready"));
  }
  const DeploymentCondition* available = condition(status.conditions, "Available");
  bool deadline = body.spec.progress_deadline_seconds.value_or(INT32_MAX) != INT32_MAX;
  if (deadline && (progress == nullptr || progress->reason != "NewReplicaSetAvailable")) {
    return progressing("the rollout is not yet complete");
  }
  if (available == nullptr || available->status != "True") {
    return progressing("the Deployment is not available");
  }
  return {};
}

HealthReport replica_set_health(const ReplicaSet& body, int64_t generation) {
  const ReplicaSetStatus& status = body.status;
  if (status.observed_generation < generation) return progressing(std::string(kNotObserved));
  const ReplicaSetCondition* failure = condition(status.conditions, "ReplicaFailure");
  if (failure != nullptr && failure->status == "True") return degraded(failure->message);
  int32_t wanted = body.spec.replicas.value_or(1);
  if (status.fully_labeled_replicas < wanted) {
    return progressing(of(status.fully_labeled_replicas, wanted, "replicas have the template's labels"));
  }
  if (status.available_replicas < wanted) {
    return progressing(of(status.available_replicas, wanted, "replicas are available"));
  }
  if (status.ready_replicas < wanted) {
    return progressing(of(status.ready_replicas, wanted, "replicas are ready"));
  }
  if (status.replicas > wanted) return progressing(of(status.replicas, wanted, "replicas are there"));
  return {};
}

bool is_failure(std::string_view reason) {
  return reason.rfind("Err", 0) == 0 || reason.ends_with("Error") || reason.ends_with("BackOff");
}

// What the first container that cannot start says; "" if none.
std::string waiting_trouble(const Pod& pod) {
  for (const auto* statuses : {&pod.status.init_container_statuses, &pod.status.container_statuses}) {
    for (const ContainerStatus& container : *statuses) {
      const auto& waiting = container.state.waiting;
      if (!waiting || !is_failure(waiting->reason)) continue;
      std::string text = "container " + container.name + ": " + waiting->reason;
      return waiting->message.empty() ? text : text + ": " + waiting->message;
    }
  }
  return "";
}

// Why a pod failed: its own words, else those of the first container that ended badly.
std::string failure_of(const Pod& pod) {
  if (!pod.status.message.empty()) return pod.status.message;
  for (const auto* statuses : {&pod.status.init_container_statuses, &pod.status.container_statuses}) {
    for (const ContainerStatus& container : *statuses) {
      const auto& ended = container.state.terminated;
      if (!ended || ended->exit_code == 0) continue;
      std::string text = "container " + container.name + ": ";
      if (!ended->message.empty()) return text + ended->message;
      if (ended->reason == "OOMKilled") return text + "OOMKilled";
      return text + "exit code " + std::to_string(ended->exit_code);
    }
  }
  return pod.status.reason.empty() ? "the pod failed" : pod.status.reason;
}

HealthReport pod_health(const Pod& pod) {
  if (pod.status.phase == "Failed") return degraded(failure_of(pod));
  if (pod.status.phase == "Succeeded") return {};
  std::string trouble = waiting_trouble(pod);
  if (!trouble.empty()) return degraded(std::move(trouble));
  const PodCondition* scheduled = condition(pod.status.conditions, "PodScheduled");
  if (scheduled != nullptr && scheduled->status == "False") {
    return progressing(scheduled->reason + ": " + scheduled->message);
  }
  bool runs_on = pod.spec.restart_policy.empty() || pod.spec.restart_policy == "Always";
  if (!runs_on) return progressing("the pod has not finished");
  const PodCondition* ready = condition(pod.status.conditions, "Ready");
  if (pod.status.phase == "Running" && ready != nullptr && ready->status == "True") return {};
  for (const ContainerStatus& container : pod.status.container_statuses) {
    const auto& last = container.last_state.terminated;
    if (!container.ready && last) {
      return degraded("container " + container.name + " is not ready and has ended before (exit code " +
                      std::to_string(last->exit_code) + ")");
    }
  }
  return progressing(pod.status.phase == "Running" ? "the pod is not ready" : "the pod is starting");
}

// Why the Service has no address, in the words of whoever gives them.
std::string load_balancer_trouble(const Service& body) {
  const Value* conditions = body.status.carried ? body.status.carried->find("conditions") : nullptr;
  if (conditions == nullptr || !conditions->is_list()) return "";
  for (const Value& condition : conditions->as_list()) {
    if (condition.string_at("type") == "LoadBalancerAddress") return std::string(condition.string_at("message"));
  }
  return "";
}

HealthReport service_health(const Service& body) {
  if (body.spec.type != "ExternalName" && body.spec.cluster_ip.empty()) {
    return progressing("no cluster IP yet");
  }
  if (body.spec.type == "LoadBalancer" && body.status.load_balancer.ingress.empty()) {
    std::string why = load_balancer_trouble(body);
    return progressing(why.empty() ? "no load balancer address yet" : why);
  }
  return {};
}

HealthReport node_health(const Node& node) {
  const NodeCondition* ready = condition(node.status.conditions, "Ready");
  if (ready == nullptr) return progressing("the node has not reported yet");
  if (ready->status == "True") return {};
  return degraded(ready->message.empty() ? "the node is not ready" : ready->message);
}

// The Application says its own; what it has not said yet is unknown to no one but still under way.
HealthReport application_health(const Object& object) {
  const auto& said = as<Application>(object).status.health;
  for (size_t i = 0; i < kNames.size(); ++i) {
    if (said.status == kNames[i]) return {static_cast<Health>(i), said.message};
  }
  return progressing("the application has not been looked at yet");
}

// Kinds that are carried whole: fields by path.

int64_t number(const Value& fields, std::initializer_list<std::string_view> path, int64_t absent = 0) {
  const Value* value = fields.find_path(path);
  return value != nullptr && value->is_int() ? value->as_int() : absent;
}

std::string_view text(const Value& fields, std::initializer_list<std::string_view> path) {
  const Value* value = fields.find_path(path);
  return value != nullptr && value->is_string() ? std::string_view(value->as_string()) : std::string_view();
}

const Value* carried_condition(const Value& fields, std::string_view type) {
  const Value* list = fields.find_path({"status", "conditions"});
  if (list == nullptr || !list->is_list()) return nullptr;
  for (const Value& entry : list->as_list()) {
    if (entry.string_at("type") == type) return &entry;
  }
  return nullptr;
}

bool carried_true(const Value& fields, std::string_view type) {
  const Value* entry = carried_condition(fields, type);
  return entry != nullptr && entry->string_at("status") == "True";
}

std::string carried_message(const Value& fields, std::string_view type) {
  const Value* entry = carried_condition(fields, type);
  if (entry == nullptr) return "";
  std::string_view message = entry->string_at("message");
  return std::string(message.empty() ? entry->string_at("reason") : message);
}

HealthReport stateful_set_health(const Value& fields, int64_t generation) {
  int64_t observed = number(fields, {"status", "observedGeneration"});
  if (observed == 0 || observed < generation) return progressing(std::string(kNotObserved));
  int64_t wanted = number(fields, {"spec", "replicas"}, 1);
  int64_t ready = number(fields, {"status", "readyReplicas"});
  if (ready < wanted) return progressing(of(ready, wanted, "replicas are ready"));
  int64_t there = number(fields, {"status", "replicas"});
  if (there > wanted) return progressing(of(there, wanted, "replicas are there"));
  if (text(fields, {"spec", "updateStrategy", "type"}) == "OnDelete") return {};
  int64_t partition = number(fields, {"spec", "updateStrategy", "rollingUpdate", "partition"});
  int64_t updated = number(fields, {"status", "updatedReplicas"});
  if (partition > 0) {
    int64_t due = std::max<int64_t>(0, wanted - partition);
    if (updated < due) return progressing(of(updated, due, "replicas of the partition are updated"));
    return {};
  }
  if (text(fields, {"status", "updateRevision"}) != text(fields, {"status", "currentRevision"})) {
    return progressing(of(updated, wanted, "replicas are updated"));
  }
  return {};
}

HealthReport daemon_set_health(const Value& fields, int64_t generation) {
  int64_t observed = number(fields, {"status", "observedGeneration"});
  if (observed == 0 || observed < generation) return progressing(std::string(kNotObserved));
  int64_t wanted = number(fields, {"status", "desiredNumberScheduled"});
  int64_t current = number(fields, {"status", "currentNumberScheduled"});
  if (current < wanted) return progressing(of(current, wanted, "pods are scheduled"));
  int64_t updated = number(fields, {"status", "updatedNumberScheduled"});
  if (text(fields, {"spec", "updateStrategy", "type"}) != "OnDelete" && updated < wanted) {
    return progressing(of(updated, wanted, "pods are updated"));
  }
  int64_t available = number(fields, {"status", "numberAvailable"});
  if (available < wanted) return progressing(of(available, wanted, "pods are available"));
  int64_t ready = number(fields, {"status", "numberReady"});
  if (ready < wanted) return progressing(of(ready, wanted, "pods are ready"));
  return {};
}

HealthReport job_health(const Value& fields) {
  if (carried_true(fields, "Failed")) return degraded(carried_message(fields, "Failed"));
  if (carried_true(fields, "Suspended")) return {Health::kSuspended, carried_message(fields, "Suspended")};
  if (carried_true(fields, "Complete")) return {};
  return progressing("the Job has not finished");
}

HealthReport claim_health(const Value& fields) {
  std::string_view phase = text(fields, {"status", "phase"});
  if (phase == "Bound") return {};
  if (phase == "Lost") return degraded("the claim has lost its volume");
  if (phase == "Pending" || phase.empty()) return progressing("the claim is not bound");
  return {Health::kUnknown, "phase " + std::string(phase)};
}

HealthReport ingress_health(const Value& fields) {
  const Value* addresses = fields.find_path({"status", "loadBalancer", "ingress"});
  bool any = addresses != nullptr && addresses->is_list() && !addresses->as_list().empty();
  return any ? HealthReport{} : progressing("no address yet");
}

HealthReport autoscaler_health(const Value& fields) {
  constexpr std::string_view kFailures[] = {"FailedGetScale", "FailedUpdateScale", "FailedGetResourceMetric",
                                            "InvalidSelector", "InvalidMetricSourceType"};
  for (std::string_view type : {"AbleToScale", "ScalingActive"}) {
    const Value* entry = carried_condition(fields, type);
    if (entry == nullptr || entry->string_at("status") != "False") continue;
    bool failed = std::find(std::begin(kFailures), std::end(kFailures), entry->string_at("reason")) !=
                  std::end(kFailures);
    if (failed) return degraded(carried_message(fields, type));
  }
  if (carried_true(fields, "AbleToScale") || carried_true(fields, "ScalingLimited")) return {};
  return progressing("the autoscaler has not measured yet");
}

std::optional<HealthReport> carried_health(const Object& object) {
  const Value& fields = generic_fields(object);
  switch (object.kind) {
    case Kind::kStatefulSet: return stateful_set_health(fields, object.meta.generation);
    case Kind::kDaemonSet: return daemon_set_health(fields, object.meta.generation);
    case Kind::kJob: return job_health(fields);
    case Kind::kPersistentVolumeClaim: return claim_health(fields);
    case Kind::kIngress: return ingress_health(fields);
    case Kind::kHorizontalPodAutoscaler: return autoscaler_health(fields);
    default: return std::nullopt;
  }
}

std::optional<HealthReport> kind_health(const Object& object) {
  switch (object.kind) {
    case Kind::kDeployment: return deployment_health(as<Deployment>(object), object.meta.generation);
    case Kind::kReplicaSet: return replica_set_health(as<ReplicaSet>(object), object.meta.generation);
    case Kind::kPod: return pod_health(as<Pod>(object));
    case Kind::kService: return service_health(as<Service>(object));
    case Kind::kNode: return node_health(as<Node>(object));
    case Kind::kApplication: return application_health(object);
    default: return object.info().typed() ? std::nullopt : carried_health(object);
  }
}

}  // namespace

std::string_view health_name(Health health) { return kNames[static_cast<size_t>(health)]; }

std::optional<HealthReport> health_of(const Object& object) {
  if (object.meta.deletion_timestamp != WallTime{}) return progressing("Pending deletion");
  return kind_health(object);
}

HealthReport roll_up(std::span<const std::pair<std::string, HealthReport>> parts) {
  bool all_missing = std::all_of(parts.begin(), parts.end(),
                                 [](const auto& part) { return part.second.status == Health::kMissing; });
  const std::pair<std::string, HealthReport>* worst = nullptr;
  for (const auto& part : parts) {
    if (part.second.status == Health::kMissing && !all_missing) continue;
    if (worst == nullptr || part.second.status > worst->second.status) worst = &part;
  }
  if (worst == nullptr || worst->second.status == Health::kHealthy) return {};
  const auto& [name, report] = *worst;
  return {report.status, report.message.empty() ? name : name + ": " + report.message};
}

}  // namespace mainstay
