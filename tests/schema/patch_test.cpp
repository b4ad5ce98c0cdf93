#include "schema/patch.h"

#include <catch2/catch.hpp>

#include <string>

#include "schema/json.h"
#include "schema/kinds/apps.h"
#include "schema/kinds/meta.h"
#include "schema/kinds/service.h"
#include "tests/schema/manifest.h"

namespace mainstay {
namespace {

using testing::parse;

Value json(std::string_view text) { return read_json(text).value(); }

struct Row {
  std::string_view target, patch, result;  // an empty result: an error
};

TEST_CASE("merge patch: the examples of RFC 7386") {
  const Row rows[] = {
      {R"({"a":"b"})", R"({"a":"c"})", R"({"a":"c"})"},
      {R"({"a":"b"})", R"({"b":"c"})", R"({"a":"b","b":"c"})"},
      {R"({"a":"b"})", R"({"a":null})", R"({})"},
      {R"({"a":"b","b":"c"})", R"({"a":null})", R"({"b":"c"})"},
      {R"({"a":["b"]})", R"({"a":"c"})", R"({"a":"c"})"},
      {R"({"a":"c"})", R"({"a":["b"]})", R"({"a":["b"]})"},
      {R"({"a":{"b":"c"}})", R"({"a":{"b":"d","c":null}})", R"({"a":{"b":"d"}})"},
      {R"({"a":[{"b":"c"}]})", R"({"a":[1]})", R"({"a":[1]})"},
      {R"(["a","b"])", R"(["c","d"])", R"(["c","d"])"},
      {R"({"a":"b"})", R"(["c"])", R"(["c"])"},
      {R"({"a":"foo"})", R"(null)", R"(null)"},
      {R"({"a":"foo"})", R"("bar")", R"("bar")"},
      {R"({"e":null})", R"({"a":1})", R"({"e":null,"a":1})"},
      {R"([1,2])", R"({"a":"b","c":null})", R"({"a":"b"})"},
      {R"({})", R"({"a":{"bb":{"ccc":null}}})", R"({"a":{"bb":{}}})"},
  };
  for (const Row& row : rows) {
    INFO(row.target << " + " << row.patch);
    CHECK(to_json(merge_patch(json(row.target), json(row.patch))) == row.result);
  }
}

TEST_CASE("JSON patch: the examples of RFC 6902 and its errors") {
  const Row rows[] = {
      {R"({"foo":"bar"})", R"([{"op":"add","path":"/baz","value":"qux"}])", R"({"foo":"bar","baz":"qux"})"},
      {R"({"foo":["bar","baz"]})", R"([{"op":"add","path":"/foo/1","value":"qux"}])", R"({"foo":["bar","qux","baz"]})"},
      {R"({"baz":"qux","foo":"bar"})", R"([{"op":"remove","path":"/baz"}])", R"({"foo":"bar"})"},
      {R"({"foo":["bar","qux","baz"]})", R"([{"op":"remove","path":"/foo/1"}])", R"({"foo":["bar","baz"]})"},
      {R"({"baz":"qux"})", R"([{"op":"replace","path":"/baz","value":"boo"}])", R"({"baz":"boo"})"},
      {R"({"foo":{"bar":"baz","waldo":"fred"},"qux":{"corge":"grault"}})",
       R"([{"op":"move","from":"/foo/waldo","path":"/qux/thud"}])",
       R"({"foo":{"bar":"baz"},"qux":{"corge":"grault","thud":"fred"}})"},
      {R"({"foo":["all","grass","cows","eat"]})", R"([{"op":"move","from":"/foo/1","path":"/foo/3"}])",
       R"({"foo":["all","cows","eat","grass"]})"},
      {R"({"baz":"qux","foo":["a",2,"c"]})",
       R"([{"op":"test","path":"/baz","value":"qux"},{"op":"test","path":"/foo/1","value":2}])",
       R"({"baz":"qux","foo":["a",2,"c"]})"},
      {R"({"baz":"qux"})", R"([{"op":"test","path":"/baz","value":"bar"}])", ""},
      {R"({"foo":"bar"})", R"([{"op":"add","path":"/child","value":{"grandchild":{}}}])",
       R"({"foo":"bar","child":{"grandchild":{}}})"},
      {R"({"foo":"bar"})", R"([{"op":"add","path":"/baz/bat","value":"qux"}])", ""},
      {R"({"/":9,"~1":10})", R"([{"op":"test","path":"/~01","value":10}])", R"({"/":9,"~1":10})"},
      {R"({"/":9,"~1":10})", R"([{"op":"test","path":"/~01","value":"10"}])", ""},
      {R"({"foo":["bar"]})", R"([{"op":"add","path":"/foo/-","value":["abc","def"]}])", R"({"foo":["bar",["abc","def"]]})"},
      {R"({"a":1})", R"([{"op":"copy","from":"/a","path":"/b"}])", R"({"a":1,"b":1})"},
      {R"({"a":{"b":1}})", R"([{"op":"move","from":"/a","path":"/a/b"}])", ""},
      {R"({"a":[1]})", R"([{"op":"add","path":"/a/2","value":1}])", ""},
      {R"({"a":[1]})", R"([{"op":"remove","path":"/a/01"}])", ""},
      {R"({"a":[1]})", R"([{"op":"remove","path":"/a/-"}])", ""},
      {R"({"a":1})", R"([{"op":"replace","path":"/b","value":1}])", ""},
      {R"({"a":1})", R"([{"op":"remove","path":"/b"}])", ""},
      {R"({"a":1})", R"([{"op":"remove","path":"b"}])", ""},
      {R"({"a":1})", R"([{"op":"remove","path":"/b~2"}])", ""},
      {R"({"a":1})", R"([{"op":"add","path":"/b"}])", ""},
      {R"({"a":1})", R"([{"op":"frobnicate","path":"/a"}])", ""},
      {R"({"a":1})", R"([{"op":"remove"}])", ""},
      {R"({"a":1})", R"({"op":"remove","path":"/a"})", ""},
      {R"({"a":1})", R"([{"op":"replace","path":"","value":{"b":2}}])", R"({"b":2})"},
  };
  for (const Row& row : rows) {
    INFO(row.target << " + " << row.patch);
    Result<Value> result = json_patch(json(row.target), json(row.patch));
    if (row.result.empty()) {
      REQUIRE_FALSE(result.ok());
      CHECK(result.error().code == ErrorCode::kInvalid);
    } else {
      REQUIRE(result.ok());
      CHECK(to_json(*result) == row.result);
    }
  }
}

TEST_CASE("JSON patch messages name the place and never the value") {
  Result<Value> result = json_patch(json(R"({"a":"hunter2"})"), json(R"([{"op":"test","path":"/a","value":"x"}])"));
  REQUIRE_FALSE(result.ok());
  CHECK(result.error().message == "test: the value at \"/a\" is not the expected one");
}

TEST_CASE("strategic merge patch of a pod spec") {
  const Row rows[] = {
      {"{containers: [{name: a, image: x, tty: true}, {name: b}]}", "{containers: [{name: a, image: y}]}",
       "{containers: [{name: a, image: y, tty: true}, {name: b}]}"},
      {"{containers: [{name: a}]}", "{containers: [{name: b, image: y}]}",
       "{containers: [{name: a}, {name: b, image: y}]}"},
      {"{containers: [{name: a}, {name: b}]}", "{containers: [{name: a, $patch: delete}]}", "{containers: [{name: b}]}"},
      {"{containers: [{name: a}, {name: b}]}", "{containers: [{name: c}, {$patch: replace}]}", "{containers: [{name: c}]}"},
      {"{containers: [{name: a}, {name: b}]}",
       "{containers: [{name: c}], $setElementOrder/containers: [{name: c}, {name: b}, {name: a}]}",
       "{containers: [{name: c}, {name: b}, {name: a}]}"},
      {"{containers: [{name: a}, {name: x}, {name: b}]}", "{$setElementOrder/containers: [{name: b}, {name: a}]}",
       "{containers: [{name: b}, {name: x}, {name: a}]}"},
      {"{containers: [{name: a, args: [x, y]}]}", "{containers: [{name: a, args: [z]}]}",
       "{containers: [{name: a, args: [z]}]}"},
      {"{containers: [{name: a, env: [{name: A, value: b}, {name: C, value: d}]}]}",
       "{containers: [{name: a, env: [{name: C, value: null, valueFrom: {fieldRef: {fieldPath: p}}}]}]}",
       "{containers: [{name: a, env: [{name: A, value: b}, {name: C, valueFrom: {fieldRef: {fieldPath: p}}}]}]}"},
      {"{containers: [{name: a, ports: [{containerPort: 80, name: x}]}]}",
       "{containers: [{name: a, ports: [{containerPort: 80, name: z}, {containerPort: 81}]}]}",
       "{containers: [{name: a, ports: [{containerPort: 80, name: z}, {containerPort: 81}]}]}"},
      {"{tolerations: [{key: a}, {key: b}]}", "{tolerations: [{key: c}]}", "{tolerations: [{key: c}]}"},
      {"{nodeSelector: {a: b, c: d}}", "{nodeSelector: {a: null, e: f}}", "{nodeSelector: {c: d, e: f}}"},
      {"{nodeSelector: {a: b, c: d}}", "{nodeSelector: {$patch: replace, e: f}}", "{nodeSelector: {e: f}}"},
      {"{nodeSelector: {a: b, c: d}}", "{nodeSelector: {$patch: delete}}", "{nodeSelector: {}}"},
      {"{volumes: [{name: a, emptyDir: {}}]}", "{volumes: [{name: a, $retainKeys: [name, configMap], configMap: {name: c}}]}",
       "{volumes: [{name: a, configMap: {name: c}}]}"},
      {"{hostname: a}", "{hostname: null, subdomain: b}", "{subdomain: b}"},
      {"{hostname: a}", "{affinity: {nodeAffinity: null, podAffinity: {}}}", "{hostname: a, affinity: {podAffinity: {}}}"},
      {"{containers: [{name: a}]}", "{containers: [{image: x}]}", ""},
      {"{containers: [{name: a}]}", "{containers: [x]}", ""},
      {"{nodeSelector: {a: b}}", "{nodeSelector: {$patch: explode}}", ""},
      {"{volumes: [{name: a}]}", "{volumes: [{name: a, $retainKeys: [name], configMap: {name: c}}]}", ""},
  };
  for (const Row& row : rows) {
    INFO(row.target << " + " << row.patch);
    Result<Value> result = strategic_merge_patch(parse(row.target), parse(row.patch), PodSpec::kType);
    if (row.result.empty()) {
      REQUIRE_FALSE(result.ok());
      CHECK(result.error().code == ErrorCode::kInvalid);
    } else {
      REQUIRE(result.ok());
      CHECK(to_json(*result) == to_json(parse(row.result)));
    }
  }
}

TEST_CASE("strategic merge patch: primitive sets, unions, conditions") {
  auto patched = [](std::string_view target, std::string_view patch, const TypeDesc& type) {
    return to_json(*strategic_merge_patch(parse(target), parse(patch), type));
  };
  CHECK(patched("{finalizers: [a, b]}", "{finalizers: [c], $deleteFromPrimitiveList/finalizers: [a]}",
                ObjectMeta::kType) == R"({"finalizers":["b","c"]})");
  CHECK(patched("{finalizers: [a, b]}", "{$deleteFromPrimitiveList/finalizers: [b]}", ObjectMeta::kType) ==
        R"({"finalizers":["a"]})");
  CHECK(patched("{strategy: {type: RollingUpdate, rollingUpdate: {maxSurge: 1}}}",
                "{strategy: {$retainKeys: [type], type: Recreate}}", DeploymentSpec::kType) ==
        R"({"strategy":{"type":"Recreate"}})");
  CHECK(patched("{conditions: [{type: A, status: 'True'}]}", "{conditions: [{type: A, status: 'False'}, {type: B}]}",
                DeploymentStatus::kType) == R"({"conditions":[{"type":"A","status":"False"},{"type":"B"}]})");
  CHECK(patched("{ports: [{port: 80, name: a}]}", "{ports: [{port: 80, nodePort: 30000}]}", ServiceSpec::kType) ==
        R"({"ports":[{"port":80,"name":"a","nodePort":30000}]})");
}

TEST_CASE("patches of whole objects reach the metadata") {
  Value target = parse("{apiVersion: apps/v1, kind: Deployment, metadata: {name: a, finalizers: [x], labels: {a: b}}, "
                       "spec: {replicas: 1}}");
  const KindInfo& kind = kind_info(Kind::kDeployment);
  Value strategic = *patch_object(
      PatchType::kStrategic, target,
      parse("{metadata: {finalizers: [z], labels: {a: null, c: d}}, spec: {template: {metadata: {annotations: "
            "{kubectl.kubernetes.io/restartedAt: now}}}}}"),
      kind);
  CHECK(to_json(strategic) ==
        R"({"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"a","finalizers":["x","z"],)"
        R"("labels":{"c":"d"}},"spec":{"replicas":1,"template":{"metadata":{"annotations":)"
        R"({"kubectl.kubernetes.io/restartedAt":"now"}}}}})");
  Value merged = *patch_object(PatchType::kMerge, target, parse("{spec: {replicas: 4}}"), kind);
  CHECK(merged.find_path({"spec", "replicas"})->as_int() == 4);
  CHECK_FALSE(patch_object(PatchType::kMerge, target, parse("[1]"), kind).ok());
  CHECK_FALSE(patch_object(PatchType::kStrategic, target, parse("[1]"), kind).ok());
}

TEST_CASE("patch types by media type") {
  CHECK(patch_type("application/json-patch+json") == PatchType::kJson);
  CHECK(patch_type("application/merge-patch+json; charset=utf-8") == PatchType::kMerge);
  CHECK(patch_type("application/strategic-merge-patch+json") == PatchType::kStrategic);
  CHECK(patch_type("application/apply-patch+yaml") == PatchType::kApply);
  CHECK_FALSE(patch_type("application/json").has_value());
}

}  // namespace
}  // namespace mainstay
