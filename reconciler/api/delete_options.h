// meta/v1 DeleteOptions, from a body and the query. Pure; any thread.
#pragma once

#include "reconciler/api/http.h"
#include "reconciler/store/lifecycle.h"
#include "schema/base/result.h"
#include "schema/value.h"

namespace mainstay::api {

struct ParsedDeleteOptions {
  DeleteOptions options;
  bool dry_run = false;
};

// `body` may be null; what it leaves open is taken from the query. kInvalid with Kubernetes' words.
Result<ParsedDeleteOptions> parse_delete_options(const Value& body, const Request& request);

}  // namespace mainstay::api
