#include "schema/kinds/container.h"

#include <cstddef>

#include "schema/kinds/described.h"

namespace mainstay {
namespace {

constexpr FieldDesc kContainerPortFields[] = {
    {"name", &kStringType, Card::kOne, 0, 1, "", "", NATIVE(ContainerPort, name)},
    {"hostPort", &kInt32Type, Card::kOne, 0, 2, "", "", NATIVE(ContainerPort, host_port)},
    {"containerPort", &kInt32Type, Card::kOne, kRequired | kEmitZero, 3, "", "",
      NATIVE(ContainerPort, container_port)},
    {"protocol", &kStringType, Card::kOne, 0, 4, "", "", NATIVE(ContainerPort, protocol)},
    {"hostIP", &kStringType, Card::kOne, 0, 5, "", "", NATIVE(ContainerPort, host_ip)},
};

constexpr FieldDesc kObjectFieldSelectorFields[] = {
    {"apiVersion", &kStringType, Card::kOne, 0, 1, "", "", NATIVE(ObjectFieldSelector, api_version)},
    {"fieldPath", &kStringType, Card::kOne, kRequired | kEmitZero, 2, "", "",
      NATIVE(ObjectFieldSelector, field_path)},
};

constexpr FieldDesc kResourceFieldSelectorFields[] = {
    {"containerName", &kStringType, Card::kOne, 0, 1, "", "",
      NATIVE(ResourceFieldSelector, container_name)},
    {"resource", &kStringType, Card::kOne, kRequired | kEmitZero, 2, "", "",
      NATIVE(ResourceFieldSelector, resource)},
    {"divisor", &kQuantityType, Card::kOne, 0, 3, "", "", NATIVE(ResourceFieldSelector, divisor)},
};

constexpr FieldDesc kConfigMapKeySelectorFields[] = {
    {"name", &kStringType, Card::kOne, 0, 257, "", "", NATIVE(ConfigMapKeySelector, name)},
    {"key", &kStringType, Card::kOne, kRequired | kEmitZero, 2, "", "", NATIVE(ConfigMapKeySelector, key)},
    {"optional", &kBoolType, Card::kOne, 0, 3, "", "", NATIVE(ConfigMapKeySelector, optional)},
};

constexpr FieldDesc kSecretKeySelectorFields[] = {
    {"name", &kStringType, Card::kOne, 0, 257, "", "", NATIVE(SecretKeySelector, name)},
    {"key", &kStringType, Card::kOne, kRequired | kEmitZero, 2, "", "", NATIVE(SecretKeySelector, key)},
    {"optional", &kBoolType, Card::kOne, 0, 3, "", "", NATIVE(SecretKeySelector, optional)},
};

constexpr FieldDesc kEnvVarSourceFields[] = {
    {"fieldRef", &ObjectFieldSelector::kType, Card::kOne, 0, 1, "", "", NATIVE(EnvVarSource, field_ref)},
    {"resourceFieldRef", &ResourceFieldSelector::kType, Card::kOne, 0, 2, "", "",
      NATIVE(EnvVarSource, resource_field_ref)},
    {"configMapKeyRef", &ConfigMapKeySelector::kType, Card::kOne, 0, 3, "", "",
      NATIVE(EnvVarSource, config_map_key_ref)},
    {"secretKeyRef", &SecretKeySelector::kType, Card::kOne, 0, 4, "", "",
      NATIVE(EnvVarSource, secret_key_ref)},
};

constexpr FieldDesc kEnvVarFields[] = {
    {"name", &kStringType, Card::kOne, kRequired | kEmitZero, 1, "", "", NATIVE(EnvVar, name)},
    {"value", &kStringType, Card::kOne, 0, 2, "", "", NATIVE(EnvVar, value)},
    {"valueFrom", &EnvVarSource::kType, Card::kOne, 0, 3, "", "", NATIVE(EnvVar, value_from)},
};

constexpr FieldDesc kConfigMapEnvSourceFields[] = {
    {"name", &kStringType, Card::kOne, 0, 257, "", "", NATIVE(ConfigMapEnvSource, name)},
    {"optional", &kBoolType, Card::kOne, 0, 2, "", "", NATIVE(ConfigMapEnvSource, optional)},
};

constexpr FieldDesc kSecretEnvSourceFields[] = {
    {"name", &kStringType, Card::kOne, 0, 257, "", "", NATIVE(SecretEnvSource, name)},
    {"optional", &kBoolType, Card::kOne, 0, 2, "", "", NATIVE(SecretEnvSource, optional)},
};

constexpr FieldDesc kEnvFromSourceFields[] = {
    {"prefix", &kStringType, Card::kOne, 0, 1, "", "", NATIVE(EnvFromSource, prefix)},
    {"configMapRef", &ConfigMapEnvSource::kType, Card::kOne, 0, 2, "", "",
      NATIVE(EnvFromSource, config_map_ref)},
    {"secretRef", &SecretEnvSource::kType, Card::kOne, 0, 3, "", "", NATIVE(EnvFromSource, secret_ref)},
};

constexpr FieldDesc kResourceRequirementsFields[] = {
    {"limits", &kQuantityType, Card::kMap, 0, 1, "", "", NATIVE(ResourceRequirements, limits)},
    {"requests", &kQuantityType, Card::kMap, 0, 2, "", "", NATIVE(ResourceRequirements, requests)},
    {"claims", &described::ResourceClaim, Card::kList, 0, 3},
};

constexpr FieldDesc kVolumeMountFields[] = {
    {"name", &kStringType, Card::kOne, kRequired | kEmitZero, 1, "", "", NATIVE(VolumeMount, name)},
    {"readOnly", &kBoolType, Card::kOne, 0, 2, "", "", NATIVE(VolumeMount, read_only)},
    {"recursiveReadOnly", &kStringType, Card::kOne, 0, 7, "", "",
      NATIVE(VolumeMount, recursive_read_only)},
    {"mountPath", &kStringType, Card::kOne, kRequired | kEmitZero, 3, "", "",
      NATIVE(VolumeMount, mount_path)},
    {"subPath", &kStringType, Card::kOne, 0, 4, "", "", NATIVE(VolumeMount, sub_path)},
    {"mountPropagation", &kStringType, Card::kOne, 0, 5, "", "", NATIVE(VolumeMount, mount_propagation)},
    {"subPathExpr", &kStringType, Card::kOne, 0, 6, "", "", NATIVE(VolumeMount, sub_path_expr)},
};

constexpr FieldDesc kExecActionFields[] = {
    {"command", &kStringType, Card::kList, 0, 1, "", "", NATIVE(ExecAction, command)},
};

constexpr FieldDesc kHTTPHeaderFields[] = {
    {"name", &kStringType, Card::kOne, kRequired | kEmitZero, 1, "", "", NATIVE(HTTPHeader, name)},
    {"value", &kStringType, Card::kOne, kRequired | kEmitZero, 2, "", "", NATIVE(HTTPHeader, value)},
};

constexpr FieldDesc kHTTPGetActionFields[] = {
    {"path", &kStringType, Card::kOne, 0, 1, "", "", NATIVE(HTTPGetAction, path)},
    {"port", &kIntOrStringType, Card::kOne, kRequired | kEmitZero, 2, "", "", NATIVE(HTTPGetAction, port)},
    {"host", &kStringType, Card::kOne, 0, 3, "", "", NATIVE(HTTPGetAction, host)},
    {"scheme", &kStringType, Card::kOne, 0, 4, "", "", NATIVE(HTTPGetAction, scheme)},
    {"httpHeaders", &HTTPHeader::kType, Card::kList, 0, 5, "", "", NATIVE(HTTPGetAction, http_headers)},
};

constexpr FieldDesc kTCPSocketActionFields[] = {
    {"port", &kIntOrStringType, Card::kOne, kRequired | kEmitZero, 1, "", "",
      NATIVE(TCPSocketAction, port)},
    {"host", &kStringType, Card::kOne, 0, 2, "", "", NATIVE(TCPSocketAction, host)},
};

constexpr FieldDesc kGRPCActionFields[] = {
    {"port", &kInt32Type, Card::kOne, kRequired | kEmitZero, 1, "", "", NATIVE(GRPCAction, port)},
    {"service", &kStringType, Card::kOne, kEmitZero, 2, "", "", NATIVE(GRPCAction, service)},
};

constexpr FieldDesc kProbeFields[] = {
    {"exec", &ExecAction::kType, Card::kOne, 0, 257, "", "", NATIVE(Probe, exec)},
    {"httpGet", &HTTPGetAction::kType, Card::kOne, 0, 258, "", "", NATIVE(Probe, http_get)},
    {"tcpSocket", &TCPSocketAction::kType, Card::kOne, 0, 259, "", "", NATIVE(Probe, tcp_socket)},
    {"grpc", &GRPCAction::kType, Card::kOne, 0, 260, "", "", NATIVE(Probe, grpc)},
    {"initialDelaySeconds", &kInt32Type, Card::kOne, 0, 2, "", "", NATIVE(Probe, initial_delay_seconds)},
    {"timeoutSeconds", &kInt32Type, Card::kOne, 0, 3, "", "", NATIVE(Probe, timeout_seconds)},
    {"periodSeconds", &kInt32Type, Card::kOne, 0, 4, "", "", NATIVE(Probe, period_seconds)},
    {"successThreshold", &kInt32Type, Card::kOne, 0, 5, "", "", NATIVE(Probe, success_threshold)},
    {"failureThreshold", &kInt32Type, Card::kOne, 0, 6, "", "", NATIVE(Probe, failure_threshold)},
    {"terminationGracePeriodSeconds", &kInt64Type, Card::kOne, 0, 7, "", "",
      NATIVE(Probe, termination_grace_period_seconds)},
};

constexpr FieldDesc kSleepActionFields[] = {
    {"seconds", &kInt64Type, Card::kOne, kRequired | kEmitZero, 1, "", "", NATIVE(SleepAction, seconds)},
};

constexpr FieldDesc kLifecycleHandlerFields[] = {
    {"exec", &ExecAction::kType, Card::kOne, 0, 1, "", "", NATIVE(LifecycleHandler, exec)},
    {"httpGet", &HTTPGetAction::kType, Card::kOne, 0, 2, "", "", NATIVE(LifecycleHandler, http_get)},
    {"tcpSocket", &TCPSocketAction::kType, Card::kOne, 0, 3, "", "", NATIVE(LifecycleHandler, tcp_socket)},
    {"sleep", &SleepAction::kType, Card::kOne, 0, 4, "", "", NATIVE(LifecycleHandler, sleep)},
};

constexpr FieldDesc kLifecycleFields[] = {
    {"postStart", &LifecycleHandler::kType, Card::kOne, 0, 1, "", "", NATIVE(Lifecycle, post_start)},
    {"preStop", &LifecycleHandler::kType, Card::kOne, 0, 2, "", "", NATIVE(Lifecycle, pre_stop)},
    {"stopSignal", &kStringType, Card::kOne, 0, 3},
};

constexpr FieldDesc kCapabilitiesFields[] = {
    {"add", &kStringType, Card::kList, 0, 1, "", "", NATIVE(Capabilities, add)},
    {"drop", &kStringType, Card::kList, 0, 2, "", "", NATIVE(Capabilities, drop)},
};

constexpr FieldDesc kSeccompProfileFields[] = {
    {"type", &kStringType, Card::kOne, kRequired | kEmitZero, 1, "", "", NATIVE(SeccompProfile, type)},
    {"localhostProfile", &kStringType, Card::kOne, 0, 2, "", "", NATIVE(SeccompProfile, localhost_profile)},
};

constexpr FieldDesc kSecurityContextFields[] = {
    {"capabilities", &Capabilities::kType, Card::kOne, 0, 1, "", "", NATIVE(SecurityContext, capabilities)},
    {"privileged", &kBoolType, Card::kOne, 0, 2, "", "", NATIVE(SecurityContext, privileged)},
    {"seLinuxOptions", &described::SELinuxOptions, Card::kOne, 0, 3},
    {"windowsOptions", &described::WindowsSecurityContextOptions, Card::kOne, 0, 10},
    {"runAsUser", &kInt64Type, Card::kOne, 0, 4, "", "", NATIVE(SecurityContext, run_as_user)},
    {"runAsGroup", &kInt64Type, Card::kOne, 0, 8, "", "", NATIVE(SecurityContext, run_as_group)},
    {"runAsNonRoot", &kBoolType, Card::kOne, 0, 5, "", "", NATIVE(SecurityContext, run_as_non_root)},
    {"readOnlyRootFilesystem", &kBoolType, Card::kOne, 0, 6, "", "",
      NATIVE(SecurityContext, read_only_root_filesystem)},
    {"allowPrivilegeEscalation", &kBoolType, Card::kOne, 0, 7, "", "",
      NATIVE(SecurityContext, allow_privilege_escalation)},
    {"procMount", &kStringType, Card::kOne, 0, 9, "", "", NATIVE(SecurityContext, proc_mount)},
    {"seccompProfile", &SeccompProfile::kType, Card::kOne, 0, 11, "", "",
      NATIVE(SecurityContext, seccomp_profile)},
    {"appArmorProfile", &described::AppArmorProfile, Card::kOne, 0, 12},
};

constexpr FieldDesc kContainerFields[] = {
    {"name", &kStringType, Card::kOne, kRequired | kEmitZero, 1, "", "", NATIVE(Container, name)},
    {"image", &kStringType, Card::kOne, 0, 2, "", "", NATIVE(Container, image)},
    {"command", &kStringType, Card::kList, 0, 3, "", "", NATIVE(Container, command)},
    {"args", &kStringType, Card::kList, 0, 4, "", "", NATIVE(Container, args)},
    {"workingDir", &kStringType, Card::kOne, 0, 5, "", "", NATIVE(Container, working_dir)},
    {"ports", &ContainerPort::kType, Card::kList, 0, 6, "containerPort", "containerPort,protocol",
      NATIVE(Container, ports)},
    {"envFrom", &EnvFromSource::kType, Card::kList, 0, 19, "", "", NATIVE(Container, env_from)},
    {"env", &EnvVar::kType, Card::kList, 0, 7, "name", "name", NATIVE(Container, env)},
    {"resources", &ResourceRequirements::kType, Card::kOne, kEmitZero, 8, "", "",
      NATIVE(Container, resources)},
    {"resizePolicy", &described::ContainerResizePolicy, Card::kList, 0, 23},
    {"restartPolicy", &kStringType, Card::kOne, 0, 24, "", "", NATIVE(Container, restart_policy)},
    {"volumeMounts", &VolumeMount::kType, Card::kList, 0, 9, "mountPath", "mountPath",
      NATIVE(Container, volume_mounts)},
    {"volumeDevices", &described::VolumeDevice, Card::kList, 0, 21, "devicePath", "devicePath"},
    {"livenessProbe", &Probe::kType, Card::kOne, 0, 10, "", "", NATIVE(Container, liveness_probe)},
    {"readinessProbe", &Probe::kType, Card::kOne, 0, 11, "", "", NATIVE(Container, readiness_probe)},
    {"startupProbe", &Probe::kType, Card::kOne, 0, 22, "", "", NATIVE(Container, startup_probe)},
    {"lifecycle", &Lifecycle::kType, Card::kOne, 0, 12, "", "", NATIVE(Container, lifecycle)},
    {"terminationMessagePath", &kStringType, Card::kOne, 0, 13, "", "",
      NATIVE(Container, termination_message_path)},
    {"terminationMessagePolicy", &kStringType, Card::kOne, 0, 20, "", "",
      NATIVE(Container, termination_message_policy)},
    {"imagePullPolicy", &kStringType, Card::kOne, 0, 14, "", "", NATIVE(Container, image_pull_policy)},
    {"securityContext", &SecurityContext::kType, Card::kOne, 0, 15, "", "",
      NATIVE(Container, security_context)},
    {"stdin", &kBoolType, Card::kOne, 0, 16},
    {"stdinOnce", &kBoolType, Card::kOne, 0, 17},
    {"tty", &kBoolType, Card::kOne, 0, 18},
};

}  // namespace

constinit const TypeDesc ContainerPort::kType =
    struct_type<ContainerPort>("ContainerPort", kContainerPortFields);
constinit const TypeDesc ObjectFieldSelector::kType =
    struct_type<ObjectFieldSelector>("ObjectFieldSelector", kObjectFieldSelectorFields);
constinit const TypeDesc ResourceFieldSelector::kType =
    struct_type<ResourceFieldSelector>("ResourceFieldSelector", kResourceFieldSelectorFields);
constinit const TypeDesc ConfigMapKeySelector::kType =
    struct_type<ConfigMapKeySelector>("ConfigMapKeySelector", kConfigMapKeySelectorFields);
constinit const TypeDesc SecretKeySelector::kType =
    struct_type<SecretKeySelector>("SecretKeySelector", kSecretKeySelectorFields);
constinit const TypeDesc EnvVarSource::kType =
    struct_type<EnvVarSource>("EnvVarSource", kEnvVarSourceFields);
constinit const TypeDesc EnvVar::kType =
    struct_type<EnvVar>("EnvVar", kEnvVarFields);
constinit const TypeDesc ConfigMapEnvSource::kType =
    struct_type<ConfigMapEnvSource>("ConfigMapEnvSource", kConfigMapEnvSourceFields);
constinit const TypeDesc SecretEnvSource::kType =
    struct_type<SecretEnvSource>("SecretEnvSource", kSecretEnvSourceFields);
constinit const TypeDesc EnvFromSource::kType =
    struct_type<EnvFromSource>("EnvFromSource", kEnvFromSourceFields);
constinit const TypeDesc ResourceRequirements::kType =
    struct_type<ResourceRequirements>("ResourceRequirements", kResourceRequirementsFields);
constinit const TypeDesc VolumeMount::kType =
    struct_type<VolumeMount>("VolumeMount", kVolumeMountFields);
constinit const TypeDesc ExecAction::kType =
    struct_type<ExecAction>("ExecAction", kExecActionFields);
constinit const TypeDesc HTTPHeader::kType =
    struct_type<HTTPHeader>("HTTPHeader", kHTTPHeaderFields);
constinit const TypeDesc HTTPGetAction::kType =
    struct_type<HTTPGetAction>("HTTPGetAction", kHTTPGetActionFields);
constinit const TypeDesc TCPSocketAction::kType =
    struct_type<TCPSocketAction>("TCPSocketAction", kTCPSocketActionFields);
constinit const TypeDesc GRPCAction::kType =
    struct_type<GRPCAction>("GRPCAction", kGRPCActionFields);
constinit const TypeDesc Probe::kType =
    struct_type<Probe>("Probe", kProbeFields);
constinit const TypeDesc SleepAction::kType =
    struct_type<SleepAction>("SleepAction", kSleepActionFields);
constinit const TypeDesc LifecycleHandler::kType =
    struct_type<LifecycleHandler>("LifecycleHandler", kLifecycleHandlerFields);
constinit const TypeDesc Lifecycle::kType =
    struct_type<Lifecycle>("Lifecycle", kLifecycleFields);
constinit const TypeDesc Capabilities::kType =
    struct_type<Capabilities>("Capabilities", kCapabilitiesFields);
constinit const TypeDesc SeccompProfile::kType =
    struct_type<SeccompProfile>("SeccompProfile", kSeccompProfileFields);
constinit const TypeDesc SecurityContext::kType =
    struct_type<SecurityContext>("SecurityContext", kSecurityContextFields);
constinit const TypeDesc Container::kType =
    struct_type<Container>("Container", kContainerFields);

}  // namespace mainstay
