#include "schema/openapi.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "schema/base/crypto.h"
#include "schema/json.h"
#include "schema/kind.h"
#include "schema/kinds/meta.h"
#include "schema/merge_rules.h"
#include "schema/not_yet.h"

namespace mainstay {
namespace {

// The schemas of one document, each type once. Two types may have one name; the second gets a number.
class Schemas {
 public:
  // {"$ref": ...} of a struct, whose schema is made on the first call.
  Value reference(const TypeDesc& type) {
    Value out = Value::map();
    out.set("$ref", "#/components/schemas/" + name_of(type));
    return out;
  }

  void add_kind(const KindInfo& info) {
    std::string name = name_of(*info.type);
    Value metadata = all_of(ObjectMeta::kType);
    Value identity = Value::list();
    identity.push(group_version_kind(info));
    Value& schema = *made_.find(name);
    Value& properties = *schema.find("properties");
    properties.set("apiVersion", scalar("string"));
    properties.set("kind", scalar("string"));
    properties.set("metadata", std::move(metadata));
    schema.set("x-kubernetes-group-version-kind", std::move(identity));
    if (std::string_view standing = standing_of(info.id); !standing.empty()) schema.set("description", standing);
  }

  static Value group_version_kind(const KindInfo& info) {
    Value out = Value::map();
    out.set("group", info.group);
    out.set("version", info.version);
    out.set("kind", info.kind);
    return out;
  }

  Value take() { return std::move(made_); }

 private:
  static Value scalar(std::string_view type, std::string_view format = {}) {
    Value out = Value::map();
    out.set("type", type);
    if (!format.empty()) out.set("format", format);
    return out;
  }

  Value all_of(const TypeDesc& type) {
    Value out = Value::map();
    out.set("allOf", Value(ValueList{reference(type)}));
    return out;
  }

  std::string name_of(const TypeDesc& type) {
    for (const auto& [known, name] : names_) {
      if (known == &type) return name;
    }
    std::string name(type.name);
    auto taken = [&](const auto& entry) { return entry.second == name; };
    for (int number = 2; std::any_of(names_.begin(), names_.end(), taken); ++number) {
      name = std::string(type.name) + std::to_string(number);
    }
    names_.emplace_back(&type, name);
    made_.set(name, Value::map());  // holds the place, since types may contain themselves
    Value schema = struct_schema(type);
    made_.set(name, std::move(schema));
    return name;
  }

  Value one(const TypeDesc& type) {
    switch (type.shape) {
      case Shape::kBool: return scalar("boolean");
      case Shape::kInt32: return scalar("integer", "int32");
      case Shape::kInt64: return scalar("integer", "int64");
      case Shape::kString:
      case Shape::kQuantity: return scalar("string");
      case Shape::kBytes: return scalar("string", "byte");
      case Shape::kTime:
      case Shape::kMicroTime: return scalar("string", "date-time");
      case Shape::kIntOrString: return scalar("string", "int-or-string");
      case Shape::kStringList: {
        Value out = scalar("array");
        out.set("items", scalar("string"));
        return out;
      }
      case Shape::kRaw: return scalar("object");  // kubectl explain takes an empty schema for none
      case Shape::kStruct: return all_of(type);
    }
    return Value::map();
  }

  Value field_schema(const TypeDesc& owner, const FieldDesc& field) {
    if (field.card == Card::kOne) return one(*field.type);
    MergeRule rule = merge_rule(owner, field);
    Value out = scalar(field.card == Card::kMap ? "object" : "array");
    out.set(field.card == Card::kMap ? "additionalProperties" : "items", one(*field.type));
    if (field.card == Card::kMap) {
      if (rule == MergeRule::kAtomic) out.set("x-kubernetes-map-type", "atomic");
      return out;
    }
    out.set("x-kubernetes-list-type", rule == MergeRule::kKeyed ? "map" : rule == MergeRule::kSet ? "set" : "atomic");
    if (rule == MergeRule::kKeyed) out.set("x-kubernetes-list-map-keys", words(field.map_keys));
    return out;
  }

  static Value words(std::string_view keys) {
    Value out = Value::list();
    while (!keys.empty()) {
      size_t comma = keys.find(',');
      out.push(keys.substr(0, comma));
      keys = comma == std::string_view::npos ? std::string_view() : keys.substr(comma + 1);
    }
    return out;
  }

  // What strategic merge patch needs to know, in the words of Go's struct tags.
  static void add_patch_hints(Value& schema, const FieldDesc& field) {
    bool merges = !field.merge_key.empty() || field.has(kMergePrimitives);
    std::string strategy = merges ? "merge" : "";
    if (field.has(kRetainKeys)) strategy += strategy.empty() ? "retainKeys" : ",retainKeys";
    if (!strategy.empty()) schema.set("x-kubernetes-patch-strategy", strategy);
    if (!field.merge_key.empty()) schema.set("x-kubernetes-patch-merge-key", field.merge_key);
  }

  Value struct_schema(const TypeDesc& type) {
    Value properties = Value::map(), required = Value::list();
    for (const FieldDesc& field : type.fields) {
      Value schema = field_schema(type, field);
      add_patch_hints(schema, field);
      if (std::string_view standing = standing_of(type, field); !standing.empty()) schema.set("description", standing);
      properties.set(field.name, std::move(schema));
      if (field.has(kRequired)) required.push(field.name);
    }
    Value out = scalar("object");
    out.set("properties", std::move(properties));
    if (!required.as_list().empty()) out.set("required", std::move(required));
    return out;
  }

  std::vector<std::pair<const TypeDesc*, std::string>> names_;
  Value made_ = Value::map();
};

// The operation by which clients find out that the server validates fields.
Value patch_operation(const KindInfo& info) {
  Value parameter = Value::map();
  parameter.set("name", "fieldValidation");
  parameter.set("in", "query");
  Value operation = Value::map();
  operation.set("parameters", Value(ValueList{std::move(parameter)}));
  operation.set("responses", Value::map());
  operation.set("x-kubernetes-group-version-kind", Schemas::group_version_kind(info));
  Value out = Value::map();
  out.set("patch", std::move(operation));
  return out;
}

std::string resource_url(const KindInfo& info) {
  std::string scope = info.namespaced ? "/namespaces/{namespace}/" : "/";
  return "/" + openapi_path(info.group, info.version) + scope + std::string(info.plural) + "/{name}";
}

}  // namespace

std::string openapi_path(std::string_view group, std::string_view version) {
  if (group.empty()) return "api/" + std::string(version);
  return "apis/" + std::string(group) + "/" + std::string(version);
}

std::optional<Value> openapi_document(std::string_view path) {
  Value paths = Value::map();
  Schemas schemas;
  for (const KindInfo& info : all_kinds()) {
    if (openapi_path(info.group, info.version) != path) continue;
    paths.set(resource_url(info), patch_operation(info));
    schemas.add_kind(info);
  }
  if (paths.as_map().empty()) return std::nullopt;
  Value title = Value::map();
  title.set("title", "Kubernetes");
  title.set("version", "v1.33.0");
  Value components = Value::map();
  components.set("schemas", schemas.take());
  Value out = Value::map();
  out.set("openapi", "3.0.0");
  out.set("info", std::move(title));
  out.set("paths", std::move(paths));
  out.set("components", std::move(components));
  return out;
}

Value openapi_index() {
  Value paths = Value::map();
  for (const KindInfo& info : all_kinds()) {
    std::string path = openapi_path(info.group, info.version);
    if (paths.find(path) != nullptr) continue;
    Value entry = Value::map();
    entry.set("serverRelativeURL",
              "/openapi/v3/" + path + "?hash=" + hex(sha256(to_json(*openapi_document(path)))));
    paths.set(path, std::move(entry));
  }
  Value out = Value::map();
  out.set("paths", std::move(paths));
  return out;
}

}  // namespace mainstay
