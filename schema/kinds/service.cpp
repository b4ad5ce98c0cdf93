#include "schema/kinds/service.h"

#include <cstddef>

#include "schema/kinds/described.h"

namespace mainstay {
namespace {

constexpr FieldDesc kServicePortFields[] = {
    {"name", &kStringType, Card::kOne, 0, 1, "", "", NATIVE(ServicePort, name)},
    {"protocol", &kStringType, Card::kOne, 0, 2, "", "", NATIVE(ServicePort, protocol)},
    {"appProtocol", &kStringType, Card::kOne, 0, 6},
    {"port", &kInt32Type, Card::kOne, kRequired | kEmitZero, 3, "", "", NATIVE(ServicePort, port)},
    {"targetPort", &kIntOrStringType, Card::kOne, 0, 4, "", "", NATIVE(ServicePort, target_port)},
    {"nodePort", &kInt32Type, Card::kOne, 0, 5, "", "", NATIVE(ServicePort, node_port)},
};

constexpr FieldDesc kClientIPConfigFields[] = {
    {"timeoutSeconds", &kInt32Type, Card::kOne, 0, 1, "", "", NATIVE(ClientIPConfig, timeout_seconds)},
};

constexpr FieldDesc kSessionAffinityConfigFields[] = {
    {"clientIP", &ClientIPConfig::kType, Card::kOne, 0, 1, "", "",
      NATIVE(SessionAffinityConfig, client_ip)},
};

constexpr FieldDesc kServiceSpecFields[] = {
    {"ports", &ServicePort::kType, Card::kList, 0, 1, "port", "port,protocol", NATIVE(ServiceSpec, ports)},
    {"selector", &kStringType, Card::kMap, 0, 2, "", "", NATIVE(ServiceSpec, selector)},
    {"clusterIP", &kStringType, Card::kOne, 0, 3, "", "", NATIVE(ServiceSpec, cluster_ip)},
    {"clusterIPs", &kStringType, Card::kList, 0, 18, "", "", NATIVE(ServiceSpec, cluster_ips)},
    {"type", &kStringType, Card::kOne, 0, 4, "", "", NATIVE(ServiceSpec, type)},
    {"externalIPs", &kStringType, Card::kList, 0, 5, "", "", NATIVE(ServiceSpec, external_ips)},
    {"sessionAffinity", &kStringType, Card::kOne, 0, 7, "", "", NATIVE(ServiceSpec, session_affinity)},
    {"loadBalancerIP", &kStringType, Card::kOne, 0, 8},
    {"loadBalancerSourceRanges", &kStringType, Card::kList, 0, 9, "", "",
      NATIVE(ServiceSpec, load_balancer_source_ranges)},
    {"externalName", &kStringType, Card::kOne, 0, 10, "", "", NATIVE(ServiceSpec, external_name)},
    {"externalTrafficPolicy", &kStringType, Card::kOne, 0, 11, "", "",
      NATIVE(ServiceSpec, external_traffic_policy)},
    {"healthCheckNodePort", &kInt32Type, Card::kOne, 0, 12, "", "",
      NATIVE(ServiceSpec, health_check_node_port)},
    {"publishNotReadyAddresses", &kBoolType, Card::kOne, 0, 13, "", "",
      NATIVE(ServiceSpec, publish_not_ready_addresses)},
    {"sessionAffinityConfig", &SessionAffinityConfig::kType, Card::kOne, 0, 14, "", "",
      NATIVE(ServiceSpec, session_affinity_config)},
    {"ipFamilies", &kStringType, Card::kList, 0, 19, "", "", NATIVE(ServiceSpec, ip_families)},
    {"ipFamilyPolicy", &kStringType, Card::kOne, 0, 17, "", "", NATIVE(ServiceSpec, ip_family_policy)},
    {"allocateLoadBalancerNodePorts", &kBoolType, Card::kOne, 0, 20, "", "",
      NATIVE(ServiceSpec, allocate_load_balancer_node_ports)},
    {"loadBalancerClass", &kStringType, Card::kOne, 0, 21},
    {"internalTrafficPolicy", &kStringType, Card::kOne, 0, 22, "", "",
      NATIVE(ServiceSpec, internal_traffic_policy)},
    {"trafficDistribution", &kStringType, Card::kOne, 0, 23, "", "",
      NATIVE(ServiceSpec, traffic_distribution)},
};

constexpr FieldDesc kLoadBalancerIngressFields[] = {
    {"ip", &kStringType, Card::kOne, 0, 1, "", "", NATIVE(LoadBalancerIngress, ip)},
    {"hostname", &kStringType, Card::kOne, 0, 2, "", "", NATIVE(LoadBalancerIngress, hostname)},
    {"ipMode", &kStringType, Card::kOne, 0, 3},
    {"ports", &described::PortStatus, Card::kList, 0, 4},
};

constexpr FieldDesc kLoadBalancerStatusFields[] = {
    {"ingress", &LoadBalancerIngress::kType, Card::kList, 0, 1, "", "",
      NATIVE(LoadBalancerStatus, ingress)},
};

constexpr FieldDesc kServiceStatusFields[] = {
    {"loadBalancer", &LoadBalancerStatus::kType, Card::kOne, kEmitZero, 1, "", "",
      NATIVE(ServiceStatus, load_balancer)},
    {"conditions", &Condition::kType, Card::kList, 0, 2, "type", "type"},
};

constexpr FieldDesc kServiceFields[] = {
    {"spec", &ServiceSpec::kType, Card::kOne, 0, 2, "", "", NATIVE(Service, spec)},
    {"status", &ServiceStatus::kType, Card::kOne, kEmitZero | kStatus, 3, "", "", NATIVE(Service, status)},
};

constexpr FieldDesc kEndpointConditionsFields[] = {
    {"ready", &kBoolType, Card::kOne, 0, 1, "", "", NATIVE(EndpointConditions, ready)},
    {"serving", &kBoolType, Card::kOne, 0, 2, "", "", NATIVE(EndpointConditions, serving)},
    {"terminating", &kBoolType, Card::kOne, 0, 3, "", "", NATIVE(EndpointConditions, terminating)},
};

constexpr FieldDesc kEndpointFields[] = {
    {"addresses", &kStringType, Card::kList, kRequired | kEmitZero, 1, "", "", NATIVE(Endpoint, addresses)},
    {"conditions", &EndpointConditions::kType, Card::kOne, kEmitZero, 2, "", "",
      NATIVE(Endpoint, conditions)},
    {"hostname", &kStringType, Card::kOne, 0, 3, "", "", NATIVE(Endpoint, hostname)},
    {"targetRef", &ObjectReference::kType, Card::kOne, 0, 4, "", "", NATIVE(Endpoint, target_ref)},
    {"deprecatedTopology", &kStringType, Card::kMap, 0, 5},
    {"nodeName", &kStringType, Card::kOne, 0, 6, "", "", NATIVE(Endpoint, node_name)},
    {"zone", &kStringType, Card::kOne, 0, 7, "", "", NATIVE(Endpoint, zone)},
    {"hints", &described::EndpointHints, Card::kOne, 0, 8},
};

constexpr FieldDesc kEndpointPortFields[] = {
    {"name", &kStringType, Card::kOne, kEmitZero, 1, "", "", NATIVE(EndpointPort, name)},
    {"protocol", &kStringType, Card::kOne, 0, 2, "", "", NATIVE(EndpointPort, protocol)},
    {"port", &kInt32Type, Card::kOne, 0, 3, "", "", NATIVE(EndpointPort, port)},
    {"appProtocol", &kStringType, Card::kOne, 0, 4},
};

constexpr FieldDesc kEndpointSliceFields[] = {
    {"addressType", &kStringType, Card::kOne, kRequired | kEmitZero, 4, "", "",
      NATIVE(EndpointSlice, address_type)},
    {"endpoints", &Endpoint::kType, Card::kList, kRequired | kEmitZero, 2, "", "",
      NATIVE(EndpointSlice, endpoints)},
    {"ports", &EndpointPort::kType, Card::kList, kEmitZero, 3, "", "", NATIVE(EndpointSlice, ports)},
};

}  // namespace

constinit const TypeDesc ServicePort::kType =
    struct_type<ServicePort>("ServicePort", kServicePortFields);
constinit const TypeDesc ClientIPConfig::kType =
    struct_type<ClientIPConfig>("ClientIPConfig", kClientIPConfigFields);
constinit const TypeDesc SessionAffinityConfig::kType =
    struct_type<SessionAffinityConfig>("SessionAffinityConfig", kSessionAffinityConfigFields);
constinit const TypeDesc ServiceSpec::kType =
    struct_type<ServiceSpec>("ServiceSpec", kServiceSpecFields);
constinit const TypeDesc LoadBalancerIngress::kType =
    struct_type<LoadBalancerIngress>("LoadBalancerIngress", kLoadBalancerIngressFields);
constinit const TypeDesc LoadBalancerStatus::kType =
    struct_type<LoadBalancerStatus>("LoadBalancerStatus", kLoadBalancerStatusFields);
constinit const TypeDesc ServiceStatus::kType =
    struct_type<ServiceStatus>("ServiceStatus", kServiceStatusFields);
constinit const TypeDesc Service::kType =
    struct_type<Service>("Service", kServiceFields);
constinit const TypeDesc EndpointConditions::kType =
    struct_type<EndpointConditions>("EndpointConditions", kEndpointConditionsFields);
constinit const TypeDesc Endpoint::kType =
    struct_type<Endpoint>("Endpoint", kEndpointFields);
constinit const TypeDesc EndpointPort::kType =
    struct_type<EndpointPort>("EndpointPort", kEndpointPortFields);
constinit const TypeDesc EndpointSlice::kType =
    struct_type<EndpointSlice>("EndpointSlice", kEndpointSliceFields);

}  // namespace mainstay
