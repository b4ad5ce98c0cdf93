#include "gitsync/file_selection.h"

#include <algorithm>

namespace mainstay {
namespace {

constexpr size_t kMaxPattern = 1024;
constexpr size_t kMaxAlternatives = 64;

Error bad_glob(std::string_view pattern, std::string_view why) {
  return error(ErrorCode::kInvalid,
               "glob \"" + std::string(pattern.substr(0, 100)) + "\": " + std::string(why));
}

// The index behind the element (character, escape or class) that starts at `i`; npos if it is not closed.
size_t after_element(std::string_view p, size_t i) {
  if (p[i] == '\\') return i + 1 < p.size() ? i + 2 : p.npos;
  if (p[i] != '[') return i + 1;
  size_t j = i + 1;
  if (j < p.size() && (p[j] == '!' || p[j] == '^')) ++j;
  for (bool first = true; j < p.size(); first = false) {
    if (p[j] == ']' && !first) return j + 1;
    j += p[j] == '\\' ? 2 : 1;
  }
  return p.npos;
}

struct Braces {
  size_t open = std::string_view::npos, close = 0;
  std::vector<std::string_view> parts;
};

// The first "{...}" of the pattern; open is npos if there is none.
Result<Braces> first_braces(std::string_view p) {
  Braces found;
  size_t depth = 0, part = 0;
  for (size_t i = 0; i < p.size();) {
    if (p[i] == '{') {
      if (depth++ == 0) {
        found.open = i;
        part = i + 1;
      }
    } else if (depth > 0 && p[i] == '}') {
      if (--depth == 0) {
        found.parts.push_back(p.substr(part, i - part));
        found.close = i;
        return found;
      }
    } else if (depth == 1 && p[i] == ',') {
      found.parts.push_back(p.substr(part, i - part));
      part = i + 1;
    }
    i = after_element(p, i);
    if (i == p.npos || i > p.size()) return bad_glob(p, "a class or escape is not closed");
  }
  if (depth > 0) return bad_glob(p, "'{' is not closed");
  return found;
}

// True if the element at p[i], `end` being its end, matches `c`.
bool element_matches(std::string_view p, size_t i, size_t end, char c) {
  if (p[i] == '?') return true;
  if (p[i] == '\\') return p[i + 1] == c;
  if (p[i] != '[') return p[i] == c;
  size_t j = i + 1;
  bool negated = p[j] == '!' || p[j] == '^';
  if (negated) ++j;
  bool in = false;
  while (j + 1 < end) {
    if (p[j] == '\\') ++j;
    char low = p[j], high = low;
    if (j + 3 < end && p[j + 1] == '-') {
      high = p[j + 2];
      j += 2;
    }
    if (low <= c && c <= high) in = true;
    ++j;
  }
  return in != negated;
}

// Greedy with one resume point: linear space, at most pattern x text steps.
bool matches_plain(std::string_view p, std::string_view text) {
  size_t i = 0, t = 0, star = p.npos, resume = 0;
  while (t < text.size()) {
    if (i < p.size() && p[i] == '*') {
      star = i++;
      resume = t;
      continue;
    }
    if (i < p.size()) {
      size_t end = after_element(p, i);
      if (element_matches(p, i, end, text[t])) {
        i = end;
        ++t;
        continue;
      }
    }
    if (star == p.npos) return false;
    i = star + 1;
    t = ++resume;
  }
  while (i < p.size() && p[i] == '*') ++i;
  return i == p.size();
}

bool any_matches(const std::vector<Glob>& globs, std::string_view path) {
  return std::any_of(globs.begin(), globs.end(), [&](const Glob& glob) { return glob.matches(path); });
}

Result<std::string> normal_path(std::string_view path) {
  auto bad = [&](std::string_view why) {
    return error(ErrorCode::kInvalid,
                 "path \"" + std::string(path.substr(0, 200)) + "\": " + std::string(why));
  };
  if (path.size() > 1024) return bad("longer than 1024 characters");
  for (unsigned char c : path) {
    if (c < 0x20 || c == 0x7f) return error(ErrorCode::kInvalid, "the path holds a control character");
  }
  if (path.starts_with("/")) return bad("it is absolute; give it from the repository's root");
  std::string out;
  std::string_view rest = path;
  while (!rest.empty()) {
    size_t slash = rest.find('/');
    std::string_view part = rest.substr(0, slash);
    if (part == "..") return bad("it holds \"..\"");
    if (part.empty()) return bad("it holds \"//\"");
    if (part != ".") out += (out.empty() ? "" : "/") + std::string(part);
    if (slash == rest.npos) break;
    rest.remove_prefix(slash + 1);
  }
  return out;
}

}  // namespace

Result<Glob> Glob::compile(std::string_view pattern) {
  if (pattern.empty()) return bad_glob(pattern, "it is empty");
  if (pattern.size() > kMaxPattern) return bad_glob(pattern, "longer than 1024 characters");
  Glob glob;
  std::vector<std::string> open{std::string(pattern)};
  while (!open.empty()) {
    std::string next = std::move(open.back());
    open.pop_back();
    ASSIGN_OR_RETURN(Braces braces, first_braces(next));
    if (braces.open == std::string_view::npos) {
      glob.alternatives_.push_back(next);
    } else {
      for (std::string_view part : braces.parts) {
        open.push_back(next.substr(0, braces.open) + std::string(part) + next.substr(braces.close + 1));
      }
    }
    if (open.size() + glob.alternatives_.size() > kMaxAlternatives)
      return bad_glob(pattern, "more than 64 alternatives");
  }
  return glob;
}

bool Glob::matches(std::string_view text) const {
  return std::any_of(alternatives_.begin(), alternatives_.end(),
                     [&](const std::string& plain) { return matches_plain(plain, text); });
}

Result<FileSelection> FileSelection::create(const FileRules& rules) {
  FileSelection selection;
  ASSIGN_OR_RETURN(selection.path_, normal_path(rules.path));
  for (const std::string& pattern : rules.include) {
    ASSIGN_OR_RETURN(Glob glob, Glob::compile(pattern));
    selection.include_.push_back(std::move(glob));
  }
  for (const std::string& pattern : rules.exclude) {
    ASSIGN_OR_RETURN(Glob glob, Glob::compile(pattern));
    selection.exclude_.push_back(std::move(glob));
  }
  selection.recurse_ = rules.recurse;
  return selection;
}

bool FileSelection::enters(std::string_view directory) const {
  if (!recurse_) return false;
  size_t slash = directory.rfind('/');
  std::string_view name = slash == directory.npos ? directory : directory.substr(slash + 1);
  return !name.starts_with(".") && !excludes(directory);
}

bool FileSelection::takes(std::string_view file) const {
  if (!has_manifest_extension(file) || excludes(file)) return false;
  return include_.empty() || any_matches(include_, file);
}

bool FileSelection::excludes(std::string_view path) const { return any_matches(exclude_, path); }

bool has_manifest_extension(std::string_view path) {
  return path.ends_with(".yaml") || path.ends_with(".yml") || path.ends_with(".json");
}

}  // namespace mainstay
