#include "reconciler/api/private_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace mainstay::api {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

Error system_error(const std::string& what, int code) {
  ErrorCode kind = code == ENOENT ? ErrorCode::kNotFound
                 : code == ENOSPC || code == EDQUOT ? ErrorCode::kFull
                 : code == EACCES || code == EPERM ? ErrorCode::kDenied : ErrorCode::kFailed;
  return error(kind, what + ": " + std::strerror(code));
}

Status write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t put = ::write(fd, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return system_error("write", errno);
    bytes.remove_prefix(static_cast<size_t>(put));
  }
  return {};
}

Status sync_directory_of(const std::string& path) {
  std::string parent = std::filesystem::path(path).parent_path();
  Descriptor dir(::open(parent.empty() ? "." : parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (dir.get() < 0 || ::fsync(dir.get()) != 0) return system_error("syncing " + parent, errno);
  return {};
}

}  // namespace

Status make_private_directory(const std::string& path) {
  std::error_code code;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), code);
  if (code) return system_error("making the directory of " + path, code.value());
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return system_error("making " + path, errno);
  if (::chmod(path.c_str(), 0700) != 0) return system_error("protecting " + path, errno);
  return {};
}

Status write_private_file(const std::string& path, std::string_view bytes, unsigned mode) {
  std::string beside = path + ".new";
  ::unlink(beside.c_str());  // left by a crash; its mode may be wrong
  {
    Descriptor file(::open(beside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode));
    if (file.get() < 0) return system_error("writing " + path, errno);
    Status written = write_all(file.get(), bytes);
    if (written.ok() && ::fsync(file.get()) != 0) written = system_error("fsync", errno);
    if (!written.ok()) {
      ::unlink(beside.c_str());
      return written.error().in("writing " + path);
    }
  }
  if (::rename(beside.c_str(), path.c_str()) != 0) return system_error("replacing " + path, errno);
  return sync_directory_of(path);
}

Result<std::string> read_whole_file(const std::string& path, size_t limit) {
  Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return system_error("reading " + path, errno);
  std::string bytes;
  char buffer[16 << 10];
  while (true) {
    ssize_t got = ::read(file.get(), buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return system_error("reading " + path, errno);
    if (got == 0) return bytes;
    bytes.append(buffer, static_cast<size_t>(got));
    if (bytes.size() > limit) {
      return error(ErrorCode::kInvalid, path + " is larger than " + std::to_string(limit) + " bytes");
    }
  }
}

}  // namespace mainstay::api
