#include "schema/apply.h"

#include <catch2/catch.hpp>

#include <string>

#include "schema/base/rng.h"
#include "schema/defaults.h"
#include "schema/json.h"
#include "tests/schema/manifest.h"

namespace mainstay {
namespace {

using testing::object;
using testing::object_of;
using testing::parse;

// One application of `declared` over `live`, as a body of a Deployment's spec.
struct Row {
  std::string_view what, live, last, declared, result;
};

const Row kSpecRows[] = {
    {"sets what is declared, leaves the rest", "{replicas: 3, paused: true}", "", "{replicas: 5}",
     "{replicas: 5, paused: true}"},
    {"removes what was declared and is no more", "{replicas: 3, paused: true}", "{replicas: 3}", "{paused: true}",
     "{paused: true}"},
    {"null counts as not declared", "{replicas: 3, paused: true}", "", "{replicas: null}",
     "{replicas: 3, paused: true}"},
    {"equal quantities stay as they are written",
     "{template: {spec: {containers: [{name: a, resources: {limits: {cpu: '1'}}}]}}}", "",
     "{template: {spec: {containers: [{name: a, resources: {limits: {cpu: 1000m}}}]}}}",
     "{template: {spec: {containers: [{name: a, resources: {limits: {cpu: '1'}}}]}}}"},
    {"map entries of others stay",
     "{template: {metadata: {annotations: {ours: a, gone: b, theirs: c}}}}",
     "{template: {metadata: {annotations: {ours: a, gone: b}}}}",
     "{template: {metadata: {annotations: {ours: z}}}}",
     "{template: {metadata: {annotations: {ours: z, theirs: c}}}}"},
    {"and stay when the whole map is dropped",
     "{template: {metadata: {annotations: {ours: a, theirs: c}}}}",
     "{template: {metadata: {annotations: {ours: a}}}}", "{template: {metadata: {labels: {x: y}}}}",
     "{template: {metadata: {annotations: {theirs: c}, labels: {x: y}}}}"},
    {"keyed elements merge, others keep their place",
     "{template: {spec: {containers: [{name: side, image: s}, {name: a, image: old, tty: true}]}}}", "",
     "{template: {spec: {containers: [{name: a, image: new}, {name: b, image: b}]}}}",
     "{template: {spec: {containers: [{name: side, image: s}, {name: a, image: new, tty: true}, {name: b, image: b}]}}}"},
    {"a dropped element goes, also with fields it got since",
     "{template: {spec: {containers: [{name: a, image: a}, {name: b, image: b, imagePullPolicy: Always}]}}}",
     "{template: {spec: {containers: [{name: a, image: a}, {name: b, image: b}]}}}",
     "{template: {spec: {containers: [{name: a, image: a}]}}}",
     "{template: {spec: {containers: [{name: a, image: a}]}}}"},
    {"our order wins",
     "{template: {spec: {containers: [{name: a}, {name: b}, {name: x}]}}}", "",
     "{template: {spec: {containers: [{name: b}, {name: a}]}}}",
     "{template: {spec: {containers: [{name: b}, {name: a}, {name: x}]}}}"},
    {"ports are told apart by number and protocol, which is TCP if absent",
     "{template: {spec: {containers: [{name: a, ports: [{containerPort: 53, protocol: TCP, name: t}, {containerPort: 53, protocol: UDP}]}]}}}",
     "", "{template: {spec: {containers: [{name: a, ports: [{containerPort: 53, name: u}]}]}}}",
     "{template: {spec: {containers: [{name: a, ports: [{containerPort: 53, protocol: TCP, name: u}, {containerPort: 53, protocol: UDP}]}]}}}"},
    {"atomic lists are replaced",
     "{template: {spec: {containers: [{name: a, args: [a, b]}]}}}", "",
     "{template: {spec: {containers: [{name: a, args: [c]}]}}}",
     "{template: {spec: {containers: [{name: a, args: [c]}]}}}"},
    {"a selector is one value", "{selector: {matchLabels: {a: b}}}", "", "{selector: {matchLabels: {c: d}}}",
     "{selector: {matchLabels: {c: d}}}"},
    {"a dropped struct takes its defaults along",
     "{template: {spec: {containers: [{name: a, livenessProbe: {tcpSocket: {port: 1}, periodSeconds: 10}}]}}}",
     "{template: {spec: {containers: [{name: a, livenessProbe: {tcpSocket: {port: 1}}}]}}}",
     "{template: {spec: {containers: [{name: a}]}}}", "{template: {spec: {containers: [{name: a}]}}}"},
    {"but not what others added inside",
     "{template: {spec: {containers: [{name: a, resources: {limits: {cpu: '1', theirs: '2'}}}]}}}",
     "{template: {spec: {containers: [{name: a, resources: {limits: {cpu: '1'}}}]}}}",
     "{template: {spec: {containers: [{name: a}]}}}",
     "{template: {spec: {containers: [{name: a, resources: {limits: {theirs: '2'}}}]}}}"},
    {"one probe handler replaces another, also without a last applied",
     "{template: {spec: {containers: [{name: a, livenessProbe: {exec: {command: [x]}, periodSeconds: 3}}]}}}", "",
     "{template: {spec: {containers: [{name: a, livenessProbe: {tcpSocket: {port: 1}}}]}}}",
     "{template: {spec: {containers: [{name: a, livenessProbe: {periodSeconds: 3, tcpSocket: {port: 1}}}]}}}"},
    {"a union that retains keys drops the other members",
     "{strategy: {type: RollingUpdate, rollingUpdate: {maxSurge: 25%}}}", "", "{strategy: {type: Recreate}}",
     "{strategy: {type: Recreate}}"},
    {"so does a volume",
     "{template: {spec: {volumes: [{name: a, emptyDir: {}}, {name: theirs, emptyDir: {}}]}}}", "",
     "{template: {spec: {volumes: [{name: a, configMap: {name: c}}]}}}",
     "{template: {spec: {volumes: [{name: a, configMap: {name: c}}, {name: theirs, emptyDir: {}}]}}}"},
    {"value replaces valueFrom",
     "{template: {spec: {containers: [{name: a, env: [{name: A, valueFrom: {fieldRef: {fieldPath: b}}}]}]}}}", "",
     "{template: {spec: {containers: [{name: a, env: [{name: A, value: b}]}]}}}",
     "{template: {spec: {containers: [{name: a, env: [{name: A, value: b}]}]}}}"},
    {"elements that cannot be told apart make the list atomic",
     "{template: {spec: {containers: [{name: a, env: [{name: A, value: a}, {name: B, value: b}]}]}}}", "",
     "{template: {spec: {containers: [{name: a, env: [{name: A, value: x}, {name: A, value: y}]}]}}}",
     "{template: {spec: {containers: [{name: a, env: [{name: A, value: x}, {name: A, value: y}]}]}}}"},
};

Value value_of(std::string_view yaml) { return yaml.empty() ? Value() : parse(yaml); }

TEST_CASE("apply, row by row, and twice is once") {
  for (const Row& row : kSpecRows) {
    INFO(row.what);
    Value last = value_of(row.last), declared = parse(row.declared);
    Value once = apply(parse(row.live), row.last.empty() ? nullptr : &last, declared, DeploymentSpec::kType);
    CHECK(to_json(once) == to_json(parse(row.result)));
    CHECK(to_json(apply(once, &declared, declared, DeploymentSpec::kType)) == to_json(once));
    CHECK(to_json(apply(once, nullptr, declared, DeploymentSpec::kType)) == to_json(once));
    CHECK(drift(declared, once, DeploymentSpec::kType).empty());
  }
}

TEST_CASE("finalizers are a set") {
  Value last = parse("{finalizers: [a, b]}");
  Value merged = apply(parse("{finalizers: [a, theirs, b]}"), &last, parse("{finalizers: [c, b]}"), ObjectMeta::kType);
  CHECK(to_json(merged) == R"({"finalizers":["theirs","b","c"]})");
}

constexpr std::string_view kWeb = R"(
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop, labels: {app: web}, creationTimestamp: null}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web
        image: nginx:1.27
        ports: [{containerPort: 80}]
        resources: {requests: {cpu: 0.1, memory: 1024Mi}}
status: {}
)";

Object live_web() {
  Object live = object(kWeb);
  apply_defaults(live);
  live.meta.uid = "u-1";
  live.meta.generation = 3;
  live.meta.creation_timestamp = *parse_rfc3339("2025-01-02T03:04:05Z");
  live.version = 77;
  as<Deployment>(live).status.ready_replicas = 2;
  return live;
}

TEST_CASE("applying what is there changes nothing") {
  Object live = live_web();
  Value declared = parse(kWeb);
  Result<Object> next = apply_object(live, &declared, declared);
  REQUIRE(next.ok());
  CHECK(same_content(live, *next));
  CHECK(next->version == 77);
  CHECK(drift_object(live, declared)->empty());
}

TEST_CASE("identity, status and others' fields survive; our changes arrive") {
  Object live = live_web();
  map_slot(live.meta.annotations, "deployment.kubernetes.io/revision") = "4";
  Value last = parse(kWeb), declared = parse(kWeb);
  *declared.find("spec")->find("template")->find("spec")->find("containers")->as_list()[0].find("image") =
      Value("nginx:1.28");
  declared.find("spec")->erase("replicas");
  declared.find("metadata")->set("uid", "other");
  declared.find("metadata")->set("labels", parse("{tier: front}"));
  Result<Object> next = apply_object(live, &last, declared);
  REQUIRE(next.ok());
  CHECK(next->meta.uid == "u-1");
  CHECK(next->meta.generation == 3);
  CHECK(next->meta.resource_version.empty());
  CHECK(next->meta.creation_timestamp == live.meta.creation_timestamp);
  CHECK(*map_find(next->meta.annotations, "deployment.kubernetes.io/revision") == "4");
  CHECK(next->meta.labels == StringMap{{"tier", "front"}});
  const Deployment& body = as<Deployment>(*next);
  CHECK(body.status.ready_replicas == 2);
  CHECK(body.spec.replicas == 1);  // dropped, so the default is back
  CHECK(body.spec.pod_template.spec.containers[0].image == "nginx:1.28");
  CHECK(body.spec.pod_template.spec.containers[0].image_pull_policy == "IfNotPresent");
}

TEST_CASE("drift names the fields that differ") {
  Object live = live_web();
  Deployment& body = as<Deployment>(live);
  body.spec.replicas = 9;
  body.spec.pod_template.spec.containers[0].image = "evil:1";
  body.spec.pod_template.spec.containers[0].ports.clear();
  map_slot(live.meta.labels, "app") = "other";
  map_slot(live.meta.labels, "theirs") = "ok";
  Result<std::vector<Drift>> found = drift_object(live, parse(kWeb));
  REQUIRE(found.ok());
  std::vector<std::string> paths;
  for (const Drift& item : *found) paths.push_back(item.path);
  CHECK(paths == std::vector<std::string>{
                     "metadata.labels[app]", "spec.replicas", "spec.template.spec.containers[name=web].image",
                     "spec.template.spec.containers[name=web].ports"});
  CHECK((*found)[1].declared.as_int() == 2);
  CHECK((*found)[1].live.as_int() == 9);
}

TEST_CASE("a strategy that changes by hand is drift, and healing it leaves no remains") {
  Object live = live_web();
  Value declared = parse(kWeb);
  declared.find("spec")->set("strategy", parse("{type: Recreate}"));
  std::vector<Drift> found = *drift_object(live, declared);
  std::vector<std::string> paths;
  for (const Drift& item : found) paths.push_back(item.path);
  CHECK(paths == std::vector<std::string>{"spec.strategy.type", "spec.strategy.rollingUpdate"});
  Object healed = *apply_object(live, nullptr, declared);
  CHECK_FALSE(as<Deployment>(healed).spec.strategy.rolling_update.has_value());
  CHECK(drift_object(healed, declared)->empty());
}

TEST_CASE("a secret's stringData is compared and removed as data") {
  Value declared = parse("{apiVersion: v1, kind: Secret, metadata: {name: a}, stringData: {user: u, pass: p}}");
  Object live = object_of(declared);
  apply_defaults(live);
  CHECK(drift_object(live, declared)->empty());
  Value less = parse("{apiVersion: v1, kind: Secret, metadata: {name: a}, stringData: {user: v}}");
  std::vector<Drift> found = *drift_object(live, less);
  REQUIRE(found.size() == 1);
  CHECK(found[0].path == "data[user]");
  CHECK(found[0].secret);
  Object next = *apply_object(live, &declared, less);
  CHECK(as<Secret>(next).data == StringMap{{"user", "v"}});
}

TEST_CASE("a service keeps its address and node ports through apply") {
  Value declared = parse(R"(
apiVersion: v1
kind: Service
metadata: {name: a}
spec: {type: NodePort, ports: [{name: x, port: 80}]})");
  Object live = object_of(declared);
  as<Service>(live).spec.cluster_ip = "10.96.0.9";
  as<Service>(live).spec.ports[0].node_port = 30123;
  apply_defaults(live);
  CHECK(drift_object(live, declared)->empty());
  Value inner = declared;
  inner.find("spec")->set("type", "ClusterIP");
  Object next = *apply_object(live, &declared, inner);
  CHECK(as<Service>(next).spec.cluster_ip == "10.96.0.9");
  CHECK(as<Service>(next).spec.ports[0].node_port == 0);
}

TEST_CASE("the field set has Kubernetes' form") {
  Value set = field_set(parse(kWeb), kind_info(Kind::kDeployment));
  CHECK(to_json(set) ==
        R"({"f:metadata":{"f:labels":{"f:app":{}}},"f:spec":{"f:replicas":{},"f:selector":{},)"
        R"("f:template":{"f:metadata":{"f:labels":{"f:app":{}}},"f:spec":{"f:containers":{"k:{\"name\":\"web\"}":)"
        R"({".":{},"f:name":{},"f:image":{},"f:ports":{"k:{\"containerPort\":80,\"protocol\":\"TCP\"}":)"
        R"({".":{},"f:containerPort":{}}},"f:resources":{"f:requests":{"f:cpu":{},"f:memory":{}}}}}}}}})");
}

TEST_CASE("a document that no longer decodes is an error with its path") {
  Object live = live_web();
  Value declared = parse(kWeb);
  declared.find("spec")->set("replicas", "many");
  Result<Object> next = apply_object(live, nullptr, declared);
  REQUIRE_FALSE(next.ok());
  CHECK(next.error().code == ErrorCode::kInvalid);
  CHECK(next.error().message.find("spec.replicas") != std::string::npos);
}

// A random tree of container fields, so that lists, maps and unions all occur.
Value random_spec(Rng& rng) {
  Value containers = Value::list();
  const char* names[] = {"a", "b", "c", "d"};
  for (const char* name : names) {
    if (rng.below(2) == 0) continue;
    Value container = Value::map();
    container.set("name", name);
    if (rng.below(2)) container.set("image", std::string("i") + std::to_string(rng.below(3)));
    if (rng.below(2)) container.set("args", Value(ValueList{Value(std::to_string(rng.below(3)))}));
    if (rng.below(2)) {
      Value env = Value::list();
      for (const char* variable : {"X", "Y", "Z"}) {
        if (rng.below(2)) continue;
        Value entry = Value::map();
        entry.set("name", variable);
        entry.set("value", std::to_string(rng.below(3)));
        env.push(std::move(entry));
      }
      container.set("env", std::move(env));
    }
    if (rng.below(3) == 0) container.set("livenessProbe", parse("{tcpSocket: {port: 1}, periodSeconds: 2}"));
    containers.push(std::move(container));
  }
  Value spec = Value::map();
  if (rng.below(2)) spec.set("nodeSelector", parse(rng.below(2) ? "{a: b}" : "{c: d}"));
  if (rng.below(2)) spec.set("hostname", std::to_string(rng.below(3)));
  spec.set("containers", std::move(containers));
  return spec;
}

TEST_CASE("apply: properties over random trees") {
  const uint64_t seed = 20260114;
  Rng rng(seed);
  for (int round = 0; round < 3000; ++round) {
    Value live = random_spec(rng), last = random_spec(rng), declared = random_spec(rng);
    INFO("seed " << seed << " round " << round << "\nlive " << to_json(live) << "\nlast " << to_json(last)
                 << "\ndeclared " << to_json(declared));
    Value once = apply(live, &last, declared, PodSpec::kType);
    // Everything declared is there, and a second time changes nothing.
    REQUIRE(drift(declared, once, PodSpec::kType).empty());
    REQUIRE(to_json(apply(once, &declared, declared, PodSpec::kType)) == to_json(once));
    // From what was applied last alone, exactly the declared tree results: nothing dropped stays behind.
    Value fresh = apply(last, &last, declared, PodSpec::kType);
    REQUIRE(drift(fresh, declared, PodSpec::kType).empty());
    // What neither tree names survives.
    if (live.find("hostname") && !last.find("hostname") && !declared.find("hostname")) {
      REQUIRE(*once.find("hostname") == *live.find("hostname"));
    }
  }
}

}  // namespace
}  // namespace mainstay
