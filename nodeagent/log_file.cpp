#include "nodeagent/log_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include "nodeagent/disk.h"

namespace mainstay {

std::optional<LogLine> parse_log_line(std::string_view line) {
  LogLine out;
  size_t first = line.find(' ');
  if (first == std::string_view::npos) return std::nullopt;
  out.time = line.substr(0, first);
  auto when = parse_rfc3339(out.time);
  if (!when) return std::nullopt;
  out.when = *when;
  line.remove_prefix(first + 1);
  if (line.starts_with("stderr ")) {
    out.from_stderr = true;
  } else if (!line.starts_with("stdout ")) {
    return std::nullopt;
  }
  line.remove_prefix(7);
  // Tags are separated by ':'; only the first one means anything today.
  std::string_view tags = line.substr(0, line.find(' '));
  std::string_view tag = tags.substr(0, tags.find(':'));
  if (tag != "F" && tag != "P") return std::nullopt;
  out.partial = tag == "P";
  if (tags.size() < line.size()) out.text = line.substr(tags.size() + 1);
  return out;
}

namespace {

// As Go prints a time in UTC: conmon writes "+00:00" where Kubernetes has "Z".
std::string shown_time(const std::string& time) {
  return time.ends_with("+00:00") ? time.substr(0, time.size() - 6) + "Z" : time;
}

}  // namespace

std::string render_log(const std::vector<LogLine>& lines, bool timestamps) {
  std::string out;
  // Parts of stdout and stderr may alternate: a line is told when it is whole.
  std::string open[2];
  for (const LogLine& line : lines) {
    std::string& text = open[line.from_stderr ? 1 : 0];
    if (timestamps && text.empty()) text = shown_time(line.time) + " ";
    text += line.text;
    if (line.partial) continue;
    out += text;
    out += '\n';
    text.clear();
  }
  return out + open[0] + open[1];  // what the last lines are, as far as they go
}

namespace {

struct LogPart {
  std::string path;
  uint64_t inode = 0;
  uint64_t size = 0;
};

// The rotated files and the present one, oldest first.
std::vector<LogPart> parts_of(const std::string& path) {
  std::vector<LogPart> out;
  for (int number = 0;; ++number) {
    std::string name = number == 0 ? path : path + "." + std::to_string(number);
    struct stat info;
    if (stat(name.c_str(), &info) == 0) {
      out.push_back({name, info.st_ino, static_cast<uint64_t>(info.st_size)});
    } else if (number > 0) {
      break;
    }
  }
  std::reverse(out.begin(), out.end());
  return out;
}

// Appends the whole lines between `offset` and the end, at most about `budget` bytes; returns how far it
// came.
Result<uint64_t> read_lines(const LogPart& part, uint64_t offset, uint64_t budget,
                            std::vector<LogLine>& into) {
  Fd fd(open(part.path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.open()) return errno_error("opening " + part.path, errno);
  struct stat info;
  if (fstat(fd.get(), &info) != 0 || info.st_ino != part.inode)
    return offset;  // rotated under our hands: next time
  std::string pending;
  std::vector<char> buffer(64 << 10);
  uint64_t at = offset;
  uint64_t done = offset;
  while (at - offset < budget) {
    ssize_t got = pread(fd.get(), buffer.data(), std::min<uint64_t>(buffer.size(), budget - (at - offset)),
                        static_cast<off_t>(at));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno_error("reading " + part.path, errno);
    if (got == 0) break;
    at += static_cast<uint64_t>(got);
    pending.append(buffer.data(), static_cast<size_t>(got));
    size_t start = 0;
    for (size_t end; (end = pending.find('\n', start)) != std::string::npos; start = end + 1) {
      auto line = parse_log_line(std::string_view(pending).substr(start, end - start));
      if (line) into.push_back(std::move(*line));
    }
    done += start;
    pending.erase(0, start);
    // conmon's lines are at most 8 KiB of text; something longer is no log line and is passed over.
    if (pending.size() > (1 << 20)) {
      done = at;
      pending.clear();
    }
  }
  return done;
}

// Where the last `lines` lines of a file begin, reading backwards; subtracts those found.
Result<uint64_t> tail_offset(const LogPart& part, int64_t& lines) {
  Fd fd(open(part.path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.open()) return errno_error("opening " + part.path, errno);
  std::vector<char> buffer(64 << 10);
  uint64_t end = part.size;
  while (end > 0) {
    uint64_t begin = end > buffer.size() ? end - buffer.size() : 0;
    ssize_t got = pread(fd.get(), buffer.data(), end - begin, static_cast<off_t>(begin));
    if (got != static_cast<ssize_t>(end - begin))
      return errno_error("reading " + part.path, got < 0 ? errno : EIO);
    for (uint64_t i = end; i > begin; --i) {
      if (buffer[i - 1 - begin] != '\n') continue;
      // This newline ends a line; the one before it begins where the next newline back is.
      if (i == part.size) continue;
      if (--lines == 0) return i;
    }
    end = begin;
  }
  if (part.size > 0) --lines;
  return 0;
}

}  // namespace

Result<LogChunk> read_log(const std::string& path, const LogQuery& query) {
  std::vector<LogPart> parts = parts_of(path);
  if (parts.empty()) return error(ErrorCode::kNotFound, "no log at " + path);
  LogCursor from{parts.front().inode, 0};
  LogCursor end{parts.back().inode, parts.back().size};
  if (query.tail_lines >= 0) {
    int64_t left = query.tail_lines;
    from = end;
    for (auto part = parts.rbegin(); part != parts.rend() && left > 0; ++part) {
      ASSIGN_OR_RETURN(uint64_t offset, tail_offset(*part, left));
      from = {part->inode, offset};
    }
  }
  ASSIGN_OR_RETURN(LogChunk chunk, follow_log(path, from, query.max_bytes, &end));
  chunk.end = end;
  if (query.since) {
    auto early = [&](const LogLine& line) { return line.when < *query.since; };
    chunk.lines.erase(std::remove_if(chunk.lines.begin(), chunk.lines.end(), early), chunk.lines.end());
  }
  return chunk;
}

Result<LogChunk> follow_log(const std::string& path, const LogCursor& cursor, uint64_t max_bytes,
                            const LogCursor* end) {
  LogChunk out;
  out.next = cursor;
  std::vector<LogPart> parts = parts_of(path);
  auto last = std::find_if(parts.begin(), parts.end(),
                           [&](const LogPart& p) { return end != nullptr && p.inode == end->inode; });
  bool bounded = last != parts.end();
  if (bounded) {
    last->size = std::min(last->size, end->offset);
    parts.erase(last + 1, parts.end());
  }
  auto part =
      std::find_if(parts.begin(), parts.end(), [&](const LogPart& p) { return p.inode == cursor.inode; });
  if (part == parts.end()) {
    part = parts.begin();
    if (part != parts.end()) out.next = {part->inode, 0};
  }
  uint64_t budget = max_bytes;
  for (; part != parts.end(); ++part) {
    if (part->inode != out.next.inode) out.next = {part->inode, 0};
    uint64_t most = budget;
    if (bounded && part + 1 == parts.end()) most = std::min(most, part->size - std::min(part->size, out.next.offset));
    ASSIGN_OR_RETURN(uint64_t reached, read_lines(*part, out.next.offset, most, out.lines));
    uint64_t used = reached - out.next.offset;
    out.next.offset = reached;
    budget -= std::min(budget, std::max<uint64_t>(used, 1));
    if (used > 0 && budget < (16 << 10) && reached < part->size) {
      out.more = true;
      break;
    }
  }
  return out;
}

Result<bool> move_log_aside(const std::string& path, uint64_t max_bytes, int max_files) {
  ENSURE(max_files >= 2, "a rotated log needs at least two files");
  struct stat info;
  if (stat(path.c_str(), &info) != 0) {
    // Either nothing was logged yet, or we died between the renaming and the writer's new file.
    return path_exists(path + ".1");
  }
  if (static_cast<uint64_t>(info.st_size) <= max_bytes) return false;
  std::string last = path + "." + std::to_string(max_files - 1);
  if (unlink(last.c_str()) != 0 && errno != ENOENT) return errno_error("deleting " + last, errno);
  for (int number = max_files - 2; number >= 0; --number) {
    std::string from = number == 0 ? path : path + "." + std::to_string(number);
    std::string to = path + "." + std::to_string(number + 1);
    if (rename(from.c_str(), to.c_str()) != 0 && errno != ENOENT)
      return errno_error("renaming " + from, errno);
  }
  return true;
}

}  // namespace mainstay
