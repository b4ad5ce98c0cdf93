#include "nodeagent/runtime/termination_message.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "nodeagent/disk.h"
#include "nodeagent/log_file.h"
#include "schema/utf8.h"

namespace mainstay {
namespace {

constexpr size_t kMostOfMessage = 4096;
constexpr size_t kMostOfLog = 2048;
constexpr int64_t kLinesOfLog = 80;

// Bytes that are no UTF-8 cannot be told in JSON.
std::string as_utf8(std::string_view bytes) {
  std::string out;
  for (size_t at = 0; at < bytes.size();) {
    size_t length = utf8_length(bytes, at);
    if (length == 0) out += '?';
    out += bytes.substr(at, length);
    at += std::max<size_t>(length, 1);
  }
  return out;
}

// The last `most` bytes, beginning with a whole character.
std::string_view tail(std::string_view text, size_t most) {
  if (text.size() <= most) return text;
  text.remove_prefix(text.size() - most);
  while (!text.empty() && (static_cast<unsigned char>(text.front()) & 0xc0) == 0x80) text.remove_prefix(1);
  return text;
}

// The end of a file that a container has written and may have made as large as it liked.
std::string read_end(const std::string& path) {
  Fd file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  struct stat info;
  if (!file.open() || fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode)) return "";
  auto most = static_cast<off_t>(kMostOfMessage);
  std::string out(static_cast<size_t>(std::min(info.st_size, most)), '\0');
  ssize_t got = pread(file.get(), out.data(), out.size(), std::max<off_t>(info.st_size - most, 0));
  out.resize(static_cast<size_t>(std::max<ssize_t>(got, 0)));
  return out;
}

}  // namespace

std::string termination_message_file(const NodePaths& paths, const ContainerKey& key) {
  return paths.container(key) + "/termination-log";
}

Status make_termination_message_file(const NodePaths& paths, const ContainerKey& key) {
  std::string path = termination_message_file(paths, key);
  RETURN_IF_ERROR(write_file(path, "", 0666));
  // Not the umask's business: the container's user may be anybody.
  if (chmod(path.c_str(), 0666) != 0) return errno_error("setting the mode of " + path, errno);
  return {};
}

std::string read_termination_message(const NodePaths& paths, const ContainerKey& key, bool from_log) {
  std::string own = read_end(termination_message_file(paths, key));
  if (!own.empty() || !from_log) return std::string(tail(as_utf8(own), kMostOfMessage));
  LogQuery query;
  query.tail_lines = kLinesOfLog;
  auto chunk = read_log(paths.log(key), query);
  if (!chunk.ok()) return "";
  return std::string(tail(as_utf8(render_log(chunk->lines, false)), kMostOfLog));
}

}  // namespace mainstay
