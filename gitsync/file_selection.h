// Which files of a tree are manifests: the path, the extension, dot-directories, include and exclude.
// Pure; immutable; any thread.
//
// Globs are Argo CD's for directory.include and directory.exclude: matched against the path below the
// application's path, `*` also crosses '/', `?` is one character, `[a-z]` and `[!a-z]` a class, `{a,b}`
// alternatives, `\` takes the next character as it is. Matching takes time proportional to
// pattern x path, whatever the pattern.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "schema/base/result.h"

namespace mainstay {

class Glob {
 public:
  // kInvalid for an open bracket or brace, a trailing '\', more than 64 alternatives or 1024 characters.
  static Result<Glob> compile(std::string_view pattern);
  bool matches(std::string_view text) const;

 private:
  std::vector<std::string> alternatives_;  // without braces
};

struct FileRules {
  std::string path;                  // "" and "." are the whole repository
  std::vector<std::string> include;  // empty: every manifest
  std::vector<std::string> exclude;
  bool recurse = true;
};

class FileSelection {
 public:
  // kInvalid for a bad glob, or a path that is absolute or holds "..", "//" or a control character.
  static Result<FileSelection> create(const FileRules& rules);

  // The normal form of the path: "" or "a/b".
  const std::string& path() const { return path_; }
  // Both take a path below path(). True if the walk goes into that directory.
  bool enters(std::string_view directory) const;
  // True if an entry of that name is to be read as a manifest.
  bool takes(std::string_view file) const;
  // True if exclude names the path.
  bool excludes(std::string_view path) const;

 private:
  std::string path_;
  std::vector<Glob> include_, exclude_;
  bool recurse_ = true;
};

// *.yaml, *.yml and *.json.
bool has_manifest_extension(std::string_view path);

}  // namespace mainstay
