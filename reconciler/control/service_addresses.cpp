#include "reconciler/control/service_addresses.h"

#include <algorithm>

#include "reconciler/control/controllers.h"
#include "reconciler/control/service_trouble.h"
#include "schema/base/crypto.h"

namespace mainstay {
namespace {

constexpr std::string_view kHeadless = "None";
constexpr std::string_view kCondition = "AddressesAllocated";
constexpr std::string_view kFailed = "AllocationFailed";
constexpr std::string_view kOutOfRange = "ClusterIPOutOfRange";
constexpr std::string_view kRangeKeeper = "ipallocator-repair-controller";  // as Kubernetes calls who says so

bool has_address(const ServiceSpec& spec) {
  return spec.type != "ExternalName" && spec.cluster_ip != kHeadless;
}

bool has_node_ports(const ServiceSpec& spec) {
  if (spec.type == "NodePort") return true;
  return spec.type == "LoadBalancer" && spec.allocate_load_balancer_node_ports.value_or(true);
}

// Node ports that a client names are kept also where none would be given.
bool may_have_node_ports(const ServiceSpec& spec) {
  return spec.type == "NodePort" || spec.type == "LoadBalancer";
}

// The lower addresses are left to those that ask for a certain one.
uint64_t static_band(uint64_t size) { return std::min<uint64_t>(std::max<uint64_t>(16, size / 16), 256); }

uint32_t start_of(const std::pair<std::string, std::string>& holder, std::string_view salt) {
  return fnv32a(holder.first + "/" + holder.second + "/" + std::string(salt));
}

std::string protocol_of(const ServicePort& port) { return port.protocol.empty() ? "TCP" : port.protocol; }

}  // namespace

namespace {

std::string nth_address(const ControlSettings& settings, uint32_t number) {
  std::optional<Ipv4Block> range = parse_ipv4_range(settings.service_cidr);
  return range && range->size() >= 16 ? ipv4_text(range->base + number) : std::string();
}

}  // namespace

std::string api_service_address(const ControlSettings& settings) { return nth_address(settings, 1); }
std::string dns_address(const ControlSettings& settings) { return nth_address(settings, 10); }

ServiceAddresses::ServiceAddresses(const Snapshot& view, const ControlSettings& settings)
    : cidr_(settings.service_cidr), range_(parse_ipv4_range(settings.service_cidr)) {
  std::vector<ObjectPtr> services;
  for (const ObjectPtr& service : view.list(Kind::kService)) services.push_back(service);
  std::sort(services.begin(), services.end(), [](const ObjectPtr& a, const ObjectPtr& b) {
    if (a->meta.creation_timestamp != b->meta.creation_timestamp) {
      return a->meta.creation_timestamp < b->meta.creation_timestamp;
    }
    return a->meta.uid < b->meta.uid;
  });
  for (const ObjectPtr& service : services) hold(*service);
  reserve(api_service_address(settings), kApiServiceNamespace, kApiServiceName);
  reserve(dns_address(settings), kDnsNamespace, kDnsName);
}

void ServiceAddresses::reserve(std::string_view address, std::string_view ns, std::string_view name) {
  if (std::optional<uint32_t> number = parse_ipv4(address)) {
    addresses_.emplace(*number, Holder{std::string(ns), std::string(name)});
  }
}

void ServiceAddresses::hold(const Object& service) {
  const ServiceSpec& spec = as<Service>(service).spec;
  Holder holder{service.meta.ns, service.meta.name};
  if (std::optional<uint32_t> address = parse_ipv4(spec.cluster_ip)) addresses_.emplace(*address, holder);
  for (const ServicePort& port : spec.ports) {
    if (port.node_port != 0) ports_.emplace(Port{port.node_port, protocol_of(port)}, holder);
  }
  // Agents listen there, by TCP.
  if (spec.health_check_node_port != 0) ports_.emplace(Port{spec.health_check_node_port, "TCP"}, holder);
}

// Neither the network's own address nor the broadcast address is.
bool ServiceAddresses::is_usable(std::optional<uint32_t> address) const {
  if (!address || !range_ || !range_->contains(*address)) return false;
  return *address != range_->base && *address - range_->base != range_->size() - 1;
}

bool ServiceAddresses::is_out_of_range(const Object& service) const {
  const ServiceSpec& spec = as<Service>(service).spec;
  return has_address(spec) && !spec.cluster_ip.empty() && !is_usable(parse_ipv4(spec.cluster_ip));
}

std::optional<uint32_t> ServiceAddresses::free_address(const Holder& holder) const {
  if (!range_ || range_->size() < 4) return std::nullopt;
  uint64_t first = 1, last = range_->size() - 2;
  uint64_t dynamic = range_->size() > 2 * static_band(range_->size()) ? static_band(range_->size()) : first;
  auto search = [&](uint64_t from, uint64_t to) -> std::optional<uint32_t> {
    uint64_t count = to - from + 1;
    uint64_t start = start_of(holder, "") % count;
    for (uint64_t i = 0; i < count; ++i) {
      auto address = static_cast<uint32_t>(range_->base + from + (start + i) % count);
      if (addresses_.count(address) == 0) return address;
    }
    return std::nullopt;
  };
  std::optional<uint32_t> found = search(dynamic, last);
  if (!found && dynamic > first) found = search(first, dynamic - 1);
  return found;
}

std::optional<int32_t> ServiceAddresses::free_port(const Holder& holder, const ServicePort& port) const {
  constexpr uint32_t kCount = kLastNodePort - kFirstNodePort + 1;
  std::string protocol = protocol_of(port);
  uint32_t start = start_of(holder, std::to_string(port.port) + protocol) % kCount;
  for (uint32_t i = 0; i < kCount; ++i) {
    auto number = static_cast<int32_t>(kFirstNodePort + (start + i) % kCount);
    if (ports_.count({number, protocol}) == 0) return number;
  }
  return std::nullopt;
}

void ServiceAddresses::allocate_address(Object& service, const Holder& holder, Diagnostics& problems) const {
  ServiceSpec& spec = as<Service>(service).spec;
  if (spec.cluster_ip.empty() && !spec.cluster_ips.empty()) spec.cluster_ip = spec.cluster_ips.front();
  if (spec.type == "ExternalName") {
    spec.cluster_ip.clear();
    spec.cluster_ips.clear();
    return;
  }
  if (!has_address(spec)) {
    spec.cluster_ips = {std::string(kHeadless)};
    return;
  }
  auto refuse = [&](const std::string& why) {
    std::string shown = spec.cluster_ip.empty() ? "[]" : "[\"" + spec.cluster_ip + "\"]";
    problems.error({}, "spec.clusterIPs", "Invalid value: " + shown + ": " + why);
  };
  if (spec.cluster_ip.empty()) {
    std::optional<uint32_t> address = free_address(holder);
    if (!address) {
      refuse("failed to allocate IP: no address of " + cidr_ + " is free");
      return;
    }
    spec.cluster_ip = ipv4_text(*address);
  } else {
    std::string failed = "failed to allocate IP " + spec.cluster_ip + ": ";
    std::optional<uint32_t> address = parse_ipv4(spec.cluster_ip);
    auto held = address ? addresses_.find(*address) : addresses_.end();
    if (held != addresses_.end() && held->second != holder) {
      refuse(failed + "provided IP is already allocated");
      return;
    }
    // What it has already it keeps, whatever the configuration says by now.
    if (held == addresses_.end() && !is_usable(address)) {
      refuse(failed + "the provided IP (" + spec.cluster_ip +
             ") is not in the valid range. The range of valid IPs is " + cidr_);
      return;
    }
  }
  spec.cluster_ips = {spec.cluster_ip};
}

std::vector<ServiceAddresses::Port> ServiceAddresses::allocate_ports(Object& service, const Holder& holder,
                                                                     Diagnostics& problems) {
  ServiceSpec& spec = as<Service>(service).spec;
  std::vector<Port> fresh;
  for (size_t i = 0; i < spec.ports.size(); ++i) {
    ServicePort& port = spec.ports[i];
    if (!may_have_node_ports(spec)) {
      port.node_port = 0;
      continue;
    }
    std::string path = "spec.ports[" + std::to_string(i) + "].nodePort";
    std::string shown = "Invalid value: " + std::to_string(port.node_port) + ": ";
    if (port.node_port != 0) {
      auto held = ports_.find({port.node_port, protocol_of(port)});
      if (port.node_port < kFirstNodePort || port.node_port > kLastNodePort) {
        problems.error({}, path,
                       shown + "provided port is not in the valid range. The range of valid ports is "
                               "30000-32767");
      } else if (held != ports_.end() && held->second != holder) {
        problems.error({}, path, shown + "provided port is already allocated");
      }
      continue;
    }
    if (!has_node_ports(spec)) continue;
    std::optional<int32_t> number = free_port(holder, port);
    if (!number) {
      problems.error({}, path, "Internal error: failed to allocate a nodePort: all of 30000-32767 are taken");
      continue;
    }
    port.node_port = *number;
    // Held at once: the service's next port must not get the same.
    ports_.emplace(Port{*number, protocol_of(port)}, holder);
    fresh.push_back({*number, protocol_of(port)});
  }
  return fresh;
}

// What serves one Service's port and what serves its health check cannot be one.
void ServiceAddresses::allocate_health_check(Object& service, const Holder& holder, Diagnostics& problems) {
  ServiceSpec& spec = as<Service>(service).spec;
  int32_t& port = spec.health_check_node_port;
  if (!needs_health_check(spec)) {
    port = 0;
    return;
  }
  const std::string path = "spec.healthCheckNodePort";
  if (port == 0) {
    ServicePort wanted;
    wanted.protocol = "TCP";
    port = free_port(holder, wanted).value_or(0);
    if (port == 0) problems.error({}, path, "Internal error: failed to allocate a port: all of 30000-32767 are taken");
    return;
  }
  std::string shown = "Invalid value: " + std::to_string(port) + ": ";
  auto held = ports_.find({port, "TCP"});
  bool own = std::any_of(spec.ports.begin(), spec.ports.end(), [&](const ServicePort& other) {
    return other.node_port == port && protocol_of(other) == "TCP";
  });
  if (port < kFirstNodePort || port > kLastNodePort) {
    problems.error({}, path,
                   shown + "provided port is not in the valid range. The range of valid ports is 30000-32767");
  } else if (own || (held != ports_.end() && held->second != holder)) {
    problems.error({}, path, shown + "provided port is already allocated");
  }
}

bool ServiceAddresses::has_all(const Object& service) const {
  const ServiceSpec& spec = as<Service>(service).spec;
  Holder holder{service.meta.ns, service.meta.name};
  if (spec.type == "ExternalName" || spec.cluster_ip.empty() || spec.cluster_ips.empty()) return false;
  if (has_address(spec)) {
    std::optional<uint32_t> address = parse_ipv4(spec.cluster_ip);
    auto held = address ? addresses_.find(*address) : addresses_.end();
    if (held == addresses_.end() || held->second != holder) return false;
  }
  bool checked = spec.health_check_node_port != 0;
  if (checked != needs_health_check(spec)) return false;
  if (checked) {
    auto held = ports_.find({spec.health_check_node_port, "TCP"});
    if (held == ports_.end() || held->second != holder) return false;
  }
  return std::all_of(spec.ports.begin(), spec.ports.end(), [&](const ServicePort& port) {
    if (port.node_port == 0) return !has_node_ports(spec);
    auto held = ports_.find({port.node_port, protocol_of(port)});
    bool in_range = port.node_port >= kFirstNodePort && port.node_port <= kLastNodePort;
    return may_have_node_ports(spec) && in_range && held != ports_.end() && held->second == holder;
  });
}

Diagnostics ServiceAddresses::allocate(Object& service) {
  Holder holder{service.meta.ns, service.meta.name};
  Diagnostics problems;
  Object given = service;
  allocate_address(given, holder, problems);
  std::vector<Port> fresh = allocate_ports(given, holder, problems);
  allocate_health_check(given, holder, problems);
  if (problems.has_errors()) {
    for (const Port& port : fresh) ports_.erase(port);
    return problems;
  }
  hold(given);
  service = std::move(given);
  return problems;
}

Diagnostics allocate_service(const Snapshot& view, const ControlSettings& settings, Object& service) {
  return ServiceAddresses(view, settings).allocate(service);
}

namespace {

std::string summary(const Diagnostics& problems) {
  std::string text;
  for (const Diagnostic& problem : problems.all()) {
    if (!text.empty()) text += "; ";
    text += problem.path + ": " + problem.message;
  }
  return text;
}

Outcome reconcile(ControlContext& context, const Key&) {
  std::vector<ObjectPtr> services;
  for (const ObjectPtr& service : context.view().list(Kind::kService)) services.push_back(service);
  if (services.empty()) return {};
  ServiceAddresses addresses(context.view(), context.settings);
  for (const ObjectPtr& stored : services) {
    bool out_of_range = addresses.is_out_of_range(*stored);
    if (!out_of_range && !as<Service>(*stored).status.carried && addresses.has_all(*stored)) continue;
    Object next = *stored;
    std::string trouble = summary(addresses.allocate(next));
    bool failed = !trouble.empty();
    if (!failed && out_of_range) {
      trouble = "Cluster IP [IPv4]: " + as<Service>(next).spec.cluster_ip +
                " is not within any configured Service CIDR; please recreate service";
    }
    std::string_view reason = failed ? kFailed : kOutOfRange;
    bool news = set_service_trouble(next, kCondition, reason, trouble, context.now().wall);
    (void)context.txn.update(std::move(next));
    if (!news || trouble.empty()) continue;
    note_service_trouble(context.txn, *stored, reason, trouble, failed ? kServiceController : kRangeKeeper);
  }
  return {};
}

bool same_addresses(const ServiceSpec& a, const ServiceSpec& b) {
  return a.type == b.type && a.cluster_ip == b.cluster_ip && a.cluster_ips == b.cluster_ips &&
         a.allocate_load_balancer_node_ports == b.allocate_load_balancer_node_ports &&
         a.health_check_node_port == b.health_check_node_port &&
         std::equal(a.ports.begin(), a.ports.end(), b.ports.begin(), b.ports.end(),
                    [](const ServicePort& x, const ServicePort& y) {
                      return x.node_port == y.node_port && x.protocol == y.protocol && x.port == y.port;
                    });
}

bool is_settled(const Object& service) {
  const ServiceSpec& spec = as<Service>(service).spec;
  bool addressed = !has_address(spec) || (!spec.cluster_ip.empty() && !spec.cluster_ips.empty());
  bool ports = !has_node_ports(spec) ||
               std::all_of(spec.ports.begin(), spec.ports.end(),
                           [](const ServicePort& port) { return port.node_port != 0; });
  bool checked = needs_health_check(spec) == (spec.health_check_node_port != 0);
  return addressed && ports && checked && !as<Service>(service).status.carried;
}

void wakes(const Change& change, const Snapshot&, std::vector<Key>& keys) {
  if (change.key.kind != Kind::kService) return;
  // The API's write path allocates before it writes; then there is nothing to do.
  if (change.before && change.after && is_settled(*change.after) &&
      same_addresses(as<Service>(*change.before).spec, as<Service>(*change.after).spec)) {
    return;
  }
  keys.push_back(sweep_key(Kind::kService));
}

}  // namespace

Controller service_addresses_controller() {
  return {"service-addresses-controller", &reconcile, &wakes, Kind::kService};
}

}  // namespace mainstay
