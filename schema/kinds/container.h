// What a pod says about one container.
// Field names and meaning: the Kubernetes API, 1.33. Members not listed here
// are carried (schema/descriptor.h). Plain values; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "schema/descriptor.h"
#include "schema/kinds/meta.h"

namespace mainstay {

struct ContainerPort {
  std::string name;
  int32_t host_port = 0;
  int32_t container_port = 0;
  std::string protocol;
  std::string host_ip;

  static const TypeDesc kType;
};

struct ObjectFieldSelector {
  std::string api_version;
  std::string field_path;

  static const TypeDesc kType;
};

struct ResourceFieldSelector {
  std::string container_name;
  std::string resource;
  Quantity divisor;

  static const TypeDesc kType;
};

struct ConfigMapKeySelector {
  std::string name;
  std::string key;
  std::optional<bool> optional;

  static const TypeDesc kType;
};

struct SecretKeySelector {
  std::string name;
  std::string key;
  std::optional<bool> optional;

  static const TypeDesc kType;
};

struct EnvVarSource {
  Box<ObjectFieldSelector> field_ref;
  Box<ResourceFieldSelector> resource_field_ref;
  Box<ConfigMapKeySelector> config_map_key_ref;
  Box<SecretKeySelector> secret_key_ref;

  static const TypeDesc kType;
};

struct EnvVar {
  std::string name;
  std::string value;
  Box<EnvVarSource> value_from;

  static const TypeDesc kType;
};

struct ConfigMapEnvSource {
  std::string name;
  std::optional<bool> optional;

  static const TypeDesc kType;
};

struct SecretEnvSource {
  std::string name;
  std::optional<bool> optional;

  static const TypeDesc kType;
};

struct EnvFromSource {
  std::string prefix;
  Box<ConfigMapEnvSource> config_map_ref;
  Box<SecretEnvSource> secret_ref;

  static const TypeDesc kType;
};

struct ResourceRequirements {
  ResourceList limits;
  ResourceList requests;
  Box<Value> carried;

  static const TypeDesc kType;
};

struct VolumeMount {
  std::string name;
  bool read_only = false;
  std::string mount_path;
  std::string sub_path;
  std::string sub_path_expr;
  std::string mount_propagation;
  std::string recursive_read_only;

  static const TypeDesc kType;
};

struct ExecAction {
  std::vector<std::string> command;

  static const TypeDesc kType;
};

struct HTTPHeader {
  std::string name;
  std::string value;

  static const TypeDesc kType;
};

struct HTTPGetAction {
  std::string path;
  IntOrString port;
  std::string host;
  std::string scheme;
  std::vector<HTTPHeader> http_headers;

  static const TypeDesc kType;
};

struct TCPSocketAction {
  IntOrString port;
  std::string host;

  static const TypeDesc kType;
};

struct GRPCAction {
  int32_t port = 0;
  std::string service;

  static const TypeDesc kType;
};

struct Probe {
  Box<ExecAction> exec;
  Box<HTTPGetAction> http_get;
  Box<TCPSocketAction> tcp_socket;
  Box<GRPCAction> grpc;
  int32_t initial_delay_seconds = 0;
  int32_t timeout_seconds = 0;
  int32_t period_seconds = 0;
  int32_t success_threshold = 0;
  int32_t failure_threshold = 0;
  std::optional<int64_t> termination_grace_period_seconds;

  static const TypeDesc kType;
};

struct SleepAction {
  int64_t seconds = 0;

  static const TypeDesc kType;
};

struct LifecycleHandler {
  Box<ExecAction> exec;
  Box<HTTPGetAction> http_get;
  Box<TCPSocketAction> tcp_socket;
  Box<SleepAction> sleep;

  static const TypeDesc kType;
};

struct Lifecycle {
  Box<LifecycleHandler> post_start;
  Box<LifecycleHandler> pre_stop;
  Box<Value> carried;

  static const TypeDesc kType;
};

struct Capabilities {
  std::vector<std::string> add;
  std::vector<std::string> drop;

  static const TypeDesc kType;
};

struct SeccompProfile {
  std::string type;  // "RuntimeDefault", "Unconfined", "Localhost"
  std::string localhost_profile;

  static const TypeDesc kType;
};

struct SecurityContext {
  Box<Capabilities> capabilities;
  std::optional<bool> privileged;
  std::optional<int64_t> run_as_user;
  std::optional<int64_t> run_as_group;
  std::optional<bool> run_as_non_root;
  std::optional<bool> read_only_root_filesystem;
  std::optional<bool> allow_privilege_escalation;
  std::string proc_mount;
  Box<SeccompProfile> seccomp_profile;
  Box<Value> carried;

  static const TypeDesc kType;
};

struct Container {
  std::string name;
  std::string image;
  std::vector<std::string> command;
  std::vector<std::string> args;
  std::string working_dir;
  std::vector<ContainerPort> ports;
  std::vector<EnvFromSource> env_from;
  std::vector<EnvVar> env;
  ResourceRequirements resources;
  std::string restart_policy;
  std::vector<VolumeMount> volume_mounts;
  Box<Probe> liveness_probe;
  Box<Probe> readiness_probe;
  Box<Probe> startup_probe;
  Box<Lifecycle> lifecycle;
  std::string termination_message_path;
  std::string termination_message_policy;
  std::string image_pull_policy;
  Box<SecurityContext> security_context;
  Box<Value> carried;

  static const TypeDesc kType;
};

}  // namespace mainstay
