#include "reconciler/api/errors.h"

namespace mainstay::api {

Response response_of(const ApiError& error) {
  StatusDetails details{error.name, error.group, error.kind, error.uid, {}, error.retry_after_seconds.value_or(0)};
  for (const mainstay::StatusCause& cause : error.causes) {
    details.causes.push_back({cause.reason, cause.message, cause.field});
  }
  return failure(error.code, error.reason, error.message, std::move(details));
}

Response bad_request(std::string_view message) { return failure(400, "BadRequest", message); }

Response not_found(const ResourcePath& path) {
  StatusDetails details{path.name, path.group, path.resource, "", {}, 0};
  return failure(404, "NotFound", path.qualified() + " \"" + path.name + "\" not found", std::move(details));
}

Response no_such_path() {
  return failure(404, "NotFound", "the server could not find the requested resource");
}

Response method_not_allowed(const ResourcePath& path) {
  StatusDetails details{path.name, path.group, path.resource, "", {}, 0};
  return failure(405, "MethodNotAllowed", "the server does not allow this method on the requested resource",
                 std::move(details));
}

Response not_acceptable() {
  return failure(406, "NotAcceptable", "only the following media types are accepted: application/json");
}

Response unsupported_body(std::string_view accepted) {
  return failure(415, "UnsupportedMediaType",
                 "the body of the request was in an unknown format - accepted media types include: " +
                     std::string(accepted));
}

Response not_yet(std::string_view what) {
  return failure(501, "NotImplemented", "not yet in Mainstay: " + std::string(what));
}

Response expired(uint64_t asked, uint64_t oldest) {
  return failure(410, "Expired", "too old resource version: " + std::to_string(asked) + " (" +
                                     std::to_string(oldest) + ")");
}

Response too_large_version(uint64_t asked, uint64_t current) {
  StatusDetails details;
  details.causes.push_back({"ResourceVersionTooLarge", "Too large resource version", ""});
  details.retry_after_seconds = 1;
  return failure(504, "Timeout", "Timeout: Too large resource version: " + std::to_string(asked) + ", current: " +
                                     std::to_string(current), std::move(details));
}

}  // namespace mainstay::api
