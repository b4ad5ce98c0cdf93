#include "nodeagent/images/archive_names.h"

#include <sys/stat.h>

#include "nodeagent/disk.h"
#include "nodeagent/images/layer.h"
#include "nodeagent/images/manifest.h"
#include "nodeagent/images/reference.h"
#include "schema/json.h"

namespace mainstay {

Result<std::vector<ArchiveImage>> oci_archive_images(std::string_view index, const std::string& transport) {
  ASSIGN_OR_RETURN(auto entries, parse_index(index));
  std::vector<ArchiveImage> out;
  for (const IndexEntry& entry : entries) {
    ArchiveImage image;
    image.transport = transport;
    if (entries.size() > 1 && entry.ref_name.empty()) {
      return error(ErrorCode::kInvalid, "one of the images in the archive has no name");
    }
    if (entries.size() > 1) image.selector = ":" + entry.ref_name;
    // The OCI annotation may hold only a tag ("v1"); then it is no name.
    std::string name = !entry.full_name.empty() ? entry.full_name : entry.ref_name;
    if (name.find('/') != std::string::npos || name.find(':') != std::string::npos) {
      ASSIGN_OR_RETURN(ImageReference reference, parse_reference(name));
      image.names.push_back(reference.name());
    }
    out.push_back(std::move(image));
  }
  return out;
}

Result<std::vector<ArchiveImage>> docker_archive_images(std::string_view manifest) {
  ASSIGN_OR_RETURN(Value value, read_json(manifest));
  if (!value.is_list()) return error(ErrorCode::kInvalid, "manifest.json of the archive is not a list");
  std::vector<ArchiveImage> out;
  for (const Value& item : value.as_list()) {
    ArchiveImage image;
    image.transport = "docker-archive";
    image.selector = ":@" + std::to_string(out.size());
    const Value* tags = item.find("RepoTags");
    if (tags && tags->is_list()) {
      for (const Value& tag : tags->as_list()) {
        if (!tag.is_string()) continue;
        ASSIGN_OR_RETURN(ImageReference reference, parse_reference(tag.as_string()));
        image.names.push_back(reference.name());
      }
    }
    out.push_back(std::move(image));
  }
  return out;
}

namespace {

Result<std::vector<ArchiveImage>> read_names(const std::string& path) {
  struct stat info;
  if (stat(path.c_str(), &info) != 0) return errno_error("opening " + path, errno);
  if (S_ISDIR(info.st_mode)) {
    auto index = read_file(path + "/index.json");
    if (!index.ok()) return error(ErrorCode::kInvalid, path + " is not an OCI layout: it has no index.json");
    return oci_archive_images(*index, "oci");
  }
  auto index = read_archive_file(path, "index.json", 4 << 20);
  auto docker = read_archive_file(path, "manifest.json", 4 << 20);
  // Newer `docker save` writes both into one archive; its OCI side has the complete names.
  if (index.ok()) {
    auto images = oci_archive_images(*index, "oci-archive");
    bool named = images.ok() && !images->empty() && !images->front().names.empty();
    if (named || !docker.ok()) return images;
  }
  if (docker.ok()) return docker_archive_images(*docker);
  return error(ErrorCode::kInvalid,
               path + " is neither an OCI nor a docker image archive (" + docker.error().message + ")");
}

}  // namespace

Result<std::vector<ArchiveImage>> find_archive_images(const std::string& path, const std::string& name) {
  ASSIGN_OR_RETURN(auto images, read_names(path));
  if (images.empty()) return error(ErrorCode::kInvalid, path + " holds no image");
  if (!name.empty()) {
    if (images.size() > 1) {
      return error(ErrorCode::kInvalid,
                   path + " holds " + std::to_string(images.size()) + " images: they keep their names");
    }
    ASSIGN_OR_RETURN(ImageReference reference, parse_reference(name));
    images[0].names = {reference.name()};
  }
  for (const ArchiveImage& image : images) {
    if (image.names.empty()) {
      return error(ErrorCode::kInvalid, "an image in " + path + " has no name: say which (--name NAME:TAG)");
    }
  }
  return images;
}

}  // namespace mainstay
