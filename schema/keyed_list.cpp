#include "schema/keyed_list.h"

#include <algorithm>

#include "schema/json.h"

namespace mainstay {

std::optional<std::string> element_key(const Value& element, std::string_view keys) {
  std::vector<std::string_view> names;
  while (!keys.empty()) {
    size_t comma = keys.find(',');
    names.push_back(keys.substr(0, comma));
    keys = comma == std::string_view::npos ? std::string_view() : keys.substr(comma + 1);
  }
  std::sort(names.begin(), names.end());
  std::string out = "{";
  for (std::string_view name : names) {
    const Value* value = element.find(name);
    bool absent = value == nullptr || value->is_null();
    if (absent && name != "protocol") return std::nullopt;
    if (out.size() > 1) out += ',';
    append_json_string(out, name);
    out += ':';
    if (absent) {
      out += "\"TCP\"";
    } else {
      append_json(out, *value);
    }
  }
  return out + "}";
}

std::optional<std::vector<std::string>> element_keys(const ValueList& list, std::string_view keys) {
  std::vector<std::string> out;
  for (const Value& element : list) {
    std::optional<std::string> key = element_key(element, keys);
    if (!key) return std::nullopt;
    out.push_back(std::move(*key));
  }
  std::vector<std::string> sorted = out;
  std::sort(sorted.begin(), sorted.end());
  if (std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end()) return std::nullopt;
  return out;
}

const Value* find_element(const ValueList& list, std::string_view keys, std::string_view key) {
  for (const Value& element : list) {
    std::optional<std::string> candidate = element_key(element, keys);
    if (candidate && *candidate == key) return &element;
  }
  return nullptr;
}

}  // namespace mainstay
