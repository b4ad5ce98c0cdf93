// Apply and drift of whole objects: which parts of a document take part, and what becomes of the rest.
#include <algorithm>
#include <string>
#include <utility>

#include "schema/apply.h"
#include "schema/base/crypto.h"
#include "schema/compare.h"
#include "schema/decode.h"
#include "schema/defaults.h"
#include "schema/diagnostics.h"
#include "schema/keyed_list.h"
#include "schema/merge_rules.h"

namespace mainstay {
namespace {

constexpr std::string_view kOwnMetadata[] = {"labels", "annotations", "ownerReferences", "finalizers"};

bool is_own_metadata(std::string_view name) {
  return std::find(std::begin(kOwnMetadata), std::end(kOwnMetadata), name) != std::end(kOwnMetadata);
}

// True if a manager may declare this member of a document's body. A Namespace's spec holds nothing but the
// finalizers of its controller.
bool is_own_body(const KindInfo& info, std::string_view name) {
  if (name == "apiVersion" || name == "kind" || name == "metadata") return false;
  if (info.id == Kind::kNamespace && name == "spec") return false;
  const FieldDesc* field = info.type->find(name);
  return field == nullptr || !field->has(kStatus);
}

Value own_metadata(const Value& document) {
  Value out = Value::map();
  const Value* metadata = document.find("metadata");
  if (metadata == nullptr || !metadata->is_map()) return out;
  for (const Member& member : metadata->as_map()) {
    if (is_own_metadata(member.name)) out.as_map().push_back(member);
  }
  return out;
}

// A Secret's stringData is only a way to write data.
void fold_string_data(Value& body) {
  const Value* strings = body.find("stringData");
  if (strings == nullptr || !strings->is_map()) return;
  Value data = body.find("data") != nullptr ? *body.find("data") : Value::map();
  for (const Member& member : strings->as_map()) {
    if (member.value.is_string()) data.set(member.name, base64(member.value.as_string()));
  }
  body.set("data", std::move(data));
  body.erase("stringData");
}

Value own_body(const Value& document, const KindInfo& info) {
  Value out = Value::map();
  if (!document.is_map()) return out;
  for (const Member& member : document.as_map()) {
    if (is_own_body(info, member.name)) out.as_map().push_back(member);
  }
  if (info.id == Kind::kSecret) fold_string_data(out);
  return out;
}

// Collects the differences of one walk.
class DriftWalk {
 public:
  void compare(const Value& declared, const Value* live, const TypeDesc& type, const std::string& path) {
    if (!declared.is_map()) return;
    for (const Member& member : declared.as_map()) {
      if (member.value.is_null()) continue;
      const Value* other = live != nullptr ? live->find(member.name) : nullptr;
      if (other != nullptr && other->is_null()) other = nullptr;
      std::string here = path.empty() ? member.name : path + "." + member.name;
      const FieldDesc* field = type.find(member.name);
      if (field == nullptr) {
        if (other == nullptr || !(*other == member.value)) add(here, member.value, other, false);
      } else {
        compare_field(member.value, other, type, *field, here);
      }
    }
  }

  std::vector<Drift> take() { return std::move(found_); }

 private:
  void add(std::string path, const Value& declared, const Value* live, bool secret) {
    found_.push_back({std::move(path), declared, live != nullptr ? *live : Value(), secret});
  }

  void compare_field(const Value& declared, const Value* live, const TypeDesc& owner, const FieldDesc& field,
                     const std::string& path) {
    bool secret = field.has(kSecret);
    switch (merge_rule(owner, field)) {
      case MergeRule::kStruct:
        if (live == nullptr && (!declared.is_map() || is_bare(declared))) {
          return add(path, declared, live, secret);
        }
        return compare(declared, live, *field.type, path);
      case MergeRule::kMap: return compare_map(declared, live, field, path);
      case MergeRule::kSet:
        if (!declared.is_list()) return;
        for (const Value& element : declared.as_list()) {
          bool held = live != nullptr && live->is_list() &&
                      std::count(live->as_list().begin(), live->as_list().end(), element) > 0;
          if (!held) add(path, element, nullptr, secret);
        }
        return;
      case MergeRule::kKeyed: return compare_keyed(declared, live, field, path);
      case MergeRule::kAtomic:
        if (!same_meaning(field, declared, live != nullptr ? *live : Value())) {
          add(path, declared, live, secret);
        }
        return;
    }
  }

  // No member says anything, so that only its being there counts.
  static bool is_bare(const Value& declared) {
    return std::all_of(declared.as_map().begin(), declared.as_map().end(),
                       [](const Member& member) { return member.value.is_null(); });
  }

  void compare_map(const Value& declared, const Value* live, const FieldDesc& field,
                   const std::string& path) {
    if (!declared.is_map()) return;
    FieldDesc one = field;
    one.card = Card::kOne;
    for (const Member& member : declared.as_map()) {
      const Value* other = live != nullptr ? live->find(member.name) : nullptr;
      if (other == nullptr || !same_meaning(one, member.value, *other)) {
        add(path + "[" + member.name + "]", member.value, other, field.has(kSecret));
      }
    }
  }

  void compare_keyed(const Value& declared, const Value* live, const FieldDesc& field,
                     const std::string& path) {
    if (!declared.is_list()) return;
    std::optional<std::vector<std::string>> keys = element_keys(declared.as_list(), field.map_keys);
    bool listed = live != nullptr && live->is_list();
    if (!keys) {
      if (!listed || !same_meaning(field, declared, *live)) add(path, declared, live, field.has(kSecret));
      return;
    }
    for (size_t i = 0; i < keys->size(); ++i) {
      const Value* other = listed ? find_element(live->as_list(), field.map_keys, (*keys)[i]) : nullptr;
      std::string here = path + "[" + readable((*keys)[i]) + "]";
      if (other == nullptr) {
        add(here, declared.as_list()[i], nullptr, field.has(kSecret));
      } else {
        compare(declared.as_list()[i], other, *field.type, here);
      }
    }
  }

  // {"containerPort":80,"protocol":"TCP"} -> containerPort=80,protocol=TCP
  static std::string readable(std::string_view key) {
    std::string out;
    for (char c : key.substr(1, key.size() - 2)) {
      if (c == '"') continue;
      out += c == ':' ? '=' : c;
    }
    return out;
  }

  std::vector<Drift> found_;
};

void add_changes(std::vector<Drift>& out, std::string_view prefix, std::vector<FieldChange> changes) {
  for (FieldChange& change : changes) {
    out.push_back({std::string(prefix) + change.path, std::move(change.after), std::move(change.before),
                   (change.flags & kSecret) != 0});
  }
}

}  // namespace

Value field_set(const Value& declared, const KindInfo& kind) {
  Value out = Value::map();
  Value metadata = field_set(own_metadata(declared), ObjectMeta::kType);
  if (!metadata.as_map().empty()) out.set("f:metadata", std::move(metadata));
  Value body = field_set(own_body(declared, kind), *kind.type);
  for (Member& member : body.as_map()) out.as_map().push_back(std::move(member));
  return out;
}

Result<Object> apply_object(const Object& live, const Value* last, const Value& declared) {
  const KindInfo& info = live.info();
  Value document = to_value(live);
  const Value* live_metadata = document.find("metadata");
  Value last_metadata = last != nullptr ? own_metadata(*last) : Value();
  Value metadata = apply(live_metadata != nullptr ? *live_metadata : Value::map(), &last_metadata,
                         own_metadata(declared), ObjectMeta::kType);
  metadata.erase("resourceVersion");
  Value last_body = last != nullptr ? own_body(*last, info) : Value();
  Value merged = apply(document, &last_body, own_body(declared, info), *info.type);
  merged.set("metadata", std::move(metadata));

  Diagnostics diagnostics;
  std::optional<Object> object = decode_object(merged, DecodeOptions{}, diagnostics);
  if (!object || diagnostics.has_errors()) {
    return error(ErrorCode::kInvalid, "applying " + live.key().text() + ": " + diagnostics.render());
  }
  object->version = live.version;
  keep_assigned(live, *object);
  apply_defaults(*object);
  return std::move(*object);
}

std::vector<Drift> drift(const Value& declared, const Value& live, const TypeDesc& type) {
  DriftWalk walk;
  walk.compare(declared, &live, type, "");
  return walk.take();
}

Result<std::vector<Drift>> drift_object(const Object& live, const Value& declared) {
  ASSIGN_OR_RETURN(Object next, apply_object(live, nullptr, declared));
  std::vector<Drift> out;
  if (same_content(live, next)) return out;
  Value before = to_value(live), after = to_value(next);
  const KindInfo& info = live.info();
  add_changes(out, "metadata.", diff_paths(ObjectMeta::kType, own_metadata(before), own_metadata(after)));
  add_changes(out, "", diff_paths(*info.type, own_body(before, info), own_body(after, info)));
  return out;
}

}  // namespace mainstay
