// Container logs in the CRI format, one line each: "<RFC 3339 time> <stdout|stderr> <F|P> <text>", P for a
// part of a line that goes on in the next. Parsing is pure; reading and rotating touch files. Any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "schema/base/result.h"
#include "schema/base/time.h"

namespace mainstay {

struct LogLine {
  std::string time;   // as written, nanoseconds and all
  WallTime when;
  bool from_stderr = false;
  bool partial = false;  // no newline follows
  std::string text;
};

// Nothing if the line is not one of a CRI log. `line` is without its newline.
std::optional<LogLine> parse_log_line(std::string_view line);

// The lines as `kubectl logs` prints them: texts, a newline after each whole one, with --timestamps the time
// before each line (not before the further parts of one).
std::string render_log(const std::vector<LogLine>& lines, bool timestamps);

struct LogQuery {
  int64_t tail_lines = -1;            // the last so many; -1: all
  std::optional<WallTime> since;      // only lines from then on
  uint64_t max_bytes = 4 << 20;       // of log read in one call
};

// Where reading goes on. It survives rotations: it names the file by its inode.
struct LogCursor {
  uint64_t inode = 0;
  uint64_t offset = 0;
};

struct LogChunk {
  std::vector<LogLine> lines;
  LogCursor next;
  LogCursor end;      // of the log when read_log() looked: what is not followed is read up to there
  bool more = false;  // max_bytes was reached: read on at once
};

// Reads from the start of the oldest rotated file (or from the last `tail_lines`) to the end.
// kNotFound: there is no log yet.
Result<LogChunk> read_log(const std::string& path, const LogQuery& query);

// Reads what came after `cursor`, across rotations. If the file of the cursor was deleted, goes on with the
// oldest there is. With `end`, not further than to there.
Result<LogChunk> follow_log(const std::string& path, const LogCursor& cursor, uint64_t max_bytes = 4 << 20,
                            const LogCursor* end = nullptr);

// If `path` is larger than `max_bytes`, renames it to path.1, path.1 to path.2 and so on, keeping `max_files`
// in all; true if the writer has to open a new file (also when an earlier call did the renaming and died).
Result<bool> move_log_aside(const std::string& path, uint64_t max_bytes, int max_files);

}  // namespace mainstay
