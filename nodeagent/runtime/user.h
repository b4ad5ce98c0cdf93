// Who a container's process runs as: the image's user or the security context, looked up in the image's own
// /etc/passwd and /etc/group. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "nodeagent/doors.h"

namespace mainstay {

struct ProcessUser {
  int64_t uid = 0;
  int64_t gid = 0;
  std::vector<int64_t> groups;  // further ones, sorted
  std::string home;             // "" if the image does not say
};

// `image_user` as in ImageConfig::user; `passwd` and `group` are the files' contents ("" where missing).
// The security context wins over the image. kInvalid: runAsNonRoot, and the user is root or is given by a name only
// (Kubernetes cannot tell before the start, so it refuses). kNotFound: no such user or group in the image.
Result<ProcessUser> resolve_user(std::string_view image_user, const SecuritySpec& security,
                                 std::string_view passwd, std::string_view group);

}  // namespace mainstay
