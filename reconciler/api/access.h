// Who may do what. For now: masters everything; a node what belongs to it under /agent; a joining node the
// join endpoint; everyone known the discovery documents and questions about himself. Pure; any thread.
#pragma once

#include <optional>
#include <string>

#include "reconciler/api/http.h"
#include "reconciler/api/resource_path.h"

namespace mainstay::api {

// True for paths that need no credential at all: health and version.
bool is_public_path(std::string_view path);

// Nothing if allowed; otherwise the 403 in Kubernetes' words.
std::optional<Response> forbidden_for(const Request& request, const std::optional<ResourcePath>& path);

// 401 as kubectl understands it.
Response unauthorized();

// Whether `identity` would be allowed a verb on a resource, for access reviews.
bool may_use_resources(const Identity& identity);

}  // namespace mainstay::api
