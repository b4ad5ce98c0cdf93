// The Images door made real: blobs fetched by skopeo or taken from archives, layers unpacked once and shared
// by every image and container, one small record per name. Several processes (agent, `mainstay image import`)
// may use one store at the same time.
//
//   images/names/<digest of the name>.json   what the name means
//   images/blobs/sha256/<digest>             manifests, configurations, compressed layers
//   images/layers/<24 digits of the diff id> unpacked layers, and <...>.diffid beside each
//   images/tmp/                              work in progress; swept when nobody works
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "nodeagent/doors.h"
#include "nodeagent/images/layer.h"
#include "nodeagent/node_paths.h"

namespace mainstay {

struct ImageStoreOptions {
  NodePaths paths;
  std::string skopeo;  // path; "": looked up. Without it, images that are there can still be used.
  LayerLimits limits;
  // Registries that stand in for others, in the order they are asked in; the registry itself comes last.
  std::map<std::string, std::vector<std::string>> mirrors;
  std::string auth_file;  // credentials of the node itself, in the form of .dockerconfigjson; "": none
};

// "docker.io=mirror.example:5000" as name and mirror. kInvalid for anything else.
Result<std::pair<std::string, std::string>> parse_mirror(std::string_view text);

// kDenied, kFailed: the directories cannot be made.
Result<std::unique_ptr<Images>> open_image_store(const ImageStoreOptions& options);

}  // namespace mainstay
