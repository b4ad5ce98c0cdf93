// Validation of pod specs: containers together, and what stands beside them.
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
constexpr std::string_view kGroupPolicies[] = {"Merge", "Strict"};
constexpr std::string_view kChangePolicies[] = {"OnRootMismatch", "Always"};
constexpr std::string_view kPreemptionPolicies[] = {"Never", "PreemptLowerPriority"};
constexpr size_t kLongestSysctl = 253;
constexpr int64_t kLargestId = 2147483647;
constexpr size_t kMostNameservers = 3;
constexpr size_t kMostSearches = 32;
constexpr size_t kMostSearchBytes = 2048;

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

// "a.b.c" or "a/b/c", each part of letters, digits, '-' and '_'. Source: core/validation, IsValidSysctlName.
bool is_sysctl_name(std::string_view name) {
  if (name.empty() || name.size() > kLongestSysctl) return false;
  char before = '.';
  for (char c : name) {
    bool edge = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    bool separator = c == '.' || c == '/';
    if (!edge && !separator && c != '-' && c != '_') return false;
    if (separator && (before == '.' || before == '/')) return false;
    before = c;
  }
  return before != '.' && before != '/';
}

void validate_sysctls(FieldErrors& errors, const Path& path, const PodSpec& spec) {
  const std::vector<Sysctl>& sysctls = spec.security_context->sysctls;
  std::set<std::string> names;
  for (size_t i = 0; i < sysctls.size(); ++i) {
    const Path here = path.index(i);
    const Path at = here.field("name");
    std::string name = sysctls[i].name;
    if (name.empty()) {
      errors.required(at);
      continue;
    }
    if (!is_sysctl_name(name)) {
      errors.invalid(at, name, "must have at most 253 characters and consist of parts of lower-case letters, "
                               "digits, '-' and '_', separated by '.' or '/'");
      continue;
    }
    // With '/' as the first separator, dots and slashes have changed places.
    size_t first = name.find_first_of("./");
    if (first != std::string::npos && name[first] == '/') {
      for (char& c : name) c = c == '/' ? '.' : c == '.' ? '/' : c;
    }
    if (!names.insert(name).second) errors.duplicate(at, sysctls[i].name);
    bool net = name.starts_with("net.");
    bool ipc = name.starts_with("kernel.shm") || name.starts_with("kernel.msg") || name == "kernel.sem" ||
               name.starts_with("fs.mqueue.");
    if (net && spec.host_network) errors.invalid(at, sysctls[i].name, "may not be specified when 'hostNetwork' is true");
    if (ipc && spec.host_ipc) errors.invalid(at, sysctls[i].name, "may not be specified when 'hostIPC' is true");
  }
}

void validate_security(FieldErrors& errors, const Path& path, const PodSpec& spec) {
  const PodSecurityContext& context = *spec.security_context;
  if (!context.supplemental_groups_policy.empty()) {
    errors.one_of(path.field("supplementalGroupsPolicy"), context.supplemental_groups_policy, kGroupPolicies);
  }
  if (!context.fs_group_change_policy.empty()) {
    errors.one_of(path.field("fsGroupChangePolicy"), context.fs_group_change_policy, kChangePolicies);
  }
  if (context.seccomp_profile) {
    validate_seccomp(errors, path.field("seccompProfile"), *context.seccomp_profile);
  }
  validate_sysctls(errors, path.field("sysctls"), spec);
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

// Kept as it stands in the manifest; its types have been checked by then.
void validate_dns_config(FieldErrors& errors, const Path& path, const PodSpec& spec) {
  const Value* config = spec.carried ? spec.carried->find("dnsConfig") : nullptr;
  auto list = [&](std::string_view field) {
    const Value* found = config != nullptr ? config->find(field) : nullptr;
    return found != nullptr && found->is_list() ? found->as_list() : ValueList();
  };
  const Path servers_path = path.field("nameservers"), searches_path = path.field("searches");
  const ValueList servers = list("nameservers"), searches = list("searches"), options = list("options");
  if (spec.dns_policy == "None" && servers.empty()) {
    errors.required(servers_path, "must provide at least one DNS nameserver when `dnsPolicy` is None");
  }
  if (servers.size() > kMostNameservers) {
    errors.invalid_shown(servers_path, std::to_string(servers.size()), "must not have more than 3 nameservers");
  }
  for (size_t i = 0; i < servers.size(); ++i) {
    const std::string text(servers[i].is_string() ? servers[i].as_string() : "");
    if (!is_ip(text)) errors.invalid(servers_path.index(i), text, "must be a valid IP address, (e.g. 10.9.8.7)");
  }
  size_t bytes = searches.empty() ? 0 : searches.size() - 1;
  for (size_t i = 0; i < searches.size(); ++i) {
    std::string text(searches[i].is_string() ? searches[i].as_string() : "");
    bytes += text.size();
    if (text == ".") continue;  // the root: the name as it stands
    const std::string_view name = text.ends_with('.') ? std::string_view(text).substr(0, text.size() - 1) : text;
    errors.problems(searches_path.index(i), text, dns_subdomain_problems(name));
  }
  if (searches.size() > kMostSearches) {
    errors.invalid_shown(searches_path, std::to_string(searches.size()), "must not have more than 32 search paths");
  }
  if (bytes > kMostSearchBytes) {
    errors.invalid_shown(searches_path, std::to_string(bytes),
                         "must not have more than 2048 characters (including spaces) in the search list");
  }
  for (size_t i = 0; i < options.size(); ++i) {
    if (options[i].string_at("name").empty()) errors.required(path.field("options").index(i).field("name"));
  }
}

}  // namespace

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
  if (spec.share_process_namespace == true && spec.host_pid) {
    errors.invalid_shown(path.field("shareProcessNamespace"), "true",
                         "ShareProcessNamespace and HostPID cannot both be enabled");
  }
  const Path gates = path.field("readinessGates");
  for (size_t i = 0; i < spec.readiness_gates.size(); ++i) {
    const Path here = gates.index(i);
    const std::string& type = spec.readiness_gates[i].condition_type;
    errors.problems(here.field("conditionType"), type, qualified_name_problems(type));
  }
  if (spec.security_context) validate_security(errors, path.field("securityContext"), spec);
  validate_host_aliases(errors, path.field("hostAliases"), spec.host_aliases);
  validate_dns_config(errors, path.field("dnsConfig"), spec);
  validate_scheduling(errors, path, spec);
  validate_affinity(errors, path, spec);
  if (!spec.preemption_policy.empty()) {
    errors.one_of(path.field("preemptionPolicy"), spec.preemption_policy, kPreemptionPolicies);
  }
}

}  // namespace mainstay
