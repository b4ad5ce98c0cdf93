#include "schema/kinds/config.h"

#include <cstddef>

#include "schema/kinds/described.h"

namespace mainstay {
namespace {

constexpr FieldDesc kConfigMapFields[] = {
    {"immutable", &kBoolType, Card::kOne, 0, 4, "", "", NATIVE(ConfigMap, immutable)},
    {"data", &kStringType, Card::kMap, 0, 2, "", "", NATIVE(ConfigMap, data)},
    {"binaryData", &kBytesType, Card::kMap, 0, 3, "", "", NATIVE(ConfigMap, binary_data)},
};

constexpr FieldDesc kSecretFields[] = {
    {"immutable", &kBoolType, Card::kOne, 0, 5, "", "", NATIVE(Secret, immutable)},
    {"data", &kBytesType, Card::kMap, kSecret, 2, "", "", NATIVE(Secret, data)},
    {"stringData", &kStringType, Card::kMap, kSecret, 4, "", "", NATIVE(Secret, string_data)},
    {"type", &kStringType, Card::kOne, 0, 3, "", "", NATIVE(Secret, type)},
};

constexpr FieldDesc kServiceAccountFields[] = {
    {"secrets", &ObjectReference::kType, Card::kList, 0, 2, "name", "name",
      NATIVE(ServiceAccount, secrets)},
    {"imagePullSecrets", &LocalObjectReference::kType, Card::kList, 0, 3, "", "",
      NATIVE(ServiceAccount, image_pull_secrets)},
    {"automountServiceAccountToken", &kBoolType, Card::kOne, 0, 4, "", "",
      NATIVE(ServiceAccount, automount_service_account_token)},
};

constexpr FieldDesc kNamespaceSpecFields[] = {
    {"finalizers", &kStringType, Card::kList, 0, 1, "", "", NATIVE(NamespaceSpec, finalizers)},
};

constexpr FieldDesc kNamespaceConditionFields[] = {
    {"type", &kStringType, Card::kOne, kRequired | kEmitZero, 1, "", "", NATIVE(NamespaceCondition, type)},
    {"status", &kStringType, Card::kOne, kRequired | kEmitZero, 2, "", "",
      NATIVE(NamespaceCondition, status)},
    {"lastTransitionTime", &kTimeType, Card::kOne, 0, 4, "", "",
      NATIVE(NamespaceCondition, last_transition_time)},
    {"reason", &kStringType, Card::kOne, 0, 5, "", "", NATIVE(NamespaceCondition, reason)},
    {"message", &kStringType, Card::kOne, 0, 6, "", "", NATIVE(NamespaceCondition, message)},
};

constexpr FieldDesc kNamespaceStatusFields[] = {
    {"phase", &kStringType, Card::kOne, 0, 1, "", "", NATIVE(NamespaceStatus, phase)},
    {"conditions", &NamespaceCondition::kType, Card::kList, 0, 2, "type", "type",
      NATIVE(NamespaceStatus, conditions)},
};

constexpr FieldDesc kNamespaceFields[] = {
    {"spec", &NamespaceSpec::kType, Card::kOne, kEmitZero, 2, "", "", NATIVE(Namespace, spec)},
    {"status", &NamespaceStatus::kType, Card::kOne, kEmitZero | kStatus, 3, "", "",
      NATIVE(Namespace, status)},
};

}  // namespace

constinit const TypeDesc ConfigMap::kType =
    struct_type<ConfigMap>("ConfigMap", kConfigMapFields);
constinit const TypeDesc Secret::kType =
    struct_type<Secret>("Secret", kSecretFields);
constinit const TypeDesc ServiceAccount::kType =
    struct_type<ServiceAccount>("ServiceAccount", kServiceAccountFields);
constinit const TypeDesc NamespaceSpec::kType =
    struct_type<NamespaceSpec>("NamespaceSpec", kNamespaceSpecFields);
constinit const TypeDesc NamespaceCondition::kType =
    struct_type<NamespaceCondition>("NamespaceCondition", kNamespaceConditionFields);
constinit const TypeDesc NamespaceStatus::kType =
    struct_type<NamespaceStatus>("NamespaceStatus", kNamespaceStatusFields);
constinit const TypeDesc Namespace::kType =
    struct_type<Namespace>("Namespace", kNamespaceFields);

}  // namespace mainstay
