#include "schema/validate.h"

#include <catch2/catch.hpp>

#include <string>
#include <vector>

#include "schema/defaults.h"
#include "schema/field_errors.h"
#include "schema/names.h"
#include "tests/schema/manifest.h"

namespace mainstay {
namespace {

using testing::object;
using testing::object_of;
using testing::parse;

using Lines = std::vector<std::string>;

Lines lines_of(const Diagnostics& diagnostics) {
  Lines out;
  for (const Diagnostic& item : diagnostics.all()) out.push_back(item.path + ": " + item.message);
  return out;
}

Lines problems(std::string_view yaml) {
  Object decoded = object(yaml);
  apply_defaults(decoded);
  Diagnostics diagnostics;
  validate(decoded, nullptr, diagnostics);
  return lines_of(diagnostics);
}

// A pod whose spec has the given members besides a good container.
Lines pod_problems(const std::string& members) {
  return problems("{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {containers: [{name: c, image: i}]" +
                  (members.empty() ? "" : ", " + members) + "}}");
}

// A pod with one container that has the given members besides name and image.
Lines container_problems(const std::string& members) {
  return problems("{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {volumes: [{name: v}], containers: [{name: c, "
                  "image: i, " + members + "}]}}");
}

Lines service_problems(const std::string& spec) {
  return problems("{apiVersion: v1, kind: Service, metadata: {name: a}, spec: {" + spec + "}}");
}

Lines deployment_problems(const std::string& members) {
  return problems("{apiVersion: apps/v1, kind: Deployment, metadata: {name: a}, spec: {selector: {matchLabels: {app: x}}, "
                  "template: {metadata: {labels: {app: x}}, spec: {containers: [{name: c, image: i}]}}" +
                  (members.empty() ? "" : ", " + members) + "}}");
}

struct Row {
  std::string input;
  Lines expected;
};

void check(const std::vector<Row>& rows, Lines (*run)(const std::string&)) {
  for (const Row& row : rows) {
    INFO(row.input);
    CHECK(run(row.input) == row.expected);
  }
}

const std::string kSubdomain =
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";

TEST_CASE("names, in Kubernetes' words") {
  struct Name {
    std::string_view text;
    Problems (*check)(std::string_view);
    size_t count;
  };
  const std::string long63(63, 'a'), long64(64, 'a'), long254(254, 'a');
  const Name names[] = {
      {"web", dns_label_problems, 0},          {"0web-1", dns_label_problems, 0},
      {"", dns_label_problems, 1},             {"-web", dns_label_problems, 1},
      {"Web", dns_label_problems, 1},          {"a.b", dns_label_problems, 1},
      {long63, dns_label_problems, 0},         {long64, dns_label_problems, 1},
      {"a.b-c.d", dns_subdomain_problems, 0},  {"a..b", dns_subdomain_problems, 1},
      {"a.", dns_subdomain_problems, 1},       {long254, dns_subdomain_problems, 1},
      {"1a", dns1035_label_problems, 1},       {"a1", dns1035_label_problems, 0},
      {"app", qualified_name_problems, 0},     {"example.com/App_1.x", qualified_name_problems, 0},
      {"/app", qualified_name_problems, 1},    {"a/b/c", qualified_name_problems, 1},
      {"", qualified_name_problems, 2},        {"Example.com/a", qualified_name_problems, 1},
      {"", label_value_problems, 0},           {"a_B.1", label_value_problems, 0},
      {"a b", label_value_problems, 1},        {"-", label_value_problems, 1},
      {"http", port_name_problems, 0},         {"80", port_name_problems, 1},
      {"a--b", port_name_problems, 1},         {"much-too-long-name", port_name_problems, 1},
      {"A", env_name_problems, 0},             {"a.b-c d", env_name_problems, 0},
      {"a=b", env_name_problems, 1},           {"", env_name_problems, 1},
      {"a.b", config_key_problems, 0},         {"..a", config_key_problems, 1},
      {"..", config_key_problems, 1},          {"a/b", config_key_problems, 1},
      {"system:node", path_segment_problems, 0}, {"a/b", path_segment_problems, 1},
  };
  for (const Name& name : names) {
    INFO(name.text);
    CHECK(name.check(name.text).size() == name.count);
  }
  CHECK(is_ip("10.0.0.1"));
  CHECK(is_ip("::1"));
  CHECK_FALSE(is_ip("10.0.0"));
  CHECK(is_cidr("10.0.0.0/8"));
  CHECK_FALSE(is_cidr("10.0.0.0/33"));
  CHECK_FALSE(is_cidr("10.0.0.0"));
}

TEST_CASE("validation of metadata") {
  CHECK(problems("{apiVersion: v1, kind: ConfigMap, metadata: {}}") ==
        Lines{"metadata.name: Required value: name or generateName is required"});
  CHECK(problems("{apiVersion: v1, kind: ConfigMap, metadata: {generateName: a-}}") == Lines{});
  CHECK(problems("{apiVersion: v1, kind: ConfigMap, metadata: {name: A_b}}") ==
        Lines{"metadata.name: Invalid value: \"A_b\": " + kSubdomain});
  CHECK(problems("{apiVersion: v1, kind: Namespace, metadata: {name: a.b}}").size() == 1);
  CHECK(problems("{apiVersion: v1, kind: Service, metadata: {name: 1a}, spec: {ports: [{port: 1}]}}").size() == 1);
  CHECK(problems("{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: 'system:x'}}") == Lines{});
  CHECK(problems("{apiVersion: v1, kind: Node, metadata: {name: a, namespace: b}}") ==
        Lines{"metadata.namespace: Forbidden: not allowed on this type"});
  CHECK(problems("{apiVersion: v1, kind: ConfigMap, metadata: {name: a, labels: {a: 'b c'}}}")[0].starts_with(
      "metadata.labels[a]: Invalid value: \"b c\": a valid label must be an empty string or consist of"));
  CHECK(problems("{apiVersion: v1, kind: ConfigMap, metadata: {name: a, annotations: {a/b/c: d}}}").size() == 1);
  CHECK(problems("{apiVersion: v1, kind: ConfigMap, metadata: {name: a, annotations: {a: " +
                 std::string(262144, 'x') + "}}}") ==
        Lines{"metadata.annotations: Too long: may not be more than 262144 bytes"});
}

TEST_CASE("a good pod has no problems") {
  CHECK(pod_problems("") == Lines{});
  CHECK(container_problems("ports: [{containerPort: 80, name: http}], volumeMounts: [{name: v, mountPath: /v}], "
                           "livenessProbe: {httpGet: {port: http}}, resources: {limits: {cpu: 1}}") == Lines{});
}

TEST_CASE("validation of pods") {
  check(
      {
          {"restartPolicy: Sometimes",
           {"spec.restartPolicy: Unsupported value: \"Sometimes\": supported values: \"Always\", \"Never\", \"OnFailure\""}
           },
          {"terminationGracePeriodSeconds: -1",
           {"spec.terminationGracePeriodSeconds: Invalid value: -1: must be greater than or equal to 0"}},
          {"activeDeadlineSeconds: 0",
           {"spec.activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647, inclusive"}},
          {"volumes: [{name: v}, {name: v}]", {"spec.volumes[1].name: Duplicate value: \"v\""}},
          {"volumes: [{name: v, emptyDir: {}, hostPath: {path: /x}}]",
           {"spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type"}},
          {"volumes: [{name: v, hostPath: {path: /a/../b}}]",
           {"spec.volumes[0].hostPath.path: Invalid value: \"/a/../b\": must not contain '..'"}},
          {"volumes: [{name: v, configMap: {}}]", {"spec.volumes[0].configMap.name: Required value"}},
          {"volumes: [{name: v, secret: {secretName: s, defaultMode: 512}}]",
           {"spec.volumes[0].secret.defaultMode: Invalid value: 512: must be a number between 0 and 0777 (octal), both "
            "inclusive"}},
          {"tolerations: [{key: a, operator: Exists, value: b}]",
           {"spec.tolerations[0].operator: Invalid value: \"b\": value must be empty when `operator` is 'Exists'"}},
          {"tolerations: [{key: a, effect: NoSchedule, tolerationSeconds: 3}]",
           {"spec.tolerations[0].effect: Invalid value: \"NoSchedule\": effect must be 'NoExecute' when "
            "`tolerationSeconds` is set"}},
          {"affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: []}}}",
           {"spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms: Required value: "
            "must have at least one node selector term"}},
          {"affinity: {nodeAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [{weight: 0, preference: "
           "{matchExpressions: [{key: a, operator: Gt, values: [x]}]}}]}}",
           {"spec.affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].weight: Invalid value: 0: must be "
            "in the range 1-100",
            "spec.affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].preference.matchExpressions[0]"
            ".values[0]: Invalid value: \"x\": must be an integer"}},
          {"dnsPolicy: None",
           {"spec.dnsConfig.nameservers: Required value: must provide at least one DNS nameserver when `dnsPolicy` is None"}},
          {"dnsConfig: {nameservers: [1.1.1.1, 1.1.1.2, 1.1.1.3, x], searches: [., a.b., A_b], options: [{value: '1'}]}",
           {"spec.dnsConfig.nameservers: Invalid value: 4: must not have more than 3 nameservers",
            "spec.dnsConfig.nameservers[3]: Invalid value: \"x\": must be a valid IP address, (e.g. 10.9.8.7)",
            "spec.dnsConfig.searches[2]: Invalid value: \"A_b\": " + kSubdomain,
            "spec.dnsConfig.options[0].name: Required value"}},
          {"hostAliases: [{ip: x}]",
           {"spec.hostAliases[0].ip: Invalid value: \"x\": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"}},
      },
      &pod_problems);
  CHECK(problems("{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {}}") == Lines{"spec.containers: Required value"});
  CHECK(problems("{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {containers: [{name: c}, {name: c, image: i}]}}") ==
        Lines{"spec.containers[0].image: Required value", "spec.containers[1].name: Duplicate value: \"c\""});
  // What an image's name may be is the node's to say (InvalidImageName); only space around it is refused here.
  auto with_image = [](const std::string& image) {
    return problems("{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {containers: [{name: c, image: '" + image + "'}]}}");
  };
  CHECK(with_image("Not/A Name").empty());
  CHECK(with_image("i ") == Lines{"spec.containers[0].image: Invalid value: \"i \": must not have leading or trailing whitespace"});
}

TEST_CASE("validation of containers") {
  check(
      {
          {"ports: [{containerPort: 70000}]",
           {"spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive"}},
          {"ports: [{name: x}]", {"spec.containers[0].ports[0].containerPort: Required value"}},
          {"ports: [{containerPort: 1, name: x}, {containerPort: 2, name: x}]",
           {"spec.containers[0].ports[1].name: Duplicate value: \"x\""}},
          {"ports: [{containerPort: 1, protocol: tcp}]",
           {"spec.containers[0].ports[0].protocol: Unsupported value: \"tcp\": supported values: \"SCTP\", \"TCP\", \"UDP\""}},
          {"volumeMounts: [{name: w, mountPath: /v}]",
           {"spec.containers[0].volumeMounts[0].name: Not found: \"w\""}},
          {"volumeMounts: [{name: v, mountPath: /v}, {name: v, mountPath: /v}]",
           {"spec.containers[0].volumeMounts[1].mountPath: Invalid value: \"/v\": must be unique"}},
          {"resources: {requests: {cpu: 2}, limits: {cpu: 1}}",
           {"spec.containers[0].resources.requests: Invalid value: \"2\": must be less than or equal to cpu limit of 1"}},
          {"resources: {requests: {memory: -1}}",
           {"spec.containers[0].resources.requests[memory]: Invalid value: \"-1\": must be greater than or equal to 0"}},
          {"resources: {limits: {cpux: 1}, requests: {cpux: 1}}",
           {"spec.containers[0].resources.limits[cpux]: Invalid value: \"cpux\": must be a standard resource for containers",
            "spec.containers[0].resources.requests[cpux]: Invalid value: \"cpux\": must be a standard resource for "
            "containers"}},
          {"resources: {requests: {example.com/gpu: 1}}",
           {"spec.containers[0].resources.limits[example.com/gpu]: Required value: Limit must be set for non "
            "overcommitable resources"}},
          {"livenessProbe: {periodSeconds: 3}",
           {"spec.containers[0].livenessProbe: Required value: must specify a handler type"}},
          {"livenessProbe: {exec: {command: [a]}, tcpSocket: {port: 1}}",
           {"spec.containers[0].livenessProbe.tcpSocket: Forbidden: may not specify more than 1 handler type"}},
          {"livenessProbe: {tcpSocket: {port: 0}, successThreshold: 2}",
           {"spec.containers[0].livenessProbe.tcpSocket.port: Invalid value: 0: must be between 1 and 65535, inclusive",
            "spec.containers[0].livenessProbe.successThreshold: Invalid value: 2: must be 1"}},
          {"readinessProbe: {exec: {}}", {"spec.containers[0].readinessProbe.exec.command: Required value"}},
          {"imagePullPolicy: Maybe",
           {"spec.containers[0].imagePullPolicy: Unsupported value: \"Maybe\": supported values: \"Always\", "
            "\"IfNotPresent\", \"Never\""}},
          {"env: [{value: x}]", {"spec.containers[0].env[0].name: Required value"}},
          {"env: [{name: A, valueFrom: {}}]",
           {"spec.containers[0].env[0].valueFrom: Invalid value: \"\": must specify one of: `fieldRef`, "
            "`resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`"}},
          {"env: [{name: A, value: x, valueFrom: {configMapKeyRef: {name: c, key: k}}}]",
           {"spec.containers[0].env[0].valueFrom: Invalid value: \"\": may not be specified when `value` is not empty"}},
          {"env: [{name: A, valueFrom: {fieldRef: {fieldPath: \"metadata.labels['app']\"}}}]", {}},
          {"env: [{name: A, valueFrom: {secretKeyRef: {name: c}}}]",
           {"spec.containers[0].env[0].valueFrom.secretKeyRef.key: Required value"}},
          {"envFrom: [{prefix: p}]",
           {"spec.containers[0].envFrom[0]: Invalid value: \"\": must specify one of: `configMapRef` or `secretRef`"}},
          {"restartPolicy: Always",
           {"spec.containers[0].restartPolicy: Forbidden: may not be set for non-init containers"}},
      },
      &container_problems);
}

TEST_CASE("validation of deployments") {
  check(
      {
          {"", {}},
          {"replicas: -1", {"spec.replicas: Invalid value: -1: must be greater than or equal to 0"}},
          {"strategy: {type: Sometimes}",
           {"spec.strategy.type: Unsupported value: \"Sometimes\": supported values: \"Recreate\", \"RollingUpdate\""}},
          {"strategy: {type: Recreate, rollingUpdate: {}}",
           {"spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'"}},
          {"strategy: {rollingUpdate: {maxSurge: 0, maxUnavailable: 0}}",
           {"spec.strategy.rollingUpdate.maxUnavailable: Invalid value: 0: may not be 0 when `maxSurge` is 0"}},
          {"strategy: {rollingUpdate: {maxUnavailable: 101%}}",
           {"spec.strategy.rollingUpdate.maxUnavailable: Invalid value: \"101%\": must not be greater than 100%"}},
          {"minReadySeconds: 600",
           {"spec.progressDeadlineSeconds: Invalid value: 600: must be greater than minReadySeconds"}},
      },
      &deployment_problems);
  CHECK(deployment_problems("strategy: {rollingUpdate: {maxSurge: many}}")[0].starts_with(
      "spec.strategy.rollingUpdate.maxSurge: Invalid value: \"many\": a valid percent string must be"));
  CHECK(problems("{apiVersion: apps/v1, kind: Deployment, metadata: {name: a}, spec: {selector: {matchLabels: {app: z}}, "
                 "template: {metadata: {labels: {app: x}}, spec: {restartPolicy: Never, activeDeadlineSeconds: 5, "
                 "containers: [{name: c, image: i}]}}}}") ==
        Lines{"spec.template.metadata.labels: Invalid value: {\"app\":\"x\"}: `selector` does not match template `labels`",
              "spec.template.spec.restartPolicy: Unsupported value: \"Never\": supported values: \"Always\"",
              "spec.template.spec.activeDeadlineSeconds: Forbidden: activeDeadlineSeconds in ReplicaSet is not Supported"});
  CHECK(problems("{apiVersion: apps/v1, kind: Deployment, metadata: {name: a}, spec: {template: {spec: {containers: [{name: "
                 "c, image: i}]}}}}") == Lines{"spec.selector: Required value"});
  CHECK(problems("{apiVersion: apps/v1, kind: ReplicaSet, metadata: {name: a}, spec: {selector: {}, template: {spec: "
                 "{containers: [{name: c, image: i}]}}}}") ==
        Lines{"spec.selector: Invalid value: {}: empty selector is invalid for deployment"});
}

TEST_CASE("validation of services") {
  check(
      {
          {"ports: [{port: 80}]", {}},
          {"clusterIP: None", {}},
          {"type: ExternalName, externalName: a.b.", {}},
          {"selector: {a: b}", {"spec.ports: Required value"}},
          {"ports: [{port: 80}, {port: 81}]",
           {"spec.ports[0].name: Required value", "spec.ports[1].name: Required value"}},
          {"ports: [{port: 80, name: a}, {port: 80, name: b}]",
           {"spec.ports[1]: Duplicate value: {\"protocol\":\"TCP\",\"port\":80}"}},
          {"ports: [{port: 80, nodePort: 30000}]",
           {"spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'"}},
          {"type: NodePort, ports: [{port: 80, nodePort: 80}]",
           {"spec.ports[0].nodePort: Invalid value: 80: provided port is not in the valid range. The range of valid ports is "
            "30000-32767"}},
          {"type: ExternalName", {"spec.externalName: Required value"}},
          {"type: Magic, ports: [{port: 80}]",
           {"spec.type: Unsupported value: \"Magic\": supported values: \"ClusterIP\", \"ExternalName\", \"LoadBalancer\", "
            "\"NodePort\""}},
          {"clusterIP: x, ports: [{port: 80}]",
           {"spec.clusterIPs[0]: Invalid value: \"x\": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"}},
          {"ports: [{port: 80}], sessionAffinity: Sticky",
           {"spec.sessionAffinity: Unsupported value: \"Sticky\": supported values: \"ClientIP\", \"None\""}},
      },
      &service_problems);
}

TEST_CASE("validation of config maps and secrets") {
  CHECK(problems("{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {a/b: c}}")[0].starts_with(
      "data[a/b]: Invalid value: \"a/b\": a valid config key must consist of"));
  CHECK(problems("{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {k: c}, binaryData: {k: YQ==}}") ==
        Lines{"data[k]: Invalid value: \"k\": duplicate of key present in binaryData"});
  CHECK(problems("{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {k: " + std::string((1 << 20) + 1, 'x') +
                 "}}") == Lines{"data: Too long: may not be more than 1048576 bytes"});
  CHECK(problems("{apiVersion: v1, kind: Secret, type: kubernetes.io/tls, metadata: {name: a}, stringData: {tls.crt: x}}") ==
        Lines{"data[tls.key]: Required value"});
  CHECK(problems("{apiVersion: v1, kind: Secret, type: kubernetes.io/dockerconfigjson, metadata: {name: a}, stringData: "
                 "{.dockerconfigjson: hunter2}}") ==
        Lines{"data[.dockerconfigjson]: Invalid value: \"<secret contents redacted>\": must be a JSON object"});
}

TEST_CASE("validation of disruption budgets") {
  auto budget = [](const std::string& spec) {
    return problems("{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: a}, spec: {" + spec + "}}");
  };
  CHECK(budget("minAvailable: 2, selector: {matchLabels: {a: b}}").empty());
  CHECK(budget("maxUnavailable: 30%, unhealthyPodEvictionPolicy: AlwaysAllow").empty());
  CHECK(budget("") == Lines{});
  CHECK(budget("minAvailable: 1, maxUnavailable: 1") ==
        Lines{"spec: Invalid value: {\"minAvailable\":1,\"maxUnavailable\":1}: minAvailable and maxUnavailable cannot be "
              "both set"});
  CHECK(budget("minAvailable: -1") ==
        Lines{"spec.minAvailable: Invalid value: -1: must be greater than or equal to 0"});
  CHECK(budget("minAvailable: 101%") ==
        Lines{"spec.minAvailable: Invalid value: \"101%\": must not be greater than 100%"});
  CHECK(budget("maxUnavailable: half")[0].starts_with("spec.maxUnavailable: Invalid value: \"half\": a valid percent string"));
  CHECK(budget("minAvailable: 1, unhealthyPodEvictionPolicy: Never") ==
        Lines{"spec.unhealthyPodEvictionPolicy: Unsupported value: \"Never\": supported values: \"AlwaysAllow\", "
              "\"IfHealthyBudget\""});
  CHECK(budget("selector: {matchLabels: {a b: c}}")[0].starts_with("spec.selector.matchLabels[a b]: Invalid value: \"a b\""));
}

TEST_CASE("carried fields and kinds must have what they require") {
  CHECK(problems("{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: a}, spec: {rules: [{http: {paths: "
                 "[{path: /, backend: {service: {name: x, port: {number: 80}}}}]}}]}}") ==
        Lines{"spec.rules[0].http.paths[0].pathType: Required value"});
  CHECK(problems("{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: a}, spec: {template: {}}}") ==
        Lines{"spec.selector: Required value"});
  CHECK(pod_problems("ephemeralContainers: [{image: i}]") ==
        Lines{"spec.ephemeralContainers[0].name: Required value"});
}

TEST_CASE("errors carry the place of the field, or of what is closest above it") {
  constexpr std::string_view kYaml = R"(apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  containers:
  - name: web
    image: nginx
    ports:
    - containerPort: 70000
  - name: other
)";
  Value document = parse(kYaml);
  Object pod = object_of(document);
  apply_defaults(pod);
  Diagnostics diagnostics("web.yaml");
  validate(pod, &document, diagnostics);
  REQUIRE(diagnostics.all().size() == 2);
  CHECK(diagnostics.all()[0].text() ==
        "web.yaml:10:22: error: spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be between 1 and "
        "65535, inclusive");
  CHECK(diagnostics.all()[1].mark.line == 11);  // the image is missing from this container
  CHECK(diagnostics.all()[1].path == "spec.containers[1].image");
  CHECK(locate(document, "metadata.name").line == 4);
  CHECK(locate(document, "metadata.labels[a]").line == 4);
  CHECK(locate(document, "spec.containers[7].x").line == 7);
  CHECK(locate(document, "").line == 1);
}

TEST_CASE("reasons of causes") {
  CHECK(field_error_reason("Required value: x") == "FieldValueRequired");
  CHECK(field_error_reason("Invalid value: 1: x") == "FieldValueInvalid");
  CHECK(field_error_reason("Unsupported value: 1") == "FieldValueNotSupported");
  CHECK(field_error_reason("Forbidden: no") == "FieldValueForbidden");
  CHECK(field_error_reason("Duplicate value: 1") == "FieldValueDuplicate");
  CHECK(field_error_reason("Too long: 1") == "FieldValueTooLong");
  CHECK(field_error_reason("Not found: 1") == "FieldValueNotFound");
  CHECK(field_error_reason("init containers are not supported yet") == "FieldValueInvalid");
}

// ---- updates ----

Lines update_problems(std::string_view before, std::string_view after) {
  Object old = object(before), next = object(after);
  apply_defaults(old);
  apply_defaults(next);
  Diagnostics diagnostics;
  validate_update(old, next, nullptr, diagnostics);
  return lines_of(diagnostics);
}

TEST_CASE("what may not change") {
  const std::string pod = "{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {containers: [{name: c, image: ";
  CHECK(update_problems(pod + "i:1}]}}", pod + "i:2}]}}") == Lines{});
  CHECK(update_problems(pod + "i:1}], tolerations: [{key: a}]}}", pod + "i:1}], tolerations: [{key: a}, {key: b}]}}") ==
        Lines{});
  CHECK(update_problems(pod + "i:1}], tolerations: [{key: a}]}}", pod + "i:1}]}}") ==
        Lines{"spec.tolerations: Forbidden: existing toleration can not be modified except its tolerationSeconds"});
  CHECK(update_problems(pod + "i:1}]}}", pod + "i:1}, {name: d, image: x}]}}") ==
        Lines{"spec.containers: Forbidden: pod updates may not add or remove containers"});
  Lines changed = update_problems(pod + "i:1, args: [a]}]}}", pod + "i:1, args: [b]}]}}");
  REQUIRE(changed.size() == 1);
  CHECK(changed[0].starts_with("spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`"));
  CHECK(update_problems(pod + "i:1}], activeDeadlineSeconds: 5}}", pod + "i:1}], activeDeadlineSeconds: 9}}") ==
        Lines{"spec.activeDeadlineSeconds: Invalid value: 9: must be less than or equal to previous value"});

  const std::string set = "{apiVersion: apps/v1, kind: ReplicaSet, metadata: {name: a}, spec: {selector: {matchLabels: ";
  CHECK(update_problems(set + "{app: x}}}}", set + "{app: z}}}}") ==
        Lines{"spec.selector: Invalid value: {\"matchLabels\":{\"app\":\"z\"}}: field is immutable"});
  CHECK(update_problems("{apiVersion: v1, kind: Secret, metadata: {name: a}, type: x}",
                        "{apiVersion: v1, kind: Secret, metadata: {name: a}, type: z}") ==
        Lines{"type: Invalid value: \"z\": field is immutable"});
  CHECK(update_problems("{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, immutable: true, data: {a: b}}",
                        "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {a: c}}") ==
        Lines{"immutable: Forbidden: field is immutable when `immutable` is set",
              "data: Forbidden: field is immutable when `immutable` is set"});
  const std::string service = "{apiVersion: v1, kind: Service, metadata: {name: a}, spec: {clusterIP: ";
  CHECK(update_problems(service + "10.0.0.1}}", service + "10.0.0.2}}") ==
        Lines{"spec.clusterIPs[0]: Invalid value: [\"10.0.0.2\"]: may not change once set"});
  const std::string stateful = "{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: a}, spec: {";
  CHECK(update_problems(stateful + "replicas: 1}}", stateful + "replicas: 2}}") == Lines{});
  CHECK(update_problems(stateful + "serviceName: a}}", stateful + "serviceName: b}}") ==
        Lines{"spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', "
              "'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy', 'minReadySeconds' are "
              "forbidden"});
}

}  // namespace

TEST_CASE("validate: addresses that mean each node itself, or nobody, are led nowhere") {
  for (const char* address : {"127.0.0.1", "127.9.9.9", "0.0.0.0", "169.254.169.254", "224.0.0.1", "::1", "::", "fe80::1"}) {
    INFO(address);
    Lines lines = service_problems("ports: [{port: 80}], externalIPs: ['" + std::string(address) + "']");
    REQUIRE(lines.size() == 1);
    CHECK(lines[0].find("may not be ") != std::string::npos);
  }
  CHECK(service_problems("ports: [{port: 80}], externalIPs: [192.0.2.7, '2001:db8::1', 128.0.0.1, 224.0.1.1]").empty());
}

TEST_CASE("validate: a load balancer's ranges and health check, and where traffic goes") {
  const std::string balancer = "type: LoadBalancer, ports: [{port: 80}], ";
  CHECK(service_problems(balancer + "externalTrafficPolicy: Local, healthCheckNodePort: 30100, "
                                    "loadBalancerSourceRanges: [10.0.0.0/8, 192.0.2.7/24, '2001:db8::/32'], "
                                    "trafficDistribution: PreferClose").empty());
  auto has = [](const Lines& lines, const std::string& text) {
    return lines.size() == 1 && lines[0].find(text) != std::string::npos;
  };
  CHECK(has(service_problems(balancer + "healthCheckNodePort: 30100"),
            "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"));
  for (const char* range : {"10.0.0.0", "10.0.0.0/33", "10.0.0.0/", "x/8", "10.0.0.0/-1"}) {
    CHECK(has(service_problems(balancer + "loadBalancerSourceRanges: ['" + range + "']"), "must be a valid CIDR value"));
  }
  CHECK(has(service_problems("ports: [{port: 80}], loadBalancerSourceRanges: [10.0.0.0/8]"),
            "may only be used when `type` is 'LoadBalancer'"));
  CHECK(has(service_problems("ports: [{port: 80}], trafficDistribution: Near"), "PreferClose"));
}

TEST_CASE("validate: an application protocol is a qualified name, where there is one") {
  const std::string_view words = "appProtocol: Invalid value: \"a b\": name part must consist of alphanumeric";
  auto only = [&](const Lines& lines, const std::string& path) {
    INFO(path);
    REQUIRE(lines.size() == 1);
    CHECK(lines[0].starts_with(path + std::string(words)));
  };
  only(service_problems("ports: [{port: 80, appProtocol: a b}]"), "spec.ports[0].");
  CHECK(service_problems("ports: [{port: 80, appProtocol: kubernetes.io/h2c}]") == Lines{});
  only(problems("{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: a}, addressType: IPv4, "
                "endpoints: [], ports: [{port: 80, appProtocol: a b}]}"), "ports[0].");
  only(problems("{apiVersion: v1, kind: Endpoints, metadata: {name: a}, subsets: [{addresses: [{ip: 10.0.0.1}], "
                "ports: [{port: 80, appProtocol: a b}]}]}"), "subsets[0].ports[0].");
}

TEST_CASE("validate: Endpoints lead to addresses that are somewhere") {
  auto of = [](const std::string& subset) {
    return problems("{apiVersion: v1, kind: Endpoints, metadata: {name: a}, subsets: [{" + subset + "}]}");
  };
  CHECK(of("addresses: [{ip: 192.0.2.7, hostname: a, nodeName: n1.example}], notReadyAddresses: [{ip: '2001:db8::1'}], "
           "ports: [{port: 80}]") == Lines{});
  CHECK(problems("{apiVersion: v1, kind: Endpoints, metadata: {name: a}}") == Lines{});
  CHECK(of("ports: [{port: 80}]") == Lines{"subsets[0]: Required value: must specify `addresses` or `notReadyAddresses`"});
  for (const char* address : {"127.0.0.1", "0.0.0.0", "169.254.1.1", "224.0.0.1", "fe80::1", "::1", "foo", ""}) {
    for (const std::string list : {"addresses", "notReadyAddresses"}) {
      INFO(address << " in " << list);
      Lines lines = of(list + ": [{ip: 10.0.0.1}, {ip: '" + address + "'}]");
      REQUIRE(lines.size() == 1);
      CHECK(lines[0].starts_with("subsets[0]." + list + "[1].ip: Invalid value: \"" + address + "\": "));
    }
  }
  CHECK(of("addresses: [{hostname: a}]") == Lines{"subsets[0].addresses[0].ip: Required value"});
  Lines named = of("addresses: [{ip: 10.0.0.1, hostname: A, nodeName: A}]");
  REQUIRE(named.size() == 2);
  CHECK(named[0].starts_with("subsets[0].addresses[0].hostname: Invalid value: \"A\": a lowercase RFC 1123 label"));
  CHECK(named[1].starts_with("subsets[0].addresses[0].nodeName: Invalid value: \"A\": a lowercase RFC 1123 subdomain"));
  CHECK(of("addresses: [{ip: 10.0.0.1}], ports: [{port: 80}, {name: b, port: 0}]") ==
        Lines{"subsets[0].ports[0].name: Required value",
              "subsets[0].ports[1].port: Invalid value: 0: must be between 1 and 65535, inclusive"});
  CHECK(of("addresses: [{ip: 10.0.0.1}], ports: [{protocol: X}]") ==
        Lines{"subsets[0].ports[0].protocol: Unsupported value: \"X\": supported values: \"SCTP\", \"TCP\", \"UDP\"",
              "subsets[0].ports[0].port: Required value"});
}

TEST_CASE("validate: a NetworkPolicy without a selector is of all pods") {
  for (const char* spec : {"", "spec: {}", "spec: {policyTypes: [Egress]}", "spec: {podSelector: {}}"}) {
    INFO(spec);
    CHECK(problems(std::string("{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: a}, ") + spec +
                   "}") == Lines{});
  }
}

}  // namespace mainstay
