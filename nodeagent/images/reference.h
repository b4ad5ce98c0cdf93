// Image references ("nginx", "ghcr.io/a/b:1.2", "localhost:5000/x@sha256:...") and their one normal form, as
// in github.com/distribution/reference. Pure.
#pragma once

#include <string>
#include <string_view>

#include "schema/base/result.h"

namespace mainstay {

struct ImageReference {
  std::string registry;    // "docker.io", "localhost:5000"
  std::string repository;  // "library/nginx"
  std::string tag;         // "" if only a digest is given
  std::string digest;      // "sha256:..." or ""

  // "docker.io/library/nginx:latest"; with both tag and digest, both.
  std::string name() const;
  // "docker.io/library/nginx"
  std::string repository_name() const { return registry + "/" + repository; }
  // For skopeo, which takes either a tag or a digest: the digest wins.
  std::string pull_name() const;
  // localhost, 127.0.0.0/8 or [::1]: TLS is not asked for there.
  bool on_loopback() const;
};

// kInvalid, with what is wrong, for what is not a reference.
Result<ImageReference> parse_reference(std::string_view text);

}  // namespace mainstay
