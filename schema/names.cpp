#include "schema/names.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

namespace mainstay {
namespace {

constexpr size_t kLabelLength = 63, kSubdomainLength = 253, kPortNameLength = 15;

constexpr std::string_view kLabelRule =
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start "
    "and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
constexpr std::string_view kSubdomainRule =
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must "
    "start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
constexpr std::string_view kLabel1035Rule =
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic "
    "character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for "
    "validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";
constexpr std::string_view kNamePartRule =
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
    "character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
    "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
constexpr std::string_view kLabelValueRule =
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must "
    "start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for "
    "validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
constexpr std::string_view kConfigKeyRule =
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or "
    "'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";

bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_lower_alnum(char c) { return is_lower(c) || is_digit(c); }
bool is_alnum(char c) { return is_lower_alnum(c) || (c >= 'A' && c <= 'Z'); }

std::string too_long(size_t limit) { return "must be no more than " + std::to_string(limit) + " bytes"; }

// Not empty, alphanumeric at both ends, and only `inner` besides in between.
template <typename Alnum>
bool is_word(std::string_view text, Alnum alnum, std::string_view inner) {
  if (text.empty() || !alnum(text.front()) || !alnum(text.back())) return false;
  return std::all_of(text.begin(), text.end(),
                     [&](char c) { return alnum(c) || inner.find(c) != std::string_view::npos; });
}

bool is_subdomain(std::string_view text) {
  while (true) {
    size_t dot = text.find('.');
    if (!is_word(text.substr(0, dot), is_lower_alnum, "-")) return false;
    if (dot == std::string_view::npos) return true;
    text = text.substr(dot + 1);
  }
}

bool inet_ok(int family, std::string_view text) {
  unsigned char buffer[sizeof(in6_addr)];
  return inet_pton(family, std::string(text).c_str(), buffer) == 1;
}

}  // namespace

Problems dns_label_problems(std::string_view text) {
  Problems out;
  if (text.size() > kLabelLength) out.push_back(too_long(kLabelLength));
  if (!is_word(text, is_lower_alnum, "-")) out.emplace_back(kLabelRule);
  return out;
}

Problems dns1035_label_problems(std::string_view text) {
  Problems out;
  if (text.size() > kLabelLength) out.push_back(too_long(kLabelLength));
  if (!is_word(text, is_lower_alnum, "-") || !is_lower(text.front())) out.emplace_back(kLabel1035Rule);
  return out;
}

Problems dns_subdomain_problems(std::string_view text) {
  Problems out;
  if (text.size() > kSubdomainLength) out.push_back(too_long(kSubdomainLength));
  if (!is_subdomain(text)) out.emplace_back(kSubdomainRule);
  return out;
}

Problems qualified_name_problems(std::string_view text) {
  Problems out;
  std::string_view name = text;
  size_t slash = text.find('/');
  if (slash != std::string_view::npos) {
    std::string_view prefix = text.substr(0, slash);
    name = text.substr(slash + 1);
    if (name.find('/') != std::string_view::npos) {
      return {"a qualified name " + std::string(kNamePartRule) +
              " with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"};
    }
    if (prefix.empty()) {
      out.emplace_back("prefix part must be non-empty");
    } else {
      for (std::string& problem : dns_subdomain_problems(prefix)) out.push_back("prefix part " + problem);
    }
  }
  if (name.empty()) {
    out.emplace_back("name part must be non-empty");
  } else if (name.size() > kLabelLength) {
    out.push_back("name part " + too_long(kLabelLength));
  }
  if (!is_word(name, is_alnum, "-_.")) out.push_back("name part " + std::string(kNamePartRule));
  return out;
}

Problems label_value_problems(std::string_view text) {
  Problems out;
  if (text.size() > kLabelLength) out.push_back(too_long(kLabelLength));
  if (!text.empty() && !is_word(text, is_alnum, "-_.")) out.emplace_back(kLabelValueRule);
  return out;
}

Problems port_name_problems(std::string_view text) {
  Problems out;
  if (text.size() > kPortNameLength) out.push_back(too_long(kPortNameLength));
  if (!std::all_of(text.begin(), text.end(), [](char c) { return is_lower_alnum(c) || c == '-'; })) {
    out.emplace_back("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)");
  }
  if (!std::any_of(text.begin(), text.end(), is_lower)) {
    out.emplace_back("must contain at least one letter (a-z)");
  }
  if (text.find("--") != std::string_view::npos) out.emplace_back("must not contain consecutive hyphens");
  if (!text.empty() && (text.front() == '-' || text.back() == '-')) {
    out.emplace_back("must not begin or end with a hyphen");
  }
  return out;
}

Problems env_name_problems(std::string_view text) {
  bool good = !text.empty() &&
              std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~' && c != '='; });
  if (good) return {};
  return {"a valid environment variable name must consist only of printable ASCII characters other than '='"};
}

Problems config_key_problems(std::string_view text) {
  Problems out;
  if (text.size() > kSubdomainLength) out.push_back(too_long(kSubdomainLength));
  bool good = !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return is_alnum(c) || c == '-' || c == '_' || c == '.';
  });
  if (!good) out.emplace_back(kConfigKeyRule);
  if (text == ".") {
    out.emplace_back("must not be '.'");
  } else if (text == "..") {
    out.emplace_back("must not be '..'");
  } else if (text.substr(0, 2) == "..") {
    out.emplace_back("must not start with '..'");
  }
  return out;
}

Problems path_segment_problems(std::string_view text) {
  if (text == ".") return {"may not be '.'"};
  if (text == "..") return {"may not be '..'"};
  Problems out;
  if (text.find('/') != std::string_view::npos) out.emplace_back("may not contain '/'");
  if (text.find('%') != std::string_view::npos) out.emplace_back("may not contain '%'");
  return out;
}

Problems object_name_problems(Kind kind, std::string_view text) {
  switch (kind) {
    case Kind::kNamespace: return dns_label_problems(text);
    case Kind::kService: return dns1035_label_problems(text);
    case Kind::kRole:
    case Kind::kRoleBinding:
    case Kind::kClusterRole:
    case Kind::kClusterRoleBinding: return path_segment_problems(text);
    default: return dns_subdomain_problems(text);
  }
}

bool is_ipv4(std::string_view text) { return inet_ok(AF_INET, text); }
bool is_ip(std::string_view text) { return is_ipv4(text) || inet_ok(AF_INET6, text); }

bool is_cidr(std::string_view text) {
  size_t slash = text.find('/');
  if (slash == std::string_view::npos || !is_ip(text.substr(0, slash))) return false;
  std::string_view bits = text.substr(slash + 1);
  int count = -1;
  auto [end, problem] = std::from_chars(bits.data(), bits.data() + bits.size(), count);
  int limit = is_ipv4(text.substr(0, slash)) ? 32 : 128;
  return problem == std::errc() && end == bits.data() + bits.size() && count >= 0 && count <= limit;
}

}  // namespace mainstay
