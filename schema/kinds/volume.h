// The volumes a pod can have.
// Field names and meaning: the Kubernetes API, 1.33. Members not listed here
// are carried (schema/descriptor.h). Plain values; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "schema/descriptor.h"
#include "schema/kinds/container.h"
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

struct DownwardAPIVolumeFile {
  std::string path;
  Box<ObjectFieldSelector> field_ref;
  Box<ResourceFieldSelector> resource_field_ref;
  std::optional<int32_t> mode;

  static const TypeDesc kType;
};

struct DownwardAPIVolumeSource {
  std::vector<DownwardAPIVolumeFile> items;
  std::optional<int32_t> default_mode;

  static const TypeDesc kType;
};

struct SecretProjection {
  std::string name;
  std::vector<KeyToPath> items;
  std::optional<bool> optional;

  static const TypeDesc kType;
};

struct ConfigMapProjection {
  std::string name;
  std::vector<KeyToPath> items;
  std::optional<bool> optional;

  static const TypeDesc kType;
};

struct DownwardAPIProjection {
  std::vector<DownwardAPIVolumeFile> items;

  static const TypeDesc kType;
};

struct ServiceAccountTokenProjection {
  std::string audience;
  std::optional<int64_t> expiration_seconds;
  std::string path;

  static const TypeDesc kType;
};

// Exactly one of them; clusterTrustBundle is carried.
struct VolumeProjection {
  Box<SecretProjection> secret;
  Box<DownwardAPIProjection> downward_api;
  Box<ConfigMapProjection> config_map;
  Box<ServiceAccountTokenProjection> service_account_token;
  Box<Value> carried;

  static const TypeDesc kType;
};

struct ProjectedVolumeSource {
  std::vector<VolumeProjection> sources;
  std::optional<int32_t> default_mode;

  static const TypeDesc kType;
};

struct Volume {
  std::string name;
  Box<HostPathVolumeSource> host_path;
  Box<EmptyDirVolumeSource> empty_dir;
  Box<SecretVolumeSource> secret;
  Box<ConfigMapVolumeSource> config_map;
  Box<DownwardAPIVolumeSource> downward_api;
  Box<ProjectedVolumeSource> projected;
  Box<Value> carried;

  static const TypeDesc kType;
};

}  // namespace mainstay
