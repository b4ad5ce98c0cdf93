#include "reconciler/api/filter.h"

#include <algorithm>
#include <span>

namespace mainstay::api {
namespace {

using Fields = std::span<const std::string_view>;
constexpr std::string_view kAnyFields[] = {"metadata.name", "metadata.namespace"};
constexpr std::string_view kPodFields[] = {"spec.nodeName",         "spec.restartPolicy",
                                           "spec.schedulerName",    "spec.serviceAccountName",
                                           "spec.hostNetwork",      "status.phase",
                                           "status.podIP",          "status.nominatedNodeName"};
constexpr std::string_view kEventFields[] = {
    "involvedObject.kind",       "involvedObject.namespace",       "involvedObject.name",
    "involvedObject.uid",        "involvedObject.apiVersion",      "involvedObject.resourceVersion",
    "involvedObject.fieldPath",  "reason",                         "reportingComponent",
    "source",                    "type"};
constexpr std::string_view kNodeFields[] = {"spec.unschedulable"};
constexpr std::string_view kNamespaceFields[] = {"status.phase"};
constexpr std::string_view kSecretFields[] = {"type"};
constexpr std::string_view kReplicaFields[] = {"status.replicas"};
constexpr std::string_view kJobFields[] = {"status.successful"};

Fields fields_of(Kind kind) {
  switch (kind) {
    case Kind::kPod: return kPodFields;
    case Kind::kEvent: return kEventFields;
    case Kind::kNode: return kNodeFields;
    case Kind::kNamespace: return kNamespaceFields;
    case Kind::kSecret: return kSecretFields;
    case Kind::kReplicaSet:
    case Kind::kReplicationController: return kReplicaFields;
    case Kind::kJob: return kJobFields;
    default: return {};
  }
}

bool contains(Fields fields, std::string_view field) {
  return std::find(fields.begin(), fields.end(), field) != fields.end();
}

const char* bool_text(bool value) { return value ? "true" : "false"; }

std::string pod_field(const Pod& pod, std::string_view field) {
  if (field == "spec.nodeName") return pod.spec.node_name;
  if (field == "spec.restartPolicy") return pod.spec.restart_policy;
  if (field == "spec.schedulerName") return pod.spec.scheduler_name;
  if (field == "spec.serviceAccountName") return pod.spec.service_account_name;
  if (field == "spec.hostNetwork") return bool_text(pod.spec.host_network);
  if (field == "status.phase") return pod.status.phase;
  if (field == "status.podIP") return pod.status.pod_ip;
  return "";
}

std::string event_field(const Event& event, std::string_view field) {
  const ObjectReference& about = event.involved_object;
  if (field == "involvedObject.kind") return about.kind;
  if (field == "involvedObject.namespace") return about.ns;
  if (field == "involvedObject.name") return about.name;
  if (field == "involvedObject.uid") return about.uid;
  if (field == "involvedObject.apiVersion") return about.api_version;
  if (field == "involvedObject.resourceVersion") return about.resource_version;
  if (field == "involvedObject.fieldPath") return about.field_path;
  if (field == "reason") return event.reason;
  if (field == "type") return event.type;
  if (field == "reportingComponent") return event.reporting_component;
  if (field == "source") return event.source.component.empty() ? event.reporting_component : event.source.component;
  return "";
}

// A number of a kind that is carried whole, as text; Go's zero when absent.
std::string carried_number(const Object& object, std::string_view part, std::string_view name) {
  const Value* value = generic_fields(object).find_path({part, name});
  return value && value->is_int() ? std::to_string(value->as_int()) : "0";
}

}  // namespace

bool is_selectable(Kind kind, std::string_view field) {
  return contains(kAnyFields, field) || contains(fields_of(kind), field);
}

std::string field_value(const Object& object, std::string_view field) {
  if (field == "metadata.name") return object.meta.name;
  if (field == "metadata.namespace") return object.meta.ns;
  switch (object.kind) {
    case Kind::kPod: return pod_field(as<Pod>(object), field);
    case Kind::kEvent: return event_field(as<Event>(object), field);
    case Kind::kNode: return bool_text(as<Node>(object).spec.unschedulable);
    case Kind::kNamespace: return as<Namespace>(object).status.phase;
    case Kind::kSecret: return as<Secret>(object).type;
    case Kind::kReplicaSet: return std::to_string(as<ReplicaSet>(object).status.replicas);
    case Kind::kReplicationController: return carried_number(object, "status", "replicas");
    case Kind::kJob: return carried_number(object, "status", "succeeded");
    default: return "";
  }
}

bool ObjectFilter::matches(const Object& object) const {
  if (!ns.empty() && object.meta.ns != ns) return false;
  if (!labels.matches(object.meta.labels)) return false;
  return fields.all.empty() || fields.matches([&](std::string_view field) { return field_value(object, field); });
}

const std::string* ObjectFilter::demands(std::string_view field) const {
  for (const FieldRequirement& requirement : fields.all) {
    if (requirement.equal && requirement.field == field) return &requirement.value;
  }
  return nullptr;
}

Result<ObjectFilter> parse_filter(const Request& request, const KindInfo& info, std::string_view ns) {
  ObjectFilter filter;
  filter.kind = info.id;
  filter.ns = ns;
  Result<Selector> labels = parse_selector(request.param("labelSelector"));
  if (!labels.ok()) return error(ErrorCode::kInvalid, "unable to parse requirement: " + labels.error().message);
  filter.labels = std::move(labels).value();
  Result<FieldSelector> fields = parse_field_selector(request.param("fieldSelector"));
  if (!fields.ok()) return error(ErrorCode::kInvalid, "invalid field selector: " + fields.error().message);
  filter.fields = std::move(fields).value();
  for (const FieldRequirement& requirement : filter.fields.all) {
    if (is_selectable(info.id, requirement.field)) continue;
    return error(ErrorCode::kInvalid, "field label not supported: " + requirement.field);
  }
  return filter;
}

Snapshot::Range candidates(const Snapshot& view, const ObjectFilter& filter) {
  if (filter.kind == Kind::kPod) {
    const std::string* node = filter.demands("spec.nodeName");
    if (node && !node->empty()) return view.pods_on(*node);
  }
  return filter.ns.empty() ? view.list(filter.kind) : view.list(filter.kind, filter.ns);
}

}  // namespace mainstay::api
