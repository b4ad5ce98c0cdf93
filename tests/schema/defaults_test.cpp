#include "schema/defaults.h"

#include <catch2/catch.hpp>

#include <string>

#include "schema/pod_resources.h"
#include "tests/schema/manifest.h"

namespace mainstay {
namespace {

using testing::object;

Object defaulted(std::string_view yaml) {
  Object out = object(yaml);
  apply_defaults(out);
  return out;
}

Quantity quantity(std::string_view text) { return Quantity::parse(text).value(); }

constexpr std::string_view kPod = R"(
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: default}
spec:
  volumes:
  - {name: scratch}
  - {name: conf, configMap: {name: web}}
  - {name: keys, secret: {secretName: web}}
  containers:
  - name: web
    image: nginx
    ports: [{containerPort: 80}]
    env: [{name: IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}]
    readinessProbe: {httpGet: {port: 80}}
    livenessProbe: {tcpSocket: {port: 80}, periodSeconds: 3}
    resources: {limits: {cpu: 0.0001, memory: 64Mi}, requests: {memory: 32Mi}}
)";

constexpr std::string_view kDeployment = R"(
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: default}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "nginx:1.27", resources: {limits: {cpu: 1}}}]}
)";

TEST_CASE("the pull policy follows the tag") {
  struct Row {
    std::string_view image, policy;
  };
  const Row rows[] = {{"nginx", "Always"},
                      {"nginx:latest", "Always"},
                      {"nginx:1.27", "IfNotPresent"},
                      {"registry:5000/nginx", "Always"},
                      {"registry:5000/nginx:1", "IfNotPresent"},
                      {"registry:5000/a/b:latest", "Always"},
                      {"nginx@sha256:0123", "IfNotPresent"},
                      {"nginx:latest@sha256:0123", "IfNotPresent"},
                      {"", "IfNotPresent"}};
  for (const Row& row : rows) {
    INFO(row.image);
    CHECK(default_pull_policy(row.image) == row.policy);
  }
}

TEST_CASE("a pod gets the defaults of Kubernetes") {
  Object pod = defaulted(kPod);
  const PodSpec& spec = as<Pod>(pod).spec;
  CHECK(spec.restart_policy == "Always");
  CHECK(spec.dns_policy == "ClusterFirst");
  CHECK(spec.scheduler_name == "default-scheduler");
  CHECK(spec.termination_grace_period_seconds == 30);
  CHECK(spec.security_context.has_value());
  CHECK(spec.enable_service_links == true);
  CHECK(spec.volumes[0].empty_dir.has_value());
  CHECK_FALSE(spec.volumes[1].empty_dir.has_value());
  CHECK(spec.volumes[1].config_map->default_mode == 420);
  CHECK(spec.volumes[2].secret->default_mode == 420);
  const Container& container = spec.containers[0];
  CHECK(container.image_pull_policy == "Always");
  CHECK(container.termination_message_path == "/dev/termination-log");
  CHECK(container.termination_message_policy == "File");
  CHECK(container.ports[0].protocol == "TCP");
  CHECK(container.ports[0].host_port == 0);
  CHECK(container.env[0].value_from->field_ref->api_version == "v1");
  CHECK(container.readiness_probe->http_get->path == "/");
  CHECK(container.readiness_probe->http_get->scheme == "HTTP");
  CHECK(container.readiness_probe->timeout_seconds == 1);
  CHECK(container.readiness_probe->period_seconds == 10);
  CHECK(container.readiness_probe->success_threshold == 1);
  CHECK(container.readiness_probe->failure_threshold == 3);
  CHECK(container.liveness_probe->period_seconds == 3);
  CHECK(map_find(container.resources.limits, "cpu")->text() == "1m");
  CHECK(map_find(container.resources.requests, "cpu")->text() == "1m");
  CHECK(map_find(container.resources.requests, "memory")->text() == "32Mi");
  CHECK(spec.tolerations.empty());  // admission, not defaulting
}

TEST_CASE("host ports follow container ports on the host's network") {
  Object pod = defaulted(R"(
apiVersion: v1
kind: Pod
metadata: {name: web}
spec: {hostNetwork: true, containers: [{name: web, image: "a:1", ports: [{containerPort: 80}]}]})");
  CHECK(as<Pod>(pod).spec.containers[0].ports[0].host_port == 80);
}

TEST_CASE("admission adds service account, tolerations and class") {
  Object pod = defaulted(kPod);
  admit_pod(pod);
  const Pod& body = as<Pod>(pod);
  CHECK(body.spec.service_account_name == "default");
  CHECK(body.spec.service_account == "default");
  REQUIRE(body.spec.tolerations.size() == 3);
  CHECK(body.spec.tolerations[2].key == "node.kubernetes.io/memory-pressure");  // not for BestEffort: below
  CHECK(body.spec.tolerations[2].op == "Exists");
  CHECK(body.spec.tolerations[2].effect == "NoSchedule");
  CHECK_FALSE(body.spec.tolerations[2].toleration_seconds);
  CHECK(body.spec.tolerations[0].key == "node.kubernetes.io/not-ready");
  CHECK(body.spec.tolerations[1].key == "node.kubernetes.io/unreachable");
  CHECK(body.spec.tolerations[1].op == "Exists");
  CHECK(body.spec.tolerations[1].effect == "NoExecute");
  CHECK(body.spec.tolerations[1].toleration_seconds == 300);
  CHECK(body.status.phase == "Pending");
  CHECK(body.status.qos_class == "Burstable");
}

TEST_CASE("a toleration that is there already is left alone") {
  Object pod = object(R"(
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  tolerations: [{key: node.kubernetes.io/not-ready, operator: Exists, effect: NoExecute, tolerationSeconds: 5}]
  containers: [{name: web, image: "a:1"}])");
  apply_defaults(pod);
  admit_pod(pod);
  REQUIRE(as<Pod>(pod).spec.tolerations.size() == 2);
  CHECK(as<Pod>(pod).spec.tolerations[0].toleration_seconds == 5);
  CHECK(as<Pod>(pod).spec.tolerations[1].key == "node.kubernetes.io/unreachable");

  Object all = object(R"(
apiVersion: v1
kind: Pod
metadata: {name: web}
spec: {tolerations: [{operator: Exists}], containers: [{name: a, image: b}]})");
  apply_defaults(all);
  admit_pod(all);
  CHECK(as<Pod>(all).spec.tolerations.size() == 1);
}

TEST_CASE("a template gets less than a pod") {
  Object deployment = defaulted(kDeployment);
  const DeploymentSpec& spec = as<Deployment>(deployment).spec;
  CHECK(spec.replicas == 1);
  CHECK(spec.revision_history_limit == 10);
  CHECK(spec.progress_deadline_seconds == 600);
  CHECK(spec.strategy.type == "RollingUpdate");
  CHECK(spec.strategy.rolling_update->max_surge->text() == "25%");
  CHECK(spec.strategy.rolling_update->max_unavailable->text() == "25%");
  const PodSpec& pod = spec.pod_template.spec;
  CHECK(pod.restart_policy == "Always");
  CHECK_FALSE(pod.enable_service_links.has_value());
  CHECK(pod.service_account_name.empty());
  CHECK(pod.containers[0].image_pull_policy == "IfNotPresent");
  CHECK(pod.containers[0].resources.requests.empty());
}

TEST_CASE("defaults of services") {
  Object plain = defaulted(R"(
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {clusterIP: 10.96.0.7, sessionAffinity: ClientIP, ports: [{port: 80}, {port: 81, targetPort: http, name: b}]})");
  const ServiceSpec& spec = as<Service>(plain).spec;
  CHECK(spec.type == "ClusterIP");
  CHECK(spec.cluster_ips == std::vector<std::string>{"10.96.0.7"});
  CHECK(spec.session_affinity_config->client_ip->timeout_seconds == 10800);
  CHECK(spec.ports[0].protocol == "TCP");
  CHECK(spec.ports[0].target_port == IntOrString(80));
  CHECK(spec.ports[1].target_port == IntOrString(std::string("http")));
  CHECK(spec.internal_traffic_policy == "Cluster");
  CHECK(spec.external_traffic_policy.empty());
  CHECK(spec.ip_family_policy == "SingleStack");
  CHECK(spec.ip_families == std::vector<std::string>{"IPv4"});

  Object balancer = defaulted("{apiVersion: v1, kind: Service, metadata: {name: a}, spec: {type: LoadBalancer}}");
  CHECK(as<Service>(balancer).spec.external_traffic_policy == "Cluster");
  CHECK(as<Service>(balancer).spec.allocate_load_balancer_node_ports == true);

  Object name = defaulted(
      "{apiVersion: v1, kind: Service, metadata: {name: a}, spec: {type: ExternalName, externalName: b.c}}");
  CHECK(as<Service>(name).spec.internal_traffic_policy.empty());
  CHECK(as<Service>(name).spec.ip_families.empty());
}

TEST_CASE("an update keeps what the server assigned") {
  Object old = defaulted(R"(
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {type: NodePort, clusterIP: 10.96.0.7, ports: [{name: a, port: 80, nodePort: 30001}]})");
  Object next = object(R"(
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {type: NodePort, ports: [{name: a, port: 80}, {name: b, port: 81}]})");
  keep_assigned(old, next);
  CHECK(as<Service>(next).spec.cluster_ip == "10.96.0.7");
  CHECK(as<Service>(next).spec.ports[0].node_port == 30001);
  CHECK(as<Service>(next).spec.ports[1].node_port == 0);

  // A type that cannot have them loses them, when the client only sent back what it had read.
  Object inner = old;
  as<Service>(inner).spec.type = "ClusterIP";
  keep_assigned(old, inner);
  CHECK(as<Service>(inner).spec.cluster_ip == "10.96.0.7");
  CHECK(as<Service>(inner).spec.ports[0].node_port == 0);
  CHECK(as<Service>(inner).spec.external_traffic_policy.empty());
  Object name = old;
  as<Service>(name).spec.type = "ExternalName";
  keep_assigned(old, name);
  CHECK(as<Service>(name).spec.cluster_ip.empty());
  CHECK(as<Service>(name).spec.cluster_ips.empty());
  CHECK(as<Service>(name).spec.ip_families.empty());
}

TEST_CASE("defaults of secrets, namespaces and nodes") {
  Object secret = defaulted(R"(
apiVersion: v1
kind: Secret
metadata: {name: a}
data: {user: b2xk, keep: eA==}
stringData: {user: new, more: z})");
  CHECK(as<Secret>(secret).type == "Opaque");
  CHECK(*map_find(as<Secret>(secret).data, "user") == "new");
  CHECK(*map_find(as<Secret>(secret).data, "keep") == "x");
  CHECK(*map_find(as<Secret>(secret).data, "more") == "z");
  CHECK(as<Secret>(secret).string_data.empty());

  Object space = defaulted("{apiVersion: v1, kind: Namespace, metadata: {name: shop}}");
  CHECK(*map_find(space.meta.labels, "kubernetes.io/metadata.name") == "shop");
  CHECK(as<Namespace>(space).status.phase == "Active");

  Object node = defaulted("{apiVersion: v1, kind: Node, metadata: {name: node-1}, status: {capacity: {cpu: 4}}}");
  CHECK(map_find(as<Node>(node).status.allocatable, "cpu")->text() == "4");
}

TEST_CASE("carried kinds get the defaults that clients print") {
  Object set = defaulted("{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: a}, spec: {serviceName: a}}");
  CHECK(generic_fields(set).find_path({"spec", "replicas"})->as_int() == 1);
  CHECK(generic_fields(set).find_path({"spec", "updateStrategy", "rollingUpdate", "partition"})->as_int() == 0);
  CHECK(generic_fields(set).find_path({"spec", "serviceName"})->as_string() == "a");
  Object deleted = defaulted(
      "{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: a}, spec: {updateStrategy: {type: OnDelete}}}");
  CHECK(generic_fields(deleted).find_path({"spec", "updateStrategy", "rollingUpdate"}) == nullptr);
  Object job = defaulted("{apiVersion: batch/v1, kind: Job, metadata: {name: a}, spec: {parallelism: 3}}");
  CHECK(generic_fields(job).find_path({"spec", "completions"}) == nullptr);
  CHECK(generic_fields(job).find_path({"spec", "backoffLimit"})->as_int() == 6);
  Object policy = defaulted(
      "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: a}, spec: {egress: [{}]}}");
  CHECK(generic_fields(policy).find_path({"spec", "policyTypes"})->as_list().size() == 2);
}

TEST_CASE("defaulting twice is defaulting once") {
  for (const KindInfo& info : all_kinds()) {
    INFO(info.kind);
    Object once = make_object(info.id, "default", "a");
    apply_defaults(once);
    Object twice = once;
    apply_defaults(twice);
    CHECK(same_content(once, twice));
  }
  for (std::string_view yaml : {kPod, kDeployment}) {
    Object once = defaulted(yaml);
    if (once.kind == Kind::kPod) admit_pod(once);
    Object twice = once;
    apply_defaults(twice);
    if (twice.kind == Kind::kPod) admit_pod(twice);
    CHECK(same_content(once, twice));
  }
}

TEST_CASE("effective requests count init containers and sidecars as Kubernetes does") {
  Object pod = object(R"(
apiVersion: v1
kind: Pod
metadata: {name: a}
spec:
  initContainers:
  - {name: i1, image: a, resources: {requests: {cpu: 500m}}}
  - {name: s, image: a, restartPolicy: Always, resources: {requests: {cpu: 50m}}}
  - {name: i2, image: a, resources: {requests: {cpu: 300m, memory: 1Gi}}}
  containers:
  - {name: a, image: a, resources: {requests: {cpu: 100m}}}
  - {name: b, image: a, resources: {requests: {cpu: 200m, memory: 1Mi}}}
  overhead: {cpu: 10m})");
  ResourceList requests = effective_requests(as<Pod>(pod).spec);
  CHECK(map_find(requests, "cpu")->text() == "510m");
  CHECK(map_find(requests, "memory")->text() == "1Gi");
  CHECK(map_find(requests, "ephemeral-storage") == nullptr);
  // With a heavy sidecar the running set decides.
  as<Pod>(pod).spec.init_containers[1].resources.requests[0].second = quantity("400m");
  CHECK(map_find(effective_requests(as<Pod>(pod).spec), "cpu")->text() == "710m");
}

TEST_CASE("effective limits are unlimited as soon as one container is") {
  Object pod = object(R"(
apiVersion: v1
kind: Pod
metadata: {name: a}
spec:
  containers:
  - {name: a, image: a, resources: {limits: {cpu: 100m, memory: 1Mi}}}
  - {name: b, image: a, resources: {limits: {memory: 2Mi}}})");
  ResourceList limits = effective_limits(as<Pod>(pod).spec);
  CHECK(map_find(limits, "cpu") == nullptr);
  CHECK(map_find(limits, "memory")->text() == "3Mi");
}

TEST_CASE("the class of service") {
  struct Row {
    std::string_view resources, qos;
  };
  const Row rows[] = {
      {"{}", "BestEffort"},
      {"{requests: {ephemeral-storage: 1Gi}}", "BestEffort"},
      {"{limits: {cpu: 1}}", "Burstable"},
      {"{requests: {cpu: 1}}", "Burstable"},
      {"{limits: {cpu: 1, memory: 1Gi}}", "Guaranteed"},
      {"{limits: {cpu: 1, memory: 1Gi}, requests: {cpu: 1000m}}", "Guaranteed"},
      {"{limits: {cpu: 1, memory: 1Gi}, requests: {cpu: 500m}}", "Burstable"},
  };
  for (const Row& row : rows) {
    INFO(row.resources);
    Object pod = defaulted("{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {containers: [{name: a, image: a, "
                           "resources: " + std::string(row.resources) + "}]}}");
    CHECK(qos_class(as<Pod>(pod).spec) == row.qos);
  }
  Object mixed = defaulted(R"(
apiVersion: v1
kind: Pod
metadata: {name: a}
spec:
  containers:
  - {name: a, image: a, resources: {limits: {cpu: 1, memory: 1Gi}}}
  - {name: b, image: a})");
  CHECK(qos_class(as<Pod>(mixed).spec) == "Burstable");
}

}  // namespace
}  // namespace mainstay
