#include "schema/kinds/described.h"

#include "schema/kinds/container.h"
#include "schema/kinds/meta.h"
#include "schema/kinds/pod.h"
#include "schema/kinds/volume.h"

namespace mainstay {
namespace {

constexpr FieldDesc kGCEPersistentDiskVolumeSourceFields[] = {
    {"pdName", &kStringType, Card::kOne, kRequired, 1},
    {"fsType", &kStringType, Card::kOne, 0, 2},
    {"partition", &kInt32Type, Card::kOne, 0, 3},
    {"readOnly", &kBoolType, Card::kOne, 0, 4},
};

constexpr FieldDesc kAWSElasticBlockStoreVolumeSourceFields[] = {
    {"volumeID", &kStringType, Card::kOne, kRequired, 1},
    {"fsType", &kStringType, Card::kOne, 0, 2},
    {"partition", &kInt32Type, Card::kOne, 0, 3},
    {"readOnly", &kBoolType, Card::kOne, 0, 4},
};

constexpr FieldDesc kGitRepoVolumeSourceFields[] = {
    {"repository", &kStringType, Card::kOne, kRequired, 1},
    {"revision", &kStringType, Card::kOne, 0, 2},
    {"directory", &kStringType, Card::kOne, 0, 3},
};

constexpr FieldDesc kNFSVolumeSourceFields[] = {
    {"server", &kStringType, Card::kOne, kRequired, 1},
    {"path", &kStringType, Card::kOne, kRequired, 2},
    {"readOnly", &kBoolType, Card::kOne, 0, 3},
};

constexpr FieldDesc kISCSIVolumeSourceFields[] = {
    {"targetPortal", &kStringType, Card::kOne, kRequired, 1},
    {"iqn", &kStringType, Card::kOne, kRequired, 2},
    {"lun", &kInt32Type, Card::kOne, kRequired, 3},
    {"iscsiInterface", &kStringType, Card::kOne, 0, 4},
    {"fsType", &kStringType, Card::kOne, 0, 5},
    {"readOnly", &kBoolType, Card::kOne, 0, 6},
    {"portals", &kStringType, Card::kList, 0, 7},
    {"chapAuthDiscovery", &kBoolType, Card::kOne, 0, 8},
    {"chapAuthSession", &kBoolType, Card::kOne, 0, 11},
    {"secretRef", &LocalObjectReference::kType, Card::kOne, 0, 10},
    {"initiatorName", &kStringType, Card::kOne, 0, 12},
};

constexpr FieldDesc kGlusterfsVolumeSourceFields[] = {
    {"endpoints", &kStringType, Card::kOne, kRequired, 1},
    {"path", &kStringType, Card::kOne, kRequired, 2},
    {"readOnly", &kBoolType, Card::kOne, 0, 3},
};

constexpr FieldDesc kPersistentVolumeClaimVolumeSourceFields[] = {
    {"claimName", &kStringType, Card::kOne, kRequired, 1},
    {"readOnly", &kBoolType, Card::kOne, 0, 2},
};

constexpr FieldDesc kRBDVolumeSourceFields[] = {
    {"monitors", &kStringType, Card::kList, kRequired, 1},
    {"image", &kStringType, Card::kOne, kRequired, 2},
    {"fsType", &kStringType, Card::kOne, 0, 3},
    {"pool", &kStringType, Card::kOne, 0, 4},
    {"user", &kStringType, Card::kOne, 0, 5},
    {"keyring", &kStringType, Card::kOne, 0, 6},
    {"secretRef", &LocalObjectReference::kType, Card::kOne, 0, 7},
    {"readOnly", &kBoolType, Card::kOne, 0, 8},
};

constexpr FieldDesc kFlexVolumeSourceFields[] = {
    {"driver", &kStringType, Card::kOne, kRequired, 1},
    {"fsType", &kStringType, Card::kOne, 0, 2},
    {"secretRef", &LocalObjectReference::kType, Card::kOne, 0, 3},
    {"readOnly", &kBoolType, Card::kOne, 0, 4},
    {"options", &kStringType, Card::kMap, 0, 5},
};

constexpr FieldDesc kCinderVolumeSourceFields[] = {
    {"volumeID", &kStringType, Card::kOne, kRequired, 1},
    {"fsType", &kStringType, Card::kOne, 0, 2},
    {"readOnly", &kBoolType, Card::kOne, 0, 3},
    {"secretRef", &LocalObjectReference::kType, Card::kOne, 0, 4},
};

constexpr FieldDesc kCephFSVolumeSourceFields[] = {
    {"monitors", &kStringType, Card::kList, kRequired, 1},
    {"path", &kStringType, Card::kOne, 0, 2},
    {"user", &kStringType, Card::kOne, 0, 3},
    {"secretFile", &kStringType, Card::kOne, 0, 4},
    {"secretRef", &LocalObjectReference::kType, Card::kOne, 0, 5},
    {"readOnly", &kBoolType, Card::kOne, 0, 6},
};

constexpr FieldDesc kFlockerVolumeSourceFields[] = {
    {"datasetName", &kStringType, Card::kOne, 0, 1},
    {"datasetUUID", &kStringType, Card::kOne, 0, 2},
};

constexpr FieldDesc kFCVolumeSourceFields[] = {
    {"targetWWNs", &kStringType, Card::kList, 0, 1},
    {"lun", &kInt32Type, Card::kOne, 0, 2},
    {"fsType", &kStringType, Card::kOne, 0, 3},
    {"readOnly", &kBoolType, Card::kOne, 0, 4},
    {"wwids", &kStringType, Card::kList, 0, 5},
};

constexpr FieldDesc kAzureFileVolumeSourceFields[] = {
    {"secretName", &kStringType, Card::kOne, kRequired, 1},
    {"shareName", &kStringType, Card::kOne, kRequired, 2},
    {"readOnly", &kBoolType, Card::kOne, 0, 3},
};

constexpr FieldDesc kVsphereVirtualDiskVolumeSourceFields[] = {
    {"volumePath", &kStringType, Card::kOne, kRequired, 1},
    {"fsType", &kStringType, Card::kOne, 0, 2},
    {"storagePolicyName", &kStringType, Card::kOne, 0, 3},
    {"storagePolicyID", &kStringType, Card::kOne, 0, 4},
};

constexpr FieldDesc kQuobyteVolumeSourceFields[] = {
    {"registry", &kStringType, Card::kOne, kRequired, 1},
    {"volume", &kStringType, Card::kOne, kRequired, 2},
    {"readOnly", &kBoolType, Card::kOne, 0, 3},
    {"user", &kStringType, Card::kOne, 0, 4},
    {"group", &kStringType, Card::kOne, 0, 5},
    {"tenant", &kStringType, Card::kOne, 0, 6},
};

constexpr FieldDesc kAzureDiskVolumeSourceFields[] = {
    {"diskName", &kStringType, Card::kOne, kRequired, 1},
    {"diskURI", &kStringType, Card::kOne, kRequired, 2},
    {"cachingMode", &kStringType, Card::kOne, 0, 3},
    {"fsType", &kStringType, Card::kOne, 0, 4},
    {"readOnly", &kBoolType, Card::kOne, 0, 5},
    {"kind", &kStringType, Card::kOne, 0, 6},
};

constexpr FieldDesc kPhotonPersistentDiskVolumeSourceFields[] = {
    {"pdID", &kStringType, Card::kOne, kRequired, 1},
    {"fsType", &kStringType, Card::kOne, 0, 2},
};

constexpr FieldDesc kClusterTrustBundleProjectionFields[] = {
    {"name", &kStringType, Card::kOne, 0, 1},
    {"signerName", &kStringType, Card::kOne, 0, 2},
    {"labelSelector", &LabelSelector::kType, Card::kOne, 0, 3},
    {"optional", &kBoolType, Card::kOne, 0, 5},
    {"path", &kStringType, Card::kOne, 0, 4},
};

constexpr FieldDesc kPortworxVolumeSourceFields[] = {
    {"volumeID", &kStringType, Card::kOne, kRequired, 1},
    {"fsType", &kStringType, Card::kOne, 0, 2},
    {"readOnly", &kBoolType, Card::kOne, 0, 3},
};

constexpr FieldDesc kScaleIOVolumeSourceFields[] = {
    {"gateway", &kStringType, Card::kOne, kRequired, 1},
    {"system", &kStringType, Card::kOne, kRequired, 2},
    {"secretRef", &LocalObjectReference::kType, Card::kOne, kRequired, 3},
    {"sslEnabled", &kBoolType, Card::kOne, 0, 4},
    {"protectionDomain", &kStringType, Card::kOne, 0, 5},
    {"storagePool", &kStringType, Card::kOne, 0, 6},
    {"storageMode", &kStringType, Card::kOne, 0, 7},
    {"volumeName", &kStringType, Card::kOne, 0, 8},
    {"fsType", &kStringType, Card::kOne, 0, 9},
    {"readOnly", &kBoolType, Card::kOne, 0, 10},
};

constexpr FieldDesc kStorageOSVolumeSourceFields[] = {
    {"volumeName", &kStringType, Card::kOne, 0, 1},
    {"volumeNamespace", &kStringType, Card::kOne, 0, 2},
    {"fsType", &kStringType, Card::kOne, 0, 3},
    {"readOnly", &kBoolType, Card::kOne, 0, 4},
    {"secretRef", &LocalObjectReference::kType, Card::kOne, 0, 5},
};

constexpr FieldDesc kCSIVolumeSourceFields[] = {
    {"driver", &kStringType, Card::kOne, kRequired, 1},
    {"readOnly", &kBoolType, Card::kOne, 0, 2},
    {"fsType", &kStringType, Card::kOne, 0, 3},
    {"volumeAttributes", &kStringType, Card::kMap, 0, 4},
    {"nodePublishSecretRef", &LocalObjectReference::kType, Card::kOne, 0, 5},
};

constexpr FieldDesc kEphemeralVolumeSourceFields[] = {
    {"volumeClaimTemplate", &described::PersistentVolumeClaimTemplate, Card::kOne, 0, 1},
};

constexpr FieldDesc kPersistentVolumeClaimTemplateFields[] = {
    {"metadata", &ObjectMeta::kType, Card::kOne, 0, 1},
    {"spec", &described::PersistentVolumeClaimSpec, Card::kOne, kRequired, 2},
};

constexpr FieldDesc kPersistentVolumeClaimSpecFields[] = {
    {"accessModes", &kStringType, Card::kList, 0, 1},
    {"selector", &LabelSelector::kType, Card::kOne, 0, 4},
    {"resources", &described::VolumeResourceRequirements, Card::kOne, 0, 2},
    {"volumeName", &kStringType, Card::kOne, 0, 3},
    {"storageClassName", &kStringType, Card::kOne, 0, 5},
    {"volumeMode", &kStringType, Card::kOne, 0, 6},
    {"dataSource", &described::TypedLocalObjectReference, Card::kOne, 0, 7},
    {"dataSourceRef", &described::TypedObjectReference, Card::kOne, 0, 8},
    {"volumeAttributesClassName", &kStringType, Card::kOne, 0, 9},
};

constexpr FieldDesc kVolumeResourceRequirementsFields[] = {
    {"limits", &kQuantityType, Card::kMap, 0, 1},
    {"requests", &kQuantityType, Card::kMap, 0, 2},
};

constexpr FieldDesc kImageVolumeSourceFields[] = {
    {"reference", &kStringType, Card::kOne, 0, 1},
    {"pullPolicy", &kStringType, Card::kOne, 0, 2},
};

constexpr FieldDesc kVolumeDeviceFields[] = {
    {"name", &kStringType, Card::kOne, kRequired, 1},
    {"devicePath", &kStringType, Card::kOne, kRequired, 2},
};

constexpr FieldDesc kPersistentVolumeClaimFields[] = {
    {"spec", &described::PersistentVolumeClaimSpec, Card::kOne, 0, 2},
    {"status", &described::PersistentVolumeClaimStatus, Card::kOne, kStatus, 3},
};

constexpr FieldDesc kPersistentVolumeClaimStatusFields[] = {
    {"phase", &kStringType, Card::kOne, 0, 1},
    {"accessModes", &kStringType, Card::kList, 0, 2},
    {"capacity", &kQuantityType, Card::kMap, 0, 3},
    {"conditions", &described::PersistentVolumeClaimCondition, Card::kList, 0, 4, "type", "type"},
    {"allocatedResources", &kQuantityType, Card::kMap, 0, 5},
    {"allocatedResourceStatuses", &kStringType, Card::kMap, 0, 7},
    {"currentVolumeAttributesClassName", &kStringType, Card::kOne, 0, 8},
    {"modifyVolumeStatus", &described::ModifyVolumeStatus, Card::kOne, 0, 9},
};

constexpr FieldDesc kPersistentVolumeClaimConditionFields[] = {
    {"type", &kStringType, Card::kOne, kRequired, 1},
    {"status", &kStringType, Card::kOne, kRequired, 2},
    {"lastProbeTime", &kTimeType, Card::kOne, 0, 3},
    {"lastTransitionTime", &kTimeType, Card::kOne, 0, 4},
    {"reason", &kStringType, Card::kOne, 0, 5},
    {"message", &kStringType, Card::kOne, 0, 6},
};

constexpr FieldDesc kModifyVolumeStatusFields[] = {
    {"targetVolumeAttributesClassName", &kStringType, Card::kOne, 0, 1},
    {"status", &kStringType, Card::kOne, 0, 2},
};

constexpr FieldDesc kNodeConfigSourceFields[] = {
    {"configMap", &described::ConfigMapNodeConfigSource, Card::kOne, 0, 2},
};

constexpr FieldDesc kConfigMapNodeConfigSourceFields[] = {
    {"namespace", &kStringType, Card::kOne, kRequired, 1},
    {"name", &kStringType, Card::kOne, kRequired, 2},
    {"uid", &kStringType, Card::kOne, 0, 3},
    {"resourceVersion", &kStringType, Card::kOne, 0, 4},
    {"kubeletConfigKey", &kStringType, Card::kOne, kRequired, 5},
};

constexpr FieldDesc kAttachedVolumeFields[] = {
    {"name", &kStringType, Card::kOne, kRequired, 1},
    {"devicePath", &kStringType, Card::kOne, kRequired, 2},
};

constexpr FieldDesc kPersistentVolumeFields[] = {
    {"spec", &described::PersistentVolumeSpec, Card::kOne, 0, 2},
    {"status", &described::PersistentVolumeStatus, Card::kOne, kStatus, 3},
};

constexpr FieldDesc kPersistentVolumeSpecFields[] = {
    {"capacity", &kQuantityType, Card::kMap, 0, 1},
    {"gcePersistentDisk", &described::GCEPersistentDiskVolumeSource, Card::kOne, 0, 513},
    {"awsElasticBlockStore", &described::AWSElasticBlockStoreVolumeSource, Card::kOne, 0, 514},
    {"hostPath", &HostPathVolumeSource::kType, Card::kOne, 0, 515},
    {"glusterfs", &described::GlusterfsPersistentVolumeSource, Card::kOne, 0, 516},
    {"nfs", &described::NFSVolumeSource, Card::kOne, 0, 517},
    {"rbd", &described::RBDPersistentVolumeSource, Card::kOne, 0, 518},
    {"iscsi", &described::ISCSIPersistentVolumeSource, Card::kOne, 0, 519},
    {"cinder", &described::CinderPersistentVolumeSource, Card::kOne, 0, 520},
    {"cephfs", &described::CephFSPersistentVolumeSource, Card::kOne, 0, 521},
    {"fc", &described::FCVolumeSource, Card::kOne, 0, 522},
    {"flocker", &described::FlockerVolumeSource, Card::kOne, 0, 523},
    {"flexVolume", &described::FlexPersistentVolumeSource, Card::kOne, 0, 524},
    {"azureFile", &described::AzureFilePersistentVolumeSource, Card::kOne, 0, 525},
    {"vsphereVolume", &described::VsphereVirtualDiskVolumeSource, Card::kOne, 0, 526},
    {"quobyte", &described::QuobyteVolumeSource, Card::kOne, 0, 527},
    {"azureDisk", &described::AzureDiskVolumeSource, Card::kOne, 0, 528},
    {"photonPersistentDisk", &described::PhotonPersistentDiskVolumeSource, Card::kOne, 0, 529},
    {"portworxVolume", &described::PortworxVolumeSource, Card::kOne, 0, 530},
    {"scaleIO", &described::ScaleIOPersistentVolumeSource, Card::kOne, 0, 531},
    {"local", &described::LocalVolumeSource, Card::kOne, 0, 532},
    {"storageos", &described::StorageOSPersistentVolumeSource, Card::kOne, 0, 533},
    {"csi", &described::CSIPersistentVolumeSource, Card::kOne, 0, 534},
    {"accessModes", &kStringType, Card::kList, 0, 3},
    {"claimRef", &ObjectReference::kType, Card::kOne, 0, 4},
    {"persistentVolumeReclaimPolicy", &kStringType, Card::kOne, 0, 5},
    {"storageClassName", &kStringType, Card::kOne, 0, 6},
    {"mountOptions", &kStringType, Card::kList, 0, 7},
    {"volumeMode", &kStringType, Card::kOne, 0, 8},
    {"nodeAffinity", &described::VolumeNodeAffinity, Card::kOne, 0, 9},
    {"volumeAttributesClassName", &kStringType, Card::kOne, 0, 10},
};

constexpr FieldDesc kGlusterfsPersistentVolumeSourceFields[] = {
    {"endpoints", &kStringType, Card::kOne, kRequired, 1},
    {"path", &kStringType, Card::kOne, kRequired, 2},
    {"readOnly", &kBoolType, Card::kOne, 0, 3},
    {"endpointsNamespace", &kStringType, Card::kOne, 0, 4},
};

constexpr FieldDesc kRBDPersistentVolumeSourceFields[] = {
    {"monitors", &kStringType, Card::kList, kRequired, 1},
    {"image", &kStringType, Card::kOne, kRequired, 2},
    {"fsType", &kStringType, Card::kOne, 0, 3},
    {"pool", &kStringType, Card::kOne, 0, 4},
    {"user", &kStringType, Card::kOne, 0, 5},
    {"keyring", &kStringType, Card::kOne, 0, 6},
    {"secretRef", &described::SecretReference, Card::kOne, 0, 7},
    {"readOnly", &kBoolType, Card::kOne, 0, 8},
};

constexpr FieldDesc kISCSIPersistentVolumeSourceFields[] = {
    {"targetPortal", &kStringType, Card::kOne, kRequired, 1},
    {"iqn", &kStringType, Card::kOne, kRequired, 2},
    {"lun", &kInt32Type, Card::kOne, kRequired, 3},
    {"iscsiInterface", &kStringType, Card::kOne, 0, 4},
    {"fsType", &kStringType, Card::kOne, 0, 5},
    {"readOnly", &kBoolType, Card::kOne, 0, 6},
    {"portals", &kStringType, Card::kList, 0, 7},
    {"chapAuthDiscovery", &kBoolType, Card::kOne, 0, 8},
    {"chapAuthSession", &kBoolType, Card::kOne, 0, 11},
    {"secretRef", &described::SecretReference, Card::kOne, 0, 10},
    {"initiatorName", &kStringType, Card::kOne, 0, 12},
};

constexpr FieldDesc kCinderPersistentVolumeSourceFields[] = {
    {"volumeID", &kStringType, Card::kOne, kRequired, 1},
    {"fsType", &kStringType, Card::kOne, 0, 2},
    {"readOnly", &kBoolType, Card::kOne, 0, 3},
    {"secretRef", &described::SecretReference, Card::kOne, 0, 4},
};

constexpr FieldDesc kCephFSPersistentVolumeSourceFields[] = {
    {"monitors", &kStringType, Card::kList, kRequired, 1},
    {"path", &kStringType, Card::kOne, 0, 2},
    {"user", &kStringType, Card::kOne, 0, 3},
    {"secretFile", &kStringType, Card::kOne, 0, 4},
    {"secretRef", &described::SecretReference, Card::kOne, 0, 5},
    {"readOnly", &kBoolType, Card::kOne, 0, 6},
};

constexpr FieldDesc kFlexPersistentVolumeSourceFields[] = {
    {"driver", &kStringType, Card::kOne, kRequired, 1},
    {"fsType", &kStringType, Card::kOne, 0, 2},
    {"secretRef", &described::SecretReference, Card::kOne, 0, 3},
    {"readOnly", &kBoolType, Card::kOne, 0, 4},
    {"options", &kStringType, Card::kMap, 0, 5},
};

constexpr FieldDesc kAzureFilePersistentVolumeSourceFields[] = {
    {"secretName", &kStringType, Card::kOne, kRequired, 1},
    {"shareName", &kStringType, Card::kOne, kRequired, 2},
    {"readOnly", &kBoolType, Card::kOne, 0, 3},
    {"secretNamespace", &kStringType, Card::kOne, 0, 4},
};

constexpr FieldDesc kScaleIOPersistentVolumeSourceFields[] = {
    {"gateway", &kStringType, Card::kOne, kRequired, 1},
    {"system", &kStringType, Card::kOne, kRequired, 2},
    {"secretRef", &described::SecretReference, Card::kOne, kRequired, 3},
    {"sslEnabled", &kBoolType, Card::kOne, 0, 4},
    {"protectionDomain", &kStringType, Card::kOne, 0, 5},
    {"storagePool", &kStringType, Card::kOne, 0, 6},
    {"storageMode", &kStringType, Card::kOne, 0, 7},
    {"volumeName", &kStringType, Card::kOne, 0, 8},
    {"fsType", &kStringType, Card::kOne, 0, 9},
    {"readOnly", &kBoolType, Card::kOne, 0, 10},
};

constexpr FieldDesc kLocalVolumeSourceFields[] = {
    {"path", &kStringType, Card::kOne, kRequired, 1},
    {"fsType", &kStringType, Card::kOne, 0, 2},
};

constexpr FieldDesc kStorageOSPersistentVolumeSourceFields[] = {
    {"volumeName", &kStringType, Card::kOne, 0, 1},
    {"volumeNamespace", &kStringType, Card::kOne, 0, 2},
    {"fsType", &kStringType, Card::kOne, 0, 3},
    {"readOnly", &kBoolType, Card::kOne, 0, 4},
    {"secretRef", &ObjectReference::kType, Card::kOne, 0, 5},
};

constexpr FieldDesc kCSIPersistentVolumeSourceFields[] = {
    {"driver", &kStringType, Card::kOne, kRequired, 1},
    {"volumeHandle", &kStringType, Card::kOne, kRequired, 2},
    {"readOnly", &kBoolType, Card::kOne, 0, 3},
    {"fsType", &kStringType, Card::kOne, 0, 4},
    {"volumeAttributes", &kStringType, Card::kMap, 0, 5},
    {"controllerPublishSecretRef", &described::SecretReference, Card::kOne, 0, 6},
    {"nodeStageSecretRef", &described::SecretReference, Card::kOne, 0, 7},
    {"nodePublishSecretRef", &described::SecretReference, Card::kOne, 0, 8},
    {"controllerExpandSecretRef", &described::SecretReference, Card::kOne, 0, 9},
    {"nodeExpandSecretRef", &described::SecretReference, Card::kOne, 0, 10},
};

constexpr FieldDesc kVolumeNodeAffinityFields[] = {
    {"required", &NodeSelector::kType, Card::kOne, 0, 1},
};

constexpr FieldDesc kPersistentVolumeStatusFields[] = {
    {"phase", &kStringType, Card::kOne, 0, 1},
    {"message", &kStringType, Card::kOne, 0, 2},
    {"reason", &kStringType, Card::kOne, 0, 3},
    {"lastPhaseTransitionTime", &kTimeType, Card::kOne, 0, 4},
};

constexpr FieldDesc kVolumeMountStatusFields[] = {
    {"name", &kStringType, Card::kOne, 0, 1},
    {"mountPath", &kStringType, Card::kOne, 0, 2},
    {"readOnly", &kBoolType, Card::kOne, 0, 3},
    {"recursiveReadOnly", &kStringType, Card::kOne, 0, 4},
};

}  // namespace

namespace described {

constinit const TypeDesc GCEPersistentDiskVolumeSource{
    Shape::kStruct, "GCEPersistentDiskVolumeSource", kGCEPersistentDiskVolumeSourceFields};
constinit const TypeDesc AWSElasticBlockStoreVolumeSource{
    Shape::kStruct, "AWSElasticBlockStoreVolumeSource", kAWSElasticBlockStoreVolumeSourceFields};
constinit const TypeDesc GitRepoVolumeSource{Shape::kStruct, "GitRepoVolumeSource", kGitRepoVolumeSourceFields};
constinit const TypeDesc NFSVolumeSource{Shape::kStruct, "NFSVolumeSource", kNFSVolumeSourceFields};
constinit const TypeDesc ISCSIVolumeSource{Shape::kStruct, "ISCSIVolumeSource", kISCSIVolumeSourceFields};
constinit const TypeDesc GlusterfsVolumeSource{Shape::kStruct, "GlusterfsVolumeSource", kGlusterfsVolumeSourceFields};
constinit const TypeDesc PersistentVolumeClaimVolumeSource{
    Shape::kStruct, "PersistentVolumeClaimVolumeSource", kPersistentVolumeClaimVolumeSourceFields};
constinit const TypeDesc RBDVolumeSource{Shape::kStruct, "RBDVolumeSource", kRBDVolumeSourceFields};
constinit const TypeDesc FlexVolumeSource{Shape::kStruct, "FlexVolumeSource", kFlexVolumeSourceFields};
constinit const TypeDesc CinderVolumeSource{Shape::kStruct, "CinderVolumeSource", kCinderVolumeSourceFields};
constinit const TypeDesc CephFSVolumeSource{Shape::kStruct, "CephFSVolumeSource", kCephFSVolumeSourceFields};
constinit const TypeDesc FlockerVolumeSource{Shape::kStruct, "FlockerVolumeSource", kFlockerVolumeSourceFields};
constinit const TypeDesc FCVolumeSource{Shape::kStruct, "FCVolumeSource", kFCVolumeSourceFields};
constinit const TypeDesc AzureFileVolumeSource{Shape::kStruct, "AzureFileVolumeSource", kAzureFileVolumeSourceFields};
constinit const TypeDesc VsphereVirtualDiskVolumeSource{
    Shape::kStruct, "VsphereVirtualDiskVolumeSource", kVsphereVirtualDiskVolumeSourceFields};
constinit const TypeDesc QuobyteVolumeSource{Shape::kStruct, "QuobyteVolumeSource", kQuobyteVolumeSourceFields};
constinit const TypeDesc AzureDiskVolumeSource{Shape::kStruct, "AzureDiskVolumeSource", kAzureDiskVolumeSourceFields};
constinit const TypeDesc PhotonPersistentDiskVolumeSource{
    Shape::kStruct, "PhotonPersistentDiskVolumeSource", kPhotonPersistentDiskVolumeSourceFields};
constinit const TypeDesc ClusterTrustBundleProjection{
    Shape::kStruct, "ClusterTrustBundleProjection", kClusterTrustBundleProjectionFields};
constinit const TypeDesc PortworxVolumeSource{Shape::kStruct, "PortworxVolumeSource", kPortworxVolumeSourceFields};
constinit const TypeDesc ScaleIOVolumeSource{Shape::kStruct, "ScaleIOVolumeSource", kScaleIOVolumeSourceFields};
constinit const TypeDesc StorageOSVolumeSource{Shape::kStruct, "StorageOSVolumeSource", kStorageOSVolumeSourceFields};
constinit const TypeDesc CSIVolumeSource{Shape::kStruct, "CSIVolumeSource", kCSIVolumeSourceFields};
constinit const TypeDesc EphemeralVolumeSource{Shape::kStruct, "EphemeralVolumeSource", kEphemeralVolumeSourceFields};
constinit const TypeDesc PersistentVolumeClaimTemplate{
    Shape::kStruct, "PersistentVolumeClaimTemplate", kPersistentVolumeClaimTemplateFields};
constinit const TypeDesc PersistentVolumeClaimSpec{
    Shape::kStruct, "PersistentVolumeClaimSpec", kPersistentVolumeClaimSpecFields};
constinit const TypeDesc VolumeResourceRequirements{
    Shape::kStruct, "VolumeResourceRequirements", kVolumeResourceRequirementsFields};
constinit const TypeDesc ImageVolumeSource{Shape::kStruct, "ImageVolumeSource", kImageVolumeSourceFields};
constinit const TypeDesc VolumeDevice{Shape::kStruct, "VolumeDevice", kVolumeDeviceFields};
constinit const TypeDesc PersistentVolumeClaim{Shape::kStruct, "PersistentVolumeClaim", kPersistentVolumeClaimFields};
constinit const TypeDesc PersistentVolumeClaimStatus{
    Shape::kStruct, "PersistentVolumeClaimStatus", kPersistentVolumeClaimStatusFields};
constinit const TypeDesc PersistentVolumeClaimCondition{
    Shape::kStruct, "PersistentVolumeClaimCondition", kPersistentVolumeClaimConditionFields};
constinit const TypeDesc ModifyVolumeStatus{Shape::kStruct, "ModifyVolumeStatus", kModifyVolumeStatusFields};
constinit const TypeDesc NodeConfigSource{Shape::kStruct, "NodeConfigSource", kNodeConfigSourceFields};
constinit const TypeDesc ConfigMapNodeConfigSource{
    Shape::kStruct, "ConfigMapNodeConfigSource", kConfigMapNodeConfigSourceFields};
constinit const TypeDesc AttachedVolume{Shape::kStruct, "AttachedVolume", kAttachedVolumeFields};
constinit const TypeDesc PersistentVolume{Shape::kStruct, "PersistentVolume", kPersistentVolumeFields};
constinit const TypeDesc PersistentVolumeSpec{Shape::kStruct, "PersistentVolumeSpec", kPersistentVolumeSpecFields};
constinit const TypeDesc GlusterfsPersistentVolumeSource{
    Shape::kStruct, "GlusterfsPersistentVolumeSource", kGlusterfsPersistentVolumeSourceFields};
constinit const TypeDesc RBDPersistentVolumeSource{
    Shape::kStruct, "RBDPersistentVolumeSource", kRBDPersistentVolumeSourceFields};
constinit const TypeDesc ISCSIPersistentVolumeSource{
    Shape::kStruct, "ISCSIPersistentVolumeSource", kISCSIPersistentVolumeSourceFields};
constinit const TypeDesc CinderPersistentVolumeSource{
    Shape::kStruct, "CinderPersistentVolumeSource", kCinderPersistentVolumeSourceFields};
constinit const TypeDesc CephFSPersistentVolumeSource{
    Shape::kStruct, "CephFSPersistentVolumeSource", kCephFSPersistentVolumeSourceFields};
constinit const TypeDesc FlexPersistentVolumeSource{
    Shape::kStruct, "FlexPersistentVolumeSource", kFlexPersistentVolumeSourceFields};
constinit const TypeDesc AzureFilePersistentVolumeSource{
    Shape::kStruct, "AzureFilePersistentVolumeSource", kAzureFilePersistentVolumeSourceFields};
constinit const TypeDesc ScaleIOPersistentVolumeSource{
    Shape::kStruct, "ScaleIOPersistentVolumeSource", kScaleIOPersistentVolumeSourceFields};
constinit const TypeDesc LocalVolumeSource{Shape::kStruct, "LocalVolumeSource", kLocalVolumeSourceFields};
constinit const TypeDesc StorageOSPersistentVolumeSource{
    Shape::kStruct, "StorageOSPersistentVolumeSource", kStorageOSPersistentVolumeSourceFields};
constinit const TypeDesc CSIPersistentVolumeSource{
    Shape::kStruct, "CSIPersistentVolumeSource", kCSIPersistentVolumeSourceFields};
constinit const TypeDesc VolumeNodeAffinity{Shape::kStruct, "VolumeNodeAffinity", kVolumeNodeAffinityFields};
constinit const TypeDesc PersistentVolumeStatus{
    Shape::kStruct, "PersistentVolumeStatus", kPersistentVolumeStatusFields};
constinit const TypeDesc VolumeMountStatus{Shape::kStruct, "VolumeMountStatus", kVolumeMountStatusFields};

}  // namespace described
}  // namespace mainstay
