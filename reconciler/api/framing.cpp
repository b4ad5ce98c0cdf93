#include "reconciler/api/framing.h"

#include <strings.h>

#include <algorithm>
#include <charconv>

namespace mainstay::api {
namespace {

constexpr size_t kMaxChunkLine = 256;       // a chunk's size and its extensions
constexpr size_t kMaxTrailers = 8 << 10;

bool same(std::string_view a, std::string_view b) {
  return a.size() == b.size() && strncasecmp(a.data(), b.data(), a.size()) == 0;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

bool has_token(std::string_view list, std::string_view token) {
  while (!list.empty()) {
    size_t comma = std::min(list.find(','), list.size());
    if (same(trim(list.substr(0, comma)), token)) return true;
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return false;
}

}  // namespace

void RequestFramer::reset() { *this = RequestFramer(limits_); }

void RequestFramer::bad(int status, const char* text) {
  state_ = State::kBad;
  error_status_ = status;
  error_text_ = text;
}

bool RequestFramer::take_expect_continue() {
  bool wanted = expect_ && state_ == State::kBody;
  if (state_ != State::kHead && state_ != State::kIdle) expect_ = false;
  return wanted;
}

std::string_view RequestFramer::feed(std::string_view input) {
  while (!input.empty()) {
    switch (state_) {
      case State::kIdle:
        // A client may send a stray line end after the previous body (RFC 9112, 2.2).
        if (input.front() == '\r' || input.front() == '\n') {
          input.remove_prefix(1);
          continue;
        }
        state_ = State::kHead;
        continue;
      case State::kHead: input = feed_head(input); continue;
      case State::kBody: input = chunked_ ? feed_chunked(input) : feed_fixed(input); continue;
      case State::kComplete:
      case State::kBad: return input;
    }
  }
  return input;
}

std::string_view RequestFramer::feed_head(std::string_view input) {
  // The end may straddle two reads, so look again at the last three bytes we had.
  size_t before = head_.size();
  size_t room = limits_.head + 4 - std::min(before, limits_.head + 4);
  head_.append(input.substr(0, room));
  size_t end = head_.find("\r\n\r\n", before < 3 ? 0 : before - 3);
  if (end == std::string::npos) {
    if (head_.size() > limits_.head) bad(431, "the request's headers are too large");
    return input.substr(std::min(room, input.size()));
  }
  std::string_view rest = input.substr(end + 4 - before);
  head_.resize(end + 4);
  read_headers();
  if (state_ == State::kBad) return rest;
  if (chunked_ && has_length_) bad(400, "both Content-Length and Transfer-Encoding are given");
  else if (remaining_ > limits_.body) bad(413, "the request's body is too large");
  else state_ = chunked_ || remaining_ > 0 ? State::kBody : State::kComplete;
  return rest;
}

void RequestFramer::read_headers() {
  std::string_view rest = head_;
  size_t line_end = rest.find("\r\n");
  http10_ = rest.substr(0, line_end).ends_with(" HTTP/1.0");
  keep_alive_ = !http10_;
  if (head_.find('\0') != std::string::npos) return bad(400, "the request's head holds a zero byte");
  rest.remove_prefix(line_end + 2);
  while (rest.size() > 2 && state_ != State::kBad) {
    line_end = rest.find("\r\n");
    std::string_view line = rest.substr(0, line_end);
    rest.remove_prefix(line_end + 2);
    size_t colon = line.find(':');
    if (colon == std::string_view::npos || colon == 0 || line.find('\n') != std::string_view::npos ||
        line[colon - 1] == ' ' || line[colon - 1] == '\t' || line.front() == ' ' || line.front() == '\t') {
      return bad(400, "a header line is malformed");
    }
    read_header(line.substr(0, colon), trim(line.substr(colon + 1)));
  }
}

void RequestFramer::read_header(std::string_view name, std::string_view value) {
  if (same(name, "Content-Length")) {
    uint64_t length = 0;
    auto [end, code] = std::from_chars(value.data(), value.data() + value.size(), length);
    bool number = code == std::errc{} && end == value.data() + value.size();
    if (!number && code != std::errc::result_out_of_range) return bad(400, "Content-Length is no number");
    if (!number) return bad(413, "the request's body is too large");
    if (has_length_) return bad(400, "Content-Length is given twice");
    has_length_ = true;
    remaining_ = length;
  } else if (same(name, "Transfer-Encoding")) {
    if (!same(value, "chunked") || chunked_) return bad(501, "only the transfer encoding chunked is known");
    chunked_ = true;
  } else if (same(name, "Content-Encoding")) {
    if (!same(value, "identity")) return bad(415, "compressed request bodies are not accepted");
  } else if (same(name, "Connection")) {
    if (has_token(value, "close")) keep_alive_ = false;
    else if (http10_ && has_token(value, "keep-alive")) keep_alive_ = true;
  } else if (same(name, "Expect")) {
    if (!same(value, "100-continue")) return bad(417, "only the expectation 100-continue is known");
    expect_ = true;
  }
}

std::string_view RequestFramer::feed_fixed(std::string_view input) {
  size_t take = static_cast<size_t>(std::min<uint64_t>(remaining_, input.size()));
  body_.append(input.substr(0, take));
  remaining_ -= take;
  if (remaining_ == 0) state_ = State::kComplete;
  return input.substr(take);
}

std::string_view RequestFramer::feed_chunked(std::string_view input) {
  if (chunk_ == Chunk::kData) {
    size_t take = static_cast<size_t>(std::min<uint64_t>(remaining_, input.size()));
    body_.append(input.substr(0, take));
    remaining_ -= take;
    if (remaining_ == 0) chunk_ = Chunk::kDataEnd;
    return input.substr(take);
  }
  size_t end = input.find('\n');
  size_t take = end == std::string_view::npos ? input.size() : end + 1;
  if (line_.size() + take > kMaxChunkLine + kMaxTrailers) {
    bad(400, "a chunk's size line is too long");
    return {};
  }
  line_.append(input.substr(0, take));
  if (end != std::string_view::npos) finish_chunk_line();
  return input.substr(take);
}

// One line outside the data is complete in line_: a chunk's size, the line end after its data, a trailer.
void RequestFramer::finish_chunk_line() {
  std::string line;
  line.swap(line_);
  if (line.size() < 2 || line[line.size() - 2] != '\r') return bad(400, "a chunk's line end is malformed");
  line.resize(line.size() - 2);
  if (chunk_ == Chunk::kDataEnd) {
    if (!line.empty()) return bad(400, "a chunk is longer than it says");
    chunk_ = Chunk::kSize;
    return;
  }
  if (chunk_ == Chunk::kTrailer) {
    trailer_bytes_ += line.size();
    if (trailer_bytes_ > kMaxTrailers) return bad(431, "the request's trailers are too large");
    if (line.empty()) state_ = State::kComplete;
    return;
  }
  std::string_view digits = trim(std::string_view(line).substr(0, line.find(';')));
  auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), remaining_, 16);
  if (code == std::errc::result_out_of_range) return bad(413, "the request's body is too large");
  if (code != std::errc{} || end != digits.data() + digits.size() || line.size() > kMaxChunkLine) {
    return bad(400, "a chunk's size is no number");
  }
  if (remaining_ > limits_.body - std::min<uint64_t>(body_.size(), limits_.body)) {
    return bad(413, "the request's body is too large");
  }
  chunk_ = remaining_ == 0 ? Chunk::kTrailer : Chunk::kData;
}

}  // namespace mainstay::api
