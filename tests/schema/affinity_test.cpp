// Affinity between pods, topology spread, gates and priority classes as manifests say them.
#include <catch2/catch.hpp>

#include <string>
#include <vector>

#include "schema/defaults.h"
#include "schema/not_yet.h"
#include "schema/priority_class.h"
#include "schema/validate.h"
#include "tests/schema/manifest.h"

namespace mainstay {
namespace {

using testing::object;
using testing::object_of;
using testing::parse;
using Lines = std::vector<std::string>;

std::string pod_yaml(const std::string& members) {
  return "{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {containers: [{name: c, image: i}]" +
         (members.empty() ? "" : ", " + members) + "}}";
}

Lines lines_of(const Diagnostics& diagnostics) {
  Lines out;
  for (const Diagnostic& item : diagnostics.all()) out.push_back(item.path + ": " + item.message);
  return out;
}

Lines problems(const std::string& yaml) {
  Object decoded = object(yaml);
  apply_defaults(decoded);
  Diagnostics diagnostics;
  validate(decoded, nullptr, diagnostics);
  check_not_yet(decoded, {}, nullptr, diagnostics);
  return lines_of(diagnostics);
}

Lines pod_problems(const std::string& members) { return problems(pod_yaml(members)); }

Lines update_problems(const std::string& before, const std::string& after) {
  Object old = object(pod_yaml(before)), next = object(pod_yaml(after));
  apply_defaults(old);
  apply_defaults(next);
  Diagnostics diagnostics;
  validate_update(old, next, nullptr, diagnostics);
  return lines_of(diagnostics);
}

std::string anti(const std::string& term) {
  return "affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{" + term + "}]}}";
}
const std::string kAnti = "spec.affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution[0]";

TEST_CASE("affinity, spread and gates that are right are accepted") {
  CHECK(pod_problems("affinity: {podAffinity: {}, podAntiAffinity: {}}") == Lines{});
  CHECK(pod_problems(anti("topologyKey: kubernetes.io/hostname, labelSelector: {matchLabels: {app: x}}, namespaces: [b], "
                          "namespaceSelector: {}, matchLabelKeys: [pod-template-hash], mismatchLabelKeys: [tier]")) == Lines{});
  CHECK(pod_problems("affinity: {podAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [{weight: 100, "
                     "podAffinityTerm: {topologyKey: zone, labelSelector: {}}}]}}") == Lines{});
  CHECK(pod_problems("topologySpreadConstraints: [{maxSkew: 1, topologyKey: zone, whenUnsatisfiable: DoNotSchedule, "
                     "minDomains: 2, nodeAffinityPolicy: Ignore, nodeTaintsPolicy: Honor, labelSelector: {}, "
                     "matchLabelKeys: [tier]}, {maxSkew: 1, topologyKey: zone, whenUnsatisfiable: ScheduleAnyway}]") == Lines{});
  CHECK(pod_problems("schedulingGates: [{name: example.com/a}, {name: b}]") == Lines{});
  CHECK(pod_problems("preemptionPolicy: Never") == Lines{});
}

TEST_CASE("mistakes in affinity between pods are named as Kubernetes does") {
  CHECK(pod_problems(anti("labelSelector: {}")) == Lines{kAnti + ".topologyKey: Required value: can not be empty"});
  CHECK(pod_problems(anti("topologyKey: 'a b'")).at(0).starts_with(
      kAnti + ".topologyKey: Invalid value: \"a b\": name part must consist of alphanumeric characters"));
  CHECK(pod_problems(anti("topologyKey: k, labelSelector: {matchExpressions: [{key: a, operator: In}]}")) ==
        Lines{kAnti + ".labelSelector.matchExpressions[0].values: Required value: must be specified when `operator` is 'In' "
                      "or 'NotIn'"});
  CHECK(pod_problems(anti("topologyKey: k, namespaces: [A]")).at(0).starts_with(kAnti + ".namespaces[0]: Invalid value: \"A\""));
  CHECK(pod_problems(anti("topologyKey: k, matchLabelKeys: [a]")) ==
        Lines{kAnti + ".matchLabelKeys: Forbidden: must not be specified when labelSelector is not set"});
  CHECK(pod_problems(anti("topologyKey: k, labelSelector: {matchLabels: {a: b}}, matchLabelKeys: [a]")) ==
        Lines{kAnti + ".matchLabelKeys[0]: Invalid value: \"a\": exists in both matchLabelKeys and labelSelector"});
  CHECK(pod_problems(anti("topologyKey: k, labelSelector: {}, matchLabelKeys: [a], mismatchLabelKeys: [a]")) ==
        Lines{kAnti + ".matchLabelKeys[0]: Invalid value: \"a\": exists in both matchLabelKeys and mismatchLabelKeys"});
  CHECK(pod_problems("affinity: {podAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [{weight: 101, "
                     "podAffinityTerm: {}}]}}") ==
        Lines{"spec.affinity.podAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].weight: Invalid value: 101: must "
              "be in the range 1-100",
              "spec.affinity.podAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].podAffinityTerm.topologyKey: "
              "Required value: can not be empty"});
}

TEST_CASE("mistakes in topology spread are named as Kubernetes does") {
  auto spread = [](const std::string& members) {
    return pod_problems("topologySpreadConstraints: [{topologyKey: k, " + members + "}]");
  };
  const std::string here = "spec.topologySpreadConstraints[0]";
  CHECK(spread("whenUnsatisfiable: DoNotSchedule") ==
        Lines{here + ".maxSkew: Invalid value: 0: must be greater than zero"});
  CHECK(spread("maxSkew: 1") == Lines{here + ".whenUnsatisfiable: Unsupported value: \"\": supported values: "
                                             "\"DoNotSchedule\", \"ScheduleAnyway\""});
  CHECK(spread("maxSkew: 1, whenUnsatisfiable: ScheduleAnyway, minDomains: 0") ==
        Lines{here + ".minDomains: Invalid value: 0: must be greater than zero",
              here + ".minDomains: Invalid value: 0: can only use minDomains if whenUnsatisfiable=DoNotSchedule, not "
                     "ScheduleAnyway"});
  CHECK(spread("maxSkew: 1, whenUnsatisfiable: DoNotSchedule, nodeTaintsPolicy: Maybe") ==
        Lines{here + ".nodeTaintsPolicy: Unsupported value: \"Maybe\": supported values: \"Honor\", \"Ignore\""});
  CHECK(spread("maxSkew: 1, whenUnsatisfiable: DoNotSchedule, matchLabelKeys: [a]") ==
        Lines{here + ".matchLabelKeys: Forbidden: must not be specified when labelSelector is not set"});
  CHECK(spread("maxSkew: 1, whenUnsatisfiable: DoNotSchedule}, {topologyKey: k, maxSkew: 2, whenUnsatisfiable: "
               "DoNotSchedule") == Lines{"spec.topologySpreadConstraints[1]: Duplicate value: {k, DoNotSchedule}"});
}

TEST_CASE("a mistake stands at its line of the file") {
  Value document = parse("apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers: [{name: c, image: i}]\n"
                         "  topologySpreadConstraints:\n  - maxSkew: 1\n    topologyKey: zone\n"
                         "    whenUnsatisfiable: Perhaps\n");
  Object pod = object_of(document);
  apply_defaults(pod);
  Diagnostics diagnostics("pod.yaml");
  validate(pod, &document, diagnostics);
  REQUIRE(diagnostics.all().size() == 1);
  CHECK(diagnostics.all()[0].mark.line == 9);
}

TEST_CASE("gates hold a pod back, and only go") {
  CHECK(pod_problems("schedulingGates: [{name: b}, {name: b}]") ==
        Lines{"spec.schedulingGates[1]: Duplicate value: \"b\""});
  CHECK(pod_problems("schedulingGates: [{name: b}], nodeName: n1") ==
        Lines{"spec.nodeName: Forbidden: cannot be set until all schedulingGates have been cleared"});
  const std::string gated = "schedulingGates: [{name: b}]";
  CHECK(update_problems("schedulingGates: [{name: a}, {name: b}]", gated) == Lines{});
  CHECK(update_problems(gated, "") == Lines{});
  CHECK(update_problems("", gated) ==
        Lines{"spec.schedulingGates: Forbidden: only deletion is allowed, but found new scheduling gate 'b'"});
  CHECK(update_problems(gated, "schedulingGates: [{name: c}]").size() == 1);
}

TEST_CASE("while gated a pod may be narrowed down to fewer nodes, and nothing else") {
  const std::string gated = "schedulingGates: [{name: b}], ";
  auto affinity = [](const std::string& terms) {
    return "affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [" + terms + "]}}}";
  };
  const std::string a = "{key: a, operator: Exists}", b = "{key: b, operator: Exists}";
  CHECK(update_problems(gated + "nodeSelector: {a: b}", "nodeSelector: {a: b, c: d}") == Lines{});
  CHECK(update_problems(gated + "nodeSelector: {a: b}", "nodeSelector: {c: d}") ==
        Lines{"spec.nodeSelector: Invalid value: {}: only additions to spec.nodeSelector are allowed (no mutations or "
              "deletions)"});
  CHECK(update_problems("nodeSelector: {a: b}", "nodeSelector: {a: b, c: d}").size() == 1);
  CHECK(update_problems(gated + "hostname: x", gated + "hostname: x, " + affinity("{matchExpressions: [" + a + "]}")) == Lines{});
  CHECK(update_problems(gated + affinity("{matchExpressions: [" + a + "]}"),
                        gated + affinity("{matchExpressions: [" + a + ", " + b + "]}")) == Lines{});
  CHECK(update_problems(gated + affinity("{matchExpressions: [" + a + "]}"),
                        gated + affinity("{matchExpressions: [" + b + "]}")).size() == 1);
  CHECK(update_problems(gated + affinity("{matchExpressions: [" + a + "]}"), gated + "hostname: ''").size() == 1);
  CHECK(update_problems(gated + "hostname: x", gated + anti("topologyKey: k")).size() == 1);
}

std::string class_yaml(const std::string& name, const std::string& members) {
  return "{apiVersion: scheduling.k8s.io/v1, kind: PriorityClass, metadata: {name: " + name + "}, " + members + "}";
}

TEST_CASE("priority classes: what may be said") {
  CHECK(problems(class_yaml("high", "value: 1000")) == Lines{});
  CHECK(problems(class_yaml("high", "value: 1000000001")) ==
        Lines{"value: Forbidden: maximum allowed value of a user defined priority is 1000000000"});
  CHECK(problems(class_yaml("high", "value: 1, preemptionPolicy: Often")) ==
        Lines{"preemptionPolicy: Unsupported value: \"Often\": supported values: \"Never\", \"PreemptLowerPriority\""});
  const std::string reserved = "metadata.name: Forbidden: priority class names with 'system-' prefix are reserved for system "
                               "use only. error: ";
  CHECK(problems(class_yaml("system-mine", "value: 1")) ==
        Lines{reserved + "system-mine is not a known system priority class"});
  CHECK(problems(class_yaml("system-node-critical", "value: 1")) ==
        Lines{reserved + "value of system-node-critical PriorityClass must be 2000001000"});
  CHECK(problems(class_yaml("system-node-critical", "value: 2000001000")) == Lines{});
  CHECK(problems(class_yaml("high", "description: x")) == Lines{"value: Required value"});
}

TEST_CASE("a pod gets what its class says, or is forbidden in the words of admission") {
  PriorityClassFacts high{"high", 1000, false, "Never"}, usual{"usual", 5, true, "PreemptLowerPriority"};
  auto resolved = [](const std::string& members, const PriorityClassFacts* named,
                     const PriorityClassFacts* by_default) {
    Object pod = object(pod_yaml(members));
    std::string trouble = resolve_priority(pod, named, by_default);
    const PodSpec& spec = as<Pod>(pod).spec;
    return trouble.empty() ? spec.priority_class_name + " " + std::to_string(*spec.priority) + " " + spec.preemption_policy
                           : trouble;
  };
  CHECK(resolved("", nullptr, nullptr) == " 0 PreemptLowerPriority");
  CHECK(resolved("", nullptr, &usual) == "usual 5 PreemptLowerPriority");
  CHECK(resolved("priorityClassName: high", &high, &usual) == "high 1000 Never");
  CHECK(resolved("priorityClassName: high, priority: 1000, preemptionPolicy: Never", &high, nullptr) == "high 1000 Never");
  CHECK(resolved("priorityClassName: high", nullptr, &usual) == "no PriorityClass with name high was found");
  CHECK(resolved("priorityClassName: high, priority: 7", &high, nullptr) ==
        "the integer value of priority (7) must not be provided in pod spec; priority admission controller computed 1000 "
        "from the given PriorityClass name");
  CHECK(resolved("priority: 7", nullptr, nullptr).starts_with("the integer value of priority (7) must not be provided"));
  CHECK(resolved("priorityClassName: high, preemptionPolicy: PreemptLowerPriority", &high, nullptr) ==
        "the string value of PreemptionPolicy (PreemptLowerPriority) must not be provided in pod spec; priority admission "
        "controller computed Never from the given PriorityClass name");
}

TEST_CASE("an update that does not speak of the priority keeps it") {
  Object old = object(pod_yaml("priority: 7, preemptionPolicy: Never")), next = object(pod_yaml(""));
  keep_assigned(old, next);
  CHECK(as<Pod>(next).spec.priority == 7);
  CHECK(as<Pod>(next).spec.preemption_policy == "Never");
  Object other = object(pod_yaml("priority: 8"));
  keep_assigned(old, other);
  CHECK(as<Pod>(other).spec.priority == 8);  // validation says what is wrong with that
}

}  // namespace
}  // namespace mainstay
