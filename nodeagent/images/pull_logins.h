// Which logins of pull secrets are for an image: docker's config.json, matched as the kubelet matches it
// (k8s.io/kubernetes/pkg/credentialprovider: hosts with globs, ports, prefixes of paths, docker.io's names). Pure.
#pragma once

#include <string>
#include <vector>

#include "nodeagent/images/reference.h"
#include "schema/base/result.h"

namespace mainstay {

struct PullLogin {
  std::string auth;   // "user:password"
  std::string token;  // "identitytoken", which some registries give instead of a password; "" for none
  bool operator==(const PullLogin&) const = default;
};

// The logins for `image` in the order to try them in: those of longer matches first, of one name in the order of
// `configs`. Each config is the content of .dockerconfigjson, or the older form without "auths". kInvalid if one is not
// that, or a login in it cannot be read; what it holds is not quoted.
Result<std::vector<PullLogin>> pull_logins(const std::vector<std::string>& configs, const ImageReference& image);

// The config.json that skopeo reads this login from.
std::string login_file(const PullLogin& login, const ImageReference& image);

}  // namespace mainstay
