// Validation of Services. Source: Kubernetes core/validation.
#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "schema/validate_parts.h"

namespace mainstay {
namespace {

constexpr std::string_view kTypes[] = {"ClusterIP", "ExternalName", "LoadBalancer", "NodePort"};
constexpr std::string_view kAffinities[] = {"ClientIP", "None"};
constexpr std::string_view kPolicies[] = {"Cluster", "Local"};
constexpr std::string_view kFamilies[] = {"IPv4", "IPv6"};
constexpr std::string_view kFamilyPolicies[] = {"PreferDualStack", "RequireDualStack", "SingleStack"};
constexpr std::string_view kProtocols[] = {"SCTP", "TCP", "UDP"};
constexpr std::string_view kDistributions[] = {"PreferClose"};
constexpr std::string_view kBlockRule = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)";
constexpr int32_t kFirstNodePort = 30000, kLastNodePort = 32767;
constexpr int64_t kLongestAffinity = 86400;
constexpr std::string_view kBalancersOnly = "may only be used when `type` is 'LoadBalancer'";

bool has_node_ports(const ServiceSpec& spec) {
  return spec.type == "NodePort" || spec.type == "LoadBalancer";
}
bool is_headless(const ServiceSpec& spec) { return spec.cluster_ip == "None"; }

// An address and a prefix length, of either family.
bool is_block(const std::string& text) {
  size_t slash = text.find('/');
  if (slash == std::string::npos || !is_ip(text.substr(0, slash))) return false;
  std::string digits = text.substr(slash + 1);
  bool number = !digits.empty() && digits.size() <= 3 && digits.find_first_not_of("0123456789") == std::string::npos;
  return number && std::stoi(digits) <= (is_ipv4(text.substr(0, slash)) ? 32 : 128);
}

const Value* member_of(const Box<Value>& carried, std::string_view name) {
  return carried ? carried->find(name) : nullptr;
}

void validate_target(FieldErrors& errors, const Path& path, const IntOrString& target) {
  if (target.is_int()) {
    errors.port(path, target.number());
  } else {
    errors.problems(path, target.string(), port_name_problems(target.string()));
  }
}

void validate_node_port(FieldErrors& errors, const Path& path, const ServicePort& port,
                        const ServiceSpec& spec) {
  if (port.node_port == 0) return;
  if (!has_node_ports(spec)) {
    errors.forbidden(path, "may not be used when `type` is '" + spec.type + "'");
  } else if (port.node_port < kFirstNodePort || port.node_port > kLastNodePort) {
    errors.invalid(path, port.node_port,
                   "provided port is not in the valid range. The range of valid ports is 30000-32767");
  }
}

void validate_ports(FieldErrors& errors, const Path& path, const ServiceSpec& spec) {
  std::set<std::string_view> names;
  std::set<std::pair<int32_t, std::string_view>> ports, node_ports;
  for (size_t i = 0; i < spec.ports.size(); ++i) {
    const ServicePort& port = spec.ports[i];
    const Path here = path.index(i);
    if (port.name.empty()) {
      if (spec.ports.size() > 1) errors.required(here.field("name"));
    } else {
      errors.problems(here.field("name"), port.name, dns_label_problems(port.name));
      if (!names.insert(port.name).second) errors.duplicate(here.field("name"), port.name);
    }
    errors.port(here.field("port"), port.port);
    errors.one_of(here.field("protocol"), port.protocol, kProtocols);
    if (spec.type != "ExternalName") validate_target(errors, here.field("targetPort"), port.target_port);
    validate_node_port(errors, here.field("nodePort"), port, spec);
    validate_qualified(errors, here.field("appProtocol"), member_of(port.carried, "appProtocol"));
    if (!ports.insert({port.port, port.protocol}).second) {
      errors.duplicate_shown(
          here, "{\"protocol\":\"" + port.protocol + "\",\"port\":" + std::to_string(port.port) + "}");
    }
    if (port.node_port != 0 && !node_ports.insert({port.node_port, port.protocol}).second) {
      errors.duplicate_shown(here.field("nodePort"), std::to_string(port.node_port));
    }
  }
}

void validate_addresses(FieldErrors& errors, const Path& path, const ServiceSpec& spec) {
  const Path ips = path.field("clusterIPs");
  if (spec.type == "ExternalName") {
    if (!spec.cluster_ip.empty() || !spec.cluster_ips.empty()) {
      errors.forbidden(ips, "may not be set when `type` is 'ExternalName'");
    }
    return;
  }
  for (size_t i = 0; i < spec.cluster_ips.size(); ++i) {
    const std::string& ip = spec.cluster_ips[i];
    if (ip == "None" ? i > 0 : !is_ip(ip)) errors.invalid(ips.index(i), ip, kIpRule);
  }
  bool first_differs = !spec.cluster_ips.empty() && spec.cluster_ips[0] != spec.cluster_ip;
  if (first_differs) errors.invalid(ips, spec.cluster_ips[0], "first value must match `clusterIP`");
  if (is_headless(spec) && has_node_ports(spec)) {
    errors.invalid(ips.index(0), "None",
                   "may not be set to 'None' for " + spec.type + " services");
  }
  const Path external = path.field("externalIPs");
  for (size_t i = 0; i < spec.external_ips.size(); ++i) {
    validate_no_special(errors, external.index(i), spec.external_ips[i]);
  }
  if (!spec.ip_family_policy.empty()) {
    errors.one_of(path.field("ipFamilyPolicy"), spec.ip_family_policy, kFamilyPolicies);
  }
  const Path families = path.field("ipFamilies");
  for (size_t i = 0; i < spec.ip_families.size(); ++i) {
    errors.one_of(families.index(i), spec.ip_families[i], kFamilies);
  }
}

void validate_balancer_class(FieldErrors& errors, const Path& path, const ServiceSpec& spec) {
  const Value* name = member_of(spec.carried, "loadBalancerClass");
  if (spec.type == "LoadBalancer") {
    validate_qualified(errors, path, name);
  } else if (name != nullptr && !name->is_null()) {
    errors.forbidden(path, kBalancersOnly);
  }
}

void validate_policies(FieldErrors& errors, const Path& path, const ServiceSpec& spec) {
  errors.one_of(path.field("sessionAffinity"), spec.session_affinity, kAffinities);
  if (spec.session_affinity == "ClientIP" && spec.session_affinity_config &&
      spec.session_affinity_config->client_ip && spec.session_affinity_config->client_ip->timeout_seconds) {
    const Path config = path.field("sessionAffinityConfig");
    const Path client = config.field("clientIP");
    errors.in_range(client.field("timeoutSeconds"),
                    *spec.session_affinity_config->client_ip->timeout_seconds, 1, kLongestAffinity);
  }
  bool external = has_node_ports(spec) || (!spec.external_ips.empty() && spec.type != "ExternalName");
  const Path policy = path.field("externalTrafficPolicy");
  if (external) {
    errors.one_of(policy, spec.external_traffic_policy, kPolicies);
  } else if (!spec.external_traffic_policy.empty()) {
    errors.invalid(policy, spec.external_traffic_policy,
                   "may only be set for externally-accessible services");
  }
  if (!spec.internal_traffic_policy.empty()) {
    errors.one_of(path.field("internalTrafficPolicy"), spec.internal_traffic_policy, kPolicies);
  }
  if (spec.health_check_node_port != 0 && !needs_health_check(spec)) {
    errors.invalid(path.field("healthCheckNodePort"), spec.health_check_node_port,
                   "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'");
  } else if (spec.health_check_node_port != 0) {
    errors.port(path.field("healthCheckNodePort"), spec.health_check_node_port);
  }
  if (!spec.traffic_distribution.empty()) {
    errors.one_of(path.field("trafficDistribution"), spec.traffic_distribution, kDistributions);
  }
  const Path ranges = path.field("loadBalancerSourceRanges");
  if (!spec.load_balancer_source_ranges.empty() && spec.type != "LoadBalancer") {
    errors.forbidden(ranges, kBalancersOnly);
  }
  for (size_t i = 0; i < spec.load_balancer_source_ranges.size(); ++i) {
    const std::string& range = spec.load_balancer_source_ranges[i];
    if (!is_block(range)) errors.invalid(ranges.index(i), range, kBlockRule);
  }
  if (spec.allocate_load_balancer_node_ports && spec.type != "LoadBalancer") {
    errors.forbidden(path.field("allocateLoadBalancerNodePorts"), kBalancersOnly);
  }
}

}  // namespace

void validate_service(FieldErrors& errors, const ServiceSpec& spec) {
  const Path path("spec");
  if (spec.ports.empty() && !is_headless(spec) && spec.type != "ExternalName") {
    errors.required(path.field("ports"));
  }
  if (spec.type == "ExternalName") {
    std::string_view name = spec.external_name;
    if (name.ends_with('.')) name.remove_suffix(1);
    if (name.empty()) {
      errors.required(path.field("externalName"));
    } else {
      errors.problems(path.field("externalName"), spec.external_name, dns_subdomain_problems(name));
    }
  }
  validate_ports(errors, path.field("ports"), spec);
  validate_labels(errors, path.field("selector"), spec.selector);
  errors.one_of(path.field("type"), spec.type, kTypes);
  validate_addresses(errors, path, spec);
  validate_policies(errors, path, spec);
  validate_balancer_class(errors, path.field("loadBalancerClass"), spec);
}

}  // namespace mainstay
