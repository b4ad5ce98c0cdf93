#include "reconciler/api/openapi_v2.h"

#include "schema/kind.h"

namespace mainstay::api {
namespace {

// A field of bytes: a text or a message.
std::string field(unsigned number, std::string_view bytes) {
  std::string out(1, static_cast<char>(number << 3 | 2));
  size_t size = bytes.size();
  for (; size >= 128; size >>= 7) out += static_cast<char>(size | 128);
  out += static_cast<char>(size);
  return out.append(bytes);
}

// ParametersItem {1: Parameter {2: NonBodyParameter {3: QueryParameterSubSchema {2: in, 4: name}}}}.
std::string query_parameter(std::string_view name) {
  return field(1, field(2, field(3, field(2, "query") + field(4, name))));
}

// NamedAny {1: name, 2: Any {2: yaml}}.
std::string identity(const KindInfo& info) {
  auto quoted = [](std::string_view text) { return "\"" + std::string(text) + "\""; };
  std::string yaml = "group: " + quoted(info.group) + "\nkind: " + quoted(info.kind) +
                     "\nversion: " + quoted(info.version) + "\n";
  return field(1, "x-kubernetes-group-version-kind") + field(2, field(2, yaml));
}

// NamedPathItem {1: path, 2: PathItem {8: patch}}; Operation {8: parameters, 13: extensions}.
std::string path_item(const KindInfo& info) {
  std::string path = info.group.empty() ? "/api/" : "/apis/" + std::string(info.group) + "/";
  path += std::string(info.version) + (info.namespaced ? "/namespaces/{namespace}/" : "/") + std::string(info.plural) +
          "/{name}";
  std::string patch = field(8, query_parameter("dryRun")) + field(8, query_parameter("fieldValidation")) +
                      field(13, identity(info));
  return field(1, path) + field(2, field(8, patch));
}

}  // namespace

// Document {1: swagger, 2: info {1: title, 2: version}, 8: paths {2: path}, 9: definitions {}}.
std::string openapi_v2(std::string_view version) {
  std::string info = field(1, "Kubernetes") + field(2, version.substr(0, version.find('+'))), paths;
  for (const KindInfo& kind : all_kinds()) paths += field(2, path_item(kind));
  return field(1, "2.0") + field(2, info) + field(8, paths) + field(9, "");
}

}  // namespace mainstay::api
