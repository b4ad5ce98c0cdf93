#include "nodeagent/disk.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>
#include <sstream>

namespace mainstay {

Fd& Fd::operator=(Fd&& other) noexcept {
  if (this != &other) {
    reset();
    fd_ = std::exchange(other.fd_, -1);
  }
  return *this;
}

void Fd::reset() {
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
}

Error errno_error(std::string_view doing, int error_number) {
  ErrorCode code = ErrorCode::kFailed;
  if (error_number == ENOENT || error_number == ENOTDIR) code = ErrorCode::kNotFound;
  if (error_number == EEXIST) code = ErrorCode::kExists;
  if (error_number == EACCES || error_number == EPERM) code = ErrorCode::kDenied;
  if (error_number == ENOSPC || error_number == EDQUOT) code = ErrorCode::kFull;
  if (error_number == EBUSY) code = ErrorCode::kBusy;
  return {code, std::string(doing) + ": " + std::strerror(error_number)};
}

Result<std::string> read_file(const std::string& path, size_t max_bytes) {
  Fd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd.open()) return errno_error("opening " + path, errno);
  std::string out;
  char buffer[16384];
  while (true) {
    ssize_t got = read(fd.get(), buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno_error("reading " + path, errno);
    if (got == 0) return out;
    out.append(buffer, static_cast<size_t>(got));
    if (out.size() > max_bytes) {
      return error(ErrorCode::kInvalid, path + " is larger than " + std::to_string(max_bytes) + " bytes");
    }
  }
}

namespace {

std::string parent_of(const std::string& path) {
  size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}

Status write_all(int fd, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    ssize_t put = write(fd, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return errno_error("writing " + path, errno);
    bytes.remove_prefix(static_cast<size_t>(put));
  }
  return {};
}

}  // namespace

Status write_file(const std::string& path, std::string_view bytes, mode_t mode, bool durable) {
  // One temporary name per path: what a killed writer left is overwritten by the next, and never piles up.
  std::string temporary = path + ".new";
  Fd fd(open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode));
  if (!fd.open()) return errno_error("creating " + temporary, errno);
  if (fchmod(fd.get(), mode) != 0) return errno_error("setting the mode of " + temporary, errno);
  RETURN_IF_ERROR(write_all(fd.get(), bytes, temporary));
  if (durable && fsync(fd.get()) != 0) return errno_error("syncing " + temporary, errno);
  if (rename(temporary.c_str(), path.c_str()) != 0) return errno_error("renaming to " + path, errno);
  if (durable) {
    Fd dir(open(parent_of(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!dir.open() || fsync(dir.get()) != 0) return errno_error("syncing the directory of " + path, errno);
  }
  return {};
}

Status make_dirs(const std::string& path, mode_t mode) {
  if (mkdir(path.c_str(), mode) == 0) return {};
  if (errno == ENOENT && path != "/") {
    RETURN_IF_ERROR(make_dirs(parent_of(path), 0755));
    if (mkdir(path.c_str(), mode) == 0) return {};
  }
  int saved = errno;
  struct stat info;
  if (saved == EEXIST && stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode)) return {};
  return errno_error("making directory " + path, saved);
}

bool path_exists(const std::string& path) {
  struct stat info;
  return lstat(path.c_str(), &info) == 0;
}

Result<std::string> real_path(const std::string& path) {
  std::unique_ptr<char, decltype(&std::free)> found(realpath(path.c_str(), nullptr), &std::free);
  if (!found) return errno_error("resolving " + path, errno);
  return std::string(found.get());
}

bool is_tmpfs_mount(const std::string& path) {
  struct statfs info;
  struct stat here, above;
  return statfs(path.c_str(), &info) == 0 && info.f_type == TMPFS_MAGIC && stat(path.c_str(), &here) == 0 &&
         stat((path + "/..").c_str(), &above) == 0 && here.st_dev != above.st_dev;
}

namespace {

struct DirCloser {
  void operator()(DIR* dir) const { closedir(dir); }
};
using Dir = std::unique_ptr<DIR, DirCloser>;

std::vector<std::string> names_in(DIR* dir) {
  std::vector<std::string> names;
  while (dirent* entry = readdir(dir)) {
    std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  return names;
}

}  // namespace

Result<std::vector<std::string>> list_dir(const std::string& path) {
  Dir dir(opendir(path.c_str()));
  if (!dir && errno == ENOENT) return std::vector<std::string>{};
  if (!dir) return errno_error("reading directory " + path, errno);
  std::vector<std::string> names = names_in(dir.get());
  std::sort(names.begin(), names.end());
  return names;
}

namespace {

// mountinfo writes blank, tab, newline and backslash as \ooo.
std::string unescape_mount(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size() && text[i + 1] >= '0' && text[i + 1] <= '3') {
      out += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
      i += 3;
    } else {
      out += text[i];
    }
  }
  return out;
}

}  // namespace

std::vector<std::string> mounts_below(const std::string& path) {
  std::vector<std::string> found;
  std::ifstream file("/proc/self/mountinfo");
  std::string line;
  while (std::getline(file, line)) {
    std::istringstream words(line);
    std::string id, parent, device, root, point;
    words >> id >> parent >> device >> root >> point;
    point = unescape_mount(point);
    if (point == path || point.starts_with(path + "/")) found.push_back(std::move(point));
  }
  std::reverse(found.begin(), found.end());
  return found;
}

Status unmount_below(const std::string& path) {
  for (const std::string& point : mounts_below(path)) {
    if (umount2(point.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) != 0 && errno != EINVAL && errno != ENOENT) {
      return errno_error("unmounting " + point, errno);
    }
  }
  return {};
}

namespace {

constexpr int kMaxDepth = 100;

// Deletes one directory's contents. What lies deeper than kMaxDepth is moved up to `top` and deleted
// in the next round, so that a tree made to be deep costs neither stack nor descriptors.
class TreeRemoval {
 public:
  TreeRemoval(int top, std::string path) : top_(top), path_(std::move(path)) {}

  Status run() {
    do {
      moved_ = false;
      RETURN_IF_ERROR(empty(top_, 0));
    } while (moved_);
    return {};
  }

 private:
  Status empty(int fd, int depth) {
    int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (copy < 0) return errno_error("reading a directory below " + path_, errno);
    Dir dir(fdopendir(copy));
    if (!dir) {
      close(copy);
      return errno_error("reading a directory below " + path_, errno);
    }
    for (const std::string& name : names_in(dir.get())) {
      if (unlinkat(fd, name.c_str(), 0) == 0 || errno == ENOENT) continue;
      if (errno != EISDIR && errno != EPERM) return errno_error("deleting " + path_ + "/.../" + name, errno);
      RETURN_IF_ERROR(remove_directory(fd, name, depth));
    }
    return {};
  }

  Status remove_directory(int parent, const std::string& name, int depth) {
    struct statx info {};
    if (statx(parent, name.c_str(), AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_TYPE, &info) != 0) {
      return errno == ENOENT ? Status{} : errno_error("looking at " + path_ + "/.../" + name, errno);
    }
    if (info.stx_attributes & STATX_ATTR_MOUNT_ROOT) {
      return error(ErrorCode::kBusy, "something is mounted below " + path_ + " at '" + name + "'");
    }
    if (unlinkat(parent, name.c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT) return {};
    if (errno != ENOTEMPTY && errno != EEXIST)
      return errno_error("deleting " + path_ + "/.../" + name, errno);
    if (depth >= kMaxDepth) {
      int failure = 0;
      do {  // a name left by an interrupted removal may be taken
        std::string flat = ".removing-" + std::to_string(counter_++);
        failure = renameat(parent, name.c_str(), top_, flat.c_str()) == 0 ? 0 : errno;
      } while (failure == ENOTEMPTY || failure == EEXIST || failure == ENOTDIR);
      if (failure != 0) return errno_error("moving a deep directory below " + path_, failure);
      moved_ = true;
      return {};
    }
    Fd child(openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!child.open()) return errno_error("opening " + path_ + "/.../" + name, errno);
    RETURN_IF_ERROR(empty(child.get(), depth + 1));
    if (unlinkat(parent, name.c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT) return {};
    // Someone (a monitor saying its last word) wrote into it meanwhile.
    return errno_error("deleting " + path_ + "/.../" + name, errno);
  }

  int top_;
  std::string path_;
  bool moved_ = false;
  uint64_t counter_ = 0;
};

}  // namespace

Status remove_tree(const std::string& path) {
  RETURN_IF_ERROR(unmount_below(path));
  for (int attempt = 0;; ++attempt) {
    if (unlink(path.c_str()) == 0 || errno == ENOENT) return {};
    if (errno != EISDIR && errno != EPERM) return errno_error("deleting " + path, errno);
    Fd top(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!top.open()) return errno == ENOENT ? Status{} : errno_error("opening " + path, errno);
    Status emptied = TreeRemoval(top.get(), path).run();
    if (emptied.ok() && rmdir(path.c_str()) == 0) return {};
    int saved = emptied.ok() ? errno : 0;
    if (emptied.ok() && saved == ENOENT) return {};
    bool again = attempt < 5 && (emptied.ok() || emptied.error().code == ErrorCode::kExists ||
                                 emptied.error().code == ErrorCode::kFailed);
    if (!again) return emptied.ok() ? Status(errno_error("deleting " + path, saved)) : emptied;
    usleep(10'000);
  }
}

namespace {

Result<Fd> open_at(int root, const std::string& path, int flags, mode_t mode, uint64_t resolve) {
  open_how how{};
  how.flags = static_cast<uint64_t>(flags) | O_CLOEXEC;
  how.mode = (flags & O_CREAT) != 0 ? mode : 0;
  how.resolve = resolve;
  while (true) {
    int fd = static_cast<int>(syscall(SYS_openat2, root, path.c_str(), &how, sizeof how));
    if (fd >= 0) return Fd(fd);
    if (errno != EINTR && errno != EAGAIN) return errno_error("opening " + path, errno);
  }
}

}  // namespace

Result<Fd> open_in_root(int root, const std::string& path, int flags, mode_t mode) {
  return open_at(root, path, flags, mode, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
}

Result<Fd> open_beneath(int root, const std::string& path, int flags, mode_t mode) {
  return open_at(root, path, flags, mode, RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS);
}

namespace {

struct TreeSum {
  uint64_t bytes = 0, entries = 0;
};

TreeSum sum_tree(const std::string& path) {
  constexpr size_t kDeepest = 500;  // open directories at once
  constexpr uint64_t kBlock = 512;  // the unit of st_blocks
  struct stat info;
  if (lstat(path.c_str(), &info) != 0) return {};
  const dev_t device = info.st_dev;
  TreeSum sum{static_cast<uint64_t>(info.st_blocks) * kBlock, 1};
  std::vector<std::unique_ptr<DIR, DirCloser>> open_dirs;
  auto enter = [&](int at, const char* name) {
    int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) return;
    if (DIR* dir = fdopendir(fd)) {
      open_dirs.emplace_back(dir);
    } else {
      ::close(fd);
    }
  };
  if (S_ISDIR(info.st_mode)) enter(AT_FDCWD, path.c_str());
  while (!open_dirs.empty()) {
    DIR* dir = open_dirs.back().get();
    const dirent* entry = readdir(dir);
    if (entry == nullptr) {
      open_dirs.pop_back();
      continue;
    }
    std::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    if (fstatat(dirfd(dir), entry->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0 || info.st_dev != device) continue;
    sum.bytes += static_cast<uint64_t>(info.st_blocks) * kBlock;
    ++sum.entries;
    if (S_ISDIR(info.st_mode) && open_dirs.size() < kDeepest) enter(dirfd(dir), entry->d_name);
  }
  return sum;
}

}  // namespace

uint64_t tree_bytes(const std::string& path) { return sum_tree(path).bytes; }
uint64_t tree_entries(const std::string& path) { return sum_tree(path).entries; }

}  // namespace mainstay
