#include "reconciler/control/endpoint_slices.h"

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>

#include "reconciler/control/owners.h"
#include "schema/compare.h"

namespace mainstay {
namespace {

constexpr std::string_view kHeadlessLabel = "service.kubernetes.io/headless";

bool same_ports(const std::vector<EndpointPort>& a, const std::vector<EndpointPort>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const EndpointPort& x, const EndpointPort& y) {
    return x.name == y.name && x.protocol == y.protocol && x.port == y.port;
  });
}

// The number of a target port in this pod; nothing if the pod has no port of that name.
std::optional<int32_t> target_number(const ServicePort& port, const Pod& pod) {
  if (port.target_port.is_int()) return port.target_port.is_zero() ? port.port : port.target_port.number();
  if (port.target_port.string().empty()) return port.port;
  std::string_view protocol = port.protocol.empty() ? "TCP" : std::string_view(port.protocol);
  auto in = [&](const Container& container) -> std::optional<int32_t> {
    for (const ContainerPort& candidate : container.ports) {
      std::string_view theirs = candidate.protocol.empty() ? "TCP" : std::string_view(candidate.protocol);
      if (candidate.name == port.target_port.string() && theirs == protocol) return candidate.container_port;
    }
    return std::nullopt;
  };
  for (const Container& container : pod.spec.containers) {
    if (std::optional<int32_t> number = in(container)) return number;
  }
  for (const Container& container : pod.spec.init_containers) {
    if (container.restart_policy != "Always") continue;  // only a sidecar goes on serving
    if (std::optional<int32_t> number = in(container)) return number;
  }
  return std::nullopt;
}

// A port whose name the pod does not know is left out for this pod.
std::vector<EndpointPort> ports_in(const Service& service, const Pod& pod) {
  std::vector<EndpointPort> ports;
  for (const ServicePort& port : service.spec.ports) {
    std::optional<int32_t> number = target_number(port, pod);
    if (!number) continue;
    EndpointPort& entry = ports.emplace_back();
    entry.name = port.name;
    entry.protocol = port.protocol.empty() ? "TCP" : port.protocol;
    entry.port = *number;
    if (const Value* carried = port.carried ? port.carried->find("appProtocol") : nullptr) {
      entry.carried.ensure().set("appProtocol", *carried);
    }
  }
  return ports;
}

bool has_place(const Pod& pod) { return !pod.status.pod_ip.empty() && !is_finished(pod); }

ObjectReference reference_to(const Object& pod) {
  ObjectReference reference;
  reference.kind = pod.info().kind;
  reference.ns = pod.meta.ns;
  reference.name = pod.meta.name;
  reference.uid = pod.meta.uid;
  return reference;
}

Endpoint endpoint_of(const Object& service, const Object& object, const Snapshot& view) {
  const Pod& pod = as<Pod>(object);
  Endpoint endpoint;
  endpoint.addresses = {pod.status.pod_ip};
  bool serving = is_ready(pod);
  bool terminating = object.meta.deletion_timestamp != WallTime{};
  bool publish_all = as<Service>(service).spec.publish_not_ready_addresses;
  endpoint.conditions.ready = publish_all || (serving && !terminating);
  endpoint.conditions.serving = serving;
  endpoint.conditions.terminating = terminating;
  if (!pod.spec.hostname.empty() && pod.spec.subdomain == service.meta.name) {
    endpoint.hostname = pod.spec.hostname;
  }
  endpoint.target_ref = reference_to(object);
  endpoint.node_name = pod.spec.node_name;
  if (ObjectPtr node = view.find(Kind::kNode, "", pod.spec.node_name)) {
    if (const std::string* zone = map_find(node->meta.labels, kZoneLabel)) endpoint.zone = *zone;
  }
  return endpoint;
}

// What stays the same while an endpoint's conditions change.
std::string identity(const Endpoint& endpoint) {
  std::string text = endpoint.target_ref ? endpoint.target_ref->uid : "";
  for (const std::string& address : endpoint.addresses) text += "|" + address;
  return text;
}

// Labels and owner as every slice of the service has them.
void describe_slice(const Object& service, std::string_view manager, Object& slice) {
  const ServiceSpec& spec = as<Service>(service).spec;
  StringMap labels = service.meta.labels;
  map_slot(labels, kServiceNameLabel) = service.meta.name;
  map_slot(labels, kSliceManagerLabel) = manager;
  if (spec.cluster_ip == "None") map_slot(labels, kHeadlessLabel); else map_erase(labels, kHeadlessLabel);
  slice.meta.labels = std::move(labels);
  slice.meta.owner_references = {controller_reference(service)};
  as<EndpointSlice>(slice).address_type = "IPv4";
}

Object new_slice(const Object& service, std::string_view manager, const std::vector<EndpointPort>& ports) {
  Object slice = make_object<EndpointSlice>(service.meta.ns, "");
  slice.meta.generate_name = service.meta.name + "-";
  describe_slice(service, manager, slice);
  as<EndpointSlice>(slice).ports = ports;
  return slice;
}

// Work on the slices of one group.
class GroupPlan {
 public:
  explicit GroupPlan(EndpointGroup group) : ports_(std::move(group.ports)) {
    for (Endpoint& endpoint : group.endpoints) {
      std::string id = identity(endpoint);
      auto [entry, fresh] = wanted_.emplace(std::move(id), std::move(endpoint));
      if (fresh) order_.push_back(&*entry);
    }
  }

  const std::vector<EndpointPort>& ports() const { return ports_; }

  // Keeps in `slice` what is still wanted, as it is now.
  void keep(EndpointSlice& slice) {
    std::vector<Endpoint> kept;
    for (Endpoint& endpoint : slice.endpoints) {
      auto found = wanted_.find(identity(endpoint));
      if (found == wanted_.end() || !placed_.insert(&*found).second) continue;
      kept.push_back(found->second);
    }
    slice.endpoints = std::move(kept);
  }

  // Puts as many of the endpoints that have no slice yet into `slice` as it has room for.
  void fill(EndpointSlice& slice) {
    while (next_ < order_.size() && slice.endpoints.size() < kEndpointsPerSlice) {
      Entry* entry = order_[next_++];
      if (placed_.insert(entry).second) slice.endpoints.push_back(entry->second);
    }
  }
  bool done() {
    while (next_ < order_.size() && placed_.count(order_[next_]) != 0) ++next_;
    return next_ == order_.size();
  }

 private:
  using Wanted = std::unordered_map<std::string, Endpoint>;
  using Entry = Wanted::value_type;
  std::vector<EndpointPort> ports_;
  Wanted wanted_;
  std::vector<Entry*> order_;  // addresses of entries stay when the map grows
  std::set<Entry*> placed_;
  size_t next_ = 0;
};

}  // namespace

bool keeps_endpoints(const Service& service) {
  return service.spec.type != "ExternalName" && !service.spec.selector.empty();
}

std::vector<EndpointGroup> endpoint_groups(const Object& service, const std::vector<ObjectPtr>& pods,
                                           const Snapshot& view) {
  std::vector<EndpointGroup> groups;
  const Service& body = as<Service>(service);
  for (const ObjectPtr& pod : pods) {
    if (!has_place(as<Pod>(*pod))) continue;
    std::vector<EndpointPort> ports = ports_in(body, as<Pod>(*pod));
    // Without any port there is nothing to reach, except by name.
    if (ports.empty() && !body.spec.ports.empty()) continue;
    auto group = std::find_if(groups.begin(), groups.end(),
                              [&](const EndpointGroup& known) { return same_ports(known.ports, ports); });
    if (group == groups.end()) group = groups.insert(groups.end(), {std::move(ports), {}});
    group->endpoints.push_back(endpoint_of(service, *pod, view));
  }
  return groups;
}

SlicePlan plan_slices(const Object& service, std::vector<EndpointGroup> groups,
                      const std::vector<ObjectPtr>& existing, std::string_view manager) {
  SlicePlan plan;
  bool nothing = groups.empty();
  std::vector<bool> used(existing.size(), false);
  for (EndpointGroup& group : groups) {
    GroupPlan work(std::move(group));
    std::vector<Object> slices;
    for (size_t i = 0; i < existing.size(); ++i) {
      if (used[i] || !same_ports(as<EndpointSlice>(*existing[i]).ports, work.ports())) continue;
      used[i] = true;
      work.keep(as<EndpointSlice>(slices.emplace_back(*existing[i])));
    }
    std::stable_sort(slices.begin(), slices.end(), [](const Object& a, const Object& b) {
      return as<EndpointSlice>(a).endpoints.size() > as<EndpointSlice>(b).endpoints.size();
    });
    for (Object& slice : slices) {
      work.fill(as<EndpointSlice>(slice));
      if (as<EndpointSlice>(slice).endpoints.empty()) {
        plan.remove.push_back(slice.key());
        continue;
      }
      describe_slice(service, manager, slice);
      plan.update.push_back(std::move(slice));
    }
    while (!work.done()) {
      Object slice = new_slice(service, manager, work.ports());
      work.fill(as<EndpointSlice>(slice));
      plan.create.push_back(std::move(slice));
    }
  }
  for (size_t i = 0; i < existing.size(); ++i) {
    if (used[i]) continue;
    if (nothing) {
      // The last slice stays, empty, to say that the service is known and has no endpoint.
      nothing = false;
      Object slice = *existing[i];
      as<EndpointSlice>(slice).endpoints.clear();
      as<EndpointSlice>(slice).ports.clear();
      describe_slice(service, manager, slice);
      plan.update.push_back(std::move(slice));
    } else {
      plan.remove.push_back(existing[i]->key());
    }
  }
  if (nothing) plan.create.push_back(new_slice(service, manager, {}));
  return plan;
}

namespace {

Value address_value(const Object& service, const Object& object) {
  const Pod& pod = as<Pod>(object);
  Value address = Value::map();
  address.set("ip", pod.status.pod_ip);
  if (!pod.spec.hostname.empty() && pod.spec.subdomain == service.meta.name) {
    address.set("hostname", pod.spec.hostname);
  }
  if (!pod.spec.node_name.empty()) address.set("nodeName", pod.spec.node_name);
  Value target = Value::map();
  target.set("kind", "Pod");
  target.set("namespace", object.meta.ns);
  target.set("name", object.meta.name);
  target.set("uid", object.meta.uid);
  address.set("targetRef", std::move(target));
  return address;
}

struct Subset {
  std::vector<EndpointPort> ports;
  ValueList ready, not_ready;
};

Value subset_value(Subset subset) {
  Value value = Value::map();
  if (!subset.ready.empty()) value.set("addresses", Value(std::move(subset.ready)));
  if (!subset.not_ready.empty()) value.set("notReadyAddresses", Value(std::move(subset.not_ready)));
  Value ports = Value::list();
  for (const EndpointPort& port : subset.ports) {
    Value entry = Value::map();
    if (!port.name.empty()) entry.set("name", port.name);
    entry.set("port", static_cast<int64_t>(port.port.value_or(0)));
    entry.set("protocol", port.protocol);
    ports.push(std::move(entry));
  }
  if (!ports.as_list().empty()) value.set("ports", std::move(ports));
  return value;
}

}  // namespace

Object endpoints_object(const Object& service, const std::vector<ObjectPtr>& pods) {
  const Service& body = as<Service>(service);
  std::vector<Subset> subsets;
  size_t named = 0, left_out = 0;
  // Ready addresses come first, so that a cut loses those that serve nobody.
  for (bool ready_ones : {true, false}) {
    for (const ObjectPtr& object : pods) {
      const Pod& pod = as<Pod>(*object);
      bool publish_all = body.spec.publish_not_ready_addresses;
      bool ready = publish_all || is_ready(pod);
      bool leaving = object->meta.deletion_timestamp != WallTime{} && !publish_all;
      if (!has_place(pod) || leaving || ready != ready_ones) continue;
      std::vector<EndpointPort> ports = ports_in(body, pod);
      if (ports.empty() && !body.spec.ports.empty()) continue;
      if (named == kAddressesPerEndpoints) {
        ++left_out;
        continue;
      }
      ++named;
      auto subset = std::find_if(subsets.begin(), subsets.end(),
                                 [&](const Subset& known) { return same_ports(known.ports, ports); });
      if (subset == subsets.end()) subset = subsets.insert(subsets.end(), {std::move(ports), {}, {}});
      (ready ? subset->ready : subset->not_ready).push_back(address_value(service, *object));
    }
  }
  Object endpoints = make_object(Kind::kEndpoints, service.meta.ns, service.meta.name);
  endpoints.meta.labels = service.meta.labels;
  map_slot(endpoints.meta.labels, kEndpointsManagerLabel) = kEndpointsManager;
  if (body.spec.cluster_ip == "None") map_slot(endpoints.meta.labels, kHeadlessLabel);
  if (left_out > 0) {
    map_slot(endpoints.meta.annotations, "endpoints.kubernetes.io/over-capacity") = "truncated";
  }
  Value list = Value::list();
  for (Subset& subset : subsets) list.push(subset_value(std::move(subset)));
  if (!list.as_list().empty()) generic_fields(endpoints).set("subsets", std::move(list));
  return endpoints;
}

}  // namespace mainstay
