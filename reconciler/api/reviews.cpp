#include "reconciler/api/reviews.h"

#include "reconciler/api/access.h"
#include "reconciler/api/body.h"
#include "reconciler/api/errors.h"
#include "reconciler/api/wire_types.h"
#include "schema/json.h"

namespace mainstay::api {
namespace {

Value words(std::initializer_list<std::string_view> texts) {
  Value out = Value::list();
  for (std::string_view text : texts) out.push(text);
  return out;
}

Value access_status(const Request& request, const Value& review) {
  bool allowed = may_use_resources(request.identity);
  if (const Value* path = review.find_path({"spec", "nonResourceAttributes"}); path && !allowed) {
    Request asked;
    asked.method = "GET";
    asked.path = path->string_at("path");
    asked.identity = request.identity;
    allowed = path->string_at("verb") == "get" && !forbidden_for(asked, parse_resource_path(asked.path));
  }
  Value status = Value::map();
  status.set("allowed", allowed);
  if (!allowed) status.set("reason", "only the group system:masters may use resources");
  return status;
}

Value rules_status(const Request& request) {
  Value resources = Value::list(), paths = Value::list();
  if (may_use_resources(request.identity)) {
    Value all = Value::map();
    all.set("verbs", words({"*"}));
    all.set("apiGroups", words({"*"}));
    all.set("resources", words({"*"}));
    resources.push(std::move(all));
    Value every = Value::map();
    every.set("verbs", words({"*"}));
    every.set("nonResourceURLs", words({"*"}));
    paths.push(std::move(every));
  } else {
    Value discovery = Value::map();
    discovery.set("verbs", words({"get"}));
    discovery.set("nonResourceURLs", words({"/api", "/api/*", "/apis", "/apis/*", "/healthz", "/livez", "/openapi/*",
                                            "/readyz", "/version"}));
    paths.push(std::move(discovery));
  }
  Value status = Value::map();
  status.set("resourceRules", std::move(resources));
  status.set("nonResourceRules", std::move(paths));
  status.set("incomplete", false);
  return status;
}

Value user_status(const Request& request) {
  Value groups = Value::list(), user = Value::map(), status = Value::map();
  for (const std::string& group : request.identity.groups) groups.push(group);
  user.set("username", request.identity.user);
  user.set("groups", std::move(groups));
  status.set("userInfo", std::move(user));
  return status;
}

}  // namespace

std::optional<Response> answer_review(const Request& request, const ResourcePath& path) {
  bool authorization = path.group == "authorization.k8s.io" && path.version == "v1";
  bool access = authorization && path.resource == "selfsubjectaccessreviews";
  bool rules = authorization && path.resource == "selfsubjectrulesreviews";
  bool known_version = path.version == "v1" || path.version == "v1beta1";
  bool self = path.group == "authentication.k8s.io" && known_version && path.resource == "selfsubjectreviews";
  if (!access && !rules && !self) return std::nullopt;
  if (request.method != "POST" || !path.name.empty()) return method_not_allowed(path);
  const TypeDesc& type = access ? wire::kSelfSubjectAccessReview
                       : rules ? wire::kSelfSubjectRulesReview : wire::kSelfSubjectReview;
  auto body = decode_body(request, &type, FieldValidation::kIgnore);
  if (auto* refused = std::get_if<Response>(&body)) return std::move(*refused);
  Value review = std::move(std::get<DecodedBody>(body).value);
  if (!review.is_map() && !review.is_null()) return bad_request("the body holds no object");
  review.set("kind", type.name);
  review.set("apiVersion", path.group + "/" + path.version);
  if (!review.find("metadata")) review.set("metadata", Value::map());
  if (!self && !review.find("spec")) review.set("spec", Value::map());
  review.set("status", access ? access_status(request, review) : rules ? rules_status(request) : user_status(request));
  return Response{201, "application/json", make_bytes(to_json(review) + "\n"), {}};
}

}  // namespace mainstay::api
