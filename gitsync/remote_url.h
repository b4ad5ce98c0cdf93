// The grammar of repository addresses we accept: an allow-list, because an address reaches a resolver, a
// socket and, over ssh, a shell on the other side. Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "schema/base/result.h"

namespace mainstay {

enum class UrlScheme : uint8_t { kLocal, kFile, kGit, kHttp, kHttps, kSsh };

struct RemoteUrl {
  UrlScheme scheme = UrlScheme::kLocal;
  // What is dialled: without a user, and scp form written out as ssh://. For kLocal and kFile the path.
  std::string address;
  std::string user;  // from the address; "" if it names none
  std::string host;  // without brackets; "" for kLocal and kFile
  uint16_t port = 0;  // the scheme's default if the address names none; 0 for kLocal and kFile
  std::string path;

  bool is_network() const { return !host.empty(); }
  bool is_http() const { return scheme == UrlScheme::kHttp || scheme == UrlScheme::kHttps; }
  // The address as people may see it, in messages and logs: never with a user or password.
  const std::string& display() const { return address; }
};

// Accepts a local path, file://, git://, http://, https://, ssh:// and the scp form user@host:path.
// kInvalid with a sentence that never repeats a password; a password in the address is refused, since
// addresses end up in process lists, status fields and logs.
Result<RemoteUrl> parse_remote_url(std::string_view text);

// Any text with every "scheme://user:password@" in it reduced to "scheme://". For messages of others.
std::string without_userinfo(std::string_view text);

}  // namespace mainstay
