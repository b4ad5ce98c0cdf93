// autoscaling/v1 Scale: the number of replicas of a workload as a small object of its own. Pure; any thread.
#pragma once

#include <optional>
#include <string>

#include "schema/base/result.h"
#include "schema/object.h"

namespace mainstay::api {

// Deployment, ReplicaSet, StatefulSet, ReplicationController.
bool has_scale(Kind kind);

// The Scale of such an object.
Value scale_of(const Object& object);

// spec.replicas of a Scale as a client sent it; kInvalid if it is no number of 0 or more.
Result<int32_t> replicas_of(const Value& scale);

// "a=b,c in (d,e)": a label selector as one string, keys in order.
std::string selector_text(const Value& selector);

}  // namespace mainstay::api
