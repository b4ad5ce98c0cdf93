// Value: a JSON-like tree in which every node may carry the place in the file it was read from.
// It is the one form between text (YAML or JSON) and typed objects: parsers make it, decode() reads it,
// patches and apply merge it, fields that are carried but not acted on are kept as it.
// Plain value semantics; no I/O; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace mainstay {

// A place in a file, counted from 1; line 0 means "not from a file".
struct Mark {
  uint32_t line = 0;
  uint32_t column = 0;
};

class Value;
using ValueList = std::vector<Value>;

// A member of an object. Objects keep the order of the text; look-up is linear, which is fastest at the
// sizes manifests have.
struct Member;
using ValueMap = std::vector<Member>;

class Value {
 public:
  enum class Kind : uint8_t { kNull, kBool, kInt, kDouble, kString, kList, kMap };

  Value() = default;
  Value(bool b);                // NOLINT: implicit on purpose
  Value(int64_t i);             // NOLINT
  Value(int i);                 // NOLINT
  Value(double d);              // NOLINT
  Value(std::string s);         // NOLINT
  Value(std::string_view s);    // NOLINT
  Value(const char* s);         // NOLINT
  Value(ValueList list);        // NOLINT
  Value(ValueMap map);          // NOLINT
  static Value list();
  static Value map();

  Kind kind() const { return static_cast<Kind>(data_.index()); }
  bool is_null() const { return kind() == Kind::kNull; }
  bool is_bool() const { return kind() == Kind::kBool; }
  bool is_int() const { return kind() == Kind::kInt; }
  bool is_double() const { return kind() == Kind::kDouble; }
  bool is_number() const { return is_int() || is_double(); }
  bool is_string() const { return kind() == Kind::kString; }
  bool is_list() const { return kind() == Kind::kList; }
  bool is_map() const { return kind() == Kind::kMap; }

  // Each requires the matching kind.
  bool as_bool() const { return std::get<bool>(data_); }
  int64_t as_int() const { return std::get<int64_t>(data_); }
  double as_double() const { return is_int() ? static_cast<double>(as_int()) : std::get<double>(data_); }
  const std::string& as_string() const { return std::get<std::string>(data_); }
  const ValueList& as_list() const { return std::get<ValueList>(data_); }
  ValueList& as_list() { return std::get<ValueList>(data_); }
  const ValueMap& as_map() const { return std::get<ValueMap>(data_); }
  ValueMap& as_map() { return std::get<ValueMap>(data_); }

  // The member called `name`; null if this is no map or has none. The first, if a name stands twice.
  const Value* find(std::string_view name) const;
  Value* find(std::string_view name);
  // Follows names; null as soon as one is missing.
  const Value* find_path(std::initializer_list<std::string_view> names) const;
  // The member's string, or "" if absent or no string.
  std::string_view string_at(std::string_view name) const;
  // Sets or adds a member. A null value becomes a map first.
  Value& set(std::string_view name, Value value);
  // The member, made as null if missing. A null value becomes a map first.
  Value& at(std::string_view name);
  // True if there was such a member.
  bool erase(std::string_view name);
  void push(Value value);

  Mark mark() const { return mark_; }
  void set_mark(Mark mark) { mark_ = mark; }

  // Deep equality; the order of members and all marks are ignored; 1 equals 1.0.
  friend bool operator==(const Value& a, const Value& b);

 private:
  std::variant<std::monostate, bool, int64_t, double, std::string, ValueList, ValueMap> data_;
  Mark mark_;
};

struct Member {
  std::string name;
  Value value;
  Mark mark;  // of the name
};

// Here and not in the class, because a ValueMap can only be handled once Member is complete.
inline Value::Value(bool b) : data_(b) {}
inline Value::Value(int64_t i) : data_(i) {}
inline Value::Value(int i) : data_(static_cast<int64_t>(i)) {}
inline Value::Value(double d) : data_(d) {}
inline Value::Value(std::string s) : data_(std::move(s)) {}
inline Value::Value(std::string_view s) : data_(std::string(s)) {}
inline Value::Value(const char* s) : data_(std::string(s)) {}
inline Value Value::list() { return Value(ValueList{}); }
inline Value Value::map() { return Value(ValueMap{}); }

// A short word for messages: "string", "list", "map" ...
std::string_view value_kind_name(Value::Kind kind);

}  // namespace mainstay
