#include "schema/kinds/described.h"

#include "schema/kinds/meta.h"

namespace mainstay {
namespace {

constexpr FieldDesc kCertificateSigningRequestFields[] = {
    {"spec", &described::CertificateSigningRequestSpec, Card::kOne, kRequired, 2},
    {"status", &described::CertificateSigningRequestStatus, Card::kOne, kStatus, 3},
};

constexpr FieldDesc kCertificateSigningRequestSpecFields[] = {
    {"request", &kBytesType, Card::kOne, kRequired, 1},
    {"signerName", &kStringType, Card::kOne, kRequired, 7},
    {"expirationSeconds", &kInt32Type, Card::kOne, 0, 8},
    {"usages", &kStringType, Card::kList, 0, 5},
    {"username", &kStringType, Card::kOne, 0, 2},
    {"uid", &kStringType, Card::kOne, 0, 3},
    {"groups", &kStringType, Card::kList, 0, 4},
    {"extra", &kStringListType, Card::kMap, 0, 6},
};

constexpr FieldDesc kCertificateSigningRequestStatusFields[] = {
    {"conditions", &described::CertificateSigningRequestCondition, Card::kList, 0, 1, "", "type"},
    {"certificate", &kBytesType, Card::kOne, 0, 2},
};

constexpr FieldDesc kCertificateSigningRequestConditionFields[] = {
    {"type", &kStringType, Card::kOne, kRequired, 1},
    {"status", &kStringType, Card::kOne, kRequired, 6},
    {"reason", &kStringType, Card::kOne, 0, 2},
    {"message", &kStringType, Card::kOne, 0, 3},
    {"lastUpdateTime", &kTimeType, Card::kOne, 0, 4},
    {"lastTransitionTime", &kTimeType, Card::kOne, 0, 5},
};

constexpr FieldDesc kEndpointHintsFields[] = {
    {"forZones", &described::ForZone, Card::kList, 0, 1},
    {"forNodes", &described::ForNode, Card::kList, 0, 2},
};

constexpr FieldDesc kForZoneFields[] = {
    {"name", &kStringType, Card::kOne, kRequired, 1},
};

constexpr FieldDesc kForNodeFields[] = {
    {"name", &kStringType, Card::kOne, 0, 1},
};

constexpr FieldDesc kIPAddressFields[] = {
    {"spec", &described::IPAddressSpec, Card::kOne, 0, 2},
};

constexpr FieldDesc kIPAddressSpecFields[] = {
    {"parentRef", &described::ParentReference, Card::kOne, 0, 1},
};

constexpr FieldDesc kParentReferenceFields[] = {
    {"group", &kStringType, Card::kOne, 0, 1},
    {"resource", &kStringType, Card::kOne, 0, 2},
    {"namespace", &kStringType, Card::kOne, 0, 3},
    {"name", &kStringType, Card::kOne, 0, 4},
};

constexpr FieldDesc kIngressFields[] = {
    {"spec", &described::IngressSpec, Card::kOne, 0, 2},
    {"status", &described::IngressStatus, Card::kOne, kStatus, 3},
};

constexpr FieldDesc kIngressSpecFields[] = {
    {"ingressClassName", &kStringType, Card::kOne, 0, 4},
    {"defaultBackend", &described::IngressBackend, Card::kOne, 0, 1},
    {"tls", &described::IngressTLS, Card::kList, 0, 2},
    {"rules", &described::IngressRule, Card::kList, 0, 3},
};

constexpr FieldDesc kIngressBackendFields[] = {
    {"service", &described::IngressServiceBackend, Card::kOne, 0, 4},
    {"resource", &described::TypedLocalObjectReference, Card::kOne, 0, 3},
};

constexpr FieldDesc kIngressServiceBackendFields[] = {
    {"name", &kStringType, Card::kOne, kRequired, 1},
    {"port", &described::ServiceBackendPort, Card::kOne, 0, 2},
};

constexpr FieldDesc kServiceBackendPortFields[] = {
    {"name", &kStringType, Card::kOne, 0, 1},
    {"number", &kInt32Type, Card::kOne, 0, 2},
};

constexpr FieldDesc kIngressTLSFields[] = {
    {"hosts", &kStringType, Card::kList, 0, 1},
    {"secretName", &kStringType, Card::kOne, 0, 2},
};

constexpr FieldDesc kIngressRuleFields[] = {
    {"host", &kStringType, Card::kOne, 0, 1},
    {"http", &described::HTTPIngressRuleValue, Card::kOne, 0, 513},
};

constexpr FieldDesc kHTTPIngressRuleValueFields[] = {
    {"paths", &described::HTTPIngressPath, Card::kList, kRequired, 1},
};

constexpr FieldDesc kHTTPIngressPathFields[] = {
    {"path", &kStringType, Card::kOne, 0, 1},
    {"pathType", &kStringType, Card::kOne, kRequired, 3},
    {"backend", &described::IngressBackend, Card::kOne, kRequired, 2},
};

constexpr FieldDesc kIngressStatusFields[] = {
    {"loadBalancer", &described::IngressLoadBalancerStatus, Card::kOne, 0, 1},
};

constexpr FieldDesc kIngressLoadBalancerStatusFields[] = {
    {"ingress", &described::IngressLoadBalancerIngress, Card::kList, 0, 1},
};

constexpr FieldDesc kIngressLoadBalancerIngressFields[] = {
    {"ip", &kStringType, Card::kOne, 0, 1},
    {"hostname", &kStringType, Card::kOne, 0, 2},
    {"ports", &described::IngressPortStatus, Card::kList, 0, 4},
};

constexpr FieldDesc kIngressPortStatusFields[] = {
    {"port", &kInt32Type, Card::kOne, 0, 1},
    {"protocol", &kStringType, Card::kOne, 0, 2},
    {"error", &kStringType, Card::kOne, 0, 3},
};

constexpr FieldDesc kIngressClassFields[] = {
    {"spec", &described::IngressClassSpec, Card::kOne, 0, 2},
};

constexpr FieldDesc kIngressClassSpecFields[] = {
    {"controller", &kStringType, Card::kOne, 0, 1},
    {"parameters", &described::IngressClassParametersReference, Card::kOne, 0, 2},
};

constexpr FieldDesc kIngressClassParametersReferenceFields[] = {
    {"apiGroup", &kStringType, Card::kOne, 0, 0},
    {"kind", &kStringType, Card::kOne, kRequired, 2},
    {"name", &kStringType, Card::kOne, kRequired, 3},
    {"scope", &kStringType, Card::kOne, 0, 4},
    {"namespace", &kStringType, Card::kOne, 0, 5},
};

constexpr FieldDesc kNetworkPolicyFields[] = {
    {"spec", &described::NetworkPolicySpec, Card::kOne, 0, 2},
};

constexpr FieldDesc kNetworkPolicySpecFields[] = {
    {"podSelector", &LabelSelector::kType, Card::kOne, kRequired, 1},
    {"ingress", &described::NetworkPolicyIngressRule, Card::kList, 0, 2},
    {"egress", &described::NetworkPolicyEgressRule, Card::kList, 0, 3},
    {"policyTypes", &kStringType, Card::kList, 0, 4},
};

constexpr FieldDesc kNetworkPolicyIngressRuleFields[] = {
    {"ports", &described::NetworkPolicyPort, Card::kList, 0, 1},
    {"from", &described::NetworkPolicyPeer, Card::kList, 0, 2},
};

constexpr FieldDesc kNetworkPolicyPortFields[] = {
    {"protocol", &kStringType, Card::kOne, 0, 1},
    {"port", &kIntOrStringType, Card::kOne, 0, 2},
    {"endPort", &kInt32Type, Card::kOne, 0, 3},
};

constexpr FieldDesc kNetworkPolicyPeerFields[] = {
    {"podSelector", &LabelSelector::kType, Card::kOne, 0, 1},
    {"namespaceSelector", &LabelSelector::kType, Card::kOne, 0, 2},
    {"ipBlock", &described::IPBlock, Card::kOne, 0, 3},
};

constexpr FieldDesc kIPBlockFields[] = {
    {"cidr", &kStringType, Card::kOne, kRequired, 1},
    {"except", &kStringType, Card::kList, 0, 2},
};

constexpr FieldDesc kNetworkPolicyEgressRuleFields[] = {
    {"ports", &described::NetworkPolicyPort, Card::kList, 0, 1},
    {"to", &described::NetworkPolicyPeer, Card::kList, 0, 2},
};

constexpr FieldDesc kServiceCIDRFields[] = {
    {"spec", &described::ServiceCIDRSpec, Card::kOne, 0, 2},
    {"status", &described::ServiceCIDRStatus, Card::kOne, kStatus, 3},
};

constexpr FieldDesc kServiceCIDRSpecFields[] = {
    {"cidrs", &kStringType, Card::kList, 0, 1},
};

constexpr FieldDesc kServiceCIDRStatusFields[] = {
    {"conditions", &Condition::kType, Card::kList, 0, 1},
};

constexpr FieldDesc kClusterRoleFields[] = {
    {"rules", &described::PolicyRule, Card::kList, 0, 2},
    {"aggregationRule", &described::AggregationRule, Card::kOne, 0, 3},
};

constexpr FieldDesc kPolicyRuleFields[] = {
    {"verbs", &kStringType, Card::kList, kRequired, 1},
    {"apiGroups", &kStringType, Card::kList, 0, 2},
    {"resources", &kStringType, Card::kList, 0, 3},
    {"resourceNames", &kStringType, Card::kList, 0, 4},
    {"nonResourceURLs", &kStringType, Card::kList, 0, 5},
};

constexpr FieldDesc kAggregationRuleFields[] = {
    {"clusterRoleSelectors", &LabelSelector::kType, Card::kList, 0, 1},
};

constexpr FieldDesc kClusterRoleBindingFields[] = {
    {"subjects", &described::Subject, Card::kList, 0, 2},
    {"roleRef", &described::RoleRef, Card::kOne, kRequired, 3},
};

constexpr FieldDesc kSubjectFields[] = {
    {"kind", &kStringType, Card::kOne, kRequired, 1},
    {"apiGroup", &kStringType, Card::kOne, 0, 2},
    {"name", &kStringType, Card::kOne, kRequired, 3},
    {"namespace", &kStringType, Card::kOne, 0, 4},
};

constexpr FieldDesc kRoleRefFields[] = {
    {"apiGroup", &kStringType, Card::kOne, kRequired, 1},
    {"kind", &kStringType, Card::kOne, kRequired, 2},
    {"name", &kStringType, Card::kOne, kRequired, 3},
};

constexpr FieldDesc kRoleFields[] = {
    {"rules", &described::PolicyRule, Card::kList, 0, 2},
};

constexpr FieldDesc kRoleBindingFields[] = {
    {"subjects", &described::Subject, Card::kList, 0, 2},
    {"roleRef", &described::RoleRef, Card::kOne, kRequired, 3},
};

}  // namespace

namespace described {

constinit const TypeDesc CertificateSigningRequest{
    Shape::kStruct, "CertificateSigningRequest", kCertificateSigningRequestFields};
constinit const TypeDesc CertificateSigningRequestSpec{
    Shape::kStruct, "CertificateSigningRequestSpec", kCertificateSigningRequestSpecFields};
constinit const TypeDesc CertificateSigningRequestStatus{
    Shape::kStruct, "CertificateSigningRequestStatus", kCertificateSigningRequestStatusFields};
constinit const TypeDesc CertificateSigningRequestCondition{
    Shape::kStruct, "CertificateSigningRequestCondition", kCertificateSigningRequestConditionFields};
constinit const TypeDesc EndpointHints{Shape::kStruct, "EndpointHints", kEndpointHintsFields};
constinit const TypeDesc ForZone{Shape::kStruct, "ForZone", kForZoneFields};
constinit const TypeDesc ForNode{Shape::kStruct, "ForNode", kForNodeFields};
constinit const TypeDesc IPAddress{Shape::kStruct, "IPAddress", kIPAddressFields};
constinit const TypeDesc IPAddressSpec{Shape::kStruct, "IPAddressSpec", kIPAddressSpecFields};
constinit const TypeDesc ParentReference{Shape::kStruct, "ParentReference", kParentReferenceFields};
constinit const TypeDesc Ingress{Shape::kStruct, "Ingress", kIngressFields};
constinit const TypeDesc IngressSpec{Shape::kStruct, "IngressSpec", kIngressSpecFields};
constinit const TypeDesc IngressBackend{Shape::kStruct, "IngressBackend", kIngressBackendFields};
constinit const TypeDesc IngressServiceBackend{Shape::kStruct, "IngressServiceBackend", kIngressServiceBackendFields};
constinit const TypeDesc ServiceBackendPort{Shape::kStruct, "ServiceBackendPort", kServiceBackendPortFields};
constinit const TypeDesc IngressTLS{Shape::kStruct, "IngressTLS", kIngressTLSFields};
constinit const TypeDesc IngressRule{Shape::kStruct, "IngressRule", kIngressRuleFields};
constinit const TypeDesc HTTPIngressRuleValue{Shape::kStruct, "HTTPIngressRuleValue", kHTTPIngressRuleValueFields};
constinit const TypeDesc HTTPIngressPath{Shape::kStruct, "HTTPIngressPath", kHTTPIngressPathFields};
constinit const TypeDesc IngressStatus{Shape::kStruct, "IngressStatus", kIngressStatusFields};
constinit const TypeDesc IngressLoadBalancerStatus{
    Shape::kStruct, "IngressLoadBalancerStatus", kIngressLoadBalancerStatusFields};
constinit const TypeDesc IngressLoadBalancerIngress{
    Shape::kStruct, "IngressLoadBalancerIngress", kIngressLoadBalancerIngressFields};
constinit const TypeDesc IngressPortStatus{Shape::kStruct, "IngressPortStatus", kIngressPortStatusFields};
constinit const TypeDesc IngressClass{Shape::kStruct, "IngressClass", kIngressClassFields};
constinit const TypeDesc IngressClassSpec{Shape::kStruct, "IngressClassSpec", kIngressClassSpecFields};
constinit const TypeDesc IngressClassParametersReference{
    Shape::kStruct, "IngressClassParametersReference", kIngressClassParametersReferenceFields};
constinit const TypeDesc NetworkPolicy{Shape::kStruct, "NetworkPolicy", kNetworkPolicyFields};
constinit const TypeDesc NetworkPolicySpec{Shape::kStruct, "NetworkPolicySpec", kNetworkPolicySpecFields};
constinit const TypeDesc NetworkPolicyIngressRule{
    Shape::kStruct, "NetworkPolicyIngressRule", kNetworkPolicyIngressRuleFields};
constinit const TypeDesc NetworkPolicyPort{Shape::kStruct, "NetworkPolicyPort", kNetworkPolicyPortFields};
constinit const TypeDesc NetworkPolicyPeer{Shape::kStruct, "NetworkPolicyPeer", kNetworkPolicyPeerFields};
constinit const TypeDesc IPBlock{Shape::kStruct, "IPBlock", kIPBlockFields};
constinit const TypeDesc NetworkPolicyEgressRule{
    Shape::kStruct, "NetworkPolicyEgressRule", kNetworkPolicyEgressRuleFields};
constinit const TypeDesc ServiceCIDR{Shape::kStruct, "ServiceCIDR", kServiceCIDRFields};
constinit const TypeDesc ServiceCIDRSpec{Shape::kStruct, "ServiceCIDRSpec", kServiceCIDRSpecFields};
constinit const TypeDesc ServiceCIDRStatus{Shape::kStruct, "ServiceCIDRStatus", kServiceCIDRStatusFields};
constinit const TypeDesc ClusterRole{Shape::kStruct, "ClusterRole", kClusterRoleFields};
constinit const TypeDesc PolicyRule{Shape::kStruct, "PolicyRule", kPolicyRuleFields};
constinit const TypeDesc AggregationRule{Shape::kStruct, "AggregationRule", kAggregationRuleFields};
constinit const TypeDesc ClusterRoleBinding{Shape::kStruct, "ClusterRoleBinding", kClusterRoleBindingFields};
constinit const TypeDesc Subject{Shape::kStruct, "Subject", kSubjectFields};
constinit const TypeDesc RoleRef{Shape::kStruct, "RoleRef", kRoleRefFields};
constinit const TypeDesc Role{Shape::kStruct, "Role", kRoleFields};
constinit const TypeDesc RoleBinding{Shape::kStruct, "RoleBinding", kRoleBindingFields};

}  // namespace described
}  // namespace mainstay
