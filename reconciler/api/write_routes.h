// Requests that change objects: checked and put into the core's words here, decided there, answered when durable.
// Any thread.
#pragma once

#include "reconciler/api/core_door.h"
#include "reconciler/api/http.h"
#include "reconciler/api/resource_path.h"
#include "schema/base/time.h"

namespace mainstay::api {

// POST, PUT, PATCH, DELETE of one object or a subresource of it, and DELETE of a collection.
// Requires path.kind.
Reply write_object(const Request& request, const ResourcePath& path, const CoreDoor& core, Now now);

}  // namespace mainstay::api
