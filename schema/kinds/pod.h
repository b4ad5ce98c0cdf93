// Pod: containers that share a node, a network address and volumes.
// Field names and meaning: the Kubernetes API, 1.33. Members not listed here
// are carried (schema/descriptor.h). Plain values; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "schema/descriptor.h"
#include "schema/kinds/container.h"
#include "schema/kinds/pod_affinity.h"
#include "schema/kinds/volume.h"

namespace mainstay {

struct Sysctl {
  std::string name;
  std::string value;

  static const TypeDesc kType;
};

struct PodSecurityContext {
  std::optional<int64_t> run_as_user;
  std::optional<int64_t> run_as_group;
  std::optional<bool> run_as_non_root;
  std::vector<int64_t> supplemental_groups;
  std::string supplemental_groups_policy;
  std::optional<int64_t> fs_group;
  std::string fs_group_change_policy;
  std::vector<Sysctl> sysctls;
  Box<SeccompProfile> seccomp_profile;
  Box<Value> carried;

  static const TypeDesc kType;
};

struct Toleration {
  std::string key;
  std::string op;
  std::string value;
  std::string effect;
  std::optional<int64_t> toleration_seconds;

  static const TypeDesc kType;
};

struct HostAlias {
  std::string ip;
  std::vector<std::string> hostnames;

  static const TypeDesc kType;
};

struct NodeSelectorRequirement {
  std::string key;
  std::string op;
  std::vector<std::string> values;

  static const TypeDesc kType;
};

struct NodeSelectorTerm {
  std::vector<NodeSelectorRequirement> match_expressions;
  std::vector<NodeSelectorRequirement> match_fields;

  static const TypeDesc kType;
};

struct NodeSelector {
  std::vector<NodeSelectorTerm> node_selector_terms;

  static const TypeDesc kType;
};

struct PreferredSchedulingTerm {
  int32_t weight = 0;
  NodeSelectorTerm preference;

  static const TypeDesc kType;
};

struct NodeAffinity {
  Box<NodeSelector> required_during_scheduling_ignored_during_execution;
  std::vector<PreferredSchedulingTerm> preferred_during_scheduling_ignored_during_execution;

  static const TypeDesc kType;
};

struct Affinity {
  Box<NodeAffinity> node_affinity;
  Box<PodAffinity> pod_affinity;
  Box<PodAntiAffinity> pod_anti_affinity;

  static const TypeDesc kType;
};

struct PodReadinessGate {
  std::string condition_type;

  static const TypeDesc kType;
};

struct PodSpec {
  std::vector<Volume> volumes;
  std::vector<Container> init_containers;
  std::vector<Container> containers;
  std::string restart_policy;
  std::optional<int64_t> termination_grace_period_seconds;
  std::optional<int64_t> active_deadline_seconds;
  std::string dns_policy;
  StringMap node_selector;
  std::string service_account_name;
  std::string service_account;
  std::optional<bool> automount_service_account_token;
  std::string node_name;
  bool host_network = false;
  bool host_pid = false;
  bool host_ipc = false;
  std::optional<bool> share_process_namespace;
  Box<PodSecurityContext> security_context;
  std::vector<LocalObjectReference> image_pull_secrets;
  std::string hostname;
  std::string subdomain;
  Box<Affinity> affinity;
  std::string scheduler_name;
  std::vector<Toleration> tolerations;
  std::vector<HostAlias> host_aliases;
  std::string priority_class_name;
  std::optional<int32_t> priority;
  std::vector<PodReadinessGate> readiness_gates;
  std::optional<bool> enable_service_links;
  std::string preemption_policy;
  std::vector<TopologySpreadConstraint> topology_spread_constraints;
  std::vector<PodSchedulingGate> scheduling_gates;
  Box<Value> carried;

  static const TypeDesc kType;
};

struct ContainerStateWaiting {
  std::string reason;
  std::string message;

  static const TypeDesc kType;
};

struct ContainerStateRunning {
  WallTime started_at;

  static const TypeDesc kType;
};

struct ContainerStateTerminated {
  int32_t exit_code = 0;
  int32_t signal = 0;
  std::string reason;
  std::string message;
  WallTime started_at;
  WallTime finished_at;
  std::string container_id;

  static const TypeDesc kType;
};

struct ContainerState {
  Box<ContainerStateWaiting> waiting;
  Box<ContainerStateRunning> running;
  Box<ContainerStateTerminated> terminated;

  static const TypeDesc kType;
};

struct ContainerStatus {
  std::string name;
  ContainerState state;
  ContainerState last_state;
  bool ready = false;
  int32_t restart_count = 0;
  std::string image;
  std::string image_id;
  std::string container_id;
  std::optional<bool> started;
  Box<Value> carried;

  static const TypeDesc kType;
};

struct PodCondition {
  std::string type;
  std::string status;
  WallTime last_transition_time;
  std::string reason;
  std::string message;
  Box<Value> carried;

  static const TypeDesc kType;
};

struct PodIP {
  std::string ip;

  static const TypeDesc kType;
};

struct HostIP {
  std::string ip;

  static const TypeDesc kType;
};

struct PodStatus {
  int64_t observed_generation = 0;
  std::string phase;
  std::vector<PodCondition> conditions;
  std::string message;
  std::string reason;
  std::string nominated_node_name;
  std::string host_ip;
  std::vector<HostIP> host_ips;
  std::string pod_ip;
  std::vector<PodIP> pod_ips;
  WallTime start_time;
  std::vector<ContainerStatus> init_container_statuses;
  std::vector<ContainerStatus> container_statuses;
  std::string qos_class;
  Box<Value> carried;

  static const TypeDesc kType;
};

struct PodTemplateSpec {
  ObjectMeta metadata;
  PodSpec spec;

  static const TypeDesc kType;
};

struct Pod {
  PodSpec spec;
  PodStatus status;

  static const TypeDesc kType;
};

}  // namespace mainstay
