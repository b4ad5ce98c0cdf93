// Reading and writing the members of the JSON maps in which control plane and agents speak: absent members have
// their default, unknown ones are ignored. Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "schema/json.h"
#include "schema/value.h"

namespace mainstay {

// Writes the members of one JSON map, commas where they belong; empty texts and false flags are left out.
class MapWriter {
 public:
  explicit MapWriter(std::string& out) : out_(out) { out_ += '{'; }
  // The text to which the member's value is to be appended.
  std::string& key(std::string_view name) {
    if (out_.back() != '{') out_ += ',';
    append_json_string(out_, name);
    out_ += ':';
    return out_;
  }
  void text(std::string_view name, std::string_view value) {
    if (!value.empty()) append_json_string(key(name), value);
  }
  void number(std::string_view name, int64_t value) { append_json_number(key(name), value); }
  // Left out if zero.
  void some(std::string_view name, int64_t value) {
    if (value != 0) number(name, value);
  }
  void flag(std::string_view name, bool value) {
    if (value) key(name) += "true";
  }
  void close() { out_ += '}'; }

 private:
  std::string& out_;
};

// Appends a JSON list, one `append(out, item)` per item.
template <typename T, typename F>
void append_each(std::string& out, const std::vector<T>& items, F append) {
  out += '[';
  for (const T& item : items) {
    if (out.back() != '[') out += ',';
    append(out, item);
  }
  out += ']';
}

inline int64_t int_at(const Value& map, std::string_view name, int64_t otherwise = 0) {
  const Value* found = map.find(name);
  return found != nullptr && found->is_int() ? found->as_int() : otherwise;
}
inline bool flag_at(const Value& map, std::string_view name) {
  const Value* found = map.find(name);
  return found != nullptr && found->is_bool() && found->as_bool();
}
inline std::string text_at(const Value& map, std::string_view name) {
  return std::string(map.string_at(name));
}
// The member's list; an empty one if it is absent or none.
inline const ValueList& list_at(const Value& map, std::string_view name) {
  static const ValueList kEmpty;
  const Value* found = map.find(name);
  return found != nullptr && found->is_list() ? found->as_list() : kEmpty;
}

// The strings of the member's list; other items are passed over.
inline std::vector<std::string> strings_at(const Value& map, std::string_view name) {
  std::vector<std::string> out;
  for (const Value& item : list_at(map, name)) {
    if (item.is_string()) out.push_back(item.as_string());
  }
  return out;
}

}  // namespace mainstay
