#include "schema/kinds/described.h"

#include "schema/kinds/meta.h"
#include "schema/kinds/pod.h"

namespace mainstay {
namespace {

constexpr FieldDesc kControllerRevisionFields[] = {
    {"data", &kRawType, Card::kOne, 0, 2},
    {"revision", &kInt64Type, Card::kOne, kRequired, 3},
};

constexpr FieldDesc kDaemonSetFields[] = {
    {"spec", &described::DaemonSetSpec, Card::kOne, 0, 2},
    {"status", &described::DaemonSetStatus, Card::kOne, kStatus, 3},
};

constexpr FieldDesc kDaemonSetSpecFields[] = {
    {"selector", &LabelSelector::kType, Card::kOne, kRequired, 1},
    {"template", &PodTemplateSpec::kType, Card::kOne, kRequired, 2},
    {"updateStrategy", &described::DaemonSetUpdateStrategy, Card::kOne, 0, 3},
    {"minReadySeconds", &kInt32Type, Card::kOne, 0, 4},
    {"revisionHistoryLimit", &kInt32Type, Card::kOne, 0, 6},
};

constexpr FieldDesc kDaemonSetUpdateStrategyFields[] = {
    {"type", &kStringType, Card::kOne, 0, 1},
    {"rollingUpdate", &described::RollingUpdateDaemonSet, Card::kOne, 0, 2},
};

constexpr FieldDesc kRollingUpdateDaemonSetFields[] = {
    {"maxUnavailable", &kIntOrStringType, Card::kOne, 0, 1},
    {"maxSurge", &kIntOrStringType, Card::kOne, 0, 2},
};

constexpr FieldDesc kDaemonSetStatusFields[] = {
    {"currentNumberScheduled", &kInt32Type, Card::kOne, kRequired, 1},
    {"numberMisscheduled", &kInt32Type, Card::kOne, kRequired, 2},
    {"desiredNumberScheduled", &kInt32Type, Card::kOne, kRequired, 3},
    {"numberReady", &kInt32Type, Card::kOne, kRequired, 4},
    {"observedGeneration", &kInt64Type, Card::kOne, 0, 5},
    {"updatedNumberScheduled", &kInt32Type, Card::kOne, 0, 6},
    {"numberAvailable", &kInt32Type, Card::kOne, 0, 7},
    {"numberUnavailable", &kInt32Type, Card::kOne, 0, 8},
    {"collisionCount", &kInt32Type, Card::kOne, 0, 9},
    {"conditions", &described::DaemonSetCondition, Card::kList, 0, 10, "type", "type"},
};

constexpr FieldDesc kDaemonSetConditionFields[] = {
    {"type", &kStringType, Card::kOne, kRequired, 1},
    {"status", &kStringType, Card::kOne, kRequired, 2},
    {"lastTransitionTime", &kTimeType, Card::kOne, 0, 3},
    {"reason", &kStringType, Card::kOne, 0, 4},
    {"message", &kStringType, Card::kOne, 0, 5},
};

constexpr FieldDesc kStatefulSetFields[] = {
    {"spec", &described::StatefulSetSpec, Card::kOne, 0, 2},
    {"status", &described::StatefulSetStatus, Card::kOne, kStatus, 3},
};

// A claim inside a StatefulSet is a whole object, envelope and all.
constexpr FieldDesc kVolumeClaimTemplateFields[] = {
    {"kind", &kStringType},
    {"apiVersion", &kStringType},
    {"metadata", &ObjectMeta::kType, Card::kOne, 0, 1},
    {"spec", &described::PersistentVolumeClaimSpec, Card::kOne, 0, 2},
    {"status", &described::PersistentVolumeClaimStatus, Card::kOne, kStatus, 3},
};
constexpr TypeDesc kVolumeClaimTemplate{Shape::kStruct, "PersistentVolumeClaim", kVolumeClaimTemplateFields};

constexpr FieldDesc kStatefulSetSpecFields[] = {
    {"replicas", &kInt32Type, Card::kOne, 0, 1},
    {"selector", &LabelSelector::kType, Card::kOne, kRequired, 2},
    {"template", &PodTemplateSpec::kType, Card::kOne, kRequired, 3},
    {"volumeClaimTemplates", &kVolumeClaimTemplate, Card::kList, 0, 4},
    {"serviceName", &kStringType, Card::kOne, kRequired, 5},
    {"podManagementPolicy", &kStringType, Card::kOne, 0, 6},
    {"updateStrategy", &described::StatefulSetUpdateStrategy, Card::kOne, 0, 7},
    {"revisionHistoryLimit", &kInt32Type, Card::kOne, 0, 8},
    {"minReadySeconds", &kInt32Type, Card::kOne, 0, 9},
    {"persistentVolumeClaimRetentionPolicy", &described::StatefulSetPersistentVolumeClaimRetentionPolicy,
      Card::kOne, 0, 10},
    {"ordinals", &described::StatefulSetOrdinals, Card::kOne, 0, 11},
};

constexpr FieldDesc kStatefulSetUpdateStrategyFields[] = {
    {"type", &kStringType, Card::kOne, 0, 1},
    {"rollingUpdate", &described::RollingUpdateStatefulSetStrategy, Card::kOne, 0, 2},
};

constexpr FieldDesc kRollingUpdateStatefulSetStrategyFields[] = {
    {"partition", &kInt32Type, Card::kOne, 0, 1},
    {"maxUnavailable", &kIntOrStringType, Card::kOne, 0, 2},
};

constexpr FieldDesc kStatefulSetPersistentVolumeClaimRetentionPolicyFields[] = {
    {"whenDeleted", &kStringType, Card::kOne, 0, 1},
    {"whenScaled", &kStringType, Card::kOne, 0, 2},
};

constexpr FieldDesc kStatefulSetOrdinalsFields[] = {
    {"start", &kInt32Type, Card::kOne, 0, 1},
};

constexpr FieldDesc kStatefulSetStatusFields[] = {
    {"observedGeneration", &kInt64Type, Card::kOne, 0, 1},
    {"replicas", &kInt32Type, Card::kOne, kRequired, 2},
    {"readyReplicas", &kInt32Type, Card::kOne, 0, 3},
    {"currentReplicas", &kInt32Type, Card::kOne, 0, 4},
    {"updatedReplicas", &kInt32Type, Card::kOne, 0, 5},
    {"currentRevision", &kStringType, Card::kOne, 0, 6},
    {"updateRevision", &kStringType, Card::kOne, 0, 7},
    {"collisionCount", &kInt32Type, Card::kOne, 0, 9},
    {"conditions", &described::StatefulSetCondition, Card::kList, 0, 10, "type", "type"},
    {"availableReplicas", &kInt32Type, Card::kOne, 0, 11},
};

constexpr FieldDesc kStatefulSetConditionFields[] = {
    {"type", &kStringType, Card::kOne, kRequired, 1},
    {"status", &kStringType, Card::kOne, kRequired, 2},
    {"lastTransitionTime", &kTimeType, Card::kOne, 0, 3},
    {"reason", &kStringType, Card::kOne, 0, 4},
    {"message", &kStringType, Card::kOne, 0, 5},
};

constexpr FieldDesc kHorizontalPodAutoscalerFields[] = {
    {"spec", &described::HorizontalPodAutoscalerSpec, Card::kOne, 0, 2},
    {"status", &described::HorizontalPodAutoscalerStatus, Card::kOne, kStatus, 3},
};

constexpr FieldDesc kHorizontalPodAutoscalerSpecFields[] = {
    {"scaleTargetRef", &described::CrossVersionObjectReference, Card::kOne, kRequired, 1},
    {"minReplicas", &kInt32Type, Card::kOne, 0, 2},
    {"maxReplicas", &kInt32Type, Card::kOne, kRequired, 3},
    {"metrics", &described::MetricSpec, Card::kList, 0, 4},
    {"behavior", &described::HorizontalPodAutoscalerBehavior, Card::kOne, 0, 5},
};

constexpr FieldDesc kCrossVersionObjectReferenceFields[] = {
    {"kind", &kStringType, Card::kOne, kRequired, 1},
    {"name", &kStringType, Card::kOne, kRequired, 2},
    {"apiVersion", &kStringType, Card::kOne, 0, 3},
};

constexpr FieldDesc kMetricSpecFields[] = {
    {"type", &kStringType, Card::kOne, kRequired, 1},
    {"object", &described::ObjectMetricSource, Card::kOne, 0, 2},
    {"pods", &described::PodsMetricSource, Card::kOne, 0, 3},
    {"resource", &described::ResourceMetricSource, Card::kOne, 0, 4},
    {"containerResource", &described::ContainerResourceMetricSource, Card::kOne, 0, 7},
    {"external", &described::ExternalMetricSource, Card::kOne, 0, 5},
};

constexpr FieldDesc kObjectMetricSourceFields[] = {
    {"describedObject", &described::CrossVersionObjectReference, Card::kOne, kRequired, 1},
    {"target", &described::MetricTarget, Card::kOne, kRequired, 2},
    {"metric", &described::MetricIdentifier, Card::kOne, kRequired, 3},
};

constexpr FieldDesc kMetricTargetFields[] = {
    {"type", &kStringType, Card::kOne, kRequired, 1},
    {"value", &kQuantityType, Card::kOne, 0, 2},
    {"averageValue", &kQuantityType, Card::kOne, 0, 3},
    {"averageUtilization", &kInt32Type, Card::kOne, 0, 4},
};

constexpr FieldDesc kMetricIdentifierFields[] = {
    {"name", &kStringType, Card::kOne, kRequired, 1},
    {"selector", &LabelSelector::kType, Card::kOne, 0, 2},
};

constexpr FieldDesc kPodsMetricSourceFields[] = {
    {"metric", &described::MetricIdentifier, Card::kOne, kRequired, 1},
    {"target", &described::MetricTarget, Card::kOne, kRequired, 2},
};

constexpr FieldDesc kResourceMetricSourceFields[] = {
    {"name", &kStringType, Card::kOne, kRequired, 1},
    {"target", &described::MetricTarget, Card::kOne, kRequired, 2},
};

constexpr FieldDesc kContainerResourceMetricSourceFields[] = {
    {"name", &kStringType, Card::kOne, kRequired, 1},
    {"target", &described::MetricTarget, Card::kOne, kRequired, 2},
    {"container", &kStringType, Card::kOne, kRequired, 3},
};

constexpr FieldDesc kExternalMetricSourceFields[] = {
    {"metric", &described::MetricIdentifier, Card::kOne, kRequired, 1},
    {"target", &described::MetricTarget, Card::kOne, kRequired, 2},
};

constexpr FieldDesc kHorizontalPodAutoscalerBehaviorFields[] = {
    {"scaleUp", &described::HPAScalingRules, Card::kOne, 0, 1},
    {"scaleDown", &described::HPAScalingRules, Card::kOne, 0, 2},
};

constexpr FieldDesc kHPAScalingRulesFields[] = {
    {"stabilizationWindowSeconds", &kInt32Type, Card::kOne, 0, 3},
    {"selectPolicy", &kStringType, Card::kOne, 0, 1},
    {"policies", &described::HPAScalingPolicy, Card::kList, 0, 2},
    {"tolerance", &kQuantityType, Card::kOne, 0, 4},
};

constexpr FieldDesc kHPAScalingPolicyFields[] = {
    {"type", &kStringType, Card::kOne, kRequired, 1},
    {"value", &kInt32Type, Card::kOne, kRequired, 2},
    {"periodSeconds", &kInt32Type, Card::kOne, kRequired, 3},
};

constexpr FieldDesc kHorizontalPodAutoscalerStatusFields[] = {
    {"observedGeneration", &kInt64Type, Card::kOne, 0, 1},
    {"lastScaleTime", &kTimeType, Card::kOne, 0, 2},
    {"currentReplicas", &kInt32Type, Card::kOne, 0, 3},
    {"desiredReplicas", &kInt32Type, Card::kOne, kRequired, 4},
    {"currentMetrics", &described::MetricStatus, Card::kList, 0, 5},
    {"conditions", &described::HorizontalPodAutoscalerCondition, Card::kList, 0, 6, "type", "type"},
};

constexpr FieldDesc kMetricStatusFields[] = {
    {"type", &kStringType, Card::kOne, kRequired, 1},
    {"object", &described::ObjectMetricStatus, Card::kOne, 0, 2},
    {"pods", &described::PodsMetricStatus, Card::kOne, 0, 3},
    {"resource", &described::ResourceMetricStatus, Card::kOne, 0, 4},
    {"containerResource", &described::ContainerResourceMetricStatus, Card::kOne, 0, 7},
    {"external", &described::ExternalMetricStatus, Card::kOne, 0, 5},
};

constexpr FieldDesc kObjectMetricStatusFields[] = {
    {"metric", &described::MetricIdentifier, Card::kOne, kRequired, 1},
    {"current", &described::MetricValueStatus, Card::kOne, kRequired, 2},
    {"describedObject", &described::CrossVersionObjectReference, Card::kOne, kRequired, 3},
};

constexpr FieldDesc kMetricValueStatusFields[] = {
    {"value", &kQuantityType, Card::kOne, 0, 1},
    {"averageValue", &kQuantityType, Card::kOne, 0, 2},
    {"averageUtilization", &kInt32Type, Card::kOne, 0, 3},
};

constexpr FieldDesc kPodsMetricStatusFields[] = {
    {"metric", &described::MetricIdentifier, Card::kOne, kRequired, 1},
    {"current", &described::MetricValueStatus, Card::kOne, kRequired, 2},
};

constexpr FieldDesc kResourceMetricStatusFields[] = {
    {"name", &kStringType, Card::kOne, kRequired, 1},
    {"current", &described::MetricValueStatus, Card::kOne, kRequired, 2},
};

constexpr FieldDesc kContainerResourceMetricStatusFields[] = {
    {"name", &kStringType, Card::kOne, kRequired, 1},
    {"current", &described::MetricValueStatus, Card::kOne, kRequired, 2},
    {"container", &kStringType, Card::kOne, kRequired, 3},
};

constexpr FieldDesc kExternalMetricStatusFields[] = {
    {"metric", &described::MetricIdentifier, Card::kOne, kRequired, 1},
    {"current", &described::MetricValueStatus, Card::kOne, kRequired, 2},
};

constexpr FieldDesc kHorizontalPodAutoscalerConditionFields[] = {
    {"type", &kStringType, Card::kOne, kRequired, 1},
    {"status", &kStringType, Card::kOne, kRequired, 2},
    {"lastTransitionTime", &kTimeType, Card::kOne, 0, 3},
    {"reason", &kStringType, Card::kOne, 0, 4},
    {"message", &kStringType, Card::kOne, 0, 5},
};

constexpr FieldDesc kCronJobFields[] = {
    {"spec", &described::CronJobSpec, Card::kOne, 0, 2},
    {"status", &described::CronJobStatus, Card::kOne, kStatus, 3},
};

constexpr FieldDesc kCronJobSpecFields[] = {
    {"schedule", &kStringType, Card::kOne, kRequired, 1},
    {"timeZone", &kStringType, Card::kOne, 0, 8},
    {"startingDeadlineSeconds", &kInt64Type, Card::kOne, 0, 2},
    {"concurrencyPolicy", &kStringType, Card::kOne, 0, 3},
    {"suspend", &kBoolType, Card::kOne, 0, 4},
    {"jobTemplate", &described::JobTemplateSpec, Card::kOne, kRequired, 5},
    {"successfulJobsHistoryLimit", &kInt32Type, Card::kOne, 0, 6},
    {"failedJobsHistoryLimit", &kInt32Type, Card::kOne, 0, 7},
};

constexpr FieldDesc kJobTemplateSpecFields[] = {
    {"metadata", &ObjectMeta::kType, Card::kOne, 0, 1},
    {"spec", &described::JobSpec, Card::kOne, 0, 2},
};

constexpr FieldDesc kJobSpecFields[] = {
    {"parallelism", &kInt32Type, Card::kOne, 0, 1},
    {"completions", &kInt32Type, Card::kOne, 0, 2},
    {"activeDeadlineSeconds", &kInt64Type, Card::kOne, 0, 3},
    {"podFailurePolicy", &described::PodFailurePolicy, Card::kOne, 0, 11},
    {"successPolicy", &described::SuccessPolicy, Card::kOne, 0, 16},
    {"backoffLimit", &kInt32Type, Card::kOne, 0, 7},
    {"backoffLimitPerIndex", &kInt32Type, Card::kOne, 0, 12},
    {"maxFailedIndexes", &kInt32Type, Card::kOne, 0, 13},
    {"selector", &LabelSelector::kType, Card::kOne, 0, 4},
    {"manualSelector", &kBoolType, Card::kOne, 0, 5},
    {"template", &PodTemplateSpec::kType, Card::kOne, kRequired, 6},
    {"ttlSecondsAfterFinished", &kInt32Type, Card::kOne, 0, 8},
    {"completionMode", &kStringType, Card::kOne, 0, 9},
    {"suspend", &kBoolType, Card::kOne, 0, 10},
    {"podReplacementPolicy", &kStringType, Card::kOne, 0, 14},
    {"managedBy", &kStringType, Card::kOne, 0, 15},
};

constexpr FieldDesc kPodFailurePolicyFields[] = {
    {"rules", &described::PodFailurePolicyRule, Card::kList, kRequired, 1},
};

constexpr FieldDesc kPodFailurePolicyRuleFields[] = {
    {"action", &kStringType, Card::kOne, kRequired, 1},
    {"onExitCodes", &described::PodFailurePolicyOnExitCodesRequirement, Card::kOne, 0, 2},
    {"onPodConditions", &described::PodFailurePolicyOnPodConditionsPattern, Card::kList, kRequired, 3},
};

constexpr FieldDesc kPodFailurePolicyOnExitCodesRequirementFields[] = {
    {"containerName", &kStringType, Card::kOne, 0, 1},
    {"operator", &kStringType, Card::kOne, kRequired, 2},
    {"values", &kInt32Type, Card::kList, kRequired, 3},
};

constexpr FieldDesc kPodFailurePolicyOnPodConditionsPatternFields[] = {
    {"type", &kStringType, Card::kOne, kRequired, 1},
    {"status", &kStringType, Card::kOne, kRequired, 2},
};

constexpr FieldDesc kSuccessPolicyFields[] = {
    {"rules", &described::SuccessPolicyRule, Card::kList, 0, 1},
};

constexpr FieldDesc kSuccessPolicyRuleFields[] = {
    {"succeededIndexes", &kStringType, Card::kOne, 0, 1},
    {"succeededCount", &kInt32Type, Card::kOne, 0, 2},
};

constexpr FieldDesc kCronJobStatusFields[] = {
    {"active", &ObjectReference::kType, Card::kList, 0, 1},
    {"lastScheduleTime", &kTimeType, Card::kOne, 0, 4},
    {"lastSuccessfulTime", &kTimeType, Card::kOne, 0, 5},
};

constexpr FieldDesc kJobFields[] = {
    {"spec", &described::JobSpec, Card::kOne, 0, 2},
    {"status", &described::JobStatus, Card::kOne, kStatus, 3},
};

constexpr FieldDesc kJobStatusFields[] = {
    {"conditions", &described::JobCondition, Card::kList, 0, 1, "type", ""},
    {"startTime", &kTimeType, Card::kOne, 0, 2},
    {"completionTime", &kTimeType, Card::kOne, 0, 3},
    {"active", &kInt32Type, Card::kOne, 0, 4},
    {"succeeded", &kInt32Type, Card::kOne, 0, 5},
    {"failed", &kInt32Type, Card::kOne, 0, 6},
    {"terminating", &kInt32Type, Card::kOne, 0, 11},
    {"completedIndexes", &kStringType, Card::kOne, 0, 7},
    {"failedIndexes", &kStringType, Card::kOne, 0, 10},
    {"uncountedTerminatedPods", &described::UncountedTerminatedPods, Card::kOne, 0, 8},
    {"ready", &kInt32Type, Card::kOne, 0, 9},
};

constexpr FieldDesc kJobConditionFields[] = {
    {"type", &kStringType, Card::kOne, kRequired, 1},
    {"status", &kStringType, Card::kOne, kRequired, 2},
    {"lastProbeTime", &kTimeType, Card::kOne, 0, 3},
    {"lastTransitionTime", &kTimeType, Card::kOne, 0, 4},
    {"reason", &kStringType, Card::kOne, 0, 5},
    {"message", &kStringType, Card::kOne, 0, 6},
};

constexpr FieldDesc kUncountedTerminatedPodsFields[] = {
    {"succeeded", &kStringType, Card::kList, 0, 1},
    {"failed", &kStringType, Card::kList, 0, 2},
};

constexpr FieldDesc kPodDisruptionBudgetFields[] = {
    {"spec", &described::PodDisruptionBudgetSpec, Card::kOne, 0, 2},
    {"status", &described::PodDisruptionBudgetStatus, Card::kOne, kStatus, 3},
};

constexpr FieldDesc kPodDisruptionBudgetSpecFields[] = {
    {"minAvailable", &kIntOrStringType, Card::kOne, 0, 1},
    {"selector", &LabelSelector::kType, Card::kOne, 0, 2},
    {"maxUnavailable", &kIntOrStringType, Card::kOne, 0, 3},
    {"unhealthyPodEvictionPolicy", &kStringType, Card::kOne, 0, 4},
};

constexpr FieldDesc kPodDisruptionBudgetStatusFields[] = {
    {"observedGeneration", &kInt64Type, Card::kOne, 0, 1},
    {"disruptedPods", &kTimeType, Card::kMap, 0, 2},
    {"disruptionsAllowed", &kInt32Type, Card::kOne, kRequired, 3},
    {"currentHealthy", &kInt32Type, Card::kOne, kRequired, 4},
    {"desiredHealthy", &kInt32Type, Card::kOne, kRequired, 5},
    {"expectedPods", &kInt32Type, Card::kOne, kRequired, 6},
    {"conditions", &Condition::kType, Card::kList, 0, 7, "type", "type"},
};

}  // namespace

namespace described {

constinit const TypeDesc ControllerRevision{Shape::kStruct, "ControllerRevision", kControllerRevisionFields};
constinit const TypeDesc DaemonSet{Shape::kStruct, "DaemonSet", kDaemonSetFields};
constinit const TypeDesc DaemonSetSpec{Shape::kStruct, "DaemonSetSpec", kDaemonSetSpecFields};
constinit const TypeDesc DaemonSetUpdateStrategy{
    Shape::kStruct, "DaemonSetUpdateStrategy", kDaemonSetUpdateStrategyFields};
constinit const TypeDesc RollingUpdateDaemonSet{
    Shape::kStruct, "RollingUpdateDaemonSet", kRollingUpdateDaemonSetFields};
constinit const TypeDesc DaemonSetStatus{Shape::kStruct, "DaemonSetStatus", kDaemonSetStatusFields};
constinit const TypeDesc DaemonSetCondition{Shape::kStruct, "DaemonSetCondition", kDaemonSetConditionFields};
constinit const TypeDesc StatefulSet{Shape::kStruct, "StatefulSet", kStatefulSetFields};
constinit const TypeDesc StatefulSetSpec{Shape::kStruct, "StatefulSetSpec", kStatefulSetSpecFields};
constinit const TypeDesc StatefulSetUpdateStrategy{
    Shape::kStruct, "StatefulSetUpdateStrategy", kStatefulSetUpdateStrategyFields};
constinit const TypeDesc RollingUpdateStatefulSetStrategy{
    Shape::kStruct, "RollingUpdateStatefulSetStrategy", kRollingUpdateStatefulSetStrategyFields};
constinit const TypeDesc StatefulSetPersistentVolumeClaimRetentionPolicy{
    Shape::kStruct, "StatefulSetPersistentVolumeClaimRetentionPolicy", kStatefulSetPersistentVolumeClaimRetentionPolicyFields};
constinit const TypeDesc StatefulSetOrdinals{Shape::kStruct, "StatefulSetOrdinals", kStatefulSetOrdinalsFields};
constinit const TypeDesc StatefulSetStatus{Shape::kStruct, "StatefulSetStatus", kStatefulSetStatusFields};
constinit const TypeDesc StatefulSetCondition{Shape::kStruct, "StatefulSetCondition", kStatefulSetConditionFields};
constinit const TypeDesc HorizontalPodAutoscaler{
    Shape::kStruct, "HorizontalPodAutoscaler", kHorizontalPodAutoscalerFields};
constinit const TypeDesc HorizontalPodAutoscalerSpec{
    Shape::kStruct, "HorizontalPodAutoscalerSpec", kHorizontalPodAutoscalerSpecFields};
constinit const TypeDesc CrossVersionObjectReference{
    Shape::kStruct, "CrossVersionObjectReference", kCrossVersionObjectReferenceFields};
constinit const TypeDesc MetricSpec{Shape::kStruct, "MetricSpec", kMetricSpecFields};
constinit const TypeDesc ObjectMetricSource{Shape::kStruct, "ObjectMetricSource", kObjectMetricSourceFields};
constinit const TypeDesc MetricTarget{Shape::kStruct, "MetricTarget", kMetricTargetFields};
constinit const TypeDesc MetricIdentifier{Shape::kStruct, "MetricIdentifier", kMetricIdentifierFields};
constinit const TypeDesc PodsMetricSource{Shape::kStruct, "PodsMetricSource", kPodsMetricSourceFields};
constinit const TypeDesc ResourceMetricSource{Shape::kStruct, "ResourceMetricSource", kResourceMetricSourceFields};
constinit const TypeDesc ContainerResourceMetricSource{
    Shape::kStruct, "ContainerResourceMetricSource", kContainerResourceMetricSourceFields};
constinit const TypeDesc ExternalMetricSource{Shape::kStruct, "ExternalMetricSource", kExternalMetricSourceFields};
constinit const TypeDesc HorizontalPodAutoscalerBehavior{
    Shape::kStruct, "HorizontalPodAutoscalerBehavior", kHorizontalPodAutoscalerBehaviorFields};
constinit const TypeDesc HPAScalingRules{Shape::kStruct, "HPAScalingRules", kHPAScalingRulesFields};
constinit const TypeDesc HPAScalingPolicy{Shape::kStruct, "HPAScalingPolicy", kHPAScalingPolicyFields};
constinit const TypeDesc HorizontalPodAutoscalerStatus{
    Shape::kStruct, "HorizontalPodAutoscalerStatus", kHorizontalPodAutoscalerStatusFields};
constinit const TypeDesc MetricStatus{Shape::kStruct, "MetricStatus", kMetricStatusFields};
constinit const TypeDesc ObjectMetricStatus{Shape::kStruct, "ObjectMetricStatus", kObjectMetricStatusFields};
constinit const TypeDesc MetricValueStatus{Shape::kStruct, "MetricValueStatus", kMetricValueStatusFields};
constinit const TypeDesc PodsMetricStatus{Shape::kStruct, "PodsMetricStatus", kPodsMetricStatusFields};
constinit const TypeDesc ResourceMetricStatus{Shape::kStruct, "ResourceMetricStatus", kResourceMetricStatusFields};
constinit const TypeDesc ContainerResourceMetricStatus{
    Shape::kStruct, "ContainerResourceMetricStatus", kContainerResourceMetricStatusFields};
constinit const TypeDesc ExternalMetricStatus{Shape::kStruct, "ExternalMetricStatus", kExternalMetricStatusFields};
constinit const TypeDesc HorizontalPodAutoscalerCondition{
    Shape::kStruct, "HorizontalPodAutoscalerCondition", kHorizontalPodAutoscalerConditionFields};
constinit const TypeDesc CronJob{Shape::kStruct, "CronJob", kCronJobFields};
constinit const TypeDesc CronJobSpec{Shape::kStruct, "CronJobSpec", kCronJobSpecFields};
constinit const TypeDesc JobTemplateSpec{Shape::kStruct, "JobTemplateSpec", kJobTemplateSpecFields};
constinit const TypeDesc JobSpec{Shape::kStruct, "JobSpec", kJobSpecFields};
constinit const TypeDesc PodFailurePolicy{Shape::kStruct, "PodFailurePolicy", kPodFailurePolicyFields};
constinit const TypeDesc PodFailurePolicyRule{Shape::kStruct, "PodFailurePolicyRule", kPodFailurePolicyRuleFields};
constinit const TypeDesc PodFailurePolicyOnExitCodesRequirement{
    Shape::kStruct, "PodFailurePolicyOnExitCodesRequirement", kPodFailurePolicyOnExitCodesRequirementFields};
constinit const TypeDesc PodFailurePolicyOnPodConditionsPattern{
    Shape::kStruct, "PodFailurePolicyOnPodConditionsPattern", kPodFailurePolicyOnPodConditionsPatternFields};
constinit const TypeDesc SuccessPolicy{Shape::kStruct, "SuccessPolicy", kSuccessPolicyFields};
constinit const TypeDesc SuccessPolicyRule{Shape::kStruct, "SuccessPolicyRule", kSuccessPolicyRuleFields};
constinit const TypeDesc CronJobStatus{Shape::kStruct, "CronJobStatus", kCronJobStatusFields};
constinit const TypeDesc Job{Shape::kStruct, "Job", kJobFields};
constinit const TypeDesc JobStatus{Shape::kStruct, "JobStatus", kJobStatusFields};
constinit const TypeDesc JobCondition{Shape::kStruct, "JobCondition", kJobConditionFields};
constinit const TypeDesc UncountedTerminatedPods{
    Shape::kStruct, "UncountedTerminatedPods", kUncountedTerminatedPodsFields};
constinit const TypeDesc PodDisruptionBudget{Shape::kStruct, "PodDisruptionBudget", kPodDisruptionBudgetFields};
constinit const TypeDesc PodDisruptionBudgetSpec{
    Shape::kStruct, "PodDisruptionBudgetSpec", kPodDisruptionBudgetSpecFields};
constinit const TypeDesc PodDisruptionBudgetStatus{
    Shape::kStruct, "PodDisruptionBudgetStatus", kPodDisruptionBudgetStatusFields};

}  // namespace described
}  // namespace mainstay
