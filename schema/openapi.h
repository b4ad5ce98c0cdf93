// OpenAPI v3 from the descriptors: one document per group and version with the full schema of each kind, for
// `kubectl explain` and for clients that merge by it. There are no descriptions. Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "schema/value.h"

namespace mainstay {

// "api/v1" or "apis/apps/v1": the path of a group and version below /openapi/v3/.
std::string openapi_path(std::string_view group, std::string_view version);

// The document at that path; nothing if there is no such group and version.
std::optional<Value> openapi_document(std::string_view path);

// The index at /openapi/v3. Each address carries a hash of its document, so that clients may keep it.
Value openapi_index();

}  // namespace mainstay
