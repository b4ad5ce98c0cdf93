// The cells of nodes, services, events and configuration.
#include <algorithm>
#include <string>
#include <vector>

#include "schema/base/lower.h"
#include "schema/table_cells.h"

namespace mainstay {
namespace {

std::string join(const std::vector<std::string>& parts) {
  std::string out;
  for (const std::string& part : parts) out += (out.empty() ? "" : ",") + part;
  return out;
}

// The first three, then " + N more..."; "<unset>" if there is none.
std::string first_three(std::vector<std::string> parts) {
  constexpr size_t kShown = 3;
  size_t count = parts.size();
  if (count == 0) return "<unset>";
  if (count > kShown) parts.resize(kShown);
  return join(parts) + (count > kShown ? " + " + std::to_string(count - kShown) + " more..." : "");
}

// ---- services ----

const ServiceSpec& service(const Object& object) { return as<Service>(object).spec; }

Value cluster_ip_cell(const Object& object, WallTime) {
  const ServiceSpec& spec = service(object);
  return or_none(spec.cluster_ips.empty() ? spec.cluster_ip : spec.cluster_ips[0]);
}

Value external_ip_cell(const Object& object, WallTime) {
  const ServiceSpec& spec = service(object);
  if (spec.type == "ExternalName") return spec.external_name;
  if (spec.type != "LoadBalancer") return or_none(join(spec.external_ips));
  std::vector<std::string> addresses;
  for (const LoadBalancerIngress& ingress : as<Service>(object).status.load_balancer.ingress) {
    addresses.push_back(ingress.ip.empty() ? ingress.hostname : ingress.ip);
  }
  addresses.insert(addresses.end(), spec.external_ips.begin(), spec.external_ips.end());
  return addresses.empty() ? "<pending>" : join(addresses);
}

Value service_ports_cell(const Object& object, WallTime) {
  std::vector<std::string> ports;
  for (const ServicePort& port : service(object).ports) {
    std::string text = std::to_string(port.port);
    if (port.node_port > 0) text += ":" + std::to_string(port.node_port);
    ports.push_back(text + "/" + port.protocol);
  }
  return or_none(join(ports));
}

constexpr CellColumn kService[] = {
    kNameColumn,
    {{"Type", "string", ""}, [](const Object& o, WallTime) -> Value { return service(o).type; }},
    {{"Cluster-IP", "string", ""}, &cluster_ip_cell},
    {{"External-IP", "string", ""}, &external_ip_cell},
    {{"Port(s)", "string", ""}, &service_ports_cell},
    kAgeColumn,
    {{"Selector", "string", "", kWide},
     [](const Object& o, WallTime) -> Value { return labels_text(service(o).selector); }},
};

Value slice_ports_cell(const Object& object, WallTime) {
  std::vector<std::string> ports;
  for (const EndpointPort& port : as<EndpointSlice>(object).ports) {
    ports.push_back(port.port ? std::to_string(*port.port) : port.name.empty() ? "*" : port.name);
  }
  return first_three(std::move(ports));
}

Value slice_endpoints_cell(const Object& object, WallTime) {
  std::vector<std::string> addresses;
  for (const Endpoint& endpoint : as<EndpointSlice>(object).endpoints) {
    addresses.insert(addresses.end(), endpoint.addresses.begin(), endpoint.addresses.end());
  }
  return first_three(std::move(addresses));
}

constexpr CellColumn kEndpointSlice[] = {
    kNameColumn,
    {{"AddressType", "string", ""},
     [](const Object& o, WallTime) -> Value { return as<EndpointSlice>(o).address_type; }},
    {{"Ports", "string", ""}, &slice_ports_cell},
    {{"Endpoints", "string", ""}, &slice_endpoints_cell},
    kAgeColumn,
};

// ---- nodes ----

Value node_status_cell(const Object& object, WallTime) {
  const Node& node = as<Node>(object);
  std::string out;
  for (const NodeCondition& condition : node.status.conditions) {
    if (condition.type == "Ready") out = condition.status == "True" ? "Ready" : "NotReady";
  }
  if (out.empty()) out = "Unknown";
  return node.spec.unschedulable ? out + ",SchedulingDisabled" : out;
}

Value roles_cell(const Object& object, WallTime) {
  constexpr std::string_view kPrefix = "node-role.kubernetes.io/";
  std::vector<std::string> roles;
  for (const auto& [key, value] : object.meta.labels) {
    if (key.starts_with(kPrefix) && key.size() > kPrefix.size()) roles.push_back(key.substr(kPrefix.size()));
    if (key == "kubernetes.io/role" && !value.empty()) roles.push_back(value);
  }
  std::sort(roles.begin(), roles.end());
  roles.erase(std::unique(roles.begin(), roles.end()), roles.end());
  return or_none(join(roles));
}

std::string node_address(const Object& object, std::string_view type) {
  for (const NodeAddress& address : as<Node>(object).status.addresses) {
    if (address.type == type) return address.address;
  }
  return std::string(kNone);
}

std::string or_unknown(const std::string& text) { return text.empty() ? "<unknown>" : text; }

const NodeSystemInfo& node_info(const Object& object) { return as<Node>(object).status.node_info; }

constexpr CellColumn kNode[] = {
    kNameColumn,
    {{"Status", "string", ""}, &node_status_cell},
    {{"Roles", "string", ""}, &roles_cell},
    kAgeColumn,
    {{"Version", "string", ""},
     [](const Object& o, WallTime) -> Value { return node_info(o).kubelet_version; }},
    {{"Internal-IP", "string", "", kWide},
     [](const Object& o, WallTime) -> Value { return node_address(o, "InternalIP"); }},
    {{"External-IP", "string", "", kWide},
     [](const Object& o, WallTime) -> Value { return node_address(o, "ExternalIP"); }},
    {{"OS-Image", "string", "", kWide},
     [](const Object& o, WallTime) -> Value { return or_unknown(node_info(o).os_image); }},
    {{"Kernel-Version", "string", "", kWide},
     [](const Object& o, WallTime) -> Value { return or_unknown(node_info(o).kernel_version); }},
    {{"Container-Runtime", "string", "", kWide},
     [](const Object& o, WallTime) -> Value { return or_unknown(node_info(o).container_runtime_version); }},
};

// ---- events ----

const Event& event(const Object& object) { return as<Event>(object); }

std::string first_seen(const Event& body, WallTime now) {
  return age(body.first_timestamp != WallTime{} ? body.first_timestamp : body.event_time, now);
}

const Value* series(const Event& body) { return body.carried ? body.carried->find("series") : nullptr; }

Value last_seen_cell(const Object& object, WallTime now) {
  const Event& body = event(object);
  if (const Value* repeated = series(body)) {
    std::optional<WallTime> last = parse_rfc3339(repeated->string_at("lastObservedTime"));
    if (last) return age(*last, now);
  }
  return body.last_timestamp != WallTime{} ? age(body.last_timestamp, now) : first_seen(body, now);
}

Value event_object_cell(const Object& object, WallTime) {
  const ObjectReference& target = event(object).involved_object;
  std::string kind = lower_ascii(target.kind);
  return target.name.empty() ? kind : kind + "/" + target.name;
}

Value event_source_cell(const Object& object, WallTime) {
  const Event& body = event(object);
  std::string component = body.source.component.empty() ? body.reporting_component : body.source.component;
  std::string host = body.source.component.empty() ? body.reporting_instance : body.source.host;
  return host.empty() ? component : component + ", " + host;
}

Value event_message_cell(const Object& object, WallTime) {
  std::string_view text = event(object).message;
  constexpr std::string_view kSpace = " \t\r\n";
  size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return "";
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

Value event_count_cell(const Object& object, WallTime) {
  const Event& body = event(object);
  const Value* repeated = series(body);
  const Value* count = repeated != nullptr ? repeated->find("count") : nullptr;
  if (count != nullptr && count->is_int()) return *count;
  return std::max(body.count, 1);
}

constexpr CellColumn kEvent[] = {
    {{"Last Seen", "string", ""}, &last_seen_cell},
    {{"Type", "string", ""}, [](const Object& o, WallTime) -> Value { return event(o).type; }},
    {{"Reason", "string", ""}, [](const Object& o, WallTime) -> Value { return event(o).reason; }},
    {{"Object", "string", ""}, &event_object_cell},
    {{"Subobject", "string", "", kWide},
     [](const Object& o, WallTime) -> Value { return event(o).involved_object.field_path; }},
    {{"Source", "string", "", kWide}, &event_source_cell},
    {{"Message", "string", ""}, &event_message_cell},
    {{"First Seen", "string", "", kWide},
     [](const Object& o, WallTime now) -> Value { return first_seen(event(o), now); }},
    {{"Count", "integer", "", kWide}, &event_count_cell},
    {{"Name", "string", "name", kWide}, &name_cell},
};

// ---- configuration ----

Value count_of(size_t count) { return static_cast<int64_t>(count); }

constexpr CellColumn kConfigMap[] = {
    kNameColumn,
    {{"Data", "integer", ""},
     [](const Object& o, WallTime) -> Value {
       return count_of(as<ConfigMap>(o).data.size() + as<ConfigMap>(o).binary_data.size());
     }},
    kAgeColumn,
};

constexpr CellColumn kSecretColumns[] = {
    kNameColumn,
    {{"Type", "string", ""}, [](const Object& o, WallTime) -> Value { return as<Secret>(o).type; }},
    {{"Data", "integer", ""},
     [](const Object& o, WallTime) -> Value { return count_of(as<Secret>(o).data.size()); }},
    kAgeColumn,
};

constexpr CellColumn kServiceAccount[] = {
    kNameColumn,
    {{"Secrets", "integer", ""},
     [](const Object& o, WallTime) -> Value { return count_of(as<ServiceAccount>(o).secrets.size()); }},
    kAgeColumn,
};

constexpr CellColumn kNamespace[] = {
    kNameColumn,
    {{"Status", "string", ""},
     [](const Object& o, WallTime) -> Value { return as<Namespace>(o).status.phase; }},
    kAgeColumn,
};

constexpr CellColumn kLease[] = {
    kNameColumn,
    {{"Holder", "string", ""},
     [](const Object& o, WallTime) -> Value { return as<Lease>(o).spec.holder_identity; }},
    kAgeColumn,
};

}  // namespace

std::span<const CellColumn> core_columns(Kind kind) {
  switch (kind) {
    case Kind::kService: return kService;
    case Kind::kEndpointSlice: return kEndpointSlice;
    case Kind::kNode: return kNode;
    case Kind::kEvent: return kEvent;
    case Kind::kConfigMap: return kConfigMap;
    case Kind::kSecret: return kSecretColumns;
    case Kind::kServiceAccount: return kServiceAccount;
    case Kind::kNamespace: return kNamespace;
    case Kind::kLease: return kLease;
    default: return {};
  }
}

}  // namespace mainstay
