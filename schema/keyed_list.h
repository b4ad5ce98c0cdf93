// Lists whose elements are told apart by key fields: containers by name, ports by number and protocol.
// Shared by apply (map_keys) and strategic merge patch (merge_key). Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "schema/value.h"

namespace mainstay {

// The key fields of `element` as canonical JSON with sorted names, {"containerPort":80,"protocol":"TCP"};
// `keys` is a comma-separated list of names. An absent protocol is TCP, which is its default everywhere.
// Nothing if another key is absent or the element is no map.
std::optional<std::string> element_key(const Value& element, std::string_view keys);

// The keys of all elements; nothing if some element has none, or two have the same.
std::optional<std::vector<std::string>> element_keys(const ValueList& list, std::string_view keys);

// The first element with this key; null if there is none.
const Value* find_element(const ValueList& list, std::string_view keys, std::string_view key);

}  // namespace mainstay
