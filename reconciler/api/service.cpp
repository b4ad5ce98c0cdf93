#include "reconciler/api/service.h"

#include "reconciler/api/access.h"
#include "reconciler/api/agent_routes.h"
#include "reconciler/api/application_routes.h"
#include "reconciler/api/errors.h"
#include "reconciler/api/impersonation.h"
#include "reconciler/api/log_route.h"
#include "reconciler/api/read_routes.h"
#include "reconciler/api/reviews.h"
#include "reconciler/api/token_routes.h"
#include "reconciler/api/write_routes.h"

namespace mainstay::api {
namespace {

bool is_health(std::string_view path) { return path == "/healthz" || path == "/livez" || path == "/readyz"; }

// For metrics: names from a bounded set only.
std::string_view resource_label(const std::optional<ResourcePath>& path, std::string_view plain) {
  if (path) return path->kind ? path->kind->plural : "other";
  return plain.starts_with("/agent/") ? "agent" : "none";
}

std::string_view verb_label(std::string_view verb) {
  for (std::string_view known : {"get", "list", "watch", "create", "update", "patch", "delete", "deletecollection",
                                 "post", "put"}) {
    if (verb == known) return known;
  }
  return "other";
}

}  // namespace

ApiService::ApiService(ServiceSettings settings, CoreDoor core, TokenStore& tokens, std::function<Now()> now)
    : settings_(std::move(settings)),
      core_(std::move(core)),
      tokens_(tokens),
      now_(std::move(now)),
      discovery_(settings_.version),
      hub_(core_.current(), settings_.watches),
      links_(core_.current(), settings_.agents) {
  register_metrics();
}

ApiService::~ApiService() { stop(); }

void ApiService::stop() {
  hub_.stop();
  links_.stop();
}

void ApiService::publish(const std::shared_ptr<const Publication>& publication) {
  hub_.publish(publication);
  links_.publish(publication);
}

Reply ApiService::handle(Request request) {
  Now now = now_();
  request.identity = {};
  if (std::optional<Identity> known = who_asks(request, now)) request.identity = std::move(*known);
  std::optional<ResourcePath> path = parse_resource_path(request.path);
  Reply reply;
  bool open = is_public_path(request.path);
  // A credential that is not good is refused everywhere: a client may look whether it is by asking for the version.
  if (request.identity.user.empty() && !(open && bearer_token(request).empty())) {
    bool agent = request.path.starts_with("/agent/");
    reply = agent ? unauthorized_agent(request, tokens_, now) : unauthorized();
  } else if (std::optional<Response> not_in_that_name = impersonate(request)) {
    reply = std::move(*not_in_that_name);
  } else if (std::optional<Response> refused = open ? std::nullopt : forbidden_for(request, path)) {
    reply = std::move(*refused);
  } else {
    reply = route(request, path, now);
  }
  count(request_verb(request, path), resource_label(path, request.path), reply, now.mono);
  return reply;
}

std::optional<Identity> ApiService::who_asks(const Request& request, Now now) const {
  std::string_view token = bearer_token(request);
  if (!looks_signed(token)) return tokens_.authenticate(token, now.wall);
  std::optional<AccountIdentity> account = tokens_.accounts().authenticate(token, {}, core_.current()->view, now.wall);
  if (account) return std::move(account->identity);
  return tokens_.authenticate(token, now.wall);  // a token of a static file may look like anything
}

// Requests are counted when their status is known; a poll that waits is no slow request.
void ApiService::count(const std::string& verb, std::string_view resource, const Reply& reply, MonoTime since) {
  std::string_view label = verb_label(verb);
  if (const auto* later = std::get_if<std::shared_ptr<Deferred>>(&reply)) {
    (*later)->on_status([this, label, resource, since](int status) {
      metrics_.count_request(label, resource, status, now_().mono - since);
    });
    return;
  }
  metrics_.count_request(label, resource, status_of(reply), now_().mono - since);
}

Reply ApiService::route(const Request& request, const std::optional<ResourcePath>& path, Now now) {
  if (request.path.starts_with("/agent/")) {
    return agent_route(request, links_, tokens_, core_, settings_.ca_pem ? settings_.ca_pem() : "", now);
  }
  if (request.path.starts_with("/mainstay/v1/keys")) {
    return key_route(request, tokens_.accounts().keys(), settings_.rotate_secrets, now);
  }
  if (request.path.starts_with("/mainstay/")) return application_route(request, core_, settings_.commits);
  if (path) return resource_route(request, *path, now);
  if (request.method != "GET" && request.method != "HEAD") return no_such_path();
  if (is_health(request.path)) return health(request);
  if (request.path == "/metrics") {
    return Response{200, "text/plain; version=0.0.4; charset=utf-8", make_bytes(metrics_.text()), {}};
  }
  if (std::optional<Response> keys = answer_token_documents(request, tokens_.accounts(), now)) return std::move(*keys);
  Response document = discovery_.answer(request);
  if (!document.body) document = openapi_.answer(request);
  return document.body ? Reply(std::move(document)) : Reply(no_such_path());
}

Reply ApiService::resource_route(const Request& request, const ResourcePath& path, Now now) {
  if (std::optional<Response> review = answer_review(request, path)) return std::move(*review);
  if (std::optional<Response> review = answer_token_review(request, path, tokens_, core_.current()->view, now)) {
    return std::move(*review);
  }
  if (!path.kind) return no_such_path();
  if (!path.kind->namespaced && !path.ns.empty()) return no_such_path();
  if (path.kind->id == Kind::kServiceAccount && path.subresource == "token") {
    return request_token(request, path, tokens_.accounts(), core_.current()->view, now);
  }
  if (request.method != "GET" && request.method != "HEAD") return write_object(request, path, core_, now);
  if (path.kind->id == Kind::kPod && path.subresource == "log") return log_route(request, path, now);
  std::shared_ptr<const Publication> current = core_.current();
  if (is_true(request.param("watch")) && path.subresource.empty()) return hub_.watch(request, path, current, now);
  if (path.name.empty()) return list_objects(request, path, current->view, pages_, now);
  if (path.kind->namespaced && path.ns.empty()) return no_such_path();
  if (path.kind->id == Kind::kPod && (path.subresource == "exec" || path.subresource == "attach" ||
                                      path.subresource == "portforward" || path.subresource.starts_with("proxy"))) {
    return not_yet("the subresource " + path.subresource.substr(0, 32) + " of pods");
  }
  return get_object(request, path, current->view, now);
}

Reply ApiService::log_route(const Request& request, const ResourcePath& path, Now now) {
  auto wanted = log_request(request, path, core_.current()->view, now.wall);
  if (auto* refused = std::get_if<Response>(&wanted)) return std::move(*refused);
  LogRequest& log = std::get<LogRequest>(wanted);
  return links_.open_stream(std::move(log.node), std::move(log.stream));
}

Response ApiService::health(const Request& request) const {
  std::string lines;
  bool ready = true;
  auto check = [&](std::string_view name, const std::string& trouble) {
    lines += std::string(trouble.empty() ? "[+]" : "[-]") + std::string(name);
    lines += trouble.empty() ? " ok\n" : " failed: " + trouble + "\n";
    ready = ready && trouble.empty();
  };
  check("ping", "");
  if (request.path == "/readyz") {
    check("store", core_.trouble());
    for (const auto& [name, trouble] : settings_.ready_checks) check(name, trouble());
  }
  std::string name = request.path.substr(1);
  if (ready && !request.has_param("verbose")) return text_response(200, "ok");
  Response response = text_response(ready ? 200 : 503, lines + name + " check " + (ready ? "passed\n" : "failed\n"));
  if (!ready) response.headers.emplace_back("Retry-After", "1");
  return response;
}

void ApiService::register_metrics() {
  metrics_.add_source([this] {
    std::vector<Metrics::Sample> samples;
    std::shared_ptr<const Publication> current = core_.current();
    for (const KindInfo& info : all_kinds()) {
      size_t count = current->view.count(info.id);
      if (count == 0) continue;
      samples.push_back({"mainstay_objects", "Objects in the store.", false, {{"resource", info.resource()}},
                         static_cast<double>(count)});
    }
    samples.push_back({"mainstay_resource_version", "The newest durable resource version.", true, {},
                       static_cast<double>(current->view.version())});
    samples.push_back({"mainstay_watchers", "Open watches.", false, {}, static_cast<double>(hub_.watchers())});
    samples.push_back({"mainstay_store_writable", "1 while the store takes writes.", false, {},
                       core_.trouble().empty() ? 1.0 : 0.0});
    return samples;
  });
}

}  // namespace mainstay::api
