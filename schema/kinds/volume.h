// The volumes a pod can have.
// Field names and meaning: the Kubernetes API, 1.33. Members not listed here
// are carried (schema/descriptor.h). Plain values; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "schema/descriptor.h"
#include "schema/kinds/meta.h"

namespace mainstay {

struct KeyToPath {
  std::string key;
  std::string path;
  std::optional<int32_t> mode;

  static const TypeDesc kType;
};

struct HostPathVolumeSource {
  std::string path;
  std::string type;

  static const TypeDesc kType;
};

struct EmptyDirVolumeSource {
  std::string medium;
  std::optional<Quantity> size_limit;

  static const TypeDesc kType;
};

struct SecretVolumeSource {
  std::string secret_name;
  std::vector<KeyToPath> items;
  std::optional<int32_t> default_mode;
  std::optional<bool> optional;

  static const TypeDesc kType;
};

struct ConfigMapVolumeSource {
  std::string name;
  std::vector<KeyToPath> items;
  std::optional<int32_t> default_mode;
  std::optional<bool> optional;

  static const TypeDesc kType;
};

struct Volume {
  std::string name;
  Box<HostPathVolumeSource> host_path;
  Box<EmptyDirVolumeSource> empty_dir;
  Box<SecretVolumeSource> secret;
  Box<ConfigMapVolumeSource> config_map;
  Box<Value> carried;

  static const TypeDesc kType;
};

}  // namespace mainstay
