// The endpoints with which `mainstay` itself asks about applications and gives them orders. Any thread.
//
//   GET    /mainstay/v1/origins/{plural}/{namespace or -}/{name}   -> {"application","commit","path","line"}
//   GET    /mainstay/v1/applications/{name}/diff       how live objects differ from what the applied commit declares
//   GET    /mainstay/v1/applications/{name}/history    ?limit=N   the commits seen, newest first
//   POST   /mainstay/v1/applications/{name}/{sync|ack|rollback|resume}   {"commit":"..."}
//
// Refusals are Kubernetes Status objects. Who may use which is decided in access.h, before this.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "reconciler/api/core_door.h"
#include "reconciler/api/http.h"
#include "reconciler/store/journal.h"
#include "schema/base/result.h"

namespace mainstay::api {

// At most `limit` rows of an application, newest first. Any thread.
using CommitHistory = std::function<Result<std::vector<CommitRow>>(const std::string& application, size_t limit)>;

// For paths below /mainstay/.
Reply application_route(const Request& request, const CoreDoor& core, const CommitHistory& history);

}  // namespace mainstay::api
