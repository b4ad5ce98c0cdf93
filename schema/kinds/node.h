// Node, and the Lease by which it proves that it lives.
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

struct Taint {
  std::string key;
  std::string value;
  std::string effect;
  WallTime time_added;

  static const TypeDesc kType;
};

struct NodeSpec {
  std::string pod_cidr;
  std::vector<std::string> pod_cidrs;
  std::string provider_id;
  bool unschedulable = false;
  std::vector<Taint> taints;
  Box<Value> carried;

  static const TypeDesc kType;
};

struct NodeCondition {
  std::string type;
  std::string status;
  WallTime last_heartbeat_time;
  WallTime last_transition_time;
  std::string reason;
  std::string message;

  static const TypeDesc kType;
};

struct NodeAddress {
  std::string type;
  std::string address;

  static const TypeDesc kType;
};

struct NodeSystemInfo {
  std::string machine_id;
  std::string system_uuid;
  std::string boot_id;
  std::string kernel_version;
  std::string os_image;
  std::string container_runtime_version;
  std::string kubelet_version;
  std::string kube_proxy_version;
  std::string operating_system;
  std::string architecture;
  Box<Value> carried;

  static const TypeDesc kType;
};

struct ContainerImage {
  std::vector<std::string> names;
  int64_t size_bytes = 0;

  static const TypeDesc kType;
};

struct NodeStatus {
  ResourceList capacity;
  ResourceList allocatable;
  std::string phase;
  std::vector<NodeCondition> conditions;
  std::vector<NodeAddress> addresses;
  NodeSystemInfo node_info;
  std::vector<ContainerImage> images;
  Box<Value> carried;

  static const TypeDesc kType;
};

struct Node {
  NodeSpec spec;
  NodeStatus status;

  static const TypeDesc kType;
};

struct LeaseSpec {
  std::string holder_identity;
  std::optional<int32_t> lease_duration_seconds;
  WallTime acquire_time;
  WallTime renew_time;
  std::optional<int32_t> lease_transitions;
  Box<Value> carried;

  static const TypeDesc kType;
};

struct Lease {
  LeaseSpec spec;

  static const TypeDesc kType;
};

}  // namespace mainstay
