#include "schema/merge_rules.h"

#include <algorithm>
#include <optional>
#include <string>

#include "schema/base/crypto.h"
#include "schema/base/time.h"
#include "schema/quantity.h"

namespace mainstay {
namespace {

// Structs and maps that Kubernetes marks as atomic: half of one selector and half of another is no selector.
constexpr std::string_view kAtomicTypes[] = {
    "LabelSelector",        "NodeSelector",        "NodeSelectorTerm",          "ObjectReference",
    "LocalObjectReference", "SecretKeySelector",   "ConfigMapKeySelector",      "ObjectFieldSelector",
    "ResourceFieldSelector", "SecretReference",    "TypedLocalObjectReference", "TopologySelectorTerm",
    "ScopeSelector",
};
struct AtomicMap {
  std::string_view type, field;
};
constexpr AtomicMap kAtomicMaps[] = {
    {"ServiceSpec", "selector"}, {"PodSpec", "nodeSelector"}, {"ReplicationControllerSpec", "selector"},
    {"Scheduling", "nodeSelector"}};

constexpr std::string_view kProbeMembers[] = {"exec", "httpGet", "tcpSocket", "grpc"};
constexpr std::string_view kHookMembers[] = {"exec", "httpGet", "tcpSocket", "sleep"};
constexpr std::string_view kEnvMembers[] = {"value", "valueFrom"};
constexpr std::string_view kEnvSourceMembers[] = {"fieldRef", "resourceFieldRef", "configMapKeyRef",
                                                  "secretKeyRef"};
struct Union {
  std::string_view type;
  std::span<const std::string_view> members;
};
constexpr Union kUnions[] = {{"Probe", kProbeMembers},
                             {"LifecycleHandler", kHookMembers},
                             {"EnvVar", kEnvMembers},
                             {"EnvVarSource", kEnvSourceMembers}};

std::string scalar_text(const Value& value) {
  if (value.is_string()) return value.as_string();
  return value.is_int() ? std::to_string(value.as_int()) : std::string();
}

bool same_quantity(const Value& a, const Value& b) {
  std::optional<Quantity> left = Quantity::parse(scalar_text(a)), right = Quantity::parse(scalar_text(b));
  return left && right ? *left == *right : a == b;
}

bool same_time(const Value& a, const Value& b) {
  if (!a.is_string() || !b.is_string()) return a == b;
  std::optional<WallTime> left = parse_rfc3339(a.as_string()), right = parse_rfc3339(b.as_string());
  return left && right ? left->seconds() == right->seconds() : a == b;
}

std::string without_breaks(std::string text) {
  std::erase_if(text, [](char c) { return c == '\n' || c == '\r'; });
  return text;
}

// True if a zero value of this field is not the same as none: it is optional, or kept as it was written.
bool keeps_zero(const FieldDesc& field) {
  return field.is_carried() || (field.card == Card::kOne && field.access != nullptr);
}

bool same_one(const TypeDesc& type, const Value& a, const Value& b);

bool same_struct(const TypeDesc& type, const Value& a, const Value& b) {
  static const Value kNull;
  auto all_in = [&](const Value& from, const Value& other) {
    return std::all_of(from.as_map().begin(), from.as_map().end(), [&](const Member& member) {
      const Value* value = other.find(member.name);
      const FieldDesc* field = type.find(member.name);
      if (field == nullptr) return value != nullptr && *value == member.value;
      return same_meaning(*field, member.value, value != nullptr ? *value : kNull);
    });
  };
  return all_in(a, b) && all_in(b, a);
}

bool same_one(const TypeDesc& type, const Value& a, const Value& b) {
  switch (type.shape) {
    case Shape::kQuantity: return same_quantity(a, b);
    case Shape::kTime:
    case Shape::kMicroTime: return same_time(a, b);
    case Shape::kBytes:
      return a.is_string() && b.is_string() ? without_breaks(a.as_string()) == without_breaks(b.as_string())
                                            : a == b;
    case Shape::kStruct: return a.is_map() && b.is_map() ? same_struct(type, a, b) : a == b;
    default: return a == b;
  }
}

}  // namespace

MergeRule merge_rule(const TypeDesc& owner, const FieldDesc& field) {
  bool is_struct = field.type->shape == Shape::kStruct;
  switch (field.card) {
    case Card::kOne: {
      bool atomic = std::find(std::begin(kAtomicTypes), std::end(kAtomicTypes), field.type->name) !=
                    std::end(kAtomicTypes);
      return is_struct && !atomic ? MergeRule::kStruct : MergeRule::kAtomic;
    }
    case Card::kMap: {
      bool atomic = std::any_of(std::begin(kAtomicMaps), std::end(kAtomicMaps), [&](const AtomicMap& row) {
        return row.type == owner.name && row.field == field.name;
      });
      return atomic ? MergeRule::kAtomic : MergeRule::kMap;
    }
    case Card::kList:
      if (is_struct && !field.map_keys.empty()) return MergeRule::kKeyed;
      return field.has(kMergePrimitives) ? MergeRule::kSet : MergeRule::kAtomic;
  }
  return MergeRule::kAtomic;
}

std::span<const std::string_view> union_of(const TypeDesc& type, std::string_view member) {
  for (const Union& row : kUnions) {
    if (row.type == type.name &&
        std::find(row.members.begin(), row.members.end(), member) != row.members.end()) {
      return row.members;
    }
  }
  return {};
}

bool same_meaning(const FieldDesc& field, const Value& a, const Value& b) {
  if (a.is_null() || b.is_null()) {
    const Value& other = a.is_null() ? b : a;
    return other.is_null() || (!keeps_zero(field) && is_empty_value(other));
  }
  if (field.card == Card::kOne) return same_one(*field.type, a, b);
  if (a.is_list() && b.is_list()) {
    return a.as_list().size() == b.as_list().size() &&
           std::equal(a.as_list().begin(), a.as_list().end(), b.as_list().begin(),
                      [&](const Value& x, const Value& y) { return same_one(*field.type, x, y); });
  }
  if (!a.is_map() || !b.is_map() || a.as_map().size() != b.as_map().size()) return a == b;
  return std::all_of(a.as_map().begin(), a.as_map().end(), [&](const Member& member) {
    const Value* other = b.find(member.name);
    return other != nullptr && same_one(*field.type, member.value, *other);
  });
}

bool is_empty_value(const Value& value) {
  switch (value.kind()) {
    case Value::Kind::kNull: return true;
    case Value::Kind::kBool: return !value.as_bool();
    case Value::Kind::kInt: return value.as_int() == 0;
    case Value::Kind::kDouble: return value.as_double() == 0;
    case Value::Kind::kString: return value.as_string().empty();
    case Value::Kind::kList: return value.as_list().empty();
    case Value::Kind::kMap:
      return std::all_of(value.as_map().begin(), value.as_map().end(),
                         [](const Member& member) { return is_empty_value(member.value); });
  }
  return false;
}

}  // namespace mainstay
