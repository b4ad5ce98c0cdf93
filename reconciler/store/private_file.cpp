#include "reconciler/store/private_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

namespace mainstay {
namespace {

Error system_error(const std::string& what, int number = errno) {
  ErrorCode code = number == ENOENT ? ErrorCode::kNotFound
                   : number == ENOSPC || number == EDQUOT ? ErrorCode::kFull
                   : number == EACCES || number == EPERM ? ErrorCode::kDenied
                                                          : ErrorCode::kFailed;
  return error(code, what + ": " + std::strerror(number));
}

class OpenFile {
 public:
  explicit OpenFile(int descriptor) : descriptor_(descriptor) {}
  ~OpenFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  bool ok() const { return descriptor_ >= 0; }
  int get() const { return descriptor_; }

 private:
  int descriptor_;
};

Status write_all(int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t count = ::write(descriptor, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return system_error("write");
    bytes.remove_prefix(static_cast<size_t>(count));
  }
  return {};
}

Result<std::string> read_all(int descriptor, const std::string& path, size_t limit) {
  std::string bytes;
  char buffer[16 << 10];
  while (true) {
    ssize_t count = ::read(descriptor, buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return system_error("reading " + path);
    if (count == 0) return bytes;
    bytes.append(buffer, static_cast<size_t>(count));
    if (bytes.size() > limit) {
      return error(ErrorCode::kInvalid, path + " is larger than " + std::to_string(limit) + " bytes");
    }
  }
}

}  // namespace

std::string folder_of(const std::string& path) {
  std::string folder = std::filesystem::path(path).parent_path().string();
  return folder.empty() ? "." : folder;
}

Status sync_path(const std::string& path) {
  OpenFile opened(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!opened.ok()) return system_error("opening " + path);
  if (::fsync(opened.get()) != 0) return system_error("syncing " + path);
  return {};
}

Status make_folder(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) == 0) return sync_path(folder_of(path));
  if (errno != EEXIST) return system_error("making " + path);
  return {};
}

Status make_private_directory(const std::string& path) {
  std::error_code code;
  std::filesystem::create_directories(folder_of(path), code);
  if (code) return system_error("making the directory of " + path, code.value());
  RETURN_IF_ERROR(make_folder(path));
  if (::chmod(path.c_str(), 0700) != 0) return system_error("protecting " + path);
  return {};
}

Status write_private_file(const std::string& path, std::string_view bytes, unsigned mode) {
  std::string folder = folder_of(path), beside = path + ".new";
  RETURN_IF_ERROR(make_folder(folder));
  ::unlink(beside.c_str());  // left by a crash; its mode may be wrong
  {
    OpenFile file(::open(beside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode));
    if (!file.ok()) return system_error("writing " + path);
    Status written = write_all(file.get(), bytes);
    if (written.ok() && ::fsync(file.get()) != 0) written = system_error("fsync");
    if (!written.ok()) {
      ::unlink(beside.c_str());
      return written.error().in("writing " + path);
    }
  }
  if (::rename(beside.c_str(), path.c_str()) != 0) return system_error("replacing " + path);
  return sync_path(folder);
}

Status make_private_file(const std::string& path) {
  OpenFile made(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  if (!made.ok()) return system_error("making " + path);
  return {};
}

Result<std::string> read_whole_file(const std::string& path, size_t limit) {
  OpenFile file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.ok()) return system_error("reading " + path);
  return read_all(file.get(), path, limit);
}

Result<std::string> read_private_file(const std::string& path) {
  constexpr size_t kLimit = 1 << 20;
  OpenFile file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.ok()) return system_error("opening " + path);
  struct stat status = {};
  if (::fstat(file.get(), &status) != 0) return system_error("reading " + path);
  if ((status.st_mode & 077) != 0) {
    return error(ErrorCode::kDenied, path + " can be read by others; run: chmod 600 " + path);
  }
  return read_all(file.get(), path, kLimit);
}

}  // namespace mainstay
