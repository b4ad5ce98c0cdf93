#include "schema/kinds/application.h"

#include <cstddef>

#include "schema/kinds/described.h"

namespace mainstay {
namespace {

constexpr FieldDesc kApplicationDirectoryFields[] = {
    {"recurse", &kBoolType, Card::kOne, 0, 0, "", "", NATIVE(ApplicationDirectory, recurse)},
    {"jsonnet", &kRawType, Card::kOne, 0, 0},
    {"exclude", &kStringType, Card::kOne, 0, 0, "", "", NATIVE(ApplicationDirectory, exclude)},
    {"include", &kStringType, Card::kOne, 0, 0, "", "", NATIVE(ApplicationDirectory, include)},
};

constexpr FieldDesc kApplicationSourceFields[] = {
    {"repoURL", &kStringType, Card::kOne, kEmitZero, 0, "", "", NATIVE(ApplicationSource, repo_url)},
    {"path", &kStringType, Card::kOne, 0, 0, "", "", NATIVE(ApplicationSource, path)},
    {"targetRevision", &kStringType, Card::kOne, 0, 0, "", "", NATIVE(ApplicationSource, target_revision)},
    {"directory", &ApplicationDirectory::kType, Card::kOne, 0, 0, "", "",
      NATIVE(ApplicationSource, directory)},
    {"kustomize", &kRawType, Card::kOne, 0, 0},
    {"helm", &kRawType, Card::kOne, 0, 0},
    {"plugin", &kRawType, Card::kOne, 0, 0},
    {"chart", &kStringType, Card::kOne, 0, 0},
    {"ref", &kStringType, Card::kOne, 0, 0},
    {"name", &kStringType, Card::kOne, 0, 0},
};

constexpr FieldDesc kApplicationDestinationFields[] = {
    {"server", &kStringType, Card::kOne, 0, 0, "", "", NATIVE(ApplicationDestination, server)},
    {"namespace", &kStringType, Card::kOne, 0, 0, "", "", NATIVE(ApplicationDestination, ns)},
    {"name", &kStringType, Card::kOne, 0, 0, "", "", NATIVE(ApplicationDestination, name)},
};

constexpr FieldDesc kSyncPolicyAutomatedFields[] = {
    {"prune", &kBoolType, Card::kOne, 0, 0, "", "", NATIVE(SyncPolicyAutomated, prune)},
    {"selfHeal", &kBoolType, Card::kOne, 0, 0, "", "", NATIVE(SyncPolicyAutomated, self_heal)},
    {"allowEmpty", &kBoolType, Card::kOne, 0, 0, "", "", NATIVE(SyncPolicyAutomated, allow_empty)},
    {"enabled", &kBoolType, Card::kOne, 0, 0, "", "", NATIVE(SyncPolicyAutomated, enabled)},
};

constexpr FieldDesc kSyncPolicyFields[] = {
    {"automated", &SyncPolicyAutomated::kType, Card::kOne, 0, 0, "", "", NATIVE(SyncPolicy, automated)},
    {"syncOptions", &kStringType, Card::kList, 0, 0, "", "", NATIVE(SyncPolicy, sync_options)},
    {"retry", &described::RetryStrategy, Card::kOne, 0, 0},
    {"managedNamespaceMetadata", &described::ManagedNamespaceMetadata, Card::kOne, 0, 0},
};

constexpr FieldDesc kApplicationSpecFields[] = {
    {"source", &ApplicationSource::kType, Card::kOne, 0, 0, "", "", NATIVE(ApplicationSpec, source)},
    {"sources", &ApplicationSource::kType, Card::kList, 0, 0},
    {"destination", &ApplicationDestination::kType, Card::kOne, kEmitZero, 0, "", "",
      NATIVE(ApplicationSpec, destination)},
    {"project", &kStringType, Card::kOne, kEmitZero, 0, "", "", NATIVE(ApplicationSpec, project)},
    {"syncPolicy", &SyncPolicy::kType, Card::kOne, 0, 0, "", "", NATIVE(ApplicationSpec, sync_policy)},
    {"ignoreDifferences", &described::ResourceIgnoreDifferences, Card::kList, 0, 0},
    {"info", &described::Info, Card::kList, 0, 0},
    {"revisionHistoryLimit", &kInt64Type, Card::kOne, 0, 0, "", "",
      NATIVE(ApplicationSpec, revision_history_limit)},
};

constexpr FieldDesc kComparedToFields[] = {
    {"source", &ApplicationSource::kType, Card::kOne, kEmitZero, 0, "", "", NATIVE(ComparedTo, source)},
    {"destination", &ApplicationDestination::kType, Card::kOne, kEmitZero, 0, "", "",
      NATIVE(ComparedTo, destination)},
    {"sources", &ApplicationSource::kType, Card::kList, 0, 0},
    {"ignoreDifferences", &described::ResourceIgnoreDifferences, Card::kList, 0, 0},
};

constexpr FieldDesc kSyncStatusFields[] = {
    {"status", &kStringType, Card::kOne, kEmitZero, 0, "", "", NATIVE(SyncStatus, status)},
    {"comparedTo", &ComparedTo::kType, Card::kOne, 0, 0, "", "", NATIVE(SyncStatus, compared_to)},
    {"revision", &kStringType, Card::kOne, 0, 0, "", "", NATIVE(SyncStatus, revision)},
    {"revisions", &kStringType, Card::kList, 0, 0},
};

constexpr FieldDesc kHealthStatusFields[] = {
    {"status", &kStringType, Card::kOne, 0, 0, "", "", NATIVE(HealthStatus, status)},
    {"message", &kStringType, Card::kOne, 0, 0, "", "", NATIVE(HealthStatus, message)},
    {"lastTransitionTime", &kTimeType, Card::kOne, 0, 0, "", "",
      NATIVE(HealthStatus, last_transition_time)},
};

constexpr FieldDesc kResourceStatusFields[] = {
    {"group", &kStringType, Card::kOne, 0, 0, "", "", NATIVE(ResourceStatus, group)},
    {"version", &kStringType, Card::kOne, 0, 0, "", "", NATIVE(ResourceStatus, version)},
    {"kind", &kStringType, Card::kOne, 0, 0, "", "", NATIVE(ResourceStatus, kind)},
    {"namespace", &kStringType, Card::kOne, 0, 0, "", "", NATIVE(ResourceStatus, ns)},
    {"name", &kStringType, Card::kOne, 0, 0, "", "", NATIVE(ResourceStatus, name)},
    {"status", &kStringType, Card::kOne, 0, 0, "", "", NATIVE(ResourceStatus, status)},
    {"health", &HealthStatus::kType, Card::kOne, 0, 0, "", "", NATIVE(ResourceStatus, health)},
    {"hook", &kBoolType, Card::kOne, 0, 0},
    {"requiresPruning", &kBoolType, Card::kOne, 0, 0, "", "", NATIVE(ResourceStatus, requires_pruning)},
    {"syncWave", &kInt64Type, Card::kOne, 0, 0},
    {"requiresDeletionConfirmation", &kBoolType, Card::kOne, 0, 0},
};

constexpr FieldDesc kRevisionHistoryFields[] = {
    {"revision", &kStringType, Card::kOne, kEmitZero, 0, "", "", NATIVE(RevisionHistory, revision)},
    {"deployedAt", &kTimeType, Card::kOne, kEmitZero, 0, "", "", NATIVE(RevisionHistory, deployed_at)},
    {"id", &kInt64Type, Card::kOne, kEmitZero, 0, "", "", NATIVE(RevisionHistory, id)},
    {"source", &ApplicationSource::kType, Card::kOne, 0, 0, "", "", NATIVE(RevisionHistory, source)},
    {"deployStartedAt", &kTimeType, Card::kOne, 0, 0, "", "", NATIVE(RevisionHistory, deploy_started_at)},
    {"sources", &ApplicationSource::kType, Card::kList, 0, 0},
    {"revisions", &kStringType, Card::kList, 0, 0},
    {"initiatedBy", &kRawType, Card::kOne, 0, 0},
};

constexpr FieldDesc kApplicationConditionFields[] = {
    {"type", &kStringType, Card::kOne, kEmitZero, 0, "", "", NATIVE(ApplicationCondition, type)},
    {"message", &kStringType, Card::kOne, kEmitZero, 0, "", "", NATIVE(ApplicationCondition, message)},
    {"lastTransitionTime", &kTimeType, Card::kOne, 0, 0, "", "",
      NATIVE(ApplicationCondition, last_transition_time)},
};

constexpr FieldDesc kApplicationSummaryFields[] = {
    {"externalURLs", &kStringType, Card::kList, 0, 0},
    {"images", &kStringType, Card::kList, 0, 0, "", "", NATIVE(ApplicationSummary, images)},
};

constexpr FieldDesc kSyncOperationResultFields[] = {
    {"resources", &described::ResourceResult, Card::kList, 0, 0},
    {"revision", &kStringType, Card::kOne, kEmitZero, 0, "", "", NATIVE(SyncOperationResult, revision)},
    {"source", &ApplicationSource::kType, Card::kOne, 0, 0, "", "", NATIVE(SyncOperationResult, source)},
    {"sources", &ApplicationSource::kType, Card::kList, 0, 0},
    {"revisions", &kStringType, Card::kList, 0, 0},
};

constexpr FieldDesc kOperationStateFields[] = {
    {"operation", &kRawType, Card::kOne, 0, 0},
    {"phase", &kStringType, Card::kOne, kEmitZero, 0, "", "", NATIVE(OperationState, phase)},
    {"message", &kStringType, Card::kOne, 0, 0, "", "", NATIVE(OperationState, message)},
    {"syncResult", &SyncOperationResult::kType, Card::kOne, 0, 0, "", "",
      NATIVE(OperationState, sync_result)},
    {"startedAt", &kTimeType, Card::kOne, kEmitZero, 0, "", "", NATIVE(OperationState, started_at)},
    {"finishedAt", &kTimeType, Card::kOne, 0, 0, "", "", NATIVE(OperationState, finished_at)},
    {"retryCount", &kInt64Type, Card::kOne, 0, 0},
};

constexpr FieldDesc kApplicationStatusFields[] = {
    {"resources", &ResourceStatus::kType, Card::kList, 0, 0, "", "", NATIVE(ApplicationStatus, resources)},
    {"sync", &SyncStatus::kType, Card::kOne, 0, 0, "", "", NATIVE(ApplicationStatus, sync)},
    {"health", &HealthStatus::kType, Card::kOne, 0, 0, "", "", NATIVE(ApplicationStatus, health)},
    {"history", &RevisionHistory::kType, Card::kList, 0, 0, "", "", NATIVE(ApplicationStatus, history)},
    {"conditions", &ApplicationCondition::kType, Card::kList, 0, 0, "", "",
      NATIVE(ApplicationStatus, conditions)},
    {"reconciledAt", &kTimeType, Card::kOne, 0, 0, "", "", NATIVE(ApplicationStatus, reconciled_at)},
    {"operationState", &OperationState::kType, Card::kOne, 0, 0, "", "",
      NATIVE(ApplicationStatus, operation_state)},
    {"observedAt", &kTimeType, Card::kOne, 0, 0},
    {"sourceType", &kStringType, Card::kOne, 0, 0, "", "", NATIVE(ApplicationStatus, source_type)},
    {"summary", &ApplicationSummary::kType, Card::kOne, 0, 0, "", "", NATIVE(ApplicationStatus, summary)},
    {"resourceHealthSource", &kStringType, Card::kOne, 0, 0},
    {"sourceTypes", &kStringType, Card::kList, 0, 0},
    {"controllerNamespace", &kStringType, Card::kOne, 0, 0},
};

constexpr FieldDesc kApplicationFields[] = {
    {"spec", &ApplicationSpec::kType, Card::kOne, kEmitZero, 0, "", "", NATIVE(Application, spec)},
    {"status", &ApplicationStatus::kType, Card::kOne, kStatus, 0, "", "", NATIVE(Application, status)},
    {"operation", &kRawType, Card::kOne, 0, 0},
};

}  // namespace

constinit const TypeDesc ApplicationDirectory::kType =
    struct_type<ApplicationDirectory>("ApplicationDirectory", kApplicationDirectoryFields);
constinit const TypeDesc ApplicationSource::kType =
    struct_type<ApplicationSource>("ApplicationSource", kApplicationSourceFields);
constinit const TypeDesc ApplicationDestination::kType =
    struct_type<ApplicationDestination>("ApplicationDestination", kApplicationDestinationFields);
constinit const TypeDesc SyncPolicyAutomated::kType =
    struct_type<SyncPolicyAutomated>("SyncPolicyAutomated", kSyncPolicyAutomatedFields);
constinit const TypeDesc SyncPolicy::kType =
    struct_type<SyncPolicy>("SyncPolicy", kSyncPolicyFields);
constinit const TypeDesc ApplicationSpec::kType =
    struct_type<ApplicationSpec>("ApplicationSpec", kApplicationSpecFields);
constinit const TypeDesc ComparedTo::kType =
    struct_type<ComparedTo>("ComparedTo", kComparedToFields);
constinit const TypeDesc SyncStatus::kType =
    struct_type<SyncStatus>("SyncStatus", kSyncStatusFields);
constinit const TypeDesc HealthStatus::kType =
    struct_type<HealthStatus>("HealthStatus", kHealthStatusFields);
constinit const TypeDesc ResourceStatus::kType =
    struct_type<ResourceStatus>("ResourceStatus", kResourceStatusFields);
constinit const TypeDesc RevisionHistory::kType =
    struct_type<RevisionHistory>("RevisionHistory", kRevisionHistoryFields);
constinit const TypeDesc ApplicationCondition::kType =
    struct_type<ApplicationCondition>("ApplicationCondition", kApplicationConditionFields);
constinit const TypeDesc ApplicationSummary::kType =
    struct_type<ApplicationSummary>("ApplicationSummary", kApplicationSummaryFields);
constinit const TypeDesc SyncOperationResult::kType =
    struct_type<SyncOperationResult>("SyncOperationResult", kSyncOperationResultFields);
constinit const TypeDesc OperationState::kType =
    struct_type<OperationState>("OperationState", kOperationStateFields);
constinit const TypeDesc ApplicationStatus::kType =
    struct_type<ApplicationStatus>("ApplicationStatus", kApplicationStatusFields);
constinit const TypeDesc Application::kType =
    struct_type<Application>("Application", kApplicationFields);

}  // namespace mainstay
