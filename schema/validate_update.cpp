// What may not change after creation. Source: Kubernetes' ValidatePodUpdate and its siblings.
#include <algorithm>
#include <string>

#include "schema/compare.h"
#include "schema/encode.h"
#include "schema/json.h"
#include "schema/selector.h"
#include "schema/validate.h"
#include "schema/validate_parts.h"

namespace mainstay {
namespace {

constexpr std::string_view kFieldImmutable = "field is immutable";
constexpr std::string_view kImmutableOnceSet = "field is immutable when `immutable` is set";
constexpr std::string_view kPodRule =
    "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
    "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";

// ---- pods ----

bool same_but_seconds(const Toleration& a, const Toleration& b) {
  return a.key == b.key && a.op == b.op && a.value == b.value && a.effect == b.effect;
}

void check_tolerations(FieldErrors& errors, const PodSpec& old, const PodSpec& next) {
  bool kept = std::all_of(old.tolerations.begin(), old.tolerations.end(), [&](const Toleration& before) {
    return std::any_of(next.tolerations.begin(), next.tolerations.end(),
                       [&](const Toleration& after) { return same_but_seconds(before, after); });
  });
  if (kept) return;
  const Path spec("spec");
  errors.forbidden(spec.field("tolerations"),
                   "existing toleration can not be modified except its tolerationSeconds");
}

void check_deadline(FieldErrors& errors, const PodSpec& old, const PodSpec& next) {
  if (!old.active_deadline_seconds) return;
  const Path spec("spec");
  const Path deadline = spec.field("activeDeadlineSeconds");
  if (!next.active_deadline_seconds) {
    errors.invalid_shown(deadline, "null", "must not update from a positive integer to nil value");
  } else if (*next.active_deadline_seconds > *old.active_deadline_seconds) {
    errors.invalid(deadline, *next.active_deadline_seconds, "must be less than or equal to previous value");
  }
}

// Gates are set at creation and only go.
void check_gates(FieldErrors& errors, const PodSpec& old, const PodSpec& next) {
  const Path spec("spec");
  for (const PodSchedulingGate& gate : next.scheduling_gates) {
    bool was_there = std::any_of(old.scheduling_gates.begin(), old.scheduling_gates.end(),
                                 [&](const PodSchedulingGate& before) { return before.name == gate.name; });
    if (was_there) continue;
    errors.forbidden(spec.field("schedulingGates"),
                     "only deletion is allowed, but found new scheduling gate '" + gate.name + "'");
  }
}

// True if `next` asks for all that `old` does: it may ask for more.
bool is_narrower(const NodeSelectorTerm& old, const NodeSelectorTerm& next) {
  auto kept = [](const std::vector<NodeSelectorRequirement>& before,
                 const std::vector<NodeSelectorRequirement>& after) {
    return before.size() <= after.size() && std::equal(before.begin(), before.end(), after.begin(),
                                                       [](auto& a, auto& b) { return equal(a, b); });
  };
  return kept(old.match_expressions, next.match_expressions) && kept(old.match_fields, next.match_fields);
}

const NodeSelector* required_nodes(const PodSpec& spec) {
  const NodeAffinity* affinity =
      spec.affinity && spec.affinity->node_affinity ? &*spec.affinity->node_affinity : nullptr;
  if (affinity == nullptr || !affinity->required_during_scheduling_ignored_during_execution) return nullptr;
  return &*affinity->required_during_scheduling_ignored_during_execution;
}

// While a pod is held back by gates, whoever holds it may narrow down the nodes it can go to.
void check_gated(FieldErrors& errors, const PodSpec& old, const PodSpec& next) {
  const Path spec("spec");
  if (!has_labels(next.node_selector, old.node_selector)) {
    errors.invalid_shown(spec.field("nodeSelector"), "{}",
                         "only additions to spec.nodeSelector are allowed (no mutations or deletions)");
  }
  const NodeSelector *before = required_nodes(old), *after = required_nodes(next);
  if (before == nullptr || before->node_selector_terms.empty()) return;
  const Path affinity = spec.field("affinity");
  const Path node_affinity = affinity.field("nodeAffinity");
  const Path required = node_affinity.field("requiredDuringSchedulingIgnoredDuringExecution");
  const Path terms = required.field("nodeSelectorTerms");
  if (after == nullptr || after->node_selector_terms.size() != before->node_selector_terms.size()) {
    errors.invalid_shown(terms, "[]", "no additions/deletions to non-empty NodeSelectorTerms list are allowed");
    return;
  }
  for (size_t i = 0; i < before->node_selector_terms.size(); ++i) {
    if (is_narrower(before->node_selector_terms[i], after->node_selector_terms[i])) continue;
    errors.invalid_shown(terms.index(i), "{}", "only additions are allowed (no mutations or deletions)");
  }
}

// `next` with the fields that may change taken from `old`.
PodSpec without_mutable(const PodSpec& old, PodSpec next) {
  for (size_t i = 0; i < next.containers.size(); ++i) next.containers[i].image = old.containers[i].image;
  for (size_t i = 0; i < next.init_containers.size(); ++i) {
    next.init_containers[i].image = old.init_containers[i].image;
  }
  next.tolerations = old.tolerations;
  next.scheduling_gates = old.scheduling_gates;
  if (!old.scheduling_gates.empty()) {
    next.node_selector = old.node_selector;
    auto node_affinity = [](const PodSpec& spec) {
      return spec.affinity ? spec.affinity->node_affinity : Box<NodeAffinity>();
    };
    Box<NodeAffinity> before = node_affinity(old);
    if (next.affinity) next.affinity->node_affinity = before;
    else if (before) next.affinity.ensure().node_affinity = before;
    // What holds nothing else was made for the node affinity.
    if (!old.affinity && next.affinity && !next.affinity->pod_affinity && !next.affinity->pod_anti_affinity) {
      next.affinity.reset();
    }
  }
  next.active_deadline_seconds = old.active_deadline_seconds;
  if (old.termination_grace_period_seconds < 0 && next.termination_grace_period_seconds == 1) {
    next.termination_grace_period_seconds = old.termination_grace_period_seconds;
  }
  return next;
}

void update_pod(FieldErrors& errors, const PodSpec& old, const PodSpec& next) {
  const Path spec("spec");
  bool same_count = true;
  if (old.containers.size() != next.containers.size()) {
    errors.forbidden(spec.field("containers"), "pod updates may not add or remove containers");
    same_count = false;
  }
  if (old.init_containers.size() != next.init_containers.size()) {
    errors.forbidden(spec.field("initContainers"), "pod updates may not add or remove containers");
    same_count = false;
  }
  if (!same_count) return;
  check_tolerations(errors, old, next);
  check_deadline(errors, old, next);
  check_gates(errors, old, next);
  if (!old.scheduling_gates.empty()) check_gated(errors, old, next);
  PodSpec candidate = without_mutable(old, next);
  if (equal(old, candidate)) return;
  std::string changed;
  for (const FieldChange& change : diff_paths(PodSpec::kType, &old, &candidate)) {
    changed += (changed.empty() ? "changed: spec." : ", spec.") + change.path;
  }
  errors.forbidden(spec, kPodRule, changed);
}

// ---- workloads, services, configuration ----

std::string shown(const Box<LabelSelector>& selector) { return selector ? to_json(*selector) : "null"; }

void update_selector(FieldErrors& errors, const Box<LabelSelector>& old, const Box<LabelSelector>& next) {
  bool same = old.has_value() == next.has_value() && (!old || equal(*old, *next));
  const Path spec("spec");
  if (!same) errors.invalid_shown(spec.field("selector"), shown(next), kFieldImmutable);
}

void update_cluster_ips(FieldErrors& errors, const ServiceSpec& old, const ServiceSpec& next) {
  if (old.type == "ExternalName" || next.type == "ExternalName" || old.cluster_ips.empty()) return;
  const Path spec("spec");
  const Path ips = spec.field("clusterIPs");
  const Path primary = ips.index(0);
  if (next.cluster_ips.empty()) {
    errors.invalid_shown(primary, "[]string(nil)", "primary clusterIP can not be unset");
  } else if (next.cluster_ips.front() != old.cluster_ips.front()) {
    std::string list;
    for (const std::string& ip : next.cluster_ips) list += (list.empty() ? "" : ",") + quoted(ip);
    errors.invalid_shown(primary, "[" + list + "]", "may not change once set");
  }
}

void update_service(FieldErrors& errors, const ServiceSpec& old, const ServiceSpec& next) {
  update_cluster_ips(errors, old, next);
  if (old.type != "LoadBalancer" || next.type != "LoadBalancer") return;
  auto balancer_class = [](const ServiceSpec& spec) {
    const Value* found = spec.carried ? spec.carried->find("loadBalancerClass") : nullptr;
    return found != nullptr ? *found : Value();
  };
  Value now = balancer_class(next);
  const Path spec("spec");
  if (!(balancer_class(old) == now)) {
    errors.invalid_shown(spec.field("loadBalancerClass"), to_json(now), "may not change once set");
  }
}

void update_immutable(FieldErrors& errors, const std::optional<bool>& old, const std::optional<bool>& next) {
  if (old == true && next != true) errors.forbidden(Path("immutable"), kImmutableOnceSet);
}

void update_config_map(FieldErrors& errors, const ConfigMap& old, const ConfigMap& next) {
  if (old.immutable != true) return;
  update_immutable(errors, old.immutable, next.immutable);
  if (old.data != next.data) errors.forbidden(Path("data"), kImmutableOnceSet);
  if (old.binary_data != next.binary_data) errors.forbidden(Path("binaryData"), kImmutableOnceSet);
}

void update_secret(FieldErrors& errors, const Secret& old, const Secret& next) {
  if (old.type != next.type) errors.invalid(Path("type"), next.type, kFieldImmutable);
  if (old.immutable != true) return;
  update_immutable(errors, old.immutable, next.immutable);
  if (old.data != next.data) errors.forbidden(Path("data"), kImmutableOnceSet);
}

void update_node(FieldErrors& errors, const NodeSpec& old, const NodeSpec& next) {
  if (old.pod_cidr.empty() || old.pod_cidr == next.pod_cidr) return;
  const Path spec("spec");
  errors.forbidden(spec.field("podCIDR"), "node updates may only change labels, taints, or capacity");
}

// ---- kinds without behaviour ----

// A field of a carried kind that may not change; with `except`, the members of `path` that may.
struct Frozen {
  Kind kind;
  std::string_view path;  // at most two names, joined by a dot
  std::string_view except = {};
};
constexpr Frozen kFrozen[] = {
    {Kind::kStatefulSet, "spec",
     "replicas ordinals template updateStrategy revisionHistoryLimit persistentVolumeClaimRetentionPolicy "
     "minReadySeconds"},
    {Kind::kDaemonSet, "spec.selector"},
    {Kind::kJob, "spec.selector"},
    {Kind::kJob, "spec.template"},
    {Kind::kJob, "spec.completionMode"},
    {Kind::kPersistentVolumeClaim, "spec", "resources volumeAttributesClassName volumeName"},
    {Kind::kStorageClass, "parameters"},
    {Kind::kStorageClass, "provisioner"},
    {Kind::kStorageClass, "reclaimPolicy"},
    {Kind::kStorageClass, "volumeBindingMode"},
    {Kind::kRoleBinding, "roleRef"},
    {Kind::kClusterRoleBinding, "roleRef"},
    {Kind::kIngressClass, "spec.controller"},
    {Kind::kPriorityClass, "value"},
    {Kind::kPriorityClass, "preemptionPolicy"},
    {Kind::kRuntimeClass, "handler"},
    {Kind::kControllerRevision, "data"},
};

bool is_listed(std::string_view words, std::string_view word) {
  while (!words.empty()) {
    size_t space = words.find(' ');
    if (words.substr(0, space) == word) return true;
    words = space == std::string_view::npos ? std::string_view() : words.substr(space + 1);
  }
  return false;
}

Value frozen_part(const Value& fields, const Frozen& row) {
  size_t dot = row.path.find('.');
  const Value* at = fields.find(row.path.substr(0, dot));
  if (at != nullptr && dot != std::string_view::npos) at = at->find(row.path.substr(dot + 1));
  if (at == nullptr) return Value();
  if (row.except.empty() || !at->is_map()) return *at;
  Value out = Value::map();
  for (const Member& member : at->as_map()) {
    if (!is_listed(row.except, member.name)) out.as_map().push_back(member);
  }
  return out;
}

std::string join_quoted(std::string_view words) {
  std::string out = "'";
  for (char c : words) out += c == ' ' ? std::string("', '") : std::string(1, c);
  return out + "'";
}

void update_carried(FieldErrors& errors, Kind kind, const Value& old, const Value& next) {
  for (const Frozen& row : kFrozen) {
    if (row.kind != kind) continue;
    Value now = frozen_part(next, row);
    if (frozen_part(old, row) == now) continue;
    const Path path(row.path);
    if (row.except.empty()) {
      errors.invalid_shown(path, to_json(now), kFieldImmutable);
    } else {
      errors.forbidden(path, "updates to " + std::string(kind_info(kind).singular) +
                       " spec for fields other than " +
                                 join_quoted(row.except) + " are forbidden");
    }
  }
}

}  // namespace

void validate_update(const Object& old, const Object& next, const Value* document, Diagnostics& diagnostics) {
  ENSURE(old.kind == next.kind, "an update does not change the kind");
  FieldErrors errors(diagnostics, document);
  switch (next.kind) {
    case Kind::kPod: return update_pod(errors, as<Pod>(old).spec, as<Pod>(next).spec);
    case Kind::kDeployment:
      return update_selector(errors, as<Deployment>(old).spec.selector, as<Deployment>(next).spec.selector);
    case Kind::kReplicaSet:
      return update_selector(errors, as<ReplicaSet>(old).spec.selector, as<ReplicaSet>(next).spec.selector);
    case Kind::kService: return update_service(errors, as<Service>(old).spec, as<Service>(next).spec);
    case Kind::kConfigMap: return update_config_map(errors, as<ConfigMap>(old), as<ConfigMap>(next));
    case Kind::kSecret: return update_secret(errors, as<Secret>(old), as<Secret>(next));
    case Kind::kNode: return update_node(errors, as<Node>(old).spec, as<Node>(next).spec);
    case Kind::kEndpointSlice:
      if (as<EndpointSlice>(old).address_type != as<EndpointSlice>(next).address_type) {
        errors.invalid(Path("addressType"), as<EndpointSlice>(next).address_type, kFieldImmutable);
      }
      return;
    default:
      if (!next.info().typed()) update_carried(errors, next.kind, generic_fields(old), generic_fields(next));
  }
}

}  // namespace mainstay
