#include "gitsync/known_hosts.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <optional>

#include "schema/base/crypto.h"

namespace mainstay {
namespace {

// Takes the next word off `line`.
std::string_view next_word(std::string_view& line) {
  size_t first = line.find_first_not_of(" \t");
  if (first == line.npos) return line = {};
  line.remove_prefix(first);
  size_t end = std::min(line.find_first_of(" \t"), line.size());
  std::string_view word = line.substr(0, end);
  line.remove_prefix(end);
  return word;
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// `*` and `?`, case-insensitive.
bool matches_pattern(std::string_view pattern, std::string_view host) {
  size_t p = 0, h = 0, star = pattern.npos, resume = 0;
  while (h < host.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = h;
    } else if (p < pattern.size() && (pattern[p] == '?' || lower(pattern[p]) == lower(host[h]))) {
      ++p;
      ++h;
    } else if (star != pattern.npos) {
      p = star + 1;
      h = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

// "|1|salt|hash": base64 of HMAC-SHA1(salt, name).
bool matches_hashed(std::string_view field, std::string_view name) {
  field.remove_prefix(3);
  size_t bar = field.find('|');
  if (bar == field.npos) return false;
  std::optional<std::string> salt = unbase64(field.substr(0, bar));
  std::optional<std::string> hash = unbase64(field.substr(bar + 1));
  if (!salt || !hash) return false;
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned length = 0;
  if (!HMAC(EVP_sha1(), salt->data(), static_cast<int>(salt->size()),
            reinterpret_cast<const unsigned char*>(name.data()), name.size(), out, &length)) {
    return false;
  }
  return std::string_view(reinterpret_cast<char*>(out), length) == *hash;
}

bool names_host(std::string_view field, const std::string& name) {
  if (field.starts_with("|1|")) {
    std::string folded = name;
    std::transform(folded.begin(), folded.end(), folded.begin(), lower);
    return matches_hashed(field, folded);
  }
  bool found = false;
  while (!field.empty()) {
    size_t comma = std::min(field.find(','), field.size());
    std::string_view pattern = field.substr(0, comma);
    if (pattern.starts_with("!")) {
      if (matches_pattern(pattern.substr(1), name)) return false;
    } else if (matches_pattern(pattern, name)) {
      found = true;
    }
    field.remove_prefix(std::min(comma + 1, field.size()));
  }
  return found;
}

}  // namespace

HostKeyVerdict check_host_key(std::string_view known_hosts, std::string_view host, uint16_t port,
                              std::string_view key) {
  const std::string name =
      port == 22 ? std::string(host) : "[" + std::string(host) + "]:" + std::to_string(port);
  const std::string type = host_key_type(key);
  bool host_seen = false, type_seen = false, known = false;
  while (!known_hosts.empty()) {
    size_t end = std::min(known_hosts.find('\n'), known_hosts.size());
    std::string_view line = known_hosts.substr(0, end);
    known_hosts.remove_prefix(std::min(end + 1, known_hosts.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    std::string_view field = next_word(line);
    if (field.empty() || field.front() == '#') continue;
    bool revoked = false;
    if (field.front() == '@') {
      if (field != "@revoked") continue;
      revoked = true;
      field = next_word(line);
    }
    if (!names_host(field, name)) continue;
    std::string_view line_type = next_word(line);
    std::optional<std::string> line_key = unbase64(next_word(line));
    bool same = line_key && line_type == type && *line_key == key;
    if (revoked) {
      if (same) return HostKeyVerdict::kRevoked;
      continue;
    }
    host_seen = true;
    type_seen = type_seen || line_type == type;
    known = known || same;
  }
  if (known) return HostKeyVerdict::kKnown;
  if (type_seen) return HostKeyVerdict::kChanged;
  return host_seen ? HostKeyVerdict::kOtherType : HostKeyVerdict::kUnknownHost;
}

std::string host_key_type(std::string_view key) {
  if (key.size() < 4) return "";
  size_t length = 0;
  for (int i = 0; i < 4; ++i) length = length << 8 | static_cast<unsigned char>(key[static_cast<size_t>(i)]);
  if (length > 64 || key.size() - 4 < length) return "";
  return std::string(key.substr(4, length));
}

std::string host_key_fingerprint(std::string_view key) {
  Digest digest = sha256(key);
  std::string text = base64(std::string_view(reinterpret_cast<const char*>(digest.data()), digest.size()));
  while (text.ends_with('=')) text.pop_back();
  return "SHA256:" + text;
}

}  // namespace mainstay
