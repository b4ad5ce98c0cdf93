#include "reconciler/api/application_routes.h"

#include <algorithm>
#include <charconv>

#include "reconciler/api/errors.h"
#include "reconciler/api/plain_route.h"
#include "reconciler/plan/diff.h"
#include "schema/json.h"

namespace mainstay::api {
namespace {

constexpr size_t kCommitsShown = 100;
constexpr size_t kMostCommitsShown = 10'000;

Reply take_order(const Request& request, const std::string& application, std::string_view verb,
                 const CoreDoor& core) {
  ApplicationOrder order;
  if (verb == "sync") order.what = ApplicationOrder::What::kSync;
  else if (verb == "ack") order.what = ApplicationOrder::What::kAck;
  else if (verb == "rollback") order.what = ApplicationOrder::What::kRollback;
  else if (verb == "resume") order.what = ApplicationOrder::What::kResume;
  else return no_such_path();
  Result<Value> body = json_body(request);
  if (!body.ok()) return bad_request(body.error().message);
  order.application = application;
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

Value key_value(const Key& key) {
  Value out = Value::map();
  const KindInfo& info = kind_info(key.kind);
  out.set("apiVersion", info.api_version());
  out.set("kind", info.kind);
  if (!key.ns.empty()) out.set("namespace", key.ns);
  out.set("name", key.name);
  return out;
}

Value declared_item(const DesiredObject& desired) {
  Value out = key_value(desired.key);
  out.set("path", desired.origin.path);
  out.set("line", static_cast<int64_t>(desired.origin.line));
  return out;
}

// No longer declared: there is nothing to compare it with.
Value held_item(const DesiredObject& held) {
  Value out = declared_item(held);
  out.set("held", true);
  out.set("fields", Value::list());
  return out;
}

Value difference(const DesiredObject& desired, const ObjectPtr& live) {
  Value fields = Value::list();
  if (live) {
    for (FieldEdit& edit : drifted(desired, *live)) {
      Value field = Value::map();
      field.set("path", std::move(edit.path));
      if (edit.hidden) field.set("hidden", true);
      else field.set("live", std::move(edit.before)), field.set("declared", std::move(edit.after));
      fields.push(std::move(field));
    }
    if (fields.as_list().empty()) return Value();
  }
  Value out = declared_item(desired);
  out.set("missing", !live);
  out.set("fields", std::move(fields));
  return out;
}

Reply diff_route(const AppliedApplication& application, const Publication& current) {
  Value items = Value::list();
  for (const DesiredObject& desired : application.set->objects) {
    bool held = std::find(application.held.begin(), application.held.end(), desired.key) != application.held.end();
    Value item = held ? held_item(desired) : difference(desired, current.view.find(desired.key));
    if (!item.is_null()) items.push(std::move(item));
  }
  Value out = Value::map();
  out.set("application", application.name);
  out.set("commit", application.commit);
  out.set("items", std::move(items));
  return json_response(out);
}

Reply history_route(const Request& request, const std::string& application, const CommitHistory& history) {
  size_t limit = kCommitsShown;
  std::string_view asked = request.param("limit");
  if (!asked.empty()) {
    auto [end, code] = std::from_chars(asked.data(), asked.data() + asked.size(), limit);
    if (code != std::errc{} || end != asked.data() + asked.size() || limit == 0) {
      return bad_request("limit must be a number above 0");
    }
  }
  if (!history) return no_such_path();
  Result<std::vector<CommitRow>> rows = history(application, std::min(limit, kMostCommitsShown));
  if (!rows.ok()) return failure(500, "InternalError", rows.error().message);
  Value items = Value::list();
  for (const CommitRow& row : *rows) {
    Value item = Value::map();
    item.set("id", static_cast<int64_t>(row.number));
    item.set("commit", row.commit);
    item.set("author", row.author);
    item.set("subject", row.subject);
    item.set("result", row.result);
    item.set("message", row.message);
    item.set("seen", format_rfc3339(row.seen));
    if (row.finished != WallTime{}) item.set("finished", format_rfc3339(row.finished));
    items.push(std::move(item));
  }
  Value out = Value::map();
  out.set("items", std::move(items));
  return json_response(out);
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
      const DesiredObject* found = one.set->objects.find(key);
      if (found == nullptr) continue;
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

Reply application_route(const Request& request, const CoreDoor& core, const CommitHistory& history) {
  std::vector<std::string_view> parts = segments_of(request.path);
  if (parts.size() < 4 || parts[1] != "v1") return no_such_path();
  if (parts[2] == "origins") return origin_route(request, parts, core);
  if (parts[2] != "applications" || parts.size() != 5) return no_such_path();
  std::string name(parts[3]);
  if (parts[4] != "diff" && parts[4] != "history") {
    return request.method == "POST" ? take_order(request, name, parts[4], core) : wrong_method();
  }
  if (request.method != "GET") return wrong_method();
  std::shared_ptr<const Publication> current = core.current();
  for (const AppliedApplication& one : current->applied) {
    if (one.name != name) continue;
    return parts[4] == "diff" ? diff_route(one, *current) : history_route(request, name, history);
  }
  return failure(404, "NotFound", "applications.argoproj.io \"" + name + "\" not found");
}

}  // namespace mainstay::api
