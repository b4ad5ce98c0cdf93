// What images an archive (or OCI layout directory) holds, and what they are called. Any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "schema/base/result.h"

namespace mainstay {

struct ArchiveImage {
  std::string transport;            // skopeo's: "oci", "oci-archive", "docker-archive"
  std::string selector;             // what follows the path: "", ":name", ":@0"
  std::vector<std::string> names;   // normalised; at least one
};

// `name` overrides what the archive says, and is needed where it says nothing.
// kInvalid: no image archive, no name, or `name` for an archive of several images.
Result<std::vector<ArchiveImage>> find_archive_images(const std::string& path, const std::string& name);

// The same from the documents themselves. Pure.
Result<std::vector<ArchiveImage>> oci_archive_images(std::string_view index, const std::string& transport);
Result<std::vector<ArchiveImage>> docker_archive_images(std::string_view manifest);

}  // namespace mainstay
