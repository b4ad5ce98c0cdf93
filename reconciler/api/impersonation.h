// Impersonation (`kubectl --as`): a request that an administrator makes in the name of somebody else counts as that
// one's. Who is no administrator may not, and nothing of the wish is ever left unheard. Pure; any thread.
#pragma once

#include <optional>

#include "reconciler/api/http.h"

namespace mainstay::api {

// Reads Impersonate-User, -Group, -Uid and -Extra-* of the request and puts that identity in place of its own.
// Nothing if done, or if there is no such header; otherwise the refusal in Kubernetes' words.
std::optional<Response> impersonate(Request& request);

}  // namespace mainstay::api
