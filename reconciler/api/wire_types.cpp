#include "reconciler/api/wire_types.h"

#include "schema/kinds/meta.h"

namespace mainstay::api::wire {
namespace {

constexpr FieldDesc kPreconditionsFields[] = {
    {"uid", &kStringType, Card::kOne, 0, 1},
    {"resourceVersion", &kStringType, Card::kOne, 0, 2},
};
constexpr TypeDesc kPreconditions{Shape::kStruct, "Preconditions", kPreconditionsFields};

constexpr FieldDesc kDeleteOptionsFields[] = {
    {"gracePeriodSeconds", &kInt64Type, Card::kOne, 0, 1},
    {"preconditions", &kPreconditions, Card::kOne, 0, 2},
    {"orphanDependents", &kBoolType, Card::kOne, 0, 3},
    {"propagationPolicy", &kStringType, Card::kOne, 0, 4},
    {"dryRun", &kStringType, Card::kList, 0, 5},
};

constexpr FieldDesc kScaleSpecFields[] = {{"replicas", &kInt32Type, Card::kOne, kEmitZero, 1}};
constexpr FieldDesc kScaleStatusFields[] = {
    {"replicas", &kInt32Type, Card::kOne, kEmitZero, 1},
    {"selector", &kStringType, Card::kOne, 0, 2},
};
constexpr TypeDesc kScaleSpec{Shape::kStruct, "ScaleSpec", kScaleSpecFields};
constexpr TypeDesc kScaleStatus{Shape::kStruct, "ScaleStatus", kScaleStatusFields};
constexpr FieldDesc kScaleFields[] = {
    {"spec", &kScaleSpec, Card::kOne, 0, 2},
    {"status", &kScaleStatus, Card::kOne, 0, 3},
};

constexpr FieldDesc kResourceAttributesFields[] = {
    {"namespace", &kStringType, Card::kOne, 0, 1},   {"verb", &kStringType, Card::kOne, 0, 2},
    {"group", &kStringType, Card::kOne, 0, 3},       {"version", &kStringType, Card::kOne, 0, 4},
    {"resource", &kStringType, Card::kOne, 0, 5},    {"subresource", &kStringType, Card::kOne, 0, 6},
    {"name", &kStringType, Card::kOne, 0, 7},
};
constexpr TypeDesc kResourceAttributes{Shape::kStruct, "ResourceAttributes", kResourceAttributesFields};
constexpr FieldDesc kNonResourceAttributesFields[] = {
    {"path", &kStringType, Card::kOne, 0, 1},
    {"verb", &kStringType, Card::kOne, 0, 2},
};
constexpr TypeDesc kNonResourceAttributes{Shape::kStruct, "NonResourceAttributes", kNonResourceAttributesFields};
constexpr FieldDesc kAccessSpecFields[] = {
    {"resourceAttributes", &kResourceAttributes, Card::kOne, 0, 1},
    {"nonResourceAttributes", &kNonResourceAttributes, Card::kOne, 0, 2},
};
constexpr TypeDesc kAccessSpec{Shape::kStruct, "SelfSubjectAccessReviewSpec", kAccessSpecFields};
constexpr FieldDesc kAccessFields[] = {{"spec", &kAccessSpec, Card::kOne, 0, 2}};

constexpr FieldDesc kRulesSpecFields[] = {{"namespace", &kStringType, Card::kOne, 0, 1}};
constexpr TypeDesc kRulesSpec{Shape::kStruct, "SelfSubjectRulesReviewSpec", kRulesSpecFields};
constexpr FieldDesc kRulesFields[] = {{"spec", &kRulesSpec, Card::kOne, 0, 2}};

}  // namespace

constexpr TypeDesc kDeleteOptions{Shape::kStruct, "DeleteOptions", kDeleteOptionsFields};
constexpr TypeDesc kScale{Shape::kStruct, "Scale", kScaleFields};

namespace {
// ObjectReference has storage; what is read here is a Value.
constexpr FieldDesc kTargetFields[] = {
    {"kind", &kStringType, Card::kOne, 0, 1},
    {"namespace", &kStringType, Card::kOne, 0, 2},
    {"name", &kStringType, Card::kOne, 0, 3},
    {"uid", &kStringType, Card::kOne, 0, 4},
    {"apiVersion", &kStringType, Card::kOne, 0, 5},
};
constexpr TypeDesc kTarget{Shape::kStruct, "ObjectReference", kTargetFields};
constexpr FieldDesc kBindingFields[] = {{"target", &kTarget, Card::kOne, 0, 2}};
constexpr FieldDesc kEvictionFields[] = {{"deleteOptions", &kDeleteOptions, Card::kOne, 0, 2}};
}  // namespace

constexpr TypeDesc kBinding{Shape::kStruct, "Binding", kBindingFields};
constexpr TypeDesc kEviction{Shape::kStruct, "Eviction", kEvictionFields};
constexpr TypeDesc kSelfSubjectAccessReview{Shape::kStruct, "SelfSubjectAccessReview", kAccessFields};
constexpr TypeDesc kSelfSubjectRulesReview{Shape::kStruct, "SelfSubjectRulesReview", kRulesFields};
constexpr TypeDesc kSelfSubjectReview{Shape::kStruct, "SelfSubjectReview", {}};

namespace {
constexpr FieldDesc kBoundObjectFields[] = {
    {"kind", &kStringType, Card::kOne, 0, 1},
    {"apiVersion", &kStringType, Card::kOne, 0, 2},
    {"name", &kStringType, Card::kOne, 0, 3},
    {"uid", &kStringType, Card::kOne, 0, 4},
};
constexpr TypeDesc kBoundObject{Shape::kStruct, "BoundObjectReference", kBoundObjectFields};
constexpr FieldDesc kTokenRequestSpecFields[] = {
    {"audiences", &kStringType, Card::kList, 0, 1},
    {"boundObjectRef", &kBoundObject, Card::kOne, 0, 3},
    {"expirationSeconds", &kInt64Type, Card::kOne, 0, 4},
};
constexpr TypeDesc kTokenRequestSpec{Shape::kStruct, "TokenRequestSpec", kTokenRequestSpecFields};
constexpr FieldDesc kTokenRequestFields[] = {{"spec", &kTokenRequestSpec, Card::kOne, 0, 2}};
constexpr FieldDesc kTokenReviewSpecFields[] = {
    {"token", &kStringType, Card::kOne, kSecret, 1},
    {"audiences", &kStringType, Card::kList, 0, 2},
};
constexpr TypeDesc kTokenReviewSpec{Shape::kStruct, "TokenReviewSpec", kTokenReviewSpecFields};
constexpr FieldDesc kTokenReviewFields[] = {{"spec", &kTokenReviewSpec, Card::kOne, 0, 2}};
}  // namespace

constexpr TypeDesc kTokenRequest{Shape::kStruct, "TokenRequest", kTokenRequestFields};
constexpr TypeDesc kTokenReview{Shape::kStruct, "TokenReview", kTokenReviewFields};

}  // namespace mainstay::api::wire
