#include "schema/defaults.h"

#include <string>
#include <string_view>

namespace mainstay {
namespace {

constexpr int32_t kClientIpAffinitySeconds = 10800;

void set_if_empty(std::string& field, std::string_view value) {
  if (field.empty()) field = value;
}

void apply(Namespace& body, ObjectMeta& meta) {
  if (!meta.name.empty()) map_slot(meta.labels, "kubernetes.io/metadata.name") = meta.name;
  set_if_empty(body.status.phase, "Active");
}

void apply(Node& node) {
  if (node.status.allocatable.empty()) node.status.allocatable = node.status.capacity;
}

void apply(Pod& pod) {
  default_pod_spec(pod.spec);
  default_pod_only(pod.spec);
}

void apply(ReplicaSet& set) {
  if (!set.spec.replicas) set.spec.replicas = 1;
  default_pod_spec(set.spec.pod_template.spec);
}

void apply(Deployment& deployment) {
  DeploymentSpec& spec = deployment.spec;
  if (!spec.replicas) spec.replicas = 1;
  set_if_empty(spec.strategy.type, "RollingUpdate");
  if (spec.strategy.type == "RollingUpdate") {
    RollingUpdateDeployment& rolling = spec.strategy.rolling_update.ensure();
    if (!rolling.max_unavailable) rolling.max_unavailable = IntOrString(std::string("25%"));
    if (!rolling.max_surge) rolling.max_surge = IntOrString(std::string("25%"));
  }
  if (!spec.revision_history_limit) spec.revision_history_limit = 10;
  if (!spec.progress_deadline_seconds) spec.progress_deadline_seconds = 600;
  default_pod_spec(spec.pod_template.spec);
}

void apply(Service& service) {
  ServiceSpec& spec = service.spec;
  set_if_empty(spec.type, "ClusterIP");
  set_if_empty(spec.session_affinity, "None");
  if (spec.session_affinity == "None") spec.session_affinity_config.reset();
  if (spec.session_affinity == "ClientIP") {
    ClientIPConfig& config = spec.session_affinity_config.ensure().client_ip.ensure();
    if (!config.timeout_seconds) config.timeout_seconds = kClientIpAffinitySeconds;
  }
  for (ServicePort& port : spec.ports) {
    set_if_empty(port.protocol, "TCP");
    if (port.target_port.is_zero() || (!port.target_port.is_int() && port.target_port.string().empty())) {
      port.target_port = IntOrString(port.port);
    }
  }
  bool is_name = spec.type == "ExternalName";
  bool is_external = spec.type == "NodePort" || spec.type == "LoadBalancer" ||
                     (!is_name && !spec.external_ips.empty());
  if (is_external) set_if_empty(spec.external_traffic_policy, "Cluster");
  if (is_name) return;
  set_if_empty(spec.internal_traffic_policy, "Cluster");
  if (spec.type == "LoadBalancer" && !spec.allocate_load_balancer_node_ports) {
    spec.allocate_load_balancer_node_ports = true;
  }
  if (spec.cluster_ips.empty() && !spec.cluster_ip.empty()) spec.cluster_ips = {spec.cluster_ip};
  set_if_empty(spec.ip_family_policy, "SingleStack");
  if (spec.ip_families.empty()) spec.ip_families = {"IPv4"};
}

void apply(EndpointSlice& slice) {
  for (EndpointPort& port : slice.ports) set_if_empty(port.protocol, "TCP");
}

// stringData is written, never read: its entries win over those of data.
void apply(Secret& secret) {
  set_if_empty(secret.type, "Opaque");
  for (auto& [key, value] : secret.string_data) map_slot(secret.data, key) = std::move(value);
  secret.string_data.clear();
}

void apply(Application& application) { set_if_empty(application.spec.project, "default"); }

}  // namespace

void apply_defaults(Object& object) {
  switch (object.kind) {
    case Kind::kNamespace: return apply(as<Namespace>(object), object.meta);
    case Kind::kNode: return apply(as<Node>(object));
    case Kind::kPod: return apply(as<Pod>(object));
    case Kind::kReplicaSet: return apply(as<ReplicaSet>(object));
    case Kind::kDeployment: return apply(as<Deployment>(object));
    case Kind::kService: return apply(as<Service>(object));
    case Kind::kEndpointSlice: return apply(as<EndpointSlice>(object));
    case Kind::kSecret: return apply(as<Secret>(object));
    case Kind::kApplication: return apply(as<Application>(object));
    default:
      if (!object.info().typed()) default_carried(object.kind, generic_fields(object));
  }
}

}  // namespace mainstay
