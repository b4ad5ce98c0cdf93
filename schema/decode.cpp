#include "schema/decode.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "schema/base/crypto.h"
#include "schema/base/ensure.h"
#include "schema/base/time.h"
#include "schema/field_finder.h"
#include "schema/scalars.h"

namespace mainstay {
namespace {

Value string_value(std::string text, Mark mark) {
  Value out(std::move(text));
  out.set_mark(mark);
  return out;
}

// An element of a list or map that stands as null: Go makes it the zero value of its type.
Value empty_value(const TypeDesc& type) {
  switch (type.shape) {
    case Shape::kBool: return Value(false);
    case Shape::kInt32:
    case Shape::kInt64:
    case Shape::kIntOrString: return Value(0);
    case Shape::kString:
    case Shape::kBytes: return Value("");
    case Shape::kQuantity: return Value("0");
    case Shape::kStruct: return Value::map();
    case Shape::kStringList: return Value::list();
    case Shape::kTime:
    case Shape::kMicroTime:
    case Shape::kRaw: return Value();
  }
  return {};
}

// Members with the index of their field.
using Numbered = std::vector<std::pair<size_t, Member>>;

ValueMap in_table_order(Numbered kept) {
  auto earlier = [](const auto& a, const auto& b) { return a.first < b.first; };
  // It allocates, and most are in order.
  if (!std::is_sorted(kept.begin(), kept.end(), earlier)) std::stable_sort(kept.begin(), kept.end(), earlier);
  ValueMap members;
  members.reserve(kept.size());
  for (auto& [index, member] : kept) members.push_back(std::move(member));
  return members;
}

class Decoder {
 public:
  Decoder(const DecodeOptions& options, Diagnostics& diagnostics)
      : options_(options), diagnostics_(diagnostics) {}

  void into_struct(const Value& value, const TypeDesc& type, char* out, const Path& path,
                   SkipMember skip = nullptr);
  Value copy(const Value& value, const TypeDesc& type, const Path& path, bool secret);
  Value copy_struct(const Value& value, const TypeDesc& type, const Path& path, SkipMember skip = nullptr);

 private:
  Place place(const Path& path, const Value& value, bool secret = false) {
    return {path, diagnostics_, value.mark(), secret};
  }
  void into_field(const Value& value, const FieldDesc& field, char* out, const Path& path);
  void into_one(const Value& value, const TypeDesc& type, void* slot, const Path& path, bool secret);

  Value copy_field(const Value& value, const FieldDesc& field, const Path& path);
  Value copy_strings(const Value& value, const Path& path);
  // `value` is the map that holds the member.
  void report_unknown(const Member& member, const Value& value, const TypeDesc& type, const Path& path,
                      SkipMember skip);

  const DecodeOptions& options_;
  Diagnostics& diagnostics_;
};

void Decoder::report_unknown(const Member& member, const Value& value, const TypeDesc& type, const Path& path,
                             SkipMember skip) {
  if (options_.unknown_fields == UnknownFields::kIgnore) return;
  std::vector<std::string_view> names;
  for (const FieldDesc& field : type.fields) names.push_back(field.name);
  for (std::string_view name : {"apiVersion", "kind", "metadata"}) {
    if (skip != nullptr && skip(name)) names.push_back(name);
  }
  Diagnostic problem;
  bool is_error = options_.unknown_fields == UnknownFields::kError;
  problem.severity = is_error ? Severity::kError : Severity::kWarning;
  problem.file = diagnostics_.file();
  problem.mark = member.mark.line > 0 ? member.mark : member.value.mark();
  problem.path = path.field(member.name).text();
  problem.message = "unknown field " + quoted(member.name);
  problem.hint = did_you_mean(member.name, names);
  std::string_view nearest = nearest_name(member.name, names);
  const Value* there = nearest.empty() ? nullptr : value.find(nearest);
  if (!nearest.empty() && (there == nullptr || there->is_null())) problem.meant = path.field(nearest).text();
  diagnostics_.add(std::move(problem));
}

void Decoder::into_struct(const Value& value, const TypeDesc& type, char* out, const Path& path,
                          SkipMember skip) {
  if (!value.is_map()) {
    wrong_type(value, "map", place(path, value));
    return;
  }
  FieldFinder finder(type.fields);
  Value carried;
  Numbered kept;
  for (const Member& member : value.as_map()) {
    if (skip != nullptr && skip(member.name)) continue;
    size_t index = finder.find(member.name);
    if (index == kNoField) {
      report_unknown(member, value, type, path, skip);
      continue;
    }
    if (member.value.is_null()) continue;
    const FieldDesc& field = type.fields[index];
    if (!field.is_carried()) {
      into_field(member.value, field, out + field.offset, path.field(field.name));
      continue;
    }
    ENSURE(type.carried_offset >= 0, "a struct with carried fields has a member `carried`");
    Value copied = copy_field(member.value, field, path.field(field.name));
    if (!copied.is_null()) kept.push_back({index, {member.name, std::move(copied), member.mark}});
  }
  if (kept.empty()) return;
  ValueMap members = in_table_order(std::move(kept));
  *reinterpret_cast<Box<Value>*>(out + type.carried_offset) = Box<Value>(Value(std::move(members)));
}

void Decoder::into_field(const Value& value, const FieldDesc& field, char* out, const Path& path) {
  bool secret = field.has(kSecret);
  const TypeDesc& type = *field.type;
  switch (field.card) {
    case Card::kOne: {
      void* slot = field.access != nullptr ? field.access->add(out, {}) : out;
      into_one(value, type, slot, path, secret);
      return;
    }
    case Card::kList: {
      field.access->reset(out);
      if (!value.is_list()) {
        wrong_type(value, "list", place(path, value));
        return;
      }
      size_t index = 0;
      for (const Value& item : value.as_list()) {
        void* slot = field.access->add(out, {});
        if (!item.is_null()) into_one(item, type, slot, path.index(index), secret);
        ++index;
      }
      return;
    }
    case Card::kMap:
      field.access->reset(out);
      if (!value.is_map()) {
        wrong_type(value, "map", place(path, value));
        return;
      }
      for (const Member& member : value.as_map()) {
        void* slot = field.access->add(out, member.name);
        if (!member.value.is_null()) into_one(member.value, type, slot, path.key(member.name), secret);
      }
      return;
  }
}

void Decoder::into_one(const Value& value, const TypeDesc& type, void* slot, const Path& path, bool secret) {
  Place where = place(path, value, secret);
  switch (type.shape) {
    case Shape::kBool:
      if (auto found = read_bool(value, where)) *static_cast<bool*>(slot) = *found;
      return;
    case Shape::kInt32:
      if (auto found = read_integer(value, 32, where)) {
        *static_cast<int32_t*>(slot) = static_cast<int32_t>(*found);
      }
      return;
    case Shape::kInt64:
      if (auto found = read_integer(value, 64, where)) *static_cast<int64_t*>(slot) = *found;
      return;
    case Shape::kString:
      if (const std::string* found = read_string(value, where)) *static_cast<std::string*>(slot) = *found;
      return;
    case Shape::kBytes:
      if (auto found = read_bytes(value, where)) *static_cast<std::string*>(slot) = std::move(*found);
      return;
    case Shape::kQuantity:
      if (auto found = read_quantity(value, where)) *static_cast<Quantity*>(slot) = *found;
      return;
    case Shape::kIntOrString:
      if (auto found = read_int_or_string(value, where)) *static_cast<IntOrString*>(slot) = std::move(*found);
      return;
    case Shape::kTime:
    case Shape::kMicroTime:
      if (auto found = read_time(value, type.shape == Shape::kMicroTime, where)) {
        *static_cast<WallTime*>(slot) = *found;
      }
      return;
    case Shape::kRaw: *static_cast<Value*>(slot) = value; return;
    case Shape::kStruct: into_struct(value, type, static_cast<char*>(slot), path); return;
    case Shape::kStringList: break;
  }
  ENSURE(false, "a list of strings as one value has no storage of its own");
}

Value Decoder::copy(const Value& value, const TypeDesc& type, const Path& path, bool secret) {
  Place where = place(path, value, secret);
  Value out;
  switch (type.shape) {
    case Shape::kBool:
      if (auto found = read_bool(value, where)) out = Value(*found);
      break;
    case Shape::kInt32:
    case Shape::kInt64:
      if (auto found = read_integer(value, type.shape == Shape::kInt32 ? 32 : 64, where)) out = Value(*found);
      break;
    case Shape::kString:
      if (const std::string* found = read_string(value, where)) out = Value(*found);
      break;
    case Shape::kBytes:
      if (auto found = read_bytes(value, where)) out = Value(base64(*found));
      break;
    case Shape::kQuantity:
      if (auto found = read_quantity(value, where)) out = Value(found->text());
      break;
    case Shape::kIntOrString:
      if (auto found = read_int_or_string(value, where)) {
        out = found->is_int() ? Value(found->number()) : Value(found->string());
      }
      break;
    case Shape::kTime:
      if (auto found = read_time(value, false, where)) out = Value(format_rfc3339(*found));
      break;
    case Shape::kMicroTime:
      if (auto found = read_time(value, true, where)) out = Value(format_rfc3339_micro(*found));
      break;
    case Shape::kRaw: return value;
    case Shape::kStruct: return copy_struct(value, type, path);
    case Shape::kStringList: return copy_strings(value, path);
  }
  out.set_mark(value.mark());
  return out;
}

Value Decoder::copy_strings(const Value& value, const Path& path) {
  if (!value.is_list()) {
    wrong_type(value, "list", place(path, value));
    return {};
  }
  Value out = Value::list();
  out.set_mark(value.mark());
  for (size_t i = 0; i < value.as_list().size(); ++i) {
    const Value& item = value.as_list()[i];
    Path at = path.index(i);
    const std::string* text = item.is_null() ? nullptr : read_string(item, place(at, item));
    out.as_list().push_back(string_value(text != nullptr ? *text : std::string(), item.mark()));
  }
  return out;
}

Value Decoder::copy_struct(const Value& value, const TypeDesc& type, const Path& path, SkipMember skip) {
  if (!value.is_map()) {
    wrong_type(value, "map", place(path, value));
    return {};
  }
  FieldFinder finder(type.fields);
  Numbered kept;
  kept.reserve(value.as_map().size());
  for (const Member& member : value.as_map()) {
    if (skip != nullptr && skip(member.name)) continue;
    size_t index = finder.find(member.name);
    if (index == kNoField) {
      report_unknown(member, value, type, path, skip);
      continue;
    }
    if (member.value.is_null()) continue;
    const FieldDesc& field = type.fields[index];
    Value copied = copy_field(member.value, field, path.field(field.name));
    if (!copied.is_null()) kept.push_back({index, {member.name, std::move(copied), member.mark}});
  }
  Value out(in_table_order(std::move(kept)));
  out.set_mark(value.mark());
  return out;
}

Value Decoder::copy_field(const Value& value, const FieldDesc& field, const Path& path) {
  const TypeDesc& type = *field.type;
  bool secret = field.has(kSecret);
  if (field.card == Card::kOne) return copy(value, type, path, secret);
  Value out;
  if (field.card == Card::kList) {
    if (!value.is_list()) {
      wrong_type(value, "list", place(path, value));
      return {};
    }
    ValueList items;
    items.reserve(value.as_list().size());
    for (const Value& item : value.as_list()) {
      items.push_back(item.is_null() ? empty_value(type)
                                     : copy(item, type, path.index(items.size()), secret));
    }
    out = Value(std::move(items));
  } else {
    if (!value.is_map()) {
      wrong_type(value, "map", place(path, value));
      return {};
    }
    ValueMap members;
    members.reserve(value.as_map().size());
    for (const Member& member : value.as_map()) {
      Value item = member.value.is_null() ? empty_value(type)
                                          : copy(member.value, type, path.key(member.name), secret);
      members.push_back({member.name, std::move(item), member.mark});
    }
    auto earlier = [](const Member& a, const Member& b) { return a.name < b.name; };
    if (!std::is_sorted(members.begin(), members.end(), earlier)) {
      std::stable_sort(members.begin(), members.end(), earlier);
    }
    out = Value(std::move(members));
  }
  out.set_mark(value.mark());
  return out;
}

}  // namespace

void decode(const Value& value, const TypeDesc& type, void* out, const DecodeOptions& options,
            const Path& path, Diagnostics& diagnostics) {
  ENSURE(type.shape == Shape::kStruct && type.size > 0, "decode() fills structs with storage");
  Decoder(options, diagnostics).into_struct(value, type, static_cast<char*>(out), path);
}

Value canonical_value(const Value& value, const TypeDesc& type, const DecodeOptions& options,
                      const Path& path, Diagnostics& diagnostics) {
  if (value.is_null()) return {};
  return Decoder(options, diagnostics).copy(value, type, path, false);
}

void decode_members(const Value& value, const TypeDesc& type, void* out, SkipMember skip,
                    const DecodeOptions& options, const Path& path, Diagnostics& diagnostics) {
  ENSURE(type.shape == Shape::kStruct && type.size > 0, "decode_members() fills structs with storage");
  Decoder(options, diagnostics).into_struct(value, type, static_cast<char*>(out), path, skip);
}

Value canonical_members(const Value& value, const TypeDesc& type, SkipMember skip,
                        const DecodeOptions& options, const Path& path, Diagnostics& diagnostics) {
  ENSURE(type.shape == Shape::kStruct, "canonical_members() reads structs");
  return Decoder(options, diagnostics).copy_struct(value, type, path, skip);
}

void check_value(const Value& value, const TypeDesc& type, const DecodeOptions& options, const Path& path,
                 Diagnostics& diagnostics) {
  canonical_value(value, type, options, path, diagnostics);
}

}  // namespace mainstay
