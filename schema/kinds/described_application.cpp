#include "schema/kinds/described.h"

namespace mainstay {
namespace {

constexpr FieldDesc kRetryStrategyFields[] = {
    {"limit", &kInt64Type, Card::kOne, 0, 0},
    {"backoff", &described::Backoff, Card::kOne, 0, 0},
    {"refresh", &kBoolType, Card::kOne, 0, 0},
};

constexpr FieldDesc kBackoffFields[] = {
    {"duration", &kStringType, Card::kOne, 0, 0},
    {"factor", &kInt64Type, Card::kOne, 0, 0},
    {"maxDuration", &kStringType, Card::kOne, 0, 0},
};

constexpr FieldDesc kManagedNamespaceMetadataFields[] = {
    {"labels", &kStringType, Card::kMap, 0, 0},
    {"annotations", &kStringType, Card::kMap, 0, 0},
};

constexpr FieldDesc kResourceIgnoreDifferencesFields[] = {
    {"group", &kStringType, Card::kOne, 0, 0},
    {"kind", &kStringType, Card::kOne, 0, 0},
    {"name", &kStringType, Card::kOne, 0, 0},
    {"namespace", &kStringType, Card::kOne, 0, 0},
    {"jsonPointers", &kStringType, Card::kList, 0, 0},
    {"jqPathExpressions", &kStringType, Card::kList, 0, 0},
    {"managedFieldsManagers", &kStringType, Card::kList, 0, 0},
};

constexpr FieldDesc kInfoFields[] = {
    {"name", &kStringType, Card::kOne, 0, 0},
    {"value", &kStringType, Card::kOne, 0, 0},
};

constexpr FieldDesc kResourceResultFields[] = {
    {"group", &kStringType, Card::kOne, 0, 0},
    {"version", &kStringType, Card::kOne, 0, 0},
    {"kind", &kStringType, Card::kOne, 0, 0},
    {"namespace", &kStringType, Card::kOne, 0, 0},
    {"name", &kStringType, Card::kOne, 0, 0},
    {"status", &kStringType, Card::kOne, 0, 0},
    {"message", &kStringType, Card::kOne, 0, 0},
    {"hookType", &kStringType, Card::kOne, 0, 0},
    {"hookPhase", &kStringType, Card::kOne, 0, 0},
    {"syncPhase", &kStringType, Card::kOne, 0, 0},
};

}  // namespace

namespace described {

constinit const TypeDesc RetryStrategy{Shape::kStruct, "RetryStrategy", kRetryStrategyFields};
constinit const TypeDesc Backoff{Shape::kStruct, "Backoff", kBackoffFields};
constinit const TypeDesc ManagedNamespaceMetadata{
    Shape::kStruct, "ManagedNamespaceMetadata", kManagedNamespaceMetadataFields};
constinit const TypeDesc ResourceIgnoreDifferences{
    Shape::kStruct, "ResourceIgnoreDifferences", kResourceIgnoreDifferencesFields};
constinit const TypeDesc Info{Shape::kStruct, "Info", kInfoFields};
constinit const TypeDesc ResourceResult{Shape::kStruct, "ResourceResult", kResourceResultFields};

}  // namespace described
}  // namespace mainstay
