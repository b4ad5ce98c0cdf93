#include "reconciler/api/plain_route.h"

#include <algorithm>

#include "reconciler/api/status_response.h"
#include "schema/json.h"

namespace mainstay::api {

std::vector<std::string_view> segments_of(std::string_view path) {
  std::vector<std::string_view> out;
  while (!path.empty()) {
    size_t slash = std::min(path.find('/'), path.size());
    if (slash > 0) out.push_back(path.substr(0, slash));
    path.remove_prefix(std::min(slash + 1, path.size()));
  }
  return out;
}

Result<Value> json_body(const Request& request) {
  if (request.body.empty()) return Value::map();
  ASSIGN_OR_RETURN(Value value, read_json(request.body));
  if (!value.is_map()) return error(ErrorCode::kInvalid, "the body holds no JSON object");
  return value;
}

Response json_response(const Value& value, int status) {
  return {status, "application/json", make_bytes(to_json(value) + "\n"), {}};
}

Response wrong_method() {
  return failure(405, "MethodNotAllowed", "the server does not allow this method on the requested resource");
}

}  // namespace mainstay::api
