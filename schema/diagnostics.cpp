#include "schema/diagnostics.h"

#include <algorithm>
#include <array>
#include <tuple>

namespace mainstay {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

constexpr size_t kLongestWord = 64;  // nobody mistypes longer names into other longer names

// Edits (insert, remove, replace, swap of neighbours) that turn `a` into `b`, letter case apart.
size_t edit_distance(std::string_view a, std::string_view b) {
  std::array<size_t, kLongestWord + 1> before{}, last{}, row{};
  for (size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      char x = lower(a[i - 1]), y = lower(b[j - 1]);
      size_t best = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (x == y ? 0 : 1)});
      if (i > 1 && j > 1 && x == lower(b[j - 2]) && lower(a[i - 2]) == y) {
        best = std::min(best, before[j - 2] + 1);
      }
      row[j] = best;
    }
    before = last;
    last = row;
  }
  return last[b.size()];
}

}  // namespace

std::string Diagnostic::text() const {
  std::string out;
  if (!file.empty()) out += file + ":";
  if (mark.line > 0) out += std::to_string(mark.line) + ":" + std::to_string(mark.column) + ":";
  if (!out.empty()) out += " ";
  out += severity == Severity::kError ? "error: " : "warning: ";
  if (!path.empty()) out += path + ": ";
  out += message;
  if (!hint.empty()) out += " (" + hint + ")";
  return out;
}

std::string Path::text() const {
  if (step_ == Step::kRoot) return {};
  std::string out = parent_ != nullptr ? parent_->text() : std::string();
  switch (step_) {
    case Step::kRoot: break;
    case Step::kField:
      if (!out.empty()) out += '.';
      out += name_;
      break;
    case Step::kIndex: out += "[" + std::to_string(index_) + "]"; break;
    case Step::kKey:
      out += '[';
      out += name_;
      out += ']';
      break;
  }
  return out;
}

void Diagnostics::error(Mark mark, std::string path, std::string message, std::string hint) {
  add({Severity::kError, file_, mark, std::move(path), std::move(message), std::move(hint)});
}

void Diagnostics::warning(Mark mark, std::string path, std::string message, std::string hint) {
  add({Severity::kWarning, file_, mark, std::move(path), std::move(message), std::move(hint)});
}

void Diagnostics::add(Diagnostic diagnostic) {
  bool is_error = diagnostic.severity == Severity::kError;
  ++(is_error ? errors_ : warnings_);
  if (all_.size() < capacity_) {
    all_.push_back(std::move(diagnostic));
    return;
  }
  if (!is_error || errors_ > capacity_) return;
  for (auto it = all_.rbegin(); it != all_.rend(); ++it) {
    if (it->severity == Severity::kWarning) {
      *it = std::move(diagnostic);
      return;
    }
  }
}

void Diagnostics::append(const Diagnostics& other) {
  size_t errors = 0, warnings = 0;
  for (const Diagnostic& diagnostic : other.all_) {
    ++(diagnostic.severity == Severity::kError ? errors : warnings);
    add(diagnostic);
  }
  errors_ += other.errors_ - errors;
  warnings_ += other.warnings_ - warnings;
}

std::string Diagnostics::render() const {
  std::vector<const Diagnostic*> sorted;
  sorted.reserve(all_.size());
  for (const Diagnostic& diagnostic : all_) sorted.push_back(&diagnostic);
  std::stable_sort(sorted.begin(), sorted.end(), [](const Diagnostic* a, const Diagnostic* b) {
    return std::tie(a->file, a->mark.line, a->mark.column) < std::tie(b->file, b->mark.line, b->mark.column);
  });
  std::string out;
  for (const Diagnostic* diagnostic : sorted) out += diagnostic->text() + "\n";
  size_t hidden = errors_ + warnings_ - all_.size();
  if (hidden > 0) out += "and " + std::to_string(hidden) + " more\n";
  return out;
}

std::string_view nearest_name(std::string_view word, std::span<const std::string_view> candidates) {
  if (word.empty() || word.size() > kLongestWord) return {};
  std::string_view best;
  size_t best_distance = std::max<size_t>(1, word.size() / 3) + 1;
  for (std::string_view candidate : candidates) {
    size_t difference =
        candidate.size() > word.size() ? candidate.size() - word.size() : word.size() - candidate.size();
    if (candidate.size() > kLongestWord || difference >= best_distance) continue;
    size_t distance = edit_distance(word, candidate);
    if (distance < best_distance) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

std::string did_you_mean(std::string_view word, std::span<const std::string_view> candidates) {
  std::string_view nearest = nearest_name(word, candidates);
  return nearest.empty() ? std::string() : "did you mean \"" + std::string(nearest) + "\"?";
}

std::string quoted(std::string_view text) {
  constexpr size_t kLongest = 60;
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string out = "\"";
  for (char c : text.substr(0, kLongest)) {
    auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      out += "\\x";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    } else {
      out += c;
    }
  }
  if (text.size() > kLongest) {
    // Do not leave half a UTF-8 sequence behind.
    size_t end = out.size();
    while (end > 1 && (static_cast<unsigned char>(out[end - 1]) & 0xc0) == 0x80) --end;
    if (end > 1 && (static_cast<unsigned char>(out[end - 1]) & 0xc0) == 0xc0) out.resize(end - 1);
    out += "...";
  }
  return out + "\"";
}

}  // namespace mainstay
