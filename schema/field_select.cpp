#include "schema/field_select.h"

#include <algorithm>

namespace mainstay {
namespace {

struct SelectableField {
  Kind kind;
  std::string_view name;
  std::string (*text)(const Object& object);
};

std::string flag(bool value) { return value ? "true" : "false"; }

std::string event_source(const Object& object) {
  const Event& event = as<Event>(object);
  return event.source.component.empty() ? event.reporting_component : event.source.component;
}

std::string carried_number(const Object& object, std::string_view name) {
  const Value* value = generic_fields(object).find_path({"status", name});
  return value != nullptr && value->is_int() ? std::to_string(value->as_int()) : "0";
}

const PodSpec& pod(const Object& object) { return as<Pod>(object).spec; }
const ObjectReference& involved(const Object& object) { return as<Event>(object).involved_object; }

constexpr SelectableField kFields[] = {
    {Kind::kPod, "spec.nodeName", [](const Object& o) { return pod(o).node_name; }},
    {Kind::kPod, "spec.restartPolicy", [](const Object& o) { return pod(o).restart_policy; }},
    {Kind::kPod, "spec.schedulerName", [](const Object& o) { return pod(o).scheduler_name; }},
    {Kind::kPod, "spec.serviceAccountName", [](const Object& o) { return pod(o).service_account_name; }},
    {Kind::kPod, "spec.hostNetwork", [](const Object& o) { return flag(pod(o).host_network); }},
    {Kind::kPod, "status.phase", [](const Object& o) { return as<Pod>(o).status.phase; }},
    {Kind::kPod, "status.podIP", [](const Object& o) { return as<Pod>(o).status.pod_ip; }},
    {Kind::kPod, "status.nominatedNodeName", [](const Object& o) { return as<Pod>(o).status.nominated_node_name; }},
    {Kind::kNode, "spec.unschedulable", [](const Object& o) { return flag(as<Node>(o).spec.unschedulable); }},
    {Kind::kNamespace, "status.phase", [](const Object& o) { return as<Namespace>(o).status.phase; }},
    {Kind::kSecret, "type", [](const Object& o) { return as<Secret>(o).type; }},
    {Kind::kService, "spec.clusterIP", [](const Object& o) { return as<Service>(o).spec.cluster_ip; }},
    {Kind::kService, "spec.type", [](const Object& o) { return as<Service>(o).spec.type; }},
    {Kind::kReplicaSet, "status.replicas",
     [](const Object& o) { return std::to_string(as<ReplicaSet>(o).status.replicas); }},
    {Kind::kReplicationController, "status.replicas",
     [](const Object& o) { return carried_number(o, "replicas"); }},
    {Kind::kJob, "status.successful", [](const Object& o) { return carried_number(o, "succeeded"); }},
    {Kind::kEvent, "involvedObject.kind", [](const Object& o) { return involved(o).kind; }},
    {Kind::kEvent, "involvedObject.namespace", [](const Object& o) { return involved(o).ns; }},
    {Kind::kEvent, "involvedObject.name", [](const Object& o) { return involved(o).name; }},
    {Kind::kEvent, "involvedObject.uid", [](const Object& o) { return involved(o).uid; }},
    {Kind::kEvent, "involvedObject.apiVersion", [](const Object& o) { return involved(o).api_version; }},
    {Kind::kEvent, "involvedObject.resourceVersion",
     [](const Object& o) { return involved(o).resource_version; }},
    {Kind::kEvent, "involvedObject.fieldPath", [](const Object& o) { return involved(o).field_path; }},
    {Kind::kEvent, "reason", [](const Object& o) { return as<Event>(o).reason; }},
    {Kind::kEvent, "type", [](const Object& o) { return as<Event>(o).type; }},
    {Kind::kEvent, "reportingComponent", [](const Object& o) { return as<Event>(o).reporting_component; }},
    {Kind::kEvent, "source", &event_source},
};

const SelectableField* find_field(Kind kind, std::string_view name) {
  for (const SelectableField& field : kFields) {
    if (field.kind == kind && field.name == name) return &field;
  }
  return nullptr;
}

}  // namespace

std::vector<std::string_view> selectable_fields(Kind kind) {
  std::vector<std::string_view> out = {"metadata.name", "metadata.namespace"};
  for (const SelectableField& field : kFields) {
    if (field.kind == kind) out.push_back(field.name);
  }
  return out;
}

Status check_field_selector(Kind kind, const FieldSelector& selector) {
  std::vector<std::string_view> known = selectable_fields(kind);
  for (const FieldRequirement& requirement : selector.all) {
    if (std::find(known.begin(), known.end(), requirement.field) == known.end()) {
      return error(ErrorCode::kInvalid, "field label not supported: " + requirement.field);
    }
  }
  return {};
}

std::string field_text(const Object& object, std::string_view field) {
  if (field == "metadata.name") return object.meta.name;
  if (field == "metadata.namespace") return object.meta.ns;
  const SelectableField* found = find_field(object.kind, field);
  return found != nullptr ? found->text(object) : std::string();
}

bool matches(const FieldSelector& selector, const Object& object) {
  return selector.matches([&](std::string_view field) { return field_text(object, field); });
}

}  // namespace mainstay
