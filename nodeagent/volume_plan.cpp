#include "nodeagent/volume_plan.h"

#include <algorithm>

#include "nodeagent/downward_api.h"
#include "schema/base/crypto.h"
#include "schema/pod_resources.h"

namespace mainstay {
namespace {

constexpr std::string_view kAuthorityName = "kube-root-ca.crt";
// A few seconds longer than an hour, as Kubernetes has it, so that its tokens can be told from others.
constexpr int64_t kTokenSeconds = 3607;
constexpr int32_t kFileMode = 0644;

Error not_found(std::string_view what, const std::string& name) {
  return error(ErrorCode::kInvalid, std::string(what) + " \"" + name + "\" not found");
}

// Puts a file in place of an earlier one of the same path: of two sources the later wins.
void put_file(VolumeSpec& out, VolumeFile file) {
  auto same = std::find_if(out.files.begin(), out.files.end(),
                           [&](const VolumeFile& present) { return present.path == file.path; });
  if (same != out.files.end()) {
    *same = std::move(file);
  } else {
    out.files.push_back(std::move(file));
  }
}

struct DataSource {
  std::string_view what;  // "configmap", "secret"
  const ObjectsByName& objects;
  const std::string& ns;
  const std::string& name;
  const std::vector<KeyToPath>& items;
  int32_t mode;
  bool optional;
};

StringMap data_of(const Object& object) {
  if (object.kind == Kind::kSecret) return as<Secret>(object).data;
  StringMap data = as<ConfigMap>(object).data;
  for (const auto& [key, bytes] : as<ConfigMap>(object).binary_data) map_slot(data, key) = bytes;
  return data;
}

// The files that `items` selects of an object's data; all of them if it selects none.
Status add_data(const DataSource& source, VolumeSpec& out) {
  ObjectPtr object = find_object(source.objects, source.ns, source.name);
  if (!object) return source.optional ? Status{} : Status(not_found(source.what, source.name));
  StringMap data = data_of(*object);
  if (source.items.empty()) {
    for (auto& [key, bytes] : data) put_file(out, {key, std::move(bytes), static_cast<uint32_t>(source.mode), {}});
    return {};
  }
  for (const KeyToPath& item : source.items) {
    const std::string* bytes = map_find(data, item.key);
    if (bytes == nullptr && source.optional) continue;
    if (bytes == nullptr) {
      std::string_view words = source.what == "secret" ? "references non-existent secret key: "
                                                       : "configmap references non-existent config key: ";
      return error(ErrorCode::kInvalid, std::string(words) + item.key);
    }
    put_file(out, {item.path, *bytes, static_cast<uint32_t>(item.mode.value_or(source.mode)), {}});
  }
  return {};
}

Status add_downward(const Object& pod, const std::vector<DownwardAPIVolumeFile>& items, int32_t mode,
                    const NodeFacts& node, VolumeSpec& out) {
  for (const DownwardAPIVolumeFile& item : items) {
    Result<std::string> value = error(ErrorCode::kInvalid, "downward API item " + item.path + " has no source");
    if (item.field_ref) value = field_value(pod, item.field_ref->field_path, {});
    if (item.resource_field_ref) value = resource_value(pod, nullptr, *item.resource_field_ref, node);
    if (!value.ok()) return value.error();
    put_file(out, {item.path, std::move(*value), static_cast<uint32_t>(item.mode.value_or(mode)), {}});
  }
  return {};
}

// The user all containers of the pod run as, if the manifest says so: then a token is his alone.
std::optional<int64_t> only_user(const PodSpec& spec) {
  std::optional<int64_t> user;
  bool first = true;
  for (const auto* list : {&spec.init_containers, &spec.containers}) {
    for (const Container& container : *list) {
      std::optional<int64_t> own = spec.security_context ? spec.security_context->run_as_user : std::nullopt;
      if (container.security_context && container.security_context->run_as_user) {
        own = container.security_context->run_as_user;
      }
      if (!own || (!first && own != user)) return std::nullopt;
      user = own;
      first = false;
    }
  }
  return user;
}

void add_token(const PodSpec& spec, const ServiceAccountTokenProjection& source, int32_t mode, VolumeSpec& out) {
  VolumeToken token;
  token.path = source.path;
  token.audience = source.audience;
  token.seconds = source.expiration_seconds.value_or(3600);
  token.owner = only_user(spec);
  // Readable for everybody only where nothing better is known; a group of the volume may read it, too.
  token.mode = token.owner || out.fs_group ? 0600 : static_cast<uint32_t>(mode);
  out.tokens.push_back(std::move(token));
}

Status add_projected(const Object& pod, const ProjectedVolumeSource& projected, const NodeConfig& config,
                     const NodeFacts& node, VolumeSpec& out) {
  int32_t mode = projected.default_mode.value_or(kFileMode);
  for (const VolumeProjection& source : projected.sources) {
    if (source.config_map) {
      const ConfigMapProjection& from = *source.config_map;
      RETURN_IF_ERROR(add_data({"configmap", config.config_maps, pod.meta.ns, from.name, from.items, mode,
                                from.optional.value_or(false)},
                               out));
    } else if (source.secret) {
      const SecretProjection& from = *source.secret;
      RETURN_IF_ERROR(add_data({"secret", config.secrets, pod.meta.ns, from.name, from.items, mode,
                                from.optional.value_or(false)},
                               out));
    } else if (source.downward_api) {
      RETURN_IF_ERROR(add_downward(pod, source.downward_api->items, mode, node, out));
    } else if (source.service_account_token) {
      add_token(as<Pod>(pod).spec, *source.service_account_token, mode, out);
    } else {
      return error(ErrorCode::kUnsupported, "a source of this projected volume is not supported yet");
    }
  }
  return {};
}

// What Kubernetes adds to every pod: the account's token, the cluster's certificate, the namespace.
Volume token_volume() {
  Volume out;
  out.name = kTokenVolumeName;
  ProjectedVolumeSource& projected = out.projected.ensure();
  projected.default_mode = kFileMode;
  ServiceAccountTokenProjection& token = projected.sources.emplace_back().service_account_token.ensure();
  token.path = "token";
  token.expiration_seconds = kTokenSeconds;
  ConfigMapProjection& authority = projected.sources.emplace_back().config_map.ensure();
  authority.name = kAuthorityName;
  authority.items.push_back({"ca.crt", "ca.crt", {}});
  DownwardAPIVolumeFile& ns = projected.sources.emplace_back().downward_api.ensure().items.emplace_back();
  ns.path = "namespace";
  ns.field_ref.ensure().field_path = "metadata.namespace";
  return out;
}

Status plan_files(const Object& pod, const Volume& volume, const NodeConfig& config, const NodeFacts& node,
                  VolumeSpec& out) {
  out.kind = VolumeSpec::Kind::kFiles;
  if (volume.config_map) {
    const ConfigMapVolumeSource& from = *volume.config_map;
    return add_data({"configmap", config.config_maps, pod.meta.ns, from.name, from.items,
                     from.default_mode.value_or(kFileMode), from.optional.value_or(false)},
                    out);
  }
  if (volume.secret) {
    const SecretVolumeSource& from = *volume.secret;
    return add_data({"secret", config.secrets, pod.meta.ns, from.secret_name, from.items,
                     from.default_mode.value_or(kFileMode), from.optional.value_or(false)},
                    out);
  }
  if (volume.downward_api) {
    return add_downward(pod, volume.downward_api->items, volume.downward_api->default_mode.value_or(kFileMode),
                        node, out);
  }
  if (volume.projected) return add_projected(pod, *volume.projected, config, node, out);
  return error(ErrorCode::kUnsupported, "it is of a kind this agent does not mount yet");
}

// What the containers of a pod may have of the node's memory together; 0 if that is not known.
uint64_t memory_for(const PodSpec& spec, const NodeFacts& node) {
  ResourceList limits = effective_limits(spec);
  const Quantity* found = map_find(limits, "memory");
  if (found == nullptr) found = map_find(node.allocatable, "memory");
  return found == nullptr ? 0 : static_cast<uint64_t>(std::max<int64_t>(0, found->units()));
}

}  // namespace

bool mounts_token(const Object& pod, const NodeConfig& config) {
  const PodSpec& spec = as<Pod>(pod).spec;
  if (!config.service_accounts || spec.service_account_name.empty()) return false;
  if (spec.automount_service_account_token) return *spec.automount_service_account_token;
  ObjectPtr account = find_object(*config.service_accounts, pod.meta.ns, spec.service_account_name);
  return !account || as<ServiceAccount>(*account).automount_service_account_token.value_or(true);
}

Result<VolumeSpec> plan_volume(const Object& pod, const Volume& volume, const NodeConfig& config,
                               const NodeFacts& node) {
  VolumeSpec out;
  out.name = volume.name;
  const PodSpec& spec = as<Pod>(pod).spec;
  if (spec.security_context) out.fs_group = spec.security_context->fs_group;
  if (volume.host_path) {
    out.kind = VolumeSpec::Kind::kHostPath;
    out.host_path = volume.host_path->path;
    out.host_path_type = volume.host_path->type;
  } else if (volume.empty_dir) {
    bool memory = volume.empty_dir->medium == "Memory";
    out.kind = memory ? VolumeSpec::Kind::kMemory : VolumeSpec::Kind::kEmptyDir;
    if (volume.empty_dir->size_limit) {
      out.size_limit = static_cast<uint64_t>(std::max<int64_t>(0, volume.empty_dir->size_limit->units()));
    }
    // As large as what may be used in it at all, which is the pod's memory (SizeMemoryBackedVolumes).
    uint64_t room = memory ? memory_for(spec, node) : 0;
    if (room > 0 && (out.size_limit == 0 || room < out.size_limit)) out.size_limit = room;
  } else {
    Status planned = plan_files(pod, volume, config, node, out);
    if (!planned.ok()) return planned.error().in("MountVolume.SetUp failed for volume \"" + volume.name + "\" ");
  }
  return out;
}

Result<std::vector<VolumeSpec>> plan_volumes(const Object& pod, const NodeConfig& config, const NodeFacts& node) {
  std::vector<VolumeSpec> out;
  for (const Volume& volume : as<Pod>(pod).spec.volumes) {
    ASSIGN_OR_RETURN(VolumeSpec planned, plan_volume(pod, volume, config, node));
    out.push_back(std::move(planned));
  }
  if (mounts_token(pod, config)) {
    ASSIGN_OR_RETURN(VolumeSpec planned, plan_volume(pod, token_volume(), config, node));
    out.push_back(std::move(planned));
  }
  return out;
}

std::vector<VolumeSpec> live_volumes(std::vector<VolumeSpec> volumes) {
  std::erase_if(volumes, [](const VolumeSpec& volume) { return volume.kind != VolumeSpec::Kind::kFiles; });
  return volumes;
}

std::string content_digest(const std::vector<VolumeSpec>& volumes) {
  std::string all;
  auto add = [&all](std::string_view text) {
    all += std::to_string(text.size());
    all += ':';
    all += text;
  };
  for (const VolumeSpec& volume : volumes) {
    add(volume.name);
    for (const VolumeFile& file : volume.files) {
      add(file.path);
      add(std::to_string(file.mode));
      add(file.bytes);
    }
    for (const VolumeToken& token : volume.tokens) {
      add(token.path);
      add(token.audience);
      add(std::to_string(token.seconds));
    }
    all += ';';
  }
  return hex(sha256(all));
}

}  // namespace mainstay
