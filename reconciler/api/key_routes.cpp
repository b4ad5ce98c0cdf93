#include "reconciler/api/key_routes.h"

#include "reconciler/api/errors.h"
#include "reconciler/api/plain_route.h"

namespace mainstay::api {
namespace {

Response refusal(const Error& error) {
  switch (error.code) {
    case ErrorCode::kFull: return failure(429, "TooManyRequests", error.message);
    case ErrorCode::kBusy:
    case ErrorCode::kUnavailable: return failure(503, "ServiceUnavailable", error.message, {"", "", "", "", {}, 1});
    default: return failure(500, "InternalError", "Internal error occurred: " + error.message);
  }
}

Response list(const TokenKeys& keys, Now now) {
  Value rows = Value::list(), out = Value::map();
  for (const TokenKeyFacts& key : keys.list(now.wall)) {
    Value row = Value::map();
    row.set("id", key.id);
    row.set("signs", key.signs);
    if (key.tokens_end && *key.tokens_end != WallTime{}) row.set("tokensEnd", format_rfc3339(*key.tokens_end));
    rows.push(std::move(row));
  }
  out.set("serviceAccounts", std::move(rows));
  return json_response(out);
}

}  // namespace

Reply key_route(const Request& request, TokenKeys& keys, const RotateSecrets& rotate_secrets, Now now) {
  std::vector<std::string_view> parts = segments_of(request.path);
  if (parts.size() == 3) return request.method == "GET" ? list(keys, now) : wrong_method();
  if (parts.size() != 5 || parts[4] != "rotate") return no_such_path();
  if (request.method != "POST") return wrong_method();
  Result<Value> body = json_body(request);
  if (!body.ok()) return bad_request(body.error().message);
  Value out = Value::map();
  if (parts[3] == "service-accounts") {
    const Value* forget = body->find("forget");
    Result<std::string> id = keys.rotate(forget != nullptr && forget->is_bool() && forget->as_bool(), now.wall);
    if (!id.ok()) return refusal(id.error());
    out.set("id", *id);
    return json_response(out);
  }
  if (parts[3] != "secrets" || !rotate_secrets) return no_such_path();
  Result<size_t> bodies = rotate_secrets();
  if (!bodies.ok()) return refusal(bodies.error());
  out.set("bodies", static_cast<int64_t>(*bodies));
  return json_response(out);
}

}  // namespace mainstay::api
