#include "reconciler/api/openapi_route.h"

#include "schema/base/crypto.h"
#include "schema/json.h"
#include "schema/openapi.h"

namespace mainstay::api {
namespace {
constexpr std::string_view kIndex = "/openapi/v3";
}

Response OpenApiRoute::answer(const Request& request) {
  std::string_view path = request.path;
  if (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  if (path == kIndex) {
    std::call_once(made_, [this] { index_ = make_bytes(to_json(openapi_index()) + "\n"); });
    return {200, "application/json", index_, {}};
  }
  if (!path.starts_with("/openapi/v3/")) return {404, "", nullptr, {}};
  std::optional<Value> document = openapi_document(path.substr(kIndex.size() + 1));
  if (!document) return {404, "", nullptr, {}};
  std::string bytes = to_json(*document);
  // The same hash as in the index.
  std::string tag = "\"" + hex(sha256(bytes)) + "\"";
  if (request.header("If-None-Match") == tag) return {304, "application/json", make_bytes(""), {{"ETag", tag}}};
  return {200, "application/json", make_bytes(std::move(bytes)), {{"ETag", tag}, {"Vary", "Accept"}}};
}

}  // namespace mainstay::api
