#include "reconciler/core/assign.h"

#include <algorithm>
#include <set>

namespace mainstay {
namespace {

void sort_unique(std::vector<std::string>& names) {
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
}

void add_container(const Container& container, UsedConfig& used) {
  for (const EnvVar& env : container.env) {
    if (!env.value_from) continue;
    if (env.value_from->config_map_key_ref)
      used.config_maps.push_back(env.value_from->config_map_key_ref->name);
    if (env.value_from->secret_key_ref) used.secrets.push_back(env.value_from->secret_key_ref->name);
  }
  for (const EnvFromSource& source : container.env_from) {
    if (source.config_map_ref) used.config_maps.push_back(source.config_map_ref->name);
    if (source.secret_ref) used.secrets.push_back(source.secret_ref->name);
  }
}

constexpr std::string_view kAuthorityName = "kube-root-ca.crt";

void add_projected(const ProjectedVolumeSource& projected, UsedConfig& used) {
  for (const VolumeProjection& source : projected.sources) {
    if (source.config_map) used.config_maps.push_back(source.config_map->name);
    if (source.secret) used.secrets.push_back(source.secret->name);
  }
}

// A pod's account may name secrets for pulling images; they count as the pod's own.
void add_account(const Snapshot& view, const Object& pod, UsedConfig& used) {
  const std::string& name = as<Pod>(pod).spec.service_account_name;
  if (name.empty()) return;
  ObjectPtr account = view.find(Kind::kServiceAccount, pod.meta.ns, name);
  if (!account) return;
  for (const LocalObjectReference& ref : as<ServiceAccount>(*account).image_pull_secrets) {
    used.secrets.push_back(ref.name);
  }
}

std::string_view node_of(const ObjectPtr& object) {
  return object ? std::string_view(as<Pod>(*object).spec.node_name) : std::string_view();
}

bool uses(const Snapshot& view, const Object& pod, const Key& config) {
  if (config.kind == Kind::kServiceAccount) return as<Pod>(pod).spec.service_account_name == config.name;
  UsedConfig used = used_config(as<Pod>(pod).spec);
  if (config.kind == Kind::kSecret) add_account(view, pod, used);
  const auto& names = config.kind == Kind::kSecret ? used.secrets : used.config_maps;
  return std::find(names.begin(), names.end(), config.name) != names.end();
}

}  // namespace

UsedConfig used_config(const PodSpec& spec) {
  UsedConfig used;
  for (const Container& container : spec.init_containers) add_container(container, used);
  for (const Container& container : spec.containers) add_container(container, used);
  for (const Volume& volume : spec.volumes) {
    if (volume.config_map) used.config_maps.push_back(volume.config_map->name);
    if (volume.secret) used.secrets.push_back(volume.secret->secret_name);
    if (volume.projected) add_projected(*volume.projected, used);
  }
  // Beside the account's token stands the certificate to check the API's with.
  if (spec.automount_service_account_token.value_or(true)) used.config_maps.emplace_back(kAuthorityName);
  for (const LocalObjectReference& ref : spec.image_pull_secrets) used.secrets.push_back(ref.name);
  sort_unique(used.config_maps);
  sort_unique(used.secrets);
  return used;
}

Assignment assignment(const Snapshot& view, std::string_view node) {
  Assignment out;
  out.node = node;
  if (ObjectPtr found = view.find(Kind::kNode, "", node)) out.pod_cidr = as<Node>(*found).spec.pod_cidr;
  std::set<ObjectName> config_maps, secrets, accounts;
  for (const ObjectPtr& pod : view.pods_on(node)) {
    // A finished pod stays assigned until it is deleted: its logs are kept and its agent cleans up behind it.
    out.pods.push_back(pod);
    accounts.insert({pod->meta.ns, as<Pod>(*pod).spec.service_account_name});
    UsedConfig used = used_config(as<Pod>(*pod).spec);
    add_account(view, *pod, used);
    for (std::string& name : used.config_maps) config_maps.insert({pod->meta.ns, std::move(name)});
    for (std::string& name : used.secrets) secrets.insert({pod->meta.ns, std::move(name)});
  }
  for (const ObjectName& name : config_maps) {
    if (ObjectPtr found = view.find(Kind::kConfigMap, name.ns, name.name)) out.config_maps.push_back(found);
  }
  for (const ObjectName& name : secrets) {
    if (ObjectPtr found = view.find(Kind::kSecret, name.ns, name.name)) out.secrets.push_back(found);
  }
  out.service_accounts.emplace();
  for (const ObjectName& name : accounts) {
    if (ObjectPtr found = view.find(Kind::kServiceAccount, name.ns, name.name)) {
      out.service_accounts->push_back(found);
    }
  }
  return out;
}

std::vector<std::string> touched_nodes(const std::vector<Change>& changes, const Snapshot& view) {
  std::vector<std::string> nodes;
  std::set<Key> configs;
  for (const Change& change : changes) {
    if (change.key.kind == Kind::kPod) {
      std::string_view before = node_of(change.before), after = node_of(change.after);
      if (!before.empty()) nodes.emplace_back(before);
      if (!after.empty() && after != before) nodes.emplace_back(after);
    } else if (change.key.kind == Kind::kNode && change.after) {
      bool same =
          change.before && as<Node>(*change.before).spec.pod_cidr == as<Node>(*change.after).spec.pod_cidr;
      if (!same) nodes.push_back(change.key.name);
    } else if (change.key.kind == Kind::kConfigMap || change.key.kind == Kind::kSecret ||
               change.key.kind == Kind::kServiceAccount) {
      configs.insert(change.key);
    }
  }
  for (const Key& config : configs) {
    for (const ObjectPtr& pod : view.list(Kind::kPod, config.ns)) {
      const std::string& node = as<Pod>(*pod).spec.node_name;
      if (!node.empty() && uses(view, *pod, config)) nodes.push_back(node);
    }
  }
  sort_unique(nodes);
  return nodes;
}

}  // namespace mainstay
