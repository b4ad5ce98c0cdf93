#include "reconciler/core/network_items.h"

#include <algorithm>

#include "reconciler/control/endpoint_slices.h"
#include "reconciler/core/network_policy.h"

namespace mainstay {
namespace {

constexpr int32_t kDefaultAffinitySeconds = 10800;

std::string protocol_or_tcp(const std::string& protocol) { return protocol.empty() ? "TCP" : protocol; }

int32_t affinity_seconds(const ServiceSpec& spec) {
  if (spec.session_affinity != "ClientIP") return 0;
  const auto& config = spec.session_affinity_config;
  bool said = config && config->client_ip && config->client_ip->timeout_seconds;
  return said ? *config->client_ip->timeout_seconds : kDefaultAffinitySeconds;
}

NetworkEndpoint network_endpoint(const Endpoint& endpoint) {
  NetworkEndpoint out;
  out.ip = endpoint.addresses.front();  // the others are for humans: kube-proxy and DNS read the first alone
  out.node = endpoint.node_name;
  out.hostname = endpoint.hostname;
  if (endpoint.target_ref && endpoint.target_ref->kind == "Pod") out.pod = endpoint.target_ref->name;
  out.ready = endpoint.conditions.ready.value_or(true);
  out.serving = endpoint.conditions.serving.value_or(out.ready);
  out.terminating = endpoint.conditions.terminating.value_or(false);
  return out;
}

}  // namespace

NetworkService network_service(const Object& object) {
  const Service& service = as<Service>(object);
  const ServiceSpec& spec = service.spec;
  NetworkService out;
  out.ns = object.meta.ns;
  out.name = object.meta.name;
  out.type = spec.type;
  if (spec.type == "ExternalName") {
    out.external_name = spec.external_name;
  } else {
    if (spec.cluster_ip != "None") out.cluster_ip = spec.cluster_ip;
    out.external_ips = spec.external_ips;
  }
  if (spec.type == "LoadBalancer") {
    for (const LoadBalancerIngress& ingress : service.status.load_balancer.ingress) {
      if (!ingress.ip.empty()) out.load_balancer_ips.push_back(ingress.ip);
    }
  }
  for (const ServicePort& port : spec.ports) {
    out.ports.push_back({port.name, protocol_or_tcp(port.protocol), port.port, port.node_port});
  }
  out.affinity_seconds = affinity_seconds(spec);
  out.internal_local = spec.internal_traffic_policy == "Local";
  out.external_local = spec.external_traffic_policy == "Local";
  out.publish_not_ready = spec.publish_not_ready_addresses;
  if (spec.type == "LoadBalancer") out.source_ranges = spec.load_balancer_source_ranges;
  if (needs_health_check(spec)) out.health_check_port = spec.health_check_node_port;
  out.prefer_close = spec.traffic_distribution == "PreferClose";
  return out;
}

std::optional<NetworkSlice> network_slice(const Object& object) {
  const EndpointSlice& slice = as<EndpointSlice>(object);
  const std::string* service = map_find(object.meta.labels, kServiceNameLabel);
  if (service == nullptr || service->empty() || slice.address_type != "IPv4") return std::nullopt;
  NetworkSlice out;
  out.ns = object.meta.ns;
  out.name = object.meta.name;
  out.service = *service;
  for (const EndpointPort& port : slice.ports) {
    if (port.port) out.ports.push_back({port.name, protocol_or_tcp(port.protocol), *port.port});
  }
  for (const Endpoint& endpoint : slice.endpoints) {
    if (!endpoint.addresses.empty()) out.endpoints.push_back(network_endpoint(endpoint));
  }
  auto by_ip = [](const NetworkEndpoint& a, const NetworkEndpoint& b) { return a.ip < b.ip; };
  auto same_ip = [](const NetworkEndpoint& a, const NetworkEndpoint& b) { return a.ip == b.ip; };
  std::stable_sort(out.endpoints.begin(), out.endpoints.end(), by_ip);
  out.endpoints.erase(std::unique(out.endpoints.begin(), out.endpoints.end(), same_ip), out.endpoints.end());
  return out;
}

NetworkNode network_node(const Object& object) {
  const Node& node = as<Node>(object);
  NetworkNode out;
  out.name = object.meta.name;
  out.pod_cidr = node.spec.pod_cidr;
  out.ready = false;
  if (const std::string* zone = map_find(object.meta.labels, kZoneLabel)) out.zone = *zone;
  for (const NodeCondition& condition : node.status.conditions) {
    if (condition.type == "Ready") out.ready = condition.status == "True";
  }
  for (const NodeAddress& address : node.status.addresses) {
    if (address.type == "InternalIP" && out.address.empty()) out.address = address.address;
  }
  return out;
}

NetworkState empty_network(const NetworkRanges& ranges) {
  NetworkState out;
  out.cluster_domain = ranges.cluster_domain;
  out.cluster_cidr = ranges.cluster_cidr;
  out.service_cidr = ranges.service_cidr;
  out.dns_address = ranges.dns_address;
  out.announce = ranges.announce;
  return out;
}

NetworkState network_of(const Snapshot& view, const NetworkRanges& ranges) {
  NetworkState out = empty_network(ranges);
  for (const ObjectPtr& service : view.list(Kind::kService)) {
    out.services[service->meta.ns + "/" + service->meta.name] = network_service(*service);
  }
  for (const ObjectPtr& object : view.list(Kind::kEndpointSlice)) {
    std::optional<NetworkSlice> slice = network_slice(*object);
    if (slice) out.slices[slice->ns + "/" + slice->name] = std::move(*slice);
  }
  for (const ObjectPtr& node : view.list(Kind::kNode)) out.nodes[node->meta.name] = network_node(*node);
  for (const ObjectPtr& object : view.list(Kind::kNetworkPolicy)) {
    NetworkPolicyRules rules = resolve(read_policy(*object), view);
    out.policies[rules.ns + "/" + rules.name] = std::move(rules);
  }
  return out;
}

}  // namespace mainstay
