// Deployment and ReplicaSet.
// Field names and meaning: the Kubernetes API, 1.33. Members not listed here
// are carried (schema/descriptor.h). Plain values; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "schema/descriptor.h"
#include "schema/kinds/pod.h"

namespace mainstay {

struct RollingUpdateDeployment {
  std::optional<IntOrString> max_unavailable;
  std::optional<IntOrString> max_surge;

  static const TypeDesc kType;
};

struct DeploymentStrategy {
  std::string type;
  Box<RollingUpdateDeployment> rolling_update;

  static const TypeDesc kType;
};

struct DeploymentSpec {
  std::optional<int32_t> replicas;
  Box<LabelSelector> selector;
  PodTemplateSpec pod_template;
  DeploymentStrategy strategy;
  int32_t min_ready_seconds = 0;
  std::optional<int32_t> revision_history_limit;
  bool paused = false;
  std::optional<int32_t> progress_deadline_seconds;

  static const TypeDesc kType;
};

struct DeploymentCondition {
  std::string type;
  std::string status;
  WallTime last_update_time;
  WallTime last_transition_time;
  std::string reason;
  std::string message;

  static const TypeDesc kType;
};

struct DeploymentStatus {
  int64_t observed_generation = 0;
  int32_t replicas = 0;
  int32_t updated_replicas = 0;
  int32_t ready_replicas = 0;
  int32_t available_replicas = 0;
  int32_t unavailable_replicas = 0;
  std::vector<DeploymentCondition> conditions;
  std::optional<int32_t> collision_count;
  Box<Value> carried;

  static const TypeDesc kType;
};

struct Deployment {
  DeploymentSpec spec;
  DeploymentStatus status;

  static const TypeDesc kType;
};

struct ReplicaSetCondition {
  std::string type;
  std::string status;
  WallTime last_transition_time;
  std::string reason;
  std::string message;

  static const TypeDesc kType;
};

struct ReplicaSetSpec {
  std::optional<int32_t> replicas;
  int32_t min_ready_seconds = 0;
  Box<LabelSelector> selector;
  PodTemplateSpec pod_template;

  static const TypeDesc kType;
};

struct ReplicaSetStatus {
  int32_t replicas = 0;
  int32_t fully_labeled_replicas = 0;
  int32_t ready_replicas = 0;
  int32_t available_replicas = 0;
  int64_t observed_generation = 0;
  std::vector<ReplicaSetCondition> conditions;
  Box<Value> carried;

  static const TypeDesc kType;
};

struct ReplicaSet {
  ReplicaSetSpec spec;
  ReplicaSetStatus status;

  static const TypeDesc kType;
};

}  // namespace mainstay
