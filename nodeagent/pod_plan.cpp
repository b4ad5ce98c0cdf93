#include "nodeagent/pod_plan.h"

#include <algorithm>
#include <cstdio>

#include "nodeagent/volume_plan.h"
#include "schema/base/crypto.h"
#include "schema/pod_resources.h"

namespace mainstay {
namespace {

void set_seccomp(const SeccompProfile& profile, SecuritySpec& out) {
  out.seccomp_profile.clear();
  if (profile.type == "RuntimeDefault") {
    out.seccomp = SeccompKind::kRuntimeDefault;
  } else if (profile.type == "Localhost") {
    out.seccomp = SeccompKind::kLocalhost;
    out.seccomp_profile = profile.localhost_profile;
  } else {
    out.seccomp = SeccompKind::kUnconfined;
  }
}

SecuritySpec plan_security(const PodSpec& spec, const Container& container) {
  SecuritySpec out;
  if (spec.security_context) {
    const PodSecurityContext& pod = *spec.security_context;
    out.run_as_user = pod.run_as_user;
    out.run_as_group = pod.run_as_group;
    out.run_as_non_root = pod.run_as_non_root.value_or(false);
    out.extra_groups = pod.supplemental_groups;
    out.strict_groups = pod.supplemental_groups_policy == "Strict";
    if (pod.seccomp_profile) set_seccomp(*pod.seccomp_profile, out);
    if (pod.fs_group) out.extra_groups.push_back(*pod.fs_group);
  }
  if (!container.security_context) return out;
  const SecurityContext& own = *container.security_context;
  if (own.run_as_user) out.run_as_user = own.run_as_user;
  if (own.run_as_group) out.run_as_group = own.run_as_group;
  if (own.run_as_non_root) out.run_as_non_root = *own.run_as_non_root;
  if (own.seccomp_profile) set_seccomp(*own.seccomp_profile, out);
  out.unmasked_proc = own.proc_mount == "Unmasked";
  out.privileged = own.privileged.value_or(false);
  if (out.privileged) out.seccomp = SeccompKind::kUnconfined;  // as the container runtimes have it
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
  out.pids = node.pids_limit;
  out.oom_score_adj = oom_score_adj(qos_class(as<Pod>(pod).spec), container, node.memory_bytes);
  return out;
}

// Those that a pod may set without touching its neighbours. Source: Kubernetes, "Using sysctls in a cluster".
constexpr std::string_view kSafeSysctls[] = {"kernel.shm_rmid_forced",
                                             "net.ipv4.ip_local_port_range",
                                             "net.ipv4.ip_local_reserved_ports",
                                             "net.ipv4.ip_unprivileged_port_start",
                                             "net.ipv4.ping_group_range",
                                             "net.ipv4.tcp_fin_timeout",
                                             "net.ipv4.tcp_keepalive_intvl",
                                             "net.ipv4.tcp_keepalive_probes",
                                             "net.ipv4.tcp_keepalive_time",
                                             "net.ipv4.tcp_rmem",
                                             "net.ipv4.tcp_syncookies",
                                             "net.ipv4.tcp_wmem"};

// "net/ipv4/x" and "net.ipv4.x" are the same; the first separator says which of the two is meant.
std::string sysctl_name(std::string name) {
  size_t first = name.find_first_of("./");
  if (first == std::string::npos || name[first] == '.') return name;
  for (char& c : name) c = c == '/' ? '.' : c == '.' ? '/' : c;
  return name;
}

bool may_set(const std::string& name, const NodeFacts& node) {
  if (std::find(std::begin(kSafeSysctls), std::end(kSafeSysctls), name) != std::end(kSafeSysctls)) return true;
  return std::any_of(node.allowed_sysctls.begin(), node.allowed_sysctls.end(), [&](const std::string& allowed) {
    bool pattern = allowed.ends_with('*');
    return pattern ? name.starts_with(std::string_view(allowed).substr(0, allowed.size() - 1)) : name == allowed;
  });
}

Result<std::vector<std::pair<std::string, std::string>>> plan_sysctls(const std::vector<Sysctl>& sysctls,
                                                                      const NodeFacts& node) {
  std::vector<std::pair<std::string, std::string>> out;
  for (const Sysctl& sysctl : sysctls) {
    std::string name = sysctl_name(sysctl.name);
    if (!may_set(name, node)) {
      return error(ErrorCode::kInvalid, std::string(kForbiddenSysctl) + ": \"" + name + "\" not allowlisted");
    }
    out.emplace_back(std::move(name), sysctl.value);
  }
  return out;
}

// Of sidecars too; other init containers have ended before anybody could reach them.
std::vector<PodHostPort> plan_host_ports(const PodSpec& spec) {
  std::vector<PodHostPort> out;
  auto add = [&](const Container& container) {
    for (const ContainerPort& port : container.ports) {
      if (port.host_port > 0) out.push_back({port.protocol, port.host_ip, port.host_port, port.container_port});
    }
  };
  for (const Container& container : spec.init_containers) {
    if (container.restart_policy == "Always") add(container);
  }
  for (const Container& container : spec.containers) add(container);
  return out;
}

MountPropagation propagation_of(const VolumeMount& mount) {
  if (mount.mount_propagation == "HostToContainer") return MountPropagation::kHostToContainer;
  if (mount.mount_propagation == "Bidirectional") return MountPropagation::kBidirectional;
  return MountPropagation::kPrivate;
}

Result<StartPlan::Mount> plan_mount(const VolumeMount& mount, const ContainerEnvironment& environment) {
  StartPlan::Mount out;
  out.volume = mount.name;
  out.path = mount.mount_path;
  out.read_only = mount.read_only;
  out.propagation = propagation_of(mount);
  out.recursive_read_only = mount.read_only && (mount.recursive_read_only == "Enabled" ||
                                                mount.recursive_read_only == "IfPossible");
  out.sub_path = mount.sub_path;
  if (!mount.sub_path_expr.empty()) {
    ASSIGN_OR_RETURN(out.sub_path, expand_all_variables(mount.sub_path_expr, environment.variables));
    if (out.sub_path.empty() || out.sub_path[0] == '/' ||
        ("/" + out.sub_path + "/").find("/../") != std::string::npos) {
      return error(ErrorCode::kInvalid, "subPathExpr '" + mount.sub_path_expr + "' of volume " + mount.name +
                                            " expands to '" + out.sub_path +
                                            "', which is not a relative path without '..'");
    }
  }
  return out;
}

// What such a volume holds is the API's: nobody writes it, whatever the mount says.
bool holds_objects(const Volume& volume) {
  return volume.config_map || volume.secret || volume.downward_api || volume.projected;
}

// A flag that is kept as it stands in the manifest.
bool is_set(const Container& container, std::string_view field) {
  const Value* found = container.carried ? container.carried->find(field) : nullptr;
  return found != nullptr && found->is_bool() && found->as_bool();
}

// A name that fits in a path's component, however long the container's is.
std::string slot_of(const std::string& container, size_t index) {
  char hash[9];
  std::snprintf(hash, sizeof hash, "%08x", fnv32a(container));
  return container.substr(0, 40) + "-" + hash + "-" + std::to_string(index);
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

Result<SetUp> plan_set_up(const Object& pod, const NodeConfig& config, const NodeFacts& node, uint64_t number) {
  const PodSpec& spec = as<Pod>(pod).spec;
  SetUp out;
  out.sandbox.uid = pod.meta.uid;
  out.sandbox.ns = pod.meta.ns;
  out.sandbox.name = pod.meta.name;
  out.sandbox.number = number;
  ASSIGN_OR_RETURN(out.names, pod_names(pod, cluster_domain(config), node));
  out.resolver = pod_resolver(pod, node, config.network.get());
  out.sandbox.hostname = out.names.kernel;
  out.sandbox.host_network = spec.host_network;
  out.sandbox.host_ipc = spec.host_ipc;
  out.sandbox.host_pid = spec.host_pid;
  out.sandbox.share_pid = spec.share_process_namespace.value_or(false) && !spec.host_pid;
  out.wants_network = !spec.host_network;
  if (spec.security_context) {
    ASSIGN_OR_RETURN(out.sandbox.sysctls, plan_sysctls(spec.security_context->sysctls, node));
  }
  ASSIGN_OR_RETURN(out.volumes, plan_volumes(pod, config, node));
  if (!spec.host_network) out.host_ports = plan_host_ports(spec);
  return out;
}

Result<StartPlan> plan_start(const Object& pod, const Container& container, uint32_t attempt,
                             const NodeConfig& config, const PodAddresses& addresses, const NodeFacts& node,
                             uint64_t number) {
  ASSIGN_OR_RETURN(ContainerEnvironment environment,
                   container_environment(pod, container, config, addresses, node));
  StartPlan out;
  for (const VolumeMount& mount : container.volume_mounts) {
    ASSIGN_OR_RETURN(StartPlan::Mount planned, plan_mount(mount, environment));
    out.mounts.push_back(std::move(planned));
  }
  bool has_token = std::any_of(out.mounts.begin(), out.mounts.end(),
                               [](const StartPlan::Mount& mount) { return mount.path == kTokenMountPath; });
  if (!has_token && mounts_token(pod, config)) {
    StartPlan::Mount token;
    token.volume = kTokenVolumeName;
    token.path = kTokenMountPath;
    token.read_only = true;
    out.mounts.push_back(std::move(token));
  }
  out.skipped_env = std::move(environment.skipped);
  out.spec.key = {pod.meta.uid, container.name, attempt};
  out.spec.number = number;
  out.spec.command = std::move(environment.command);
  out.spec.args = std::move(environment.args);
  out.spec.env = std::move(environment.env);
  // HOSTNAME stands first so that a manifest may override it.
  ASSIGN_OR_RETURN(PodNames names, pod_names(pod, cluster_domain(config), node));
  out.spec.env.insert(out.spec.env.begin(), "HOSTNAME=" + names.kernel);
  out.spec.workdir = container.working_dir;
  out.spec.terminal = is_set(container, "tty");
  out.spec.keep_stdin = is_set(container, "stdin");
  out.spec.limits = plan_limits(pod, container, node);
  out.spec.security = plan_security(as<Pod>(pod).spec, container);
  return out;
}

Result<std::vector<SubPathMount>> place_mounts(StartPlan& plan, const Object& pod, const NodeConfig& config,
                                               const NodeFacts& node,
                                               const std::map<std::string, std::string>& volume_paths,
                                               const std::string& etc_dir) {
  std::vector<SubPathMount> out;
  const std::vector<Volume>& volumes = as<Pod>(pod).spec.volumes;
  for (size_t i = 0; i < plan.mounts.size(); ++i) {
    const StartPlan::Mount& mount = plan.mounts[i];
    auto path = volume_paths.find(mount.volume);
    if (path == volume_paths.end()) continue;
    auto volume = std::find_if(volumes.begin(), volumes.end(),
                               [&](const Volume& one) { return one.name == mount.volume; });
    bool read_only = mount.read_only || (volume != volumes.end() && holds_objects(*volume));
    plan.spec.mounts.push_back({path->second, mount.path, read_only, mount.propagation, mount.recursive_read_only});
    if (mount.sub_path.empty()) continue;
    if (volume == volumes.end()) continue;
    ASSIGN_OR_RETURN(VolumeSpec whole, plan_volume(pod, *volume, config, node));
    out.push_back({std::move(whole), mount.sub_path, slot_of(plan.spec.key.container, i), plan.spec.mounts.size() - 1});
  }
  for (const char* file : {"hosts", "resolv.conf", "hostname"}) {
    std::string path = std::string("/etc/") + file;
    bool taken = std::any_of(plan.mounts.begin(), plan.mounts.end(),
                             [&](const StartPlan::Mount& mount) { return mount.path == path; });
    if (!taken) plan.spec.mounts.push_back({etc_dir + "/" + file, path, false});
  }
  return out;
}

namespace {

// .dockercfg is what .dockerconfigjson has under "auths".
std::optional<std::string> credentials_of(const Object& secret) {
  const StringMap& data = as<Secret>(secret).data;
  if (const std::string* json = map_find(data, ".dockerconfigjson")) return *json;
  if (const std::string* old = map_find(data, ".dockercfg")) return "{\"auths\":" + *old + "}";
  return std::nullopt;
}

}  // namespace

PullSecrets pull_secrets(const Object& pod, const NodeConfig& config) {
  const PodSpec& spec = as<Pod>(pod).spec;
  std::vector<std::string> names;
  for (const LocalObjectReference& ref : spec.image_pull_secrets) names.push_back(ref.name);
  if (config.service_accounts) {
    ObjectPtr account = find_object(*config.service_accounts, pod.meta.ns, spec.service_account_name);
    // The account's count only for a pod that names none of its own.
    if (account && names.empty()) {
      for (const LocalObjectReference& ref : as<ServiceAccount>(*account).image_pull_secrets) {
        names.push_back(ref.name);
      }
    }
  }
  PullSecrets out;
  for (const std::string& name : names) {
    if (name.empty()) continue;
    ObjectPtr secret = find_object(config.secrets, pod.meta.ns, name);
    if (!secret) {
      out.missing.push_back(name);
    } else if (std::optional<std::string> json = credentials_of(*secret)) {
      out.credentials.push_back(std::move(*json));
    }
  }
  return out;
}

}  // namespace mainstay
