// The endpoint mirror: a Service without selector has the endpoints that somebody wrote into its Endpoints
// object; they are shown as EndpointSlices too, which is what nodes read. Rules: Kubernetes' EndpointSlice
// mirroring controller. Key: the Service, there or not.
#include "reconciler/control/controllers.h"
#include "reconciler/control/endpoint_slices.h"
#include "schema/ipv4.h"
#include "schema/message_json.h"

namespace mainstay {
namespace {

constexpr std::string_view kManager = "endpointslicemirroring-controller.k8s.io";
constexpr std::string_view kSkipLabel = "endpointslice.kubernetes.io/skip-mirror";
constexpr std::string_view kLeaderAnnotation = "control-plane.alpha.kubernetes.io/leader";
constexpr size_t kMostMirrored = 1000;  // of one subset

bool wants_mirror(const Object& service, const ObjectPtr& endpoints) {
  if (!endpoints || endpoints->meta.deletion_timestamp != WallTime{}) return false;
  const Service& body = as<Service>(service);
  if (body.spec.type == "ExternalName" || !body.spec.selector.empty()) return false;
  const std::string* skip = map_find(endpoints->meta.labels, kSkipLabel);
  return (skip == nullptr || *skip != "true") &&
         map_find(endpoints->meta.labels, kEndpointsManagerLabel) == nullptr &&
         map_find(endpoints->meta.annotations, kLeaderAnnotation) == nullptr;
}

void add_endpoints(const Value& subset, std::string_view list, bool ready, EndpointGroup& group) {
  for (const Value& address : list_at(subset, list)) {
    if (group.endpoints.size() == kMostMirrored || !parse_ipv4(address.string_at("ip"))) continue;
    Endpoint& endpoint = group.endpoints.emplace_back();
    endpoint.addresses = {text_at(address, "ip")};
    endpoint.conditions.ready = ready;
    endpoint.hostname = text_at(address, "hostname");
    endpoint.node_name = text_at(address, "nodeName");
    if (const Value* target = address.find("targetRef")) {
      ObjectReference& reference = endpoint.target_ref.ensure();
      reference.kind = text_at(*target, "kind");
      reference.ns = text_at(*target, "namespace");
      reference.name = text_at(*target, "name");
      reference.uid = text_at(*target, "uid");
    }
  }
}

std::vector<EndpointGroup> mirrored_groups(const Object& endpoints) {
  std::vector<EndpointGroup> out;
  for (const Value& subset : list_at(generic_fields(endpoints), "subsets")) {
    EndpointGroup group;
    for (const Value& port : list_at(subset, "ports")) {
      EndpointPort& entry = group.ports.emplace_back();
      entry.name = text_at(port, "name");
      entry.protocol = port.string_at("protocol").empty() ? "TCP" : text_at(port, "protocol");
      entry.port = static_cast<int32_t>(int_at(port, "port"));
    }
    add_endpoints(subset, "addresses", true, group);
    add_endpoints(subset, "notReadyAddresses", false, group);
    if (!group.endpoints.empty()) out.push_back(std::move(group));
  }
  return out;
}

Outcome reconcile(ControlContext& context, const Key& key) {
  ObjectPtr service = context.view().find(key);
  // The slices of one that goes go with their owner.
  if (!service || service->meta.deletion_timestamp != WallTime{}) return {};
  std::vector<ObjectPtr> existing;
  for (const ObjectPtr& slice : context.view().owned_by(service->meta.uid, Kind::kEndpointSlice)) {
    const std::string* manager = map_find(slice->meta.labels, kSliceManagerLabel);
    bool ours = manager != nullptr && *manager == kManager;
    if (ours && slice->meta.deletion_timestamp == WallTime{}) existing.push_back(slice);
  }
  ObjectPtr endpoints = context.view().find(Kind::kEndpoints, key.ns, key.name);
  std::vector<EndpointGroup> groups;
  if (wants_mirror(*service, endpoints)) groups = mirrored_groups(*endpoints);
  if (groups.empty()) {
    for (const ObjectPtr& slice : existing) (void)delete_object(context.txn, slice->key(), {});
    return {};
  }
  SlicePlan plan = plan_slices(*service, std::move(groups), existing, kManager);
  for (const Key& gone : plan.remove) (void)delete_object(context.txn, gone, {});
  for (Object& slice : plan.update) (void)context.txn.update(std::move(slice));
  for (Object& slice : plan.create) (void)context.txn.create(std::move(slice));
  return {};
}

void wakes(const Change& change, const Snapshot& view, std::vector<Key>& keys) {
  if (change.key.kind == Kind::kService) {
    keys.push_back(change.key);
  } else if (change.key.kind == Kind::kEndpoints) {
    ObjectPtr service = view.find(Kind::kService, change.key.ns, change.key.name);
    if (service && !keeps_endpoints(as<Service>(*service))) keys.push_back(service->key());
  } else if (change.key.kind == Kind::kEndpointSlice && !change.after) {
    const std::string* manager = map_find(change.before->meta.labels, kSliceManagerLabel);
    const std::string* name = map_find(change.before->meta.labels, kServiceNameLabel);
    if (manager != nullptr && *manager == kManager && name != nullptr) {
      keys.push_back({Kind::kService, change.key.ns, *name});
    }
  }
}

}  // namespace

Controller endpoint_mirror_controller() { return {"endpointslicemirroring-controller", &reconcile, &wakes}; }

}  // namespace mainstay
