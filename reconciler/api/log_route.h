// GET pods/{name}/log: what kubectl logs asks for, sent by the agent of the pod's node. Any thread.
#pragma once

#include <variant>

#include "reconciler/api/http.h"
#include "reconciler/api/resource_path.h"
#include "reconciler/store/snapshot.h"
#include "schema/agent_messages.h"
#include "schema/base/time.h"

namespace mainstay::api {

struct LogRequest {
  std::string node;
  StreamRequest stream;
};

// What to ask of which node, or the refusal. Requires a path to a pod.
std::variant<LogRequest, Response> log_request(const Request& request, const ResourcePath& path,
                                               const Snapshot& view, WallTime now);

}  // namespace mainstay::api
