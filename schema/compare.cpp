#include "schema/compare.h"

#include <algorithm>
#include <utility>

#include "schema/base/ensure.h"
#include "schema/encode.h"

namespace mainstay {
namespace {

template <typename T>
bool same(const void* a, const void* b) {
  return *static_cast<const T*>(a) == *static_cast<const T*>(b);
}

bool equal_one(const TypeDesc& type, const void* a, const void* b) {
  switch (type.shape) {
    case Shape::kBool: return same<bool>(a, b);
    case Shape::kInt32: return same<int32_t>(a, b);
    case Shape::kInt64: return same<int64_t>(a, b);
    case Shape::kString:
    case Shape::kBytes: return same<std::string>(a, b);
    case Shape::kQuantity: return same<Quantity>(a, b);
    case Shape::kIntOrString: return same<IntOrString>(a, b);
    case Shape::kTime:
    case Shape::kMicroTime: return same<WallTime>(a, b);
    case Shape::kRaw: return same<Value>(a, b);
    case Shape::kStruct: return equal(type, a, b);
    case Shape::kStringList: break;
  }
  ENSURE(false, "a list of strings as one value has no storage of its own");
  return false;
}

bool equal_field(const FieldDesc& field, const char* a, const char* b) {
  if (field.access == nullptr) return equal_one(*field.type, a, b);
  size_t count = field.access->count(a);
  if (count != field.access->count(b)) return false;
  for (size_t i = 0; i < count; ++i) {
    if (field.card == Card::kMap && field.access->key(a, i) != field.access->key(b, i)) return false;
    if (!equal_one(*field.type, field.access->get(a, i), field.access->get(b, i))) return false;
  }
  return true;
}

bool equal_carried(const char* a, const char* b) {
  const auto& left = *reinterpret_cast<const Box<Value>*>(a);
  const auto& right = *reinterpret_cast<const Box<Value>*>(b);
  auto is_empty = [](const Box<Value>& box) {
    return !box || box->is_null() || (box->is_map() && box->as_map().empty());
  };
  if (is_empty(left) || is_empty(right)) return is_empty(left) == is_empty(right);
  return *left == *right;
}

std::string joined(const std::string& path, std::string_view name) {
  return path.empty() ? std::string(name) : path + "." + std::string(name);
}

// The text of one key of a list's element: `name=web`, or nothing if the element lacks it.
std::string key_text(const Value& item, std::string_view key) {
  const Value* value = item.find(key);
  if (value == nullptr) return {};
  std::string text = value->is_string() ? value->as_string()
                     : value->is_int()  ? std::to_string(value->as_int())
                                        : "";
  return std::string(key) + "=" + text;
}

// "[containerPort=80,protocol=TCP]" for the element of a keyed list.
std::string element_name(const Value& item, std::string_view keys) {
  std::string out = "[";
  while (!keys.empty()) {
    size_t comma = std::min(keys.find(','), keys.size());
    std::string part = key_text(item, keys.substr(0, comma));
    if (!part.empty()) out += (out.size() > 1 ? "," : "") + part;
    keys.remove_prefix(std::min(comma + 1, keys.size()));
  }
  return out + "]";
}

class Differ {
 public:
  void structs(const TypeDesc& type, const Value* before, const Value* after, const std::string& path,
               uint16_t flags);
  std::vector<FieldChange> take() && { return std::move(changes_); }

 private:
  void fields(const FieldDesc& field, const Value* before, const Value* after, const std::string& path,
              uint16_t flags);
  void keyed(const FieldDesc& field, const Value& before, const Value& after, const std::string& path,
             uint16_t flags);
  void one(const TypeDesc& type, const Value* before, const Value* after, const std::string& path,
           uint16_t flags);

  std::vector<FieldChange> changes_;
};

void Differ::structs(const TypeDesc& type, const Value* before, const Value* after, const std::string& path,
                     uint16_t flags) {
  for (const FieldDesc& field : type.fields) {
    const Value* left = before != nullptr ? before->find(field.name) : nullptr;
    const Value* right = after != nullptr ? after->find(field.name) : nullptr;
    if (left == nullptr && right == nullptr) continue;
    fields(field, left, right, joined(path, field.name), static_cast<uint16_t>(flags | field.flags));
  }
}

void Differ::one(const TypeDesc& type, const Value* before, const Value* after, const std::string& path,
                 uint16_t flags) {
  if (before != nullptr && after != nullptr) {
    if (*before == *after) return;
    if (type.shape == Shape::kStruct && before->is_map() && after->is_map()) {
      structs(type, before, after, path, flags);
      return;
    }
  }
  changes_.push_back(
      {path, before != nullptr ? *before : Value(), after != nullptr ? *after : Value(), flags});
}

void Differ::fields(const FieldDesc& field, const Value* before, const Value* after, const std::string& path,
                    uint16_t flags) {
  const TypeDesc& type = *field.type;
  if (field.card == Card::kOne || before == nullptr || after == nullptr) {
    one(type, before, after, path, flags);
    return;
  }
  if (*before == *after) return;
  if (field.card == Card::kMap && before->is_map() && after->is_map()) {
    for (const Member& member : before->as_map()) {
      one(type, &member.value, after->find(member.name), path + "[" + member.name + "]", flags);
    }
    for (const Member& member : after->as_map()) {
      if (before->find(member.name) == nullptr) {
        one(type, nullptr, &member.value, path + "[" + member.name + "]", flags);
      }
    }
    return;
  }
  if (!before->is_list() || !after->is_list()) {
    one(type, before, after, path, flags);
    return;
  }
  if (!field.map_keys.empty() && type.shape == Shape::kStruct) {
    keyed(field, *before, *after, path, flags);
    return;
  }
  size_t count = std::max(before->as_list().size(), after->as_list().size());
  for (size_t i = 0; i < count; ++i) {
    const Value* left = i < before->as_list().size() ? &before->as_list()[i] : nullptr;
    const Value* right = i < after->as_list().size() ? &after->as_list()[i] : nullptr;
    one(type, left, right, path + "[" + std::to_string(i) + "]", flags);
  }
}

void Differ::keyed(const FieldDesc& field, const Value& before, const Value& after, const std::string& path,
                   uint16_t flags) {
  using Named = std::pair<std::string, const Value*>;
  auto named = [&](const Value& list) {
    std::vector<Named> out;
    for (const Value& item : list.as_list()) {
      std::string name = element_name(item, field.map_keys);
      // A key that stands twice (which validation will refuse) still gets a name of its own.
      auto taken = [&](const Named& other) { return other.first == name; };
      while (std::any_of(out.begin(), out.end(), taken)) name += "'";
      out.emplace_back(std::move(name), &item);
    }
    return out;
  };
  std::vector<Named> left = named(before), right = named(after);
  auto find = [](const std::vector<Named>& all, const std::string& name) -> const Value* {
    for (const Named& item : all) {
      if (item.first == name) return item.second;
    }
    return nullptr;
  };
  for (const auto& [name, item] : left) one(*field.type, item, find(right, name), path + name, flags);
  for (const auto& [name, item] : right) {
    if (find(left, name) == nullptr) one(*field.type, nullptr, item, path + name, flags);
  }
}

}  // namespace

bool equal(const TypeDesc& type, const void* a, const void* b) { return equal_but(0, type, a, b); }

bool equal_but(uint16_t flags, const TypeDesc& type, const void* a, const void* b) {
  ENSURE(type.shape == Shape::kStruct && type.size > 0, "equal() compares structs with storage");
  const char* left = static_cast<const char*>(a);
  const char* right = static_cast<const char*>(b);
  for (const FieldDesc& field : type.fields) {
    if (field.is_carried() || (field.flags & flags) != 0) continue;
    if (!equal_field(field, left + field.offset, right + field.offset)) return false;
  }
  return type.carried_offset < 0 || equal_carried(left + type.carried_offset, right + type.carried_offset);
}

std::vector<FieldChange> diff_paths(const TypeDesc& type, const Value& before, const Value& after) {
  Differ differ;
  differ.structs(type, &before, &after, {}, 0);
  return std::move(differ).take();
}

std::vector<FieldChange> diff_paths(const TypeDesc& type, const void* before, const void* after) {
  return diff_paths(type, to_value(type, before), to_value(type, after));
}

}  // namespace mainstay
