// Validation of one container. Source: Kubernetes core/validation, validateContainerCommon and below.
#include <algorithm>
#include <charconv>
#include <set>
#include <string>

#include "schema/validate_parts.h"

namespace mainstay {
namespace {

constexpr std::string_view kProtocols[] = {"TCP", "UDP", "SCTP"};
constexpr std::string_view kPullPolicies[] = {"Always", "IfNotPresent", "Never"};
constexpr std::string_view kMessagePolicies[] = {"File", "FallbackToLogsOnError"};
constexpr std::string_view kEnvFields[] = {
    "metadata.annotations", "metadata.labels", "metadata.name",    "metadata.namespace",
    "metadata.uid",         "spec.nodeName",   "status.hostIP",    "status.hostIPs",
    "status.podIP",         "status.podIPs",   "spec.serviceAccountName"};
constexpr std::string_view kVolumeFields[] = {"metadata.annotations", "metadata.labels", "metadata.name",
                                              "metadata.namespace", "metadata.uid"};
constexpr std::string_view kPropagations[] = {"None", "HostToContainer", "Bidirectional"};
constexpr std::string_view kRecursive[] = {"Disabled", "IfPossible", "Enabled"};
constexpr std::string_view kProcMounts[] = {"Default", "Unmasked"};
constexpr std::string_view kSeccompTypes[] = {"Localhost", "RuntimeDefault", "Unconfined"};
constexpr std::string_view kEnvResources[] = {
    "limits.cpu",   "limits.memory",   "limits.ephemeral-storage",
    "requests.cpu", "requests.memory", "requests.ephemeral-storage"};
constexpr std::string_view kNotNegative = "must be greater than or equal to 0";

void validate_ports(FieldErrors& errors, const Path& path, const std::vector<ContainerPort>& ports) {
  std::set<std::string_view> names;
  for (size_t i = 0; i < ports.size(); ++i) {
    const ContainerPort& port = ports[i];
    const Path here = path.index(i);
    if (!port.name.empty()) {
      errors.problems(here.field("name"), port.name, port_name_problems(port.name));
      if (!names.insert(port.name).second) errors.duplicate(here.field("name"), port.name);
    }
    if (port.container_port == 0) {
      errors.required(here.field("containerPort"));
    } else {
      errors.port(here.field("containerPort"), port.container_port);
    }
    if (port.host_port != 0) errors.port(here.field("hostPort"), port.host_port);
    if (!port.host_ip.empty() && !is_ip(port.host_ip)) {
      errors.invalid(here.field("hostIP"), port.host_ip,
                     "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)");
    }
    errors.one_of(here.field("protocol"), port.protocol, kProtocols);
  }
}

// metadata.labels['k'] and metadata.annotations['k'] name one entry of a map; a volume may also have the map.
bool is_known_field(std::string_view field, std::span<const std::string_view> known, bool whole_maps) {
  size_t bracket = field.find("['");
  bool entry = bracket != std::string_view::npos && field.size() > bracket + 4 && field.ends_with("']");
  std::string_view base = entry ? field.substr(0, bracket) : field;
  bool map = base == "metadata.labels" || base == "metadata.annotations";
  if (map != entry && !(map && whole_maps)) return false;
  return std::find(known.begin(), known.end(), base) != known.end();
}

void validate_key_ref(FieldErrors& errors, const Path& path, std::string_view name, std::string_view key) {
  if (name.empty()) errors.required(path.field("name"));
  if (key.empty()) {
    errors.required(path.field("key"));
  } else {
    errors.problems(path.field("key"), key, config_key_problems(key));
  }
}

void validate_env_source(FieldErrors& errors, const Path& path, const EnvVar& variable) {
  const EnvVarSource& source = *variable.value_from;
  int count = source.field_ref.has_value() + source.resource_field_ref.has_value() +
              source.config_map_key_ref.has_value() + source.secret_key_ref.has_value();
  if (source.field_ref) {
    const Path ref = path.field("fieldRef");
    const std::string& field = source.field_ref->field_path;
    if (field.empty()) {
      errors.required(ref.field("fieldPath"));
    } else if (!is_known_field(field, kEnvFields, false)) {
      errors.unsupported(ref.field("fieldPath"), field, kEnvFields);
    }
  }
  if (source.resource_field_ref) {
    const Path ref = path.field("resourceFieldRef");
    errors.one_of(ref.field("resource"), source.resource_field_ref->resource, kEnvResources);
  }
  if (const auto& ref = source.config_map_key_ref) {
    const Path here = path.field("configMapKeyRef");
    validate_key_ref(errors, here, ref->name, ref->key);
  }
  if (const auto& ref = source.secret_key_ref) {
    const Path here = path.field("secretKeyRef");
    validate_key_ref(errors, here, ref->name, ref->key);
  }
  if (count == 0) {
    errors.invalid(path, "",
                   "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`");
  } else if (!variable.value.empty()) {
    errors.invalid(path, "", "may not be specified when `value` is not empty");
  } else if (count > 1) {
    errors.invalid(path, "", "may not have more than one field specified at a time");
  }
}

void validate_env(FieldErrors& errors, const Path& path, const std::vector<EnvVar>& env) {
  for (size_t i = 0; i < env.size(); ++i) {
    const Path here = path.index(i);
    if (env[i].name.empty()) {
      errors.required(here.field("name"));
    } else {
      errors.problems(here.field("name"), env[i].name, env_name_problems(env[i].name));
    }
    if (env[i].value_from) validate_env_source(errors, here.field("valueFrom"), env[i]);
  }
}

void validate_env_from(FieldErrors& errors, const Path& path, const std::vector<EnvFromSource>& sources) {
  for (size_t i = 0; i < sources.size(); ++i) {
    const EnvFromSource& source = sources[i];
    const Path here = path.index(i);
    if (!source.prefix.empty()) {
      errors.problems(here.field("prefix"), source.prefix, env_name_problems(source.prefix));
    }
    if (source.config_map_ref && source.config_map_ref->name.empty()) {
      const Path ref = here.field("configMapRef");
      errors.required(ref.field("name"));
    }
    if (source.secret_ref && source.secret_ref->name.empty()) {
      const Path ref = here.field("secretRef");
      errors.required(ref.field("name"));
    }
    if (!source.config_map_ref && !source.secret_ref) {
      errors.invalid(here, "", "must specify one of: `configMapRef` or `secretRef`");
    } else if (source.config_map_ref && source.secret_ref) {
      errors.invalid(here, "", "may not have more than one field specified at a time");
    }
  }
}

bool has_parent_step(std::string_view path) {
  while (!path.empty()) {
    size_t slash = path.find('/');
    if (path.substr(0, slash) == "..") return true;
    path = slash == std::string_view::npos ? std::string_view() : path.substr(slash + 1);
  }
  return false;
}

void validate_mount_options(FieldErrors& errors, const Path& path, const VolumeMount& mount,
                            bool privileged) {
  if (!mount.mount_propagation.empty()) {
    const Path propagation = path.field("mountPropagation");
    errors.one_of(propagation, mount.mount_propagation, kPropagations);
    if (mount.mount_propagation == "Bidirectional" && !privileged) {
      errors.forbidden(propagation, "Bidirectional mount propagation is available only to privileged containers");
    }
  }
  if (mount.recursive_read_only.empty()) return;
  const Path recursive = path.field("recursiveReadOnly");
  if (!errors.one_of(recursive, mount.recursive_read_only, kRecursive)) return;
  if (mount.recursive_read_only == "Disabled") return;
  if (!mount.read_only) {
    errors.forbidden(recursive, "may only be specified when readOnly is true");
  } else if (!mount.mount_propagation.empty() && mount.mount_propagation != "None") {
    errors.forbidden(recursive, "may only be specified when mountPropagation is None or not specified");
  }
}

void validate_mounts(FieldErrors& errors, const Path& path, const std::vector<VolumeMount>& mounts,
                     const PodSpec& pod, bool privileged) {
  std::set<std::string_view> targets;
  for (size_t i = 0; i < mounts.size(); ++i) {
    const VolumeMount& mount = mounts[i];
    const Path here = path.index(i);
    if (mount.name.empty()) {
      errors.required(here.field("name"));
    } else if (std::none_of(pod.volumes.begin(), pod.volumes.end(),
                            [&](const Volume& volume) { return volume.name == mount.name; })) {
      errors.not_found(here.field("name"), mount.name);
    }
    if (mount.mount_path.empty()) {
      errors.required(here.field("mountPath"));
    } else if (!targets.insert(mount.mount_path).second) {
      errors.invalid(here.field("mountPath"), mount.mount_path, "must be unique");
    } else if (mount.mount_path.find(':') != std::string::npos) {
      errors.invalid(here.field("mountPath"), mount.mount_path, "must not contain ':'");
    }
    if (!mount.sub_path.empty() && mount.sub_path.front() == '/') {
      errors.invalid(here.field("subPath"), mount.sub_path, "must be a relative path");
    } else if (has_parent_step(mount.sub_path)) {
      errors.invalid(here.field("subPath"), mount.sub_path, "must not contain '..'");
    }
    if (!mount.sub_path_expr.empty() && mount.sub_path_expr.front() == '/') {
      errors.invalid(here.field("subPathExpr"), mount.sub_path_expr, "must be a relative path");
    } else if (has_parent_step(mount.sub_path_expr)) {
      errors.invalid(here.field("subPathExpr"), mount.sub_path_expr, "must not contain '..'");
    }
    validate_mount_options(errors, here, mount, privileged);
    if (!mount.sub_path.empty() && !mount.sub_path_expr.empty()) {
      errors.invalid(here.field("subPathExpr"), mount.sub_path_expr,
                     "subPathExpr and subPath are mutually exclusive");
    }
  }
}

bool is_standard_resource(std::string_view name) {
  return name == "cpu" || name == "memory" || name == "ephemeral-storage" || name.starts_with("hugepages-");
}

bool is_extended(std::string_view name) {
  return name.find('/') != std::string_view::npos && name.find("kubernetes.io/") == std::string_view::npos;
}

void validate_quantities(FieldErrors& errors, const Path& path, const ResourceList& list) {
  for (const auto& [name, quantity] : list) {
    const Path here = path.key(name);
    if (name.find('/') == std::string::npos && !is_standard_resource(name)) {
      errors.invalid(here, name, "must be a standard resource for containers");
    } else {
      errors.problems(here, name, qualified_name_problems(name));
    }
    if (quantity.is_negative()) errors.invalid(here, quantity.text(), kNotNegative);
    if (is_extended(name) && !(Quantity::of(quantity.units()) == quantity)) {
      errors.invalid(here, quantity.text(), "must be an integer");
    }
  }
}

void validate_security_context(FieldErrors& errors, const Path& path, const SecurityContext& context) {
  constexpr int64_t kLargestId = 2147483647;
  if (context.run_as_user) errors.in_range(path.field("runAsUser"), *context.run_as_user, 0, kLargestId);
  if (context.run_as_group) errors.in_range(path.field("runAsGroup"), *context.run_as_group, 0, kLargestId);
  if (context.allow_privilege_escalation == false && context.privileged == true) {
    errors.invalid_shown(path, "{}",
                         "cannot set `allowPrivilegeEscalation` to false and `privileged` to true");
  }
  bool administrator = context.capabilities &&
                       std::any_of(context.capabilities->add.begin(), context.capabilities->add.end(),
                                   [](const std::string& name) { return name == "CAP_SYS_ADMIN"; });
  if (context.allow_privilege_escalation == false && administrator) {
    errors.invalid_shown(
        path, "{}", "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN");
  }
  if (!context.proc_mount.empty()) errors.one_of(path.field("procMount"), context.proc_mount, kProcMounts);
  if (context.seccomp_profile) {
    validate_seccomp(errors, path.field("seccompProfile"), *context.seccomp_profile);
  }
}

}  // namespace

void validate_seccomp(FieldErrors& errors, const Path& path, const SeccompProfile& profile) {
  errors.one_of(path.field("type"), profile.type, kSeccompTypes);
  const Path file = path.field("localhostProfile");
  if (profile.type != "Localhost") {
    if (!profile.localhost_profile.empty()) {
      errors.invalid(file, profile.localhost_profile, "can only be set when seccomp type is Localhost");
    }
  } else if (profile.localhost_profile.empty()) {
    errors.required(file, "must be set when seccomp type is Localhost");
  } else if (profile.localhost_profile.front() == '/') {
    errors.invalid(file, profile.localhost_profile, "must be a relative path");
  } else if (has_parent_step(profile.localhost_profile)) {
    errors.invalid(file, profile.localhost_profile, "must not contain '..'");
  }
}

void validate_downward_items(FieldErrors& errors, const Path& path,
                             const std::vector<DownwardAPIVolumeFile>& items) {
  for (size_t i = 0; i < items.size(); ++i) {
    const DownwardAPIVolumeFile& item = items[i];
    const Path here = path.index(i);
    validate_volume_file(errors, here, item.path, item.mode);
    if (item.field_ref && item.resource_field_ref) {
      errors.invalid(here, "resource", "fieldRef and resourceFieldRef can not be specified simultaneously");
    } else if (item.field_ref) {
      const Path ref = here.field("fieldRef");
      const std::string& field = item.field_ref->field_path;
      if (field.empty()) {
        errors.required(ref.field("fieldPath"));
      } else if (!is_known_field(field, kVolumeFields, true)) {
        errors.unsupported(ref.field("fieldPath"), field, kVolumeFields);
      }
    } else if (item.resource_field_ref) {
      const Path ref = here.field("resourceFieldRef");
      if (item.resource_field_ref->container_name.empty()) errors.required(ref.field("containerName"));
      errors.one_of(ref.field("resource"), item.resource_field_ref->resource, kEnvResources);
    } else {
      errors.required(here, "one of fieldRef and resourceFieldRef is required");
    }
  }
}

void validate_resources(FieldErrors& errors, const Path& path, const ResourceRequirements& resources) {
  validate_quantities(errors, path.field("limits"), resources.limits);
  validate_quantities(errors, path.field("requests"), resources.requests);
  const Path requests = path.field("requests");
  for (const auto& [name, request] : resources.requests) {
    const Quantity* limit = map_find(resources.limits, name);
    bool exact = is_extended(name) || name.starts_with("hugepages-");
    if (limit == nullptr) {
      if (exact) {
        const Path limits = path.field("limits");
        errors.required(limits.key(name), "Limit must be set for non overcommitable resources");
      }
    } else if (exact && !(request == *limit)) {
      errors.invalid(requests, request.text(), "must be equal to " + name + " limit of " + limit->text());
    } else if (request > *limit) {
      errors.invalid(requests, request.text(),
                     "must be less than or equal to " + name + " limit of " + limit->text());
    }
  }
}

bool is_space(char c) { return std::string_view(" \t\r\n").find(c) != std::string_view::npos; }

void validate_container(FieldErrors& errors, const Path& path, const Container& container, bool is_init,
                        const PodSpec& pod) {
  if (container.name.empty()) {
    errors.required(path.field("name"));
  } else {
    errors.problems(path.field("name"), container.name, dns_label_problems(container.name));
  }
  if (container.image.empty()) {
    errors.required(path.field("image"));
  } else if (is_space(container.image.front()) || is_space(container.image.back())) {
    errors.invalid(path.field("image"), container.image, "must not have leading or trailing whitespace");
  }
  if (!container.restart_policy.empty()) {
    if (!is_init) {
      errors.forbidden(path.field("restartPolicy"), "may not be set for non-init containers");
    } else if (container.restart_policy != "Always") {
      constexpr std::string_view kAlways[] = {"Always"};
      errors.unsupported(path.field("restartPolicy"), container.restart_policy, kAlways);
    }
  }
  errors.one_of(path.field("terminationMessagePolicy"), container.termination_message_policy,
                kMessagePolicies);
  errors.one_of(path.field("imagePullPolicy"), container.image_pull_policy, kPullPolicies);
  validate_ports(errors, path.field("ports"), container.ports);
  validate_env(errors, path.field("env"), container.env);
  validate_env_from(errors, path.field("envFrom"), container.env_from);
  bool privileged = container.security_context && container.security_context->privileged.value_or(false);
  validate_mounts(errors, path.field("volumeMounts"), container.volume_mounts, pod, privileged);
  validate_resources(errors, path.field("resources"), container.resources);
  if (container.security_context) {
    validate_security_context(errors, path.field("securityContext"), *container.security_context);
  }
  validate_container_handlers(errors, path, container, is_init, pod);
}

}  // namespace mainstay
