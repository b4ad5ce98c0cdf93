// GET of objects and lists, from a published snapshot. Any thread.
#pragma once

#include "reconciler/api/http.h"
#include "reconciler/api/page.h"
#include "reconciler/api/resource_path.h"
#include "reconciler/store/snapshot.h"
#include "schema/base/time.h"

namespace mainstay::api {

// Requires path.kind. Subresources: "status" (the object) and "scale".
Response get_object(const Request& request, const ResourcePath& path, const Snapshot& view, Now now);

Response list_objects(const Request& request, const ResourcePath& path, const Snapshot& view,
                      PagedSnapshots& pages, Now now);

}  // namespace mainstay::api
