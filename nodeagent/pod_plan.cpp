#include "nodeagent/pod_plan.h"

#include <algorithm>

#include "schema/pod_resources.h"

namespace mainstay {
namespace {

constexpr std::string_view kClusterDomain = "cluster.local";

Error missing_volume_source(const Volume& volume, std::string_view what, std::string_view name) {
  return error(ErrorCode::kInvalid, "MountVolume.SetUp failed for volume \"" + volume.name + "\" : " +
                                        std::string(what) + " \"" + std::string(name) + "\" not found");
}

// The files of `data` that `items` selects (all of them if it selects none), with their modes.
Status add_files(const Volume& volume, const StringMap& data, const std::vector<KeyToPath>& items,
                 int32_t mode, bool optional, std::vector<VolumeFile>& files) {
  if (items.empty()) {
    for (const auto& [key, bytes] : data) files.push_back({key, bytes, static_cast<uint32_t>(mode)});
    return {};
  }
  for (const KeyToPath& item : items) {
    const std::string* bytes = map_find(data, item.key);
    if (bytes == nullptr) {
      if (optional) continue;
      return error(ErrorCode::kInvalid, "MountVolume.SetUp failed for volume \"" + volume.name +
                                            "\" : references non-existent config key: " + item.key);
    }
    files.push_back({item.path, *bytes, static_cast<uint32_t>(item.mode.value_or(mode))});
  }
  return {};
}

Status add_config_map(const Object& pod, const Volume& volume, const NodeConfig& config, VolumeSpec& out) {
  const ConfigMapVolumeSource& source = *volume.config_map;
  bool optional = source.optional.value_or(false);
  auto found = config.config_maps.find({pod.meta.ns, source.name});
  if (found == config.config_maps.end()) {
    if (optional) return {};
    return missing_volume_source(volume, "configmap", source.name);
  }
  StringMap data = as<ConfigMap>(*found->second).data;
  for (const auto& [key, bytes] : as<ConfigMap>(*found->second).binary_data) map_slot(data, key) = bytes;
  return add_files(volume, data, source.items, source.default_mode.value_or(0644), optional, out.files);
}

Status add_secret(const Object& pod, const Volume& volume, const NodeConfig& config, VolumeSpec& out) {
  const SecretVolumeSource& source = *volume.secret;
  bool optional = source.optional.value_or(false);
  auto found = config.secrets.find({pod.meta.ns, source.secret_name});
  if (found == config.secrets.end()) {
    if (optional) return {};
    return missing_volume_source(volume, "secret", source.secret_name);
  }
  return add_files(volume, as<Secret>(*found->second).data, source.items, source.default_mode.value_or(0644),
                   optional, out.files);
}

SecuritySpec plan_security(const PodSpec& spec, const Container& container) {
  SecuritySpec out;
  if (spec.security_context) {
    const PodSecurityContext& pod = *spec.security_context;
    out.run_as_user = pod.run_as_user;
    out.run_as_group = pod.run_as_group;
    out.run_as_non_root = pod.run_as_non_root.value_or(false);
    out.extra_groups = pod.supplemental_groups;
    if (pod.fs_group) out.extra_groups.push_back(*pod.fs_group);
  }
  if (!container.security_context) return out;
  const SecurityContext& own = *container.security_context;
  if (own.run_as_user) out.run_as_user = own.run_as_user;
  if (own.run_as_group) out.run_as_group = own.run_as_group;
  if (own.run_as_non_root) out.run_as_non_root = *own.run_as_non_root;
  out.privileged = own.privileged.value_or(false);
  out.read_only_root = own.read_only_root_filesystem.value_or(false);
  out.no_new_privileges = !own.allow_privilege_escalation.value_or(true) && !out.privileged;
  if (own.capabilities) {
    out.add_capabilities = own.capabilities->add;
    out.drop_capabilities = own.capabilities->drop;
  }
  return out;
}

ResourceLimits plan_limits(const Object& pod, const Container& container, const NodeFacts& node) {
  ResourceLimits out;
  const Quantity* cpu = map_find(container.resources.requests, "cpu");
  if (cpu != nullptr)
    out.cpu_shares = static_cast<uint64_t>(std::max<int64_t>(2, cpu->milli() * 1024 / 1000));
  const Quantity* cpu_limit = map_find(container.resources.limits, "cpu");
  if (cpu_limit != nullptr && cpu_limit->milli() > 0) {
    out.cpu_quota_us = std::max<int64_t>(1000, cpu_limit->milli() * 100);  // of a period of 100 ms
  }
  const Quantity* memory = map_find(container.resources.limits, "memory");
  if (memory != nullptr) out.memory_bytes = memory->units();
  out.oom_score_adj = oom_score_adj(qos_class(as<Pod>(pod).spec), container, node.memory_bytes);
  return out;
}

std::string resolv_conf(const SetUp& set_up, const Object& pod, const NodeFacts& node) {
  std::vector<std::string> servers, searches, options;
  if (set_up.dns_policy != "None") {
    servers = node.nameservers;
    searches = node.searches;
  }
  if (set_up.dns_policy == "ClusterFirst" && !set_up.sandbox.host_network) {
    std::vector<std::string> own = {pod.meta.ns + ".svc." + std::string(kClusterDomain),
                                    "svc." + std::string(kClusterDomain), std::string(kClusterDomain)};
    own.insert(own.end(), searches.begin(), searches.end());
    searches = std::move(own);
    options.push_back("ndots:5");
  }
  auto add_strings = [](const Value* list, std::vector<std::string>& to) {
    if (list == nullptr || !list->is_list()) return;
    for (const Value& item : list->as_list()) {
      if (item.is_string()) to.push_back(item.as_string());
    }
  };
  if (set_up.dns_config) {
    add_strings(set_up.dns_config->find("nameservers"), servers);
    add_strings(set_up.dns_config->find("searches"), searches);
    const Value* extra = set_up.dns_config->find("options");
    if (extra != nullptr && extra->is_list()) {
      for (const Value& option : extra->as_list()) {
        std::string text(option.string_at("name"));
        if (!option.string_at("value").empty()) text += ":" + std::string(option.string_at("value"));
        if (!text.empty()) options.push_back(text);
      }
    }
  }
  std::string out;
  auto line = [&out](std::string_view word, const std::vector<std::string>& values) {
    if (values.empty()) return;
    out += word;
    for (const std::string& value : values) out += " " + value;
    out += "\n";
  };
  for (const std::string& server : servers) out += "nameserver " + server + "\n";
  line("search", searches);
  line("options", options);
  return out;
}

}  // namespace

int oom_score_adj(std::string_view qos, const Container& container, int64_t node_memory_bytes) {
  if (qos == "Guaranteed") return -997;
  if (qos == "BestEffort") return 1000;
  const Quantity* memory = map_find(container.resources.requests, "memory");
  if (memory == nullptr || node_memory_bytes <= 0) return 999;
  auto share = static_cast<int64_t>(1000.0 * static_cast<double>(memory->units()) /
                                    static_cast<double>(node_memory_bytes));
  return static_cast<int>(std::clamp<int64_t>(1000 - share, 2, 999));
}

Result<VolumeSpec> plan_volume(const Object& pod, const Volume& volume, const NodeConfig& config) {
  VolumeSpec out;
  out.name = volume.name;
  const PodSpec& spec = as<Pod>(pod).spec;
  if (spec.security_context) out.fs_group = spec.security_context->fs_group;
  if (volume.host_path) {
    out.kind = VolumeSpec::Kind::kHostPath;
    out.host_path = volume.host_path->path;
    out.host_path_type = volume.host_path->type;
  } else if (volume.config_map) {
    out.kind = VolumeSpec::Kind::kFiles;
    RETURN_IF_ERROR(add_config_map(pod, volume, config, out));
  } else if (volume.secret) {
    out.kind = VolumeSpec::Kind::kFiles;
    RETURN_IF_ERROR(add_secret(pod, volume, config, out));
  } else if (volume.empty_dir) {
    bool memory = volume.empty_dir->medium == "Memory";
    out.kind = memory ? VolumeSpec::Kind::kMemory : VolumeSpec::Kind::kEmptyDir;
    if (volume.empty_dir->size_limit) {
      out.size_limit = static_cast<uint64_t>(std::max<int64_t>(0, volume.empty_dir->size_limit->units()));
    }
  } else {
    return error(ErrorCode::kUnsupported,
                 "volume \"" + volume.name + "\" is of a kind this agent does not mount yet");
  }
  return out;
}

Result<SetUp> plan_set_up(const Object& pod, const NodeConfig& config, uint64_t number) {
  const PodSpec& spec = as<Pod>(pod).spec;
  SetUp out;
  out.sandbox.uid = pod.meta.uid;
  out.sandbox.ns = pod.meta.ns;
  out.sandbox.name = pod.meta.name;
  out.sandbox.number = number;
  out.sandbox.hostname = (spec.hostname.empty() ? pod.meta.name : spec.hostname).substr(0, 63);
  out.sandbox.host_network = spec.host_network;
  out.sandbox.host_ipc = spec.host_ipc;
  out.sandbox.host_pid = spec.host_pid;
  out.wants_network = !spec.host_network;
  out.host_aliases = spec.host_aliases;
  out.dns_policy = spec.dns_policy;
  if (spec.carried) {
    if (const Value* dns = spec.carried->find("dnsConfig")) out.dns_config = Box<Value>(*dns);
  }
  for (const Volume& volume : spec.volumes) {
    ASSIGN_OR_RETURN(VolumeSpec planned, plan_volume(pod, volume, config));
    out.volumes.push_back(std::move(planned));
  }
  return out;
}

EtcFiles plan_etc_files(const SetUp& set_up, const Object& pod, std::string_view pod_ip,
                        const NodeFacts& node) {
  EtcFiles out;
  out.hostname = set_up.sandbox.hostname + "\n";
  out.hosts = "# Written by Mainstay.\n127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n";
  if (!pod_ip.empty()) out.hosts += std::string(pod_ip) + "\t" + set_up.sandbox.hostname + "\n";
  for (const HostAlias& alias : set_up.host_aliases) {
    out.hosts += alias.ip;
    for (const std::string& name : alias.hostnames) out.hosts += "\t" + name;
    out.hosts += "\n";
  }
  out.resolv_conf = resolv_conf(set_up, pod, node);
  return out;
}

Result<StartPlan> plan_start(const Object& pod, const Container& container, uint32_t attempt,
                             const NodeConfig& config, const PodAddresses& addresses, const NodeFacts& node,
                             uint64_t number) {
  ASSIGN_OR_RETURN(ContainerEnvironment environment,
                   container_environment(pod, container, config, addresses));
  StartPlan out;
  out.skipped_env = std::move(environment.skipped);
  out.spec.key = {pod.meta.uid, container.name, attempt};
  out.spec.number = number;
  out.spec.command = std::move(environment.command);
  out.spec.args = std::move(environment.args);
  out.spec.env = std::move(environment.env);
  // HOSTNAME stands first so that a manifest may override it.
  out.spec.env.insert(out.spec.env.begin(), "HOSTNAME=" + pod.meta.name.substr(0, 63));
  out.spec.workdir = container.working_dir;
  out.spec.limits = plan_limits(pod, container, node);
  out.spec.security = plan_security(as<Pod>(pod).spec, container);
  for (const VolumeMount& mount : container.volume_mounts) {
    out.mounts.push_back({mount.name, mount.mount_path, mount.read_only});
  }
  return out;
}

std::vector<std::string> pull_credentials(const Object& pod, const NodeConfig& config) {
  std::vector<std::string> out;
  for (const LocalObjectReference& ref : as<Pod>(pod).spec.image_pull_secrets) {
    auto found = config.secrets.find({pod.meta.ns, ref.name});
    if (found == config.secrets.end()) continue;
    const std::string* json = map_find(as<Secret>(*found->second).data, ".dockerconfigjson");
    if (json != nullptr) out.push_back(*json);
  }
  return out;
}

}  // namespace mainstay
