#include "gitsync/local_tree.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "gitsync/tree_names.h"

namespace mainstay {
namespace {

namespace fs = std::filesystem;

std::string joined(const std::string& folder, const std::string& name) {
  return folder.ends_with("/") ? folder + name : folder + "/" + name;
}

// The work tree that the folder lies in, else the folder itself.
fs::path work_tree_of(const fs::path& folder) {
  std::error_code failed;
  const fs::path start = fs::canonical(folder, failed);
  for (fs::path at = start; !failed && !at.empty(); at = at.parent_path()) {
    if (fs::exists(at / ".git", failed)) return at;
    if (at == at.parent_path()) break;
  }
  return start;
}

// Tells apart what a commit of the folder would hold. `below` is always the directory from the folder on: "" or ending
// in '/'.
class Walk {
 public:
  Walk(std::string folder, const FileSelection& selection, const SourceLimits& limits)
      : folder_(std::move(folder)), selection_(selection), limits_(limits), root_(work_tree_of(folder_)) {
    std::error_code failed;
    inside_ = fs::canonical(folder_, failed).lexically_relative(root_).string();
  }

  Status directory(const std::string& below, size_t depth);
  std::vector<TreeFile> files;

 private:
  Status entry(const fs::directory_entry& entry, const std::string& below, size_t depth);
  bool leads_to_directory(const fs::path& link, const std::string& below) const;
  void add(TreeFile::Kind kind, const std::string& below, const std::string& name) {
    TreeFile file;
    file.path = joined(folder_, below + printable(name));
    file.kind = kind;
    files.push_back(std::move(file));
  }

  const std::string folder_;
  const FileSelection& selection_;
  const SourceLimits& limits_;
  const fs::path root_;
  std::string inside_;  // the folder from the root on
  size_t entries_ = 0;
};

Status Walk::directory(const std::string& below, size_t depth) {
  if (depth > limits_.max_tree_depth) return too_deep(below, limits_);
  const std::string path = joined(folder_, below);
  std::error_code failed;
  for (fs::directory_iterator at(path, failed), end; !failed && at != end; at.increment(failed)) {
    if (depth == 0 && at->path().filename() == ".git") continue;
    if (++entries_ > limits_.max_tree_entries) return too_many_entries(limits_);
    RETURN_IF_ERROR(entry(*at, below, depth));
  }
  if (failed) return error(ErrorCode::kNotFound, "cannot read " + path + ": " + failed.message());
  return {};
}

Status Walk::entry(const fs::directory_entry& entry, const std::string& below, size_t depth) {
  using Kind = TreeFile::Kind;
  const std::string name = entry.path().filename().string(), relative = below + name;
  std::error_code failed;
  const fs::file_type type = entry.symlink_status(failed).type();
  if (is_bad_name(name)) {
    if (!selection_.excludes(relative)) add(Kind::kBadName, below, name);
  } else if (type == fs::file_type::directory) {
    if (!selection_.enters(relative)) return {};
    if (!fs::exists(entry.path() / ".git", failed)) return directory(relative + "/", depth + 1);
    add(Kind::kSubmodule, below, name);
  } else if (type == fs::file_type::symlink) {
    if (selection_.takes(relative)) {
      add(Kind::kSymlink, below, name);
    } else if (selection_.enters(relative) && leads_to_directory(entry.path(), below)) {
      add(Kind::kDirectorySymlink, below, name);
    }
  } else if (type == fs::file_type::regular && selection_.takes(relative)) {
    add(Kind::kFile, below, name);
  }
  return {};
}

bool Walk::leads_to_directory(const fs::path& link, const std::string& below) const {
  std::error_code failed;
  const std::string to = fs::read_symlink(link, failed).string();
  if (failed) return false;
  std::optional<std::string> target = link_target(inside_ + "/" + below, to);
  return target && fs::is_directory(root_ / *target, failed);
}

// kNotFound: it cannot be read, as when it is gone by now; kFull: too large.
Result<std::string> read_file(const std::string& path, const SourceLimits& limits) {
  std::error_code failed;
  const bool is_regular = fs::is_regular_file(path, failed);
  const uint64_t size = is_regular ? fs::file_size(path, failed) : 0;
  if (!failed && size > limits.max_blob_bytes) return too_large(size, limits);
  std::ifstream in(path, std::ios::binary);
  if (!in) return error(ErrorCode::kNotFound, "cannot read " + path);
  std::stringstream text;
  text << in.rdbuf();
  std::string bytes = std::move(text).str();
  if (bytes.size() > limits.max_blob_bytes) return too_large(bytes.size(), limits);
  return bytes;
}

Result<LocalTree> build(std::vector<TreeFile> files, std::string path, const ManifestRules& rules,
                        const SourceLimits& limits) {
  std::sort(files.begin(), files.end(), [](const TreeFile& a, const TreeFile& b) { return a.path < b.path; });
  LocalTree out;
  DesiredBuilder builder(rules, std::move(path));
  for (TreeFile& file : files) {
    if (file.kind != TreeFile::Kind::kFile) continue;
    // Files of a disk have no ids; a number does as well, as each is read but once.
    const uint64_t number = ++out.files;
    std::memcpy(file.blob.bytes.data(), &number, sizeof number);
    Result<std::string> bytes = read_file(file.path, limits);
    if (!bytes.ok() && bytes.error().code != ErrorCode::kFull) return bytes.error();
    builder.learn({{&file, std::move(bytes)}});
  }
  out.built = builder.build(files);
  const DesiredSetPtr& read = out.built.set ? out.built.set : out.built.readable;
  if (read) out.objects = read->objects.size();
  return out;
}

}  // namespace

Result<LocalTree> read_folder(const std::string& folder, const ManifestRules& rules, const SourceLimits& limits) {
  ASSIGN_OR_RETURN(FileSelection selection, FileSelection::create({}));
  std::string path = folder;
  while (path.size() > 1 && path.ends_with("/")) path.pop_back();
  Walk walk(path, selection, limits);
  RETURN_IF_ERROR(walk.directory("", 0));
  return build(std::move(walk.files), path == "/" ? "" : path, rules, limits);
}

Result<LocalTree> read_files(const std::vector<std::string>& files, const ManifestRules& rules,
                             const SourceLimits& limits) {
  std::vector<TreeFile> named;
  std::set<fs::path> seen;
  for (const std::string& file : files) {
    std::error_code failed;
    fs::path place = fs::absolute(file, failed).lexically_normal();
    if (!seen.insert(std::move(place)).second) continue;  // named twice, it declares nothing twice
    named.emplace_back().path = file;
  }
  return build(std::move(named), "", rules, limits);
}

}  // namespace mainstay
