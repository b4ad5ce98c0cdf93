#include "schema/kinds/node.h"

#include <cstddef>

#include "schema/kinds/described.h"

namespace mainstay {
namespace {

constexpr FieldDesc kTaintFields[] = {
    {"key", &kStringType, Card::kOne, kRequired | kEmitZero, 1, "", "", NATIVE(Taint, key)},
    {"value", &kStringType, Card::kOne, 0, 2, "", "", NATIVE(Taint, value)},
    {"effect", &kStringType, Card::kOne, kRequired | kEmitZero, 3, "", "", NATIVE(Taint, effect)},
    {"timeAdded", &kTimeType, Card::kOne, 0, 4, "", "", NATIVE(Taint, time_added)},
};

constexpr FieldDesc kNodeSpecFields[] = {
    {"podCIDR", &kStringType, Card::kOne, 0, 1, "", "", NATIVE(NodeSpec, pod_cidr)},
    {"podCIDRs", &kStringType, Card::kList, kMergePrimitives, 7, "", "", NATIVE(NodeSpec, pod_cidrs)},
    {"providerID", &kStringType, Card::kOne, 0, 3, "", "", NATIVE(NodeSpec, provider_id)},
    {"unschedulable", &kBoolType, Card::kOne, 0, 4, "", "", NATIVE(NodeSpec, unschedulable)},
    {"taints", &Taint::kType, Card::kList, 0, 5, "", "", NATIVE(NodeSpec, taints)},
    {"configSource", &described::NodeConfigSource, Card::kOne, 0, 6},
    {"externalID", &kStringType, Card::kOne, 0, 2},
};

constexpr FieldDesc kNodeConditionFields[] = {
    {"type", &kStringType, Card::kOne, kRequired | kEmitZero, 1, "", "", NATIVE(NodeCondition, type)},
    {"status", &kStringType, Card::kOne, kRequired | kEmitZero, 2, "", "", NATIVE(NodeCondition, status)},
    {"lastHeartbeatTime", &kTimeType, Card::kOne, 0, 3, "", "", NATIVE(NodeCondition, last_heartbeat_time)},
    {"lastTransitionTime", &kTimeType, Card::kOne, 0, 4, "", "",
      NATIVE(NodeCondition, last_transition_time)},
    {"reason", &kStringType, Card::kOne, 0, 5, "", "", NATIVE(NodeCondition, reason)},
    {"message", &kStringType, Card::kOne, 0, 6, "", "", NATIVE(NodeCondition, message)},
};

constexpr FieldDesc kNodeAddressFields[] = {
    {"type", &kStringType, Card::kOne, kRequired | kEmitZero, 1, "", "", NATIVE(NodeAddress, type)},
    {"address", &kStringType, Card::kOne, kRequired | kEmitZero, 2, "", "", NATIVE(NodeAddress, address)},
};

constexpr FieldDesc kNodeSystemInfoFields[] = {
    {"machineID", &kStringType, Card::kOne, kRequired | kEmitZero, 1, "", "",
      NATIVE(NodeSystemInfo, machine_id)},
    {"systemUUID", &kStringType, Card::kOne, kRequired | kEmitZero, 2, "", "",
      NATIVE(NodeSystemInfo, system_uuid)},
    {"bootID", &kStringType, Card::kOne, kRequired | kEmitZero, 3, "", "", NATIVE(NodeSystemInfo, boot_id)},
    {"kernelVersion", &kStringType, Card::kOne, kRequired | kEmitZero, 4, "", "",
      NATIVE(NodeSystemInfo, kernel_version)},
    {"osImage", &kStringType, Card::kOne, kRequired | kEmitZero, 5, "", "",
      NATIVE(NodeSystemInfo, os_image)},
    {"containerRuntimeVersion", &kStringType, Card::kOne, kRequired | kEmitZero, 6, "", "",
      NATIVE(NodeSystemInfo, container_runtime_version)},
    {"kubeletVersion", &kStringType, Card::kOne, kRequired | kEmitZero, 7, "", "",
      NATIVE(NodeSystemInfo, kubelet_version)},
    {"kubeProxyVersion", &kStringType, Card::kOne, kRequired | kEmitZero, 8, "", "",
      NATIVE(NodeSystemInfo, kube_proxy_version)},
    {"operatingSystem", &kStringType, Card::kOne, kRequired | kEmitZero, 9, "", "",
      NATIVE(NodeSystemInfo, operating_system)},
    {"architecture", &kStringType, Card::kOne, kRequired | kEmitZero, 10, "", "",
      NATIVE(NodeSystemInfo, architecture)},
    {"swap", &described::NodeSwapStatus, Card::kOne, 0, 11},
};

constexpr FieldDesc kContainerImageFields[] = {
    {"names", &kStringType, Card::kList, 0, 1, "", "", NATIVE(ContainerImage, names)},
    {"sizeBytes", &kInt64Type, Card::kOne, 0, 2, "", "", NATIVE(ContainerImage, size_bytes)},
};

constexpr FieldDesc kNodeStatusFields[] = {
    {"capacity", &kQuantityType, Card::kMap, 0, 1, "", "", NATIVE(NodeStatus, capacity)},
    {"allocatable", &kQuantityType, Card::kMap, 0, 2, "", "", NATIVE(NodeStatus, allocatable)},
    {"phase", &kStringType, Card::kOne, 0, 3, "", "", NATIVE(NodeStatus, phase)},
    {"conditions", &NodeCondition::kType, Card::kList, 0, 4, "type", "type",
      NATIVE(NodeStatus, conditions)},
    {"addresses", &NodeAddress::kType, Card::kList, 0, 5, "type", "type", NATIVE(NodeStatus, addresses)},
    {"daemonEndpoints", &described::NodeDaemonEndpoints, Card::kOne, 0, 6},
    {"nodeInfo", &NodeSystemInfo::kType, Card::kOne, kEmitZero, 7, "", "", NATIVE(NodeStatus, node_info)},
    {"images", &ContainerImage::kType, Card::kList, 0, 8, "", "", NATIVE(NodeStatus, images)},
    {"volumesInUse", &kStringType, Card::kList, 0, 9},
    {"volumesAttached", &described::AttachedVolume, Card::kList, 0, 10},
    {"config", &described::NodeConfigStatus, Card::kOne, 0, 11},
    {"runtimeHandlers", &described::NodeRuntimeHandler, Card::kList, 0, 12},
    {"features", &described::NodeFeatures, Card::kOne, 0, 13},
};

constexpr FieldDesc kNodeFields[] = {
    {"spec", &NodeSpec::kType, Card::kOne, 0, 2, "", "", NATIVE(Node, spec)},
    {"status", &NodeStatus::kType, Card::kOne, kEmitZero | kStatus, 3, "", "", NATIVE(Node, status)},
};

constexpr FieldDesc kLeaseSpecFields[] = {
    {"holderIdentity", &kStringType, Card::kOne, 0, 1, "", "", NATIVE(LeaseSpec, holder_identity)},
    {"leaseDurationSeconds", &kInt32Type, Card::kOne, 0, 2, "", "",
      NATIVE(LeaseSpec, lease_duration_seconds)},
    {"acquireTime", &kMicroTimeType, Card::kOne, 0, 3, "", "", NATIVE(LeaseSpec, acquire_time)},
    {"renewTime", &kMicroTimeType, Card::kOne, 0, 4, "", "", NATIVE(LeaseSpec, renew_time)},
    {"leaseTransitions", &kInt32Type, Card::kOne, 0, 5, "", "", NATIVE(LeaseSpec, lease_transitions)},
    {"strategy", &kStringType, Card::kOne, 0, 6},
    {"preferredHolder", &kStringType, Card::kOne, 0, 7},
};

constexpr FieldDesc kLeaseFields[] = {
    {"spec", &LeaseSpec::kType, Card::kOne, 0, 2, "", "", NATIVE(Lease, spec)},
};

}  // namespace

constinit const TypeDesc Taint::kType =
    struct_type<Taint>("Taint", kTaintFields);
constinit const TypeDesc NodeSpec::kType =
    struct_type<NodeSpec>("NodeSpec", kNodeSpecFields);
constinit const TypeDesc NodeCondition::kType =
    struct_type<NodeCondition>("NodeCondition", kNodeConditionFields);
constinit const TypeDesc NodeAddress::kType =
    struct_type<NodeAddress>("NodeAddress", kNodeAddressFields);
constinit const TypeDesc NodeSystemInfo::kType =
    struct_type<NodeSystemInfo>("NodeSystemInfo", kNodeSystemInfoFields);
constinit const TypeDesc ContainerImage::kType =
    struct_type<ContainerImage>("ContainerImage", kContainerImageFields);
constinit const TypeDesc NodeStatus::kType =
    struct_type<NodeStatus>("NodeStatus", kNodeStatusFields);
constinit const TypeDesc Node::kType =
    struct_type<Node>("Node", kNodeFields);
constinit const TypeDesc LeaseSpec::kType =
    struct_type<LeaseSpec>("LeaseSpec", kLeaseSpecFields);
constinit const TypeDesc Lease::kType =
    struct_type<Lease>("Lease", kLeaseFields);

}  // namespace mainstay
