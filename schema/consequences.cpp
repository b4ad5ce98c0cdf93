#include "schema/consequences.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace mainstay {
namespace {

// True if `path` is `above` or a part of it.
bool is_at_or_below(std::string_view path, std::string_view above) {
  if (above.empty()) return true;
  if (!path.starts_with(above)) return false;
  return path.size() == above.size() || path[above.size()] == '.' || path[above.size()] == '[';
}

// Calls visit(name, begin) for each field name of a path and where it begins, until visit returns true; what stands in
// brackets is no field.
template <typename Visit>
bool any_field(std::string_view path, const Visit& visit) {
  size_t at = 0;
  while (at < path.size()) {
    size_t end = std::min(path.find_first_of(".[", at), path.size());
    if (end > at && visit(path.substr(at, end - at), at)) return true;
    while (end < path.size() && path[end] == '[') end = std::min(path.find(']', end), path.size() - 1) + 1;
    at = end + (end < path.size() && path[end] == '.' ? 1 : 0);
  }
  return false;
}

// True if a sentence names the field: in Kubernetes' words it stands in backticks, or bare if it is no English word.
bool names_field(std::string_view message, std::string_view field) {
  if (message.find("`" + std::string(field) + "`") != message.npos) return true;
  bool is_plain_word = std::none_of(field.begin(), field.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
  return !is_plain_word && message.find(" " + std::string(field) + " ") != message.npos;
}

// What is judged by a look at its neighbour, or defaults to it, without naming it as a field.
struct Dependence {
  std::string_view judged, neighbour;
  std::string_view message;  // how such an error begins
};
constexpr Dependence kDependences[] = {
    {"requests", "limits", "Invalid value"},
    {"targetPort", "port", "Invalid value"},
    {"hostPort", "containerPort", "Invalid value"},
    {"data", "stringData", "Required value"},
    {"containers", "volumes", "Not found"},
    {"initContainers", "volumes", "Not found"},
};

// True if the field at `missing` is the neighbour itself, one of its elements, or the name of one.
bool is_element(std::string_view missing, std::string_view neighbour) {
  if (!is_at_or_below(missing, neighbour)) return false;
  std::string_view rest = missing.substr(neighbour.size());
  return rest.ends_with("].name") || !any_field(rest, [](std::string_view, size_t) { return true; });
}

bool depends_on(const Diagnostic& found, std::string_view missing) {
  return any_field(found.path, [&](std::string_view field, size_t begin) {
    return std::any_of(std::begin(kDependences), std::end(kDependences), [&](const Dependence& row) {
      return row.judged == field && found.message.starts_with(row.message) &&
             is_element(missing, found.path.substr(0, begin) + std::string(row.neighbour));
    });
  });
}

bool follows_from(const Diagnostic& found, std::string_view missing) {
  if (is_at_or_below(found.path, missing) || is_at_or_below(missing, found.path)) return true;
  bool is_reason = any_field(missing, [&](std::string_view field, size_t begin) {
    std::string_view holder = missing.substr(0, begin == 0 ? 0 : begin - 1);
    return is_at_or_below(found.path, holder) && names_field(found.message, field);
  });
  return is_reason || depends_on(found, missing);
}

}  // namespace

Diagnostics without_consequences(const Diagnostics& found, const Diagnostics& undecoded) {
  Diagnostics out;
  if (undecoded.error_count() + undecoded.warning_count() > undecoded.all().size()) return out;
  std::vector<std::string_view> missing;
  for (const Diagnostic& each : undecoded.all()) {
    if (each.severity != Severity::kError) continue;
    missing.push_back(each.path);
    if (!each.meant.empty()) missing.push_back(each.meant);
  }
  for (const Diagnostic& each : found.all()) {
    bool follows = each.severity == Severity::kError && std::any_of(missing.begin(), missing.end(), [&](auto path) {
                     return follows_from(each, path);
                   });
    if (!follows) out.add(each);
  }
  return out;
}

}  // namespace mainstay
