#include "schema/value.h"

#include <cstddef>

namespace mainstay {

Value::Value(ValueList list) : data_(std::move(list)) {}
Value::Value(ValueMap map) : data_(std::move(map)) {}

const Value* Value::find(std::string_view name) const {
  if (!is_map()) return nullptr;
  for (const Member& member : as_map()) {
    if (member.name == name) return &member.value;
  }
  return nullptr;
}

Value* Value::find(std::string_view name) {
  return const_cast<Value*>(static_cast<const Value*>(this)->find(name));
}

const Value* Value::find_path(std::initializer_list<std::string_view> names) const {
  const Value* at = this;
  for (std::string_view name : names) {
    at = at->find(name);
    if (at == nullptr) return nullptr;
  }
  return at;
}

std::string_view Value::string_at(std::string_view name) const {
  const Value* found = find(name);
  return found != nullptr && found->is_string() ? std::string_view(found->as_string()) : std::string_view();
}

Value& Value::at(std::string_view name) {
  if (is_null()) data_ = ValueMap{};
  if (Value* found = find(name)) return *found;
  as_map().push_back({std::string(name), Value(), {}});
  return as_map().back().value;
}

Value& Value::set(std::string_view name, Value value) {
  Value& slot = at(name);
  slot = std::move(value);
  return slot;
}

bool Value::erase(std::string_view name) {
  if (!is_map()) return false;
  ValueMap& members = as_map();
  for (size_t i = 0; i < members.size(); ++i) {
    if (members[i].name == name) {
      members.erase(members.begin() + static_cast<ptrdiff_t>(i));
      return true;
    }
  }
  return false;
}

void Value::push(Value value) {
  if (is_null()) data_ = ValueList{};
  as_list().push_back(std::move(value));
}

bool operator==(const Value& a, const Value& b) {
  if (a.is_number() && b.is_number()) {
    return a.is_int() && b.is_int() ? a.as_int() == b.as_int() : a.as_double() == b.as_double();
  }
  if (a.kind() != b.kind()) return false;
  switch (a.kind()) {
    case Value::Kind::kNull: return true;
    case Value::Kind::kBool: return a.as_bool() == b.as_bool();
    case Value::Kind::kString: return a.as_string() == b.as_string();
    case Value::Kind::kList: return a.as_list() == b.as_list();
    case Value::Kind::kMap: {
      if (a.as_map().size() != b.as_map().size()) return false;
      for (const Member& member : a.as_map()) {
        const Value* other = b.find(member.name);
        if (other == nullptr || !(member.value == *other)) return false;
      }
      return true;
    }
    default: return false;
  }
}

std::string_view value_kind_name(Value::Kind kind) {
  switch (kind) {
    case Value::Kind::kNull: return "null";
    case Value::Kind::kBool: return "boolean";
    case Value::Kind::kInt: return "integer";
    case Value::Kind::kDouble: return "number";
    case Value::Kind::kString: return "string";
    case Value::Kind::kList: return "list";
    case Value::Kind::kMap: return "map";
  }
  return "value";
}

}  // namespace mainstay
