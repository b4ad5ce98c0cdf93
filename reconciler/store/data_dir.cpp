#include "reconciler/store/data_dir.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <utility>

#include "reconciler/store/private_file.h"

namespace mainstay {
namespace {

constexpr uint64_t kSpareForBallast = 4 * kBallastBytes;

Error system_error(const std::string& what) {
  int number = errno;
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

Status write_all(int descriptor, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    ssize_t count = ::write(descriptor, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return system_error("writing " + path);
    bytes.remove_prefix(static_cast<size_t>(count));
  }
  return {};
}

}  // namespace

Result<DataDir> DataDir::open(const std::string& wanted) {
  std::string path = wanted;
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  std::error_code ignored;
  std::filesystem::create_directories(folder_of(path), ignored);
  RETURN_IF_ERROR(make_folder(path));
  RETURN_IF_ERROR(make_folder(path + "/pki"));
  RETURN_IF_ERROR(make_folder(path + "/repos"));
  DataDir dir;
  dir.path_ = path;
  std::string file = dir.file("lock");
  dir.lock_ = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (dir.lock_ < 0) return system_error("opening " + file);
  if (::flock(dir.lock_, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return system_error("locking " + file);
    char pid[32] = {};
    ssize_t length = ::pread(dir.lock_, pid, sizeof pid - 1, 0);
    std::string owner = length > 0 ? std::string(pid, static_cast<size_t>(length)) : "unknown";
    return error(ErrorCode::kBusy, "another mainstay (process " + owner + ") uses " + path +
                                       "; stop it first, or choose another --data-dir");
  }
  std::string pid = std::to_string(::getpid());
  if (::ftruncate(dir.lock_, 0) != 0) return system_error("writing " + file);
  RETURN_IF_ERROR(write_all(dir.lock_, pid, file));
  return dir;
}

DataDir::DataDir(DataDir&& other) noexcept
    : path_(std::move(other.path_)), lock_(std::exchange(other.lock_, -1)) {}
DataDir& DataDir::operator=(DataDir&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(lock_, other.lock_);
  return *this;
}
DataDir::~DataDir() {
  if (lock_ >= 0) ::close(lock_);
}

bool DataDir::make_ballast() const {
  std::string path = file("ballast");
  struct stat status = {};
  if (::stat(path.c_str(), &status) == 0 && status.st_size == static_cast<off_t>(kBallastBytes)) return true;
  struct statvfs disk = {};
  if (::statvfs(path_.c_str(), &disk) != 0 || disk.f_bavail * disk.f_frsize < kSpareForBallast) return false;
  OpenFile made(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  if (made.ok() && ::posix_fallocate(made.get(), 0, static_cast<off_t>(kBallastBytes)) == 0) return true;
  ::unlink(path.c_str());
  return false;
}

bool DataDir::drop_ballast() const { return ::unlink(file("ballast").c_str()) == 0; }

}  // namespace mainstay
