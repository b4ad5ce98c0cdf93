#include "gitsync/commit_message.h"

#include <algorithm>
#include <cstddef>

namespace mainstay {
namespace {

constexpr size_t kMaxSubject = 200;
constexpr size_t kMaxTrailers = 100;

std::string_view trimmed(std::string_view text) {
  size_t first = text.find_first_not_of(" \t\r");
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    size_t end = text.find('\n');
    lines.push_back(text.substr(0, end));
    if (end == text.npos) break;
    text.remove_prefix(end + 1);
  }
  return lines;
}

bool is_trailer_key(std::string_view key) {
  return !key.empty() && std::all_of(key.begin(), key.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
  });
}

}  // namespace

std::string commit_subject(std::string_view message) {
  for (std::string_view line : lines_of(message)) {
    line = trimmed(line);
    if (line.empty()) continue;
    std::string subject;
    for (unsigned char c : line.substr(0, kMaxSubject))
      subject += c < 0x20 || c == 0x7f ? ' ' : static_cast<char>(c);
    if (line.size() > kMaxSubject) {
      while (!subject.empty() && (static_cast<unsigned char>(line[subject.size()]) & 0xc0) == 0x80)
        subject.pop_back();
    }
    return subject;
  }
  return "";
}

Trailers commit_trailers(std::string_view message) {
  std::vector<std::string_view> lines = lines_of(message);
  while (!lines.empty() && trimmed(lines.back()).empty()) lines.pop_back();
  size_t start = lines.size();
  while (start > 0 && !trimmed(lines[start - 1]).empty()) --start;
  bool has_subject = std::any_of(lines.begin(), lines.begin() + static_cast<ptrdiff_t>(start),
                                 [](std::string_view line) { return !trimmed(line).empty(); });
  if (!has_subject || lines.size() - start > kMaxTrailers) return {};
  Trailers trailers;
  for (size_t i = start; i < lines.size(); ++i) {
    bool continues = !trailers.empty() && (lines[i].front() == ' ' || lines[i].front() == '\t');
    if (continues) {
      trailers.back().second += " " + std::string(trimmed(lines[i]));
      continue;
    }
    size_t colon = lines[i].find(':');
    if (colon == std::string_view::npos || !is_trailer_key(lines[i].substr(0, colon))) return {};
    trailers.emplace_back(lines[i].substr(0, colon), trimmed(lines[i].substr(colon + 1)));
  }
  return trailers;
}

}  // namespace mainstay
