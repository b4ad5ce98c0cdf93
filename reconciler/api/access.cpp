#include "reconciler/api/access.h"

#include "reconciler/api/auth.h"
#include "reconciler/api/status_response.h"
#include "reconciler/api/token_routes.h"

namespace mainstay::api {
namespace {

constexpr std::string_view kJoinPath = "/agent/v1/join";
constexpr std::string_view kNodesPath = "/agent/v1/nodes/";

bool is_discovery(std::string_view path) {
  return path == "/api" || path == "/api/" || path == "/apis" || path == "/apis/" || path.starts_with("/openapi/") ||
         is_token_document(path);
}

// Reviews ask about the one who asks: everyone known may.
bool is_about_self(const ResourcePath& path) {
  return (path.group == "authorization.k8s.io" &&
          (path.resource == "selfsubjectaccessreviews" || path.resource == "selfsubjectrulesreviews")) ||
         (path.group == "authentication.k8s.io" && path.resource == "selfsubjectreviews");
}

bool owns_agent_path(const Identity& identity, std::string_view path) {
  std::string_view node = node_of(identity);
  if (node.empty() || !path.starts_with(kNodesPath)) return false;
  path.remove_prefix(kNodesPath.size());
  return path.substr(0, path.find('/')) == node;
}

bool allowed(const Request& request, const std::optional<ResourcePath>& path) {
  const Identity& who = request.identity;
  if (who.in_group(kMastersGroup)) return true;
  if (request.path == kJoinPath) return who.in_group(kBootstrapGroup) || who.in_group(kNodesGroup);
  if (request.path.starts_with("/agent/")) return owns_agent_path(who, request.path);
  if (path) return is_about_self(*path) && request.method == "POST";
  if (request.method != "GET" && request.method != "HEAD") return false;
  return is_discovery(request.path) || request.path.starts_with("/api/") || request.path.starts_with("/apis/");
}

std::string refusal(const Request& request, const std::optional<ResourcePath>& path) {
  std::string who = "User \"" + request.identity.user + "\" cannot ";
  if (!path) {
    return "forbidden: " + who + request_verb(request, path) + " path \"" + request.path + "\"";
  }
  std::string resource = path->subresource.empty() ? path->resource : path->resource + "/" + path->subresource;
  std::string subject = path->name.empty() ? path->qualified() : path->qualified() + " \"" + path->name + "\"";
  std::string text = subject + " is forbidden: " + who + request_verb(request, path) + " resource \"" + resource +
                     "\" in API group \"" + path->group + "\"";
  return text + (path->ns.empty() ? " at the cluster scope" : " in the namespace \"" + path->ns + "\"");
}

}  // namespace

bool is_public_path(std::string_view path) {
  return path == "/healthz" || path == "/livez" || path == "/readyz" || path == "/version" || path == "/version/";
}

bool may_use_resources(const Identity& identity) { return identity.in_group(kMastersGroup); }

std::optional<Response> forbidden_for(const Request& request, const std::optional<ResourcePath>& path) {
  if (allowed(request, path)) return std::nullopt;
  StatusDetails details;
  if (path) details = {path->name, path->group, path->resource, "", {}, 0};
  return failure(403, "Forbidden", refusal(request, path), std::move(details));
}

Response unauthorized() {
  Response response = failure(401, "Unauthorized", "Unauthorized");
  response.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"mainstay\"");
  return response;
}

}  // namespace mainstay::api
