// The list of kinds: one row each, in the order of the enumeration (checked at start of the first look-up).
#include <array>

#include "schema/base/ensure.h"
#include "schema/kind.h"
#include "schema/kinds/application.h"
#include "schema/kinds/apps.h"
#include "schema/kinds/config.h"
#include "schema/kinds/described.h"
#include "schema/kinds/event.h"
#include "schema/kinds/node.h"
#include "schema/kinds/pod.h"
#include "schema/kinds/service.h"

namespace mainstay {
namespace {

using Names = std::span<const std::string_view>;
constexpr std::string_view kNs[] = {"ns"}, kNo[] = {"no"}, kNetpol[] = {"netpol"}, kQuota[] = {"quota"},
                           kLimits[] = {"limits"}, kPdb[] = {"pdb"}, kSa[] = {"sa"}, kCm[] = {"cm"},
                           kPc[] = {"pc"}, kSc[] = {"sc"}, kPv[] = {"pv"}, kPvc[] = {"pvc"}, kCsr[] = {"csr"},
                           kIp[] = {"ip"}, kSvc[] = {"svc"}, kEp[] = {"ep"}, kDs[] = {"ds"}, kPo[] = {"po"},
                           kRc[] = {"rc"}, kRs[] = {"rs"}, kDeploy[] = {"deploy"}, kHpa[] = {"hpa"},
                           kSts[] = {"sts"}, kCj[] = {"cj"}, kIng[] = {"ing"}, kEv[] = {"ev"},
                           kApp[] = {"app", "apps"};
constexpr Names kNone{};
constexpr bool kNamespaced = true, kCluster = false, kAll = true, kStat = true;

constexpr std::string_view kRbac = "rbac.authorization.k8s.io", kStorage = "storage.k8s.io",
                           kNet = "networking.k8s.io";

constinit const std::array<KindInfo, kKindCount> kKinds = {{
    {Kind::kNamespace, "", "v1", "Namespace", "namespaces", "namespace", kNs, kCluster, !kAll, kStat,
     &Namespace::kType},
    {Kind::kNode, "", "v1", "Node", "nodes", "node", kNo, kCluster, !kAll, kStat, &Node::kType},
    {Kind::kNetworkPolicy, kNet, "v1", "NetworkPolicy", "networkpolicies", "networkpolicy", kNetpol,
     kNamespaced, !kAll, !kStat, &described::NetworkPolicy},
    {Kind::kResourceQuota, "", "v1", "ResourceQuota", "resourcequotas", "resourcequota", kQuota, kNamespaced,
     !kAll, kStat, &described::ResourceQuota},
    {Kind::kLimitRange, "", "v1", "LimitRange", "limitranges", "limitrange", kLimits, kNamespaced, !kAll,
     !kStat, &described::LimitRange},
    {Kind::kPodDisruptionBudget, "policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets",
     "poddisruptionbudget", kPdb, kNamespaced, !kAll, kStat, &described::PodDisruptionBudget},
    {Kind::kServiceAccount, "", "v1", "ServiceAccount", "serviceaccounts", "serviceaccount", kSa, kNamespaced,
     !kAll, !kStat, &ServiceAccount::kType},
    {Kind::kSecret, "", "v1", "Secret", "secrets", "secret", kNone, kNamespaced, !kAll, !kStat,
     &Secret::kType},
    {Kind::kConfigMap, "", "v1", "ConfigMap", "configmaps", "configmap", kCm, kNamespaced, !kAll, !kStat,
     &ConfigMap::kType},
    {Kind::kPriorityClass, "scheduling.k8s.io", "v1", "PriorityClass", "priorityclasses", "priorityclass", kPc,
     kCluster, !kAll, !kStat, &described::PriorityClass},
    {Kind::kRuntimeClass, "node.k8s.io", "v1", "RuntimeClass", "runtimeclasses", "runtimeclass", kNone,
     kCluster, !kAll, !kStat, &described::RuntimeClass},
    {Kind::kStorageClass, kStorage, "v1", "StorageClass", "storageclasses", "storageclass", kSc, kCluster,
     !kAll, !kStat, &described::StorageClass},
    {Kind::kPersistentVolume, "", "v1", "PersistentVolume", "persistentvolumes", "persistentvolume", kPv,
     kCluster, !kAll, kStat, &described::PersistentVolume},
    {Kind::kPersistentVolumeClaim, "", "v1", "PersistentVolumeClaim", "persistentvolumeclaims",
     "persistentvolumeclaim", kPvc, kNamespaced, !kAll, kStat, &described::PersistentVolumeClaim},
    {Kind::kCsiDriver, kStorage, "v1", "CSIDriver", "csidrivers", "csidriver", kNone, kCluster, !kAll, !kStat,
     &described::CSIDriver},
    {Kind::kCsiNode, kStorage, "v1", "CSINode", "csinodes", "csinode", kNone, kCluster, !kAll, !kStat,
     &described::CSINode},
    {Kind::kCsiStorageCapacity, kStorage, "v1", "CSIStorageCapacity", "csistoragecapacities",
     "csistoragecapacity", kNone, kNamespaced, !kAll, !kStat, &described::CSIStorageCapacity},
    {Kind::kVolumeAttachment, kStorage, "v1", "VolumeAttachment", "volumeattachments", "volumeattachment",
     kNone, kCluster, !kAll, kStat, &described::VolumeAttachment},
    {Kind::kClusterRole, kRbac, "v1", "ClusterRole", "clusterroles", "clusterrole", kNone, kCluster, !kAll,
     !kStat, &described::ClusterRole},
    {Kind::kClusterRoleBinding, kRbac, "v1", "ClusterRoleBinding", "clusterrolebindings",
     "clusterrolebinding", kNone, kCluster, !kAll, !kStat, &described::ClusterRoleBinding},
    {Kind::kRole, kRbac, "v1", "Role", "roles", "role", kNone, kNamespaced, !kAll, !kStat, &described::Role},
    {Kind::kRoleBinding, kRbac, "v1", "RoleBinding", "rolebindings", "rolebinding", kNone, kNamespaced, !kAll,
     !kStat, &described::RoleBinding},
    {Kind::kCertificateSigningRequest, "certificates.k8s.io", "v1", "CertificateSigningRequest",
     "certificatesigningrequests", "certificatesigningrequest", kCsr, kCluster, !kAll, kStat,
     &described::CertificateSigningRequest},
    {Kind::kIpAddress, kNet, "v1", "IPAddress", "ipaddresses", "ipaddress", kIp, kCluster, !kAll, !kStat,
     &described::IPAddress},
    {Kind::kServiceCidr, kNet, "v1", "ServiceCIDR", "servicecidrs", "servicecidr", kNone, kCluster, !kAll,
     kStat, &described::ServiceCIDR},
    {Kind::kService, "", "v1", "Service", "services", "service", kSvc, kNamespaced, kAll, kStat,
     &Service::kType},
    {Kind::kEndpoints, "", "v1", "Endpoints", "endpoints", "endpoints", kEp, kNamespaced, !kAll, !kStat,
     &described::Endpoints},
    {Kind::kEndpointSlice, "discovery.k8s.io", "v1", "EndpointSlice", "endpointslices", "endpointslice", kNone,
     kNamespaced, !kAll, !kStat, &EndpointSlice::kType},
    {Kind::kControllerRevision, "apps", "v1", "ControllerRevision", "controllerrevisions",
     "controllerrevision", kNone, kNamespaced, !kAll, !kStat, &described::ControllerRevision},
    {Kind::kPodTemplate, "", "v1", "PodTemplate", "podtemplates", "podtemplate", kNone, kNamespaced, !kAll,
     !kStat, &described::PodTemplate},
    {Kind::kDaemonSet, "apps", "v1", "DaemonSet", "daemonsets", "daemonset", kDs, kNamespaced, kAll, kStat,
     &described::DaemonSet},
    {Kind::kPod, "", "v1", "Pod", "pods", "pod", kPo, kNamespaced, kAll, kStat, &Pod::kType},
    {Kind::kReplicationController, "", "v1", "ReplicationController", "replicationcontrollers",
     "replicationcontroller", kRc, kNamespaced, kAll, kStat, &described::ReplicationController},
    {Kind::kReplicaSet, "apps", "v1", "ReplicaSet", "replicasets", "replicaset", kRs, kNamespaced, kAll, kStat,
     &ReplicaSet::kType},
    {Kind::kDeployment, "apps", "v1", "Deployment", "deployments", "deployment", kDeploy, kNamespaced, kAll,
     kStat, &Deployment::kType},
    {Kind::kHorizontalPodAutoscaler, "autoscaling", "v2", "HorizontalPodAutoscaler",
     "horizontalpodautoscalers", "horizontalpodautoscaler", kHpa, kNamespaced, kAll, kStat,
     &described::HorizontalPodAutoscaler},
    {Kind::kStatefulSet, "apps", "v1", "StatefulSet", "statefulsets", "statefulset", kSts, kNamespaced, kAll,
     kStat, &described::StatefulSet},
    {Kind::kJob, "batch", "v1", "Job", "jobs", "job", kNone, kNamespaced, kAll, kStat, &described::Job},
    {Kind::kCronJob, "batch", "v1", "CronJob", "cronjobs", "cronjob", kCj, kNamespaced, kAll, kStat,
     &described::CronJob},
    {Kind::kIngressClass, kNet, "v1", "IngressClass", "ingressclasses", "ingressclass", kNone, kCluster, !kAll,
     !kStat, &described::IngressClass},
    {Kind::kIngress, kNet, "v1", "Ingress", "ingresses", "ingress", kIng, kNamespaced, !kAll, kStat,
     &described::Ingress},
    {Kind::kLease, "coordination.k8s.io", "v1", "Lease", "leases", "lease", kNone, kNamespaced, !kAll, !kStat,
     &Lease::kType},
    {Kind::kEvent, "", "v1", "Event", "events", "event", kEv, kNamespaced, !kAll, !kStat, &Event::kType},
    {Kind::kApplication, "argoproj.io", "v1alpha1", "Application", "applications", "application", kApp,
     kNamespaced, !kAll, !kStat, &Application::kType},
}};

// True where `api_version` is group/version of `info`, without building a string.
bool has_api_version(const KindInfo& info, std::string_view api_version) {
  size_t slash = api_version.find('/');
  if (slash == std::string_view::npos) return info.group.empty() && info.version == api_version;
  return api_version.substr(0, slash) == info.group && api_version.substr(slash + 1) == info.version;
}

}  // namespace

const KindInfo& kind_info(Kind kind) {
  const KindInfo& info = kKinds[static_cast<size_t>(kind)];
  ENSURE(info.id == kind, "rows of the list of kinds stand in the order of the enumeration");
  return info;
}

std::span<const KindInfo> all_kinds() { return kKinds; }

const KindInfo* find_kind(std::string_view api_version, std::string_view kind) {
  if (kind == "Event" && api_version == "events.k8s.io/v1") return &kind_info(Kind::kEvent);
  for (const KindInfo& info : kKinds) {
    if (info.kind == kind && has_api_version(info, api_version)) return &info;
  }
  return nullptr;
}

const KindInfo* find_resource(std::string_view group, std::string_view version, std::string_view plural) {
  for (const KindInfo& info : kKinds) {
    if (info.plural == plural && info.group == group && info.version == version) return &info;
  }
  return nullptr;
}

std::string Key::text() const {
  std::string out(kind_info(kind).kind);
  out += ' ';
  if (!ns.empty()) out += ns + "/";
  return out + name;
}

}  // namespace mainstay
