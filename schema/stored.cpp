#include "schema/stored.h"

#include <simdjson.h>

#include <cmath>
#include <utility>

#include "schema/base/crypto.h"
#include "schema/encode.h"
#include "schema/field_finder.h"

namespace mainstay {

struct StoredParser::State {
  simdjson::dom::parser parser;
};

namespace {

namespace dom = simdjson::dom;

bool is_envelope(std::string_view name) {
  return name == "kind" || name == "apiVersion" || name == "metadata";
}

std::optional<std::string_view> text_of(const dom::element& element) {
  std::string_view text;
  if (element.get_string().get(text) != simdjson::SUCCESS) return std::nullopt;
  return text;
}

std::optional<int64_t> integer_of(const dom::element& element) {
  int64_t number = 0;
  if (element.get_int64().get(number) == simdjson::SUCCESS) return number;
  double wide = 0;
  if (element.get_double().get(wide) != simdjson::SUCCESS || wide != std::floor(wide)) return std::nullopt;
  return static_cast<int64_t>(wide);
}

Value value_of(const dom::element& element) {
  switch (element.type()) {
    case dom::element_type::NULL_VALUE: return {};
    case dom::element_type::BOOL: return Value(bool(element));
    case dom::element_type::INT64: return Value(int64_t(element));
    case dom::element_type::UINT64: return Value(static_cast<double>(uint64_t(element)));
    case dom::element_type::DOUBLE: return Value(double(element));
    case dom::element_type::STRING: return Value(std::string_view(element));
    case dom::element_type::ARRAY: {
      dom::array array = element;
      ValueList items;
      items.reserve(array.size());
      for (dom::element item : array) items.push_back(value_of(item));
      return Value(std::move(items));
    }
    case dom::element_type::OBJECT: {
      dom::object object = element;
      ValueMap members;
      members.reserve(object.size());
      for (dom::key_value_pair member : object) {
        members.push_back({std::string(member.key), value_of(member.value), {}});
      }
      return Value(std::move(members));
    }
  }
  return {};
}

void into_struct(const dom::element& element, const TypeDesc& type, char* out, bool (*skip)(std::string_view));

void into_one(const dom::element& element, const TypeDesc& type, void* slot) {
  switch (type.shape) {
    case Shape::kBool: {
      bool truth = false;
      if (element.get_bool().get(truth) == simdjson::SUCCESS) *static_cast<bool*>(slot) = truth;
      return;
    }
    case Shape::kInt32:
      if (auto number = integer_of(element)) *static_cast<int32_t*>(slot) = static_cast<int32_t>(*number);
      return;
    case Shape::kInt64:
      if (auto number = integer_of(element)) *static_cast<int64_t*>(slot) = *number;
      return;
    case Shape::kString:
      if (auto text = text_of(element)) static_cast<std::string*>(slot)->assign(*text);
      return;
    case Shape::kBytes:
      if (auto text = text_of(element)) {
        if (auto bytes = unbase64(*text)) *static_cast<std::string*>(slot) = std::move(*bytes);
      }
      return;
    case Shape::kQuantity:
      if (auto text = text_of(element)) {
        if (auto quantity = Quantity::parse(*text)) *static_cast<Quantity*>(slot) = *quantity;
      }
      return;
    case Shape::kIntOrString:
      if (auto text = text_of(element)) *static_cast<IntOrString*>(slot) = IntOrString(std::string(*text));
      else if (auto number = integer_of(element))
        *static_cast<IntOrString*>(slot) = IntOrString(static_cast<int32_t>(*number));
      return;
    case Shape::kTime:
    case Shape::kMicroTime:
      if (auto text = text_of(element)) {
        if (auto time = parse_rfc3339(*text)) *static_cast<WallTime*>(slot) = *time;
      }
      return;
    case Shape::kRaw: *static_cast<Value*>(slot) = value_of(element); return;
    case Shape::kStruct: into_struct(element, type, static_cast<char*>(slot), nullptr); return;
    case Shape::kStringList: break;
  }
  ENSURE(false, "a list of strings as one value has no storage of its own");
}

void into_field(const dom::element& element, const FieldDesc& field, char* out) {
  const TypeDesc& type = *field.type;
  switch (field.card) {
    case Card::kOne:
      into_one(element, type, field.access != nullptr ? field.access->add(out, {}) : out);
      return;
    case Card::kList: {
      dom::array items;
      if (element.get_array().get(items) != simdjson::SUCCESS) return;
      for (dom::element item : items) {
        void* slot = field.access->add(out, {});
        if (!item.is_null()) into_one(item, type, slot);
      }
      return;
    }
    case Card::kMap: {
      dom::object members;
      if (element.get_object().get(members) != simdjson::SUCCESS) return;
      for (dom::key_value_pair member : members) {
        void* slot = field.access->add(out, member.key);
        if (!member.value.is_null()) into_one(member.value, type, slot);
      }
      return;
    }
  }
}

void into_struct(const dom::element& element, const TypeDesc& type, char* out, bool (*skip)(std::string_view)) {
  dom::object members;
  if (element.get_object().get(members) != simdjson::SUCCESS) return;
  FieldFinder finder(type.fields);
  ValueMap carried;
  for (dom::key_value_pair member : members) {
    if (member.value.is_null() || (skip != nullptr && skip(member.key))) continue;
    size_t index = finder.find(member.key);
    if (index == kNoField) continue;
    const FieldDesc& field = type.fields[index];
    if (field.is_carried()) carried.push_back({std::string(member.key), value_of(member.value), {}});
    else into_field(member.value, field, out + field.offset);
  }
  if (!carried.empty()) *reinterpret_cast<Box<Value>*>(out + type.carried_offset) = Value(std::move(carried));
}

Body body_of(Kind kind, const dom::element& root) {
  Object made = make_object(kind, "", "");
  if (void* storage = body_storage(made)) {
    into_struct(root, *made.info().type, static_cast<char*>(storage), is_envelope);
  } else {
    const TypeDesc& type = *made.info().type;
    Value& fields = generic_fields(made);
    for (dom::key_value_pair member : dom::object(root)) {
      if (is_envelope(member.key) || member.value.is_null() || type.find(member.key) == nullptr) continue;
      fields.as_map().push_back({std::string(member.key), value_of(member.value), {}});
    }
  }
  return std::move(made.body.get(made));
}

// The root, if the text is an object of that kind.
Result<dom::element> root_of(dom::parser& parser, Kind kind, std::string_view bytes) {
  dom::element root;
  simdjson::error_code code = parser.parse(bytes.data(), bytes.size()).get(root);
  if (code != simdjson::SUCCESS) {
    return error(ErrorCode::kCorrupt, std::string("not JSON: ") + simdjson::error_message(code));
  }
  std::string_view named;
  if (root["kind"].get_string().get(named) != simdjson::SUCCESS) {
    return error(ErrorCode::kCorrupt, "the body names no kind");
  }
  if (named != kind_info(kind).kind) return error(ErrorCode::kCorrupt, "the body is that of a " + std::string(named));
  return root;
}

void read_metadata(const dom::element& root, ObjectMeta& meta) {
  dom::element metadata;
  if (root["metadata"].get(metadata) != simdjson::SUCCESS) return;
  into_struct(metadata, ObjectMeta::kType, reinterpret_cast<char*>(&meta), nullptr);
}

}  // namespace

StoredParser::StoredParser() : state_(std::make_unique<State>()) {}
StoredParser::~StoredParser() = default;
StoredParser::StoredParser(StoredParser&&) noexcept = default;
StoredParser& StoredParser::operator=(StoredParser&&) noexcept = default;

Result<std::shared_ptr<Object>> StoredParser::object(Kind kind, std::string_view bytes, bool body_later) {
  ASSIGN_OR_RETURN(dom::element root, root_of(state_->parser, kind, bytes));
  auto out = std::make_shared<Object>();
  out->kind = kind;
  read_metadata(root, out->meta);
  if (body_later) {
    out->once.set(std::string(bytes));
    out->body.wait_in_text();
  } else {
    out->body.get(*out) = body_of(kind, root);
  }
  return out;
}

Result<StoredParser::Declared> StoredParser::declared(Kind kind, std::string_view bytes) {
  ASSIGN_OR_RETURN(dom::element root, root_of(state_->parser, kind, bytes));
  auto object = std::make_shared<Object>();
  object->kind = kind;
  read_metadata(root, object->meta);
  object->body.get(*object) = body_of(kind, root);
  return Declared{std::make_shared<const Value>(value_of(root)), std::move(object)};
}

Body stored_body(Kind kind, std::string_view bytes) {
  dom::parser parser;
  dom::element root;
  simdjson::error_code code = parser.parse(bytes.data(), bytes.size()).get(root);
  ENSURE(code == simdjson::SUCCESS, "a text that was read before can be read again");
  return body_of(kind, root);
}

}  // namespace mainstay
