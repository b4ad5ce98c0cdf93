// Files, directories and mounts of the node, as the doors need them: whole-file reads with a bound, atomic
// writes, and removals that never follow a link or leave the file system they started on. Any thread.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "schema/base/result.h"

namespace mainstay {

// Owns one descriptor.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  ~Fd() { reset(); }
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept;
  int get() const { return fd_; }
  bool open() const { return fd_ >= 0; }
  void reset();

 private:
  int fd_ = -1;
};

// "opening /x: No such file or directory", with the code that goes with errno.
Error errno_error(std::string_view doing, int error_number);

// kNotFound if there is no such file, kInvalid if it is larger than `max_bytes`.
Result<std::string> read_file(const std::string& path, size_t max_bytes = 4 << 20);

// Replaces the file in one step (temporary file, rename); `durable` makes it outlive a power failure.
Status write_file(const std::string& path, std::string_view bytes, mode_t mode, bool durable = false);

// Makes the directory and its parents; fine if it is there.
Status make_dirs(const std::string& path, mode_t mode = 0755);

bool path_exists(const std::string& path);  // a link counts, wherever it leads

// The path without links. kNotFound if there is nothing.
Result<std::string> real_path(const std::string& path);

// True if a tmpfs of its own is mounted exactly there.
bool is_tmpfs_mount(const std::string& path);

// Names in a directory, sorted, without "." and ".."; none if it does not exist.
Result<std::vector<std::string>> list_dir(const std::string& path);

// Mount points at or below a path, deepest last mounted first.
std::vector<std::string> mounts_below(const std::string& path);

// Detaches every mount at or below a path. A busy one goes when its last user does.
Status unmount_below(const std::string& path);

// Unmounts below, then deletes the tree, however deep. Links are deleted, never followed; a mount that stays
// is kBusy and nothing of it is touched. Fine if there is nothing.
Status remove_tree(const std::string& path);

// What a tree takes on its disk: blocks of files and directories, links not followed, other file systems not
// entered, a file with several names counted for each. What lies deeper than 500 directories is not counted. 0 if
// there is nothing.
uint64_t tree_bytes(const std::string& path);
// Files and directories of it, itself counted; the same bounds.
uint64_t tree_entries(const std::string& path);

// Opens `path` inside `root` without leaving it: links are resolved as if `root` were "/" (openat2).
Result<Fd> open_in_root(int root, const std::string& path, int flags, mode_t mode = 0);
// The same, but a link or ".." that leads outside is an error instead.
Result<Fd> open_beneath(int root, const std::string& path, int flags, mode_t mode = 0);

}  // namespace mainstay
