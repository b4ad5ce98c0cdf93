#include "schema/kinds/described.h"

#include "schema/kinds/meta.h"
#include "schema/kinds/pod.h"

namespace mainstay {
namespace {

constexpr FieldDesc kRuntimeClassFields[] = {
    {"handler", &kStringType, Card::kOne, kRequired, 2},
    {"overhead", &described::Overhead, Card::kOne, 0, 3},
    {"scheduling", &described::Scheduling, Card::kOne, 0, 4},
};

constexpr FieldDesc kOverheadFields[] = {
    {"podFixed", &kQuantityType, Card::kMap, 0, 1},
};

constexpr FieldDesc kSchedulingFields[] = {
    {"nodeSelector", &kStringType, Card::kMap, 0, 1},
    {"tolerations", &Toleration::kType, Card::kList, 0, 2},
};

constexpr FieldDesc kPriorityClassFields[] = {
    {"value", &kInt32Type, Card::kOne, kRequired, 2},
    {"globalDefault", &kBoolType, Card::kOne, 0, 3},
    {"description", &kStringType, Card::kOne, 0, 4},
    {"preemptionPolicy", &kStringType, Card::kOne, 0, 5},
};

constexpr FieldDesc kCSIDriverFields[] = {
    {"spec", &described::CSIDriverSpec, Card::kOne, kRequired, 2},
};

constexpr FieldDesc kCSIDriverSpecFields[] = {
    {"attachRequired", &kBoolType, Card::kOne, 0, 1},
    {"podInfoOnMount", &kBoolType, Card::kOne, 0, 2},
    {"volumeLifecycleModes", &kStringType, Card::kList, 0, 3},
    {"storageCapacity", &kBoolType, Card::kOne, 0, 4},
    {"fsGroupPolicy", &kStringType, Card::kOne, 0, 5},
    {"tokenRequests", &described::TokenRequest, Card::kList, 0, 6},
    {"requiresRepublish", &kBoolType, Card::kOne, 0, 7},
    {"seLinuxMount", &kBoolType, Card::kOne, 0, 8},
    {"nodeAllocatableUpdatePeriodSeconds", &kInt64Type, Card::kOne, 0, 9},
};

constexpr FieldDesc kTokenRequestFields[] = {
    {"audience", &kStringType, Card::kOne, kRequired, 1},
    {"expirationSeconds", &kInt64Type, Card::kOne, 0, 2},
};

constexpr FieldDesc kCSINodeFields[] = {
    {"spec", &described::CSINodeSpec, Card::kOne, kRequired, 2},
};

constexpr FieldDesc kCSINodeSpecFields[] = {
    {"drivers", &described::CSINodeDriver, Card::kList, kRequired, 1, "name", "name"},
};

constexpr FieldDesc kCSINodeDriverFields[] = {
    {"name", &kStringType, Card::kOne, kRequired, 1},
    {"nodeID", &kStringType, Card::kOne, kRequired, 2},
    {"topologyKeys", &kStringType, Card::kList, 0, 3},
    {"allocatable", &described::VolumeNodeResources, Card::kOne, 0, 4},
};

constexpr FieldDesc kVolumeNodeResourcesFields[] = {
    {"count", &kInt32Type, Card::kOne, 0, 1},
};

constexpr FieldDesc kCSIStorageCapacityFields[] = {
    {"nodeTopology", &LabelSelector::kType, Card::kOne, 0, 2},
    {"storageClassName", &kStringType, Card::kOne, kRequired, 3},
    {"capacity", &kQuantityType, Card::kOne, 0, 4},
    {"maximumVolumeSize", &kQuantityType, Card::kOne, 0, 5},
};

constexpr FieldDesc kStorageClassFields[] = {
    {"provisioner", &kStringType, Card::kOne, kRequired, 2},
    {"parameters", &kStringType, Card::kMap, 0, 3},
    {"reclaimPolicy", &kStringType, Card::kOne, 0, 4},
    {"mountOptions", &kStringType, Card::kList, 0, 5},
    {"allowVolumeExpansion", &kBoolType, Card::kOne, 0, 6},
    {"volumeBindingMode", &kStringType, Card::kOne, 0, 7},
    {"allowedTopologies", &described::TopologySelectorTerm, Card::kList, 0, 8},
};

constexpr FieldDesc kVolumeAttachmentFields[] = {
    {"spec", &described::VolumeAttachmentSpec, Card::kOne, kRequired, 2},
    {"status", &described::VolumeAttachmentStatus, Card::kOne, kStatus, 3},
};

constexpr FieldDesc kVolumeAttachmentSpecFields[] = {
    {"attacher", &kStringType, Card::kOne, kRequired, 1},
    {"source", &described::VolumeAttachmentSource, Card::kOne, kRequired, 2},
    {"nodeName", &kStringType, Card::kOne, kRequired, 3},
};

constexpr FieldDesc kVolumeAttachmentSourceFields[] = {
    {"persistentVolumeName", &kStringType, Card::kOne, 0, 1},
    {"inlineVolumeSpec", &described::PersistentVolumeSpec, Card::kOne, 0, 2},
};

constexpr FieldDesc kVolumeAttachmentStatusFields[] = {
    {"attached", &kBoolType, Card::kOne, kRequired, 1},
    {"attachmentMetadata", &kStringType, Card::kMap, 0, 2},
    {"attachError", &described::VolumeError, Card::kOne, 0, 3},
    {"detachError", &described::VolumeError, Card::kOne, 0, 4},
};

constexpr FieldDesc kVolumeErrorFields[] = {
    {"time", &kTimeType, Card::kOne, 0, 1},
    {"message", &kStringType, Card::kOne, 0, 2},
    {"errorCode", &kInt32Type, Card::kOne, 0, 3},
};

}  // namespace

namespace described {

constinit const TypeDesc RuntimeClass{Shape::kStruct, "RuntimeClass", kRuntimeClassFields};
constinit const TypeDesc Overhead{Shape::kStruct, "Overhead", kOverheadFields};
constinit const TypeDesc Scheduling{Shape::kStruct, "Scheduling", kSchedulingFields};
constinit const TypeDesc PriorityClass{Shape::kStruct, "PriorityClass", kPriorityClassFields};
constinit const TypeDesc CSIDriver{Shape::kStruct, "CSIDriver", kCSIDriverFields};
constinit const TypeDesc CSIDriverSpec{Shape::kStruct, "CSIDriverSpec", kCSIDriverSpecFields};
constinit const TypeDesc TokenRequest{Shape::kStruct, "TokenRequest", kTokenRequestFields};
constinit const TypeDesc CSINode{Shape::kStruct, "CSINode", kCSINodeFields};
constinit const TypeDesc CSINodeSpec{Shape::kStruct, "CSINodeSpec", kCSINodeSpecFields};
constinit const TypeDesc CSINodeDriver{Shape::kStruct, "CSINodeDriver", kCSINodeDriverFields};
constinit const TypeDesc VolumeNodeResources{Shape::kStruct, "VolumeNodeResources", kVolumeNodeResourcesFields};
constinit const TypeDesc CSIStorageCapacity{Shape::kStruct, "CSIStorageCapacity", kCSIStorageCapacityFields};
constinit const TypeDesc StorageClass{Shape::kStruct, "StorageClass", kStorageClassFields};
constinit const TypeDesc VolumeAttachment{Shape::kStruct, "VolumeAttachment", kVolumeAttachmentFields};
constinit const TypeDesc VolumeAttachmentSpec{Shape::kStruct, "VolumeAttachmentSpec", kVolumeAttachmentSpecFields};
constinit const TypeDesc VolumeAttachmentSource{
    Shape::kStruct, "VolumeAttachmentSource", kVolumeAttachmentSourceFields};
constinit const TypeDesc VolumeAttachmentStatus{
    Shape::kStruct, "VolumeAttachmentStatus", kVolumeAttachmentStatusFields};
constinit const TypeDesc VolumeError{Shape::kStruct, "VolumeError", kVolumeErrorFields};

}  // namespace described
}  // namespace mainstay
