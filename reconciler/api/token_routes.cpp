#include "reconciler/api/token_routes.h"

#include "reconciler/api/account_tokens.h"
#include "reconciler/api/body.h"
#include "reconciler/api/errors.h"
#include "reconciler/api/wire_types.h"
#include "schema/json.h"
#include "schema/message_json.h"

namespace mainstay::api {
namespace {

constexpr std::string_view kProviderPath = "/.well-known/openid-configuration", kKeysPath = "/openid/v1/jwks";
constexpr std::string_view kAuthentication = "authentication.k8s.io";

Response json_answer(const Value& value, int status, std::string_view type = "application/json") {
  return {status, std::string(type), make_bytes(to_json(value) + "\n"), {}};
}

Response refusal(const Error& error) {
  switch (error.code) {
    case ErrorCode::kNotFound: return failure(404, "NotFound", error.message);
    case ErrorCode::kInvalid: return failure(422, "Invalid", error.message);
    case ErrorCode::kConflict: return failure(409, "Conflict", error.message);
    default: return failure(500, "InternalError", "Internal error occurred: " + error.message);
  }
}

Value strings(const std::vector<std::string>& texts) {
  Value out = Value::list();
  for (const std::string& text : texts) out.push(text);
  return out;
}

// The body as a map with its kind said; the 400 otherwise.
std::variant<Value, Response> question(const Request& request, const TypeDesc& type) {
  auto body = decode_body(request, &type, FieldValidation::kIgnore);
  if (auto* refused = std::get_if<Response>(&body)) return std::move(*refused);
  Value out = std::move(std::get<DecodedBody>(body).value);
  if (!out.is_map() && !out.is_null()) return bad_request("the body holds no object");
  out.set("kind", type.name);
  out.set("apiVersion", std::string(kAuthentication) + "/v1");
  if (!out.find("metadata")) out.set("metadata", Value::map());
  if (!out.find("spec")) out.set("spec", Value::map());
  return out;
}

}  // namespace

Response request_token(const Request& request, const ResourcePath& path, const AccountTokens& tokens,
                       const Snapshot& view, Now now) {
  if (request.method != "POST") return method_not_allowed(path);
  auto asked = question(request, wire::kTokenRequest);
  if (auto* refused = std::get_if<Response>(&asked)) return std::move(*refused);
  Value& answer = std::get<Value>(asked);
  Value& spec = *answer.find("spec");
  AccountTokenOrder order;
  order.ns = path.ns;
  order.account = path.name;
  order.audiences = strings_at(spec, "audiences");
  order.seconds = int_at(spec, "expirationSeconds", order.seconds);
  if (const Value* bound = spec.find("boundObjectRef"); bound != nullptr && bound->is_map()) {
    order.bound_kind = text_at(*bound, "kind");
    order.bound_name = text_at(*bound, "name");
    order.bound_uid = text_at(*bound, "uid");
    if (order.bound_kind.empty()) return bad_request("spec.boundObjectRef.kind: Required value");
  }
  Result<AccountToken> issued = tokens.issue(order, view, now.wall);
  if (!issued.ok()) return refusal(issued.error());
  Value& metadata = answer.at("metadata");
  metadata.set("name", path.name);
  metadata.set("namespace", path.ns);
  metadata.set("creationTimestamp", format_rfc3339(now.wall));
  if (order.audiences.empty()) spec.set("audiences", strings({std::string(kTokenIssuer)}));
  spec.set("expirationSeconds", order.seconds);
  Value status = Value::map();
  status.set("token", issued->text);
  status.set("expirationTimestamp", format_rfc3339(issued->expires));
  answer.set("status", std::move(status));
  return json_answer(answer, 201);
}

Response request_pod_token(const Request& request, std::string_view node, const AccountTokens& tokens,
                           const Snapshot& view, Now now) {
  if (request.method != "POST") {
    return failure(405, "MethodNotAllowed", "the server does not allow this method on the requested resource");
  }
  Result<Value> body = read_json(request.body);
  if (!body.ok() || !body->is_map()) return bad_request("the body holds no JSON object");
  AccountTokenOrder order;
  order.ns = text_at(*body, "namespace");
  order.account = text_at(*body, "serviceAccount");
  order.bound_kind = "Pod";
  order.bound_name = text_at(*body, "pod");
  order.bound_uid = text_at(*body, "uid");
  order.seconds = std::max(kShortestToken, int_at(*body, "expirationSeconds", order.seconds));
  if (std::string audience = text_at(*body, "audience"); !audience.empty()) order.audiences = {std::move(audience)};
  ObjectPtr pod = view.find(Kind::kPod, order.ns, order.bound_name);
  bool ours = pod && pod->meta.uid == order.bound_uid && as<Pod>(*pod).spec.node_name == node &&
              as<Pod>(*pod).spec.service_account_name == order.account;
  // Which pods there are elsewhere is none of a node's business: one answer for all of these.
  if (!ours) {
    return failure(403, "Forbidden", "node " + std::string(node) + " may not ask for a token of pod " + order.ns +
                                         "/" + order.bound_name + ": no such pod runs there with this account");
  }
  Result<AccountToken> issued = tokens.issue(order, view, now.wall);
  if (!issued.ok()) return refusal(issued.error());
  Value answer = Value::map();
  answer.set("token", issued->text);
  answer.set("expirationSeconds", order.seconds);
  return json_answer(answer, 201);
}

std::optional<Response> answer_token_review(const Request& request, const ResourcePath& path,
                                            const TokenStore& tokens, const Snapshot& view, Now now) {
  if (path.group != kAuthentication || path.version != "v1" || path.resource != "tokenreviews") return std::nullopt;
  if (request.method != "POST" || !path.name.empty()) return method_not_allowed(path);
  auto asked = question(request, wire::kTokenReview);
  if (auto* refused = std::get_if<Response>(&asked)) return std::move(*refused);
  Value& answer = std::get<Value>(asked);
  const Value& spec = *answer.find("spec");
  std::string token = text_at(spec, "token");
  if (token.empty()) return bad_request("spec.token: Required value");
  std::vector<std::string> audiences = strings_at(spec, "audiences");
  Value status = Value::map(), user = Value::map();
  std::optional<AccountIdentity> account = tokens.accounts().authenticate(token, audiences, view, now.wall);
  std::optional<Identity> known;
  if (account) {
    known = account->identity;
    user.set("uid", account->account_uid);
  } else if (audiences.empty()) {
    known = tokens.authenticate(token, now.wall);  // tokens of other kinds are for the API only
  }
  status.set("authenticated", known.has_value());
  if (known) {
    user.set("username", known->user);
    user.set("groups", strings(known->groups));
    status.set("user", std::move(user));
    status.set("audiences", strings(account ? account->audiences : std::vector<std::string>{std::string(kTokenIssuer)}));
  } else {
    status.set("error", "the token is not known, has ended, or what it was bound to is gone");
  }
  answer.set("status", std::move(status));
  return json_answer(answer, 201);
}

bool is_token_document(std::string_view path) { return path == kProviderPath || path == kKeysPath; }

std::optional<Response> answer_token_documents(const Request& request, const AccountTokens& tokens, Now now) {
  if (request.path == kProviderPath) return json_answer(tokens.provider(), 200);
  if (request.path == kKeysPath) return json_answer(tokens.key_set(now.wall), 200, "application/jwk-set+json");
  return std::nullopt;
}

}  // namespace mainstay::api
