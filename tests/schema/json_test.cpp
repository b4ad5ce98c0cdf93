#include <catch2/catch.hpp>

#include <limits>

#include "schema/base/rng.h"
#include "schema/generate.h"
#include "schema/json.h"

using namespace mainstay;

namespace {

std::string errors_of(std::string_view text, const JsonOptions& options = {}) {
  Diagnostics diagnostics("f.json");
  parse_json(text, diagnostics, options);
  return diagnostics.render();
}

std::string again(std::string_view text) {
  Diagnostics diagnostics;
  auto value = parse_json(text, diagnostics);
  INFO(text << "\n" << diagnostics.render());
  REQUIRE(value);
  return to_json(*value);
}

}  // namespace

TEST_CASE("JSON values read and written") {
  CHECK(again(R"( {"a" : [1, -2, 3.5, "x", true, false, null, {}, []]} )") ==
        R"({"a":[1,-2,3.5,"x",true,false,null,{},[]]})");
  CHECK(again("7") == "7");
  CHECK(again(" \"x\" ") == "\"x\"");
  CHECK(again("null") == "null");
  CHECK(again("true") == "true");
  CHECK(again("[9223372036854775807,-9223372036854775808]") == "[9223372036854775807,-9223372036854775808]");
  CHECK(again("[18446744073709551615]") == "[18446744073709552000]");
  CHECK(again("[123456789012345678901234567890]") == "[1.2345678901234568e+29]");
  CHECK(again("[800000000000000000000]") == "[800000000000000000000]");
  CHECK(again("[1888888888888887.8,-1234567890123456.5]") == "[1888888888888887.8,-1234567890123456.5]");
  CHECK(again("800000000000000000000") == "800000000000000000000");
  CHECK(again("-18446744073709551616 ") == "-18446744073709552000");
  CHECK(again("[1e3,1E-7,1e21,0.000001,-0.0]") == "[1000,1e-7,1e+21,0.000001,0]");
  CHECK(again(R"(["\"\\\/\b\f\n\r\t\u0041\u00e4\ud83d\ude42"])") ==
        "[\"\\\"\\\\/\\u0008\\u000c\\n\\r\\tA\xc3\xa4\xf0\x9f\x99\x82\"]");
  CHECK(again(R"({"\u0061\n":1})") == R"({"a\n":1})");
}

TEST_CASE("JSON strings are always UTF-8") {
  std::string out;
  append_json_string(out, "a\xff\xc3\xa4\xed\xa0\x80\xe2\x82");
  CHECK(out == "\"a\xef\xbf\xbd\xc3\xa4\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
  out.clear();
  append_json_string(out, std::string_view("\0\x1f\x7f", 3));
  CHECK(out == "\"\\u0000\\u001f\x7f\"");
  out.clear();
  append_json_number(out, std::numeric_limits<double>::infinity());
  CHECK(out == "null");
}

TEST_CASE("JSON marks") {
  Diagnostics diagnostics;
  auto value = parse_json("{\n  \"a\": 1,\n  \"\xc3\xa4\": {\"b\": [10, {}]}\n}", diagnostics);
  REQUIRE(value);
  CHECK(value->mark().line == 1);
  const Member& second = value->as_map()[1];
  CHECK(second.mark.line == 3);
  CHECK(second.mark.column == 3);
  CHECK(second.value.mark().column == 8);
  const Value& list = second.value.as_map()[0].value;
  CHECK(list.mark().column == 14);
  CHECK(list.as_list()[1].mark().column == 19);
  JsonOptions bare;
  bare.marks = false;
  CHECK(parse_json("[1]", diagnostics, bare)->mark().line == 0);
}

TEST_CASE("JSON errors say where and what") {
  const std::pair<const char*, const char*> table[] = {
      {"", "f.json:1:1: error: not JSON: the text is empty\n"},
      {"  \n ", "f.json:2:2: error: not JSON: the text is empty\n"},
      {"{\n\"a\" 1}", "f.json:2:5: error: not JSON: expected ':' after the name\n"},
      {"{\"a\": 1,}", "f.json:1:9: error: not JSON: expected a name in double quotes\n"},
      {"{\"a\": 1 \"b\": 2}", "f.json:1:9: error: not JSON: expected ',' or '}'\n"},
      {"[1 2]", "f.json:1:4: error: not JSON: expected ',' or ']'\n"},
      {"[1, 2", "f.json:1:6: error: not JSON: expected ',' or ']', but the text ends\n"},
      {"[1, ]", "f.json:1:5: error: not JSON: expected a value (strings need double quotes)\n"},
      {"{a: 1}", "f.json:1:2: error: not JSON: expected a name in double quotes\n"},
      {"[nul]", "f.json:1:2: error: not JSON: expected a value (strings need double quotes)\n"},
      {"[nulll]", "f.json:1:6: error: not JSON: expected ',' or ']'\n"},
      {"falsel", "f.json:1:6: error: not JSON: expected the end of the text\n"},
      {"truel", "f.json:1:5: error: not JSON: expected the end of the text\n"},
      {"[truex]", "f.json:1:6: error: not JSON: expected ',' or ']'\n"},
      {"[01]", "f.json:1:2: error: not JSON: a number JSON does not know\n"},
      {"[1.]", "f.json:1:2: error: not JSON: a number JSON does not know\n"},
      {"[-]", "f.json:1:2: error: not JSON: a number JSON does not know\n"},
      {"[+1]", "f.json:1:2: error: not JSON: expected a value (strings need double quotes)\n"},
      {"{} x", "f.json:1:4: error: not JSON: expected the end of the text\n"},
      {"1 2", "f.json:1:3: error: not JSON: expected the end of the text\n"},
      {"{} {}", "f.json:1:4: error: not JSON: expected the end of the text\n"},
      {"[\"a\\x\"]", "f.json:1:4: error: not JSON: unknown escape in a string\n"},
      {"[\"\\ud800\"]", "f.json:1:3: error: not JSON: half a surrogate pair in a string\n"},
      {"[\"\\u12\"]", "f.json:1:3: error: not JSON: \\u needs four hexadecimal digits\n"},
      {"[\"abc", "f.json:1:2: error: not JSON: the string that starts here is not closed\n"},
      {"[\"a\nb\"]", "f.json:1:2: error: not JSON: the string that starts here is not closed on its line\n"},
      {"[\"a\tb\"]", "f.json:1:4: error: not JSON: a control character in a string; write it as \\u00NN\n"},
      {"[\"\xff\"]", "f.json:1:3: error: not JSON: the text is not UTF-8\n"},
      {"[1}", "f.json:1:3: error: not JSON: expected ',' or ']'\n"},
      {"]", "f.json:1:1: error: not JSON: expected a value (strings need double quotes)\n"},
  };
  for (auto [text, expected] : table) {
    INFO("JSON " << text);
    CHECK(errors_of(text) == expected);
  }
}

TEST_CASE("JSON duplicates and bounds") {
  CHECK(errors_of("{\"a\": [{\"b\": 1,\n \"b\": 2}],\n\"a\": 1}") ==
        "f.json:2:2: error: a[0].b: duplicate key \"b\" (first written on line 1; remove one of them)\n"
        "f.json:3:1: error: a: duplicate key \"a\" (first written on line 1; remove one of them)\n");
  CHECK(errors_of("{\"a\":1,\"\\u0061\":2}").find("duplicate key \"a\"") != std::string::npos);
  JsonOptions options;
  options.depth = 3;
  CHECK(errors_of("[[[1]]]", options).empty());
  CHECK(errors_of("[[[[1]]]]", options) ==
        "f.json:1:4: error: [0][0][0]: maps and lists nest deeper than 3\n");
  CHECK(errors_of(std::string(5000, '[') + std::string(5000, ']')).find("nest deeper than 100") !=
        std::string::npos);
  options.bytes = 3;
  CHECK(errors_of("[[[1]]]", options).find("at most 3 are read") != std::string::npos);
}

TEST_CASE("read_json gives one error in one line") {
  CHECK(read_json("{\"a\":1}").ok());
  Result<Value> bad = read_json("{\"a\":\n x}");
  REQUIRE(!bad.ok());
  CHECK(bad.error().code == ErrorCode::kInvalid);
  CHECK(bad.error().message == "not JSON: expected a value (strings need double quotes) (line 2, column 2)");
  CHECK(!read_json("{\"a\":1,\"a\":2}").ok());
}

TEST_CASE("random JSON reads back the same, with one parser for all") {
  uint64_t seed = 77;
  INFO("seed " << seed);
  Rng rng(seed);
  JsonParser parser;
  for (int i = 0; i < 3000; ++i) {
    Value value = generate_value(kRawType, rng);
    Diagnostics diagnostics;
    std::string text = to_json(value);
    auto back = parser.parse(text, diagnostics);
    INFO(text << diagnostics.render());
    REQUIRE(back);
    REQUIRE(*back == value);
    REQUIRE(to_json(*back) == text);
    CHECK(!find_json_problem(text));
  }
}
