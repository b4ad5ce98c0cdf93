#include "schema/encode.h"

#include "schema/base/crypto.h"
#include "schema/base/ensure.h"
#include "schema/base/time.h"
#include "schema/json.h"

namespace mainstay {
namespace {

const Value* carried_of(const TypeDesc& type, const char* object) {
  if (type.carried_offset < 0) return nullptr;
  const auto& box = *reinterpret_cast<const Box<Value>*>(object + type.carried_offset);
  return box ? &*box : nullptr;
}

// A plain native scalar that Go would leave out under `omitempty`. Quantities are Go structs, so never.
bool is_zero(const TypeDesc& type, const void* slot) {
  switch (type.shape) {
    case Shape::kBool: return !*static_cast<const bool*>(slot);
    case Shape::kInt32: return *static_cast<const int32_t*>(slot) == 0;
    case Shape::kInt64: return *static_cast<const int64_t*>(slot) == 0;
    case Shape::kString:
    case Shape::kBytes: return static_cast<const std::string*>(slot)->empty();
    case Shape::kIntOrString: return static_cast<const IntOrString*>(slot)->is_zero();
    case Shape::kTime:
    case Shape::kMicroTime: return *static_cast<const WallTime*>(slot) == WallTime{};
    case Shape::kRaw: return static_cast<const Value*>(slot)->is_null();
    case Shape::kQuantity:
    case Shape::kStringList:
    case Shape::kStruct: return false;
  }
  return false;
}

std::string time_text(const TypeDesc& type, const void* slot) {
  const auto& time = *static_cast<const WallTime*>(slot);
  return type.shape == Shape::kMicroTime ? format_rfc3339_micro(time) : format_rfc3339(time);
}

void append_fields(std::string& out, const TypeDesc& type, const char* object);

void append_one(std::string& out, const TypeDesc& type, const void* slot) {
  switch (type.shape) {
    case Shape::kBool: out += *static_cast<const bool*>(slot) ? "true" : "false"; return;
    case Shape::kInt32: append_json_number(out, int64_t{*static_cast<const int32_t*>(slot)}); return;
    case Shape::kInt64: append_json_number(out, *static_cast<const int64_t*>(slot)); return;
    case Shape::kString: append_json_string(out, *static_cast<const std::string*>(slot)); return;
    case Shape::kBytes: append_json_string(out, base64(*static_cast<const std::string*>(slot))); return;
    case Shape::kQuantity: append_json_string(out, static_cast<const Quantity*>(slot)->text()); return;
    case Shape::kIntOrString: {
      const auto& either = *static_cast<const IntOrString*>(slot);
      if (either.is_int()) {
        append_json_number(out, int64_t{either.number()});
      } else {
        append_json_string(out, either.string());
      }
      return;
    }
    case Shape::kTime:
    case Shape::kMicroTime:
      if (is_zero(type, slot)) {
        out += "null";
      } else {
        append_json_string(out, time_text(type, slot));
      }
      return;
    case Shape::kRaw: append_json(out, *static_cast<const Value*>(slot)); return;
    case Shape::kStruct:
      out += '{';
      append_fields(out, type, static_cast<const char*>(slot));
      out += '}';
      return;
    case Shape::kStringList: break;
  }
  ENSURE(false, "a list of strings as one value has no storage of its own");
}

void append_name(std::string& out, std::string_view name) {
  if (out.back() != '{') out += ',';
  append_json_string(out, name);
  out += ':';
}

void append_single(std::string& out, const FieldDesc& field, const char* slot) {
  const TypeDesc& type = *field.type;
  if (field.access != nullptr) {
    if (field.access->count(slot) == 0) return;
    append_name(out, field.name);
    append_one(out, type, field.access->get(slot, 0));
    return;
  }
  bool emit_zero = field.has(kEmitZero);
  if (!emit_zero && is_zero(type, slot)) return;
  size_t before = out.size();
  append_name(out, field.name);
  size_t start = out.size();
  append_one(out, type, slot);
  // Whether a struct is empty is known only when it has been written.
  if (type.shape == Shape::kStruct && !emit_zero && out.size() == start + 2) out.resize(before);
}

void append_fields(std::string& out, const TypeDesc& type, const char* object) {
  const Value* carried = carried_of(type, object);
  for (const FieldDesc& field : type.fields) {
    if (field.is_carried()) {
      const Value* value = carried != nullptr ? carried->find(field.name) : nullptr;
      if (value == nullptr) continue;
      append_name(out, field.name);
      append_json(out, *value);
      continue;
    }
    const char* slot = object + field.offset;
    if (field.card == Card::kOne) {
      append_single(out, field, slot);
      continue;
    }
    size_t count = field.access->count(slot);
    if (count == 0 && !field.has(kEmitZero)) continue;
    append_name(out, field.name);
    bool is_map = field.card == Card::kMap;
    out += is_map ? '{' : '[';
    for (size_t i = 0; i < count; ++i) {
      if (i > 0) out += ',';
      if (is_map) {
        append_json_string(out, field.access->key(slot, i));
        out += ':';
      }
      append_one(out, *field.type, field.access->get(slot, i));
    }
    out += is_map ? '}' : ']';
  }
}

ValueMap value_fields(const TypeDesc& type, const char* object);

Value value_one(const TypeDesc& type, const void* slot) {
  switch (type.shape) {
    case Shape::kBool: return Value(*static_cast<const bool*>(slot));
    case Shape::kInt32: return Value(int64_t{*static_cast<const int32_t*>(slot)});
    case Shape::kInt64: return Value(*static_cast<const int64_t*>(slot));
    case Shape::kString: return Value(*static_cast<const std::string*>(slot));
    case Shape::kBytes: return Value(base64(*static_cast<const std::string*>(slot)));
    case Shape::kQuantity: return Value(static_cast<const Quantity*>(slot)->text());
    case Shape::kIntOrString: {
      const auto& either = *static_cast<const IntOrString*>(slot);
      return either.is_int() ? Value(int64_t{either.number()}) : Value(either.string());
    }
    case Shape::kTime:
    case Shape::kMicroTime: return is_zero(type, slot) ? Value() : Value(time_text(type, slot));
    case Shape::kRaw: return *static_cast<const Value*>(slot);
    case Shape::kStruct: return Value(value_fields(type, static_cast<const char*>(slot)));
    case Shape::kStringList: break;
  }
  ENSURE(false, "a list of strings as one value has no storage of its own");
  return {};
}

ValueMap value_fields(const TypeDesc& type, const char* object) {
  ValueMap out;
  const Value* carried = carried_of(type, object);
  auto put = [&](const FieldDesc& field, Value value) {
    out.push_back({std::string(field.name), std::move(value), {}});
  };
  for (const FieldDesc& field : type.fields) {
    if (field.is_carried()) {
      const Value* value = carried != nullptr ? carried->find(field.name) : nullptr;
      if (value != nullptr) put(field, *value);
      continue;
    }
    const char* slot = object + field.offset;
    size_t count = field.access != nullptr ? field.access->count(slot) : 1;
    bool emit_zero = field.has(kEmitZero);
    if (field.card == Card::kOne) {
      if (count == 0) continue;
      if (field.access != nullptr) {
        put(field, value_one(*field.type, field.access->get(slot, 0)));
        continue;
      }
      if (!emit_zero && is_zero(*field.type, slot)) continue;
      Value value = value_one(*field.type, slot);
      if (field.type->shape == Shape::kStruct && !emit_zero && value.as_map().empty()) continue;
      put(field, std::move(value));
      continue;
    }
    if (count == 0 && !emit_zero) continue;
    Value value = field.card == Card::kMap ? Value::map() : Value::list();
    for (size_t i = 0; i < count; ++i) {
      Value item = value_one(*field.type, field.access->get(slot, i));
      if (field.card == Card::kMap) {
        value.as_map().push_back({std::string(field.access->key(slot, i)), std::move(item), {}});
      } else {
        value.as_list().push_back(std::move(item));
      }
    }
    put(field, std::move(value));
  }
  return out;
}

}  // namespace

void append_json(std::string& out, const TypeDesc& type, const void* object) {
  ENSURE(type.shape == Shape::kStruct && type.size > 0, "append_json() writes structs with storage");
  append_one(out, type, object);
}

void append_json_fields(std::string& out, const TypeDesc& type, const void* object) {
  ENSURE(!out.empty(), "fields are appended to an object that has begun");
  append_fields(out, type, static_cast<const char*>(object));
}

void append_json_fields(std::string& out, const Value& map) {
  ENSURE(!out.empty(), "fields are appended to an object that has begun");
  for (const Member& member : map.as_map()) {
    append_name(out, member.name);
    append_json(out, member.value);
  }
}

Value to_value(const TypeDesc& type, const void* object) {
  ENSURE(type.shape == Shape::kStruct && type.size > 0, "to_value() reads structs with storage");
  return Value(value_fields(type, static_cast<const char*>(object)));
}

}  // namespace mainstay
