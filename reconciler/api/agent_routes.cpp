#include "reconciler/api/agent_routes.h"

#include <algorithm>

#include <strings.h>

#include <charconv>

#include "reconciler/api/errors.h"
#include "reconciler/api/token_routes.h"
#include "reconciler/api/plain_route.h"
#include "reconciler/control/node_rules.h"
#include "schema/json.h"

namespace mainstay::api {
namespace {

std::optional<uint64_t> number(std::string_view text) {
  uint64_t value = 0;
  auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

Response response_of_error(const Error& error) {
  switch (error.code) {
    case ErrorCode::kNotFound: return failure(404, "NotFound", error.message);
    case ErrorCode::kInvalid: return failure(422, "Invalid", error.message);
    case ErrorCode::kExists: return failure(409, "Conflict", error.message);
    case ErrorCode::kDenied: return failure(403, "Forbidden", error.message);
    case ErrorCode::kFull: return failure(429, "TooManyRequests", error.message);
    default: return failure(500, "InternalError", "Internal error occurred: " + error.message);
  }
}

int64_t seconds_in(Duration span) { return std::chrono::duration_cast<std::chrono::seconds>(span).count(); }

bool is_living(const CoreDoor& core, const std::string& node) {
  ObjectPtr known = core.current()->view.find(Kind::kNode, "", node);
  return known && node_health(as<Node>(*known)) == NodeHealth::kReady;
}

Response join(const Request& request, TokenStore& tokens, const CoreDoor& core, const std::string& ca_pem, Now now) {
  Result<Value> body = json_body(request);
  if (!body.ok()) return bad_request(body.error().message);
  std::string node(body->string_at("node"));
  std::string_view self = node_of(request.identity);
  if (!self.empty() && self != node) {
    return failure(403, "Forbidden", "node " + std::string(self) + " cannot join as another node");
  }
  std::string_view user = request.identity.user;
  std::string join_token(user.starts_with(kJoinUserPrefix) ? user.substr(kJoinUserPrefix.size()) : "");
  Result<IssuedCredential> issued =
      self.empty() ? tokens.issue_node_credential(node, join_token, now.wall, is_living(core, node))
                   : tokens.renew_node_credential(bearer_token(request), now.wall);
  if (!issued.ok()) return response_of_error(issued.error());
  Value out = Value::map();
  out.set("node", node);
  out.set("token", issued->text);
  if (!ca_pem.empty()) out.set("ca", ca_pem);
  out.set("protocol", kAgentProtocol);
  return json_response(out, 201);
}

Response credential(const Request& request, const std::string& node, TokenStore& tokens, const std::string& ca_pem,
                    Now now) {
  if (request.method == "DELETE") {
    Status revoked = tokens.revoke_node_credential(node, now.wall);
    return revoked.ok() ? success() : response_of_error(revoked.error());
  }
  Value out = Value::map();
  if (request.method == "POST") {
    Result<IssuedCredential> issued = tokens.renew_node_credential(bearer_token(request), now.wall);
    if (!issued.ok()) return response_of_error(issued.error());
    out.set("token", issued->text);
    out.set("lifeSeconds", seconds_in(issued->life));
    if (!ca_pem.empty()) out.set("ca", ca_pem);
    return json_response(out, 201);
  }
  if (request.method != "GET") return wrong_method();
  std::optional<NodeCredential> own = tokens.node_credential(bearer_token(request), now.wall);
  if (!own) return failure(404, "NotFound", "a node asks this about the credential that it presents");
  if (own->expires != WallTime{}) {
    out.set("lifeSeconds", seconds_in(own->expires - own->created));
    out.set("remainingSeconds", seconds_in(own->expires - now.wall));
  }
  return json_response(out);
}

Reply poll(const Request& request, std::string node, AgentLinks& links) {
  constexpr uint64_t kDefaultWait = 50;
  auto param = [&](std::string_view name, uint64_t fallback) {
    return request.has_param(name) ? number(request.param(name)) : std::optional(fallback);
  };
  std::optional<uint64_t> epoch = param("epoch", 0), have = param("number", 0), wait = param("wait", kDefaultWait);
  std::optional<uint64_t> network_epoch = param("networkEpoch", 0), network = param("networkNumber", 0);
  if (!epoch || !have || !wait || !network_epoch || !network) {
    return bad_request("epoch, number, networkEpoch, networkNumber and wait must be numbers of 0 or more");
  }
  AgentHas has;
  has.assignment = {*epoch, *have};
  has.network = {*network_epoch, *network};
  if (request.has_param("networkDigest")) has.network_digest = request.param("networkDigest");
  has.wants_network = request.has_param("networkNumber");
  Duration seconds = std::chrono::seconds(std::min<uint64_t>(*wait, 3600));
  return links.poll(std::move(node), std::move(has), seconds);
}

Reply report(const Request& request, const std::string& node, const CoreDoor& core) {
  Result<NodeReport> decoded = decode_node_report(request.body);
  if (!decoded.ok()) return bad_request("the report is not understood: " + decoded.error().message);
  if (decoded->node != node) return bad_request("the report is about node '" + decoded->node + "', not '" + node + "'");
  ReportIn in;
  in.report = std::move(decoded).value();
  auto later = std::make_shared<Deferred>();
  core.report(std::move(in), [later](Answer answer) {
    if (answer.error) later->complete(response_of(*answer.error));
    else later->complete(Response{200, "application/json", make_bytes("{}\n"), {}});
  });
  return later;
}

Reply stream(const Request& request, const std::vector<std::string_view>& parts, AgentLinks& links) {
  std::string node(parts[3]);
  std::optional<uint64_t> id = number(parts[5]);
  if (!id) return no_such_path();
  if (parts.size() == 7 && parts[6] == "refuse" && request.method == "POST") {
    Result<Value> body = json_body(request);
    if (!body.ok()) return bad_request(body.error().message);
    const Value* status = body->find("status");
    int code = status && status->is_int() ? static_cast<int>(status->as_int()) : 500;
    return links.refuse(std::move(node), *id, code, std::string(body->string_at("message").substr(0, 4096)));
  }
  if (parts.size() != 6) return no_such_path();
  if (request.method != "GET") return wrong_method();
  std::string_view upgrade = request.header("Upgrade");
  bool fits = upgrade.size() == std::string_view(kStreamProtocol).size() &&
              strncasecmp(upgrade.data(), kStreamProtocol, upgrade.size()) == 0;
  if (!fits) return bad_request(std::string("a stream needs the header Upgrade: ") + kStreamProtocol);
  return links.dial(std::move(node), *id);
}

Reply node_route(const Request& request, const std::vector<std::string_view>& parts, AgentLinks& links,
                 TokenStore& tokens, const CoreDoor& core, const std::string& ca_pem, Now now) {
  if (parts.size() < 5) return no_such_path();
  std::string node(parts[3]);
  if (parts[4] == "poll" && parts.size() == 5) {
    return request.method == "GET" ? poll(request, std::move(node), links) : Reply(wrong_method());
  }
  if (parts[4] == "report" && parts.size() == 5) {
    return request.method == "POST" ? report(request, node, core) : Reply(wrong_method());
  }
  if (parts[4] == "tokens" && parts.size() == 5) {
    return request_pod_token(request, node, tokens.accounts(), core.current()->view, now);
  }
  if (parts[4] == "credential" && parts.size() == 5) return credential(request, node, tokens, ca_pem, now);
  if (parts[4] == "streams" && parts.size() >= 6) return stream(request, parts, links);
  return no_such_path();
}

Response create_token(const Request& request, TokenStore& tokens, Now now) {
  Result<Value> body = json_body(request);
  if (!body.ok()) return bad_request(body.error().message);
  std::optional<Duration> lifetime = std::chrono::hours(24);
  if (const Value* seconds = body->find("ttlSeconds")) {
    constexpr int64_t kTenYears = 10LL * 365 * 86'400;
    if (!seconds->is_int() || seconds->as_int() < 0 || seconds->as_int() > kTenYears) {
      return bad_request("ttlSeconds must be a number of 0 (for ever) to ten years");
    }
    lifetime = std::chrono::seconds(seconds->as_int());
    if (seconds->as_int() == 0) lifetime.reset();
  }
  Result<std::string> token = tokens.create_join_token(std::string(body->string_at("description")), lifetime, now.wall);
  if (!token.ok()) return response_of_error(token.error());
  Value out = Value::map();
  out.set("token", *token);
  out.set("id", join_token_id(*token));
  return json_response(out, 201);
}

Reply token_route(const Request& request, const std::vector<std::string_view>& parts, TokenStore& tokens, Now now) {
  if (parts.size() == 4 && request.method == "DELETE") {
    Status revoked = tokens.revoke_join_token(std::string(parts[3]));
    return revoked.ok() ? success() : response_of_error(revoked.error());
  }
  if (parts.size() != 3) return no_such_path();
  if (request.method == "POST") return create_token(request, tokens, now);
  if (request.method != "GET") return wrong_method();
  Value items = Value::list(), nodes = Value::list();
  for (const JoinToken& token : tokens.join_tokens(now.wall)) {
    Value row = Value::map();
    row.set("id", token.id);
    row.set("description", token.description);
    if (token.expires != WallTime{}) row.set("expires", format_rfc3339(token.expires));
    items.push(std::move(row));
  }
  for (const NodeCredential& credential : tokens.node_credentials(now.wall)) {
    Value row = Value::map();
    row.set("node", credential.node);
    row.set("created", format_rfc3339(credential.created));
    if (credential.expires != WallTime{}) row.set("expires", format_rfc3339(credential.expires));
    nodes.push(std::move(row));
  }
  Value out = Value::map();
  out.set("items", std::move(items));
  out.set("nodes", std::move(nodes));
  return json_response(out);
}

}  // namespace

Response unauthorized_agent(const Request& request, const TokenStore& tokens, Now now) {
  std::optional<EndedCredential> ended = tokens.ended_credential(bearer_token(request), now.wall);
  if (!ended) return failure(401, "Unauthorized", "this token is not known here, or has ended");
  std::string when = " on " + format_rfc3339(ended->when), reason, text;
  switch (ended->why) {
    case EndedCredential::Why::kExpired:
      reason = "CredentialExpired";
      text = "the credential of node " + ended->node + " ended" + when + " without having been renewed";
      break;
    case EndedCredential::Why::kRevoked:
      reason = "CredentialRevoked";
      text = "the credential of node " + ended->node + " was revoked" + when;
      break;
    case EndedCredential::Why::kNodeDeleted:
      reason = "NodeDeleted";
      text = "node " + ended->node + " was deleted" + when;
      break;
  }
  StatusDetails details;
  details.causes.push_back({reason, text, ""});
  return failure(401, "Unauthorized", text, std::move(details));
}

Reply agent_route(const Request& request, AgentLinks& links, TokenStore& tokens, const CoreDoor& core,
                  const std::string& ca_pem, Now now) {
  std::vector<std::string_view> parts = segments_of(request.path);
  if (parts.size() < 3 || parts[1] != "v1") return no_such_path();
  if (!node_of(request.identity).empty()) tokens.note_use(bearer_token(request));
  if (parts[2] == "join" && parts.size() == 3) {
    return request.method == "POST" ? join(request, tokens, core, ca_pem, now) : wrong_method();
  }
  if (parts[2] == "tokens") return token_route(request, parts, tokens, now);
  if (parts[2] == "nodes") return node_route(request, parts, links, tokens, core, ca_pem, now);
  return no_such_path();
}

}  // namespace mainstay::api
