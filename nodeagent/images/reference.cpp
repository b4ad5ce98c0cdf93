#include "nodeagent/images/reference.h"

#include <algorithm>
#include <cctype>

namespace mainstay {
namespace {

bool lower_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }
bool alphanumeric(char c) { return lower_or_digit(c) || (c >= 'A' && c <= 'Z'); }

// One path component: lower-case letters and digits, separated by '.', '_', '__' or any number of '-'.
bool valid_component(std::string_view text) {
  if (text.empty() || !lower_or_digit(text.front()) || !lower_or_digit(text.back())) return false;
  for (size_t i = 0; i < text.size();) {
    if (lower_or_digit(text[i])) {
      ++i;
      continue;
    }
    size_t end = i;
    while (end < text.size() && text[end] == text[i]) ++end;
    if (end < text.size() && !lower_or_digit(text[end])) return false;
    size_t run = end - i;
    bool fine = text[i] == '-' || (text[i] == '.' && run == 1) || (text[i] == '_' && run <= 2);
    if (!fine) return false;
    i = end;
  }
  return true;
}

bool valid_tag(std::string_view tag) {
  if (tag.empty() || tag.size() > 128 || tag[0] == '.' || tag[0] == '-') return false;
  return std::all_of(tag.begin(), tag.end(),
                     [](char c) { return alphanumeric(c) || c == '_' || c == '.' || c == '-'; });
}

bool valid_digest(std::string_view digest) {
  if (!digest.starts_with("sha256:") || digest.size() != 7 + 64) return false;
  digest.remove_prefix(7);
  return std::all_of(digest.begin(), digest.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool valid_registry(std::string_view text) {
  std::string_view host = text;
  if (text.starts_with("[")) {
    size_t close = text.find(']');
    if (close == std::string_view::npos) return false;
    host = text.substr(1, close - 1);
    bool address =
        !host.empty() && host.find_first_not_of("0123456789abcdefABCDEF:.") == std::string_view::npos;
    std::string_view rest = text.substr(close + 1);
    if (!address || (!rest.empty() && rest[0] != ':')) return false;
    if (rest.empty()) return true;
    rest.remove_prefix(1);
    return !rest.empty() && rest.find_first_not_of("0123456789") == std::string_view::npos;
  }
  if (size_t colon = text.find(':'); colon != std::string_view::npos) {
    std::string_view port = text.substr(colon + 1);
    if (port.empty() || port.size() > 5 || port.find_first_not_of("0123456789") != std::string_view::npos)
      return false;
    host = text.substr(0, colon);
  }
  if (host.empty() || !alphanumeric(host.front()) || !alphanumeric(host.back())) return false;
  return std::all_of(host.begin(), host.end(),
                     [](char c) { return alphanumeric(c) || c == '-' || c == '.'; });
}

// The first component is a registry if it cannot be a plain word: a dot, a port, upper case, or "localhost".
bool looks_like_registry(std::string_view first) {
  if (first == "localhost") return true;
  return std::any_of(first.begin(), first.end(),
                     [](char c) { return c == '.' || c == ':' || std::isupper(c) != 0; });
}

Error wrong(std::string_view text, std::string_view why) {
  std::string shown(text.substr(0, 300));
  return error(ErrorCode::kInvalid,
               "couldn't parse image reference \"" + shown + "\": invalid reference format: " + std::string(why));
}

}  // namespace

std::string ImageReference::name() const {
  std::string out = repository_name();
  if (!tag.empty()) out += ":" + tag;
  if (!digest.empty()) out += "@" + digest;
  return out;
}

std::string ImageReference::pull_name() const {
  return repository_name() + (digest.empty() ? ":" + tag : "@" + digest);
}

bool ImageReference::on_loopback() const {
  if (registry.starts_with("[")) return registry.starts_with("[::1]");
  std::string host = registry.substr(0, registry.find(':'));
  if (host == "localhost") return true;
  // "127.0.0.1.example.com" is somebody else's host.
  bool address = host.find_first_not_of("0123456789.") == std::string::npos;
  return address && host.starts_with("127.");
}

Result<ImageReference> parse_reference(std::string_view text) {
  if (text.empty()) return wrong(text, "it is empty");
  ImageReference out;
  std::string_view rest = text;
  if (size_t at = rest.find('@'); at != std::string_view::npos) {
    out.digest = rest.substr(at + 1);
    if (!valid_digest(out.digest))
      return wrong(text, "after '@' must stand sha256: and 64 lower-case hex digits");
    rest = rest.substr(0, at);
  }
  size_t slash = rest.rfind('/');
  size_t colon = rest.rfind(':');
  if (colon != std::string_view::npos && (slash == std::string_view::npos || colon > slash)) {
    out.tag = rest.substr(colon + 1);
    if (!valid_tag(out.tag))
      return wrong(text, "the tag may have letters, digits, '_', '.', '-'; at most 128");
    rest = rest.substr(0, colon);
  }
  if (out.tag.empty() && out.digest.empty()) out.tag = "latest";

  size_t first = rest.find('/');
  if (first != std::string_view::npos && looks_like_registry(rest.substr(0, first))) {
    out.registry = rest.substr(0, first);
    rest = rest.substr(first + 1);
    if (!valid_registry(out.registry))
      return wrong(text, "'" + out.registry + "' is not a registry's host name");
  } else {
    out.registry = "docker.io";
  }
  if (out.registry == "index.docker.io") out.registry = "docker.io";
  out.repository = rest;
  std::string_view left = rest;
  while (true) {
    size_t end = left.find('/');
    if (!valid_component(left.substr(0, end))) {
      return wrong(text,
                   "the name may have lower-case letters and digits, single '.', '_', '-' between them");
    }
    if (end == std::string_view::npos) break;
    left.remove_prefix(end + 1);
  }
  if (out.registry == "docker.io" && out.repository.find('/') == std::string::npos) {
    out.repository = "library/" + out.repository;
  }
  if (out.repository_name().size() > 255) return wrong(text, "the name is longer than 255 bytes");
  return out;
}

}  // namespace mainstay
