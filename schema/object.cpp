#include "schema/object.h"

#include <utility>
#include <vector>

#include "schema/compare.h"
#include "schema/decode.h"
#include "schema/diagnostics.h"
#include "schema/encode.h"
#include "schema/json.h"
#include "schema/stored.h"

namespace mainstay {
namespace {

template <typename... Ts>
struct Visitor : Ts... {
  using Ts::operator()...;
};
template <typename... Ts>
Visitor(Ts...) -> Visitor<Ts...>;

std::string envelope_start(const KindInfo& info) {
  return "{\"kind\":\"" + std::string(info.kind) + "\",\"apiVersion\":\"" + info.api_version() +
         "\",\"metadata\":";
}

bool is_envelope(std::string_view name) {
  return name == "kind" || name == "apiVersion" || name == "metadata";
}

// One maker per kind: an empty struct for typed kinds, an empty map for the rest.
Body empty_body(Kind kind) {
  switch (kind) {
#define MAINSTAY_CASE(T) \
  case Kind::k##T: return Box<T>(T{})
    MAINSTAY_CASE(Namespace);
    MAINSTAY_CASE(Node);
    MAINSTAY_CASE(Pod);
    MAINSTAY_CASE(ReplicaSet);
    MAINSTAY_CASE(Deployment);
    MAINSTAY_CASE(Service);
    MAINSTAY_CASE(EndpointSlice);
    MAINSTAY_CASE(ConfigMap);
    MAINSTAY_CASE(Secret);
    MAINSTAY_CASE(ServiceAccount);
    MAINSTAY_CASE(Event);
    MAINSTAY_CASE(Lease);
    MAINSTAY_CASE(Application);
#undef MAINSTAY_CASE
    default: return Box<Generic>(Generic{});
  }
}

}  // namespace

void ObjectBody::decode(const Object& whole) const {
  uint8_t seen = kWaiting;
  if (state_.compare_exchange_strong(seen, kDecoding, std::memory_order_acquire)) {
    value_ = stored_body(whole.kind, encoded(whole));
    state_.store(kReady, std::memory_order_release);
    state_.notify_all();
    return;
  }
  // Another thread is at it.
  while ((seen = state_.load(std::memory_order_acquire)) != kReady) state_.wait(seen);
}

// What waits in a text is decoded before it is copied or moved: the other object's text is not this one's.
Object::Object() = default;
Object::Object(const Object& other)
    : kind(other.kind), version(other.version), meta(other.meta), body(other.body.get(other)) {}
Object::Object(Object&& other) noexcept
    : kind(other.kind),
      version(other.version),
      meta(std::move(other.meta)),
      body(std::move(other.body.get(other))) {}
Object& Object::operator=(const Object& other) {
  if (this == &other) return *this;
  Body copied = other.body.get(other);
  kind = other.kind;
  version = other.version;
  meta = other.meta;
  body.get(*this) = std::move(copied);
  return *this;
}
Object& Object::operator=(Object&& other) noexcept {
  if (this == &other) return *this;
  kind = other.kind;
  version = other.version;
  body.get(*this) = std::move(other.body.get(other));
  meta = std::move(other.meta);
  return *this;
}
Object::~Object() = default;

Object make_object(Kind kind, std::string_view ns, std::string_view name) {
  Object object;
  object.kind = kind;
  object.meta.ns = ns;
  object.meta.name = name;
  object.body.get(object) = empty_body(kind);
  return object;
}

const void* body_storage(const Object& object) {
  return std::visit(Visitor{[](const Box<Generic>&) -> const void* { return nullptr; },
                            [](const auto& box) -> const void* { return &*box; }},
                    object.body.get(object));
}

void* body_storage(Object& object) {
  return const_cast<void*>(body_storage(static_cast<const Object&>(object)));
}

const Value& generic_fields(const Object& object) { return std::get<Box<Generic>>(object.body.get(object))->fields; }
Value& generic_fields(Object& object) { return std::get<Box<Generic>>(object.body.get(object))->fields; }

namespace {

// What is wrong with apiVersion and kind, if they name no kind we know.
const KindInfo* decode_kind(const Value& document, Diagnostics& diagnostics) {
  for (std::string_view field : {"apiVersion", "kind"}) {
    const Value* given = document.find(field);
    if (given != nullptr && !given->is_null() && !given->is_string()) {
      diagnostics.error(given->mark(), std::string(field),
                        "expected string, got " + std::string(value_kind_name(given->kind())));
      return nullptr;
    }
    if (document.string_at(field).empty()) {
      diagnostics.error(document.mark(), std::string(field), "Required value");
      return nullptr;
    }
  }
  std::string_view api_version = document.string_at("apiVersion"), kind = document.string_at("kind");
  if (const KindInfo* info = find_kind(api_version, kind)) return info;
  std::vector<std::string_view> names;
  for (const KindInfo& known : all_kinds()) {
    if (known.kind == kind) {
      diagnostics.error(document.find("apiVersion")->mark(), "apiVersion",
                        "no kind " + quoted(kind) + " in version " + quoted(api_version),
                        "use apiVersion: " + known.api_version());
      return nullptr;
    }
    names.push_back(known.kind);
  }
  diagnostics.error(document.find("kind")->mark(), "kind",
                    "no kind " + quoted(kind) + " in version " + quoted(api_version),
                    did_you_mean(kind, names));
  return nullptr;
}

}  // namespace

std::optional<Object> decode_object(const Value& document, const DecodeOptions& options,
                                    Diagnostics& diagnostics) {
  if (!document.is_map()) {
    diagnostics.error(
        document.mark(), "",
        "expected a map with apiVersion and kind, got " + std::string(value_kind_name(document.kind())));
    return std::nullopt;
  }
  const KindInfo* info = decode_kind(document, diagnostics);
  if (info == nullptr) return std::nullopt;
  Object object = make_object(info->id, "", "");
  Path root;
  if (const Value* metadata = document.find("metadata"); metadata != nullptr && !metadata->is_null()) {
    decode(*metadata, ObjectMeta::kType, &object.meta, options, root.field("metadata"), diagnostics);
  }
  if (void* storage = body_storage(object)) {
    decode_members(document, *info->type, storage, is_envelope, options, root, diagnostics);
  } else {
    generic_fields(object) =
        canonical_members(document, *info->type, is_envelope, options, root, diagnostics);
  }
  return object;
}

Value to_value(const Object& object) {
  Value out = Value::map();
  out.set("kind", object.info().kind);
  out.set("apiVersion", object.info().api_version());
  Value meta = to_value(ObjectMeta::kType, &object.meta);
  if (object.version > 0) meta.set("resourceVersion", std::to_string(object.version));
  out.set("metadata", std::move(meta));
  const void* storage = body_storage(object);
  Value body = storage != nullptr ? to_value(*object.info().type, storage) : generic_fields(object);
  for (Member& member : body.as_map()) out.as_map().push_back(std::move(member));
  return out;
}

const std::string& encoded(const Object& object) {
  if (const std::string* ready = object.once.bytes_.load(std::memory_order_acquire)) return *ready;
  auto made = std::make_unique<std::string>(envelope_start(object.info()));
  append_json(*made, ObjectMeta::kType, &object.meta);
  if (const void* storage = body_storage(object)) {
    append_json_fields(*made, *object.info().type, storage);
  } else {
    append_json_fields(*made, generic_fields(object));
  }
  *made += '}';
  const std::string* expected = nullptr;
  if (object.once.bytes_.compare_exchange_strong(expected, made.get(), std::memory_order_acq_rel)) {
    return *made.release();
  }
  return *expected;  // another thread was faster
}

void append_encoded(std::string& out, const Object& object) {
  const std::string& bytes = encoded(object);
  if (object.version == 0) {
    out += bytes;
    return;
  }
  size_t inside = envelope_start(object.info()).size() + 1;  // behind metadata's '{'
  out.append(bytes, 0, inside);
  out += "\"resourceVersion\":\"" + std::to_string(object.version) + "\"";
  if (bytes[inside] != '}') out += ',';
  out.append(bytes, inside);
}

bool same_content(const Object& a, const Object& b) {
  if (a.kind != b.kind || !equal(ObjectMeta::kType, &a.meta, &b.meta)) return false;
  const void* storage = body_storage(a);
  return storage != nullptr ? equal(*a.info().type, storage, body_storage(b))
                            : generic_fields(a) == generic_fields(b);
}

}  // namespace mainstay
