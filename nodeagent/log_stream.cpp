#include "nodeagent/log_stream.h"

#include <thread>

#include "nodeagent/log_file.h"
#include "schema/base/clock.h"
#include "schema/base/log.h"

namespace mainstay {
namespace {

constexpr Duration kLookEvery = std::chrono::milliseconds{100};

LogQuery query_of(const StreamRequest& request) {
  LogQuery query;
  query.tail_lines = request.tail_lines;
  if (request.since_seconds >= 0) {
    query.since = read_clock().wall - std::chrono::seconds{request.since_seconds};
  }
  return query;
}

int http_status(const Error& error) {
  if (error.code == ErrorCode::kNotFound) return 400;  // as the kubelet: the container has no log (yet)
  return error.code == ErrorCode::kUnsupported ? 501 : 500;
}

// What may still be sent of limitBytes; -1 is unlimited.
std::string cut(std::string text, int64_t& left) {
  if (left < 0) return text;
  if (static_cast<int64_t>(text.size()) > left) text.resize(static_cast<size_t>(left));
  left -= static_cast<int64_t>(text.size());
  return text;
}

}  // namespace

void serve_log(ControlLink& link, const StreamRequest& request, const LogSource& source) {
  Result<std::string> path = source.locate();
  Result<LogChunk> chunk = path.ok() ? read_log(*path, query_of(request)) : Result<LogChunk>(path.error());
  if (!chunk.ok() && path.ok() && chunk.error().code == ErrorCode::kNotFound) chunk = LogChunk{};
  if (!chunk.ok()) {
    link.refuse(request.id, http_status(chunk.error()), chunk.error().message).ok();
    return;
  }
  Result<std::unique_ptr<UpStream>> stream = link.dial(request.id);
  if (!stream.ok()) {
    log::debug("agent", "log stream: " + stream.error().message);
    return;
  }
  int64_t left = request.limit_bytes;
  bool last_round = false;
  for (;;) {
    std::string text = cut(render_log(chunk->lines, request.timestamps), left);
    if (!text.empty() && !(*stream)->write(text).ok()) return;
    if (left == 0 || source.stopping()) return;
    if (!chunk->more) {
      if (!request.follow || last_round) return;
      last_round = !source.running();  // one more look: it may have written before it ended
      if (!last_round) std::this_thread::sleep_for(kLookEvery);
    }
    LogCursor end = chunk->end;
    const LogCursor* until = request.follow ? nullptr : &end;
    Result<LogChunk> next = follow_log(*path, chunk->next, query_of(request).max_bytes, until);
    if (!next.ok()) return;
    chunk = std::move(next);
    chunk->end = end;
  }
}

}  // namespace mainstay
