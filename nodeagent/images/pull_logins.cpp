#include "nodeagent/images/pull_logins.h"

#include <fnmatch.h>

#include <algorithm>
#include <functional>
#include <map>
#include <string_view>
#include <utility>

#include "schema/base/crypto.h"
#include "schema/json.h"

namespace mainstay {
namespace {

Error unreadable(const std::string& why) { return error(ErrorCode::kInvalid, "a pull secret " + why); }

// "https://index.docker.io/v1/" as "index.docker.io".
std::string plain_name(std::string_view key) {
  for (std::string_view scheme : {"https://", "http://"}) {
    if (key.starts_with(scheme)) key.remove_prefix(scheme.size());
  }
  size_t slash = std::min(key.find('/'), key.size());
  std::string host(key.substr(0, slash));
  std::string_view path = key.substr(slash);
  if (path.starts_with("/v1/") || path.starts_with("/v2/")) path.remove_prefix(3);
  return path == "/" ? host : host + std::string(path);
}

struct Place {
  std::vector<std::string> labels;  // of the host's name
  std::string port, path;
};

Place place_of(std::string_view name) {
  Place out;
  size_t slash = std::min(name.find('/'), name.size());
  out.path = name.substr(slash);
  std::string_view host = name.substr(0, slash);
  if (size_t colon = host.rfind(':'); colon != std::string_view::npos && !host.ends_with("]")) {
    out.port = host.substr(colon + 1);
    host = host.substr(0, colon);
  }
  for (size_t begin = 0; begin <= host.size();) {
    size_t dot = std::min(host.find('.', begin), host.size());
    out.labels.emplace_back(host.substr(begin, dot - begin));
    begin = dot + 1;
  }
  return out;
}

bool is_for(const std::string& key, const std::string& image) {
  Place wanted = place_of(key), place = place_of(image);
  if (wanted.port != place.port || wanted.labels.size() != place.labels.size()) return false;
  if (!place.path.starts_with(wanted.path)) return false;
  return std::equal(wanted.labels.begin(), wanted.labels.end(), place.labels.begin(),
                    [](const std::string& glob, const std::string& label) {
                      return fnmatch(glob.c_str(), label.c_str(), 0) == 0;
                    });
}

Result<PullLogin> read_login(const Value& entry) {
  if (!entry.is_map()) return unreadable("does not hold a docker config.json");
  PullLogin out;
  out.token = entry.string_at("identitytoken");
  std::string encoded(entry.string_at("auth"));
  while (!encoded.empty() && (encoded.back() == '\n' || encoded.back() == ' ')) encoded.pop_back();
  if (encoded.empty()) {
    out.auth = std::string(entry.string_at("username")) + ":" + std::string(entry.string_at("password"));
    return out;
  }
  while (encoded.size() % 4 != 0) encoded += '=';
  std::optional<std::string> plain = unbase64(encoded);
  if (!plain || plain->find(':') == std::string::npos) {
    return unreadable("holds a login that cannot be read: unable to parse auth field, must be formatted as "
                      "base64(username:password)");
  }
  out.auth = std::move(*plain);
  return out;
}

// By place, the longer of two that begin alike first.
using Keyring = std::map<std::string, std::vector<PullLogin>, std::greater<>>;

Status add_config(const std::string& text, Keyring& keyring) {
  auto value = read_json(text);
  // The parser's message may quote the text, and the text is a secret.
  if (!value.ok() || !value->is_map()) return unreadable("does not hold a docker config.json");
  const Value* found = value->find("auths");
  const Value& entries = found ? *found : *value;
  if (!entries.is_map()) return unreadable("does not hold a docker config.json");
  for (const Member& member : entries.as_map()) {
    ASSIGN_OR_RETURN(PullLogin login, read_login(member.value));
    std::vector<PullLogin>& logins = keyring[plain_name(member.name)];
    if (std::find(logins.begin(), logins.end(), login) == logins.end()) logins.push_back(std::move(login));
  }
  return {};
}

}  // namespace

Result<std::vector<PullLogin>> pull_logins(const std::vector<std::string>& configs, const ImageReference& image) {
  Keyring keyring;
  for (const std::string& text : configs) RETURN_IF_ERROR(add_config(text, keyring));
  std::vector<PullLogin> out;
  for (const auto& [key, logins] : keyring) {
    if (is_for(key, image.repository_name())) out.insert(out.end(), logins.begin(), logins.end());
  }
  auto hub = keyring.find("index.docker.io");
  if (out.empty() && image.registry == "docker.io" && hub != keyring.end()) out = hub->second;
  return out;
}

std::string login_file(const PullLogin& login, const ImageReference& image) {
  Value entry = Value::map();
  entry.set("auth", base64(login.auth));
  if (!login.token.empty()) entry.set("identitytoken", login.token);
  Value auths = Value::map();
  auths.set(image.registry, entry);
  Value out = Value::map();
  out.set("auths", auths);
  return to_json(out);
}

}  // namespace mainstay
