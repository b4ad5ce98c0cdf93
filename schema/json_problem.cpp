// The slow reader that finds where and why a text is not JSON; simdjson only says that it is not.
#include <cstdint>
#include <string>
#include <vector>

#include "schema/json.h"
#include "schema/utf8.h"

namespace mainstay {
namespace {

class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  std::optional<JsonProblem> scan() {
    if (size_t good = utf8_valid_prefix(text_); good < text_.size()) {
      return problem(good, "the text is not UTF-8");
    }
    blanks();
    if (at_ == text_.size()) return problem(at_, "the text is empty");
    // '{' and '[' of what is open; a loop, so that depth costs no stack.
    std::vector<char> open;
    bool value_next = true, first = false;
    while (true) {
      blanks();
      if (value_next) {
        if (first && at_ < text_.size() && text_[at_] == (open.back() == '{' ? '}' : ']')) {
          value_next = false;
          continue;
        }
        if (!open.empty() && open.back() == '{') {
          if (!string_here()) return problem_here("expected a name in double quotes");
          if (auto bad = string()) return bad;
          blanks();
          if (!take(':')) return problem_here("expected ':' after the name");
          blanks();
        }
        if (at_ < text_.size() && (text_[at_] == '{' || text_[at_] == '[')) {
          open.push_back(text_[at_++]);
          first = true;
          continue;
        }
        if (auto bad = scalar()) return bad;
        value_next = false;
        continue;
      }
      first = false;
      if (open.empty()) {
        if (at_ < text_.size()) return problem_here("expected the end of the text");
        return std::nullopt;
      }
      if (take(',')) {
        value_next = true;
      } else if (take(open.back() == '{' ? '}' : ']')) {
        open.pop_back();
      } else {
        return problem_here(open.back() == '{' ? "expected ',' or '}'" : "expected ',' or ']'");
      }
    }
  }

 private:
  JsonProblem problem(size_t place, std::string message) const {
    Mark mark{1, 1};
    for (size_t i = 0; i < place; ++i) {
      if (text_[i] == '\n') {
        ++mark.line;
        mark.column = 1;
      } else if ((static_cast<unsigned char>(text_[i]) & 0xc0) != 0x80) {
        ++mark.column;
      }
    }
    return {mark, std::move(message)};
  }
  JsonProblem problem_here(std::string message) const {
    if (at_ == text_.size()) message += ", but the text ends";
    return problem(at_, std::move(message));
  }
  void blanks() {
    while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos) {
      ++at_;
    }
  }
  bool take(char c) {
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  bool string_here() const { return at_ < text_.size() && text_[at_] == '"'; }

  // The code unit of \uXXXX whose digits start at `place`; -1 if they are none.
  int unit(size_t place) const {
    if (place + 4 > text_.size()) return -1;
    int value = 0;
    for (size_t i = place; i < place + 4; ++i) {
      char c = text_[i];
      int digit = c >= '0' && c <= '9'                     ? c - '0'
                  : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10
                                                           : -1;
      if (digit < 0) return -1;
      value = value * 16 + digit;
    }
    return value;
  }

  std::optional<JsonProblem> escape() {
    size_t start = at_++;
    char c = at_ < text_.size() ? text_[at_++] : '\0';
    if (c != 'u') {
      if (c != '\0' && std::string_view("\"\\/bfnrt").find(c) != std::string_view::npos) return std::nullopt;
      return problem(start, "unknown escape in a string");
    }
    int high = unit(at_);
    if (high < 0) return problem(start, "\\u needs four hexadecimal digits");
    at_ += 4;
    if (high < 0xd800 || high > 0xdfff) return std::nullopt;
    bool paired =
        high < 0xdc00 && text_.substr(at_, 2) == "\\u" && unit(at_ + 2) >= 0xdc00 && unit(at_ + 2) <= 0xdfff;
    if (!paired) return problem(start, "half a surrogate pair in a string");
    at_ += 6;
    return std::nullopt;
  }

  std::optional<JsonProblem> string() {
    size_t start = at_++;
    while (at_ < text_.size() && text_[at_] != '"') {
      auto byte = static_cast<unsigned char>(text_[at_]);
      if (byte == '\n') return problem(start, "the string that starts here is not closed on its line");
      if (byte < 0x20) return problem(at_, "a control character in a string; write it as \\u00NN");
      if (byte == '\\') {
        if (auto bad = escape()) return bad;
      } else {
        ++at_;
      }
    }
    if (at_ == text_.size()) return problem(start, "the string that starts here is not closed");
    ++at_;
    return std::nullopt;
  }

  size_t digits() {
    size_t start = at_;
    while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9') ++at_;
    return at_ - start;
  }

  std::optional<JsonProblem> number() {
    size_t start = at_;
    take('-');
    size_t whole = at_;
    size_t count = digits();
    bool good = count > 0 && (count == 1 || text_[whole] != '0');
    if (good && take('.')) good = digits() > 0;
    if (good && (take('e') || take('E'))) {
      if (!take('-')) take('+');
      good = digits() > 0;
    }
    if (!good) return problem(start, "a number JSON does not know");
    return std::nullopt;
  }

  std::optional<JsonProblem> scalar() {
    if (at_ == text_.size()) return problem_here("expected a value");
    if (string_here()) return string();
    if (text_[at_] == '-' || (text_[at_] >= '0' && text_[at_] <= '9')) return number();
    for (std::string_view word : {"true", "false", "null"}) {
      if (text_.substr(at_).starts_with(word)) {
        at_ += word.size();
        return std::nullopt;
      }
    }
    return problem_here("expected a value (strings need double quotes)");
  }

  std::string_view text_;
  size_t at_ = 0;
};

}  // namespace

std::optional<JsonProblem> find_json_problem(std::string_view text) { return Scanner(text).scan(); }

}  // namespace mainstay
