#include <catch2/catch.hpp>

#include "reconciler/api/framing.h"
#include "reconciler/api/request_parser.h"
#include "schema/base/rng.h"

namespace mainstay::api {
namespace {

using State = RequestFramer::State;

struct Framed {
  State state;
  std::string head, body, rest;
  int error = 0;
};

// Feeds `text` in pieces whose ends are `cuts`.
Framed frame(std::string_view text, FrameLimits limits, Rng* cuts) {
  RequestFramer framer(limits);
  std::string waiting;
  while (!text.empty()) {
    size_t take = cuts ? 1 + cuts->below(std::min<uint64_t>(text.size(), 9)) : text.size();
    waiting.append(text.substr(0, take));
    text.remove_prefix(take);
    std::string rest(framer.feed(waiting));
    waiting = rest;
  }
  Framed out{framer.state(), "", "", waiting, framer.error_status()};
  if (out.state == State::kComplete) {
    out.head = framer.head();
    out.body = framer.body();
  }
  return out;
}

constexpr FrameLimits kLimits{512, 64};

struct Case {
  const char* name;
  std::string text;
  State state;
  std::string body;
  int error;
  std::string rest;
};

std::vector<Case> cases() {
  std::string get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  auto post = [](const std::string& headers, const std::string& body) {
    return "POST /x HTTP/1.1\r\n" + headers + "\r\n" + body;
  };
  return {
      {"nothing", "", State::kIdle, "", 0, ""},
      {"a stray line end", "\r\n", State::kIdle, "", 0, ""},
      {"half a head", "GET / HTTP/1.1\r\nHost", State::kHead, "", 0, ""},
      {"no body", get, State::kComplete, "", 0, ""},
      {"two requests", get + get, State::kComplete, "", 0, get},
      {"post without length", post("", ""), State::kComplete, "", 0, ""},
      {"fixed body", post("Content-Length: 5\r\n", "helloGET"), State::kComplete, "hello", 0, "GET"},
      {"body not whole", post("Content-Length: 5\r\n", "hel"), State::kBody, "", 0, ""},
      {"body at the limit", post("content-length: 64\r\n", std::string(64, 'x')), State::kComplete,
       std::string(64, 'x'), 0, ""},
      {"body too large", post("Content-Length: 65\r\n", ""), State::kBad, "", 413, ""},
      {"length beyond 64 bits", post("Content-Length: 99999999999999999999999\r\n", ""), State::kBad, "", 413, ""},
      {"negative length", post("Content-Length: -1\r\n", ""), State::kBad, "", 400, ""},
      {"length with sign", post("Content-Length: +5\r\n", ""), State::kBad, "", 400, ""},
      {"length list", post("Content-Length: 5, 5\r\n", ""), State::kBad, "", 400, ""},
      {"two lengths", post("Content-Length: 5\r\nContent-Length: 5\r\n", ""), State::kBad, "", 400, ""},
      {"length and chunks", post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", ""), State::kBad, "", 400,
       ""},
      {"unknown coding", post("Transfer-Encoding: gzip, chunked\r\n", ""), State::kBad, "", 501, ""},
      {"compressed", post("Content-Encoding: gzip\r\nContent-Length: 1\r\n", ""), State::kBad, "", 415, ""},
      {"folded header", "GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n", State::kBad, "", 400, ""},
      {"space before colon", "GET / HTTP/1.1\r\nContent-Length : 3\r\n\r\n", State::kBad, "", 400, ""},
      {"no colon", "GET / HTTP/1.1\r\nabc\r\n\r\n", State::kBad, "", 400, ""},
      {"bare line feed in a header", "GET / HTTP/1.1\r\nA: b\nContent-Length: 3\r\n\r\n", State::kBad, "", 400, ""},
      {"head too large", "GET /" + std::string(600, 'a'), State::kBad, "", 431, ""},
      {"chunks", post("Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nT: v\r\n\r\nGET"),
       State::kComplete, "abcde", 0, "GET"},
      {"chunks not whole", post("Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n"), State::kBody, "", 0, ""},
      {"chunk size no number", post("Transfer-Encoding: chunked\r\n", "x\r\n"), State::kBad, "", 400, ""},
      {"chunk longer than said", post("Transfer-Encoding: chunked\r\n", "2\r\nabc\r\n"), State::kBad, "", 400, ""},
      {"chunks too large", post("Transfer-Encoding: chunked\r\n", "20\r\n" + std::string(32, 'x') + "\r\n21\r\n"),
       State::kBad, "", 413, ""},
      {"huge chunk", post("Transfer-Encoding: chunked\r\n", "ffffffffffffffffff\r\n"), State::kBad, "", 413, ""},
      {"expectation unknown", post("Expect: miracles\r\n", ""), State::kBad, "", 417, ""},
  };
}

}  // namespace

TEST_CASE("a request's end is found wherever the stream is cut") {
  for (const Case& c : cases()) {
    INFO(c.name);
    Framed whole = frame(c.text, kLimits, nullptr);
    CHECK(whole.state == c.state);
    CHECK(whole.error == c.error);
    CHECK(whole.body == c.body);
    if (c.state == State::kComplete) CHECK(whole.rest == c.rest);
    for (uint64_t seed = 1; seed <= 20; ++seed) {
      INFO("seed " << seed);
      Rng cuts(seed);
      Framed pieces = frame(c.text, kLimits, &cuts);
      CHECK(pieces.state == c.state);
      CHECK(pieces.error == c.error);
      CHECK(pieces.body == c.body);
      CHECK(pieces.head == whole.head);
      if (c.state == State::kComplete) CHECK(pieces.rest == c.rest);
    }
  }
}

TEST_CASE("a framer can be used again") {
  RequestFramer framer(kLimits);
  framer.feed("POST / HTTP/1.0\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n");
  CHECK(framer.state() == State::kBody);
  CHECK(framer.take_expect_continue());
  CHECK_FALSE(framer.take_expect_continue());
  CHECK_FALSE(framer.keep_alive());
  framer.feed("x");
  CHECK(framer.state() == State::kComplete);
  framer.reset();
  framer.feed("GET / HTTP/1.1\r\nConnection: keep-alive, Close\r\n\r\n");
  CHECK(framer.state() == State::kComplete);
  CHECK(framer.body().empty());
  CHECK_FALSE(framer.keep_alive());
}

TEST_CASE("a head becomes a request") {
  RequestParser parser;
  auto parsed = parser.parse(
      "POST /api/v1/pods/a%2Fb?command=sh&command=-c&command=sh&x=1+2%2B3&flag HTTP/1.1\r\n"
      "Host: h\r\nX-Stream: one\r\nX-Stream: two\r\nauthorization: Bearer abc\r\n\r\n");
  REQUIRE(std::holds_alternative<Request>(parsed));
  const Request& request = std::get<Request>(parsed);
  CHECK(request.method == "POST");
  CHECK(request.path == "/api/v1/pods/a/b");
  CHECK(request.query == NameValues{{"command", "sh"}, {"command", "-c"}, {"command", "sh"},
                                    {"x", "1 2+3"}, {"flag", ""}});
  CHECK(request.param("x") == "1 2+3");
  CHECK(request.has_param("flag"));
  CHECK_FALSE(request.has_param("nothing"));
  CHECK(request.header("Authorization") == "Bearer abc");
  CHECK(std::count_if(request.headers.begin(), request.headers.end(),
                      [](const auto& header) { return header.first == "X-Stream"; }) == 2);
  CHECK(request.header("REMOTE_ADDR").empty());
}

TEST_CASE("a head that is no HTTP is refused") {
  RequestParser parser;
  for (const char* text : {"nonsense\r\n\r\n", "GET /\r\n\r\n", "BREW / HTTP/1.1\r\n\r\n", "GET / HTTP/9.9\r\n\r\n"}) {
    INFO(text);
    auto parsed = parser.parse(text);
    REQUIRE(std::holds_alternative<int>(parsed));
    CHECK(std::get<int>(parsed) == 400);
  }
  auto parsed = parser.parse("GET /" + std::string(9000, 'a') + " HTTP/1.1\r\n\r\n");
  REQUIRE(std::holds_alternative<int>(parsed));
  CHECK(std::get<int>(parsed) == 414);
  CHECK(std::holds_alternative<Request>(parser.parse("GET / HTTP/1.1\r\n\r\n")));  // still usable
}

TEST_CASE("percent-decoding keeps what is malformed") {
  CHECK(decode_percent("a%20b%2", false) == "a b%2");
  CHECK(decode_percent("%zz+%41", false) == "%zz+A");
  CHECK(decode_percent("a+b", true) == "a b");
}

}  // namespace mainstay::api
