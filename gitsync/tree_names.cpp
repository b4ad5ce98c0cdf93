#include "gitsync/tree_names.h"

#include <algorithm>
#include <vector>

namespace mainstay {

bool is_bad_name(std::string_view name) {
  if (name.empty() || name == "." || name == ".." || name.find('/') != name.npos) return true;
  return std::any_of(name.begin(), name.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

std::string printable(std::string_view name) {
  std::string out(name.substr(0, 255));
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  return out;
}

std::optional<std::string> link_target(std::string_view directory, std::string_view link) {
  if (link.empty() || link.front() == '/') return std::nullopt;
  std::vector<std::string_view> parts;
  auto add = [&](std::string_view path) {
    while (!path.empty()) {
      size_t slash = std::min(path.find('/'), path.size());
      std::string_view part = path.substr(0, slash);
      path.remove_prefix(std::min(slash + 1, path.size()));
      if (part.empty() || part == ".") continue;
      if (part != "..") parts.push_back(part);
      else if (parts.empty()) return false;
      else parts.pop_back();
    }
    return true;
  };
  if (!add(directory) || !add(link)) return std::nullopt;
  std::string out;
  for (std::string_view part : parts) out += (out.empty() ? "" : "/") + std::string(part);
  return out;
}

}  // namespace mainstay
