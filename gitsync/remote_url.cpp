#include "gitsync/remote_url.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace mainstay {
namespace {

constexpr size_t kMaxUrlLength = 2048;
constexpr std::string_view kAccepted =
    "use a path, file://, git://, http://, https://, ssh:// or user@host:path";

bool is_alnum(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

Error refused(std::string why) { return error(ErrorCode::kInvalid, "repository address: " + std::move(why)); }

bool is_host(std::string_view host) {
  if (host.empty() || host.size() > 253 || host.front() == '-' || host.front() == '.') return false;
  return std::all_of(host.begin(), host.end(),
                     [](char c) { return is_alnum(c) || c == '-' || c == '.' || c == '_'; });
}

bool is_ipv6(std::string_view host) {
  if (host.empty() || host.size() > 45 || host.find(':') == host.npos) return false;
  return std::all_of(host.begin(), host.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == ':' || c == '.';
  });
}

bool is_user(std::string_view user) {
  if (user.empty() || user.size() > 128 || user.front() == '-') return false;
  return std::all_of(user.begin(), user.end(), [](char c) {
    return is_alnum(c) || c == '-' || c == '.' || c == '_' || c == '+' || c == '~';
  });
}

// Over ssh the path becomes a word of a shell command on the server, inside single quotes.
bool is_ssh_path(std::string_view path) {
  return std::all_of(path.begin(), path.end(), [](char c) {
    return is_alnum(c) || std::string_view("/._-~+@=,:").find(c) != std::string_view::npos;
  });
}

bool is_url_path(std::string_view path) {
  return std::all_of(path.begin(), path.end(), [](char c) {
    return is_alnum(c) || std::string_view("/._-~+@=,:%!$&()*;").find(c) != std::string_view::npos;
  });
}

// Puts "[user@]host[:port]" into `url`; the sentence of what is wrong with it, if something is.
struct Authority {
  std::string user, host;
  std::optional<uint16_t> port;
};

Result<Authority> parse_authority(std::string_view text) {
  Authority out;
  if (size_t at = text.rfind('@'); at != text.npos) {
    std::string_view user = text.substr(0, at);
    if (user.find(':') != user.npos) {
      return refused(
          "it holds a password; put the token in a file and name that with the token file setting");
    }
    if (!is_user(user)) return refused("the user before '@' has characters that are not allowed");
    out.user = user;
    text = text.substr(at + 1);
  }
  std::string_view port;
  if (!text.empty() && text.front() == '[') {
    size_t end = text.find(']');
    if (end == text.npos || !is_ipv6(text.substr(1, end - 1))) return refused("no IPv6 address within '[ ]'");
    out.host = text.substr(1, end - 1);
    std::string_view rest = text.substr(end + 1);
    if (!rest.empty() && rest.front() != ':') return refused("unexpected characters after ']'");
    if (!rest.empty()) port = rest.substr(1);
    if (!rest.empty() && port.empty()) return refused("no port after ':'");
  } else {
    size_t colon = text.find(':');
    out.host = text.substr(0, colon);
    if (!is_host(out.host)) return refused("\"" + without_userinfo(out.host) + "\" is no host name");
    if (colon != text.npos) {
      port = text.substr(colon + 1);
      if (port.empty()) return refused("no port after ':'");
    }
  }
  if (!port.empty()) {
    unsigned number = 0;
    auto [end, code] = std::from_chars(port.data(), port.data() + port.size(), number);
    if (code != std::errc() || end != port.data() + port.size() || number == 0 || number > 65535) {
      return refused("the port is no number from 1 to 65535");
    }
    out.port = static_cast<uint16_t>(number);
  }
  return out;
}

std::string host_text(const RemoteUrl& url) {
  return url.host.find(':') == std::string::npos ? url.host : "[" + url.host + "]";
}

struct SchemeRow {
  std::string_view prefix;
  UrlScheme scheme;
  uint16_t port;
};
constexpr SchemeRow kSchemes[] = {
    {"git", UrlScheme::kGit, 9418},    {"http", UrlScheme::kHttp, 80}, {"https", UrlScheme::kHttps, 443},
    {"ssh", UrlScheme::kSsh, 22},      {"file", UrlScheme::kFile, 0},
};

Result<RemoteUrl> finish_ssh(RemoteUrl url) {
  if (!is_ssh_path(url.path)) {
    return refused("the path of an ssh address may hold only letters, digits and / . _ - ~ + @ = , :");
  }
  std::string_view first = url.path;
  first.remove_prefix(std::min(first.find_first_not_of("/~"), first.size()));
  if (first.empty()) return refused("no path after the host");
  if (first.front() == '-') return refused("the path begins with '-'");
  std::string port = url.port == 22 ? "" : ":" + std::to_string(url.port);
  url.address = "ssh://" + host_text(url) + port + url.path;
  return url;
}

Result<RemoteUrl> parse_with_scheme(const SchemeRow& row, std::string_view rest) {
  RemoteUrl url;
  url.scheme = row.scheme;
  size_t slash = rest.find('/');
  if (slash == rest.npos) return refused("no path after the host");
  url.path = rest.substr(slash);
  if (row.scheme == UrlScheme::kFile) {
    std::string_view host = rest.substr(0, slash);
    if (!host.empty() && host != "localhost") return refused("file:// takes a path on this machine");
    if (url.path.find('%') != std::string::npos)
      return refused("file:// with '%': give the plain path instead");
    url.address = "file://" + url.path;
    return url;
  }
  ASSIGN_OR_RETURN(Authority authority, parse_authority(rest.substr(0, slash)));
  url.user = authority.user;
  url.host = authority.host;
  url.port = authority.port.value_or(row.port);
  if (url.path.find_first_not_of('/') == std::string::npos) return refused("no path after the host");
  if (row.scheme == UrlScheme::kSsh) return finish_ssh(std::move(url));
  if (row.scheme == UrlScheme::kGit && !url.user.empty()) return refused("git:// knows no users");
  if (!is_url_path(url.path))
    return refused("the path has characters that are not allowed (a query or a fragment?)");
  std::string port = url.port == row.port ? "" : ":" + std::to_string(url.port);
  url.address = std::string(row.prefix) + "://" + host_text(url) + port + url.path;
  return url;
}

// user@host:path, as scp and git write it.
Result<RemoteUrl> parse_scp(std::string_view text, size_t colon) {
  RemoteUrl url;
  url.scheme = UrlScheme::kSsh;
  ASSIGN_OR_RETURN(Authority authority, parse_authority(text.substr(0, colon)));
  url.user = authority.user;
  url.host = authority.host;
  url.port = 22;
  std::string_view path = text.substr(colon + 1);
  if (path.empty()) return refused("no path after ':'");
  if (path.front() == '-') return refused("the path begins with '-'");
  // scp paths are relative to the user's home; "/~/" says that in a URL.
  url.path = path.front() == '/' ? std::string(path)
                                 : "/" + (path.front() == '~' ? "" : std::string("~/")) + std::string(path);
  return finish_ssh(std::move(url));
}

}  // namespace

Result<RemoteUrl> parse_remote_url(std::string_view text) {
  if (text.empty()) return refused("it is empty; " + std::string(kAccepted));
  if (text.size() > kMaxUrlLength) return refused("it is longer than 2048 characters");
  if (text.front() == '-') return refused("it begins with '-'");
  for (unsigned char c : text) {
    if (c < 0x20 || c == 0x7f) return refused("it holds a control character");
  }
  if (size_t mark = text.find("://"); mark != text.npos && text.find('/') == mark + 1) {
    std::string_view scheme = text.substr(0, mark);
    for (const SchemeRow& row : kSchemes) {
      if (row.prefix == scheme) {
        if (text.find(' ') != text.npos && row.scheme != UrlScheme::kFile) return refused("it holds a space");
        return parse_with_scheme(row, text.substr(mark + 3));
      }
    }
    if (scheme.find("::") != scheme.npos)
      return refused("remote helpers (\"x::\") are never run; " + std::string(kAccepted));
    return refused("unknown scheme; " + std::string(kAccepted));
  }
  size_t colon = text.find(':'), slash = text.find('/');
  bool is_path = colon == text.npos || (slash != text.npos && slash < colon);
  if (is_path) {
    RemoteUrl url;
    url.path = text;
    url.address = text;
    return url;
  }
  if (colon + 1 < text.size() && text[colon + 1] == ':') {
    return refused("remote helpers (\"x::\") are never run; " + std::string(kAccepted));
  }
  if (text.find(' ') != text.npos) return refused("it holds a space");
  return parse_scp(text, colon);
}

std::string without_userinfo(std::string_view text) {
  std::string out;
  while (true) {
    size_t mark = text.find("://");
    if (mark == text.npos) break;
    out += text.substr(0, mark + 3);
    text.remove_prefix(mark + 3);
    size_t end = text.find_first_of("/ \t\n'\"");
    size_t at = text.substr(0, end).rfind('@');
    if (at != text.npos) text.remove_prefix(at + 1);
  }
  out += text;
  return out;
}

}  // namespace mainstay
