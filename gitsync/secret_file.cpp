#include "gitsync/secret_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace mainstay {
namespace {

constexpr size_t kMaxSecret = 64 * 1024;

Error file_error(std::string_view what, const std::string& path) {
  ErrorCode code = errno == ENOENT   ? ErrorCode::kNotFound
                   : errno == EACCES ? ErrorCode::kDenied
                                     : ErrorCode::kFailed;
  return error(code, std::string(what) + " " + path + ": " + std::strerror(errno));
}

}  // namespace

Result<std::string> read_small_file(const std::string& path, size_t limit, std::string_view what) {
  int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);  // a FIFO must not hold us up
  if (fd < 0) return file_error(what, path);
  std::string bytes;
  char chunk[4096];
  while (true) {
    ssize_t got = ::read(fd, chunk, sizeof chunk);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      Error failure = file_error(what, path);
      ::close(fd);
      return failure;
    }
    if (got == 0) break;
    bytes.append(chunk, static_cast<size_t>(got));
    if (bytes.size() > limit) {
      ::close(fd);
      return error(ErrorCode::kFull,
                   std::string(what) + " " + path + ": larger than " + std::to_string(limit) + " bytes");
    }
  }
  ::close(fd);
  return bytes;
}

Result<std::string> read_secret_file(const std::string& path, std::string_view what) {
  ASSIGN_OR_RETURN(std::string bytes, read_small_file(path, kMaxSecret, what));
  size_t end = bytes.find('\n');
  std::string_view line = std::string_view(bytes).substr(0, end);
  size_t first = line.find_first_not_of(" \t\r");
  if (first == line.npos)
    return error(ErrorCode::kInvalid, std::string(what) + " " + path + ": the first line is empty");
  line = line.substr(first, line.find_last_not_of(" \t\r") - first + 1);
  for (unsigned char c : line) {
    if (c < 0x20 || c == 0x7f) {
      return error(ErrorCode::kInvalid, std::string(what) + " " + path + ": holds a control character");
    }
  }
  return std::string(line);
}

}  // namespace mainstay
