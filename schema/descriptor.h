// Field descriptors: what a type is made of, as data. Every verb (decode, encode, check, compare, default,
// patch, apply, OpenAPI, protobuf, generate) is one ordinary function that walks them; nothing about a
// field is written twice. All tables are constant; any thread.
//
// A struct with C++ storage (TypeDesc::size > 0) has *native* fields, which stand at an offset, and
// *carried* ones, which are described just as fully but kept as one Value in the struct's `carried` member:
// accepted, type-checked, served back, not acted on. A TypeDesc without storage describes Values only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "schema/base/time.h"
#include "schema/box.h"
#include "schema/int_or_string.h"
#include "schema/quantity.h"
#include "schema/value.h"

namespace mainstay {

// What one value looks like. Storage of a native field of each shape is named behind it.
enum class Shape : uint8_t {
  kBool,         // bool
  kInt32,        // int32_t
  kInt64,        // int64_t
  kString,       // std::string
  kBytes,        // std::string, raw bytes; base64 on the wire
  kQuantity,     // Quantity
  kIntOrString,  // IntOrString
  kTime,         // WallTime, whole seconds; zero is absent
  kMicroTime,    // WallTime; zero is absent
  kStringList,   // carried only: a list of strings as one value
  kRaw,          // Value: any JSON
  kStruct,       // the struct itself
};

enum class Card : uint8_t { kOne, kList, kMap };  // map keys are strings

enum FieldFlags : uint16_t {
  kRequired = 1,    // Kubernetes refuses an object without it
  kEmitZero = 2,    // written even when zero, as Go does without omitempty
  kImmutable = 4,   // may not change after creation
  kStatus = 8,      // belongs to the status subresource
  kRetainKeys = 16, // strategic merge: replace the union's other members (patchStrategy retainKeys)
  kMergePrimitives = 32,  // strategic merge: a list of scalars that merges as a set
  kSecret = 64,     // never printed
};

struct TypeDesc;

// Reaches into an optional, a Box, a list or a map without knowing its type. `count` is 0 or 1 for the
// first two. Maps are std::vector<std::pair<std::string, T>> sorted by key.
struct Access {
  size_t (*count)(const void* container);
  const void* (*get)(const void* container, size_t index);
  // Makes room for one more (key is for maps) and returns it, default constructed. A map's existing entry is reused.
  void* (*add)(void* container, std::string_view key);
  std::string_view (*key)(const void* container, size_t index);
  void (*reset)(void* container);
};

inline constexpr int32_t kCarried = -1;

struct FieldDesc {
  std::string_view name;         // as on the wire
  const TypeDesc* type;          // of the value, or of one element
  Card card = Card::kOne;
  uint16_t flags = 0;
  uint16_t proto = 0;            // protobuf field number, 0 where there is none
  std::string_view merge_key = {};  // strategic merge key of a list of structs; "" is replaced whole
  std::string_view map_keys = {};   // apply's keys of a list, comma separated; "" is atomic
  int32_t offset = kCarried;
  const Access* access = nullptr;   // for lists, maps, optionals and boxes with storage

  bool is_carried() const { return offset == kCarried; }
  bool has(FieldFlags flag) const { return (flags & flag) != 0; }
};

struct TypeDesc {
  Shape shape;
  std::string_view name;                  // "PodSpec"; "string"
  std::span<const FieldDesc> fields = {};  // kStruct only
  size_t size = 0;                        // sizeof the C++ struct, 0 if there is none
  int32_t carried_offset = -1;            // of the member `Box<Value> carried`

  const FieldDesc* find(std::string_view field) const {
    for (const FieldDesc& candidate : fields) {
      if (candidate.name == field) return &candidate;
    }
    return nullptr;
  }
};

// The descriptor of a struct with storage; finds its `carried` member, if it has one.
template <typename S>
consteval TypeDesc struct_type(std::string_view name, std::span<const FieldDesc> fields) {
  if constexpr (requires { &S::carried; }) {
    return {Shape::kStruct, name, fields, sizeof(S), static_cast<int32_t>(offsetof(S, carried))};
  } else {
    return {Shape::kStruct, name, fields, sizeof(S), -1};
  }
}

inline constexpr TypeDesc kBoolType{Shape::kBool, "boolean"};
inline constexpr TypeDesc kInt32Type{Shape::kInt32, "integer"};
inline constexpr TypeDesc kInt64Type{Shape::kInt64, "integer"};
inline constexpr TypeDesc kStringType{Shape::kString, "string"};
inline constexpr TypeDesc kBytesType{Shape::kBytes, "base64 string"};
inline constexpr TypeDesc kQuantityType{Shape::kQuantity, "quantity"};
inline constexpr TypeDesc kIntOrStringType{Shape::kIntOrString, "integer or string"};
inline constexpr TypeDesc kTimeType{Shape::kTime, "RFC 3339 time"};
inline constexpr TypeDesc kMicroTimeType{Shape::kMicroTime, "RFC 3339 time"};
inline constexpr TypeDesc kStringListType{Shape::kStringList, "list of strings"};
inline constexpr TypeDesc kRawType{Shape::kRaw, "value"};

// Sorted by key, no key twice.
template <typename T>
using Map = std::vector<std::pair<std::string, T>>;
using StringMap = Map<std::string>;
using ResourceList = Map<Quantity>;

template <typename T>
const T* map_find(const Map<T>& map, std::string_view key) {
  size_t low = 0, high = map.size();
  while (low < high) {
    size_t middle = (low + high) / 2;
    if (map[middle].first < key) low = middle + 1; else high = middle;
  }
  return low < map.size() && map[low].first == key ? &map[low].second : nullptr;
}

// The entry of `key`, made if it is missing.
template <typename T>
T& map_slot(Map<T>& map, std::string_view key) {
  size_t low = 0, high = map.size();
  while (low < high) {
    size_t middle = (low + high) / 2;
    if (map[middle].first < key) low = middle + 1; else high = middle;
  }
  if (low == map.size() || map[low].first != key) {
    map.insert(map.begin() + static_cast<ptrdiff_t>(low), {std::string(key), T{}});
  }
  return map[low].second;
}

// True if there was such an entry.
template <typename T>
bool map_erase(Map<T>& map, std::string_view key) {
  for (auto it = map.begin(); it != map.end(); ++it) {
    if (it->first == key) {
      map.erase(it);
      return true;
    }
  }
  return false;
}

namespace access {

template <typename T>
struct Of {
  static constexpr const Access* value() { return nullptr; }
};

template <typename C>
struct OptionalLike {
  static size_t count(const void* c) { return static_cast<const C*>(c)->has_value() ? 1 : 0; }
  static const void* get(const void* c, size_t) { return &**static_cast<const C*>(c); }
  static std::string_view key(const void*, size_t) { return {}; }
  static void reset(void* c) { static_cast<C*>(c)->reset(); }
};

template <typename T>
struct Of<std::optional<T>> : OptionalLike<std::optional<T>> {
  using Base = OptionalLike<std::optional<T>>;
  static void* add(void* c, std::string_view) { return &static_cast<std::optional<T>*>(c)->emplace(); }
  static constexpr Access kAccess{&Base::count, &Base::get, &add, &Base::key, &Base::reset};
  static constexpr const Access* value() { return &kAccess; }
};

template <typename T>
struct Of<Box<T>> : OptionalLike<Box<T>> {
  using Base = OptionalLike<Box<T>>;
  static void* add(void* c, std::string_view) { return &(*static_cast<Box<T>*>(c) = Box<T>(T{})).ensure(); }
  static constexpr Access kAccess{&Base::count, &Base::get, &add, &Base::key, &Base::reset};
  static constexpr const Access* value() { return &kAccess; }
};

template <typename T>
struct Of<std::vector<T>> {
  using C = std::vector<T>;
  static size_t count(const void* c) { return static_cast<const C*>(c)->size(); }
  static const void* get(const void* c, size_t i) { return &(*static_cast<const C*>(c))[i]; }
  static void* add(void* c, std::string_view) { return &static_cast<C*>(c)->emplace_back(); }
  static std::string_view key(const void*, size_t) { return {}; }
  static void reset(void* c) { static_cast<C*>(c)->clear(); }
  static constexpr Access kAccess{&count, &get, &add, &key, &reset};
  static constexpr const Access* value() { return &kAccess; }
};

template <typename T>
struct Of<std::vector<std::pair<std::string, T>>> {
  using C = Map<T>;
  static size_t count(const void* c) { return static_cast<const C*>(c)->size(); }
  static const void* get(const void* c, size_t i) { return &(*static_cast<const C*>(c))[i].second; }
  static void* add(void* c, std::string_view k) { return &map_slot(*static_cast<C*>(c), k); }
  static std::string_view key(const void* c, size_t i) { return (*static_cast<const C*>(c))[i].first; }
  static void reset(void* c) { static_cast<C*>(c)->clear(); }
  static constexpr Access kAccess{&count, &get, &add, &key, &reset};
  static constexpr const Access* value() { return &kAccess; }
};

}  // namespace access

}  // namespace mainstay

// The storage half of a native field's row: NATIVE(Struct, member).
#define NATIVE(S, member)                                    \
  static_cast<int32_t>(offsetof(S, member)),                 \
      ::mainstay::access::Of<decltype(S::member)>::value()
