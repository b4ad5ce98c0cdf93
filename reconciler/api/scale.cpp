#include "reconciler/api/scale.h"

#include <limits>

namespace mainstay::api {
namespace {

const Value* at(const Value& from, std::initializer_list<std::string_view> path) { return from.find_path(path); }

Value copied_metadata(const Value& object) {
  Value out = Value::map();
  for (const char* name : {"name", "namespace", "uid", "resourceVersion", "creationTimestamp"}) {
    if (const Value* value = at(object, {"metadata", name})) out.set(name, *value);
  }
  return out;
}

std::string requirement_text(const Value& expression) {
  std::string key(expression.string_at("key"));
  std::string_view op = expression.string_at("operator");
  if (op == "Exists") return key;
  if (op == "DoesNotExist") return "!" + key;
  std::string out = key + (op == "In" ? " in (" : " notin (");
  if (const Value* values = expression.find("values"); values && values->is_list()) {
    for (const Value& value : values->as_list()) {
      if (out.back() != '(') out += ',';
      if (value.is_string()) out += value.as_string();
    }
  }
  return out + ")";
}

}  // namespace

bool has_scale(Kind kind) {
  return kind == Kind::kDeployment || kind == Kind::kReplicaSet || kind == Kind::kStatefulSet ||
         kind == Kind::kReplicationController;
}

std::string selector_text(const Value& selector) {
  std::string out;
  auto add = [&](const std::string& text) { out += (out.empty() ? "" : ",") + text; };
  const Value* labels = selector.find("matchLabels");
  const Value* expressions = selector.find("matchExpressions");
  // A plain map of labels is a selector, too (ReplicationController).
  const Value* map = labels || expressions ? labels : &selector;
  if (map && map->is_map()) {
    for (const Member& member : map->as_map()) {
      if (member.value.is_string()) add(member.name + "=" + member.value.as_string());
    }
  }
  if (expressions && expressions->is_list()) {
    for (const Value& expression : expressions->as_list()) add(requirement_text(expression));
  }
  return out;
}

Value scale_of(const Object& object) {
  Value whole = to_value(object);
  const Value* wanted = at(whole, {"spec", "replicas"});
  const Value* have = at(whole, {"status", "replicas"});
  const Value* selector = at(whole, {"spec", "selector"});
  Value spec = Value::map(), status = Value::map(), out = Value::map();
  spec.set("replicas", wanted && wanted->is_int() ? *wanted : Value(0));
  status.set("replicas", have && have->is_int() ? *have : Value(0));
  if (selector) status.set("selector", selector_text(*selector));
  out.set("kind", "Scale");
  out.set("apiVersion", "autoscaling/v1");
  out.set("metadata", copied_metadata(whole));
  out.set("spec", std::move(spec));
  out.set("status", std::move(status));
  return out;
}

Result<int32_t> replicas_of(const Value& scale) {
  const Value* replicas = at(scale, {"spec", "replicas"});
  if (!replicas || replicas->is_null()) return 0;
  if (!replicas->is_int() || replicas->as_int() < 0 || replicas->as_int() > std::numeric_limits<int32_t>::max()) {
    return error(ErrorCode::kInvalid, "spec.replicas: Invalid value: must be greater than or equal to 0");
  }
  return static_cast<int32_t>(replicas->as_int());
}

}  // namespace mainstay::api
