// Defaults of pods and pod templates.
#include <algorithm>
#include <string>
#include <string_view>

#include "schema/defaults.h"
#include "schema/pod_resources.h"

namespace mainstay {
namespace {

constexpr int32_t kDefaultFileMode = 0644;
constexpr int64_t kDefaultTokenSeconds = 3600;
constexpr int64_t kDefaultGraceSeconds = 30;
constexpr int64_t kDefaultNodeLossSeconds = 300;

void set_if_empty(std::string& field, std::string_view value) {
  if (field.empty()) field = value;
}

// Nothing finer than a thousandth is counted.
void round_up_to_milli(ResourceList& resources) {
  constexpr int64_t kMilliFits = 1'000'000'000'000;
  for (auto& [name, quantity] : resources) {
    if (quantity.units() > kMilliFits || quantity.units() < -kMilliFits) continue;
    Quantity rounded = Quantity::of_milli(quantity.milli());
    if (!(rounded == quantity)) quantity = rounded;
  }
}

void default_http_get(Box<HTTPGetAction>& get) {
  if (!get) return;
  set_if_empty(get->path, "/");
  set_if_empty(get->scheme, "HTTP");
}

void default_probe(Box<Probe>& box) {
  if (!box) return;
  Probe& probe = *box;
  if (probe.timeout_seconds == 0) probe.timeout_seconds = 1;
  if (probe.period_seconds == 0) probe.period_seconds = 10;
  if (probe.success_threshold == 0) probe.success_threshold = 1;
  if (probe.failure_threshold == 0) probe.failure_threshold = 3;
  default_http_get(probe.http_get);
}

void default_container(Container& container, bool host_network) {
  set_if_empty(container.image_pull_policy, default_pull_policy(container.image));
  set_if_empty(container.termination_message_path, "/dev/termination-log");
  set_if_empty(container.termination_message_policy, "File");
  for (ContainerPort& port : container.ports) {
    set_if_empty(port.protocol, "TCP");
    if (host_network && port.host_port == 0) port.host_port = port.container_port;
  }
  for (EnvVar& variable : container.env) {
    if (variable.value_from && variable.value_from->field_ref) {
      set_if_empty(variable.value_from->field_ref->api_version, "v1");
    }
  }
  default_probe(container.liveness_probe);
  default_probe(container.readiness_probe);
  default_probe(container.startup_probe);
  if (container.lifecycle && container.lifecycle->post_start) {
    default_http_get(container.lifecycle->post_start->http_get);
  }
  if (container.lifecycle && container.lifecycle->pre_stop) {
    default_http_get(container.lifecycle->pre_stop->http_get);
  }
  round_up_to_milli(container.resources.limits);
  round_up_to_milli(container.resources.requests);
}

void default_downward_items(std::vector<DownwardAPIVolumeFile>& items) {
  for (DownwardAPIVolumeFile& item : items) {
    if (item.field_ref) set_if_empty(item.field_ref->api_version, "v1");
  }
}

void default_volume(Volume& volume) {
  bool other_source = volume.carried && volume.carried->is_map() && !volume.carried->as_map().empty();
  if (!volume.host_path && !volume.empty_dir && !volume.secret && !volume.config_map &&
      !volume.downward_api && !volume.projected && !other_source) {
    volume.empty_dir.ensure();
  }
  if (volume.downward_api) {
    if (!volume.downward_api->default_mode) volume.downward_api->default_mode = kDefaultFileMode;
    default_downward_items(volume.downward_api->items);
  }
  if (volume.projected) {
    if (!volume.projected->default_mode) volume.projected->default_mode = kDefaultFileMode;
    for (VolumeProjection& source : volume.projected->sources) {
      if (source.downward_api) default_downward_items(source.downward_api->items);
      if (source.service_account_token && !source.service_account_token->expiration_seconds) {
        source.service_account_token->expiration_seconds = kDefaultTokenSeconds;
      }
    }
  }
  if (volume.secret && !volume.secret->default_mode) volume.secret->default_mode = kDefaultFileMode;
  if (volume.config_map && !volume.config_map->default_mode) {
    volume.config_map->default_mode = kDefaultFileMode;
  }
}

// True if a taint of `key` with effect NoExecute is already answered by some toleration.
bool answers(const PodSpec& spec, std::string_view key) {
  return std::any_of(spec.tolerations.begin(), spec.tolerations.end(), [&](const Toleration& toleration) {
    return (toleration.key == key || toleration.key.empty()) &&
           (toleration.effect == "NoExecute" || toleration.effect.empty());
  });
}

void tolerate_node_loss(PodSpec& spec) {
  constexpr std::string_view kKeys[] = {"node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"};
  bool answered[] = {answers(spec, kKeys[0]), answers(spec, kKeys[1])};
  for (size_t i = 0; i < std::size(kKeys); ++i) {
    if (answered[i]) continue;
    Toleration toleration;
    toleration.key = kKeys[i];
    toleration.op = "Exists";
    toleration.effect = "NoExecute";
    toleration.toleration_seconds = kDefaultNodeLossSeconds;
    spec.tolerations.push_back(std::move(toleration));
  }
}

// Who requests memory may be placed where it is short: he is not the first to be evicted.
void tolerate_memory_pressure(PodSpec& spec) {
  constexpr std::string_view kKey = "node.kubernetes.io/memory-pressure";
  bool answered = std::any_of(spec.tolerations.begin(), spec.tolerations.end(), [&](const Toleration& toleration) {
    return (toleration.key == kKey || toleration.key.empty()) && toleration.op == "Exists" &&
           (toleration.effect == "NoSchedule" || toleration.effect.empty());
  });
  if (answered || qos_class(spec) == "BestEffort") return;
  Toleration& toleration = spec.tolerations.emplace_back();
  toleration.key = kKey;
  toleration.op = "Exists";
  toleration.effect = "NoSchedule";
}

}  // namespace

std::string_view default_pull_policy(std::string_view image) {
  if (image.empty() || image.find('@') != std::string_view::npos) return "IfNotPresent";
  size_t slash = image.rfind('/');
  size_t colon = image.rfind(':');
  bool has_tag = colon != std::string_view::npos && (slash == std::string_view::npos || colon > slash);
  return !has_tag || image.substr(colon + 1) == "latest" ? "Always" : "IfNotPresent";
}

void default_pod_spec(PodSpec& spec) {
  set_if_empty(spec.dns_policy, "ClusterFirst");
  set_if_empty(spec.restart_policy, "Always");
  set_if_empty(spec.scheduler_name, "default-scheduler");
  spec.security_context.ensure();
  if (!spec.termination_grace_period_seconds) spec.termination_grace_period_seconds = kDefaultGraceSeconds;
  // The older of the two names is kept equal to the newer one.
  set_if_empty(spec.service_account_name, spec.service_account);
  spec.service_account = spec.service_account_name;
  for (Volume& volume : spec.volumes) default_volume(volume);
  for (Container& container : spec.init_containers) default_container(container, spec.host_network);
  for (Container& container : spec.containers) default_container(container, spec.host_network);
}

void default_pod_only(PodSpec& spec) {
  if (!spec.enable_service_links) spec.enable_service_links = true;
  for (auto* containers : {&spec.containers, &spec.init_containers}) {
    for (Container& container : *containers) {
      for (const auto& [name, limit] : container.resources.limits) {
        if (map_find(container.resources.requests, name) == nullptr) {
          map_slot(container.resources.requests, name) = limit;
        }
      }
    }
  }
}

void admit_pod(Object& object) {
  Pod& pod = as<Pod>(object);
  set_if_empty(pod.spec.service_account_name, "default");
  pod.spec.service_account = pod.spec.service_account_name;
  tolerate_node_loss(pod.spec);
  tolerate_memory_pressure(pod.spec);
  set_if_empty(pod.status.phase, "Pending");
  set_if_empty(pod.status.qos_class, qos_class(pod.spec));
}

}  // namespace mainstay
