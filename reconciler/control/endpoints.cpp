// The endpoints controller: keeps each Service's EndpointSlices, and the Endpoints object that older clients
// read, as its pods are. Rules: k8s-semantics 8. Key: the Service, there or not.
#include "reconciler/control/controllers.h"
#include "reconciler/control/endpoint_slices.h"
#include "reconciler/control/owners.h"

namespace mainstay {
namespace {

constexpr std::string_view kName = "endpoints-controller";

bool has_label(const Object& object, std::string_view name, std::string_view value) {
  const std::string* found = map_find(object.meta.labels, name);
  return found != nullptr && *found == value;
}

// Endpoints have no owner, so we take them out; as in Kubernetes also those that somebody wrote for a Service without
// selector: a Service of the same name made later must not lead where they say.
void remove_endpoints(ControlContext& context, const Key& service) {
  ObjectPtr endpoints = context.view().find(Kind::kEndpoints, service.ns, service.name);
  if (endpoints) (void)delete_object(context.txn, endpoints->key(), {});
}

void keep_slices(ControlContext& context, const Object& service, const std::vector<ObjectPtr>& pods) {
  std::vector<ObjectPtr> existing;
  for (const ObjectPtr& slice : context.view().owned_by(service.meta.uid, Kind::kEndpointSlice)) {
    bool ours = has_label(*slice, kSliceManagerLabel, kSliceManager);
    if (ours && slice->meta.deletion_timestamp == WallTime{}) existing.push_back(slice);
  }
  SlicePlan plan = plan_slices(service, endpoint_groups(service, pods, context.view()), existing);
  for (const Key& key : plan.remove) (void)delete_object(context.txn, key, {});
  for (Object& slice : plan.update) (void)context.txn.update(std::move(slice));
  for (Object& slice : plan.create) (void)context.txn.create(std::move(slice));
}

void keep_endpoints(ControlContext& context, const Object& service, const std::vector<ObjectPtr>& pods) {
  Object wanted = endpoints_object(service, pods);
  ObjectPtr known = context.view().find(Kind::kEndpoints, service.meta.ns, service.meta.name);
  if (!known) {
    (void)context.txn.create(std::move(wanted));
    return;
  }
  Object next = *known;
  next.meta.labels = std::move(wanted.meta.labels);
  map_erase(next.meta.annotations, "endpoints.kubernetes.io/over-capacity");
  for (auto& [name, value] : wanted.meta.annotations) map_slot(next.meta.annotations, name) = value;
  // Content that is equal in another order of members is not rewritten.
  if (!(generic_fields(next) == generic_fields(wanted))) {
    generic_fields(next) = std::move(generic_fields(wanted));
  }
  (void)context.txn.update(std::move(next));
}

Outcome reconcile(ControlContext& context, const Key& key) {
  ObjectPtr service = context.view().find(key);
  if (!service) {
    remove_endpoints(context, key);
    return {};
  }
  if (service->meta.deletion_timestamp != WallTime{} || !keeps_endpoints(as<Service>(*service))) return {};
  std::vector<ObjectPtr> pods;
  for (const ObjectPtr& pod : context.view().list(Kind::kPod, key.ns)) {
    if (selects(as<Service>(*service).spec.selector, pod->meta.labels)) pods.push_back(pod);
  }
  keep_slices(context, *service, pods);
  keep_endpoints(context, *service, pods);
  return {};
}

// Nothing that endpoints show of a pod differs.
bool looks_the_same(const Object& before, const Object& after) {
  const Pod &a = as<Pod>(before), &b = as<Pod>(after);
  return a.status.pod_ip == b.status.pod_ip && is_ready(a) == is_ready(b) &&
         is_finished(a) == is_finished(b) &&
         before.meta.deletion_timestamp == after.meta.deletion_timestamp &&
         before.meta.labels == after.meta.labels && a.spec.node_name == b.spec.node_name;
}

void wakes(const Change& change, const Snapshot& view, std::vector<Key>& keys) {
  switch (change.key.kind) {
    case Kind::kService:
      keys.push_back(change.key);
      return;
    case Kind::kEndpoints:
      if (!change.after && view.find(Kind::kService, change.key.ns, change.key.name)) {
        keys.push_back({Kind::kService, change.key.ns, change.key.name});
      }
      return;
    case Kind::kEndpointSlice: {
      const OwnerReference* owner = change.after ? nullptr : controller_of(change.before->meta);
      if (owner != nullptr && owner->kind == "Service") {
        keys.push_back({Kind::kService, change.key.ns, owner->name});
      }
      return;
    }
    case Kind::kPod: {
      auto shown = [](const ObjectPtr& pod) { return pod && !as<Pod>(*pod).status.pod_ip.empty(); };
      if (!shown(change.before) && !shown(change.after)) return;
      if (change.before && change.after && looks_the_same(*change.before, *change.after)) return;
      for (const ObjectPtr& service : view.list(Kind::kService, change.key.ns)) {
        const StringMap& selector = as<Service>(*service).spec.selector;
        bool selected = (change.before && selects(selector, change.before->meta.labels)) ||
                        (change.after && selects(selector, change.after->meta.labels));
        if (selected) keys.push_back(service->key());
      }
      return;
    }
    default: return;
  }
}

}  // namespace

Controller endpoints_controller() { return {kName, &reconcile, &wakes}; }

}  // namespace mainstay
