#include "reconciler/api/resource_path.h"
#include "schema/base/lower.h"

#include <algorithm>
#include <vector>

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

}  // namespace

std::optional<ResourcePath> parse_resource_path(std::string_view path) {
  std::vector<std::string_view> parts = segments_of(path);
  ResourcePath out;
  size_t at = 0;
  if (parts.size() >= 3 && parts[0] == "api") {
    out.version = parts[1];
    at = 2;
  } else if (parts.size() >= 4 && parts[0] == "apis") {
    out.group = parts[1];
    out.version = parts[2];
    at = 3;
  } else {
    return std::nullopt;
  }
  // "namespaces/x/pods" is about pods, "namespaces/x" and its subresources are about the namespace.
  bool inside = parts[at] == "namespaces" && parts.size() > at + 2 && parts[at + 2] != "status" &&
                parts[at + 2] != "finalize";
  if (inside) {
    out.ns = parts[at + 1];
    at += 2;
  }
  out.resource = parts[at++];
  if (at < parts.size()) out.name = parts[at++];
  for (; at < parts.size(); ++at) {
    if (!out.subresource.empty()) out.subresource += '/';
    out.subresource += parts[at];
  }
  out.kind = find_resource(out.group, out.version, out.resource);
  return out;
}

bool is_true(std::string_view text) {
  return text == "true" || text == "1" || text == "True" || text == "TRUE" || text == "t" || text == "T";
}

std::string request_verb(const Request& request, const std::optional<ResourcePath>& path) {
  std::string method = lower_ascii(request.method);
  if (!path) return method;
  bool one = !path->name.empty();
  if (method == "get" || method == "head") {
    if (is_true(request.param("watch"))) return "watch";
    return one ? "get" : "list";
  }
  if (method == "post") return "create";
  if (method == "put") return "update";
  if (method == "delete") return one ? "delete" : "deletecollection";
  return method;
}

}  // namespace mainstay::api
