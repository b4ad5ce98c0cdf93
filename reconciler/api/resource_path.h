// What a request's path and method ask for, in the words of Kubernetes' API. Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "reconciler/api/http.h"
#include "schema/kind.h"

namespace mainstay::api {

// A path below /api/v1 or /apis/{group}/{version} that names a resource.
struct ResourcePath {
  std::string group, version;
  std::string ns;           // "" for cluster-scoped resources and for all namespaces
  std::string resource;     // plural
  std::string name;
  std::string subresource;  // "status", "log"; may hold more segments for "proxy/..."
  // Null when the resource is not one of ours.
  const KindInfo* kind = nullptr;

  // "deployments.apps", as messages name it.
  std::string qualified() const { return group.empty() ? resource : resource + "." + group; }
};

// Nothing when the path is not of that shape (discovery, /version, /healthz ...).
std::optional<ResourcePath> parse_resource_path(std::string_view path);

// get, list, watch, create, update, patch, delete, deletecollection; for other paths the lower-case method.
std::string request_verb(const Request& request, const std::optional<ResourcePath>& path);

// "true", "1" and "" (a bare name) are true, as strconv.ParseBool and the query decoder have it.
bool is_true(std::string_view text);

}  // namespace mainstay::api
