// Copying an image into a directory of blobs with skopeo: from a registry or from an archive. Any thread.
#pragma once

#include <string>
#include <vector>

#include "nodeagent/images/reference.h"
#include "schema/base/result.h"
#include "schema/base/time.h"

namespace mainstay {

struct SkopeoCopy {
  std::string program;
  std::string source;       // "docker://host/name:tag", "oci-archive:/path", "docker-archive:/path:@0"
  std::string layout;       // directory for index.json; made by skopeo
  std::string shared_blobs;  // where the blobs go; those already there are not fetched again
  std::string scratch;      // existing private directory for its temporary files
  std::string login;        // content of the config.json with the login to use; "" for none
  bool verify_tls = true;
  Duration timeout = 10min;
};

// kNotFound: the registry has no such image; kDenied; kTimeout; kInvalid: no image; kUnavailable: all else.
Status copy_image(const SkopeoCopy& copy);

// Sorts what skopeo said when it failed by what to do about it. Pure.
Error classify_skopeo(std::string_view said);

}  // namespace mainstay
