#include "reconciler/api/agent_routes.h"

#include <algorithm>

#include <strings.h>

#include <charconv>

#include "reconciler/api/errors.h"
#include "reconciler/api/token_routes.h"
#include "reconciler/api/plain_route.h"
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
    case ErrorCode::kFull: return failure(429, "TooManyRequests", error.message);
    default: return failure(500, "InternalError", "Internal error occurred: " + error.message);
  }
}

Response join(const Request& request, TokenStore& tokens, Now now) {
  Result<Value> body = json_body(request);
  if (!body.ok()) return bad_request(body.error().message);
  std::string node(body->string_at("node"));
  std::string_view self = node_of(request.identity);
  if (!self.empty() && self != node) {
    return failure(403, "Forbidden", "node " + std::string(self) + " cannot join as another node");
  }
  Result<std::string> token = tokens.issue_node_credential(node, now.wall);
  if (!token.ok()) return response_of_error(token.error());
  Value out = Value::map();
  out.set("node", node);
  out.set("token", *token);
  out.set("protocol", kAgentProtocol);
  return json_response(out, 201);
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
                 TokenStore& tokens, const CoreDoor& core, Now now) {
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
  if (parts[4] == "credential" && parts.size() == 5) {
    if (request.method != "DELETE") return wrong_method();
    Status revoked = tokens.revoke_node_credential(node);
    return revoked.ok() ? success() : response_of_error(revoked.error());
  }
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
  Value items = Value::list();
  for (const JoinToken& token : tokens.join_tokens(now.wall)) {
    Value row = Value::map();
    row.set("id", token.id);
    row.set("description", token.description);
    if (token.expires != WallTime{}) row.set("expires", format_rfc3339(token.expires));
    items.push(std::move(row));
  }
  Value out = Value::map();
  out.set("items", std::move(items));
  return json_response(out);
}

}  // namespace

Reply agent_route(const Request& request, AgentLinks& links, TokenStore& tokens, const CoreDoor& core, Now now) {
  std::vector<std::string_view> parts = segments_of(request.path);
  if (parts.size() < 3 || parts[1] != "v1") return no_such_path();
  if (parts[2] == "join" && parts.size() == 3) {
    return request.method == "POST" ? join(request, tokens, now) : wrong_method();
  }
  if (parts[2] == "tokens") return token_route(request, parts, tokens, now);
  if (parts[2] == "nodes") return node_route(request, parts, links, tokens, core, now);
  return no_such_path();
}

}  // namespace mainstay::api
