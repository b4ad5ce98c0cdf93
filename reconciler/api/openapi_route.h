// OpenAPI v3 below /openapi/v3: what `kubectl explain` and clients that merge by schema read. The index is made
// once, at the first question; documents anew for each, since clients keep them by the hash in their address.
// Any thread.
#pragma once

#include <mutex>

#include "reconciler/api/http.h"

namespace mainstay::api {

class OpenApiRoute {
 public:
  // The answer to /openapi/v3 and /openapi/v3/{api/v1 | apis/GROUP/VERSION}; a null body if the path is neither.
  // 304 if If-None-Match names the document as it is.
  Response answer(const Request& request);

 private:
  std::once_flag made_;
  Bytes index_;
};

}  // namespace mainstay::api
