// Questions a client asks about itself: may I (kubectl auth can-i), what may I, who am I. Pure; any thread.
#pragma once

#include <optional>

#include "reconciler/api/http.h"
#include "reconciler/api/resource_path.h"

namespace mainstay::api {

// Nothing if the path is no such question.
std::optional<Response> answer_review(const Request& request, const ResourcePath& path);

}  // namespace mainstay::api
