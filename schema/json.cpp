#include "schema/json.h"

#include <simdjson.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstring>
#include <utility>
#include <vector>

#include "schema/duplicates.h"
#include "schema/utf8.h"

namespace mainstay {

struct JsonParser::State {
  simdjson::ondemand::parser parser;
  std::vector<char> padded;  // the text with the room behind it that simdjson reads into
  std::vector<Member> stack;
};

namespace {

namespace ondemand = simdjson::ondemand;

// Finds line and column of ever later places in one text.
class Marker {
 public:
  Marker(const char* text, bool wanted) : at_(text), wanted_(wanted) {}

  Mark at(const char* place) {
    if (!wanted_) return {};
    for (; at_ < place; ++at_) {
      if (*at_ == '\n') {
        ++mark_.line;
        mark_.column = 1;
      } else if ((static_cast<unsigned char>(*at_) & 0xc0) != 0x80) {
        ++mark_.column;
      }
    }
    return mark_;
  }

 private:
  const char* at_;
  bool wanted_;
  Mark mark_{1, 1};
};

simdjson::error_code raw_token(ondemand::value& value, std::string_view& out) {
  out = value.raw_json_token();
  return simdjson::SUCCESS;
}
simdjson::error_code raw_token(ondemand::document& document, std::string_view& out) {
  return document.raw_json_token().get(out);
}

// The text of a string without escapes, whose first character is at `start`; nothing if it has any. Stage one
// of simdjson has checked the closing quote, the UTF-8 and that there are no control characters.
std::optional<std::string_view> unescaped(const char* start, const char* end) {
  auto room = static_cast<size_t>(end - start);
  const auto* quote = static_cast<const char*>(std::memchr(start, '"', room));
  if (quote == nullptr) return std::nullopt;
  std::string_view text(start, static_cast<size_t>(quote - start));
  if (text.find('\\') != std::string_view::npos) return std::nullopt;
  return text;
}

// A syntax error that the reading below came upon; what and where is found out by find_json_problem().
enum class Outcome { kOk, kSyntax, kReported };

// Turns what simdjson finds into Values. Members and items wait on one stack until their map or list ends and
// its size is known; `slot` is the place on it of the value that is being read.
class Reader {
 public:
  Reader(std::string_view text, const JsonOptions& options, Diagnostics& diagnostics,
         std::vector<Member>& stack)
      : marker_(text.data(), options.marks),
        end_(text.data() + text.size()),
        options_(options),
        diagnostics_(diagnostics),
        stack_(stack) {}

  // The text ends with this part of it.
  bool ends_with(std::string_view token) const { return token.data() + token.size() >= end_; }

  // `From` is an ondemand::value, or a document whose root is a scalar.
  template <typename From>
  Outcome read(From& from, size_t slot, size_t depth, const Path& path) {
    std::string_view token;
    ondemand::json_type type;
    if (raw_token(from, token) != simdjson::SUCCESS || from.type().get(type) != simdjson::SUCCESS) {
      return Outcome::kSyntax;
    }
    Mark mark = marker_.at(token.data());
    Outcome outcome = Outcome::kOk;
    if (type == ondemand::json_type::object || type == ondemand::json_type::array) {
      if (too_deep(depth, mark, path)) return Outcome::kReported;
      outcome = type == ondemand::json_type::object ? read_map(from, slot, depth, path)
                                                    : read_list(from, slot, depth, path);
    } else {
      outcome = read_scalar(from, type, token, stack_[slot].value);
    }
    if (outcome == Outcome::kOk) stack_[slot].value.set_mark(mark);
    return outcome;
  }

 private:
  bool too_deep(size_t depth, Mark mark, const Path& path) {
    if (depth < options_.depth) return false;
    diagnostics_.error(mark, path.text(),
                       "maps and lists nest deeper than " + std::to_string(options_.depth));
    return true;
  }

  // simdjson takes anything that starts with an n for a null until it is asked for, and a root "falsehood" for false.
  static bool is_word(std::string_view token, std::string_view word) {
    if (!token.starts_with(word)) return false;
    return token.find_first_not_of(" \t\r\n", word.size()) == std::string_view::npos;
  }

  template <typename From>
  static Outcome read_number(From& from, std::string_view token, Value& out) {
    ondemand::number number;
    if (from.get_number().get(number) == simdjson::SUCCESS) {
      if (number.is_int64()) {
        out = Value(number.get_int64());
      } else {
        out = Value(number.is_uint64() ? static_cast<double>(number.get_uint64()) : number.get_double());
      }
      return Outcome::kOk;
    }
    // Integers of more than 64 bits are still numbers.
    size_t end = token.find_last_not_of(" \t\r\n") + 1;
    std::string_view digits = token.substr(0, end);
    size_t first = digits.starts_with('-') ? 1 : 0;
    if (digits.size() <= first || digits[first] == '0' ||
        digits.find_first_not_of("0123456789", first) != std::string_view::npos) {
      return Outcome::kSyntax;
    }
    double value = 0;
    if (std::from_chars(digits.data(), digits.data() + digits.size(), value).ec != std::errc()) {
      return Outcome::kSyntax;
    }
    out = Value(value);
    return Outcome::kOk;
  }

  template <typename From>
  Outcome read_scalar(From& from, ondemand::json_type type, std::string_view token, Value& out) {
    if (type == ondemand::json_type::number) return read_number(from, token, out);
    if (type == ondemand::json_type::string) {
      std::string_view text;
      if (auto plain = unescaped(token.data() + 1, end_)) {
        text = *plain;
        ondemand::raw_json_string consumed;
        if (from.get_raw_json_string().get(consumed) != simdjson::SUCCESS) return Outcome::kSyntax;
      } else if (from.get_string().get(text) != simdjson::SUCCESS) {
        return Outcome::kSyntax;
      }
      out = Value(text);
      return Outcome::kOk;
    }
    bool truth = false;
    if (type == ondemand::json_type::boolean) {
      if (from.get_bool().get(truth) != simdjson::SUCCESS) return Outcome::kSyntax;
      if (!is_word(token, truth ? "true" : "false")) return Outcome::kSyntax;
      out = Value(truth);
      return Outcome::kOk;
    }
    if (from.is_null().get(truth) != simdjson::SUCCESS || !truth || !is_word(token, "null")) {
      return Outcome::kSyntax;
    }
    out = Value();
    return Outcome::kOk;
  }

  template <typename From>
  Outcome read_map(From& from, size_t slot, size_t depth, const Path& path) {
    ondemand::object object;
    if (from.get_object().get(object) != simdjson::SUCCESS) return Outcome::kSyntax;
    size_t start = stack_.size();
    for (auto result : object) {
      ondemand::field field;
      if (std::move(result).get(field) != simdjson::SUCCESS) return Outcome::kSyntax;
      const char* raw_name = field.key().raw();
      Mark mark = marker_.at(raw_name - 1);
      std::string_view name;  // stays in the text or in the parser's buffer
      if (auto plain = unescaped(raw_name, end_)) {
        name = *plain;
      } else if (field.unescaped_key().get(name) != simdjson::SUCCESS) {
        return Outcome::kSyntax;
      }
      size_t index = stack_.size();
      stack_.push_back(Member{std::string(name), Value(), mark});
      ondemand::value value = field.value();
      Outcome outcome = read(value, index, depth + 1, path.field(name));
      if (outcome != Outcome::kOk) return outcome;
    }
    auto first = stack_.begin() + static_cast<ptrdiff_t>(start);
    ValueMap members(std::make_move_iterator(first), std::make_move_iterator(stack_.end()));
    stack_.erase(first, stack_.end());
    report_duplicates(members, path);
    stack_[slot].value = Value(std::move(members));
    return Outcome::kOk;
  }

  void report_duplicates(const ValueMap& members, const Path& path) {
    for (auto [first, again] : duplicate_names(members)) {
      std::string hint = "remove one of them";
      if (options_.marks) {
        hint = "first written on line " + std::to_string(members[first].mark.line) + "; " + hint;
      }
      diagnostics_.error(members[again].mark, path.field(members[again].name).text(),
                         "duplicate key \"" + members[again].name + "\"", hint);
    }
  }

  template <typename From>
  Outcome read_list(From& from, size_t slot, size_t depth, const Path& path) {
    ondemand::array array;
    if (from.get_array().get(array) != simdjson::SUCCESS) return Outcome::kSyntax;
    size_t start = stack_.size();
    for (auto result : array) {
      ondemand::value value;
      if (std::move(result).get(value) != simdjson::SUCCESS) return Outcome::kSyntax;
      size_t index = stack_.size();
      stack_.emplace_back();
      Outcome outcome = read(value, index, depth + 1, path.index(index - start));
      if (outcome != Outcome::kOk) return outcome;
    }
    ValueList items;
    items.reserve(stack_.size() - start);
    auto first = stack_.begin() + static_cast<ptrdiff_t>(start);
    for (auto it = first; it != stack_.end(); ++it) items.push_back(std::move(it->value));
    stack_.erase(first, stack_.end());
    stack_[slot].value = Value(std::move(items));
    return Outcome::kOk;
  }

  Marker marker_;
  const char* end_;
  const JsonOptions& options_;
  Diagnostics& diagnostics_;
  std::vector<Member>& stack_;
};

Outcome read_document(ondemand::document& document, Reader& reader) {
  bool is_scalar = false;
  if (document.is_scalar().get(is_scalar) != simdjson::SUCCESS) return Outcome::kSyntax;
  if (is_scalar) {
    // A number that simdjson does not know is not read over: its token tells whether anything follows.
    std::string_view token;
    if (raw_token(document, token) != simdjson::SUCCESS || !reader.ends_with(token)) return Outcome::kSyntax;
    return reader.read(document, 0, 0, Path());
  }
  ondemand::value root;
  if (document.get_value().get(root) != simdjson::SUCCESS) return Outcome::kSyntax;
  Outcome outcome = reader.read(root, 0, 0, Path());
  // A document that was read to its end has no current location.
  if (outcome == Outcome::kOk && document.current_location().error() != simdjson::OUT_OF_BOUNDS) {
    return Outcome::kSyntax;
  }
  return outcome;
}

}  // namespace

JsonParser::JsonParser() : state_(std::make_unique<State>()) {}
JsonParser::~JsonParser() = default;
JsonParser::JsonParser(JsonParser&&) noexcept = default;
JsonParser& JsonParser::operator=(JsonParser&&) noexcept = default;

std::optional<Value> JsonParser::parse(std::string_view text, Diagnostics& diagnostics,
                                       const JsonOptions& options) {
  if (text.size() > options.bytes) {
    diagnostics.error({}, {},
                      "the text has " + std::to_string(text.size()) + " bytes; at most " +
                          std::to_string(options.bytes) + " are read");
    return std::nullopt;
  }
  std::vector<char>& padded = state_->padded;
  padded.resize(text.size() + simdjson::SIMDJSON_PADDING);
  std::copy(text.begin(), text.end(), padded.begin());
  std::fill(padded.begin() + static_cast<ptrdiff_t>(text.size()), padded.end(), ' ');
  Outcome outcome = Outcome::kSyntax;
  ondemand::document document;
  simdjson::padded_string_view view(padded.data(), text.size(), padded.size());
  if (state_->parser.iterate(view).get(document) == simdjson::SUCCESS) {
    state_->stack.assign(1, Member{});  // the root
    Reader reader({padded.data(), text.size()}, options, diagnostics, state_->stack);
    outcome = read_document(document, reader);
  }
  if (outcome == Outcome::kOk) return std::move(state_->stack.front().value);
  if (outcome == Outcome::kSyntax) {
    JsonProblem problem =
        find_json_problem(text).value_or(JsonProblem{{}, "a number or string is out of range"});
    diagnostics.error(problem.mark, {}, "not JSON: " + problem.message);
  }
  return std::nullopt;
}

std::optional<Value> parse_json(std::string_view text, Diagnostics& diagnostics, const JsonOptions& options) {
  return JsonParser().parse(text, diagnostics, options);
}

Result<Value> read_json(std::string_view text, JsonParser& parser) {
  Diagnostics diagnostics;
  JsonOptions options;
  options.marks = false;
  std::optional<Value> value = parser.parse(text, diagnostics, options);
  if (value && !diagnostics.has_errors()) return std::move(*value);
  const Diagnostic& first = diagnostics.all().front();
  std::string message = first.path.empty() ? first.message : first.path + ": " + first.message;
  if (first.mark.line > 0) {
    message +=
        " (line " + std::to_string(first.mark.line) + ", column " + std::to_string(first.mark.column) + ")";
  }
  return error(ErrorCode::kInvalid, message);
}

Result<Value> read_json(std::string_view text) {
  JsonParser parser;
  return read_json(text, parser);
}

void append_json_string(std::string& out, std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  out += '"';
  size_t start = 0, at = 0;
  while (at < text.size()) {
    auto byte = static_cast<unsigned char>(text[at]);
    if (byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\') {
      ++at;
      continue;
    }
    out.append(text.substr(start, at - start));
    switch (byte) {
      case '"':
        out += "\\\"";
        ++at;
        break;
      case '\\':
        out += "\\\\";
        ++at;
        break;
      case '\n':
        out += "\\n";
        ++at;
        break;
      case '\r':
        out += "\\r";
        ++at;
        break;
      case '\t':
        out += "\\t";
        ++at;
        break;
      default:
        if (byte >= 0x80) {
          size_t length = utf8_length(text, at);
          out += length > 0 ? text.substr(at, length) : "\xef\xbf\xbd";
          at += length > 0 ? length : 1;
        } else {
          out += "\\u00";
          out += kHex[byte >> 4];
          out += kHex[byte & 15];
          ++at;
        }
    }
    start = at;
  }
  out.append(text.substr(start));
  out += '"';
}

void append_json_number(std::string& out, int64_t number) {
  std::array<char, 24> buffer{};
  auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number).ptr;
  out.append(buffer.data(), end);
}

void append_json_number(std::string& out, double number) {
  if (!std::isfinite(number)) {
    out += "null";
    return;
  }
  double size = std::fabs(number);
  if (size == 0) number = 0;  // "-0" would be read as an integer, which has no sign
  std::array<char, 64> buffer{};
  auto write = [&](std::chars_format format) {
    auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number, format).ptr;
    return std::string_view(buffer.data(), static_cast<size_t>(end - buffer.data()));
  };
  if (size < 1e15 && (size == 0 || size >= 1e-6)) {
    out.append(write(std::chars_format::fixed));
    return;
  }
  std::string_view text = write(std::chars_format::scientific);
  if (size >= 1e15 && size < 1e21) {
    // C++ would write every digit of the binary value; Go fills up with zeros behind the shortest ones.
    size_t mark = text.find('e');
    std::string digits(text.substr(0, mark));
    std::erase(digits, '.');
    size_t exponent = static_cast<size_t>((text[mark + 2] - '0') * 10 + (text[mark + 3] - '0'));
    size_t point = exponent + 1 + (number < 0 ? 1 : 0);
    if (digits.size() > point) digits.insert(point, 1, '.');
    else digits.append(point - digits.size(), '0');
    out += digits;
    return;
  }
  // Go writes 1e-7 where C++ writes 1e-07.
  size_t length = text.size();
  if (text[length - 2] == '0' && (text[length - 3] == '-' || text[length - 3] == '+')) {
    out.append(text.substr(0, length - 2));
    out += text[length - 1];
  } else {
    out.append(text);
  }
}

void append_json(std::string& out, const Value& value) {
  switch (value.kind()) {
    case Value::Kind::kNull: out += "null"; return;
    case Value::Kind::kBool: out += value.as_bool() ? "true" : "false"; return;
    case Value::Kind::kInt: append_json_number(out, value.as_int()); return;
    case Value::Kind::kDouble: append_json_number(out, value.as_double()); return;
    case Value::Kind::kString: append_json_string(out, value.as_string()); return;
    case Value::Kind::kList: {
      char separator = '[';
      for (const Value& item : value.as_list()) {
        out += separator;
        separator = ',';
        append_json(out, item);
      }
      out += separator == '[' ? "[]" : "]";
      return;
    }
    case Value::Kind::kMap: {
      char separator = '{';
      for (const Member& member : value.as_map()) {
        out += separator;
        separator = ',';
        append_json_string(out, member.name);
        out += ':';
        append_json(out, member.value);
      }
      out += separator == '{' ? "{}" : "}";
      return;
    }
  }
}

std::string to_json(const Value& value) {
  std::string out;
  append_json(out, value);
  return out;
}

}  // namespace mainstay
