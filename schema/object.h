// Object: one Kubernetes object in memory. Immutable once shared as ObjectPtr; a change makes a new one.
// Typed kinds hold their struct, all others their fields as a checked Value. Any thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>

#include "schema/base/ensure.h"
#include "schema/box.h"
#include "schema/kind.h"
#include "schema/kinds/application.h"
#include "schema/kinds/apps.h"
#include "schema/kinds/config.h"
#include "schema/kinds/event.h"
#include "schema/kinds/meta.h"
#include "schema/kinds/node.h"
#include "schema/kinds/pod.h"
#include "schema/kinds/service.h"
#include "schema/value.h"

namespace mainstay {

class Diagnostics;
struct DecodeOptions;
struct Object;

// The body of a kind without behaviour: all its fields but apiVersion, kind and metadata.
struct Generic {
  Value fields = Value::map();
};

using Body = std::variant<Box<Generic>, Box<Namespace>, Box<Node>, Box<Pod>, Box<ReplicaSet>, Box<Deployment>,
                          Box<Service>, Box<EndpointSlice>, Box<ConfigMap>, Box<Secret>, Box<ServiceAccount>,
                          Box<Event>, Box<Lease>, Box<Application>>;

// A body that may still be waiting in the object's JSON: it is decoded when it is first asked for, once, by whichever
// thread comes first. After a restart most objects are looked at only by their metadata for a long time.
class ObjectBody {
 public:
  ObjectBody() = default;
  ObjectBody(Body body) : value_(std::move(body)) {}  // NOLINT: implicit on purpose

  // `whole` is the object it belongs to.
  const Body& get(const Object& whole) const {
    if (state_.load(std::memory_order_acquire) != kReady) decode(whole);
    return value_;
  }
  Body& get(const Object& whole) {
    if (state_.load(std::memory_order_acquire) != kReady) decode(whole);
    return value_;
  }
  // The body is to be read from the object's JSON; before the object is shared.
  void wait_in_text() { state_.store(kWaiting, std::memory_order_release); }

 private:
  enum State : uint8_t { kReady, kWaiting, kDecoding };
  void decode(const Object& whole) const;

  mutable Body value_;
  mutable std::atomic<uint8_t> state_{kReady};
};

// The object's JSON, made at most once, by whichever thread asks first. Not copied with the object.
class EncodedOnce {
 public:
  EncodedOnce() = default;
  EncodedOnce(const EncodedOnce&) {}
  EncodedOnce& operator=(const EncodedOnce&) { return *this; }  // the owner is about to be changed
  // Of an object that was read from `bytes`; before it is shared.
  void set(std::string bytes) { bytes_.store(new std::string(std::move(bytes)), std::memory_order_release); }
  ~EncodedOnce() { delete bytes_.load(std::memory_order_acquire); }

 private:
  friend const std::string& encoded(const Object& object);
  mutable std::atomic<const std::string*> bytes_{nullptr};
};

struct Object {
  Kind kind = Kind::kNamespace;
  uint64_t version = 0;  // the store's resource version of the last change; 0 before the first
  ObjectMeta meta;       // meta.resource_version is only what a client sent; the store keeps it empty
  ObjectBody body;
  EncodedOnce once;

  // Written out of line: the copies of every kind's structs are then compiled once and not in every file.
  Object();
  Object(const Object& other);
  Object(Object&& other) noexcept;
  Object& operator=(const Object& other);
  Object& operator=(Object&& other) noexcept;
  ~Object();

  Key key() const { return {kind, meta.ns, meta.name}; }
  const KindInfo& info() const { return kind_info(kind); }
};

using ObjectPtr = std::shared_ptr<const Object>;

template <typename T>
struct KindOf;
#define MAINSTAY_TYPED_KIND(T) \
  template <>                  \
  struct KindOf<T> {           \
    static constexpr Kind kKind = Kind::k##T; \
  }
MAINSTAY_TYPED_KIND(Namespace);
MAINSTAY_TYPED_KIND(Node);
MAINSTAY_TYPED_KIND(Pod);
MAINSTAY_TYPED_KIND(ReplicaSet);
MAINSTAY_TYPED_KIND(Deployment);
MAINSTAY_TYPED_KIND(Service);
MAINSTAY_TYPED_KIND(EndpointSlice);
MAINSTAY_TYPED_KIND(ConfigMap);
MAINSTAY_TYPED_KIND(Secret);
MAINSTAY_TYPED_KIND(ServiceAccount);
MAINSTAY_TYPED_KIND(Event);
MAINSTAY_TYPED_KIND(Lease);
MAINSTAY_TYPED_KIND(Application);
#undef MAINSTAY_TYPED_KIND

// The struct of a typed object: as<Pod>(object).spec. Requires that kind.
template <typename T>
const T& as(const Object& object) {
  ENSURE(object.kind == KindOf<T>::kKind, "as<T> of an object of another kind");
  return *std::get<Box<T>>(object.body.get(object));
}
template <typename T>
T& as(Object& object) {
  ENSURE(object.kind == KindOf<T>::kKind, "as<T> of an object of another kind");
  return *std::get<Box<T>>(object.body.get(object));
}
// The same, null for other kinds.
template <typename T>
const T* try_as(const Object& object) {
  return object.kind == KindOf<T>::kKind ? &*std::get<Box<T>>(object.body.get(object)) : nullptr;
}

// An object of `kind` with an empty body.
Object make_object(Kind kind, std::string_view ns, std::string_view name);
template <typename T>
Object make_object(std::string_view ns, std::string_view name) {
  return make_object(KindOf<T>::kKind, ns, name);
}

// The storage that info().type describes, or null for a Generic (whose fields are generic_fields()).
const void* body_storage(const Object& object);
void* body_storage(Object& object);
const Value& generic_fields(const Object& object);
Value& generic_fields(Object& object);

// Decodes one document. All mistakes go to `diagnostics` with path and mark; nothing is returned only if
// apiVersion or kind is missing or unknown, or the document is no map.
std::optional<Object> decode_object(const Value& document, const DecodeOptions& options,
                                    Diagnostics& diagnostics);
// The whole object as a Value: kind, apiVersion, metadata, the rest. With resourceVersion if version > 0.
Value to_value(const Object& object);
// JSON without resourceVersion; made once per object and shared by journal, GET, list and watches.
// Valid as long as the object.
const std::string& encoded(const Object& object);
// encoded() with "resourceVersion" put in, appended to `out`.
void append_encoded(std::string& out, const Object& object);

// Equal in everything but resource version.
bool same_content(const Object& a, const Object& b);

}  // namespace mainstay
