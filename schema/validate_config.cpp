// Validation of ConfigMaps, Secrets, Nodes, Leases and Applications. Source: Kubernetes core/validation,
// coordination/validation; Argo CD's application specification.
#include <optional>
#include <string>

#include "schema/json.h"
#include "schema/validate_parts.h"

namespace mainstay {
namespace {

constexpr size_t kLargestData = 1 << 20;

// Adds up the sizes of keys and values that are keys of a ConfigMap or Secret.
size_t check_keys(FieldErrors& errors, const Path& path, const StringMap& data) {
  size_t total = 0;
  for (const auto& [key, value] : data) {
    errors.problems(path.key(key), key, config_key_problems(key));
    total += value.size();
  }
  return total;
}

void require_key(FieldErrors& errors, const Secret& secret, std::string_view key) {
  const Path data("data");
  if (map_find(secret.data, key) == nullptr) errors.required(data.key(key));
}

void require_json(FieldErrors& errors, const Secret& secret, std::string_view key) {
  const Path data("data");
  const std::string* text = map_find(secret.data, key);
  if (text == nullptr) return errors.required(data.key(key));
  Result<Value> value = read_json(*text);
  if (!value.ok() || !value->is_map()) {
    errors.invalid_shown(data.key(key), "\"<secret contents redacted>\"", "must be a JSON object");
  }
}

void check_type(FieldErrors& errors, const Secret& secret, const ObjectMeta& meta) {
  const Path data("data");
  if (secret.type == "kubernetes.io/service-account-token") {
    const Path metadata("metadata");
    const Path annotations = metadata.field("annotations");
    const std::string* account = map_find(meta.annotations, "kubernetes.io/service-account.name");
    if (account == nullptr || account->empty()) {
      errors.required(annotations.key("kubernetes.io/service-account.name"));
    }
  } else if (secret.type == "kubernetes.io/dockercfg") {
    require_json(errors, secret, ".dockercfg");
  } else if (secret.type == "kubernetes.io/dockerconfigjson") {
    require_json(errors, secret, ".dockerconfigjson");
  } else if (secret.type == "kubernetes.io/basic-auth") {
    if (!map_find(secret.data, "username") && !map_find(secret.data, "password")) {
      errors.required(data.key("username"));
      errors.required(data.key("password"));
    }
  } else if (secret.type == "kubernetes.io/ssh-auth") {
    const std::string* key = map_find(secret.data, "ssh-privatekey");
    if (key == nullptr || key->empty()) errors.required(data.key("ssh-privatekey"));
  } else if (secret.type == "kubernetes.io/tls") {
    require_key(errors, secret, "tls.crt");
    require_key(errors, secret, "tls.key");
  }
}

}  // namespace

void validate_config_map(FieldErrors& errors, const ConfigMap& config) {
  const Path data("data"), binary("binaryData");
  for (const auto& [key, value] : config.data) {
    if (map_find(config.binary_data, key)) {
      errors.invalid(data.key(key), key, "duplicate of key present in binaryData");
    }
  }
  size_t total = check_keys(errors, data, config.data) + check_keys(errors, binary, config.binary_data);
  if (total > kLargestData) errors.too_long(data, kLargestData);
}

void validate_secret(FieldErrors& errors, const Secret& secret, const ObjectMeta& meta) {
  const Path data("data");
  if (check_keys(errors, data, secret.data) > kLargestData) errors.too_long(data, kLargestData);
  check_type(errors, secret, meta);
}

void validate_node(FieldErrors& errors, const Node& node) {
  constexpr std::string_view kEffects[] = {"NoExecute", "NoSchedule", "PreferNoSchedule"};
  const Path spec("spec");
  const Path taints = spec.field("taints");
  for (size_t i = 0; i < node.spec.taints.size(); ++i) {
    const Taint& taint = node.spec.taints[i];
    const Path here = taints.index(i);
    errors.problems(here.field("key"), taint.key, qualified_name_problems(taint.key));
    errors.problems(here.field("value"), taint.value, label_value_problems(taint.value));
    errors.one_of(here.field("effect"), taint.effect, kEffects);
    for (size_t j = 0; j < i; ++j) {
      if (node.spec.taints[j].key == taint.key && node.spec.taints[j].effect == taint.effect) {
        errors.duplicate(here, taint.key + ":" + taint.effect);
        break;
      }
    }
  }
  const Path cidrs = spec.field("podCIDRs");
  for (size_t i = 0; i < node.spec.pod_cidrs.size(); ++i) {
    const std::string& cidr = node.spec.pod_cidrs[i];
    if (!is_cidr(cidr)) {
      errors.invalid(cidrs.index(i), cidr, "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)");
    }
  }
}

void validate_lease(FieldErrors& errors, const LeaseSpec& spec) {
  const Path path("spec");
  if (spec.lease_duration_seconds && *spec.lease_duration_seconds <= 0) {
    errors.invalid(path.field("leaseDurationSeconds"), *spec.lease_duration_seconds,
                   "must be greater than 0");
  }
  if (spec.lease_transitions) errors.at_least(path.field("leaseTransitions"), *spec.lease_transitions, 0);
}

void validate_application(FieldErrors& errors, const ApplicationSpec& spec) {
  const Path path("spec");
  const Path source = path.field("source");
  bool many = spec.carried && spec.carried->find("sources") != nullptr;
  if (!spec.source) {
    if (!many) errors.required(source);
  } else if (spec.source->repo_url.empty()) {
    errors.required(source.field("repoURL"));
  }
  const Path destination = path.field("destination");
  if (!spec.destination.server.empty() && !spec.destination.name.empty()) {
    errors.forbidden(destination.field("name"), "may not be set together with `server`");
  }
  if (!spec.destination.ns.empty()) {
    errors.problems(destination.field("namespace"), spec.destination.ns,
                    dns_label_problems(spec.destination.ns));
  }
}

}  // namespace mainstay
