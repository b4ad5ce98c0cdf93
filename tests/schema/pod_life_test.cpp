// What a manifest may say about a pod's life: hooks, probes, sidecars, readiness gates, shared processes.
#include <catch2/catch.hpp>

#include <string>
#include <vector>

#include "schema/defaults.h"
#include "schema/pod_resources.h"
#include "schema/table.h"
#include "schema/validate.h"
#include "tests/schema/manifest.h"

namespace mainstay {
namespace {

using testing::object;
using Lines = std::vector<std::string>;

Object pod(const std::string& spec) {
  Object out = object("{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {" + spec + "}}");
  apply_defaults(out);
  return out;
}

Lines problems(const std::string& spec) {
  Diagnostics diagnostics;
  validate(pod(spec), nullptr, diagnostics);
  Lines out;
  for (const Diagnostic& item : diagnostics.all()) out.push_back(item.path + ": " + item.message);
  return out;
}

Lines hook(const std::string& handler) {
  return problems("containers: [{name: c, image: i, lifecycle: {preStop: " + handler + "}}]");
}

TEST_CASE("hooks have one handler, and it makes sense") {
  const std::string at = "spec.containers[0].lifecycle.preStop";
  CHECK(hook("{exec: {command: [a]}}") == Lines{});
  CHECK(hook("{httpGet: {port: http}}") == Lines{});
  CHECK(hook("{tcpSocket: {port: 80}}") == Lines{});
  CHECK(hook("{sleep: {seconds: 0}}") == Lines{});
  CHECK(hook("{sleep: {seconds: 31}}") ==
        Lines{at + ".sleep: Invalid value: 31: must be non-negative and less than terminationGracePeriodSeconds (30)"});
  CHECK(hook("{}") == Lines{at + ": Required value: must specify a handler type"});
  CHECK(hook("{exec: {command: []}}") == Lines{at + ".exec.command: Required value"});
  CHECK(hook("{exec: {command: [a]}, sleep: {seconds: 1}}") ==
        Lines{at + ".sleep: Forbidden: may not specify more than 1 handler type"});
  CHECK(hook("{httpGet: {port: 0}}") ==
        Lines{at + ".httpGet.port: Invalid value: 0: must be between 1 and 65535, inclusive"});
}

TEST_CASE("hooks and probes are for containers that stay: sidecars, not other init containers") {
  const std::string with = "lifecycle: {postStart: {exec: {command: [a]}}}, startupProbe: {tcpSocket: {port: 1}}";
  auto init = [&](const std::string& more) {
    return problems("containers: [{name: c, image: i}], initContainers: [{name: s, image: i, " + with + more + "}]");
  };
  const std::string why = ": Forbidden: may not be set for init containers without restartPolicy=Always";
  CHECK(init(", restartPolicy: Always") == Lines{});
  CHECK(init("") == Lines{"spec.initContainers[0].lifecycle" + why, "spec.initContainers[0].startupProbe" + why});
}

TEST_CASE("readiness gates have condition types; processes are shared with the pod or with the host") {
  CHECK(problems("containers: [{name: c, image: i}], readinessGates: [{conditionType: example.org/ok}]") == Lines{});
  Lines bad = problems("containers: [{name: c, image: i}], readinessGates: [{conditionType: 'a b'}]");
  REQUIRE(bad.size() == 1);
  CHECK(bad[0].starts_with("spec.readinessGates[0].conditionType: Invalid value: \"a b\": name part must consist of"));
  CHECK(problems("containers: [{name: c, image: i}], shareProcessNamespace: true, hostPID: true") ==
        Lines{"spec.shareProcessNamespace: Invalid value: true: ShareProcessNamespace and HostPID cannot both be enabled"});
}

TEST_CASE("an HTTP hook gets the defaults of an HTTP probe") {
  Object made = pod("containers: [{name: c, image: i, lifecycle: {postStart: {httpGet: {port: 80}}}}]");
  const HTTPGetAction& get = *as<Pod>(made).spec.containers[0].lifecycle->post_start->http_get;
  CHECK(get.path == "/");
  CHECK(get.scheme == "HTTP");
}

TEST_CASE("readiness gates have a column") {
  Object gated = object("{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {containers: [{name: c, image: i}], readinessGates: "
                        "[{conditionType: x}, {conditionType: z}]}, status: {conditions: [{type: x, status: 'True'}]}}");
  CHECK(table_row(gated, WallTime{}).cells.back() == Value("1/2"));
}

TEST_CASE("what a pod with sidecars asks for at its most") {
  auto request = [](const std::string& cpu) { return "resources: {requests: {cpu: " + cpu + "}}"; };
  Object made = pod("containers: [{name: a, image: i, " + request("100m") + "}, {name: b, image: i, " + request("200m") +
                    "}], initContainers: [{name: i1, image: i, " + request("500m") + "}, {name: s, image: i, restartPolicy: "
                    "Always, " + request("50m") + "}, {name: i2, image: i, " + request("300m") + "}]");
  CHECK(map_find(effective_requests(as<Pod>(made).spec), "cpu")->text() == "500m");
  as<Pod>(made).spec.init_containers.erase(as<Pod>(made).spec.init_containers.begin());
  CHECK(map_find(effective_requests(as<Pod>(made).spec), "cpu")->text() == "350m");
}

}  // namespace
}  // namespace mainstay
