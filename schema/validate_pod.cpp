// Validation of pod specs: volumes, containers together, and what stands beside them.
// Source: Kubernetes core/validation, ValidatePodSpec.
#include <algorithm>
#include <set>
#include <string>
#include <tuple>

#include "schema/validate_parts.h"

namespace mainstay {
namespace {

constexpr std::string_view kRestartPolicies[] = {"Always", "OnFailure", "Never"};
constexpr std::string_view kDnsPolicies[] = {"ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"};
constexpr std::string_view kHostPathTypes[] = {"",     "DirectoryOrCreate", "Directory",  "FileOrCreate",
                                               "File", "Socket",            "CharDevice", "BlockDevice"};
constexpr int64_t kLargestId = 2147483647;

void validate_mode(FieldErrors& errors, const Path& path, const std::optional<int32_t>& mode) {
  if (mode && (*mode < 0 || *mode > 0777)) {
    errors.invalid(path, *mode, "must be a number between 0 and 0777 (octal), both inclusive");
  }
}

void validate_items(FieldErrors& errors, const Path& path, const std::vector<KeyToPath>& items) {
  for (size_t i = 0; i < items.size(); ++i) {
    const Path here = path.index(i);
    if (items[i].key.empty()) errors.required(here.field("key"));
    const std::string& target = items[i].path;
    if (target.empty()) {
      errors.required(here.field("path"));
    } else if (target.front() == '/') {
      errors.invalid(here.field("path"), target, "must be a relative path");
    } else if (target == ".." || target.starts_with("../") || target.find("/../") != std::string::npos ||
               target.ends_with("/..")) {
      errors.invalid(here.field("path"), target, "must not contain '..'");
    } else if (target.starts_with("..")) {
      errors.invalid(here.field("path"), target, "must not start with '..'");
    }
    validate_mode(errors, here.field("mode"), items[i].mode);
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

void validate_source(FieldErrors& errors, const Path& path, const Volume& volume) {
  int count = 0;
  auto first = [&](bool present, std::string_view name) {
    if (!present) return false;
    if (count++ == 0) return true;
    errors.forbidden(path.field(name), "may not specify more than 1 volume type");
    return false;
  };
  if (first(volume.empty_dir.has_value(), "emptyDir") && volume.empty_dir->size_limit &&
      volume.empty_dir->size_limit->is_negative()) {
    const Path here = path.field("emptyDir");
    errors.forbidden(here.field("sizeLimit"), "SizeLimit field must be a valid resource quantity");
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
  if (!volume.carried || !volume.carried->is_map()) return;
  for (const Member& member : volume.carried->as_map()) first(true, member.name);
}

void validate_containers(FieldErrors& errors, const Path& path, const PodSpec& spec) {
  const Path containers = path.field("containers"), inits = path.field("initContainers");
  if (spec.containers.empty()) errors.required(containers);
  std::set<std::string_view> names;
  std::set<std::tuple<std::string_view, int32_t, std::string_view>> host_ports;
  auto check = [&](const Path& list, const std::vector<Container>& members, bool is_init) {
    for (size_t i = 0; i < members.size(); ++i) {
      const Container& container = members[i];
      const Path here = list.index(i);
      validate_container(errors, here, container, is_init, spec);
      if (!container.name.empty() && !names.insert(container.name).second) {
        errors.duplicate(here.field("name"), container.name);
      }
      if (is_init && container.restart_policy.empty()) continue;
      const Path ports = here.field("ports");
      for (size_t p = 0; p < container.ports.size(); ++p) {
        const ContainerPort& port = container.ports[p];
        if (port.host_port == 0) continue;
        if (host_ports.insert({port.host_ip, port.host_port, port.protocol}).second) continue;
        const Path at = ports.index(p);
        errors.duplicate(at.field("hostPort"),
                         port.protocol + "/" + port.host_ip + "/" + std::to_string(port.host_port));
      }
    }
  };
  check(containers, spec.containers, false);
  check(inits, spec.init_containers, true);
}

void validate_security(FieldErrors& errors, const Path& path, const PodSecurityContext& context) {
  if (context.run_as_user) errors.in_range(path.field("runAsUser"), *context.run_as_user, 0, kLargestId);
  if (context.run_as_group) errors.in_range(path.field("runAsGroup"), *context.run_as_group, 0, kLargestId);
  if (context.fs_group) errors.in_range(path.field("fsGroup"), *context.fs_group, 0, kLargestId);
  const Path groups = path.field("supplementalGroups");
  for (size_t i = 0; i < context.supplemental_groups.size(); ++i) {
    errors.in_range(groups.index(i), context.supplemental_groups[i], 0, kLargestId);
  }
}

void validate_host_aliases(FieldErrors& errors, const Path& path, const std::vector<HostAlias>& aliases) {
  for (size_t i = 0; i < aliases.size(); ++i) {
    const Path here = path.index(i);
    if (!is_ip(aliases[i].ip)) {
      errors.invalid(here.field("ip"), aliases[i].ip,
                     "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)");
    }
    const Path names = here.field("hostnames");
    for (size_t n = 0; n < aliases[i].hostnames.size(); ++n) {
      const std::string& name = aliases[i].hostnames[n];
      errors.problems(names.index(n), name, dns_subdomain_problems(name));
    }
  }
}

}  // namespace

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

void validate_pod_spec(FieldErrors& errors, const Path& path, const PodSpec& spec) {
  auto name_at = [&](std::string_view field, const std::string& name,
                     Problems (*problems)(std::string_view)) {
    if (!name.empty()) errors.problems(path.field(field), name, problems(name));
  };
  validate_volumes(errors, path.field("volumes"), spec.volumes);
  validate_containers(errors, path, spec);
  errors.one_of(path.field("restartPolicy"), spec.restart_policy, kRestartPolicies);
  errors.one_of(path.field("dnsPolicy"), spec.dns_policy, kDnsPolicies);
  if (spec.termination_grace_period_seconds) {
    errors.at_least(path.field("terminationGracePeriodSeconds"), *spec.termination_grace_period_seconds, 0);
  }
  if (spec.active_deadline_seconds) {
    errors.in_range(path.field("activeDeadlineSeconds"), *spec.active_deadline_seconds, 1, kLargestId);
  }
  name_at("serviceAccountName", spec.service_account_name, &dns_subdomain_problems);
  name_at("nodeName", spec.node_name, &dns_subdomain_problems);
  name_at("hostname", spec.hostname, &dns_label_problems);
  name_at("subdomain", spec.subdomain, &dns_label_problems);
  name_at("priorityClassName", spec.priority_class_name, &dns_subdomain_problems);
  name_at("schedulerName", spec.scheduler_name, &qualified_name_problems);
  const Path secrets = path.field("imagePullSecrets");
  for (size_t i = 0; i < spec.image_pull_secrets.size(); ++i) {
    const Path here = secrets.index(i);
    if (spec.image_pull_secrets[i].name.empty()) errors.required(here.field("name"));
  }
  if (spec.security_context) validate_security(errors, path.field("securityContext"), *spec.security_context);
  validate_host_aliases(errors, path.field("hostAliases"), spec.host_aliases);
  validate_scheduling(errors, path, spec);
}

}  // namespace mainstay
