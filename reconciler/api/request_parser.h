// Turns the head of an HTTP request into a Request, with cpp-httplib's parser. It sees only heads that
// RequestFramer has found whole and unambiguous. One per thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "reconciler/api/http.h"

namespace mainstay::api {

class RequestParser {
 public:
  RequestParser();
  ~RequestParser();

  // `head` ends with the empty line. The request has no body, peer or identity yet. Otherwise the HTTP
  // status to refuse it with (400, 414 ...).
  std::variant<Request, int> parse(std::string_view head);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// Percent-decoding; '+' becomes a space only in queries. Malformed escapes stay as they are.
std::string decode_percent(std::string_view text, bool plus_is_space);
// "a=1&a=2&b" in order, repeated pairs kept (exec's command=... needs both).
NameValues parse_query(std::string_view text);

}  // namespace mainstay::api
