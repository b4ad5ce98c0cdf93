#include "reconciler/api/account_tokens.h"

#include <algorithm>

#include "reconciler/api/auth.h"
#include "schema/base/crypto.h"
#include "schema/message_json.h"

namespace mainstay::api {
namespace {

constexpr std::string_view kPrivateClaim = "kubernetes.io";
constexpr size_t kMostAudiences = 32, kLongestAudience = 1024;

int64_t seconds_of(WallTime time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.since_epoch).count();
}

Value strings(const std::vector<std::string>& texts) {
  Value out = Value::list();
  for (const std::string& text : texts) out.push(text);
  return out;
}

Value name_and_uid(const Object& object) {
  Value out = Value::map();
  out.set("name", object.meta.name);
  out.set("uid", object.meta.uid);
  return out;
}

std::string random_uuid() {
  std::string bytes = random_bytes(16);
  bytes[6] = static_cast<char>((bytes[6] & 0x0f) | 0x40);  // version 4 (RFC 9562)
  bytes[8] = static_cast<char>((bytes[8] & 0x3f) | 0x80);
  std::string digits = hex(bytes);
  for (size_t at : {8, 13, 18, 23}) digits.insert(at, "-");
  return digits;
}

// The kind of a bound object, its namespace, and the claim that names it.
struct BoundKind {
  std::string_view name;
  Kind kind;
  bool namespaced;
  std::string_view claim;
};
constexpr BoundKind kBoundKinds[] = {{"Pod", Kind::kPod, true, "pod"},
                                     {"Secret", Kind::kSecret, true, "secret"},
                                     {"Node", Kind::kNode, false, "node"}};

Status check_order(const AccountTokenOrder& order) {
  auto invalid = [](std::string text) { return error(ErrorCode::kInvalid, std::move(text)); };
  if (order.seconds < kShortestToken) {
    return invalid("spec.expirationSeconds: Invalid value: " + std::to_string(order.seconds) +
                   ": may not specify a duration less than 10 minutes");
  }
  if (order.seconds > kLongestToken) {
    return invalid("spec.expirationSeconds: Too long: may not specify a duration larger than 2^32 seconds");
  }
  if (order.audiences.size() > kMostAudiences) return invalid("spec.audiences: Too many: must have at most 32 items");
  for (const std::string& audience : order.audiences) {
    if (audience.empty() || audience.size() > kLongestAudience) {
      return invalid("spec.audiences: Invalid value: an audience must have 1 to 1024 characters");
    }
  }
  return {};
}

// Adds the claims of the bound object; a pod's node comes along.
Status bind(const AccountTokenOrder& order, const Snapshot& view, Value& claims) {
  if (order.bound_kind.empty()) return {};
  for (const BoundKind& row : kBoundKinds) {
    if (row.name != order.bound_kind) continue;
    ObjectPtr object = view.find(row.kind, row.namespaced ? order.ns : "", order.bound_name);
    if (!object) {
      return error(ErrorCode::kNotFound, std::string(kind_info(row.kind).plural) + " \"" + order.bound_name +
                                             "\" not found");
    }
    if (!order.bound_uid.empty() && order.bound_uid != object->meta.uid) {
      return error(ErrorCode::kConflict, "the UID in the bound object reference (" + order.bound_uid +
                                             ") does not match the UID in record. The object might have been "
                                             "deleted and then recreated");
    }
    if (row.kind == Kind::kPod) {
      const PodSpec& spec = as<Pod>(*object).spec;
      if (spec.service_account_name != order.account) {
        return error(ErrorCode::kInvalid, "cannot bind token for serviceaccount \"" + order.account +
                                              "\" to pod running with different serviceaccount name.");
      }
      ObjectPtr node = spec.node_name.empty() ? nullptr : view.find(Kind::kNode, "", spec.node_name);
      if (node) claims.set("node", name_and_uid(*node));
    }
    claims.set(row.claim, name_and_uid(*object));
    return {};
  }
  return error(ErrorCode::kInvalid, "cannot bind token to object of type " + order.bound_kind);
}

bool still_there(const Snapshot& view, Kind kind, const std::string& ns, const Value& claim) {
  ObjectPtr object = view.find(kind, ns, claim.string_at("name"));
  return object && object->meta.uid == claim.string_at("uid");
}

// Whether every object the token is bound to still exists. The node of a pod's token is a remark, no bond.
bool bonds_hold(const Value& bound, const std::string& ns, const Snapshot& view) {
  const Value* pod = bound.find("pod");
  for (const BoundKind& row : kBoundKinds) {
    const Value* claim = bound.find(row.claim);
    if (claim == nullptr || (row.kind == Kind::kNode && pod != nullptr)) continue;
    if (!still_there(view, row.kind, row.namespaced ? ns : "", *claim)) return false;
  }
  return true;
}

std::vector<std::string> common_audiences(const Value& claims, const std::vector<std::string>& wanted) {
  std::vector<std::string> out;
  for (const Value& one : list_at(claims, "aud")) {
    if (one.is_string() && std::find(wanted.begin(), wanted.end(), one.as_string()) != wanted.end()) {
      out.push_back(one.as_string());
    }
  }
  return out;
}

}  // namespace

Result<AccountToken> AccountTokens::issue(const AccountTokenOrder& order, const Snapshot& view,
                                          WallTime now) const {
  RETURN_IF_ERROR(check_order(order));
  ObjectPtr account = view.find(Kind::kServiceAccount, order.ns, order.account);
  if (!account) return error(ErrorCode::kNotFound, "serviceaccounts \"" + order.account + "\" not found");
  int64_t start = seconds_of(now);
  Value bound = Value::map();
  bound.set("namespace", order.ns);
  RETURN_IF_ERROR(bind(order, view, bound));
  bound.set("serviceaccount", name_and_uid(*account));
  Value claims = Value::map();
  claims.set("aud", order.audiences.empty() ? strings({std::string(kTokenIssuer)}) : strings(order.audiences));
  claims.set("exp", start + order.seconds);
  claims.set("iat", start);
  claims.set("iss", kTokenIssuer);
  claims.set("jti", random_uuid());
  claims.set(kPrivateClaim, std::move(bound));
  claims.set("nbf", start);
  claims.set("sub", "system:serviceaccount:" + order.ns + ":" + order.account);
  WallTime end{std::chrono::seconds(start + order.seconds)};
  ASSIGN_OR_RETURN(std::string text, keys_->sign(claims, end));
  return AccountToken{std::move(text), end};
}

std::optional<AccountIdentity> AccountTokens::authenticate(std::string_view token,
                                                           const std::vector<std::string>& audiences,
                                                           const Snapshot& view, WallTime now) const {
  std::optional<Value> claims = keys_->verify(token, now);
  if (!claims || claims->string_at("iss") != kTokenIssuer) return std::nullopt;
  int64_t time = seconds_of(now);
  if (time >= int_at(*claims, "exp") || time < int_at(*claims, "nbf")) return std::nullopt;
  AccountIdentity out;
  out.audiences = common_audiences(
      *claims, audiences.empty() ? std::vector<std::string>{std::string(kTokenIssuer)} : audiences);
  const Value* bound = claims->find(kPrivateClaim);
  const Value* account = bound != nullptr ? bound->find("serviceaccount") : nullptr;
  if (out.audiences.empty() || account == nullptr) return std::nullopt;
  std::string ns = text_at(*bound, "namespace");
  if (!still_there(view, Kind::kServiceAccount, ns, *account) || !bonds_hold(*bound, ns, view)) return std::nullopt;
  out.account_uid = text_at(*account, "uid");
  out.identity.user = "system:serviceaccount:" + ns + ":" + text_at(*account, "name");
  out.identity.groups = {std::string(kServiceAccountsGroup), std::string(kServiceAccountsGroup) + ":" + ns,
                         std::string(kAuthenticatedGroup)};
  return out;
}

Value AccountTokens::key_set(WallTime now) const {
  Value out = Value::map();
  out.set("keys", keys_->public_keys(now));
  return out;
}

Value AccountTokens::provider() const {
  Value out = Value::map();
  out.set("issuer", kTokenIssuer);
  out.set("jwks_uri", std::string(kTokenIssuer) + "/openid/v1/jwks");
  out.set("response_types_supported", strings({"id_token"}));
  out.set("subject_types_supported", strings({"public"}));
  out.set("id_token_signing_alg_values_supported", strings({"ES256"}));
  return out;
}

}  // namespace mainstay::api
