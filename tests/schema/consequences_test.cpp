// An object with mistakes of decoding is validated all the same: what is said stands by itself.
#include <catch2/catch.hpp>

#include <string>
#include <vector>

#include "schema/consequences.h"
#include "schema/defaults.h"
#include "schema/validate.h"
#include "tests/schema/manifest.h"

namespace mainstay {
namespace {

using Lines = std::vector<std::string>;

// The paths of what decoding says, then of what validation adds to it.
struct Said {
  Lines undecoded, added;
};

Said said_of(const std::string& yaml) {
  Value document = testing::parse(yaml);
  Diagnostics undecoded, found;
  std::optional<Object> object = decode_object(document, DecodeOptions{}, undecoded);
  REQUIRE(object);
  apply_defaults(*object);
  validate(*object, &document, found);
  Said out;
  for (const Diagnostic& each : undecoded.all()) out.undecoded.push_back(each.path);
  const Diagnostics added = without_consequences(found, undecoded);
  for (const Diagnostic& each : added.all()) out.added.push_back(each.path);
  INFO(undecoded.render() << "and found\n" << found.render());
  CHECK_FALSE(out.undecoded.empty());
  return out;
}

std::string service(const std::string& spec) {
  return "{apiVersion: v1, kind: Service, metadata: {name: a}, spec: {" + spec + "}}";
}

std::string pod(const std::string& spec) {
  return "{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {" + spec + "}}";
}

std::string deployment(const std::string& selector, const std::string& labels, const std::string& more = "") {
  return "{apiVersion: apps/v1, kind: Deployment, metadata: {name: a}, spec: {" + selector +
         ", template: {metadata: {" + labels + "}, spec: {containers: [{name: c, image: i}]}}" +
         (more.empty() ? "" : ", " + more) + "}}";
}

}  // namespace

TEST_CASE("mistakes beside one that did not decode are found all the same") {
  Said said = said_of(
      "{apiVersion: v1, kind: Service, metadata: {name: Bad_Name}, spec: {foo: 1, ports: [{port: 0}, {port: 80}]}}");
  CHECK(said.undecoded == Lines{"spec.foo"});
  CHECK(said.added == Lines{"metadata.name", "spec.ports[0].name", "spec.ports[0].port", "spec.ports[0].targetPort",
                            "spec.ports[1].name"});
}

TEST_CASE("what did not decode is not called absent or out of range as well") {
  CHECK(said_of(service("ports: [{port: many}]")).added.empty());  // nor its target, which defaults to it
  CHECK(said_of(service("ports: 80")).added.empty());
  CHECK(said_of(pod("containers: [web]")).added.empty());
  CHECK(said_of(pod("containers: {name: c, image: i}")).added.empty());
  CHECK(said_of("{apiVersion: v1, kind: ConfigMap, metadata: {name: 5}}").added.empty());
  CHECK(said_of("{apiVersion: v1, kind: ConfigMap, metadata: a}").added.empty());
  CHECK(said_of("{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: a}, "
                "spec: {podSelector: {}, ingress: [{ports: [{port: 80, protocol: 6}]}]}}")
            .added.empty());
}

TEST_CASE("a field whose name was misspelt is not called absent as well") {
  CHECK(said_of(pod("conatiners: [{name: c, image: i}]")).added.empty());
  CHECK(said_of(pod("containers: [{nmae: c, image: i}]")).added.empty());
  CHECK(said_of(service("prots: [{port: 80}]")).added.empty());
  CHECK(said_of("{apiVersion: v1, kind: ConfigMap, metdata: {name: a}}").added.empty());
  // Both are there: what is wrong with the right one is no consequence.
  CHECK(said_of(pod("containers: [{name: Bad_Name, nmae: c, image: i}]")).added == Lines{"spec.containers[0].name"});
  // Nobody knows what was meant.
  CHECK(said_of(pod("containers: [{title: c, image: i}]")).added == Lines{"spec.containers[0].name"});
}

TEST_CASE("what holds a field that did not decode is not judged by the rest of it") {
  CHECK(said_of(pod("containers: [{name: c, image: i, livenessProbe: {httpGte: {port: 80}}}]")).added.empty());
  CHECK(said_of(deployment("selector: {matchLabel: {app: x}}", "labels: {app: x}")).added.empty());
  CHECK(said_of(pod("containers: [{name: c, image: i}], volumes: [{name: v, secert: {secretName: s}}]")).added.empty());
}

TEST_CASE("an error that gives a field as its reason falls with it") {
  CHECK(said_of(service("typ: NodePort, ports: [{port: 80, nodePort: 30000}]")).added.empty());
  CHECK(said_of(deployment("selector: {matchLabels: {app: 5}}", "labels: {app: x}")).added.empty());
  CHECK(said_of(deployment("selector: {matchLabels: {app: x}}", "lables: {app: x}")).added.empty());
  CHECK(said_of(deployment("selector: {matchLabels: {app: x}}", "labels: {app: x}",
                           "strategy: {rollingUpdate: {maxUnavailable: 0, maxSurge: [1]}}"))
            .added.empty());
}

TEST_CASE("an error about a neighbour that did not decode falls with it") {
  const std::string mounts = "containers: [{name: c, image: i, volumeMounts: [{name: v, mountPath: /v}]}], ";
  CHECK(said_of(pod(mounts + "volumes: [{nmae: v, emptyDir: {}}]")).added.empty());
  CHECK(said_of(pod(mounts + "volums: [{name: v, emptyDir: {}}]")).added.empty());
  // The volume's name is known.
  CHECK(said_of(pod(mounts + "volumes: [{name: w, emptyDir: {mediums: Memory}}]")).added ==
        Lines{"spec.containers[0].volumeMounts[0].name"});
  CHECK(said_of(pod("containers: [{name: c, image: i, resources: {requests: {cpu: 1}, limits: {cpu: [2]}}}]"))
            .added.empty());
  CHECK(said_of("{apiVersion: v1, kind: Secret, metadata: {name: a}, type: kubernetes.io/basic-auth, "
                "stringdata: {username: u, password: p}}")
            .added.empty());
}

TEST_CASE("if not every mistake of decoding is known, validation adds none") {
  Diagnostics undecoded("", 1), found;
  undecoded.error({}, "spec.a", "unknown field");
  undecoded.error({}, "spec.b", "unknown field");
  found.error({}, "metadata.name", "Required value");
  CHECK(without_consequences(found, undecoded).empty());
  CHECK_FALSE(without_consequences(found, Diagnostics()).empty());
}

}  // namespace mainstay
