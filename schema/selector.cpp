#include "schema/selector.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "schema/diagnostics.h"
#include "schema/kinds/meta.h"

namespace mainstay {
namespace {

using Op = Requirement::Op;

bool is_alnum(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_lower_alnum(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z'); }

// [A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?
bool is_name_part(std::string_view text) {
  return !text.empty() && is_alnum(text.front()) && is_alnum(text.back()) &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return is_alnum(c) || c == '-' || c == '_' || c == '.'; });
}

bool is_dns_subdomain(std::string_view text) {
  if (text.empty() || text.size() > 253) return false;
  while (true) {
    size_t dot = std::min(text.find('.'), text.size());
    std::string_view label = text.substr(0, dot);
    if (label.empty() || !is_lower_alnum(label.front()) || !is_lower_alnum(label.back()) ||
        !std::all_of(label.begin(), label.end(), [](char c) { return is_lower_alnum(c) || c == '-'; })) {
      return false;
    }
    if (dot == text.size()) return true;
    text.remove_prefix(dot + 1);
  }
}

std::optional<int64_t> integer(std::string_view text) {
  if (text.starts_with('+') && text.size() > 1 && text[1] != '-') text.remove_prefix(1);
  int64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

void sort_unique(std::vector<std::string>& values) {
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
}

Error invalid(std::string message) { return error(ErrorCode::kInvalid, std::move(message)); }

// What is wrong with one requirement, whichever way it was written.
Status check(const Requirement& requirement) {
  std::string problem = label_key_problem(requirement.key);
  if (!problem.empty()) return invalid("label key " + quoted(requirement.key) + " " + problem);
  for (const std::string& value : requirement.values) {
    problem = label_value_problem(value);
    if (!problem.empty()) {
      return invalid("label value " + quoted(value) + " of " + requirement.key + " " + problem);
    }
  }
  bool compares = requirement.op == Op::kGreater || requirement.op == Op::kLess;
  if (compares && (requirement.values.size() != 1 || !integer(requirement.values[0]))) {
    return invalid("\"" + requirement.key + "\" is compared with something that is no integer");
  }
  return {};
}

enum class Token : uint8_t { kEnd, kWord, kComma, kOpen, kClose, kNot, kEqual, kNotEqual, kGreater, kLess };

// Reads selector text token by token, and requirement by requirement.
class SelectorParser {
 public:
  explicit SelectorParser(std::string_view text) : text_(text) { next(); }

  Result<Selector> parse() {
    Selector out;
    if (token_ == Token::kEnd) return out;
    while (true) {
      ASSIGN_OR_RETURN(Requirement requirement, parse_one());
      RETURN_IF_ERROR(check(requirement));
      out.all.push_back(std::move(requirement));
      if (token_ == Token::kEnd) break;
      if (token_ != Token::kComma) return unexpected("',' or the end");
      next();
      if (token_ == Token::kEnd) return unexpected("a requirement after ','");
    }
    std::stable_sort(out.all.begin(), out.all.end(),
                     [](const Requirement& a, const Requirement& b) { return a.key < b.key; });
    return out;
  }

 private:
  Error unexpected(std::string_view wanted) const {
    std::string found = token_ == Token::kEnd ? "the end" : quoted(text_.substr(start_, at_ - start_));
    return invalid("selector " + quoted(text_) + ": found " + found + ", expected " + std::string(wanted));
  }

  void next() {
    constexpr std::string_view kSpecial = "=!(),<> \t\r\n";
    while (at_ < text_.size() &&
           (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\r' || text_[at_] == '\n')) {
      ++at_;
    }
    start_ = at_;
    if (at_ == text_.size()) {
      token_ = Token::kEnd;
      return;
    }
    char c = text_[at_++];
    bool equal_follows = at_ < text_.size() && text_[at_] == '=';
    switch (c) {
      case ',': token_ = Token::kComma; return;
      case '(': token_ = Token::kOpen; return;
      case ')': token_ = Token::kClose; return;
      case '>': token_ = Token::kGreater; return;
      case '<': token_ = Token::kLess; return;
      case '=':
        token_ = Token::kEqual;
        if (equal_follows) ++at_;
        return;
      case '!':
        token_ = equal_follows ? Token::kNotEqual : Token::kNot;
        if (equal_follows) ++at_;
        return;
      default: break;
    }
    at_ = std::min(text_.find_first_of(kSpecial, start_), text_.size());
    word_ = text_.substr(start_, at_ - start_);
    token_ = Token::kWord;
  }

  Result<Requirement> parse_one() {
    bool negated = token_ == Token::kNot;
    if (negated) next();
    if (token_ != Token::kWord) return unexpected("a label key");
    Requirement out{std::string(word_), negated ? Op::kDoesNotExist : Op::kExists};
    next();
    if (negated || token_ == Token::kEnd || token_ == Token::kComma) return out;
    Token token = token_;
    if (token == Token::kWord && (word_ == "in" || word_ == "notin")) {
      out.op = word_ == "in" ? Op::kIn : Op::kNotIn;
      next();
      RETURN_IF_ERROR(parse_set(out));
      return out;
    }
    switch (token) {
      case Token::kEqual: out.op = Op::kIn; break;
      case Token::kNotEqual: out.op = Op::kNotIn; break;
      case Token::kGreater: out.op = Op::kGreater; break;
      case Token::kLess: out.op = Op::kLess; break;
      default: return unexpected("one of =, ==, !=, in, notin, <, >");
    }
    next();
    out.values.emplace_back();
    if (token_ == Token::kWord) {
      out.values.back() = word_;
      next();
    } else if (token_ != Token::kEnd && token_ != Token::kComma) {
      return unexpected("a label value");
    }
    return out;
  }

  // "(a, b)"; an empty place between commas is the empty value, as Kubernetes has it.
  Status parse_set(Requirement& out) {
    if (token_ != Token::kOpen) return unexpected("'('");
    next();
    while (true) {
      std::string value;
      if (token_ == Token::kWord) {
        value = word_;
        next();
      }
      out.values.push_back(std::move(value));
      if (token_ == Token::kClose) break;
      if (token_ != Token::kComma) return unexpected("',' or ')'");
      next();
    }
    next();
    sort_unique(out.values);
    return {};
  }

  std::string_view text_;
  size_t at_ = 0, start_ = 0;
  Token token_ = Token::kEnd;
  std::string_view word_;
};

std::optional<Op> op_of(std::string_view name) {
  if (name == "In") return Op::kIn;
  if (name == "NotIn") return Op::kNotIn;
  if (name == "Exists") return Op::kExists;
  if (name == "DoesNotExist") return Op::kDoesNotExist;
  return std::nullopt;
}

bool holds(std::string_view key, Op op, const std::vector<std::string>& values, const StringMap& labels) {
  const std::string* label = map_find(labels, key);
  bool among = label != nullptr && std::find(values.begin(), values.end(), *label) != values.end();
  switch (op) {
    case Op::kIn: return among;
    case Op::kNotIn: return !among;
    case Op::kExists: return label != nullptr;
    case Op::kDoesNotExist: return label == nullptr;
    case Op::kGreater:
    case Op::kLess: break;
  }
  auto left = label != nullptr ? integer(*label) : std::nullopt;
  auto right = values.size() == 1 ? integer(values[0]) : std::nullopt;
  if (!left || !right) return false;
  return op == Op::kGreater ? *left > *right : *left < *right;
}

}  // namespace

bool Requirement::matches(const StringMap& labels) const { return holds(key, op, values, labels); }

bool Selector::matches(const StringMap& labels) const {
  return std::all_of(all.begin(), all.end(), [&](const Requirement& one) { return one.matches(labels); });
}

std::string Selector::text() const {
  std::string out;
  for (const Requirement& one : all) {
    if (!out.empty()) out += ',';
    auto set = [&] {
      std::string list;
      for (const std::string& value : one.values) list += (list.empty() ? "" : ",") + value;
      return "(" + list + ")";
    };
    switch (one.op) {
      case Op::kIn: out += one.key + (one.values.size() == 1 ? "=" + one.values[0] : " in " + set()); break;
      case Op::kNotIn:
        out += one.key + (one.values.size() == 1 ? "!=" + one.values[0] : " notin " + set());
        break;
      case Op::kExists: out += one.key; break;
      case Op::kDoesNotExist: out += "!" + one.key; break;
      case Op::kGreater: out += one.key + ">" + one.values[0]; break;
      case Op::kLess: out += one.key + "<" + one.values[0]; break;
    }
  }
  return out;
}

Result<Selector> parse_selector(std::string_view text) { return SelectorParser(text).parse(); }

Selector selector_of(const StringMap& labels) {
  Selector out;
  for (const auto& [key, value] : labels) out.all.push_back({key, Op::kIn, {value}});
  return out;
}

Result<Selector> selector_of(const LabelSelector& selector) {
  Selector out = selector_of(selector.match_labels);
  for (const LabelSelectorRequirement& expression : selector.match_expressions) {
    std::optional<Op> op = op_of(expression.op);
    if (!op) {
      return invalid("operator " + quoted(expression.op) +
                     " is not known; use In, NotIn, Exists or DoesNotExist");
    }
    bool needs_values = *op == Op::kIn || *op == Op::kNotIn;
    if (needs_values == expression.values.empty()) {
      return invalid("operator " + expression.op + " of " + quoted(expression.key) +
                     (needs_values ? " needs values" : " takes no values"));
    }
    Requirement requirement{expression.key, *op, expression.values};
    sort_unique(requirement.values);
    out.all.push_back(std::move(requirement));
  }
  for (const Requirement& requirement : out.all) RETURN_IF_ERROR(check(requirement));
  std::stable_sort(out.all.begin(), out.all.end(),
                   [](const Requirement& a, const Requirement& b) { return a.key < b.key; });
  return out;
}

bool has_labels(const StringMap& labels, const StringMap& selector) {
  return std::all_of(selector.begin(), selector.end(), [&](const auto& entry) {
    const std::string* found = map_find(labels, entry.first);
    return found != nullptr && *found == entry.second;
  });
}

bool matches(const LabelSelector& selector, const StringMap& labels) {
  if (!has_labels(labels, selector.match_labels)) return false;
  return std::all_of(selector.match_expressions.begin(), selector.match_expressions.end(),
                     [&](const auto& one) {
                       std::optional<Op> op = op_of(one.op);
                       return op && holds(one.key, *op, one.values, labels);
                     });
}

std::string label_key_problem(std::string_view key) {
  size_t slash = key.find('/');
  std::string_view name = slash == std::string_view::npos ? key : key.substr(slash + 1);
  if (slash != std::string_view::npos && !is_dns_subdomain(key.substr(0, slash))) {
    return "must have a lower case DNS name before '/'";
  }
  if (name.size() > 63) return "must have at most 63 characters in its name";
  if (!is_name_part(name)) {
    return "must have a name of letters, digits, '-', '_' or '.', starting and ending with a letter or digit";
  }
  return {};
}

std::string label_value_problem(std::string_view value) {
  if (value.size() > 63) return "must have at most 63 characters";
  if (value.empty() || is_name_part(value)) return {};
  return "must be empty or of letters, digits, '-', '_' or '.', starting and ending with a letter or digit";
}

bool FieldSelector::matches(const std::function<std::string(std::string_view)>& field_value) const {
  return std::all_of(all.begin(), all.end(), [&](const FieldRequirement& one) {
    return (field_value(one.field) == one.value) == one.equal;
  });
}

Result<FieldSelector> parse_field_selector(std::string_view text) {
  FieldSelector out;
  size_t at = 0;
  while (at < text.size()) {
    size_t end = at;  // of this requirement: a comma without a backslash in front
    while (end < text.size() && text[end] != ',') end += text[end] == '\\' ? 2 : 1;
    end = std::min(end, text.size());
    std::string_view term = text.substr(at, end - at);
    at = end + 1;
    if (term.empty()) continue;
    size_t sign = term.find('=');
    if (sign == std::string_view::npos) {
      return invalid("field selector " + quoted(term) + " needs one of =, == and !=");
    }
    bool negated = sign > 0 && term[sign - 1] == '!';
    FieldRequirement one{std::string(term.substr(0, negated ? sign - 1 : sign)), {}, !negated};
    std::string_view value = term.substr(sign + 1);
    if (!negated && value.starts_with('=')) value.remove_prefix(1);
    if (one.field.empty()) return invalid("field selector " + quoted(term) + " names no field");
    for (size_t i = 0; i < value.size(); ++i) {
      if (value[i] == '=') {
        return invalid("field selector " + quoted(term) + " has a second '='; write it as \\=");
      }
      if (value[i] == '\\') {
        char next = i + 1 < value.size() ? value[++i] : '\0';
        if (next != '\\' && next != ',' && next != '=') {
          return invalid("field selector " + quoted(term) +
                         " has a '\\' before something else than ',', '=' or '\\'");
        }
      }
      one.value += value[i];
    }
    out.all.push_back(std::move(one));
  }
  return out;
}

}  // namespace mainstay
