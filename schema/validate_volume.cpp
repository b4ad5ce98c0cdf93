// Validation of a pod's volumes. Source: Kubernetes core/validation, validateVolumeSource and below.
#include <algorithm>
#include <set>
#include <string>

#include "schema/validate_parts.h"

namespace mainstay {
namespace {

constexpr std::string_view kHostPathTypes[] = {"",     "DirectoryOrCreate", "Directory",  "FileOrCreate",
                                               "File", "Socket",            "CharDevice", "BlockDevice"};
constexpr std::string_view kMedia[] = {"", "Memory"};
constexpr int64_t kShortestToken = 600, kLongestToken = int64_t{1} << 32;

void validate_mode(FieldErrors& errors, const Path& path, const std::optional<int32_t>& mode) {
  if (mode && (*mode < 0 || *mode > 0777)) {
    errors.invalid(path, *mode, "must be a number between 0 and 0777 (octal), both inclusive");
  }
}

void validate_items(FieldErrors& errors, const Path& path, const std::vector<KeyToPath>& items) {
  for (size_t i = 0; i < items.size(); ++i) {
    const Path here = path.index(i);
    if (items[i].key.empty()) errors.required(here.field("key"));
    validate_volume_file(errors, here, items[i].path, items[i].mode);
  }
}

void validate_host_path(FieldErrors& errors, const Path& path, const HostPathVolumeSource& source) {
  if (source.path.empty()) {
    errors.required(path.field("path"));
  } else if (("/" + source.path + "/").find("/../") != std::string::npos) {
    errors.invalid(path.field("path"), source.path, "must not contain '..'");
  }
  if (std::find(std::begin(kHostPathTypes), std::end(kHostPathTypes), source.type) ==
      std::end(kHostPathTypes)) {
    errors.unsupported(path.field("type"), source.type, kHostPathTypes);
  }
}

void validate_empty_dir(FieldErrors& errors, const Path& path, const EmptyDirVolumeSource& source) {
  if (source.size_limit && source.size_limit->is_negative()) {
    errors.forbidden(path.field("sizeLimit"), "SizeLimit field must be a valid resource quantity");
  }
  bool known = std::find(std::begin(kMedia), std::end(kMedia), source.medium) != std::end(kMedia);
  if (!known) errors.unsupported(path.field("medium"), source.medium, kMedia);
}

void validate_token(FieldErrors& errors, const Path& path, const ServiceAccountTokenProjection& token) {
  int64_t seconds = token.expiration_seconds.value_or(kShortestToken);
  const Path expiration = path.field("expirationSeconds");
  if (seconds < kShortestToken) errors.invalid(expiration, seconds, "may not specify a duration less than 10 minutes");
  if (seconds > kLongestToken) errors.invalid(expiration, seconds, "may not specify a duration larger than 2^32 seconds");
  validate_volume_file(errors, path, token.path, std::nullopt);
}

// The paths a projection writes, for the search of two that write the same file. Keys of whole objects are
// not known before the pod runs; then the later source wins.
void note_paths(FieldErrors& errors, const Path& path, const std::vector<std::string_view>& paths,
                std::set<std::string_view>& taken) {
  for (std::string_view one : paths) {
    if (!one.empty() && !taken.insert(one).second) errors.invalid(path, one, "conflicting duplicate paths");
  }
}

template <typename Item>
std::vector<std::string_view> paths_of(const std::vector<Item>& items) {
  std::vector<std::string_view> out;
  for (const Item& item : items) out.push_back(item.path);
  return out;
}

void validate_projection(FieldErrors& errors, const Path& path, const VolumeProjection& source,
                         std::set<std::string_view>& taken) {
  int count = 0;
  auto first = [&](bool present, std::string_view name) {
    if (!present) return false;
    if (count++ == 0) return true;
    errors.forbidden(path.field(name), "may not specify more than 1 volume type per source");
    return false;
  };
  if (first(source.secret.has_value(), "secret")) {
    const Path here = path.field("secret");
    if (source.secret->name.empty()) errors.required(here.field("name"));
    validate_items(errors, here.field("items"), source.secret->items);
    note_paths(errors, here, paths_of(source.secret->items), taken);
  }
  if (first(source.config_map.has_value(), "configMap")) {
    const Path here = path.field("configMap");
    if (source.config_map->name.empty()) errors.required(here.field("name"));
    validate_items(errors, here.field("items"), source.config_map->items);
    note_paths(errors, here, paths_of(source.config_map->items), taken);
  }
  if (first(source.downward_api.has_value(), "downwardAPI")) {
    const Path here = path.field("downwardAPI");
    validate_downward_items(errors, here.field("items"), source.downward_api->items);
    note_paths(errors, here, paths_of(source.downward_api->items), taken);
  }
  if (first(source.service_account_token.has_value(), "serviceAccountToken")) {
    const Path here = path.field("serviceAccountToken");
    validate_token(errors, here, *source.service_account_token);
    note_paths(errors, here, {source.service_account_token->path}, taken);
  }
  bool other = source.carried && source.carried->is_map() && !source.carried->as_map().empty();
  if (count == 0 && !other) errors.required(path);
}

void validate_projected(FieldErrors& errors, const Path& path, const ProjectedVolumeSource& projected) {
  validate_mode(errors, path.field("defaultMode"), projected.default_mode);
  const Path sources = path.field("sources");
  std::set<std::string_view> taken;
  for (size_t i = 0; i < projected.sources.size(); ++i) {
    validate_projection(errors, sources.index(i), projected.sources[i], taken);
  }
}

void validate_source(FieldErrors& errors, const Path& path, const Volume& volume) {
  int count = 0;
  auto first = [&](bool present, std::string_view name) {
    if (!present) return false;
    if (count++ == 0) return true;
    errors.forbidden(path.field(name), "may not specify more than 1 volume type");
    return false;
  };
  if (first(volume.empty_dir.has_value(), "emptyDir")) {
    validate_empty_dir(errors, path.field("emptyDir"), *volume.empty_dir);
  }
  if (first(volume.host_path.has_value(), "hostPath")) {
    validate_host_path(errors, path.field("hostPath"), *volume.host_path);
  }
  if (first(volume.secret.has_value(), "secret")) {
    const Path here = path.field("secret");
    if (volume.secret->secret_name.empty()) errors.required(here.field("secretName"));
    validate_mode(errors, here.field("defaultMode"), volume.secret->default_mode);
    validate_items(errors, here.field("items"), volume.secret->items);
  }
  if (first(volume.config_map.has_value(), "configMap")) {
    const Path here = path.field("configMap");
    if (volume.config_map->name.empty()) errors.required(here.field("name"));
    validate_mode(errors, here.field("defaultMode"), volume.config_map->default_mode);
    validate_items(errors, here.field("items"), volume.config_map->items);
  }
  if (first(volume.downward_api.has_value(), "downwardAPI")) {
    const Path here = path.field("downwardAPI");
    validate_mode(errors, here.field("defaultMode"), volume.downward_api->default_mode);
    validate_downward_items(errors, here.field("items"), volume.downward_api->items);
  }
  if (first(volume.projected.has_value(), "projected")) {
    validate_projected(errors, path.field("projected"), *volume.projected);
  }
  if (!volume.carried || !volume.carried->is_map()) return;
  for (const Member& member : volume.carried->as_map()) first(true, member.name);
}

}  // namespace

void validate_volume_file(FieldErrors& errors, const Path& path, std::string_view target,
                          const std::optional<int32_t>& mode) {
  if (target.empty()) {
    errors.required(path.field("path"));
  } else if (target.front() == '/') {
    errors.invalid(path.field("path"), target, "must be a relative path");
  } else if (("/" + std::string(target) + "/").find("/../") != std::string::npos) {
    errors.invalid(path.field("path"), target, "must not contain '..'");
  } else if (target.starts_with("..")) {
    errors.invalid(path.field("path"), target, "must not start with '..'");
  }
  validate_mode(errors, path.field("mode"), mode);
}

void validate_volumes(FieldErrors& errors, const Path& path, const std::vector<Volume>& volumes) {
  std::set<std::string_view> names;
  for (size_t i = 0; i < volumes.size(); ++i) {
    const Path here = path.index(i);
    const std::string& name = volumes[i].name;
    if (name.empty()) {
      errors.required(here.field("name"));
    } else {
      errors.problems(here.field("name"), name, dns_label_problems(name));
      if (!names.insert(name).second) errors.duplicate(here.field("name"), name);
    }
    validate_source(errors, here, volumes[i]);
  }
}

}  // namespace mainstay
