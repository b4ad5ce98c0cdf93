// Kubernetes' own words for saying no. Source of the shapes: apimachinery api/errors. Any thread.
#pragma once

#include <string>
#include <string_view>

#include "reconciler/core/messages.h"
#include "schema/base/result.h"
#include "schema/kind.h"

namespace mainstay {

class Diagnostics;

ApiError not_found(const KindInfo& info, std::string_view name);
ApiError already_exists(const KindInfo& info, std::string_view name);
ApiError conflict(const KindInfo& info, std::string_view name, std::string_view why);
// The object was modified since the client read it.
ApiError stale(const KindInfo& info, std::string_view name);
// 422 with one cause per diagnostic.
ApiError invalid(const KindInfo& info, std::string_view name, const Diagnostics& diagnostics);
ApiError bad_request(std::string message);
ApiError forbidden(const KindInfo& info, std::string_view name, std::string_view why);
// New content in a namespace that is going away.
ApiError namespace_terminating(const KindInfo& info, std::string_view name, std::string_view ns);
// The journal refuses writes for now.
ApiError store_unavailable(std::string_view why);
// What a Result says, for an operation on one object.
ApiError refusal_of(const Error& error, const KindInfo& info, std::string_view name);

}  // namespace mainstay
