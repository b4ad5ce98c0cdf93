// The kinds of objects we know: their names on the wire and the table of their fields. Kinds with behaviour
// have a C++ struct; all others are carried whole, and checked just as strictly. Constant; any thread.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "schema/descriptor.h"

namespace mainstay {

// The order is the order in which one commit's objects are applied: what others need comes first
// (Helm's and Argo CD's install order, so that plans read as people expect).
enum class Kind : uint8_t {
  kNamespace,
  kNode,
  kNetworkPolicy,
  kResourceQuota,
  kLimitRange,
  kPodDisruptionBudget,
  kServiceAccount,
  kSecret,
  kConfigMap,
  kPriorityClass,
  kRuntimeClass,
  kStorageClass,
  kPersistentVolume,
  kPersistentVolumeClaim,
  kCsiDriver,
  kCsiNode,
  kCsiStorageCapacity,
  kVolumeAttachment,
  kClusterRole,
  kClusterRoleBinding,
  kRole,
  kRoleBinding,
  kCertificateSigningRequest,
  kIpAddress,
  kServiceCidr,
  kService,
  kEndpoints,
  kEndpointSlice,
  kControllerRevision,
  kPodTemplate,
  kDaemonSet,
  kPod,
  kReplicationController,
  kReplicaSet,
  kDeployment,
  kHorizontalPodAutoscaler,
  kStatefulSet,
  kJob,
  kCronJob,
  kIngressClass,
  kIngress,
  kLease,
  kEvent,
  kApplication,
};
inline constexpr size_t kKindCount = static_cast<size_t>(Kind::kApplication) + 1;

struct KindInfo {
  Kind id;
  std::string_view group;        // "" for the core group
  std::string_view version;
  std::string_view kind;         // "ReplicaSet"
  std::string_view plural;       // "replicasets"
  std::string_view singular;     // "replicaset"
  std::span<const std::string_view> short_names;
  bool namespaced;
  bool in_all;                   // `kubectl get all` lists it
  bool has_status;               // has the status subresource
  const TypeDesc* type;          // all fields but apiVersion, kind and metadata
  bool typed() const { return type->size > 0; }
  // "apps/v1", "v1".
  std::string api_version() const {
    return group.empty() ? std::string(version) : std::string(group) + "/" + std::string(version);
  }
  // "deployments.apps", "pods": how Kubernetes' messages name the resource.
  std::string resource() const {
    return group.empty() ? std::string(plural) : std::string(plural) + "." + std::string(group);
  }
};

const KindInfo& kind_info(Kind kind);
// All kinds in the order of the enumeration.
std::span<const KindInfo> all_kinds();
// By what stands in a manifest; null if unknown. Events are also found under events.k8s.io/v1.
const KindInfo* find_kind(std::string_view api_version, std::string_view kind);
// By what stands in a URL; null if unknown.
const KindInfo* find_resource(std::string_view group, std::string_view version, std::string_view plural);

// What identifies an object. Ordered by kind, namespace, name. ns is "" for cluster-scoped kinds.
struct Key {
  Kind kind = Kind::kNamespace;
  std::string ns;
  std::string name;

  auto operator<=>(const Key&) const = default;
  // "Deployment default/web", "Node n1".
  std::string text() const;
};

}  // namespace mainstay

template <>
struct std::hash<mainstay::Key> {
  size_t operator()(const mainstay::Key& key) const noexcept {
    size_t h = std::hash<std::string>{}(key.name);
    h = h * 1000003 ^ std::hash<std::string>{}(key.ns);
    return h * 1000003 ^ static_cast<size_t>(key.kind);
  }
};
