#include "schema/kinds/apps.h"

#include <cstddef>

#include "schema/kinds/described.h"

namespace mainstay {
namespace {

constexpr FieldDesc kRollingUpdateDeploymentFields[] = {
    {"maxUnavailable", &kIntOrStringType, Card::kOne, 0, 1, "", "",
      NATIVE(RollingUpdateDeployment, max_unavailable)},
    {"maxSurge", &kIntOrStringType, Card::kOne, 0, 2, "", "", NATIVE(RollingUpdateDeployment, max_surge)},
};

constexpr FieldDesc kDeploymentStrategyFields[] = {
    {"type", &kStringType, Card::kOne, 0, 1, "", "", NATIVE(DeploymentStrategy, type)},
    {"rollingUpdate", &RollingUpdateDeployment::kType, Card::kOne, 0, 2, "", "",
      NATIVE(DeploymentStrategy, rolling_update)},
};

constexpr FieldDesc kDeploymentSpecFields[] = {
    {"replicas", &kInt32Type, Card::kOne, 0, 1, "", "", NATIVE(DeploymentSpec, replicas)},
    {"selector", &LabelSelector::kType, Card::kOne, kRequired, 2, "", "", NATIVE(DeploymentSpec, selector)},
    {"template", &PodTemplateSpec::kType, Card::kOne, kRequired | kEmitZero, 3, "", "",
      NATIVE(DeploymentSpec, pod_template)},
    {"strategy", &DeploymentStrategy::kType, Card::kOne, kRetainKeys | kEmitZero, 4, "", "",
      NATIVE(DeploymentSpec, strategy)},
    {"minReadySeconds", &kInt32Type, Card::kOne, 0, 5, "", "", NATIVE(DeploymentSpec, min_ready_seconds)},
    {"revisionHistoryLimit", &kInt32Type, Card::kOne, 0, 6, "", "",
      NATIVE(DeploymentSpec, revision_history_limit)},
    {"paused", &kBoolType, Card::kOne, 0, 7, "", "", NATIVE(DeploymentSpec, paused)},
    {"progressDeadlineSeconds", &kInt32Type, Card::kOne, 0, 9, "", "",
      NATIVE(DeploymentSpec, progress_deadline_seconds)},
};

constexpr FieldDesc kDeploymentConditionFields[] = {
    {"type", &kStringType, Card::kOne, kRequired | kEmitZero, 1, "", "", NATIVE(DeploymentCondition, type)},
    {"status", &kStringType, Card::kOne, kRequired | kEmitZero, 2, "", "",
      NATIVE(DeploymentCondition, status)},
    {"lastUpdateTime", &kTimeType, Card::kOne, 0, 6, "", "", NATIVE(DeploymentCondition, last_update_time)},
    {"lastTransitionTime", &kTimeType, Card::kOne, 0, 7, "", "",
      NATIVE(DeploymentCondition, last_transition_time)},
    {"reason", &kStringType, Card::kOne, 0, 4, "", "", NATIVE(DeploymentCondition, reason)},
    {"message", &kStringType, Card::kOne, 0, 5, "", "", NATIVE(DeploymentCondition, message)},
};

constexpr FieldDesc kDeploymentStatusFields[] = {
    {"observedGeneration", &kInt64Type, Card::kOne, 0, 1, "", "",
      NATIVE(DeploymentStatus, observed_generation)},
    {"replicas", &kInt32Type, Card::kOne, 0, 2, "", "", NATIVE(DeploymentStatus, replicas)},
    {"updatedReplicas", &kInt32Type, Card::kOne, 0, 3, "", "", NATIVE(DeploymentStatus, updated_replicas)},
    {"readyReplicas", &kInt32Type, Card::kOne, 0, 7, "", "", NATIVE(DeploymentStatus, ready_replicas)},
    {"availableReplicas", &kInt32Type, Card::kOne, 0, 4, "", "",
      NATIVE(DeploymentStatus, available_replicas)},
    {"unavailableReplicas", &kInt32Type, Card::kOne, 0, 5, "", "",
      NATIVE(DeploymentStatus, unavailable_replicas)},
    {"terminatingReplicas", &kInt32Type, Card::kOne, 0, 9},
    {"conditions", &DeploymentCondition::kType, Card::kList, 0, 6, "type", "type",
      NATIVE(DeploymentStatus, conditions)},
    {"collisionCount", &kInt32Type, Card::kOne, 0, 8, "", "", NATIVE(DeploymentStatus, collision_count)},
};

constexpr FieldDesc kDeploymentFields[] = {
    {"spec", &DeploymentSpec::kType, Card::kOne, 0, 2, "", "", NATIVE(Deployment, spec)},
    {"status", &DeploymentStatus::kType, Card::kOne, kEmitZero | kStatus, 3, "", "",
      NATIVE(Deployment, status)},
};

constexpr FieldDesc kReplicaSetConditionFields[] = {
    {"type", &kStringType, Card::kOne, kRequired | kEmitZero, 1, "", "", NATIVE(ReplicaSetCondition, type)},
    {"status", &kStringType, Card::kOne, kRequired | kEmitZero, 2, "", "",
      NATIVE(ReplicaSetCondition, status)},
    {"lastTransitionTime", &kTimeType, Card::kOne, 0, 3, "", "",
      NATIVE(ReplicaSetCondition, last_transition_time)},
    {"reason", &kStringType, Card::kOne, 0, 4, "", "", NATIVE(ReplicaSetCondition, reason)},
    {"message", &kStringType, Card::kOne, 0, 5, "", "", NATIVE(ReplicaSetCondition, message)},
};

constexpr FieldDesc kReplicaSetSpecFields[] = {
    {"replicas", &kInt32Type, Card::kOne, 0, 1, "", "", NATIVE(ReplicaSetSpec, replicas)},
    {"minReadySeconds", &kInt32Type, Card::kOne, 0, 4, "", "", NATIVE(ReplicaSetSpec, min_ready_seconds)},
    {"selector", &LabelSelector::kType, Card::kOne, kRequired, 2, "", "", NATIVE(ReplicaSetSpec, selector)},
    {"template", &PodTemplateSpec::kType, Card::kOne, 0, 3, "", "", NATIVE(ReplicaSetSpec, pod_template)},
};

constexpr FieldDesc kReplicaSetStatusFields[] = {
    {"replicas", &kInt32Type, Card::kOne, kRequired | kEmitZero, 1, "", "",
      NATIVE(ReplicaSetStatus, replicas)},
    {"fullyLabeledReplicas", &kInt32Type, Card::kOne, 0, 2, "", "",
      NATIVE(ReplicaSetStatus, fully_labeled_replicas)},
    {"readyReplicas", &kInt32Type, Card::kOne, 0, 4, "", "", NATIVE(ReplicaSetStatus, ready_replicas)},
    {"availableReplicas", &kInt32Type, Card::kOne, 0, 5, "", "",
      NATIVE(ReplicaSetStatus, available_replicas)},
    {"terminatingReplicas", &kInt32Type, Card::kOne, 0, 7},
    {"observedGeneration", &kInt64Type, Card::kOne, 0, 3, "", "",
      NATIVE(ReplicaSetStatus, observed_generation)},
    {"conditions", &ReplicaSetCondition::kType, Card::kList, 0, 6, "type", "type",
      NATIVE(ReplicaSetStatus, conditions)},
};

constexpr FieldDesc kReplicaSetFields[] = {
    {"spec", &ReplicaSetSpec::kType, Card::kOne, 0, 2, "", "", NATIVE(ReplicaSet, spec)},
    {"status", &ReplicaSetStatus::kType, Card::kOne, kEmitZero | kStatus, 3, "", "",
      NATIVE(ReplicaSet, status)},
};

}  // namespace

constinit const TypeDesc RollingUpdateDeployment::kType =
    struct_type<RollingUpdateDeployment>("RollingUpdateDeployment", kRollingUpdateDeploymentFields);
constinit const TypeDesc DeploymentStrategy::kType =
    struct_type<DeploymentStrategy>("DeploymentStrategy", kDeploymentStrategyFields);
constinit const TypeDesc DeploymentSpec::kType =
    struct_type<DeploymentSpec>("DeploymentSpec", kDeploymentSpecFields);
constinit const TypeDesc DeploymentCondition::kType =
    struct_type<DeploymentCondition>("DeploymentCondition", kDeploymentConditionFields);
constinit const TypeDesc DeploymentStatus::kType =
    struct_type<DeploymentStatus>("DeploymentStatus", kDeploymentStatusFields);
constinit const TypeDesc Deployment::kType =
    struct_type<Deployment>("Deployment", kDeploymentFields);
constinit const TypeDesc ReplicaSetCondition::kType =
    struct_type<ReplicaSetCondition>("ReplicaSetCondition", kReplicaSetConditionFields);
constinit const TypeDesc ReplicaSetSpec::kType =
    struct_type<ReplicaSetSpec>("ReplicaSetSpec", kReplicaSetSpecFields);
constinit const TypeDesc ReplicaSetStatus::kType =
    struct_type<ReplicaSetStatus>("ReplicaSetStatus", kReplicaSetStatusFields);
constinit const TypeDesc ReplicaSet::kType =
    struct_type<ReplicaSet>("ReplicaSet", kReplicaSetFields);

}  // namespace mainstay
