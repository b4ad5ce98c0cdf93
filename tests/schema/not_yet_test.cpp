#include "schema/not_yet.h"

#include <catch2/catch.hpp>

#include <string>
#include <vector>

#include "schema/defaults.h"
#include "tests/schema/manifest.h"

namespace mainstay {
namespace {

using testing::object;
using testing::object_of;
using testing::parse;
using Lines = std::vector<std::string>;

Lines findings(std::string_view yaml, NotYetOptions options = {}) {
  Object decoded = object(yaml);
  apply_defaults(decoded);
  Diagnostics diagnostics;
  check_not_yet(decoded, options, nullptr, diagnostics);
  Lines out;
  for (const Diagnostic& item : diagnostics.all()) {
    out.push_back(std::string(item.severity == Severity::kError ? "error " : "warning ") + item.path + ": " + item.message);
  }
  return out;
}

Lines pod_findings(const std::string& container, const std::string& spec = "") {
  return findings("{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {containers: [{name: c, image: i" +
                  (container.empty() ? "" : ", " + container) + "}]" + (spec.empty() ? "" : ", " + spec) + "}}");
}

TEST_CASE("a feature that is not there yet is an error that names it") {
  CHECK(pod_findings("") == Lines{});
  CHECK(pod_findings("lifecycle: {preStop: {exec: {command: [a]}}}") == Lines{});
  CHECK(pod_findings("lifecycle: {stopSignal: SIGUSR1}") ==
        Lines{"error spec.containers[0].lifecycle.stopSignal: a stop signal other than the image's is not supported yet"});
  CHECK(pod_findings("ports: [{containerPort: 1, hostPort: 2}]") == Lines{});
  CHECK(pod_findings("ports: [{containerPort: 1}]", "hostNetwork: true") == Lines{});
  CHECK(pod_findings("", "initContainers: [{name: x, image: i, restartPolicy: Always}]") == Lines{});
  CHECK(pod_findings("", "ephemeralContainers: [{name: x, image: i}]") ==
        Lines{"error spec.ephemeralContainers: ephemeral containers are not supported yet"});
  CHECK(pod_findings("", "volumes: [{name: v, persistentVolumeClaim: {claimName: c}}, {name: w, nfs: {server: s, path: /}}]") ==
        Lines{"error spec.volumes[0].persistentVolumeClaim: persistent volume claims are not supported yet",
              "error spec.volumes[1].nfs: volumes of this type are not supported yet"});
  CHECK(pod_findings("securityContext: {seccompProfile: {type: Unconfined}, procMount: Default}") == Lines{});
  CHECK(pod_findings("securityContext: {appArmorProfile: {type: RuntimeDefault}}") ==
        Lines{"error spec.containers[0].securityContext.appArmorProfile: AppArmor profiles are not supported yet"});
  CHECK(pod_findings("volumeMounts: [{name: v, mountPath: /v, subPath: x}]", "volumes: [{name: v}]") == Lines{});
  CHECK(pod_findings("", "volumes: [{name: v, projected: {sources: [{clusterTrustBundle: {path: p}}]}}]") ==
        Lines{"error spec.volumes[0].projected.sources[0].clusterTrustBundle: cluster trust bundles are not supported yet"});
  CHECK(pod_findings("", "shareProcessNamespace: false") == Lines{});
}

TEST_CASE("templates are looked at as pods are") {
  CHECK(findings("{apiVersion: apps/v1, kind: Deployment, metadata: {name: a}, spec: {template: {spec: {containers: [{name: "
                 "c, image: i}], runtimeClassName: x}}}}") ==
        Lines{"error spec.template.spec.runtimeClassName: runtime classes are not supported yet"});
}

TEST_CASE("kinds without behaviour") {
  CHECK(findings("{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: a}, spec: {template: {spec: {initContainers: "
                 "[{name: x}]}}}}") ==
        Lines{"warning kind: StatefulSet is carried, not acted on: it is kept and served, and nothing follows from it"});
  const std::string policy = "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: a}, spec: {podSelector: {}}}";
  CHECK(findings(policy) == Lines{});
  CHECK_FALSE(is_carried_kind(Kind::kNetworkPolicy));
  const std::string application = "{apiVersion: argoproj.io/v1alpha1, kind: Application, metadata: {name: a}}";
  CHECK(findings(application)[0].starts_with("error kind: Application objects in a tree are not supported yet"));
  CHECK(findings(application, {.from_git = false}) == Lines{});
  CHECK(is_carried_kind(Kind::kIngress));
  CHECK(findings("{apiVersion: scheduling.k8s.io/v1, kind: PriorityClass, metadata: {name: a}, value: 1}") == Lines{});
  CHECK(findings("{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: a}, spec: {minAvailable: 1}}") == Lines{});
  CHECK(findings("{apiVersion: v1, kind: Endpoints, metadata: {name: a}}") == Lines{});
  CHECK(standing_of(Kind::kEndpoints).empty());
  CHECK_FALSE(is_carried_kind(Kind::kService));
}

TEST_CASE("services of two families are refused at their field, a preference for them is not") {
  auto service = [](const std::string& spec) {
    return findings("{apiVersion: v1, kind: Service, metadata: {name: a}, spec: {ports: [{port: 80}], " + spec + "}}");
  };
  const std::string sentence = ": IPv6 and dual-stack services are not supported yet";
  CHECK(service("ipFamilyPolicy: PreferDualStack, ipFamilies: [IPv4]") == Lines{});
  CHECK(service("ipFamilyPolicy: RequireDualStack") == Lines{"error spec.ipFamilyPolicy" + sentence});
  CHECK(service("ipFamilies: [IPv4, IPv6]") == Lines{"error spec.ipFamilies[1]" + sentence});
  CHECK(service("clusterIPs: ['2001:db8::1']") == Lines{"error spec.clusterIPs[0]" + sentence});
}

TEST_CASE("the place is the field's") {
  Value document = parse("apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers: [{name: c, image: i}]\n"
                         "  hostUsers:\n    false\n");
  Diagnostics diagnostics("pod.yaml");
  check_not_yet(object_of(document), {}, &document, diagnostics);
  REQUIRE(diagnostics.all().size() == 1);
  CHECK(diagnostics.all()[0].mark.line == 7);
  CHECK(diagnostics.all()[0].file == "pod.yaml");
}

TEST_CASE("what is kept but not enforced") {
  Value pod = parse("{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {dnsConfig: {nameservers: [1.2.3.4]}, "
                    "setHostnameAsFQDN: true, hostUsers: true, containers: "
                    "[{name: c, image: i, tty: true, stdin: true, stdinOnce: true, "
                    "resizePolicy: [{resourceName: cpu, restartPolicy: NotRequired}]}, {name: d, stdinOnce: true}]}}");
  CHECK(not_enforced(Kind::kPod, pod) == Lines{"spec.containers.resizePolicy", "spec.containers.stdinOnce"});
  Value plain = parse("{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {containers: [{name: c, image: i}]}}");
  CHECK(not_enforced(Kind::kPod, plain) == Lines{});
  Value set = parse("{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: a}, spec: {replicas: 1}}");
  CHECK(not_enforced(Kind::kStatefulSet, set) == Lines{"(the whole object)"});
  CHECK(not_enforced(Kind::kPriorityClass, Value::map()) == Lines{});
}

}  // namespace
}  // namespace mainstay
