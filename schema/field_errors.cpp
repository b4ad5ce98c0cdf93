#include "schema/field_errors.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "schema/validate.h"

namespace mainstay {
namespace {

struct Reason {
  std::string_view prefix, reason;
};
constexpr Reason kReasons[] = {
    {"Required value", "FieldValueRequired"},    {"Invalid value", "FieldValueInvalid"},
    {"Duplicate value", "FieldValueDuplicate"},  {"Unsupported value", "FieldValueNotSupported"},
    {"Forbidden", "FieldValueForbidden"},        {"Too long", "FieldValueTooLong"},
    {"Too many", "FieldValueTooMany"},           {"Not found", "FieldValueNotFound"},
};

}  // namespace

std::string_view field_error_reason(std::string_view message) {
  for (const Reason& row : kReasons) {
    if (message.substr(0, row.prefix.size()) == row.prefix) return row.reason;
  }
  return "FieldValueInvalid";
}

void FieldErrors::add(const Path& path, std::string message, std::string hint) {
  std::string text = path.text();
  Mark mark = document_ != nullptr ? locate(*document_, text) : Mark{};
  diagnostics_.error(mark, std::move(text), std::move(message), std::move(hint));
}

void FieldErrors::required(const Path& path, std::string_view why) {
  add(path, why.empty() ? "Required value" : "Required value: " + std::string(why));
}

void FieldErrors::invalid(const Path& path, std::string_view value, std::string_view why) {
  invalid_shown(path, quoted(value), why);
}

void FieldErrors::invalid(const Path& path, int64_t value, std::string_view why) {
  invalid_shown(path, std::to_string(value), why);
}

void FieldErrors::invalid_shown(const Path& path, std::string_view shown, std::string_view why) {
  add(path, "Invalid value: " + std::string(shown) + ": " + std::string(why));
}

void FieldErrors::unsupported(const Path& path, std::string_view value,
                              std::span<const std::string_view> supported) {
  std::vector<std::string_view> sorted(supported.begin(), supported.end());
  std::sort(sorted.begin(), sorted.end());
  std::string message = "Unsupported value: " + quoted(value) + ": supported values: ";
  for (size_t i = 0; i < sorted.size(); ++i) {
    if (i > 0) message += ", ";
    message += quoted(sorted[i]);
  }
  add(path, std::move(message));
}

void FieldErrors::duplicate(const Path& path, std::string_view value) {
  duplicate_shown(path, quoted(value));
}

void FieldErrors::duplicate_shown(const Path& path, std::string_view shown) {
  add(path, "Duplicate value: " + std::string(shown));
}

void FieldErrors::not_found(const Path& path, std::string_view value) {
  add(path, "Not found: " + quoted(value));
}

void FieldErrors::forbidden(const Path& path, std::string_view why, std::string hint) {
  add(path, "Forbidden: " + std::string(why), std::move(hint));
}

void FieldErrors::too_long(const Path& path, size_t limit) {
  add(path, "Too long: may not be more than " + std::to_string(limit) + " bytes");
}

void FieldErrors::warning(const Path& path, std::string message) {
  std::string text = path.text();
  Mark mark = document_ != nullptr ? locate(*document_, text) : Mark{};
  diagnostics_.warning(mark, std::move(text), std::move(message));
}

void FieldErrors::problems(const Path& path, std::string_view value, const Problems& problems) {
  for (const std::string& problem : problems) invalid(path, value, problem);
}

bool FieldErrors::at_least(const Path& path, int64_t value, int64_t least) {
  if (value >= least) return true;
  invalid(path, value, "must be greater than or equal to " + std::to_string(least));
  return false;
}

bool FieldErrors::in_range(const Path& path, int64_t value, int64_t least, int64_t most) {
  if (value >= least && value <= most) return true;
  invalid(path, value,
          "must be between " + std::to_string(least) + " and " + std::to_string(most) + ", inclusive");
  return false;
}

bool FieldErrors::one_of(const Path& path, std::string_view value,
                         std::span<const std::string_view> supported) {
  if (value.empty()) {
    required(path);
    return false;
  }
  if (std::find(supported.begin(), supported.end(), value) != supported.end()) return true;
  unsupported(path, value, supported);
  return false;
}

// ---- locate ----

namespace {

// One step of a path's text: a name, or what stands in brackets.
struct Step {
  std::string_view text;
  bool bracket;
};

Step next_step(std::string_view& path) {
  if (path.front() == '.') path.remove_prefix(1);
  if (!path.empty() && path.front() == '[') {
    size_t close = path.find(']');
    Step step{path.substr(1, close == std::string_view::npos ? close : close - 1), true};
    path = close == std::string_view::npos ? std::string_view() : path.substr(close + 1);
    return step;
  }
  size_t end = path.find_first_of(".[");
  Step step{path.substr(0, end), false};
  path = end == std::string_view::npos ? std::string_view() : path.substr(end);
  return step;
}

const Value* follow(const Value& at, Step step) {
  if (at.is_map()) return at.find(step.text);
  size_t index = 0;
  auto [end, problem] = std::from_chars(step.text.data(), step.text.data() + step.text.size(), index);
  bool number = problem == std::errc() && end == step.text.data() + step.text.size();
  if (!at.is_list() || !step.bracket || !number || index >= at.as_list().size()) return nullptr;
  return &at.as_list()[index];
}

}  // namespace

Mark locate(const Value& document, std::string_view path) {
  const Value* at = &document;
  Mark mark = at->mark();
  while (!path.empty()) {
    at = follow(*at, next_step(path));
    if (at == nullptr) break;
    if (at->mark().line != 0) mark = at->mark();
  }
  return mark;
}

}  // namespace mainstay
