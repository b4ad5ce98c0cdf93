// JSON in and out. Reading gives Values with marks (unless switched off), refuses duplicate keys and has
// bounds; writing follows Go's encoding of numbers. Pure; any thread.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "schema/base/result.h"
#include "schema/diagnostics.h"
#include "schema/value.h"

namespace mainstay {

struct JsonOptions {
  size_t bytes = 64 << 20;  // of the text
  size_t depth = 100;       // of maps and lists within each other
  bool marks = true;        // line and column on every node
};

// Reads one JSON text after another, keeping its buffers. One thread at a time.
class JsonParser {
 public:
  JsonParser();
  ~JsonParser();
  JsonParser(JsonParser&&) noexcept;
  JsonParser& operator=(JsonParser&&) noexcept;

  // The value, or nothing after a syntax error or a limit, which then stand in `diagnostics`. A duplicate key
  // is an error there too, but the value (with the key twice) is still returned.
  std::optional<Value> parse(std::string_view text, Diagnostics& diagnostics,
                             const JsonOptions& options = {});

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// JsonParser::parse with a parser of its own.
std::optional<Value> parse_json(std::string_view text, Diagnostics& diagnostics,
                                const JsonOptions& options = {});

// The value without marks, for text that no person wrote (API bodies, our own rows); the error says where.
Result<Value> read_json(std::string_view text);
Result<Value> read_json(std::string_view text, JsonParser& parser);

// Where and why a text is not JSON, found by a slow second reading; nothing if it is JSON after all.
struct JsonProblem {
  Mark mark;
  std::string message;
};
std::optional<JsonProblem> find_json_problem(std::string_view text);

// Appends compact JSON; members in their order.
void append_json(std::string& out, const Value& value);
std::string to_json(const Value& value);

// Appends the string with quotes and escapes. What is not UTF-8 becomes U+FFFD, so that the result always is.
void append_json_string(std::string& out, std::string_view text);

// Appends a number as Go does: shortest text that reads back the same, exponent below 1e-6 and from 1e21 on.
// What JSON cannot hold (infinite, not a number) becomes null.
void append_json_number(std::string& out, double number);
void append_json_number(std::string& out, int64_t number);

}  // namespace mainstay
