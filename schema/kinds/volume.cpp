#include "schema/kinds/volume.h"

#include <cstddef>

#include "schema/kinds/described.h"

namespace mainstay {
namespace {

constexpr FieldDesc kKeyToPathFields[] = {
    {"key", &kStringType, Card::kOne, kRequired | kEmitZero, 1, "", "", NATIVE(KeyToPath, key)},
    {"path", &kStringType, Card::kOne, kRequired | kEmitZero, 2, "", "", NATIVE(KeyToPath, path)},
    {"mode", &kInt32Type, Card::kOne, 0, 3, "", "", NATIVE(KeyToPath, mode)},
};

constexpr FieldDesc kHostPathVolumeSourceFields[] = {
    {"path", &kStringType, Card::kOne, kRequired | kEmitZero, 1, "", "",
      NATIVE(HostPathVolumeSource, path)},
    {"type", &kStringType, Card::kOne, 0, 2, "", "", NATIVE(HostPathVolumeSource, type)},
};

constexpr FieldDesc kEmptyDirVolumeSourceFields[] = {
    {"medium", &kStringType, Card::kOne, 0, 1, "", "", NATIVE(EmptyDirVolumeSource, medium)},
    {"sizeLimit", &kQuantityType, Card::kOne, 0, 2, "", "", NATIVE(EmptyDirVolumeSource, size_limit)},
};

constexpr FieldDesc kSecretVolumeSourceFields[] = {
    {"secretName", &kStringType, Card::kOne, 0, 1, "", "", NATIVE(SecretVolumeSource, secret_name)},
    {"items", &KeyToPath::kType, Card::kList, 0, 2, "", "", NATIVE(SecretVolumeSource, items)},
    {"defaultMode", &kInt32Type, Card::kOne, 0, 3, "", "", NATIVE(SecretVolumeSource, default_mode)},
    {"optional", &kBoolType, Card::kOne, 0, 4, "", "", NATIVE(SecretVolumeSource, optional)},
};

constexpr FieldDesc kConfigMapVolumeSourceFields[] = {
    {"name", &kStringType, Card::kOne, 0, 257, "", "", NATIVE(ConfigMapVolumeSource, name)},
    {"items", &KeyToPath::kType, Card::kList, 0, 2, "", "", NATIVE(ConfigMapVolumeSource, items)},
    {"defaultMode", &kInt32Type, Card::kOne, 0, 3, "", "", NATIVE(ConfigMapVolumeSource, default_mode)},
    {"optional", &kBoolType, Card::kOne, 0, 4, "", "", NATIVE(ConfigMapVolumeSource, optional)},
};

constexpr FieldDesc kDownwardAPIVolumeFileFields[] = {
    {"path", &kStringType, Card::kOne, kRequired | kEmitZero, 1, "", "",
      NATIVE(DownwardAPIVolumeFile, path)},
    {"fieldRef", &ObjectFieldSelector::kType, Card::kOne, 0, 2, "", "",
      NATIVE(DownwardAPIVolumeFile, field_ref)},
    {"resourceFieldRef", &ResourceFieldSelector::kType, Card::kOne, 0, 3, "", "",
      NATIVE(DownwardAPIVolumeFile, resource_field_ref)},
    {"mode", &kInt32Type, Card::kOne, 0, 4, "", "", NATIVE(DownwardAPIVolumeFile, mode)},
};

constexpr FieldDesc kDownwardAPIVolumeSourceFields[] = {
    {"items", &DownwardAPIVolumeFile::kType, Card::kList, 0, 1, "", "",
      NATIVE(DownwardAPIVolumeSource, items)},
    {"defaultMode", &kInt32Type, Card::kOne, 0, 2, "", "", NATIVE(DownwardAPIVolumeSource, default_mode)},
};

constexpr FieldDesc kSecretProjectionFields[] = {
    {"name", &kStringType, Card::kOne, 0, 257, "", "", NATIVE(SecretProjection, name)},
    {"items", &KeyToPath::kType, Card::kList, 0, 2, "", "", NATIVE(SecretProjection, items)},
    {"optional", &kBoolType, Card::kOne, 0, 4, "", "", NATIVE(SecretProjection, optional)},
};

constexpr FieldDesc kConfigMapProjectionFields[] = {
    {"name", &kStringType, Card::kOne, 0, 257, "", "", NATIVE(ConfigMapProjection, name)},
    {"items", &KeyToPath::kType, Card::kList, 0, 2, "", "", NATIVE(ConfigMapProjection, items)},
    {"optional", &kBoolType, Card::kOne, 0, 4, "", "", NATIVE(ConfigMapProjection, optional)},
};

constexpr FieldDesc kDownwardAPIProjectionFields[] = {
    {"items", &DownwardAPIVolumeFile::kType, Card::kList, 0, 1, "", "",
      NATIVE(DownwardAPIProjection, items)},
};

constexpr FieldDesc kServiceAccountTokenProjectionFields[] = {
    {"audience", &kStringType, Card::kOne, 0, 1, "", "", NATIVE(ServiceAccountTokenProjection, audience)},
    {"expirationSeconds", &kInt64Type, Card::kOne, 0, 2, "", "",
      NATIVE(ServiceAccountTokenProjection, expiration_seconds)},
    {"path", &kStringType, Card::kOne, kRequired | kEmitZero, 3, "", "",
      NATIVE(ServiceAccountTokenProjection, path)},
};

constexpr FieldDesc kVolumeProjectionFields[] = {
    {"secret", &SecretProjection::kType, Card::kOne, 0, 1, "", "", NATIVE(VolumeProjection, secret)},
    {"downwardAPI", &DownwardAPIProjection::kType, Card::kOne, 0, 2, "", "",
      NATIVE(VolumeProjection, downward_api)},
    {"configMap", &ConfigMapProjection::kType, Card::kOne, 0, 3, "", "",
      NATIVE(VolumeProjection, config_map)},
    {"serviceAccountToken", &ServiceAccountTokenProjection::kType, Card::kOne, 0, 4, "", "",
      NATIVE(VolumeProjection, service_account_token)},
    {"clusterTrustBundle", &described::ClusterTrustBundleProjection, Card::kOne, 0, 5},
};

constexpr FieldDesc kProjectedVolumeSourceFields[] = {
    {"sources", &VolumeProjection::kType, Card::kList, 0, 1, "", "", NATIVE(ProjectedVolumeSource, sources)},
    {"defaultMode", &kInt32Type, Card::kOne, 0, 2, "", "", NATIVE(ProjectedVolumeSource, default_mode)},
};

constexpr FieldDesc kVolumeFields[] = {
    {"name", &kStringType, Card::kOne, kRequired | kEmitZero, 1, "", "", NATIVE(Volume, name)},
    {"hostPath", &HostPathVolumeSource::kType, Card::kOne, 0, 513, "", "", NATIVE(Volume, host_path)},
    {"emptyDir", &EmptyDirVolumeSource::kType, Card::kOne, 0, 514, "", "", NATIVE(Volume, empty_dir)},
    {"gcePersistentDisk", &described::GCEPersistentDiskVolumeSource, Card::kOne, 0, 515},
    {"awsElasticBlockStore", &described::AWSElasticBlockStoreVolumeSource, Card::kOne, 0, 516},
    {"gitRepo", &described::GitRepoVolumeSource, Card::kOne, 0, 517},
    {"secret", &SecretVolumeSource::kType, Card::kOne, 0, 518, "", "", NATIVE(Volume, secret)},
    {"nfs", &described::NFSVolumeSource, Card::kOne, 0, 519},
    {"iscsi", &described::ISCSIVolumeSource, Card::kOne, 0, 520},
    {"glusterfs", &described::GlusterfsVolumeSource, Card::kOne, 0, 521},
    {"persistentVolumeClaim", &described::PersistentVolumeClaimVolumeSource, Card::kOne, 0, 522},
    {"rbd", &described::RBDVolumeSource, Card::kOne, 0, 523},
    {"flexVolume", &described::FlexVolumeSource, Card::kOne, 0, 524},
    {"cinder", &described::CinderVolumeSource, Card::kOne, 0, 525},
    {"cephfs", &described::CephFSVolumeSource, Card::kOne, 0, 526},
    {"flocker", &described::FlockerVolumeSource, Card::kOne, 0, 527},
    {"downwardAPI", &DownwardAPIVolumeSource::kType, Card::kOne, 0, 528, "", "",
      NATIVE(Volume, downward_api)},
    {"fc", &described::FCVolumeSource, Card::kOne, 0, 529},
    {"azureFile", &described::AzureFileVolumeSource, Card::kOne, 0, 530},
    {"configMap", &ConfigMapVolumeSource::kType, Card::kOne, 0, 531, "", "", NATIVE(Volume, config_map)},
    {"vsphereVolume", &described::VsphereVirtualDiskVolumeSource, Card::kOne, 0, 532},
    {"quobyte", &described::QuobyteVolumeSource, Card::kOne, 0, 533},
    {"azureDisk", &described::AzureDiskVolumeSource, Card::kOne, 0, 534},
    {"photonPersistentDisk", &described::PhotonPersistentDiskVolumeSource, Card::kOne, 0, 535},
    {"projected", &ProjectedVolumeSource::kType, Card::kOne, 0, 538, "", "", NATIVE(Volume, projected)},
    {"portworxVolume", &described::PortworxVolumeSource, Card::kOne, 0, 536},
    {"scaleIO", &described::ScaleIOVolumeSource, Card::kOne, 0, 537},
    {"storageos", &described::StorageOSVolumeSource, Card::kOne, 0, 539},
    {"csi", &described::CSIVolumeSource, Card::kOne, 0, 540},
    {"ephemeral", &described::EphemeralVolumeSource, Card::kOne, 0, 541},
    {"image", &described::ImageVolumeSource, Card::kOne, 0, 542},
};

}  // namespace

constinit const TypeDesc KeyToPath::kType =
    struct_type<KeyToPath>("KeyToPath", kKeyToPathFields);
constinit const TypeDesc HostPathVolumeSource::kType =
    struct_type<HostPathVolumeSource>("HostPathVolumeSource", kHostPathVolumeSourceFields);
constinit const TypeDesc EmptyDirVolumeSource::kType =
    struct_type<EmptyDirVolumeSource>("EmptyDirVolumeSource", kEmptyDirVolumeSourceFields);
constinit const TypeDesc SecretVolumeSource::kType =
    struct_type<SecretVolumeSource>("SecretVolumeSource", kSecretVolumeSourceFields);
constinit const TypeDesc ConfigMapVolumeSource::kType =
    struct_type<ConfigMapVolumeSource>("ConfigMapVolumeSource", kConfigMapVolumeSourceFields);
constinit const TypeDesc DownwardAPIVolumeFile::kType =
    struct_type<DownwardAPIVolumeFile>("DownwardAPIVolumeFile", kDownwardAPIVolumeFileFields);
constinit const TypeDesc DownwardAPIVolumeSource::kType =
    struct_type<DownwardAPIVolumeSource>("DownwardAPIVolumeSource", kDownwardAPIVolumeSourceFields);
constinit const TypeDesc SecretProjection::kType =
    struct_type<SecretProjection>("SecretProjection", kSecretProjectionFields);
constinit const TypeDesc ConfigMapProjection::kType =
    struct_type<ConfigMapProjection>("ConfigMapProjection", kConfigMapProjectionFields);
constinit const TypeDesc DownwardAPIProjection::kType =
    struct_type<DownwardAPIProjection>("DownwardAPIProjection", kDownwardAPIProjectionFields);
constinit const TypeDesc ServiceAccountTokenProjection::kType =
    struct_type<ServiceAccountTokenProjection>("ServiceAccountTokenProjection", kServiceAccountTokenProjectionFields);
constinit const TypeDesc VolumeProjection::kType =
    struct_type<VolumeProjection>("VolumeProjection", kVolumeProjectionFields);
constinit const TypeDesc ProjectedVolumeSource::kType =
    struct_type<ProjectedVolumeSource>("ProjectedVolumeSource", kProjectedVolumeSourceFields);
constinit const TypeDesc Volume::kType =
    struct_type<Volume>("Volume", kVolumeFields);

}  // namespace mainstay
