// Decoding: every mistake of a document at once, each with its path, place and a hint.
#include <catch2/catch.hpp>

#include "schema/compare.h"
#include "schema/decode.h"
#include "schema/encode.h"
#include "schema/json.h"
#include "schema/kinds/config.h"
#include "schema/kinds/pod.h"
#include "schema/kinds/service.h"
#include "schema/object.h"
#include "schema/yaml.h"

using namespace mainstay;

namespace {

Value yaml(std::string_view text) {
  Diagnostics diagnostics;
  auto documents = parse_yaml(text, diagnostics);
  INFO(diagnostics.render());
  REQUIRE(diagnostics.empty());
  REQUIRE(documents.size() == 1);
  return documents[0].root;
}

std::string errors_of(std::string_view text, UnknownFields unknown = UnknownFields::kError) {
  Diagnostics diagnostics("web.yaml");
  decode_object(yaml(text), {unknown}, diagnostics);
  return diagnostics.render();
}

template <typename S>
S read(std::string_view text) {
  Diagnostics diagnostics;
  S out = decode_as<S>(yaml(text), {}, Path(), diagnostics);
  INFO(diagnostics.render());
  REQUIRE(diagnostics.empty());
  return out;
}

}  // namespace

TEST_CASE("all mistakes of a document at once, in native and carried fields") {
  CHECK(errors_of(R"(apiVersion: v1
kind: Pod
metadata:
  name: 5
  label: {a: b}
  labels: {a: 1, b: yes}
spec:
  hostNetwork: "true"
  container: []
  containers:
  - name: c
    imagee: x
    ports: {containerPort: 80}
    resources:
      limits: {cpu: 1K, memory: [1]}
    readinessProbe:
      httpGet: {port: true}
      periodSeconds: 1.5
  - just text
  restartPolicy: [Always]
  activeDeadlineSeconds: "60"
  terminationGracePeriodSeconds: 99999999999999999999
)") == "web.yaml:4:9: error: metadata.name: expected string, got integer (put it in quotes)\n"
       "web.yaml:5:3: error: metadata.label: unknown field \"label\" (did you mean \"labels\"?)\n"
       "web.yaml:6:15: error: metadata.labels[a]: expected string, got integer (put it in quotes)\n"
       "web.yaml:6:21: error: metadata.labels[b]: expected string, got boolean (put it in quotes)\n"
       "web.yaml:8:16: error: spec.hostNetwork: expected boolean, got string (remove the quotes)\n"
       "web.yaml:9:3: error: spec.container: unknown field \"container\" (did you mean \"containers\"?)\n"
       "web.yaml:12:5: error: spec.containers[0].imagee: unknown field \"imagee\" (did you mean \"image\"?)\n"
       "web.yaml:13:12: error: spec.containers[0].ports: expected list, got map (write it as an item: \"- "
       "...\")\n"
       "web.yaml:15:21: error: spec.containers[0].resources.limits[cpu]: expected quantity, got \"1K\" "
       "(a number with a suffix, such as 250m, 1.5, 64Mi or 2G)\n"
       "web.yaml:15:33: error: spec.containers[0].resources.limits[memory]: expected quantity, got list\n"
       "web.yaml:17:23: error: spec.containers[0].readinessProbe.httpGet.port: expected integer or string, "
       "got boolean "
       "(put it in quotes)\n"
       "web.yaml:18:22: error: spec.containers[0].readinessProbe.periodSeconds: expected integer, got a "
       "number with a fraction\n"
       "web.yaml:19:5: error: spec.containers[1]: expected map, got string\n"
       "web.yaml:20:18: error: spec.restartPolicy: expected string, got list\n"
       "web.yaml:21:26: error: spec.activeDeadlineSeconds: expected integer, got string (remove the quotes)\n"
       "web.yaml:22:34: error: spec.terminationGracePeriodSeconds: the number does not fit into 64 bits\n");
}

TEST_CASE("unknown fields can be warnings or ignored") {
  const char* text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\nDATA: {}\n";
  CHECK(errors_of(text) == "web.yaml:4:1: error: DATA: unknown field \"DATA\" (did you mean \"data\"?)\n");
  CHECK(errors_of(text, UnknownFields::kWarn) ==
        "web.yaml:4:1: warning: DATA: unknown field \"DATA\" (did you mean \"data\"?)\n");
  CHECK(errors_of(text, UnknownFields::kIgnore).empty());
}

TEST_CASE("null is absent; in lists and maps it is an empty element") {
  Container container = read<Container>(
      "{name: c, image: null, args: [a, null, b], ports: null, livenessProbe: null, resources: {limits: "
      "{cpu: null}}}");
  CHECK(container.image.empty());
  CHECK(container.args == std::vector<std::string>{"a", "", "b"});
  CHECK(container.ports.empty());
  CHECK(!container.liveness_probe);
  REQUIRE(container.resources.limits.size() == 1);
  CHECK(container.resources.limits[0].second.is_zero());
  CHECK(!container.carried);
}

TEST_CASE("scalars of every shape") {
  Secret secret = read<Secret>(
      "{type: Opaque, immutable: true, data: {a: aGk=, b: \"YWJj\\nZGVm\"}, stringData: {c: x}}");
  CHECK(map_find(secret.data, "a") != nullptr);
  CHECK(*map_find(secret.data, "a") == "hi");
  CHECK(*map_find(secret.data, "b") == "abcdef");
  CHECK(secret.immutable == true);
  CHECK(to_json(secret) ==
        R"({"immutable":true,"data":{"a":"aGk=","b":"YWJjZGVm"},"stringData":{"c":"x"},"type":"Opaque"})");

  ContainerPort port = read<ContainerPort>("{containerPort: 80.0, hostPort: 1e3}");
  CHECK(port.container_port == 80);
  CHECK(port.host_port == 1000);

  HTTPGetAction get = read<HTTPGetAction>("{port: http}");
  CHECK(get.port.string() == "http");
  CHECK(read<HTTPGetAction>("{port: 8080}").port.number() == 8080);

  ResourceRequirements resources =
      read<ResourceRequirements>("{limits: {cpu: 0.5, memory: 64Mi, pods: 3, x: ' 1 '}}");
  CHECK(to_json(resources) == R"({"limits":{"cpu":"500m","memory":"64Mi","pods":"3","x":"1"}})");

  ObjectMeta meta = read<ObjectMeta>("{creationTimestamp: 2024-02-03T04:05:06.7+01:00}");
  CHECK(to_json(meta) == R"({"creationTimestamp":"2024-02-03T03:05:06Z"})");
}

TEST_CASE("the text of a secret is in no message") {
  std::string errors = errors_of(
      "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndata: {p: hunter2!}\nstringData: {q: [hunter3]}\n");
  CHECK(errors.find("data[p]: not base64") != std::string::npos);
  CHECK(errors.find("stringData[q]: expected string, got list") != std::string::npos);
  CHECK(errors.find("hunter") == std::string::npos);
}

TEST_CASE("carried fields are kept in canonical form and stand in their place") {
  Diagnostics diagnostics;
  Value given =
      yaml("{subPathExpr: e, mountPropagation: None, name: v, mountPath: /m, recursiveReadOnly: null}");
  VolumeMount mount = decode_as<VolumeMount>(given, {}, Path(), diagnostics);
  CHECK(diagnostics.empty());
  CHECK(to_json(mount) == R"({"name":"v","mountPath":"/m","mountPropagation":"None","subPathExpr":"e"})");
  CHECK(to_value(VolumeMount::kType, &mount) ==
        yaml("{name: v, mountPath: /m, mountPropagation: None, subPathExpr: e}"));
  decode_as<VolumeMount>(yaml("{mountPropagation: [x]}"), {}, Path("spec"), diagnostics);
  REQUIRE(diagnostics.all().size() == 1);
  CHECK(diagnostics.all()[0].path == "spec.mountPropagation");
}

TEST_CASE("kinds without a struct are checked as strictly and kept canonical") {
  Diagnostics diagnostics;
  auto claim = decode_object(yaml(R"(
kind: PersistentVolumeClaim
apiVersion: v1
metadata: {name: c}
spec:
  resources: {requests: {storage: 0.5Gi}}
  accessModes: [ReadWriteOnce]
  volumeName: null
)"),
                             {}, diagnostics);
  INFO(diagnostics.render());
  REQUIRE(claim);
  CHECK(diagnostics.empty());
  CHECK(encoded(*claim) ==
        R"({"kind":"PersistentVolumeClaim","apiVersion":"v1","metadata":{"name":"c"},)"
        R"("spec":{"accessModes":["ReadWriteOnce"],"resources":{"requests":{"storage":"512Mi"}}}})");
  CHECK(errors_of("apiVersion: v1\nkind: PersistentVolumeClaim\nspec:\n  accessMode: x\n  resources:\n    "
                  "requests: {storage: lots}\n") ==
        "web.yaml:4:3: error: spec.accessMode: unknown field \"accessMode\" (did you mean \"accessModes\"?)\n"
        "web.yaml:6:25: error: spec.resources.requests[storage]: expected quantity, got \"lots\" "
        "(a number with a suffix, such as 250m, 1.5, 64Mi or 2G)\n");
}

TEST_CASE("zero values are left out unless they must stand") {
  ContainerPort port;
  CHECK(to_json(port) == R"({"containerPort":0})");
  CHECK(to_json(Condition{}) ==
        R"({"type":"","status":"","lastTransitionTime":null,"reason":"","message":""})");
  EnvVarSource source;
  CHECK(to_json(source) == "{}");
  source.config_map_key_ref = ConfigMapKeySelector{};
  CHECK(to_json(source) == R"({"configMapKeyRef":{"key":""}})");
  ConfigMapEnvSource optional;
  optional.optional = false;
  CHECK(to_json(optional) == R"({"optional":false})");
}

TEST_CASE("equal and diff_paths") {
  auto pod = [](std::string_view text) {
    Diagnostics diagnostics;
    auto object = decode_object(yaml(text), {}, diagnostics);
    INFO(diagnostics.render());
    REQUIRE(diagnostics.empty());
    return as<Pod>(*object);
  };
  std::string text = R"(
apiVersion: v1
kind: Pod
metadata: {name: a}
spec:
  nodeSelector: {disk: ssd, zone: a}
  containers:
  - {name: web, image: "nginx:1", resources: {limits: {cpu: "1"}}}
  - {name: side, image: "x:1", args: [a, b]}
)";
  Pod before = pod(text);
  std::string same = text;
  same.replace(same.find("cpu: \"1\""), 8, "cpu: 1000m");
  CHECK(equal(before, pod(same)));
  CHECK(diff_paths(Pod::kType, &before, &before).empty());

  Pod after = before;
  after.spec.containers[0].image = "nginx:2";
  after.spec.containers[1].args.push_back("c");
  map_erase(after.spec.node_selector, "zone");
  map_slot(after.spec.node_selector, "rack") = "7";
  std::swap(after.spec.containers[0], after.spec.containers[1]);
  CHECK(!equal(before, after));
  std::string seen;
  for (const FieldChange& change : diff_paths(Pod::kType, &before, &after)) {
    seen += change.path + ": " + to_json(change.before) + " -> " + to_json(change.after) + "\n";
  }
  CHECK(seen ==
        "spec.containers[name=web].image: \"nginx:1\" -> \"nginx:2\"\n"
        "spec.containers[name=side].args[2]: null -> \"c\"\n"
        "spec.nodeSelector[zone]: \"a\" -> null\n"
        "spec.nodeSelector[rack]: null -> \"7\"\n");

  Secret old_secret, new_secret;
  map_slot(new_secret.data, "k") = "v";
  auto changes = diff_paths(Secret::kType, &old_secret, &new_secret);
  REQUIRE(changes.size() == 1);
  CHECK((changes[0].flags & kSecret) != 0);
}

TEST_CASE("diagnostics are bounded, sorted, and prefer errors") {
  Diagnostics few("f", 3);
  few.warning({9, 1}, "w", "one");
  for (uint32_t i = 5; i > 0; --i) few.error({i, 2}, "p", "e" + std::to_string(i));
  CHECK(few.error_count() == 5);
  CHECK(few.render() == "f:3:2: error: p: e3\nf:4:2: error: p: e4\nf:5:2: error: p: e5\nand 3 more\n");
  Diagnostics all;
  all.append(few);
  all.error({}, "", "no place");
  CHECK(all.error_count() == 6);
  CHECK(all.warning_count() == 1);
  CHECK(all.render().find("error: no place\n") == 0);
  CHECK(Path().text().empty());
  Path root, spec = root.field("spec"), list = spec.field("containers"), item = list.index(3);
  CHECK(item.key("a/b").text() == "spec.containers[3][a/b]");
  std::string_view names[] = {"image", "imagePullPolicy", "ports"};
  CHECK(nearest_name("Image", names) == "image");
  CHECK(nearest_name("imgae", names) == "image");
  CHECK(nearest_name("imagePullPolcy", names) == "imagePullPolicy");
  CHECK(nearest_name("volumes", names).empty());
  CHECK(quoted("a\nb") == "\"a\\x0ab\"");
}
