#include "nodeagent/dns/dns_zone.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <set>
#include <tuple>
#include <unordered_set>
#include <utility>

namespace mainstay {
namespace {

bool parse_ipv4(const std::string& text, uint32_t& out) {
  in_addr address{};
  if (inet_pton(AF_INET, text.c_str(), &address) != 1) return false;
  out = ntohl(address.s_addr);
  return true;
}

std::string label(std::string_view text) { return static_cast<char>(text.size()) + dns_lower(text); }

std::string put16(uint16_t value) { return {static_cast<char>(value >> 8), static_cast<char>(value & 0xff)}; }

DnsRecord address_record(uint32_t address, std::string owner = "") {
  std::string rdata;
  for (int shift = 24; shift >= 0; shift -= 8) rdata += static_cast<char>(address >> shift & 0xff);
  return {std::move(owner), kDnsA, kDnsClusterTtl, std::move(rdata)};
}

DnsRecord service_record(int32_t port, size_t of_how_many, const std::string& target) {
  auto weight = static_cast<uint16_t>(std::max<size_t>(1, 100 / std::max<size_t>(1, of_how_many)));
  return {"", kDnsSrv, kDnsClusterTtl,
          put16(0) + put16(weight) + put16(static_cast<uint16_t>(port)) + target};
}

std::string port_name(const std::string& name, const std::string& protocol) {
  return label("_" + name) + label("_" + protocol);
}

// One endpoint that may be named, of all slices of a service.
struct NamedEndpoint {
  uint32_t address = 0;
  std::string label;
  const NetworkSlice* slice = nullptr;
};

std::string dashed(std::string ip) {
  std::replace(ip.begin(), ip.end(), '.', '-');
  return ip;
}

std::vector<NamedEndpoint> named_endpoints(const NetworkService& service,
                                           const std::vector<const NetworkSlice*>& slices) {
  std::vector<NamedEndpoint> out;
  for (const NetworkSlice* slice : slices) {
    for (const NetworkEndpoint& endpoint : slice->endpoints) {
      if (!endpoint.ready && !service.publish_not_ready) continue;
      uint32_t address = 0;
      bool usable = endpoint.hostname.size() <= 63 && parse_ipv4(endpoint.ip, address);
      if (!usable) continue;
      std::string own = endpoint.hostname.empty() ? dashed(endpoint.ip) : endpoint.hostname;
      out.push_back({address, label(own), slice});
    }
  }
  return out;
}

void add_once(std::vector<DnsRecord>& records, DnsRecord record) {
  if (std::find(records.begin(), records.end(), record) == records.end())
    records.push_back(std::move(record));
}

void add_endpoint_names(const std::vector<NamedEndpoint>& endpoints, const std::string& full,
                        ServiceNames& out) {
  for (const NamedEndpoint& endpoint : endpoints) {
    add_once(out.names[endpoint.label], address_record(endpoint.address));
    out.pointers.push_back({endpoint.address, endpoint.label + full});
  }
}

// Without an address of its own the service is its endpoints; without those it is not there (specification
// 2.4.1).
void add_headless(const std::vector<NamedEndpoint>& endpoints, const std::string& full, ServiceNames& out) {
  std::set<uint32_t> addresses;
  using Target = std::tuple<std::string, int32_t, std::string>;  // name, port, endpoint
  std::set<Target> targets;
  std::map<std::string, size_t> counts;
  for (const NamedEndpoint& endpoint : endpoints) {
    addresses.insert(endpoint.address);
    for (const NetworkSlicePort& port : endpoint.slice->ports) {
      if (port.name.empty() || port.name.size() > 62) continue;
      std::string name = port_name(port.name, port.protocol);
      if (targets.insert({name, port.port, endpoint.label + full}).second) ++counts[name];
    }
  }
  for (uint32_t address : addresses) out.names[""].push_back(address_record(address));
  for (const auto& [name, port, target] : targets) {
    out.names[name].push_back(service_record(port, counts[name], target));
    out.names.try_emplace(name.substr(1 + static_cast<uint8_t>(name[0])));  // "_tcp"
  }
}

std::shared_ptr<const ServiceNames> name_service(const NetworkService& service, const std::string& full,
                                                 const std::vector<const NetworkSlice*>& slices) {
  auto out = std::make_shared<ServiceNames>();
  if (service.type == "ExternalName") {
    std::optional<std::string> target = dns_name(service.external_name);
    if (!target || target->size() < 2) return nullptr;
    out->names[""].push_back({"", kDnsCname, kDnsClusterTtl, *target});
    out->external = std::move(*target);
    return out;
  }
  std::vector<NamedEndpoint> endpoints = named_endpoints(service, slices);
  uint32_t own = 0;
  if (service.cluster_ip.empty() || service.cluster_ip == "None") {
    if (endpoints.empty()) return nullptr;
    add_headless(endpoints, full, *out);
  } else if (parse_ipv4(service.cluster_ip, own)) {
    out->names[""].push_back(address_record(own));
    out->pointers.push_back({own, full});
    for (const NetworkServicePort& port : service.ports) {
      if (port.name.empty() || port.name.size() > 62) continue;
      out->names[port_name(port.name, port.protocol)].push_back(service_record(port.port, 1, full));
      out->names.try_emplace(label("_" + port.protocol));
    }
  } else {
    return nullptr;  // an address of a family we do not serve
  }
  add_endpoint_names(endpoints, full, *out);
  return out;
}

}  // namespace

DnsZone::Range DnsZone::range_of(const std::string& cidr) {
  Range out;
  size_t slash = cidr.find('/');
  if (slash == std::string::npos) return out;
  unsigned prefix = 0;
  std::from_chars(cidr.data() + slash + 1, cidr.data() + cidr.size(), prefix);
  uint32_t base = 0;
  if (prefix == 0 || prefix > 32 || !parse_ipv4(cidr.substr(0, slash), base)) return out;
  out.mask = prefix == 32 ? ~0u : ~(~0u >> prefix);
  out.base = base & out.mask;
  out.known = true;
  return out;
}

DnsZonePtr DnsZone::make(NetworkStatePtr state, const DnsZonePtr& before) {
  bool same_cluster = before && before->state_->cluster_domain == state->cluster_domain;
  std::shared_ptr<DnsZone> zone(same_cluster ? new DnsZone(*before) : new DnsZone());
  NetworkStatePtr old = zone->state_;
  zone->state_ = std::move(state);
  zone->origin_ = dns_name(zone->state_->cluster_domain).value_or(*dns_name("cluster.local"));
  zone->pods_ = range_of(zone->state_->cluster_cidr);
  zone->services_range_ = range_of(zone->state_->service_cidr);
  if (same_cluster) {
    zone->index_changes(*old);
  } else {
    zone->index_all();
  }
  return zone;
}

void DnsZone::index_all() {
  std::unordered_map<std::string, std::vector<const NetworkSlice*>> slices;
  for (const auto& [key, slice] : state_->slices) slices[slice->ns + "/" + slice->service].push_back(&*slice);
  for (const auto& [key, service] : state_->services) replace(key, &*service, slices[key]);
}

// Adds the owner of each item that differs to `dirty`.
template <typename Map, typename Owner>
static void collect_changes(const Map& before, const Map& after, const Owner& owner,
                            std::unordered_set<std::string>& dirty) {
  auto a = before.begin();
  auto b = after.begin();
  while (a != before.end() || b != after.end()) {
    bool only_before = b == after.end() || (a != before.end() && a->first < b->first);
    bool only_after = !only_before && (a == before.end() || b->first < a->first);
    if (only_before) {
      dirty.insert(owner(*a->second));
      ++a;
    } else if (only_after) {
      dirty.insert(owner(*b->second));
      ++b;
    } else {
      if (!(a->second == b->second)) {
        dirty.insert(owner(*a->second));
        dirty.insert(owner(*b->second));
      }
      ++a;
      ++b;
    }
  }
}

void DnsZone::index_changes(const NetworkState& before) {
  std::unordered_set<std::string> dirty;
  collect_changes(
      before.services, state_->services, [](const NetworkService& one) { return one.ns + "/" + one.name; },
      dirty);
  collect_changes(
      before.slices, state_->slices, [](const NetworkSlice& one) { return one.ns + "/" + one.service; },
      dirty);
  if (dirty.empty()) return;
  std::unordered_map<std::string, std::vector<const NetworkSlice*>> slices;
  for (const auto& [key, slice] : state_->slices) {
    std::string owner = slice->ns + "/" + slice->service;
    if (dirty.contains(owner)) slices[owner].push_back(&*slice);
  }
  for (const std::string& key : dirty) {
    auto found = state_->services.find(key);
    replace(key, found == state_->services.end() ? nullptr : &*found->second, slices[key]);
  }
}

void DnsZone::replace(const std::string& key, const NetworkService* service,
                      const std::vector<const NetworkSlice*>& slices) {
  size_t slash = key.find('/');
  std::string_view ns = std::string_view(key).substr(0, slash);
  std::string_view name = std::string_view(key).substr(slash + 1);
  if (slash == std::string::npos || ns.empty() || name.empty() || ns.size() > 63 || name.size() > 63) return;
  std::string wire = label(name) + label(ns);
  if (const auto* old = services_.find(wire)) {
    std::shared_ptr<const ServiceNames> gone = *old;
    for (const ServiceNames::Pointer& pointer : gone->pointers) {
      const std::vector<std::string>* names = pointers_.find(pointer.address);
      if (names == nullptr) continue;
      std::vector<std::string> rest = *names;
      std::erase(rest, pointer.name);
      rest.empty() ? pointers_.erase(pointer.address) : pointers_.set(pointer.address, std::move(rest));
    }
    services_.erase(wire);
    auto count = namespaces_.find(label(ns));
    if (count != namespaces_.end() && --count->second == 0) namespaces_.erase(count);
  }
  if (service == nullptr) return;
  std::shared_ptr<const ServiceNames> names = name_service(*service, wire + label("svc") + origin_, slices);
  if (!names) return;
  for (const ServiceNames::Pointer& pointer : names->pointers) {
    const std::vector<std::string>* known = pointers_.find(pointer.address);
    std::vector<std::string> all = known != nullptr ? *known : std::vector<std::string>();
    auto place = std::lower_bound(all.begin(), all.end(), pointer.name);
    if (place != all.end() && *place == pointer.name) continue;
    all.insert(place, pointer.name);
    pointers_.set(pointer.address, std::move(all));
  }
  services_.set(wire, std::move(names));
  ++namespaces_[label(ns)];
}

const ServiceNames* DnsZone::service(std::string_view key) const {
  const auto* found = services_.find(key);
  return found == nullptr ? nullptr : found->get();
}

bool DnsZone::is_pod_address(uint32_t address) const {
  if (pods_.has(address)) return true;
  for (const auto& [name, node] : state_->nodes) {
    uint32_t own = 0;
    if (parse_ipv4(node.address, own) && own == address) return true;
  }
  return false;
}

bool DnsZone::is_ours(uint32_t address) const { return pods_.has(address) || services_range_.has(address); }

}  // namespace mainstay
