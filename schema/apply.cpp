#include "schema/apply.h"

#include <algorithm>
#include <array>
#include <utility>

#include "schema/json.h"
#include "schema/keyed_list.h"
#include "schema/merge_rules.h"

namespace mainstay {
namespace {

const Value kAbsent;  // null

bool is_declared(const Value* value) { return value != nullptr && !value->is_null(); }

bool contains(const ValueList& list, const Value& value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

// What of `live` was not in `last` and is worth keeping when `last` goes: entries of maps and elements of
// lists that others added. Null if nothing.
Value survivors(const Value& live, const Value& last, const TypeDesc& owner, const FieldDesc& field) {
  Value out;
  switch (merge_rule(owner, field)) {
    case MergeRule::kAtomic: return out;
    case MergeRule::kStruct:
      if (!live.is_map()) return out;
      for (const Member& member : live.as_map()) {
        const FieldDesc* inner = field.type->find(member.name);
        if (inner == nullptr) continue;
        const Value* before = last.find(member.name);
        Value kept = survivors(member.value, before != nullptr ? *before : kAbsent, *field.type, *inner);
        if (!kept.is_null()) out.set(member.name, std::move(kept));
      }
      return out;
    case MergeRule::kMap:
      if (!live.is_map()) return out;
      for (const Member& member : live.as_map()) {
        if (last.find(member.name) == nullptr) out.set(member.name, member.value);
      }
      return out;
    case MergeRule::kSet:
      if (!live.is_list()) return out;
      for (const Value& element : live.as_list()) {
        if (!last.is_list() || !contains(last.as_list(), element)) out.push(element);
      }
      return out;
    case MergeRule::kKeyed:
      if (!live.is_list()) return out;
      for (const Value& element : live.as_list()) {
        std::optional<std::string> key = element_key(element, field.map_keys);
        bool ours = key && last.is_list() && find_element(last.as_list(), field.map_keys, *key) != nullptr;
        if (!ours) out.push(element);
      }
      return out;
  }
  return out;
}

Value merge_field(const Value* live, const Value* last, const Value& declared, const TypeDesc& owner,
                  const FieldDesc& field);

Value merge_map(const Value* live, const Value* last, const Value& declared, const FieldDesc& field) {
  Value out = live != nullptr && live->is_map() ? *live : Value::map();
  if (last != nullptr && last->is_map()) {
    for (const Member& member : last->as_map()) {
      if (!is_declared(declared.find(member.name))) out.erase(member.name);
    }
  }
  for (const Member& member : declared.as_map()) {
    if (member.value.is_null()) continue;
    const Value* before = out.find(member.name);
    FieldDesc one = field;
    one.card = Card::kOne;
    if (before != nullptr && same_meaning(one, member.value, *before)) continue;
    out.set(member.name, member.value);
  }
  return out;
}

Value merge_set(const Value* live, const Value* last, const Value& declared) {
  Value out = Value::list();
  auto add = [&](const Value& element) {
    if (!contains(out.as_list(), element)) out.push(element);
  };
  if (live != nullptr && live->is_list()) {
    for (const Value& element : live->as_list()) {
      bool dropped = last != nullptr && last->is_list() && contains(last->as_list(), element) &&
                     !contains(declared.as_list(), element);
      if (!dropped) add(element);
    }
  }
  for (const Value& element : declared.as_list()) add(element);
  return out;
}

// Others' elements keep their place; ours stand in the order in which we declare them.
Value merge_keyed(const Value* live, const Value* last, const Value& declared, const FieldDesc& field) {
  std::optional<std::vector<std::string>> keys = element_keys(declared.as_list(), field.map_keys);
  std::optional<std::vector<std::string>> live_keys;
  if (live != nullptr && live->is_list()) live_keys = element_keys(live->as_list(), field.map_keys);
  if (!keys || !live_keys) return declared;  // cannot be told apart, or nothing to merge with

  Value out = Value::list();
  size_t next = 0;  // of ours
  auto emit_ours = [&] {
    const std::string& key = (*keys)[next];
    const Value* before = find_element(live->as_list(), field.map_keys, key);
    const Value* old = last != nullptr && last->is_list()
                           ? find_element(last->as_list(), field.map_keys, key) : nullptr;
    const Value& element = declared.as_list()[next++];
    Value merged = apply(before != nullptr ? *before : Value::map(), old, element, *field.type);
    if (field.has(kRetainKeys)) {
      std::erase_if(merged.as_map(),
                    [&](const Member& member) { return !is_declared(element.find(member.name)); });
    }
    out.push(std::move(merged));
  };
  for (size_t i = 0; i < live_keys->size(); ++i) {
    const std::string& key = (*live_keys)[i];
    auto ours = std::find(keys->begin(), keys->end(), key);
    if (ours != keys->end()) {
      size_t position = static_cast<size_t>(ours - keys->begin());
      while (next <= position) emit_ours();
    } else if (last == nullptr || !last->is_list() ||
               find_element(last->as_list(), field.map_keys, key) == nullptr) {
      out.push(live->as_list()[i]);
    }
  }
  while (next < keys->size()) emit_ours();
  return out;
}

Value merge_field(const Value* live, const Value* last, const Value& declared, const TypeDesc& owner,
                  const FieldDesc& field) {
  bool list = field.card == Card::kList;
  MergeRule rule = merge_rule(owner, field);
  bool shaped = rule == MergeRule::kAtomic || (list ? declared.is_list() : declared.is_map());
  if (!shaped) return declared;  // a wrong type; decoding will say so
  switch (rule) {
    case MergeRule::kStruct: {
      Value merged = apply(live != nullptr ? *live : Value::map(), last, declared, *field.type);
      if (field.has(kRetainKeys)) {
        std::erase_if(merged.as_map(),
                      [&](const Member& member) { return !is_declared(declared.find(member.name)); });
      }
      return merged;
    }
    case MergeRule::kMap: return merge_map(live, last, declared, field);
    case MergeRule::kSet: return merge_set(live, last, declared);
    case MergeRule::kKeyed: return merge_keyed(live, last, declared, field);
    case MergeRule::kAtomic: break;
  }
  return live != nullptr && !live->is_null() && same_meaning(field, declared, *live) ? *live : declared;
}

// ---- field_set ----

void mark_element(Value& out, const Value& element, const std::string& key, const FieldDesc& field) {
  Value inner = field_set(element, *field.type);
  inner.as_map().insert(inner.as_map().begin(), Member{".", Value::map(), {}});
  out.set("k:" + key, std::move(inner));
}

Value field_set_of(const Value& declared, const TypeDesc& owner, const FieldDesc& field) {
  Value out = Value::map();
  switch (merge_rule(owner, field)) {
    case MergeRule::kStruct: return declared.is_map() ? field_set(declared, *field.type) : out;
    case MergeRule::kMap:
      if (!declared.is_map()) return out;
      for (const Member& member : declared.as_map()) out.set("f:" + member.name, Value::map());
      return out;
    case MergeRule::kSet:
      if (!declared.is_list()) return out;
      for (const Value& element : declared.as_list()) out.set("v:" + to_json(element), Value::map());
      return out;
    case MergeRule::kKeyed: {
      if (!declared.is_list()) return out;
      std::optional<std::vector<std::string>> keys = element_keys(declared.as_list(), field.map_keys);
      if (!keys) return out;
      for (size_t i = 0; i < keys->size(); ++i) mark_element(out, declared.as_list()[i], (*keys)[i], field);
      return out;
    }
    case MergeRule::kAtomic: return out;
  }
  return out;
}

}  // namespace

Value field_set(const Value& declared, const TypeDesc& type) {
  Value out = Value::map();
  if (!declared.is_map()) return out;
  for (const Member& member : declared.as_map()) {
    if (member.value.is_null()) continue;
    const FieldDesc* field = type.find(member.name);
    out.set("f:" + member.name, field != nullptr ? field_set_of(member.value, type, *field) : Value::map());
  }
  return out;
}

Value apply(const Value& live, const Value* last, const Value& declared, const TypeDesc& type) {
  if (!declared.is_map()) return declared;
  Value out = live.is_map() ? live : Value::map();
  if (last != nullptr && last->is_map()) {
    for (const Member& member : last->as_map()) {
      const Value* now = out.find(member.name);
      if (member.value.is_null() || is_declared(declared.find(member.name)) || now == nullptr) continue;
      const FieldDesc* field = type.find(member.name);
      Value kept = field != nullptr ? survivors(*now, member.value, type, *field) : Value();
      if (kept.is_null()) {
        out.erase(member.name);
      } else {
        out.set(member.name, std::move(kept));
      }
    }
  }
  for (const Member& member : declared.as_map()) {
    if (member.value.is_null()) continue;
    for (std::string_view other : union_of(type, member.name)) {
      if (!is_declared(declared.find(other))) out.erase(other);
    }
    const FieldDesc* field = type.find(member.name);
    if (field == nullptr) {
      out.set(member.name, member.value);
      continue;
    }
    const Value* old = last != nullptr ? last->find(member.name) : nullptr;
    out.set(member.name, merge_field(out.find(member.name), old, member.value, type, *field));
  }
  return out;
}

}  // namespace mainstay
