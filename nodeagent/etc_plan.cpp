#include "nodeagent/etc_plan.h"

#include <algorithm>

#include "nodeagent/volumes/etc_files.h"

namespace mainstay {
namespace {

constexpr size_t kMostLabel = 63;
constexpr size_t kMostKernelName = 64;
// What resolvers read, and what Kubernetes writes at most.
constexpr size_t kMostNameservers = 3;
constexpr size_t kMostSearches = 32;
constexpr size_t kMostSearchBytes = 2048;

void add_once(std::vector<std::string>& to, std::string text) {
  if (std::find(to.begin(), to.end(), text) == to.end()) to.push_back(std::move(text));
}

void add_strings(const Value* list, std::vector<std::string>& to) {
  if (list == nullptr || !list->is_list()) return;
  for (const Value& item : list->as_list()) {
    if (item.is_string()) add_once(to, item.as_string());
  }
}

std::string_view option_name(std::string_view option) { return option.substr(0, option.find(':')); }

// An option of the pod takes the place of one of the same name.
void add_options(const Value* list, std::vector<std::string>& to) {
  if (list == nullptr || !list->is_list()) return;
  for (const Value& item : list->as_list()) {
    std::string text(item.string_at("name"));
    if (text.empty()) continue;
    if (!item.string_at("value").empty()) text += ":" + std::string(item.string_at("value"));
    auto same = std::find_if(to.begin(), to.end(),
                             [&](const std::string& one) { return option_name(one) == option_name(text); });
    same == to.end() ? to.push_back(text) : void(*same = text);
  }
}

void cut_to_limits(ResolverConfig& config) {
  if (config.nameservers.size() > kMostNameservers) config.nameservers.resize(kMostNameservers);
  size_t bytes = 0, kept = 0;
  while (kept < config.searches.size() && kept < kMostSearches) {
    bytes += config.searches[kept].size() + (kept == 0 ? 0 : 1);
    if (bytes > kMostSearchBytes) break;
    ++kept;
  }
  config.searches.resize(kept);
}

bool asks_cluster(const PodSpec& spec) {
  return spec.dns_policy == "ClusterFirstWithHostNet" ||
         (spec.dns_policy == "ClusterFirst" && !spec.host_network);
}

std::vector<HostsEntry> hosts_entries(const std::vector<HostAlias>& aliases) {
  std::vector<HostsEntry> out;
  for (const HostAlias& alias : aliases) out.push_back({alias.ip, alias.hostnames});
  return out;
}

}  // namespace

std::string cluster_domain(const NodeConfig& config) {
  return config.network ? config.network->cluster_domain : NetworkState().cluster_domain;
}

Result<PodNames> pod_names(const Object& pod, std::string_view domain, const NodeFacts& node) {
  const PodSpec& spec = as<Pod>(pod).spec;
  PodNames out;
  out.hostname = spec.hostname.empty() ? pod.meta.name : spec.hostname;
  if (out.hostname.size() > kMostLabel) {
    out.hostname.resize(kMostLabel);
    // A label must not end in these.
    out.hostname.erase(out.hostname.find_last_not_of("-.") + 1);
  }
  if (!spec.subdomain.empty()) {
    out.fqdn = out.hostname + "." + spec.subdomain + "." + pod.meta.ns + ".svc." + std::string(domain);
  }
  out.kernel = out.hostname;
  const Value* wanted = spec.carried ? spec.carried->find("setHostnameAsFQDN") : nullptr;
  if (wanted != nullptr && wanted->is_bool() && wanted->as_bool() && !out.fqdn.empty()) {
    if (out.fqdn.size() > kMostKernelName) {
      return error(ErrorCode::kInvalid,
                   "Failed to construct FQDN from Pod hostname and cluster domain, FQDN " + out.fqdn +
                       " is too long (" + std::to_string(kMostKernelName) + " characters is the max, " +
                       std::to_string(out.fqdn.size()) + " characters requested)");
    }
    out.kernel = out.fqdn;
  }
  // The host's network comes with the host's name.
  if (spec.host_network && !node.hostname.empty()) out.kernel = node.hostname;
  return out;
}

ResolverConfig pod_resolver(const Object& pod, const NodeFacts& node, const NetworkState* network) {
  const PodSpec& spec = as<Pod>(pod).spec;
  ResolverConfig out;
  if (spec.dns_policy != "None") out = node.resolver;
  if (asks_cluster(spec) && network != nullptr && !network->dns_address.empty()) {
    const std::string& domain = network->cluster_domain;
    out.nameservers = {network->dns_address};
    out.searches = {pod.meta.ns + ".svc." + domain, "svc." + domain, domain};
    for (const std::string& search : node.resolver.searches) add_once(out.searches, search);
    out.options = {"ndots:5"};
  }
  if (const Value* own = spec.carried ? spec.carried->find("dnsConfig") : nullptr) {
    add_strings(own->find("nameservers"), out.nameservers);
    add_strings(own->find("searches"), out.searches);
    add_options(own->find("options"), out.options);
  }
  cut_to_limits(out);
  return out;
}

EtcFiles render_etc_files(const PodNames& names, const ResolverConfig& resolver, const PodSpec& spec,
                          std::string_view pod_ip, const NodeFacts& node) {
  EtcFiles out;
  out.hostname = names.kernel + "\n";
  out.resolv_conf = render_resolv_conf(resolver);
  if (spec.host_network) {
    out.hosts = render_host_network_hosts(node.hosts, hosts_entries(spec.host_aliases));
  } else {
    out.hosts =
        render_hosts(std::string(pod_ip), names.hostname, names.fqdn, hosts_entries(spec.host_aliases));
  }
  return out;
}

}  // namespace mainstay
