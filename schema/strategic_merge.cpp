// Strategic merge patch. Source of the rules: apimachinery strategicpatch.
#include <algorithm>
#include <string>
#include <utility>

#include "schema/diagnostics.h"
#include "schema/json.h"
#include "schema/kinds/meta.h"
#include "schema/patch.h"

namespace mainstay {
namespace {

constexpr std::string_view kDirective = "$patch", kRetain = "$retainKeys";
constexpr std::string_view kOrder = "$setElementOrder/", kDeletePrimitives = "$deleteFromPrimitiveList/";

Error invalid(const Path& path, std::string_view why) {
  std::string where = path.text();
  return error(ErrorCode::kInvalid, where.empty() ? std::string(why) : where + ": " + std::string(why));
}

bool is_directive(std::string_view name) {
  return name == kDirective || name == kRetain || name.starts_with(kOrder) ||
         name.starts_with(kDeletePrimitives);
}

bool contains(const ValueList& list, const Value& value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

// What stands around a field: its descriptor and, from the same patch, its list's order and deletions.
struct ListContext {
  const FieldDesc* field;
  const Value* order = nullptr;
  const Value* deletions = nullptr;
};

Result<Value> merge_map(const Value& target, const Value& patch, const TypeDesc* type, const Path& path);

const Value* keyed(const ValueList& list, std::string_view key, const Value& value) {
  for (const Value& element : list) {
    const Value* candidate = element.find(key);
    if (candidate != nullptr && *candidate == value) return &element;
  }
  return nullptr;
}

// Elements named by `order` come in its order, the others stay where they are among them.
template <typename Position>
Value in_order(Value list, size_t order_size, const Position& position) {
  std::vector<std::pair<size_t, size_t>> named;  // position in order, index in list
  for (size_t i = 0; i < list.as_list().size(); ++i) {
    size_t at = position(list.as_list()[i]);
    if (at < order_size) named.emplace_back(at, i);
  }
  std::vector<size_t> slots;
  for (const auto& entry : named) slots.push_back(entry.second);
  std::stable_sort(named.begin(), named.end());
  Value out = list;
  for (size_t i = 0; i < slots.size(); ++i) out.as_list()[slots[i]] = list.as_list()[named[i].second];
  return out;
}

Value ordered(Value list, const ListContext& context) {
  if (context.order == nullptr || !context.order->is_list()) return list;
  const ValueList& order = context.order->as_list();
  std::string_view key = context.field->merge_key;
  return in_order(std::move(list), order.size(), [&](const Value& element) {
    for (size_t i = 0; i < order.size(); ++i) {
      if (key.empty()) {
        if (order[i] == element) return i;
        continue;
      }
      const Value* wanted = order[i].find(key);
      const Value* given = element.find(key);
      if (wanted != nullptr && given != nullptr && *wanted == *given) return i;
    }
    return order.size();
  });
}

// A list of structs with a merge key.
Result<Value> merge_keyed(const Value* target, const Value& patch, const ListContext& context,
                          const Path& path) {
  std::string_view key = context.field->merge_key;
  Value out = target != nullptr && target->is_list() ? *target : Value::list();
  for (const Value& element : patch.as_list()) {
    if (element.string_at(kDirective) == "replace") out = Value::list();
  }
  for (size_t i = 0; i < patch.as_list().size(); ++i) {
    const Value& element = patch.as_list()[i];
    const Path here = path.index(i);
    if (!element.is_map()) return invalid(here, "expected a map");
    std::string_view directive = element.string_at(kDirective);
    const Value* value = element.find(key);
    if (directive == "replace" && value == nullptr) continue;  // only the marker
    if (value == nullptr) {
      return invalid(here,
                     "the element lacks the merge key " + quoted(key) + ", so it is not clear which is meant");
    }
    ValueList& list = out.as_list();
    if (directive == "delete") {
      std::erase_if(list, [&](const Value& other) { return other.find(key) && *other.find(key) == *value; });
      continue;
    }
    auto* existing = const_cast<Value*>(keyed(list, key, *value));
    Value plain = element;
    if (directive == "replace") plain.erase(kDirective);
    ASSIGN_OR_RETURN(Value merged, merge_map(existing != nullptr ? *existing : Value::map(), plain,
                                             context.field->type, here));
    if (existing != nullptr) {
      *existing = std::move(merged);
    } else {
      list.push_back(std::move(merged));
    }
  }
  return ordered(std::move(out), context);
}

// A list of scalars that merges as a set.
Value merge_primitives(const Value* target, const Value& patch, const ListContext& context) {
  Value out = target != nullptr && target->is_list() ? *target : Value::list();
  if (context.deletions != nullptr && context.deletions->is_list()) {
    std::erase_if(out.as_list(),
                  [&](const Value& value) { return contains(context.deletions->as_list(), value); });
  }
  for (const Value& value : patch.as_list()) {
    if (!contains(out.as_list(), value)) out.push(value);
  }
  return ordered(std::move(out), context);
}

Result<Value> merge_list(const Value* target, const Value& patch, const ListContext& context,
                         const Path& path) {
  const FieldDesc* field = context.field;
  if (field != nullptr && field->type->shape == Shape::kStruct && !field->merge_key.empty()) {
    return merge_keyed(target, patch, context, path);
  }
  if (field != nullptr && field->has(kMergePrimitives)) return merge_primitives(target, patch, context);
  return patch;
}

Result<Value> merge_member(const Value* target, const Value& patch, const ListContext& context,
                           const Path& path) {
  if (patch.is_list()) return merge_list(target, patch, context, path);
  if (!patch.is_map()) return patch;
  const FieldDesc* field = context.field;
  bool is_struct = field != nullptr && field->card == Card::kOne && field->type->shape == Shape::kStruct;
  return merge_map(target != nullptr ? *target : Value::map(), patch, is_struct ? field->type : nullptr,
                   path);
}

Status retain_keys(Value& out, const Value& patch, const Path& path) {
  const Value* retain = patch.find(kRetain);
  if (retain == nullptr) return {};
  if (!retain->is_list()) return invalid(path.field(kRetain), "expected a list of names");
  const ValueList& names = retain->as_list();
  for (const Member& member : patch.as_map()) {
    if (is_directive(member.name) || member.value.is_null()) continue;
    if (!contains(names, Value(member.name))) {
      return invalid(path.field(member.name), "the patch sets a field that its $retainKeys does not name");
    }
  }
  std::erase_if(out.as_map(), [&](const Member& member) { return !contains(names, Value(member.name)); });
  return {};
}

ListContext context_of(const TypeDesc* type, const Value& patch, std::string_view name) {
  ListContext out{type != nullptr ? type->find(name) : nullptr};
  out.order = patch.find(std::string(kOrder) + std::string(name));
  out.deletions = patch.find(std::string(kDeletePrimitives) + std::string(name));
  return out;
}

// Order and deletion directives for lists that the patch does not touch otherwise.
Result<Value> merge_untouched(Value out, const Value& patch, const TypeDesc* type, const Path& path) {
  for (const Member& member : patch.as_map()) {
    for (std::string_view prefix : {kOrder, kDeletePrimitives}) {
      if (!std::string_view(member.name).starts_with(prefix)) continue;
      std::string_view name = std::string_view(member.name).substr(prefix.size());
      if (!member.value.is_list()) return invalid(path.field(member.name), "expected a list");
      Value* list = out.find(name);
      if (patch.find(name) != nullptr || list == nullptr || !list->is_list()) continue;
      ListContext context = context_of(type, patch, name);
      if (context.field == nullptr) continue;
      if (prefix == kDeletePrimitives && !context.field->has(kMergePrimitives)) continue;
      *list = prefix == kDeletePrimitives ? merge_primitives(list, Value::list(), context)
                                          : ordered(std::move(*list), context);
    }
  }
  return out;
}

Result<Value> merge_map(const Value& target, const Value& patch, const TypeDesc* type, const Path& path) {
  Value out = target.is_map() ? target : Value::map();
  if (patch.find(kDirective) != nullptr) {
    std::string_view word = patch.string_at(kDirective);
    if (word == "delete") return Value::map();
    if (word == "replace") out = Value::map();
    if (word != "replace" && word != "merge") {
      return invalid(path.field(kDirective), "expected \"replace\", \"merge\" or \"delete\"");
    }
  }
  RETURN_IF_ERROR(retain_keys(out, patch, path));
  for (const Member& member : patch.as_map()) {
    if (is_directive(member.name)) continue;
    if (member.value.is_null()) {
      out.erase(member.name);
      continue;
    }
    ASSIGN_OR_RETURN(Value merged, merge_member(out.find(member.name), member.value,
                                                context_of(type, patch, member.name),
                                                path.field(member.name)));
    out.set(member.name, std::move(merged));
  }
  return merge_untouched(std::move(out), patch, type, path);
}

}  // namespace

Result<Value> strategic_merge_patch(const Value& target, const Value& patch, const TypeDesc& type) {
  if (!patch.is_map()) return error(ErrorCode::kInvalid, "the patch must be a JSON object");
  return merge_map(target, patch, &type, Path());
}

Result<Value> strategic_merge_patch(const Value& target, const Value& patch, const KindInfo& kind) {
  if (!patch.is_map()) return error(ErrorCode::kInvalid, "the patch must be a JSON object");
  Value body = patch;
  body.erase("metadata");
  ASSIGN_OR_RETURN(Value out, strategic_merge_patch(target, body, *kind.type));
  const Value* metadata = patch.find("metadata");
  if (metadata == nullptr || !metadata->is_map()) return out;
  const Value* before = out.find("metadata");
  ASSIGN_OR_RETURN(Value merged, merge_map(before != nullptr ? *before : Value::map(), *metadata,
                                           &ObjectMeta::kType, Path("metadata")));
  out.set("metadata", std::move(merged));
  return out;
}

}  // namespace mainstay
