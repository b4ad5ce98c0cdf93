#include "schema/kinds/meta.h"

#include <cstddef>

#include "schema/kinds/described.h"

namespace mainstay {
namespace {

constexpr FieldDesc kOwnerReferenceFields[] = {
    {"apiVersion", &kStringType, Card::kOne, kRequired | kEmitZero, 5, "", "",
      NATIVE(OwnerReference, api_version)},
    {"kind", &kStringType, Card::kOne, kRequired | kEmitZero, 1, "", "", NATIVE(OwnerReference, kind)},
    {"name", &kStringType, Card::kOne, kRequired | kEmitZero, 3, "", "", NATIVE(OwnerReference, name)},
    {"uid", &kStringType, Card::kOne, kRequired | kEmitZero, 4, "", "", NATIVE(OwnerReference, uid)},
    {"controller", &kBoolType, Card::kOne, 0, 6, "", "", NATIVE(OwnerReference, controller)},
    {"blockOwnerDeletion", &kBoolType, Card::kOne, 0, 7, "", "",
      NATIVE(OwnerReference, block_owner_deletion)},
};

constexpr FieldDesc kObjectMetaFields[] = {
    {"name", &kStringType, Card::kOne, 0, 1, "", "", NATIVE(ObjectMeta, name)},
    {"generateName", &kStringType, Card::kOne, 0, 2, "", "", NATIVE(ObjectMeta, generate_name)},
    {"namespace", &kStringType, Card::kOne, 0, 3, "", "", NATIVE(ObjectMeta, ns)},
    {"selfLink", &kStringType, Card::kOne, 0, 4},
    {"uid", &kStringType, Card::kOne, 0, 5, "", "", NATIVE(ObjectMeta, uid)},
    {"resourceVersion", &kStringType, Card::kOne, 0, 6, "", "", NATIVE(ObjectMeta, resource_version)},
    {"generation", &kInt64Type, Card::kOne, 0, 7, "", "", NATIVE(ObjectMeta, generation)},
    {"creationTimestamp", &kTimeType, Card::kOne, 0, 8, "", "", NATIVE(ObjectMeta, creation_timestamp)},
    {"deletionTimestamp", &kTimeType, Card::kOne, 0, 9, "", "", NATIVE(ObjectMeta, deletion_timestamp)},
    {"deletionGracePeriodSeconds", &kInt64Type, Card::kOne, 0, 10, "", "",
      NATIVE(ObjectMeta, deletion_grace_period_seconds)},
    {"labels", &kStringType, Card::kMap, 0, 11, "", "", NATIVE(ObjectMeta, labels)},
    {"annotations", &kStringType, Card::kMap, 0, 12, "", "", NATIVE(ObjectMeta, annotations)},
    {"ownerReferences", &OwnerReference::kType, Card::kList, 0, 13, "uid", "uid",
      NATIVE(ObjectMeta, owner_references)},
    {"finalizers", &kStringType, Card::kList, kMergePrimitives, 14, "", "", NATIVE(ObjectMeta, finalizers)},
    {"managedFields", &described::ManagedFieldsEntry, Card::kList, 0, 17},
};

constexpr FieldDesc kLabelSelectorRequirementFields[] = {
    {"key", &kStringType, Card::kOne, kRequired | kEmitZero, 1, "", "",
      NATIVE(LabelSelectorRequirement, key)},
    {"operator", &kStringType, Card::kOne, kRequired | kEmitZero, 2, "", "",
      NATIVE(LabelSelectorRequirement, op)},
    {"values", &kStringType, Card::kList, 0, 3, "", "", NATIVE(LabelSelectorRequirement, values)},
};

constexpr FieldDesc kLabelSelectorFields[] = {
    {"matchLabels", &kStringType, Card::kMap, 0, 1, "", "", NATIVE(LabelSelector, match_labels)},
    {"matchExpressions", &LabelSelectorRequirement::kType, Card::kList, 0, 2, "", "",
      NATIVE(LabelSelector, match_expressions)},
};

constexpr FieldDesc kConditionFields[] = {
    {"type", &kStringType, Card::kOne, kRequired | kEmitZero, 1, "", "", NATIVE(Condition, type)},
    {"status", &kStringType, Card::kOne, kRequired | kEmitZero, 2, "", "", NATIVE(Condition, status)},
    {"observedGeneration", &kInt64Type, Card::kOne, 0, 3, "", "", NATIVE(Condition, observed_generation)},
    {"lastTransitionTime", &kTimeType, Card::kOne, kRequired | kEmitZero, 4, "", "",
      NATIVE(Condition, last_transition_time)},
    {"reason", &kStringType, Card::kOne, kRequired | kEmitZero, 5, "", "", NATIVE(Condition, reason)},
    {"message", &kStringType, Card::kOne, kRequired | kEmitZero, 6, "", "", NATIVE(Condition, message)},
};

constexpr FieldDesc kLocalObjectReferenceFields[] = {
    {"name", &kStringType, Card::kOne, 0, 1, "", "", NATIVE(LocalObjectReference, name)},
};

constexpr FieldDesc kObjectReferenceFields[] = {
    {"kind", &kStringType, Card::kOne, 0, 1, "", "", NATIVE(ObjectReference, kind)},
    {"namespace", &kStringType, Card::kOne, 0, 2, "", "", NATIVE(ObjectReference, ns)},
    {"name", &kStringType, Card::kOne, 0, 3, "", "", NATIVE(ObjectReference, name)},
    {"uid", &kStringType, Card::kOne, 0, 4, "", "", NATIVE(ObjectReference, uid)},
    {"apiVersion", &kStringType, Card::kOne, 0, 5, "", "", NATIVE(ObjectReference, api_version)},
    {"resourceVersion", &kStringType, Card::kOne, 0, 6, "", "", NATIVE(ObjectReference, resource_version)},
    {"fieldPath", &kStringType, Card::kOne, 0, 7, "", "", NATIVE(ObjectReference, field_path)},
};

}  // namespace

constinit const TypeDesc OwnerReference::kType =
    struct_type<OwnerReference>("OwnerReference", kOwnerReferenceFields);
constinit const TypeDesc ObjectMeta::kType =
    struct_type<ObjectMeta>("ObjectMeta", kObjectMetaFields);
constinit const TypeDesc LabelSelectorRequirement::kType =
    struct_type<LabelSelectorRequirement>("LabelSelectorRequirement", kLabelSelectorRequirementFields);
constinit const TypeDesc LabelSelector::kType =
    struct_type<LabelSelector>("LabelSelector", kLabelSelectorFields);
constinit const TypeDesc Condition::kType =
    struct_type<Condition>("Condition", kConditionFields);
constinit const TypeDesc LocalObjectReference::kType =
    struct_type<LocalObjectReference>("LocalObjectReference", kLocalObjectReferenceFields);
constinit const TypeDesc ObjectReference::kType =
    struct_type<ObjectReference>("ObjectReference", kObjectReferenceFields);

}  // namespace mainstay
