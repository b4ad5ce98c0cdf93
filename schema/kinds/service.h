// Service and EndpointSlice: a name for pods, and where they are.
// Field names and meaning: the Kubernetes API, 1.33. Members not listed here
// are carried (schema/descriptor.h). Plain values; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "schema/descriptor.h"
#include "schema/kinds/meta.h"

namespace mainstay {

struct ServicePort {
  std::string name;
  std::string protocol;
  int32_t port = 0;
  IntOrString target_port;
  int32_t node_port = 0;
  Box<Value> carried;

  static const TypeDesc kType;
};

struct ClientIPConfig {
  std::optional<int32_t> timeout_seconds;

  static const TypeDesc kType;
};

struct SessionAffinityConfig {
  Box<ClientIPConfig> client_ip;

  static const TypeDesc kType;
};

struct ServiceSpec {
  std::vector<ServicePort> ports;
  StringMap selector;
  std::string cluster_ip;
  std::vector<std::string> cluster_ips;
  std::string type;
  std::vector<std::string> external_ips;
  std::string session_affinity;
  std::vector<std::string> load_balancer_source_ranges;
  std::string external_name;
  std::string external_traffic_policy;
  int32_t health_check_node_port = 0;
  bool publish_not_ready_addresses = false;
  Box<SessionAffinityConfig> session_affinity_config;
  std::vector<std::string> ip_families;
  std::string ip_family_policy;
  std::optional<bool> allocate_load_balancer_node_ports;
  std::string internal_traffic_policy;
  std::string traffic_distribution;
  Box<Value> carried;

  static const TypeDesc kType;
};

// Its load balancer asks nodes at spec.healthCheckNodePort whether they have an endpoint.
inline bool needs_health_check(const ServiceSpec& spec) {
  return spec.type == "LoadBalancer" && spec.external_traffic_policy == "Local";
}

struct LoadBalancerIngress {
  std::string ip;
  std::string hostname;
  Box<Value> carried;

  static const TypeDesc kType;
};

struct LoadBalancerStatus {
  std::vector<LoadBalancerIngress> ingress;

  static const TypeDesc kType;
};

struct ServiceStatus {
  LoadBalancerStatus load_balancer;
  Box<Value> carried;

  static const TypeDesc kType;
};

struct Service {
  ServiceSpec spec;
  ServiceStatus status;

  static const TypeDesc kType;
};

struct EndpointConditions {
  std::optional<bool> ready;
  std::optional<bool> serving;
  std::optional<bool> terminating;

  static const TypeDesc kType;
};

struct Endpoint {
  std::vector<std::string> addresses;
  EndpointConditions conditions;
  std::string hostname;
  Box<ObjectReference> target_ref;
  std::string node_name;
  std::string zone;
  Box<Value> carried;

  static const TypeDesc kType;
};

struct EndpointPort {
  std::string name;
  std::string protocol;
  std::optional<int32_t> port;
  Box<Value> carried;

  static const TypeDesc kType;
};

struct EndpointSlice {
  std::string address_type;
  std::vector<Endpoint> endpoints;
  std::vector<EndpointPort> ports;

  static const TypeDesc kType;
};

}  // namespace mainstay
