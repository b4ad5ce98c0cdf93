#include "schema/kinds/pod.h"

#include <cstddef>

#include "schema/kinds/described.h"

namespace mainstay {
namespace {

constexpr FieldDesc kSysctlFields[] = {
    {"name", &kStringType, Card::kOne, kRequired | kEmitZero, 1, "", "", NATIVE(Sysctl, name)},
    {"value", &kStringType, Card::kOne, kRequired | kEmitZero, 2, "", "", NATIVE(Sysctl, value)},
};

constexpr FieldDesc kPodSecurityContextFields[] = {
    {"seLinuxOptions", &described::SELinuxOptions, Card::kOne, 0, 1},
    {"windowsOptions", &described::WindowsSecurityContextOptions, Card::kOne, 0, 8},
    {"runAsUser", &kInt64Type, Card::kOne, 0, 2, "", "", NATIVE(PodSecurityContext, run_as_user)},
    {"runAsGroup", &kInt64Type, Card::kOne, 0, 6, "", "", NATIVE(PodSecurityContext, run_as_group)},
    {"runAsNonRoot", &kBoolType, Card::kOne, 0, 3, "", "", NATIVE(PodSecurityContext, run_as_non_root)},
    {"supplementalGroups", &kInt64Type, Card::kList, 0, 4, "", "",
      NATIVE(PodSecurityContext, supplemental_groups)},
    {"supplementalGroupsPolicy", &kStringType, Card::kOne, 0, 12, "", "",
      NATIVE(PodSecurityContext, supplemental_groups_policy)},
    {"fsGroup", &kInt64Type, Card::kOne, 0, 5, "", "", NATIVE(PodSecurityContext, fs_group)},
    {"sysctls", &Sysctl::kType, Card::kList, 0, 7, "", "", NATIVE(PodSecurityContext, sysctls)},
    {"fsGroupChangePolicy", &kStringType, Card::kOne, 0, 9, "", "",
      NATIVE(PodSecurityContext, fs_group_change_policy)},
    {"seccompProfile", &SeccompProfile::kType, Card::kOne, 0, 10, "", "",
      NATIVE(PodSecurityContext, seccomp_profile)},
    {"appArmorProfile", &described::AppArmorProfile, Card::kOne, 0, 11},
    {"seLinuxChangePolicy", &kStringType, Card::kOne, 0, 13},
};

constexpr FieldDesc kTolerationFields[] = {
    {"key", &kStringType, Card::kOne, 0, 1, "", "", NATIVE(Toleration, key)},
    {"operator", &kStringType, Card::kOne, 0, 2, "", "", NATIVE(Toleration, op)},
    {"value", &kStringType, Card::kOne, 0, 3, "", "", NATIVE(Toleration, value)},
    {"effect", &kStringType, Card::kOne, 0, 4, "", "", NATIVE(Toleration, effect)},
    {"tolerationSeconds", &kInt64Type, Card::kOne, 0, 5, "", "", NATIVE(Toleration, toleration_seconds)},
};

constexpr FieldDesc kHostAliasFields[] = {
    {"ip", &kStringType, Card::kOne, kEmitZero, 1, "", "", NATIVE(HostAlias, ip)},
    {"hostnames", &kStringType, Card::kList, 0, 2, "", "", NATIVE(HostAlias, hostnames)},
};

constexpr FieldDesc kNodeSelectorRequirementFields[] = {
    {"key", &kStringType, Card::kOne, kRequired | kEmitZero, 1, "", "",
      NATIVE(NodeSelectorRequirement, key)},
    {"operator", &kStringType, Card::kOne, kRequired | kEmitZero, 2, "", "",
      NATIVE(NodeSelectorRequirement, op)},
    {"values", &kStringType, Card::kList, 0, 3, "", "", NATIVE(NodeSelectorRequirement, values)},
};

constexpr FieldDesc kNodeSelectorTermFields[] = {
    {"matchExpressions", &NodeSelectorRequirement::kType, Card::kList, 0, 1, "", "",
      NATIVE(NodeSelectorTerm, match_expressions)},
    {"matchFields", &NodeSelectorRequirement::kType, Card::kList, 0, 2, "", "",
      NATIVE(NodeSelectorTerm, match_fields)},
};

constexpr FieldDesc kNodeSelectorFields[] = {
    {"nodeSelectorTerms", &NodeSelectorTerm::kType, Card::kList, kRequired | kEmitZero, 1, "", "",
      NATIVE(NodeSelector, node_selector_terms)},
};

constexpr FieldDesc kPreferredSchedulingTermFields[] = {
    {"weight", &kInt32Type, Card::kOne, kRequired | kEmitZero, 1, "", "",
      NATIVE(PreferredSchedulingTerm, weight)},
    {"preference", &NodeSelectorTerm::kType, Card::kOne, kRequired | kEmitZero, 2, "", "",
      NATIVE(PreferredSchedulingTerm, preference)},
};

constexpr FieldDesc kNodeAffinityFields[] = {
    {"requiredDuringSchedulingIgnoredDuringExecution", &NodeSelector::kType, Card::kOne, 0, 1, "", "",
      NATIVE(NodeAffinity, required_during_scheduling_ignored_during_execution)},
    {"preferredDuringSchedulingIgnoredDuringExecution", &PreferredSchedulingTerm::kType,
      Card::kList, 0, 2, "", "",
      NATIVE(NodeAffinity, preferred_during_scheduling_ignored_during_execution)},
};

constexpr FieldDesc kAffinityFields[] = {
    {"nodeAffinity", &NodeAffinity::kType, Card::kOne, 0, 1, "", "", NATIVE(Affinity, node_affinity)},
    {"podAffinity", &PodAffinity::kType, Card::kOne, 0, 2, "", "", NATIVE(Affinity, pod_affinity)},
    {"podAntiAffinity", &PodAntiAffinity::kType, Card::kOne, 0, 3, "", "",
      NATIVE(Affinity, pod_anti_affinity)},
};

constexpr FieldDesc kPodReadinessGateFields[] = {
    {"conditionType", &kStringType, Card::kOne, kRequired | kEmitZero, 1, "", "",
      NATIVE(PodReadinessGate, condition_type)},
};

constexpr FieldDesc kPodSpecFields[] = {
    {"volumes", &Volume::kType, Card::kList, kRetainKeys, 1, "name", "name", NATIVE(PodSpec, volumes)},
    {"initContainers", &Container::kType, Card::kList, 0, 20, "name", "name",
      NATIVE(PodSpec, init_containers)},
    {"containers", &Container::kType, Card::kList, kRequired | kEmitZero, 2, "name", "name",
      NATIVE(PodSpec, containers)},
    {"ephemeralContainers", &described::EphemeralContainer, Card::kList, 0, 34, "name", "name"},
    {"restartPolicy", &kStringType, Card::kOne, 0, 3, "", "", NATIVE(PodSpec, restart_policy)},
    {"terminationGracePeriodSeconds", &kInt64Type, Card::kOne, 0, 4, "", "",
      NATIVE(PodSpec, termination_grace_period_seconds)},
    {"activeDeadlineSeconds", &kInt64Type, Card::kOne, 0, 5, "", "",
      NATIVE(PodSpec, active_deadline_seconds)},
    {"dnsPolicy", &kStringType, Card::kOne, 0, 6, "", "", NATIVE(PodSpec, dns_policy)},
    {"nodeSelector", &kStringType, Card::kMap, 0, 7, "", "", NATIVE(PodSpec, node_selector)},
    {"serviceAccountName", &kStringType, Card::kOne, 0, 8, "", "", NATIVE(PodSpec, service_account_name)},
    {"serviceAccount", &kStringType, Card::kOne, 0, 9, "", "", NATIVE(PodSpec, service_account)},
    {"automountServiceAccountToken", &kBoolType, Card::kOne, 0, 21, "", "",
      NATIVE(PodSpec, automount_service_account_token)},
    {"nodeName", &kStringType, Card::kOne, 0, 10, "", "", NATIVE(PodSpec, node_name)},
    {"hostNetwork", &kBoolType, Card::kOne, 0, 11, "", "", NATIVE(PodSpec, host_network)},
    {"hostPID", &kBoolType, Card::kOne, 0, 12, "", "", NATIVE(PodSpec, host_pid)},
    {"hostIPC", &kBoolType, Card::kOne, 0, 13, "", "", NATIVE(PodSpec, host_ipc)},
    {"shareProcessNamespace", &kBoolType, Card::kOne, 0, 27, "", "",
      NATIVE(PodSpec, share_process_namespace)},
    {"securityContext", &PodSecurityContext::kType, Card::kOne, 0, 14, "", "",
      NATIVE(PodSpec, security_context)},
    {"imagePullSecrets", &LocalObjectReference::kType, Card::kList, 0, 15, "name", "name",
      NATIVE(PodSpec, image_pull_secrets)},
    {"hostname", &kStringType, Card::kOne, 0, 16, "", "", NATIVE(PodSpec, hostname)},
    {"subdomain", &kStringType, Card::kOne, 0, 17, "", "", NATIVE(PodSpec, subdomain)},
    {"affinity", &Affinity::kType, Card::kOne, 0, 18, "", "", NATIVE(PodSpec, affinity)},
    {"schedulerName", &kStringType, Card::kOne, 0, 19, "", "", NATIVE(PodSpec, scheduler_name)},
    {"tolerations", &Toleration::kType, Card::kList, 0, 22, "", "", NATIVE(PodSpec, tolerations)},
    {"hostAliases", &HostAlias::kType, Card::kList, 0, 23, "ip", "ip", NATIVE(PodSpec, host_aliases)},
    {"priorityClassName", &kStringType, Card::kOne, 0, 24, "", "", NATIVE(PodSpec, priority_class_name)},
    {"priority", &kInt32Type, Card::kOne, 0, 25, "", "", NATIVE(PodSpec, priority)},
    {"dnsConfig", &described::PodDNSConfig, Card::kOne, 0, 26},
    {"readinessGates", &PodReadinessGate::kType, Card::kList, 0, 28, "", "",
      NATIVE(PodSpec, readiness_gates)},
    {"runtimeClassName", &kStringType, Card::kOne, 0, 29},
    {"enableServiceLinks", &kBoolType, Card::kOne, 0, 30, "", "", NATIVE(PodSpec, enable_service_links)},
    {"preemptionPolicy", &kStringType, Card::kOne, 0, 31, "", "", NATIVE(PodSpec, preemption_policy)},
    {"overhead", &kQuantityType, Card::kMap, 0, 32},
    {"topologySpreadConstraints", &TopologySpreadConstraint::kType,
      Card::kList, 0, 33, "topologyKey", "topologyKey,whenUnsatisfiable",
      NATIVE(PodSpec, topology_spread_constraints)},
    {"setHostnameAsFQDN", &kBoolType, Card::kOne, 0, 35},
    {"os", &described::PodOS, Card::kOne, 0, 36},
    {"hostUsers", &kBoolType, Card::kOne, 0, 37},
    {"schedulingGates", &PodSchedulingGate::kType, Card::kList, 0, 38, "name", "name",
      NATIVE(PodSpec, scheduling_gates)},
    {"resourceClaims", &described::PodResourceClaim, Card::kList, 0, 39},
    {"resources", &ResourceRequirements::kType, Card::kOne, 0, 40},
};

constexpr FieldDesc kContainerStateWaitingFields[] = {
    {"reason", &kStringType, Card::kOne, 0, 1, "", "", NATIVE(ContainerStateWaiting, reason)},
    {"message", &kStringType, Card::kOne, 0, 2, "", "", NATIVE(ContainerStateWaiting, message)},
};

constexpr FieldDesc kContainerStateRunningFields[] = {
    {"startedAt", &kTimeType, Card::kOne, 0, 1, "", "", NATIVE(ContainerStateRunning, started_at)},
};

constexpr FieldDesc kContainerStateTerminatedFields[] = {
    {"exitCode", &kInt32Type, Card::kOne, kRequired | kEmitZero, 1, "", "",
      NATIVE(ContainerStateTerminated, exit_code)},
    {"signal", &kInt32Type, Card::kOne, 0, 2, "", "", NATIVE(ContainerStateTerminated, signal)},
    {"reason", &kStringType, Card::kOne, 0, 3, "", "", NATIVE(ContainerStateTerminated, reason)},
    {"message", &kStringType, Card::kOne, 0, 4, "", "", NATIVE(ContainerStateTerminated, message)},
    {"startedAt", &kTimeType, Card::kOne, 0, 5, "", "", NATIVE(ContainerStateTerminated, started_at)},
    {"finishedAt", &kTimeType, Card::kOne, 0, 6, "", "", NATIVE(ContainerStateTerminated, finished_at)},
    {"containerID", &kStringType, Card::kOne, 0, 7, "", "", NATIVE(ContainerStateTerminated, container_id)},
};

constexpr FieldDesc kContainerStateFields[] = {
    {"waiting", &ContainerStateWaiting::kType, Card::kOne, 0, 1, "", "", NATIVE(ContainerState, waiting)},
    {"running", &ContainerStateRunning::kType, Card::kOne, 0, 2, "", "", NATIVE(ContainerState, running)},
    {"terminated", &ContainerStateTerminated::kType, Card::kOne, 0, 3, "", "",
      NATIVE(ContainerState, terminated)},
};

constexpr FieldDesc kContainerStatusFields[] = {
    {"name", &kStringType, Card::kOne, kRequired | kEmitZero, 1, "", "", NATIVE(ContainerStatus, name)},
    {"state", &ContainerState::kType, Card::kOne, 0, 2, "", "", NATIVE(ContainerStatus, state)},
    {"lastState", &ContainerState::kType, Card::kOne, 0, 3, "", "", NATIVE(ContainerStatus, last_state)},
    {"ready", &kBoolType, Card::kOne, kRequired | kEmitZero, 4, "", "", NATIVE(ContainerStatus, ready)},
    {"restartCount", &kInt32Type, Card::kOne, kRequired | kEmitZero, 5, "", "",
      NATIVE(ContainerStatus, restart_count)},
    {"image", &kStringType, Card::kOne, kRequired | kEmitZero, 6, "", "", NATIVE(ContainerStatus, image)},
    {"imageID", &kStringType, Card::kOne, kRequired | kEmitZero, 7, "", "",
      NATIVE(ContainerStatus, image_id)},
    {"containerID", &kStringType, Card::kOne, 0, 8, "", "", NATIVE(ContainerStatus, container_id)},
    {"started", &kBoolType, Card::kOne, 0, 9, "", "", NATIVE(ContainerStatus, started)},
    {"allocatedResources", &kQuantityType, Card::kMap, 0, 10},
    {"resources", &ResourceRequirements::kType, Card::kOne, 0, 11},
    {"volumeMounts", &described::VolumeMountStatus, Card::kList, 0, 12},
    {"user", &described::ContainerUser, Card::kOne, 0, 13},
    {"allocatedResourcesStatus", &described::ResourceStatus, Card::kList, 0, 14},
    {"stopSignal", &kStringType, Card::kOne, 0, 15},
};

constexpr FieldDesc kPodConditionFields[] = {
    {"type", &kStringType, Card::kOne, kRequired | kEmitZero, 1, "", "", NATIVE(PodCondition, type)},
    {"observedGeneration", &kInt64Type, Card::kOne, 0, 7},
    {"status", &kStringType, Card::kOne, kRequired | kEmitZero, 2, "", "", NATIVE(PodCondition, status)},
    {"lastProbeTime", &kTimeType, Card::kOne, 0, 3},
    {"lastTransitionTime", &kTimeType, Card::kOne, 0, 4, "", "",
      NATIVE(PodCondition, last_transition_time)},
    {"reason", &kStringType, Card::kOne, 0, 5, "", "", NATIVE(PodCondition, reason)},
    {"message", &kStringType, Card::kOne, 0, 6, "", "", NATIVE(PodCondition, message)},
};

constexpr FieldDesc kPodIPFields[] = {
    {"ip", &kStringType, Card::kOne, kEmitZero, 1, "", "", NATIVE(PodIP, ip)},
};

constexpr FieldDesc kHostIPFields[] = {
    {"ip", &kStringType, Card::kOne, kEmitZero, 1, "", "", NATIVE(HostIP, ip)},
};

constexpr FieldDesc kPodStatusFields[] = {
    {"observedGeneration", &kInt64Type, Card::kOne, 0, 17, "", "", NATIVE(PodStatus, observed_generation)},
    {"phase", &kStringType, Card::kOne, 0, 1, "", "", NATIVE(PodStatus, phase)},
    {"conditions", &PodCondition::kType, Card::kList, 0, 2, "type", "type", NATIVE(PodStatus, conditions)},
    {"message", &kStringType, Card::kOne, 0, 3, "", "", NATIVE(PodStatus, message)},
    {"reason", &kStringType, Card::kOne, 0, 4, "", "", NATIVE(PodStatus, reason)},
    {"nominatedNodeName", &kStringType, Card::kOne, 0, 11, "", "", NATIVE(PodStatus, nominated_node_name)},
    {"hostIP", &kStringType, Card::kOne, 0, 5, "", "", NATIVE(PodStatus, host_ip)},
    {"hostIPs", &HostIP::kType, Card::kList, 0, 16, "", "", NATIVE(PodStatus, host_ips)},
    {"podIP", &kStringType, Card::kOne, 0, 6, "", "", NATIVE(PodStatus, pod_ip)},
    {"podIPs", &PodIP::kType, Card::kList, 0, 12, "ip", "ip", NATIVE(PodStatus, pod_ips)},
    {"startTime", &kTimeType, Card::kOne, 0, 7, "", "", NATIVE(PodStatus, start_time)},
    {"initContainerStatuses", &ContainerStatus::kType, Card::kList, 0, 10, "", "",
      NATIVE(PodStatus, init_container_statuses)},
    {"containerStatuses", &ContainerStatus::kType, Card::kList, 0, 8, "", "",
      NATIVE(PodStatus, container_statuses)},
    {"qosClass", &kStringType, Card::kOne, 0, 9, "", "", NATIVE(PodStatus, qos_class)},
    {"ephemeralContainerStatuses", &ContainerStatus::kType, Card::kList, 0, 13},
    {"resize", &kStringType, Card::kOne, 0, 14},
    {"resourceClaimStatuses", &described::PodResourceClaimStatus, Card::kList, 0, 15},
};

constexpr FieldDesc kPodTemplateSpecFields[] = {
    {"metadata", &ObjectMeta::kType, Card::kOne, 0, 1, "", "", NATIVE(PodTemplateSpec, metadata)},
    {"spec", &PodSpec::kType, Card::kOne, 0, 2, "", "", NATIVE(PodTemplateSpec, spec)},
};

constexpr FieldDesc kPodFields[] = {
    {"spec", &PodSpec::kType, Card::kOne, 0, 2, "", "", NATIVE(Pod, spec)},
    {"status", &PodStatus::kType, Card::kOne, kEmitZero | kStatus, 3, "", "", NATIVE(Pod, status)},
};

}  // namespace

constinit const TypeDesc Sysctl::kType = struct_type<Sysctl>("Sysctl", kSysctlFields);
constinit const TypeDesc PodSecurityContext::kType =
    struct_type<PodSecurityContext>("PodSecurityContext", kPodSecurityContextFields);
constinit const TypeDesc Toleration::kType =
    struct_type<Toleration>("Toleration", kTolerationFields);
constinit const TypeDesc HostAlias::kType =
    struct_type<HostAlias>("HostAlias", kHostAliasFields);
constinit const TypeDesc NodeSelectorRequirement::kType =
    struct_type<NodeSelectorRequirement>("NodeSelectorRequirement", kNodeSelectorRequirementFields);
constinit const TypeDesc NodeSelectorTerm::kType =
    struct_type<NodeSelectorTerm>("NodeSelectorTerm", kNodeSelectorTermFields);
constinit const TypeDesc NodeSelector::kType =
    struct_type<NodeSelector>("NodeSelector", kNodeSelectorFields);
constinit const TypeDesc PreferredSchedulingTerm::kType =
    struct_type<PreferredSchedulingTerm>("PreferredSchedulingTerm", kPreferredSchedulingTermFields);
constinit const TypeDesc NodeAffinity::kType =
    struct_type<NodeAffinity>("NodeAffinity", kNodeAffinityFields);
constinit const TypeDesc Affinity::kType =
    struct_type<Affinity>("Affinity", kAffinityFields);
constinit const TypeDesc PodReadinessGate::kType =
    struct_type<PodReadinessGate>("PodReadinessGate", kPodReadinessGateFields);
constinit const TypeDesc PodSpec::kType =
    struct_type<PodSpec>("PodSpec", kPodSpecFields);
constinit const TypeDesc ContainerStateWaiting::kType =
    struct_type<ContainerStateWaiting>("ContainerStateWaiting", kContainerStateWaitingFields);
constinit const TypeDesc ContainerStateRunning::kType =
    struct_type<ContainerStateRunning>("ContainerStateRunning", kContainerStateRunningFields);
constinit const TypeDesc ContainerStateTerminated::kType =
    struct_type<ContainerStateTerminated>("ContainerStateTerminated", kContainerStateTerminatedFields);
constinit const TypeDesc ContainerState::kType =
    struct_type<ContainerState>("ContainerState", kContainerStateFields);
constinit const TypeDesc ContainerStatus::kType =
    struct_type<ContainerStatus>("ContainerStatus", kContainerStatusFields);
constinit const TypeDesc PodCondition::kType =
    struct_type<PodCondition>("PodCondition", kPodConditionFields);
constinit const TypeDesc PodIP::kType =
    struct_type<PodIP>("PodIP", kPodIPFields);
constinit const TypeDesc HostIP::kType =
    struct_type<HostIP>("HostIP", kHostIPFields);
constinit const TypeDesc PodStatus::kType =
    struct_type<PodStatus>("PodStatus", kPodStatusFields);
constinit const TypeDesc PodTemplateSpec::kType =
    struct_type<PodTemplateSpec>("PodTemplateSpec", kPodTemplateSpecFields);
constinit const TypeDesc Pod::kType =
    struct_type<Pod>("Pod", kPodFields);

}  // namespace mainstay
