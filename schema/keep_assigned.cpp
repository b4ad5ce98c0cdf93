// What an update takes over from the object that it is stored over: see defaults.h. Every writer calls it: Git's apply
// and its search for drift, and the API's update, patch and apply.
#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

#include "schema/defaults.h"

namespace mainstay {
namespace {

void keep_priority(const PodSpec& old, PodSpec& next) {
  if (!next.priority) next.priority = old.priority;
  if (next.preemption_policy.empty()) next.preemption_policy = old.preemption_policy;
}

bool has_cluster_ip(const ServiceSpec& spec) { return spec.type != "ExternalName"; }

bool has_node_ports(const ServiceSpec& spec) {
  return spec.type == "NodePort" || spec.type == "LoadBalancer";
}

bool is_reached_from_outside(const ServiceSpec& spec) {
  return has_node_ports(spec) || (has_cluster_ip(spec) && !spec.external_ips.empty());
}

// The address is written twice, and most writers know of one place only.
void follow_changed_address(const ServiceSpec& old, ServiceSpec& next) {
  bool one = next.cluster_ip != old.cluster_ip, list = next.cluster_ips != old.cluster_ips;
  if (one == list) return;
  if (list) {
    next.cluster_ip = next.cluster_ips.empty() ? std::string() : next.cluster_ips.front();
  } else if (next.cluster_ip.empty()) {
    next.cluster_ips.clear();
  } else {
    if (next.cluster_ips.empty()) next.cluster_ips.emplace_back();
    next.cluster_ips.front() = next.cluster_ip;
  }
}

void keep_cluster_ip(const ServiceSpec& old, ServiceSpec& next) {
  if (!has_cluster_ip(old) || !has_cluster_ip(next)) return;
  if (next.cluster_ip.empty()) next.cluster_ip = old.cluster_ip;
  if (next.cluster_ips.empty() && next.cluster_ip == old.cluster_ip) next.cluster_ips = old.cluster_ips;
}

using NodePort = std::pair<int32_t, std::string_view>;  // number, protocol

NodePort node_port(const ServicePort& port, int32_t number) {
  return {number, port.protocol.empty() ? std::string_view("TCP") : std::string_view(port.protocol)};
}

std::set<NodePort> node_ports_of(const ServiceSpec& spec) {
  std::set<NodePort> out;
  for (const ServicePort& port : spec.ports) {
    if (port.node_port != 0) out.insert(node_port(port, port.node_port));
  }
  return out;
}

void keep_node_ports(const ServiceSpec& old, ServiceSpec& next) {
  if (!has_node_ports(old) || !has_node_ports(next)) return;
  std::set<NodePort> taken = node_ports_of(next);
  for (ServicePort& port : next.ports) {
    if (port.node_port != 0) continue;
    auto before = std::find_if(old.ports.begin(), old.ports.end(),
                               [&](const ServicePort& each) { return each.name == port.name; });
    if (before == old.ports.end() || before->node_port == 0) continue;
    if (taken.insert(node_port(port, before->node_port)).second) port.node_port = before->node_port;
  }
}

// A field that only the old type has, sent back as it was read, is no wish.
template <typename T>
void drop_if_same(const T& old, T& next) {
  if (next == old) next = T();
}

void drop_balancer_class(const ServiceSpec& old, ServiceSpec& next) {
  constexpr std::string_view kClass = "loadBalancerClass";
  const Value* before = old.carried ? old.carried->find(kClass) : nullptr;
  const Value* after = next.carried ? next.carried->find(kClass) : nullptr;
  if (before == nullptr || after == nullptr || !(*before == *after)) return;
  next.carried->erase(kClass);
  if (next.carried->as_map().empty()) next.carried.reset();
}

void drop_what_only_the_old_type_has(const ServiceSpec& old, ServiceSpec& next) {
  if (has_cluster_ip(old) && !has_cluster_ip(next)) {
    drop_if_same(old.cluster_ip, next.cluster_ip);
    drop_if_same(old.cluster_ips, next.cluster_ips);
    drop_if_same(old.ip_families, next.ip_families);
    drop_if_same(old.ip_family_policy, next.ip_family_policy);
    drop_if_same(old.internal_traffic_policy, next.internal_traffic_policy);
  }
  if (has_node_ports(old) && !has_node_ports(next)) {
    const std::set<NodePort> before = node_ports_of(old);
    for (ServicePort& port : next.ports) {
      if (before.count(node_port(port, port.node_port)) != 0) port.node_port = 0;
    }
  }
  if (needs_health_check(old) && !needs_health_check(next)) {
    drop_if_same(old.health_check_node_port, next.health_check_node_port);
  }
  if (is_reached_from_outside(old) && !is_reached_from_outside(next)) {
    drop_if_same(old.external_traffic_policy, next.external_traffic_policy);
  }
  if (old.type == "LoadBalancer" && next.type != "LoadBalancer") {
    drop_if_same(old.allocate_load_balancer_node_ports, next.allocate_load_balancer_node_ports);
    drop_balancer_class(old, next);
  }
}

void keep_service(const ServiceSpec& old, ServiceSpec& next) {
  follow_changed_address(old, next);
  keep_cluster_ip(old, next);
  keep_node_ports(old, next);
  if (needs_health_check(old) && needs_health_check(next) && next.health_check_node_port == 0) {
    next.health_check_node_port = old.health_check_node_port;
  }
  drop_what_only_the_old_type_has(old, next);
}

}  // namespace

void keep_assigned(const Object& old, Object& next) {
  if (next.kind == Kind::kPod) keep_priority(as<Pod>(old).spec, as<Pod>(next).spec);
  if (next.kind == Kind::kService) keep_service(as<Service>(old).spec, as<Service>(next).spec);
}

}  // namespace mainstay
