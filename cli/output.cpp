#include "cli/output.h"

#include <algorithm>
#include <cstdio>

#include "schema/base/shown.h"
#include "schema/json.h"
#include "schema/yaml.h"

namespace mainstay {

int complain(const Error& error) {
  std::fprintf(stderr, "mainstay: %s\n", shown(error.message, "\n").c_str());
  return 1;
}

bool print_structured(const Value& value, std::string_view output) {
  if (output == "json") {
    std::printf("%s\n", to_json(value).c_str());
  } else if (output == "yaml") {
    std::printf("%s", to_yaml(value).c_str());
  } else {
    return false;
  }
  return true;
}

void print_columns(const std::vector<std::vector<std::string>>& rows) {
  std::vector<size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  for (const auto& row : rows) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      line += row[i];
      if (i + 1 < row.size()) line += std::string(widths[i] + 3 - row[i].size(), ' ');
    }
    std::printf("%s\n", line.c_str());
  }
}

// For people's eyes, whoever wrote it.
std::string text_at(const Value& value, std::initializer_list<std::string_view> path) {
  const Value* found = value.find_path(path);
  if (found == nullptr) return "";
  if (found->is_string()) return shown(found->as_string(), "\n");
  return found->is_int() ? std::to_string(found->as_int()) : "";
}

const ValueList& list_at(const Value& value, std::initializer_list<std::string_view> path) {
  static const ValueList kEmpty;
  const Value* found = value.find_path(path);
  return found != nullptr && found->is_list() ? found->as_list() : kEmpty;
}

}  // namespace mainstay
