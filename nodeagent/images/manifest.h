// The JSON documents of an OCI layout (image-spec): index, manifest, image configuration. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "nodeagent/doors.h"

namespace mainstay {

struct BlobRef {
  std::string digest;  // "sha256:..."
  std::string media_type;
  uint64_t size = 0;
};

struct IndexEntry {
  BlobRef manifest;
  std::string ref_name;        // org.opencontainers.image.ref.name
  std::string full_name;       // io.containerd.image.name
};

struct ImageManifest {
  BlobRef config;
  std::vector<BlobRef> layers;
};

struct ImageDescription {
  ImageConfig config;
  std::vector<std::string> diff_ids;  // digests of the uncompressed layers, lowest first
  std::string architecture, os;
};

// Each: kInvalid if the text is not that document or has digests other than sha256.
Result<std::vector<IndexEntry>> parse_index(std::string_view text);
Result<ImageManifest> parse_manifest(std::string_view text);
Result<ImageDescription> parse_image_config(std::string_view text);

// What our own store keeps about a name.
std::string encode_image(const Image& image);
Result<Image> decode_image(std::string_view text);

}  // namespace mainstay
