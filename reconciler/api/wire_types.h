// Bodies that are not stored objects: their fields and protobuf numbers. Constant; any thread.
// Source: the Kubernetes API, 1.33 (meta/v1, policy/v1, autoscaling/v1, authorization.k8s.io/v1,
// authentication.k8s.io/v1).
#pragma once

#include "schema/descriptor.h"

namespace mainstay::api::wire {

extern const TypeDesc kDeleteOptions;
extern const TypeDesc kScale;
extern const TypeDesc kBinding;
extern const TypeDesc kEviction;
extern const TypeDesc kSelfSubjectAccessReview;
extern const TypeDesc kSelfSubjectRulesReview;
extern const TypeDesc kSelfSubjectReview;
extern const TypeDesc kTokenRequest;
extern const TypeDesc kTokenReview;

}  // namespace mainstay::api::wire
