// Defaults of kinds without behaviour: only what clients print, as a table.
#include <string_view>

#include "schema/defaults.h"

namespace mainstay {
namespace {

// One field that gets a value if it is absent, provided that `only_if` (a path) holds the text `equals`.
struct ScalarDefault {
  Kind kind;
  std::string_view path;
  std::string_view text;  // used when `number` is negative
  int64_t number = -1;
  std::string_view only_if = {};
  std::string_view equals = {};
};

constexpr std::string_view kStrategy = "spec.updateStrategy.type";

constexpr ScalarDefault kScalars[] = {
    {Kind::kStatefulSet, "spec.replicas", "", 1},
    {Kind::kStatefulSet, "spec.podManagementPolicy", "OrderedReady"},
    {Kind::kStatefulSet, kStrategy, "RollingUpdate"},
    {Kind::kStatefulSet, "spec.updateStrategy.rollingUpdate.partition", "", 0, kStrategy, "RollingUpdate"},
    {Kind::kStatefulSet, "spec.revisionHistoryLimit", "", 10},
    {Kind::kStatefulSet, "spec.persistentVolumeClaimRetentionPolicy.whenDeleted", "Retain"},
    {Kind::kStatefulSet, "spec.persistentVolumeClaimRetentionPolicy.whenScaled", "Retain"},
    {Kind::kDaemonSet, kStrategy, "RollingUpdate"},
    {Kind::kDaemonSet, "spec.updateStrategy.rollingUpdate.maxUnavailable", "", 1, kStrategy, "RollingUpdate"},
    {Kind::kDaemonSet, "spec.updateStrategy.rollingUpdate.maxSurge", "", 0, kStrategy, "RollingUpdate"},
    {Kind::kDaemonSet, "spec.revisionHistoryLimit", "", 10},
    {Kind::kReplicationController, "spec.replicas", "", 1},
    {Kind::kJob, "spec.parallelism", "", 1},
    {Kind::kJob, "spec.backoffLimit", "", 6},
    {Kind::kJob, "spec.completionMode", "NonIndexed"},
    {Kind::kCronJob, "spec.concurrencyPolicy", "Allow"},
    {Kind::kCronJob, "spec.successfulJobsHistoryLimit", "", 3},
    {Kind::kCronJob, "spec.failedJobsHistoryLimit", "", 1},
    {Kind::kPersistentVolume, "spec.persistentVolumeReclaimPolicy", "Retain"},
    {Kind::kPersistentVolume, "spec.volumeMode", "Filesystem"},
    {Kind::kPersistentVolume, "status.phase", "Pending"},
    {Kind::kPersistentVolumeClaim, "spec.volumeMode", "Filesystem"},
    {Kind::kPersistentVolumeClaim, "status.phase", "Pending"},
    {Kind::kStorageClass, "reclaimPolicy", "Delete"},
    {Kind::kStorageClass, "volumeBindingMode", "Immediate"},
    {Kind::kPriorityClass, "preemptionPolicy", "PreemptLowerPriority"},
    {Kind::kHorizontalPodAutoscaler, "spec.minReplicas", "", 1},
};

// The value at the dotted `path`, made on the way; null if something else than a map stands in between.
Value* slot(Value& root, std::string_view path) {
  Value* at = &root;
  while (!path.empty()) {
    if (!at->is_map() && !at->is_null()) return nullptr;
    size_t dot = path.find('.');
    at = &at->at(path.substr(0, dot));
    path = dot == std::string_view::npos ? std::string_view() : path.substr(dot + 1);
  }
  return at;
}

std::string_view text_at(const Value& root, std::string_view path) {
  const Value* at = &root;
  while (!path.empty() && at != nullptr) {
    size_t dot = path.find('.');
    at = at->find(path.substr(0, dot));
    path = dot == std::string_view::npos ? std::string_view() : path.substr(dot + 1);
  }
  return at != nullptr && at->is_string() ? std::string_view(at->as_string()) : std::string_view();
}

// A job that names no parallelism runs once, unless it says how often.
void default_job(Value& fields) {
  const Value* spec = fields.find("spec");
  if (spec != nullptr && (spec->find("parallelism") != nullptr || spec->find("completions") != nullptr)) {
    return;
  }
  if (Value* completions = slot(fields, "spec.completions")) *completions = Value(1);
}

void default_policy_types(Value& fields) {
  Value* types = slot(fields, "spec.policyTypes");
  if (types == nullptr || !types->is_null()) return;
  *types = Value::list();
  types->push("Ingress");
  const Value* egress = fields.find_path({"spec", "egress"});
  if (egress != nullptr && egress->is_list() && !egress->as_list().empty()) types->push("Egress");
}

void default_endpoints(Value& fields) {
  Value* subsets = fields.find("subsets");
  if (subsets == nullptr || !subsets->is_list()) return;
  for (Value& subset : subsets->as_list()) {
    Value* ports = subset.find("ports");
    if (ports == nullptr || !ports->is_list()) continue;
    for (Value& port : ports->as_list()) {
      if (port.string_at("protocol").empty()) port.set("protocol", "TCP");
    }
  }
}

void default_subjects(Value& fields) {
  Value* subjects = fields.find("subjects");
  if (subjects == nullptr || !subjects->is_list()) return;
  for (Value& subject : subjects->as_list()) {
    std::string_view kind = subject.string_at("kind");
    bool named = kind == "User" || kind == "Group";
    if (named && subject.find("apiGroup") == nullptr) subject.set("apiGroup", "rbac.authorization.k8s.io");
  }
}

}  // namespace

void default_carried(Kind kind, Value& fields) {
  if (kind == Kind::kJob) default_job(fields);
  if (kind == Kind::kNetworkPolicy) default_policy_types(fields);
  if (kind == Kind::kEndpoints) default_endpoints(fields);
  if (kind == Kind::kRoleBinding || kind == Kind::kClusterRoleBinding) default_subjects(fields);
  for (const ScalarDefault& row : kScalars) {
    if (row.kind != kind) continue;
    if (!row.only_if.empty() && text_at(fields, row.only_if) != row.equals) continue;
    Value* at = slot(fields, row.path);
    if (at == nullptr || !at->is_null()) continue;
    *at = row.number >= 0 ? Value(row.number) : Value(row.text);
  }
}

}  // namespace mainstay
