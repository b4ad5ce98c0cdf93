// Keeps the Service `kubernetes` in default, by which pods find the API server, with its EndpointSlice and the older
// Endpoints: as Kubernetes' API server does for itself. Key: the sweep over Services.
#include "reconciler/control/controllers.h"
#include "reconciler/control/endpoint_slices.h"
#include "reconciler/control/service_addresses.h"
#include "reconciler/control/service_trouble.h"
#include "schema/defaults.h"

namespace mainstay {
namespace {

constexpr std::string_view kNs = kApiServiceNamespace;
constexpr std::string_view kServiceName = kApiServiceName;
constexpr std::string_view kPortName = "https";
constexpr int32_t kPort = 443;

bool has_endpoint(const ControlSettings& settings) {
  return !settings.api_address.empty() && settings.api_port != 0;
}

Object wanted_service(const ControlSettings& settings, const ObjectPtr& known) {
  Object next = known ? *known : make_object<Service>(kNs, kServiceName);
  map_slot(next.meta.labels, "component") = "apiserver";
  map_slot(next.meta.labels, "provider") = "kubernetes";
  ServiceSpec& spec = as<Service>(next).spec;
  spec.type = "ClusterIP";
  spec.selector.clear();
  spec.cluster_ip = api_service_address(settings);
  spec.cluster_ips = {spec.cluster_ip};
  ServicePort port;
  port.name = kPortName;
  port.protocol = "TCP";
  port.port = kPort;
  port.target_port = IntOrString(settings.api_port != 0 ? settings.api_port : kPort);
  spec.ports = {port};
  apply_defaults(next);
  return next;
}

void keep_slice(ControlContext& context) {
  const ControlSettings& settings = context.settings;
  ObjectPtr known = context.view().find(Kind::kEndpointSlice, kNs, kServiceName);
  Object next = known ? *known : make_object<EndpointSlice>(kNs, kServiceName);
  map_slot(next.meta.labels, kServiceNameLabel) = kServiceName;
  EndpointSlice& slice = as<EndpointSlice>(next);
  slice.address_type = "IPv4";
  slice.ports.clear();
  slice.endpoints.clear();
  if (has_endpoint(settings)) {
    EndpointPort& port = slice.ports.emplace_back();
    port.name = kPortName;
    port.protocol = "TCP";
    port.port = settings.api_port;
    Endpoint& endpoint = slice.endpoints.emplace_back();
    endpoint.addresses = {settings.api_address};
    endpoint.conditions.ready = true;
  }
  if (known) (void)context.txn.update(std::move(next));
  else (void)context.txn.create(std::move(next));
}

void keep_endpoints(ControlContext& context) {
  const ControlSettings& settings = context.settings;
  ObjectPtr known = context.view().find(Kind::kEndpoints, kNs, kServiceName);
  Object next = known ? *known : make_object(Kind::kEndpoints, kNs, kServiceName);
  // The slice is made beside it, not mirrored from it.
  map_slot(next.meta.labels, "endpointslice.kubernetes.io/skip-mirror") = "true";
  Value fields = Value::map();
  if (has_endpoint(settings)) {
    Value address = Value::map();
    address.set("ip", settings.api_address);
    Value port = Value::map();
    port.set("name", kPortName);
    port.set("port", static_cast<int64_t>(settings.api_port));
    port.set("protocol", "TCP");
    Value subset = Value::map();
    subset.set("addresses", Value(ValueList{std::move(address)}));
    subset.set("ports", Value(ValueList{std::move(port)}));
    fields.set("subsets", Value(ValueList{std::move(subset)}));
  }
  if (!(generic_fields(next) == fields)) generic_fields(next) = std::move(fields);
  if (known) (void)context.txn.update(std::move(next));
  else (void)context.txn.create(std::move(next));
}

Outcome reconcile(ControlContext& context, const Key&) {
  ObjectPtr ns = context.view().find(Kind::kNamespace, "", kNs);
  if (!context.settings.api_service || !ns) return {};
  ObjectPtr known = context.view().find(Kind::kService, kNs, kServiceName);
  Object service = wanted_service(context.settings, known);
  if (as<Service>(service).spec.cluster_ip.empty()) return {};  // the range has no room for it
  Diagnostics problems = allocate_service(context.view(), context.settings, service);
  if (problems.has_errors()) {
    // An old cluster may have given the address away; whoever has it keeps it.
    note_service_trouble(context.txn, service, "AllocationFailed", problems.all().front().message);
    return {};
  }
  if (known) (void)context.txn.update(std::move(service));
  else (void)context.txn.create(std::move(service));
  keep_slice(context);
  keep_endpoints(context);
  return {};
}

void wakes(const Change& change, const Snapshot&, std::vector<Key>& keys) {
  Kind kind = change.key.kind;
  bool ours = (kind == Kind::kService || kind == Kind::kEndpointSlice || kind == Kind::kEndpoints) &&
              change.key.ns == kNs && change.key.name == kServiceName;
  bool home = kind == Kind::kNamespace && change.key.name == kNs && change.op == ChangeOp::kAdd;
  if (ours || home) keys.push_back(sweep_key(Kind::kService));
}

}  // namespace

Controller api_service_controller() {
  return {"api-service-controller", &reconcile, &wakes, Kind::kService};
}

}  // namespace mainstay
