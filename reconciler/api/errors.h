// The API's refusals that are decided outside the core, and the core's own as responses. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

#include "reconciler/api/http.h"
#include "reconciler/api/resource_path.h"
#include "reconciler/api/status_response.h"
#include "reconciler/core/messages.h"

namespace mainstay::api {

Response response_of(const ApiError& error);

Response bad_request(std::string_view message);
Response not_found(const ResourcePath& path);
// A path that names nothing at all.
Response no_such_path();
Response method_not_allowed(const ResourcePath& path);
Response not_acceptable();
Response unsupported_body(std::string_view accepted);
// 501: part of Kubernetes' API that we do not have yet; `what` is a sentence.
Response not_yet(std::string_view what);
// 410: the client must list again.
Response expired(uint64_t asked, uint64_t oldest);
// 504: a version we have not reached.
Response too_large_version(uint64_t asked, uint64_t current);

}  // namespace mainstay::api
