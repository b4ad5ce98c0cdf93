// Finds where one HTTP/1.1 request ends in a byte stream (RFC 9112, sections 6 and 7), before anything
// else looks at it, so that a request is handed on only when it is whole and within its limits and no
// thread ever waits for a client. What is ambiguous there (two lengths, length and chunks) is refused.
//
// Pure: bytes in, bytes out. One connection each; not synchronised.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace mainstay::api {

struct FrameLimits {
  size_t head = 64 << 10;  // request line and headers, bytes
  size_t body = 3 << 20;   // after joining chunks, bytes
};

class RequestFramer {
 public:
  enum class State {
    kIdle,      // not one byte of a request yet
    kHead,      // inside the request line or the headers
    kBody,      // the head is complete, the body is not
    kComplete,  // head() and body() may be taken
    kBad,       // see error_status() and error_text(); the connection cannot be used any more
  };

  explicit RequestFramer(FrameLimits limits) : limits_(limits) {}

  // Consumes from the front of `input` what belongs to the current request and returns the rest.
  // Does nothing when complete or bad.
  std::string_view feed(std::string_view input);

  State state() const { return state_; }
  // True once, when the client waits for "100 Continue" before it sends the body.
  bool take_expect_continue();
  bool keep_alive() const { return keep_alive_; }
  bool http10() const { return http10_; }

  // Request line and headers with the empty line. Requires kComplete.
  const std::string& head() const { return head_; }
  std::string& body() { return body_; }
  int error_status() const { return error_status_; }
  const char* error_text() const { return error_text_; }

  // Ready for the next request on the same connection.
  void reset();

 private:
  enum class Chunk { kSize, kData, kDataEnd, kTrailer };

  std::string_view feed_head(std::string_view input);
  std::string_view feed_fixed(std::string_view input);
  std::string_view feed_chunked(std::string_view input);
  void finish_chunk_line();
  void read_headers();
  void read_header(std::string_view name, std::string_view value);
  void bad(int status, const char* text);

  FrameLimits limits_;
  State state_ = State::kIdle;
  std::string head_, body_, line_;
  bool keep_alive_ = true, http10_ = false, chunked_ = false, has_length_ = false, expect_ = false;
  uint64_t remaining_ = 0;  // of the fixed body or of the current chunk
  Chunk chunk_ = Chunk::kSize;
  size_t trailer_bytes_ = 0;
  int error_status_ = 0;
  const char* error_text_ = "";
};

}  // namespace mainstay::api
