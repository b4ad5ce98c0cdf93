#include "schema/protobuf.h"

#include <optional>

#include "schema/base/crypto.h"
#include "schema/base/time.h"
#include "schema/json.h"
#include "schema/kinds/meta.h"

namespace mainstay {
namespace {

constexpr std::string_view kMagic{"k8s\0", 4};
constexpr int kMaxDepth = 64;

enum class Wire : uint8_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

struct WireField {
  uint32_t number = 0;
  Wire wire = Wire::kVarint;
  uint64_t number_value = 0;     // kVarint
  std::string_view bytes;        // kBytes
};

// Reads one message's fields in order.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}
  bool at_end() const { return rest_.empty(); }
  // Nothing if the bytes are malformed.
  std::optional<WireField> next() {
    std::optional<uint64_t> tag = varint();
    if (!tag || *tag >> 3 == 0 || *tag >> 3 > 0x1fffffff) return std::nullopt;
    WireField field{static_cast<uint32_t>(*tag >> 3), static_cast<Wire>(*tag & 7), 0, {}};
    switch (field.wire) {
      case Wire::kVarint: {
        std::optional<uint64_t> value = varint();
        if (!value) return std::nullopt;
        field.number_value = *value;
        return field;
      }
      case Wire::kBytes: {
        std::optional<uint64_t> size = varint();
        if (!size || *size > rest_.size()) return std::nullopt;
        field.bytes = rest_.substr(0, static_cast<size_t>(*size));
        rest_.remove_prefix(field.bytes.size());
        return field;
      }
      case Wire::kFixed64: return skip(8) ? std::optional(field) : std::nullopt;
      case Wire::kFixed32: return skip(4) ? std::optional(field) : std::nullopt;
    }
    return std::nullopt;
  }
  std::optional<uint64_t> varint() {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && !rest_.empty(); shift += 7) {
      auto byte = static_cast<unsigned char>(rest_.front());
      rest_.remove_prefix(1);
      value |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    return std::nullopt;
  }

 private:
  bool skip(size_t count) {
    if (rest_.size() < count) return false;
    rest_.remove_prefix(count);
    return true;
  }
  std::string_view rest_;
};

Error malformed(std::string_view where) {
  return error(ErrorCode::kInvalid, "malformed protobuf in " + std::string(where));
}

// A message of a few numbered scalars (Time, Quantity, IntOrString, RawExtension).
struct SmallMessage {
  uint64_t numbers[4] = {};
  std::string_view texts[4];
  bool empty = true;
};

std::optional<SmallMessage> read_small(std::string_view bytes) {
  SmallMessage out;
  Reader reader(bytes);
  while (!reader.at_end()) {
    std::optional<WireField> field = reader.next();
    if (!field) return std::nullopt;
    out.empty = false;
    if (field->number > 3) continue;
    out.numbers[field->number] = field->number_value;
    out.texts[field->number] = field->bytes;
  }
  return out;
}

std::optional<Value> time_value(std::string_view bytes, bool micro) {
  std::optional<SmallMessage> parts = read_small(bytes);
  if (!parts) return std::nullopt;
  if (parts->empty) return Value();
  auto seconds = static_cast<int64_t>(parts->numbers[1]);
  constexpr int64_t kFarthest = 253'402'300'799;  // 9999-12-31T23:59:59Z
  if (seconds < -kFarthest || seconds > kFarthest) return std::nullopt;
  WallTime time{std::chrono::seconds(seconds) + Duration(static_cast<int32_t>(parts->numbers[2]) / 1000)};
  return Value(micro ? format_rfc3339_micro(time) : format_rfc3339(time));
}

std::optional<Value> int_or_string_value(std::string_view bytes) {
  std::optional<SmallMessage> parts = read_small(bytes);
  if (!parts) return std::nullopt;
  if (parts->numbers[1] == 1) return Value(parts->texts[3]);
  return Value(static_cast<int64_t>(static_cast<int32_t>(parts->numbers[2])));
}

std::optional<Value> raw_value(std::string_view bytes) {
  std::optional<SmallMessage> parts = read_small(bytes);
  if (!parts) return std::nullopt;
  if (parts->texts[1].empty()) return Value();
  Result<Value> parsed = read_json(parts->texts[1]);
  if (!parsed.ok()) return std::nullopt;
  return std::move(parsed).value();
}

std::optional<Value> string_list_value(std::string_view bytes) {
  Value out = Value::list();
  Reader reader(bytes);
  while (!reader.at_end()) {
    std::optional<WireField> field = reader.next();
    if (!field) return std::nullopt;
    if (field->number == 1 && field->wire == Wire::kBytes) out.push(field->bytes);
  }
  return out;
}

class Decoder {
 public:
  // The message's fields go into `out`, a map.
  Status message(std::string_view bytes, const TypeDesc& type, bool whole_object, Value& out, int depth) {
    if (depth > kMaxDepth) return error(ErrorCode::kInvalid, "protobuf nested too deeply");
    Reader reader(bytes);
    while (!reader.at_end()) {
      std::optional<WireField> field = reader.next();
      if (!field) return malformed(type.name);
      if (whole_object && field->number == 1) {
        RETURN_IF_ERROR(metadata(*field, out, depth));
      } else {
        RETURN_IF_ERROR(numbered(*field, type, out, depth));
      }
    }
    return {};
  }

 private:
  Status metadata(const WireField& field, Value& out, int depth) {
    Value meta = Value::map();
    RETURN_IF_ERROR(message(field.bytes, ObjectMeta::kType, false, meta, depth + 1));
    out.set("metadata", std::move(meta));
    return {};
  }

  Status numbered(const WireField& field, const TypeDesc& type, Value& out, int depth) {
    bool embedded = false;
    for (const FieldDesc& candidate : type.fields) {
      if (candidate.proto == field.number) return store(field, candidate, out, depth);
      embedded = embedded || static_cast<uint32_t>(candidate.proto >> 8) == field.number;
    }
    // An embedded Go struct: a message of its own here, its fields stand in ours in JSON.
    return embedded ? inlined(field, type, out, depth) : Status();
  }

  Status inlined(const WireField& outer, const TypeDesc& type, Value& out, int depth) {
    Reader reader(outer.bytes);
    while (!reader.at_end()) {
      std::optional<WireField> field = reader.next();
      if (!field) return malformed(type.name);
      for (const FieldDesc& candidate : type.fields) {
        if (candidate.proto != (outer.number << 8 | field->number)) continue;
        RETURN_IF_ERROR(store(*field, candidate, out, depth));
      }
    }
    return {};
  }

  Status store(const WireField& field, const FieldDesc& desc, Value& out, int depth) {
    if (desc.card == Card::kMap) return map_entry(field, desc, out, depth);
    if (desc.card == Card::kList) return list_item(field, desc, out, depth);
    ASSIGN_OR_RETURN(Value value, single(field, desc, depth));
    if (!says_nothing(value, desc)) out.set(desc.name, std::move(value));
    return {};
  }

  Status list_item(const WireField& field, const FieldDesc& desc, Value& out, int depth) {
    Value& list = out.at(desc.name);
    if (list.is_null()) list = Value::list();
    bool numbers = desc.type->shape == Shape::kInt32 || desc.type->shape == Shape::kInt64;
    if (numbers && field.wire == Wire::kBytes) {  // packed
      Reader reader(field.bytes);
      while (!reader.at_end()) {
        std::optional<uint64_t> number = reader.varint();
        if (!number) return malformed(desc.name);
        list.push(static_cast<int64_t>(*number));
      }
      return {};
    }
    ASSIGN_OR_RETURN(Value item, single(field, desc, depth));
    list.push(std::move(item));
    return {};
  }

  Status map_entry(const WireField& field, const FieldDesc& desc, Value& out, int depth) {
    std::string_view key;
    WireField value{2, Wire::kBytes, 0, {}};
    Reader reader(field.bytes);
    while (!reader.at_end()) {
      std::optional<WireField> part = reader.next();
      if (!part) return malformed(desc.name);
      if (part->number == 1) key = part->bytes;
      if (part->number == 2) value = *part;
    }
    ASSIGN_OR_RETURN(Value decoded, single(value, desc, depth));
    Value& map = out.at(desc.name);
    if (map.is_null()) map = Value::map();
    map.set(key, std::move(decoded));
    return {};
  }

  Result<Value> single(const WireField& field, const FieldDesc& desc, int depth) {
    bool number = desc.type->shape == Shape::kBool || desc.type->shape == Shape::kInt32 ||
                  desc.type->shape == Shape::kInt64;
    if (field.wire != (number ? Wire::kVarint : Wire::kBytes)) return malformed(desc.name);
    std::optional<Value> value;
    switch (desc.type->shape) {
      case Shape::kBool: return Value(field.number_value != 0);
      case Shape::kInt32: return Value(static_cast<int64_t>(static_cast<int32_t>(field.number_value)));
      case Shape::kInt64: return Value(static_cast<int64_t>(field.number_value));
      case Shape::kString: return Value(field.bytes);
      case Shape::kBytes: return Value(base64(field.bytes));
      case Shape::kQuantity: {
        std::optional<SmallMessage> parts = read_small(field.bytes);
        if (parts) value = Value(parts->texts[1].empty() ? std::string_view("0") : parts->texts[1]);
        break;
      }
      case Shape::kIntOrString: value = int_or_string_value(field.bytes); break;
      case Shape::kTime: value = time_value(field.bytes, false); break;
      case Shape::kMicroTime: value = time_value(field.bytes, true); break;
      case Shape::kStringList: value = string_list_value(field.bytes); break;
      case Shape::kRaw: value = raw_value(field.bytes); break;
      case Shape::kStruct: {
        Value inner = Value::map();
        RETURN_IF_ERROR(message(field.bytes, *desc.type, false, inner, depth + 1));
        return inner;
      }
    }
    if (!value) return malformed(desc.name);
    return *std::move(value);
  }

  // A value that Go writes although the field was left open.
  static bool says_nothing(const Value& value, const FieldDesc& desc) {
    if (value.is_null()) return true;
    if (desc.has(kEmitZero)) return false;
    bool maybe_pointer = desc.is_carried() || desc.access != nullptr;
    if (value.is_string()) return value.as_string().empty() && (desc.is_carried() || desc.access == nullptr);
    if (maybe_pointer) return false;
    if (value.is_bool()) return !value.as_bool();
    if (value.is_int()) return value.as_int() == 0;
    return value.is_map() && value.as_map().empty();
  }
};

}  // namespace

Result<Value> decode_protobuf(std::string_view bytes, const TypeDesc& type) {
  if (!bytes.starts_with(kMagic)) return error(ErrorCode::kInvalid, "the protobuf body has no k8s envelope");
  bytes.remove_prefix(kMagic.size());
  std::string_view type_meta, raw;
  Reader envelope(bytes);
  while (!envelope.at_end()) {
    std::optional<WireField> field = envelope.next();
    if (!field) return malformed("the envelope");
    if (field->number == 1) type_meta = field->bytes;
    if (field->number == 2) raw = field->bytes;
    if (field->number == 3 && !field->bytes.empty()) {
      return error(ErrorCode::kInvalid, "the protobuf body has a content encoding");
    }
  }
  std::optional<SmallMessage> names = read_small(type_meta);
  if (!names) return malformed("the envelope");
  Value out = Value::map();
  if (!names->texts[1].empty()) out.set("apiVersion", names->texts[1]);
  if (!names->texts[2].empty()) out.set("kind", names->texts[2]);
  bool whole_object = true;
  for (const FieldDesc& field : type.fields) whole_object = whole_object && field.proto != 1;
  RETURN_IF_ERROR(Decoder().message(raw, type, whole_object, out, 0));
  return out;
}

}  // namespace mainstay
