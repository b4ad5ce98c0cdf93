#include "schema/kinds/described.h"

#include "schema/kinds/container.h"
#include "schema/kinds/meta.h"
#include "schema/kinds/pod.h"

namespace mainstay {
namespace {

constexpr FieldDesc kTypedLocalObjectReferenceFields[] = {
    {"apiGroup", &kStringType, Card::kOne, 0, 1},
    {"kind", &kStringType, Card::kOne, kRequired, 2},
    {"name", &kStringType, Card::kOne, kRequired, 3},
};

constexpr FieldDesc kTypedObjectReferenceFields[] = {
    {"apiGroup", &kStringType, Card::kOne, 0, 1},
    {"kind", &kStringType, Card::kOne, 0, 2},
    {"name", &kStringType, Card::kOne, 0, 3},
    {"namespace", &kStringType, Card::kOne, 0, 4},
};

constexpr FieldDesc kResourceClaimFields[] = {
    {"name", &kStringType, Card::kOne, 0, 1},
    {"request", &kStringType, Card::kOne, 0, 2},
};

constexpr FieldDesc kContainerResizePolicyFields[] = {
    {"resourceName", &kStringType, Card::kOne, 0, 1},
    {"restartPolicy", &kStringType, Card::kOne, 0, 2},
};

constexpr FieldDesc kSELinuxOptionsFields[] = {
    {"user", &kStringType, Card::kOne, 0, 1},
    {"role", &kStringType, Card::kOne, 0, 2},
    {"type", &kStringType, Card::kOne, 0, 3},
    {"level", &kStringType, Card::kOne, 0, 4},
};

constexpr FieldDesc kWindowsSecurityContextOptionsFields[] = {
    {"gmsaCredentialSpecName", &kStringType, Card::kOne, 0, 1},
    {"gmsaCredentialSpec", &kStringType, Card::kOne, 0, 2},
    {"runAsUserName", &kStringType, Card::kOne, 0, 3},
    {"hostProcess", &kBoolType, Card::kOne, 0, 4},
};

constexpr FieldDesc kAppArmorProfileFields[] = {
    {"type", &kStringType, Card::kOne, 0, 1},
    {"localhostProfile", &kStringType, Card::kOne, 0, 2},
};

constexpr FieldDesc kEphemeralContainerFields[] = {
    {"name", &kStringType, Card::kOne, kRequired, 257},
    {"image", &kStringType, Card::kOne, 0, 258},
    {"command", &kStringType, Card::kList, 0, 259},
    {"args", &kStringType, Card::kList, 0, 260},
    {"workingDir", &kStringType, Card::kOne, 0, 261},
    {"ports", &ContainerPort::kType, Card::kList, 0, 262, "containerPort", "containerPort,protocol"},
    {"envFrom", &EnvFromSource::kType, Card::kList, 0, 275},
    {"env", &EnvVar::kType, Card::kList, 0, 263, "name", "name"},
    {"resources", &ResourceRequirements::kType, Card::kOne, 0, 264},
    {"resizePolicy", &described::ContainerResizePolicy, Card::kList, 0, 279},
    {"restartPolicy", &kStringType, Card::kOne, 0, 280},
    {"volumeMounts", &VolumeMount::kType, Card::kList, 0, 265, "mountPath", "mountPath"},
    {"volumeDevices", &described::VolumeDevice, Card::kList, 0, 277, "devicePath", "devicePath"},
    {"livenessProbe", &Probe::kType, Card::kOne, 0, 266},
    {"readinessProbe", &Probe::kType, Card::kOne, 0, 267},
    {"startupProbe", &Probe::kType, Card::kOne, 0, 278},
    {"lifecycle", &Lifecycle::kType, Card::kOne, 0, 268},
    {"terminationMessagePath", &kStringType, Card::kOne, 0, 269},
    {"terminationMessagePolicy", &kStringType, Card::kOne, 0, 276},
    {"imagePullPolicy", &kStringType, Card::kOne, 0, 270},
    {"securityContext", &SecurityContext::kType, Card::kOne, 0, 271},
    {"stdin", &kBoolType, Card::kOne, 0, 272},
    {"stdinOnce", &kBoolType, Card::kOne, 0, 273},
    {"tty", &kBoolType, Card::kOne, 0, 274},
    {"targetContainerName", &kStringType, Card::kOne, 0, 2},
};

constexpr FieldDesc kPodDNSConfigFields[] = {
    {"nameservers", &kStringType, Card::kList, 0, 1},
    {"searches", &kStringType, Card::kList, 0, 2},
    {"options", &described::PodDNSConfigOption, Card::kList, 0, 3},
};

constexpr FieldDesc kPodDNSConfigOptionFields[] = {
    {"name", &kStringType, Card::kOne, 0, 1},
    {"value", &kStringType, Card::kOne, 0, 2},
};

constexpr FieldDesc kPodOSFields[] = {
    {"name", &kStringType, Card::kOne, kRequired, 1},
};

constexpr FieldDesc kPodResourceClaimFields[] = {
    {"name", &kStringType, Card::kOne, 0, 1},
    {"resourceClaimName", &kStringType, Card::kOne, 0, 3},
    {"resourceClaimTemplateName", &kStringType, Card::kOne, 0, 4},
};

constexpr FieldDesc kEndpointsFields[] = {
    {"subsets", &described::EndpointSubset, Card::kList, 0, 2},
};

constexpr FieldDesc kEndpointSubsetFields[] = {
    {"addresses", &described::EndpointAddress, Card::kList, 0, 1},
    {"notReadyAddresses", &described::EndpointAddress, Card::kList, 0, 2},
    {"ports", &described::EndpointPort, Card::kList, 0, 3},
};

constexpr FieldDesc kEndpointAddressFields[] = {
    {"ip", &kStringType, Card::kOne, kRequired, 1},
    {"hostname", &kStringType, Card::kOne, 0, 3},
    {"nodeName", &kStringType, Card::kOne, 0, 4},
    {"targetRef", &ObjectReference::kType, Card::kOne, 0, 2},
};

constexpr FieldDesc kEndpointPortFields[] = {
    {"name", &kStringType, Card::kOne, 0, 1},
    {"port", &kInt32Type, Card::kOne, kRequired, 2},
    {"protocol", &kStringType, Card::kOne, 0, 3},
    {"appProtocol", &kStringType, Card::kOne, 0, 4},
};

constexpr FieldDesc kEventSeriesFields[] = {
    {"count", &kInt32Type, Card::kOne, 0, 1},
    {"lastObservedTime", &kMicroTimeType, Card::kOne, 0, 2},
};

constexpr FieldDesc kLimitRangeFields[] = {
    {"spec", &described::LimitRangeSpec, Card::kOne, 0, 2},
};

constexpr FieldDesc kLimitRangeSpecFields[] = {
    {"limits", &described::LimitRangeItem, Card::kList, kRequired, 1},
};

constexpr FieldDesc kLimitRangeItemFields[] = {
    {"type", &kStringType, Card::kOne, kRequired, 1},
    {"max", &kQuantityType, Card::kMap, 0, 2},
    {"min", &kQuantityType, Card::kMap, 0, 3},
    {"default", &kQuantityType, Card::kMap, 0, 4},
    {"defaultRequest", &kQuantityType, Card::kMap, 0, 5},
    {"maxLimitRequestRatio", &kQuantityType, Card::kMap, 0, 6},
};

constexpr FieldDesc kNodeDaemonEndpointsFields[] = {
    {"kubeletEndpoint", &described::DaemonEndpoint, Card::kOne, 0, 1},
};

constexpr FieldDesc kDaemonEndpointFields[] = {
    {"Port", &kInt32Type, Card::kOne, kRequired, 1},
};

constexpr FieldDesc kNodeSwapStatusFields[] = {
    {"capacity", &kInt64Type, Card::kOne, 0, 1},
};

constexpr FieldDesc kNodeConfigStatusFields[] = {
    {"assigned", &described::NodeConfigSource, Card::kOne, 0, 1},
    {"active", &described::NodeConfigSource, Card::kOne, 0, 2},
    {"lastKnownGood", &described::NodeConfigSource, Card::kOne, 0, 3},
    {"error", &kStringType, Card::kOne, 0, 4},
};

constexpr FieldDesc kNodeRuntimeHandlerFields[] = {
    {"name", &kStringType, Card::kOne, 0, 1},
    {"features", &described::NodeRuntimeHandlerFeatures, Card::kOne, 0, 2},
};

constexpr FieldDesc kNodeRuntimeHandlerFeaturesFields[] = {
    {"recursiveReadOnlyMounts", &kBoolType, Card::kOne, 0, 1},
    {"userNamespaces", &kBoolType, Card::kOne, 0, 2},
};

constexpr FieldDesc kNodeFeaturesFields[] = {
    {"supplementalGroupsPolicy", &kBoolType, Card::kOne, 0, 1},
};

constexpr FieldDesc kSecretReferenceFields[] = {
    {"name", &kStringType, Card::kOne, 0, 1},
    {"namespace", &kStringType, Card::kOne, 0, 2},
};

constexpr FieldDesc kContainerUserFields[] = {
    {"linux", &described::LinuxContainerUser, Card::kOne, 0, 1},
};

constexpr FieldDesc kLinuxContainerUserFields[] = {
    {"uid", &kInt64Type, Card::kOne, 0, 1},
    {"gid", &kInt64Type, Card::kOne, 0, 2},
    {"supplementalGroups", &kInt64Type, Card::kList, 0, 3},
};

constexpr FieldDesc kResourceStatusFields[] = {
    {"name", &kStringType, Card::kOne, 0, 1},
    {"resources", &described::ResourceHealth, Card::kList, 0, 2},
};

constexpr FieldDesc kResourceHealthFields[] = {
    {"resourceID", &kStringType, Card::kOne, 0, 1},
    {"health", &kStringType, Card::kOne, 0, 2},
};

constexpr FieldDesc kPodResourceClaimStatusFields[] = {
    {"name", &kStringType, Card::kOne, 0, 1},
    {"resourceClaimName", &kStringType, Card::kOne, 0, 2},
};

constexpr FieldDesc kPodTemplateFields[] = {
    {"template", &PodTemplateSpec::kType, Card::kOne, 0, 2},
};

constexpr FieldDesc kReplicationControllerFields[] = {
    {"spec", &described::ReplicationControllerSpec, Card::kOne, 0, 2},
    {"status", &described::ReplicationControllerStatus, Card::kOne, kStatus, 3},
};

constexpr FieldDesc kReplicationControllerSpecFields[] = {
    {"replicas", &kInt32Type, Card::kOne, 0, 1},
    {"minReadySeconds", &kInt32Type, Card::kOne, 0, 4},
    {"selector", &kStringType, Card::kMap, 0, 2},
    {"template", &PodTemplateSpec::kType, Card::kOne, 0, 3},
};

constexpr FieldDesc kReplicationControllerStatusFields[] = {
    {"replicas", &kInt32Type, Card::kOne, kRequired, 1},
    {"fullyLabeledReplicas", &kInt32Type, Card::kOne, 0, 2},
    {"readyReplicas", &kInt32Type, Card::kOne, 0, 4},
    {"availableReplicas", &kInt32Type, Card::kOne, 0, 5},
    {"observedGeneration", &kInt64Type, Card::kOne, 0, 3},
    {"conditions", &described::ReplicationControllerCondition, Card::kList, 0, 6, "type", "type"},
};

constexpr FieldDesc kReplicationControllerConditionFields[] = {
    {"type", &kStringType, Card::kOne, kRequired, 1},
    {"status", &kStringType, Card::kOne, kRequired, 2},
    {"lastTransitionTime", &kTimeType, Card::kOne, 0, 3},
    {"reason", &kStringType, Card::kOne, 0, 4},
    {"message", &kStringType, Card::kOne, 0, 5},
};

constexpr FieldDesc kResourceQuotaFields[] = {
    {"spec", &described::ResourceQuotaSpec, Card::kOne, 0, 2},
    {"status", &described::ResourceQuotaStatus, Card::kOne, kStatus, 3},
};

constexpr FieldDesc kResourceQuotaSpecFields[] = {
    {"hard", &kQuantityType, Card::kMap, 0, 1},
    {"scopes", &kStringType, Card::kList, 0, 2},
    {"scopeSelector", &described::ScopeSelector, Card::kOne, 0, 3},
};

constexpr FieldDesc kScopeSelectorFields[] = {
    {"matchExpressions", &described::ScopedResourceSelectorRequirement, Card::kList, 0, 1},
};

constexpr FieldDesc kScopedResourceSelectorRequirementFields[] = {
    {"scopeName", &kStringType, Card::kOne, kRequired, 1},
    {"operator", &kStringType, Card::kOne, kRequired, 2},
    {"values", &kStringType, Card::kList, 0, 3},
};

constexpr FieldDesc kResourceQuotaStatusFields[] = {
    {"hard", &kQuantityType, Card::kMap, 0, 1},
    {"used", &kQuantityType, Card::kMap, 0, 2},
};

constexpr FieldDesc kPortStatusFields[] = {
    {"port", &kInt32Type, Card::kOne, kRequired, 1},
    {"protocol", &kStringType, Card::kOne, kRequired, 2},
    {"error", &kStringType, Card::kOne, 0, 3},
};

constexpr FieldDesc kTopologySelectorTermFields[] = {
    {"matchLabelExpressions", &described::TopologySelectorLabelRequirement, Card::kList, 0, 1},
};

constexpr FieldDesc kTopologySelectorLabelRequirementFields[] = {
    {"key", &kStringType, Card::kOne, kRequired, 1},
    {"values", &kStringType, Card::kList, kRequired, 2},
};

}  // namespace

namespace described {

constinit const TypeDesc TypedLocalObjectReference{
    Shape::kStruct, "TypedLocalObjectReference", kTypedLocalObjectReferenceFields};
constinit const TypeDesc TypedObjectReference{Shape::kStruct, "TypedObjectReference", kTypedObjectReferenceFields};
constinit const TypeDesc ResourceClaim{Shape::kStruct, "ResourceClaim", kResourceClaimFields};
constinit const TypeDesc ContainerResizePolicy{Shape::kStruct, "ContainerResizePolicy", kContainerResizePolicyFields};
constinit const TypeDesc SELinuxOptions{Shape::kStruct, "SELinuxOptions", kSELinuxOptionsFields};
constinit const TypeDesc WindowsSecurityContextOptions{
    Shape::kStruct, "WindowsSecurityContextOptions", kWindowsSecurityContextOptionsFields};
constinit const TypeDesc AppArmorProfile{Shape::kStruct, "AppArmorProfile", kAppArmorProfileFields};
constinit const TypeDesc EphemeralContainer{Shape::kStruct, "EphemeralContainer", kEphemeralContainerFields};
constinit const TypeDesc PodDNSConfig{Shape::kStruct, "PodDNSConfig", kPodDNSConfigFields};
constinit const TypeDesc PodDNSConfigOption{Shape::kStruct, "PodDNSConfigOption", kPodDNSConfigOptionFields};
constinit const TypeDesc PodOS{Shape::kStruct, "PodOS", kPodOSFields};
constinit const TypeDesc PodResourceClaim{Shape::kStruct, "PodResourceClaim", kPodResourceClaimFields};
constinit const TypeDesc Endpoints{Shape::kStruct, "Endpoints", kEndpointsFields};
constinit const TypeDesc EndpointSubset{Shape::kStruct, "EndpointSubset", kEndpointSubsetFields};
constinit const TypeDesc EndpointAddress{Shape::kStruct, "EndpointAddress", kEndpointAddressFields};
constinit const TypeDesc EndpointPort{Shape::kStruct, "EndpointPort", kEndpointPortFields};
constinit const TypeDesc EventSeries{Shape::kStruct, "EventSeries", kEventSeriesFields};
constinit const TypeDesc LimitRange{Shape::kStruct, "LimitRange", kLimitRangeFields};
constinit const TypeDesc LimitRangeSpec{Shape::kStruct, "LimitRangeSpec", kLimitRangeSpecFields};
constinit const TypeDesc LimitRangeItem{Shape::kStruct, "LimitRangeItem", kLimitRangeItemFields};
constinit const TypeDesc NodeDaemonEndpoints{Shape::kStruct, "NodeDaemonEndpoints", kNodeDaemonEndpointsFields};
constinit const TypeDesc DaemonEndpoint{Shape::kStruct, "DaemonEndpoint", kDaemonEndpointFields};
constinit const TypeDesc NodeSwapStatus{Shape::kStruct, "NodeSwapStatus", kNodeSwapStatusFields};
constinit const TypeDesc NodeConfigStatus{Shape::kStruct, "NodeConfigStatus", kNodeConfigStatusFields};
constinit const TypeDesc NodeRuntimeHandler{Shape::kStruct, "NodeRuntimeHandler", kNodeRuntimeHandlerFields};
constinit const TypeDesc NodeRuntimeHandlerFeatures{
    Shape::kStruct, "NodeRuntimeHandlerFeatures", kNodeRuntimeHandlerFeaturesFields};
constinit const TypeDesc NodeFeatures{Shape::kStruct, "NodeFeatures", kNodeFeaturesFields};
constinit const TypeDesc SecretReference{Shape::kStruct, "SecretReference", kSecretReferenceFields};
constinit const TypeDesc ContainerUser{Shape::kStruct, "ContainerUser", kContainerUserFields};
constinit const TypeDesc LinuxContainerUser{Shape::kStruct, "LinuxContainerUser", kLinuxContainerUserFields};
constinit const TypeDesc ResourceStatus{Shape::kStruct, "ResourceStatus", kResourceStatusFields};
constinit const TypeDesc ResourceHealth{Shape::kStruct, "ResourceHealth", kResourceHealthFields};
constinit const TypeDesc PodResourceClaimStatus{
    Shape::kStruct, "PodResourceClaimStatus", kPodResourceClaimStatusFields};
constinit const TypeDesc PodTemplate{Shape::kStruct, "PodTemplate", kPodTemplateFields};
constinit const TypeDesc ReplicationController{Shape::kStruct, "ReplicationController", kReplicationControllerFields};
constinit const TypeDesc ReplicationControllerSpec{
    Shape::kStruct, "ReplicationControllerSpec", kReplicationControllerSpecFields};
constinit const TypeDesc ReplicationControllerStatus{
    Shape::kStruct, "ReplicationControllerStatus", kReplicationControllerStatusFields};
constinit const TypeDesc ReplicationControllerCondition{
    Shape::kStruct, "ReplicationControllerCondition", kReplicationControllerConditionFields};
constinit const TypeDesc ResourceQuota{Shape::kStruct, "ResourceQuota", kResourceQuotaFields};
constinit const TypeDesc ResourceQuotaSpec{Shape::kStruct, "ResourceQuotaSpec", kResourceQuotaSpecFields};
constinit const TypeDesc ScopeSelector{Shape::kStruct, "ScopeSelector", kScopeSelectorFields};
constinit const TypeDesc ScopedResourceSelectorRequirement{
    Shape::kStruct, "ScopedResourceSelectorRequirement", kScopedResourceSelectorRequirementFields};
constinit const TypeDesc ResourceQuotaStatus{Shape::kStruct, "ResourceQuotaStatus", kResourceQuotaStatusFields};
constinit const TypeDesc PortStatus{Shape::kStruct, "PortStatus", kPortStatusFields};
constinit const TypeDesc TopologySelectorTerm{Shape::kStruct, "TopologySelectorTerm", kTopologySelectorTermFields};
constinit const TypeDesc TopologySelectorLabelRequirement{
    Shape::kStruct, "TopologySelectorLabelRequirement", kTopologySelectorLabelRequirementFields};

}  // namespace described
}  // namespace mainstay
