#include "reconciler/api/agent_routes.h"

#include <algorithm>

#include <strings.h>

#include <charconv>

#include "reconciler/api/errors.h"
#include "schema/json.h"

namespace mainstay::api {
namespace {

std::vector<std::string_view> segments_of(std::string_view path) {
  std::vector<std::string_view> out;
  while (!path.empty()) {
    size_t slash = std::min(path.find('/'), path.size());
    if (slash > 0) out.push_back(path.substr(0, slash));
    path.remove_prefix(std::min(slash + 1, path.size()));
  }
  return out;
}

std::optional<uint64_t> number(std::string_view text) {
  uint64_t value = 0;
  auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// An absent body is an empty map.
Result<Value> json_body(const Request& request) {
  if (request.body.empty()) return Value::map();
  ASSIGN_OR_RETURN(Value value, read_json(request.body));
  if (!value.is_map()) return error(ErrorCode::kInvalid, "the body holds no JSON object");
  return value;
}

Response json_response(const Value& value, int status = 200) {
  return {status, "application/json", make_bytes(to_json(value) + "\n"), {}};
}

Response response_of_error(const Error& error) {
  switch (error.code) {
    case ErrorCode::kNotFound: return failure(404, "NotFound", error.message);
    case ErrorCode::kInvalid: return failure(422, "Invalid", error.message);
    case ErrorCode::kFull: return failure(429, "TooManyRequests", error.message);
    default: return failure(500, "InternalError", "Internal error occurred: " + error.message);
  }
}

Response wrong_method() {
  return failure(405, "MethodNotAllowed", "the server does not allow this method on the requested resource");
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
  if (!epoch || !have || !wait) return bad_request("epoch, number and wait must be numbers of 0 or more");
  Duration seconds = std::chrono::seconds(std::min<uint64_t>(*wait, 3600));
  return links.poll(std::move(node), {*epoch, *have}, seconds);
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
                 TokenStore& tokens, const CoreDoor& core) {
  if (parts.size() < 5) return no_such_path();
  std::string node(parts[3]);
  if (parts[4] == "poll" && parts.size() == 5) {
    return request.method == "GET" ? poll(request, std::move(node), links) : Reply(wrong_method());
  }
  if (parts[4] == "report" && parts.size() == 5) {
    return request.method == "POST" ? report(request, node, core) : Reply(wrong_method());
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

Reply application_route(const Request& request, const std::vector<std::string_view>& parts, const CoreDoor& core) {
  if (parts.size() != 5 || parts[1] != "v1" || parts[2] != "applications") return no_such_path();
  if (request.method != "POST") return wrong_method();
  ApplicationOrder order;
  if (parts[4] == "sync") order.what = ApplicationOrder::What::kSync;
  else if (parts[4] == "ack") order.what = ApplicationOrder::What::kAck;
  else if (parts[4] == "rollback") order.what = ApplicationOrder::What::kRollback;
  else if (parts[4] == "resume") order.what = ApplicationOrder::What::kResume;
  else return no_such_path();
  Result<Value> body = json_body(request);
  if (!body.ok()) return bad_request(body.error().message);
  order.application = parts[3];
  order.commit = body->string_at("commit");
  order.actor = "user:" + request.identity.user;
  auto later = std::make_shared<Deferred>();
  core.order(std::move(order), [later](Answer answer) {
    if (answer.error) return later->complete(response_of(*answer.error));
    if (!answer.object) return later->complete(success());
    std::string text;
    append_encoded(text, *answer.object);
    later->complete(Response{200, "application/json", make_bytes(std::move(text)), {}});
  });
  return later;
}

// Where an object is declared: GET /mainstay/v1/origins/{plural}/{namespace or -}/{name}.
Reply origin_route(const Request& request, const std::vector<std::string_view>& parts, const CoreDoor& core) {
  if (parts.size() != 6) return no_such_path();
  if (request.method != "GET") return wrong_method();
  Key key;
  key.ns = parts[4] == "-" ? "" : std::string(parts[4]);
  key.name = parts[5];
  auto current = core.current();
  for (const KindInfo& info : all_kinds()) {
    if (info.plural != parts[3]) continue;
    key.kind = info.id;
    for (const AppliedApplication& one : current->applied) {
      const std::vector<DesiredObject>& objects = one.set->objects;
      auto found = std::lower_bound(objects.begin(), objects.end(), key,
                                    [](const DesiredObject& object, const Key& wanted) { return object.key < wanted; });
      if (found == objects.end() || found->key != key) continue;
      Value out = Value::map();
      out.set("application", one.name);
      out.set("commit", one.commit);
      out.set("path", found->origin.path);
      out.set("line", static_cast<int64_t>(found->origin.line));
      return json_response(out);
    }
  }
  return no_such_path();
}

}  // namespace

Reply agent_route(const Request& request, AgentLinks& links, TokenStore& tokens, const CoreDoor& core, Now now) {
  std::vector<std::string_view> parts = segments_of(request.path);
  if (parts.size() > 2 && parts[0] == "mainstay" && parts[1] == "v1" && parts[2] == "origins") {
    return origin_route(request, parts, core);
  }
  if (!parts.empty() && parts[0] == "mainstay") return application_route(request, parts, core);
  if (parts.size() < 3 || parts[1] != "v1") return no_such_path();
  if (parts[2] == "join" && parts.size() == 3) {
    return request.method == "POST" ? join(request, tokens, now) : wrong_method();
  }
  if (parts[2] == "tokens") return token_route(request, parts, tokens, now);
  if (parts[2] == "nodes") return node_route(request, parts, links, tokens, core);
  return no_such_path();
}

}  // namespace mainstay::api
