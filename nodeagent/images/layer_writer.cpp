#include "nodeagent/images/layer_writer.h"

#include <fcntl.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <string_view>

namespace mainstay {
namespace {

constexpr std::string_view kWhiteout = ".wh.";
constexpr std::string_view kOpaque = ".wh..wh..opq";
constexpr size_t kMaxDepth = 512;

std::string joined(const std::vector<std::string>& parts, size_t count) {
  std::string out;
  for (size_t i = 0; i < count; ++i) out += (i ? "/" : "") + parts[i];
  return out.empty() ? "." : out;
}

bool keep_xattr(const std::string& name) {
  return name == "security.capability" || name.starts_with("user.");
}

Error invalid(const std::string& path, const std::string& why) {
  return error(ErrorCode::kInvalid, "layer entry '" + path.substr(0, 300) + "': " + why);
}

Status make_opaque(int directory) {
  if (fsetxattr(directory, "trusted.overlay.opaque", "y", 1, 0) == 0) return {};
  return errno_error("marking a directory opaque", errno);
}

Status make_opaque_at(int parent, const std::string& name) {
  Fd fd(openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  return fd.open() ? make_opaque(fd.get()) : Status{};  // no directory hides nothing below it
}

bool is_whiteout(int parent, const std::string& name) {
  struct stat info;
  return fstatat(parent, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISCHR(info.st_mode) &&
         info.st_rdev == 0;
}

}  // namespace

Result<std::vector<std::string>> split_layer_path(const std::string& path) {
  if (path.size() > 4096) return invalid(path, "its path is longer than 4096 bytes");
  std::vector<std::string> out;
  size_t begin = 0;
  while (begin <= path.size()) {
    size_t end = std::min(path.find('/', begin), path.size());
    std::string part = path.substr(begin, end - begin);
    begin = end + 1;
    if (part.empty() || part == ".") continue;
    if (part == "..") return invalid(path, "'..' in its path");
    if (part.size() > 255) return invalid(path, "a name longer than 255 bytes");
    out.push_back(std::move(part));
  }
  if (out.size() > kMaxDepth) return invalid(path, "more than 512 directories deep");
  return out;
}

// The directory that is to hold the last component; missing ones are made.
Result<int> LayerWriter::parent_of(const std::vector<std::string>& parts) {
  std::string path = joined(parts, parts.size() - 1);
  if (parent_.open() && path == open_path_) return parent_.get();
  auto found = open_in_root(root_, path, O_RDONLY | O_DIRECTORY);
  for (size_t depth = 1; !found.ok() && depth < parts.size(); ++depth) {
    std::string prefix = joined(parts, depth);
    if (open_in_root(root_, prefix, O_PATH | O_DIRECTORY).ok()) continue;
    ASSIGN_OR_RETURN(Fd above, open_in_root(root_, joined(parts, depth - 1), O_RDONLY | O_DIRECTORY));
    const std::string& name = parts[depth - 1];
    // What a whiteout of this layer hides is in lower layers only.
    bool hidden = is_whiteout(above.get(), name) && unlinkat(above.get(), name.c_str(), 0) == 0;
    if (mkdirat(above.get(), name.c_str(), 0755) != 0) {
      return invalid(prefix,
                     errno == EEXIST ? "its directory is not a directory" : "cannot make its directory");
    }
    RETURN_IF_ERROR(hidden ? make_opaque_at(above.get(), name) : be_as_below(above.get(), parts, depth));
  }
  if (!found.ok()) found = open_in_root(root_, path, O_RDONLY | O_DIRECTORY);
  if (!found.ok()) return invalid(path, found.error().message);
  parent_ = std::move(*found);
  open_path_ = path;
  return parent_.get();
}

namespace {

// What the layers have at the path; nothing where it is no directory, or something hides it.
std::optional<struct stat> directory_below(const std::vector<std::string>& layers,
                                           const std::vector<std::string>& parts, size_t count) {
  for (const std::string& layer : layers) {
    Fd root(open(layer.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    struct stat info{};
    bool there = root.open();
    for (size_t depth = 1; there && depth <= count; ++depth) {
      auto found = open_in_root(root.get(), joined(parts, depth), O_PATH | O_NOFOLLOW);
      there = found.ok() && fstat(found->get(), &info) == 0;
      if (there && !S_ISDIR(info.st_mode)) return std::nullopt;
    }
    if (there) return info;
  }
  return std::nullopt;
}

}  // namespace

// overlayfs shows a directory with the owner and mode that it has in the highest layer.
Status LayerWriter::be_as_below(int parent, const std::vector<std::string>& parts, size_t count) {
  auto info = directory_below(below_, parts, count);
  if (!info) return {};
  const char* name = parts[count - 1].c_str();
  bool made = fchownat(parent, name, info->st_uid, info->st_gid, AT_SYMLINK_NOFOLLOW) == 0 &&
              fchmodat(parent, name, info->st_mode & 07777, 0) == 0;
  if (!made) return errno_error("setting owner and mode of " + joined(parts, count), errno);
  directories_[joined(parts, count)] = info->st_mtim;
  return {};
}

// Removes what stands at the name. A directory stays if the new entry is one too.
Status LayerWriter::clear(int parent, const std::string& name, bool keep_directory) {
  struct stat info;
  if (fstatat(parent, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) return {};
  if (S_ISDIR(info.st_mode) && keep_directory) return {};
  parent_ = Fd();  // it may lie inside what is deleted, or have been reached through it
  if (S_ISDIR(info.st_mode)) {
    return remove_tree("/proc/self/fd/" + std::to_string(parent) + "/" + name);
  }
  if (unlinkat(parent, name.c_str(), 0) != 0) return errno_error("replacing " + name, errno);
  return {};
}

Status LayerWriter::whiteout(int parent, const std::string& name) {
  if (name == kOpaque) return make_opaque(parent);
  std::string hidden = name.substr(kWhiteout.size());
  // Other names with two prefixes are bookkeeping of a file system nobody has any more (aufs).
  if (std::string_view(hidden).starts_with(kWhiteout)) return {};
  if (hidden.empty() || hidden == "." || hidden == "..") return invalid(name, "a whiteout of nothing");
  if (mknodat(parent, hidden.c_str(), S_IFCHR, makedev(0, 0)) == 0) return {};
  if (errno != EEXIST) return errno_error("writing whiteout " + hidden, errno);
  // An entry of this same layer wins over the whiteout, which then only hides what lies in lower layers.
  return make_opaque_at(parent, hidden);
}

Result<Fd> LayerWriter::add(const LayerEntry& entry) {
  ASSIGN_OR_RETURN(auto parts, split_layer_path(entry.path));
  if (parts.empty()) {  // the root itself
    if (entry.type != LayerEntry::Type::kDirectory) return invalid(entry.path, "not a directory");
    RETURN_IF_ERROR(set_metadata(root_, ".", entry));
    directories_["."] = entry.modified;
    return Fd();
  }
  for (size_t i = 0; i + 1 < parts.size(); ++i) {
    if (parts[i].starts_with(kWhiteout)) return invalid(entry.path, "a whiteout is no directory");
  }
  ASSIGN_OR_RETURN(int parent, parent_of(parts));
  const std::string& name = parts.back();
  if (name.starts_with(kWhiteout)) {
    RETURN_IF_ERROR(whiteout(parent, name));
    return Fd();
  }
  bool directory = entry.type == LayerEntry::Type::kDirectory;
  // A hard link is looked up before its name is cleared: it may name itself.
  Fd source;
  if (entry.type == LayerEntry::Type::kHardLink) {
    ASSIGN_OR_RETURN(auto target, split_layer_path(entry.target));
    auto found = open_in_root(root_, joined(target, target.size()), O_PATH | O_NOFOLLOW);
    struct stat info;
    bool linkable = found.ok() && fstat(found->get(), &info) == 0 && !S_ISDIR(info.st_mode) &&
                    !S_ISCHR(info.st_mode);  // a whiteout
    if (!linkable)
      return invalid(entry.path,
                     "hard link to '" + entry.target.substr(0, 300) + "', which is not in the layer");
    source = std::move(*found);
  }
  // clear() may drop the cached descriptor; this one stays.
  Fd holder(fcntl(parent, F_DUPFD_CLOEXEC, 3));
  if (!holder.open()) return errno_error("opening a directory of the layer", errno);
  bool hidden_below = directory && is_whiteout(holder.get(), name);
  RETURN_IF_ERROR(clear(holder.get(), name, directory));
  int at = holder.get();
  switch (entry.type) {
    case LayerEntry::Type::kFile: {
      Fd fd(openat(at, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
      if (!fd.open()) return errno_error("creating " + entry.path, errno);
      return fd;
    }
    case LayerEntry::Type::kDirectory:
      if (mkdirat(at, name.c_str(), 0700) != 0 && errno != EEXIST)
        return errno_error("making " + entry.path, errno);
      if (hidden_below) RETURN_IF_ERROR(make_opaque_at(at, name));
      directories_[joined(parts, parts.size())] = entry.modified;
      break;
    case LayerEntry::Type::kSymlink:
      if (symlinkat(entry.target.c_str(), at, name.c_str()) != 0)
        return errno_error("linking " + entry.path, errno);
      break;
    case LayerEntry::Type::kHardLink: {
      std::string from = "/proc/self/fd/" + std::to_string(source.get());
      if (linkat(AT_FDCWD, from.c_str(), at, name.c_str(), AT_SYMLINK_FOLLOW) != 0) {
        return errno_error("hard-linking " + entry.path, errno);
      }
      return Fd();  // it shares the other's metadata
    }
    case LayerEntry::Type::kFifo:
      if (mkfifoat(at, name.c_str(), 0600) != 0) return errno_error("making " + entry.path, errno);
      break;
  }
  RETURN_IF_ERROR(set_metadata(at, name, entry));
  return Fd();
}

Status LayerWriter::set_metadata(int parent, const std::string& name, const LayerEntry& entry) {
  if (fchownat(parent, name.c_str(), entry.uid, entry.gid, AT_SYMLINK_NOFOLLOW) != 0) {
    return errno_error("setting the owner of " + entry.path, errno);
  }
  timespec times[2] = {entry.modified, entry.modified};
  if (entry.type == LayerEntry::Type::kSymlink) {
    utimensat(parent, name.c_str(), times, AT_SYMLINK_NOFOLLOW);
    return {};
  }
  // The name was made by us just now, as something that is not a link.
  if (fchmodat(parent, name.c_str(), entry.mode, 0) != 0)
    return errno_error("setting the mode of " + entry.path, errno);
  utimensat(parent, name.c_str(), times, AT_SYMLINK_NOFOLLOW);
  Fd fd(openat(parent, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!fd.open() || entry.type != LayerEntry::Type::kDirectory) return {};
  for (const auto& [key, value] : entry.xattrs) {
    if (keep_xattr(key)) fsetxattr(fd.get(), key.c_str(), value.data(), value.size(), 0);
  }
  return {};
}

Status LayerWriter::finish_file(int fd, const LayerEntry& entry) {
  // The owner first: changing it clears set-uid bits and file capabilities.
  if (fchown(fd, entry.uid, entry.gid) != 0) return errno_error("setting the owner of " + entry.path, errno);
  if (fchmod(fd, entry.mode) != 0) return errno_error("setting the mode of " + entry.path, errno);
  for (const auto& [key, value] : entry.xattrs) {
    bool kept = !keep_xattr(key) || fsetxattr(fd, key.c_str(), value.data(), value.size(), 0) == 0;
    // A lost capability would make a program fail in a way nobody could explain.
    if (!kept && key == "security.capability")
      return errno_error("setting capabilities of " + entry.path, errno);
  }
  timespec times[2] = {entry.modified, entry.modified};
  futimens(fd, times);
  return {};
}

Status LayerWriter::finish() {
  for (const auto& [path, modified] : directories_) {
    auto fd = open_in_root(root_, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (!fd.ok()) continue;  // a later entry replaced it
    timespec times[2] = {modified, modified};
    futimens(fd->get(), times);
  }
  return {};
}

}  // namespace mainstay
