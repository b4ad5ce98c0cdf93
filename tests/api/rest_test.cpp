// The REST API over a real connection: reads, writes, errors, selectors, pages.
#include <catch2/catch.hpp>

#include "schema/base/clock.h"
#include "schema/json.h"
#include "tests/api/api_rig.h"

namespace mainstay::test {
namespace {

const std::string kMaps = "/api/v1/namespaces/default/configmaps";
const std::string kDeployments = "/apis/apps/v1/namespaces/default/deployments";
const std::string kPods = "/api/v1/namespaces/default/pods";

std::string map_json(const std::string& name, const std::string& value, const std::string& labels = "") {
  return R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":")" + name + R"(","labels":{)" + labels +
         R"(}},"data":{"k":")" + value + "\"}}";
}

std::string pod_json(const std::string& name, const std::string& phase, const std::string& node = "") {
  return R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":")" + name +
         R"(","namespace":"default","labels":{"app":"web"}},"spec":{"nodeName":")" + node +
         R"(","containers":[{"name":"c","image":"i"}]},"status":{"phase":")" + phase + "\"}}";
}

std::string deployment_json(const std::string& name, int replicas) {
  return R"({"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":")" + name +
         R"("},"spec":{"replicas":)" + std::to_string(replicas) +
         R"(,"selector":{"matchLabels":{"app":"web"}},"template":{"metadata":{"labels":{"app":"web"}},)"
         R"("spec":{"containers":[{"name":"c","image":"i:1"}]}}}})";
}

std::string names_of(const Answered& answered) {
  std::string out;
  Value json = answered.json();
  const Value* items = json.find("items");
  if (!items || !items->is_list()) return "no list";
  for (const Value& item : items->as_list()) {
    out += (out.empty() ? "" : " ") + std::string(item.find("metadata")->string_at("name"));
  }
  return out;
}

std::string text_at(const Answered& answered, std::initializer_list<std::string_view> path) {
  Value json = answered.json();
  const Value* value = json.find_path(path);
  if (!value) return "absent";
  return value->is_string() ? value->as_string() : to_json(*value);
}

}  // namespace

TEST_CASE("without a credential there is only health and version") {
  ApiRig rig;
  CHECK(rig.ask_as("", {"GET", "/healthz"}).body == "ok");
  CHECK(rig.ask_as("", {"GET", "/version"}).status == 200);
  Answered refused = rig.ask_as("", {"GET", kPods});
  CHECK(refused.status == 401);
  CHECK(text_at(refused, {"reason"}) == "Unauthorized");
  CHECK(rig.ask_as("wrong", {"GET", "/apis"}).status == 401);
}

TEST_CASE("an object is created, read, replaced and deleted") {
  ApiRig rig;
  Answered created = rig.post(kMaps, map_json("a", "1"));
  REQUIRE(created.status == 201);
  std::string uid = text_at(created, {"metadata", "uid"}), version = text_at(created, {"metadata", "resourceVersion"});
  CHECK(uid.size() == 36);
  Answered got = rig.get(kMaps + "/a");
  CHECK(got.status == 200);
  CHECK(text_at(got, {"data", "k"}) == "1");
  CHECK(text_at(got, {"kind"}) == "ConfigMap");
  CHECK(text_at(got, {"metadata", "resourceVersion"}) == version);

  Answered twice = rig.post(kMaps, map_json("a", "1"));
  CHECK(twice.status == 409);
  CHECK(text_at(twice, {"reason"}) == "AlreadyExists");
  CHECK(text_at(twice, {"message"}) == "configmaps \"a\" already exists");

  std::string stale = R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","resourceVersion":"1"},"data":{"k":"2"}})";
  Answered conflict = rig.ask({"PUT", kMaps + "/a", stale, "Content-Type: application/json\r\n"});
  CHECK(conflict.status == 409);
  CHECK(text_at(conflict, {"reason"}) == "Conflict");
  Answered put = rig.ask({"PUT", kMaps + "/a", map_json("a", "2"), "Content-Type: application/json\r\n"});
  CHECK(put.status == 200);
  CHECK(text_at(put, {"data", "k"}) == "2");
  CHECK(rig.ask({"PUT", kMaps + "/a", map_json("b", "2"), "Content-Type: application/json\r\n"}).status == 400);

  Answered removed = rig.ask({"DELETE", kMaps + "/a"});
  CHECK(removed.status == 200);
  CHECK(text_at(removed, {"status"}) == "Success");
  CHECK(text_at(removed, {"details", "uid"}) == uid);
  CHECK(text_at(removed, {"details", "kind"}) == "configmaps");
  Answered gone = rig.get(kMaps + "/a");
  CHECK(gone.status == 404);
  CHECK(text_at(gone, {"message"}) == "configmaps \"a\" not found");
  CHECK(text_at(rig.get(kDeployments + "/x"), {"message"}) == "deployments.apps \"x\" not found");
}

TEST_CASE("bodies may be YAML, may lack a content type, and must fit the URL") {
  ApiRig rig;
  Answered yaml = rig.ask({"POST", kMaps, "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: from-yaml\ndata:\n  k: \"1\"\n",
                           "Content-Type: application/yaml\r\n"});
  INFO(yaml.body);
  CHECK(yaml.status == 201);
  CHECK(rig.ask({"POST", kMaps, map_json("plain", "1")}).status == 201);
  CHECK(rig.ask({"POST", kMaps, "metadata: {name: bare}\n"}).status == 201);
  CHECK(rig.ask({"POST", kMaps, map_json("z", "1"), "Content-Type: image/png\r\n"}).status == 415);
  Answered kind = rig.post(kMaps, deployment_json("a", 1));
  CHECK(kind.status == 400);
  CHECK(text_at(kind, {"reason"}) == "BadRequest");
  CHECK(rig.post(kMaps, R"({"metadata":{"name":"n","namespace":"other"}})").status == 400);
  CHECK(rig.post(kMaps, "{").status == 400);
  CHECK(rig.post(kMaps, "[]").status == 400);
  CHECK(rig.ask({"POST", kMaps}).status == 400);  // no body at all
  CHECK(rig.post("/api/v1/namespaces/none/configmaps", map_json("a", "1")).status == 404);
}

TEST_CASE("unknown fields: refused, warned of, or ignored, as asked") {
  ApiRig rig;
  std::string body = R"({"metadata":{"name":"u"},"bogus":1,"data":{"k":"v"}})";
  Answered strict = rig.post(kMaps + "?fieldValidation=Strict", body);
  CHECK(strict.status == 400);
  CHECK(text_at(strict, {"message"}).find("strict decoding error: unknown field \"bogus\"") != std::string::npos);
  Answered warned = rig.post(kMaps + "?fieldValidation=Warn&dryRun=All", body);
  CHECK(warned.status == 201);
  CHECK(warned.head.find("Warning: 299 - \"unknown field \\\"bogus\\\"") != std::string::npos);
  Answered ignored = rig.post(kMaps + "?fieldValidation=Ignore", body);
  CHECK(ignored.status == 201);
  CHECK(ignored.head.find("Warning") == std::string::npos);
  CHECK(rig.post(kMaps + "?fieldValidation=Maybe", body).status == 400);
}

TEST_CASE("a dry run changes nothing") {
  ApiRig rig;
  uint64_t before = rig.core.current()->view.version();
  CHECK(rig.post(kMaps + "?dryRun=All", map_json("d", "1")).status == 201);
  CHECK(rig.get(kMaps + "/d").status == 404);
  CHECK(rig.core.current()->view.version() == before);
  CHECK(rig.post(kMaps + "?dryRun=Some", map_json("d", "1")).status == 400);
}

TEST_CASE("patches of all types") {
  ApiRig rig;
  REQUIRE(rig.post(kDeployments, deployment_json("web", 1)).status == 201);
  auto patch = [&](const std::string& type, const std::string& body, const std::string& query = "") {
    return rig.ask({"PATCH", kDeployments + "/web" + query, body, "Content-Type: " + type + "\r\n"});
  };
  Answered merged = patch("application/merge-patch+json", R"({"metadata":{"labels":{"x":"y"}}})");
  CHECK(merged.status == 200);
  CHECK(text_at(merged, {"metadata", "labels", "x"}) == "y");
  Answered strategic = patch("application/strategic-merge-patch+json",
                             R"({"spec":{"template":{"spec":{"containers":[{"name":"c","image":"i:2"}]}}}})");
  CHECK(strategic.status == 200);
  CHECK(strategic.body.find("\"image\":\"i:2\"") != std::string::npos);
  CHECK(text_at(strategic, {"metadata", "labels", "x"}) == "y");
  CHECK(patch("application/json-patch+json", R"([{"op":"replace","path":"/spec/replicas","value":3}])").status == 200);
  CHECK(text_at(rig.get(kDeployments + "/web"), {"spec", "replicas"}) == "3");
  CHECK(patch("application/json-patch+json", "{}").status == 400);
  CHECK(patch("application/json", "{}").status == 415);
  Answered stale = patch("application/merge-patch+json", R"({"metadata":{"resourceVersion":"1"}})");
  CHECK(stale.status == 409);
  Answered applied = patch("application/apply-patch+yaml", "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\n"
                                                           "spec:\n  replicas: 5\n", "?fieldManager=kubectl&force=true");
  CHECK(applied.status == 200);
  CHECK(text_at(applied, {"spec", "replicas"}) == "5");
  CHECK(patch("application/apply-patch+yaml", "{}").status == 422);
}

TEST_CASE("scale is read, put without a content type, and patched") {
  ApiRig rig;
  REQUIRE(rig.post(kDeployments, deployment_json("web", 2)).status == 201);
  Answered scale = rig.get(kDeployments + "/web/scale");
  CHECK(text_at(scale, {"kind"}) == "Scale");
  CHECK(text_at(scale, {"spec", "replicas"}) == "2");
  CHECK(text_at(scale, {"status", "selector"}) == "app=web");
  std::string body = R"({"kind":"Scale","apiVersion":"autoscaling/v1","metadata":{"name":"web"},"spec":{"replicas":4}})";
  Answered put = rig.ask({"PUT", kDeployments + "/web/scale", body});
  CHECK(put.status == 200);
  CHECK(text_at(put, {"spec", "replicas"}) == "4");
  Answered patched = rig.ask({"PATCH", kDeployments + "/web/scale", R"({"spec":{"replicas":0}})",
                              "Content-Type: application/merge-patch+json\r\n"});
  CHECK(patched.status == 200);
  CHECK(text_at(rig.get(kDeployments + "/web"), {"spec", "replicas"}) == "0");
  CHECK(rig.ask({"PUT", kDeployments + "/web/scale", R"({"spec":{"replicas":-1}})"}).status == 422);
  CHECK(rig.ask({"PUT", kDeployments + "/none/scale", body}).status == 404);
  CHECK(rig.get(kMaps + "/x/scale").status == 404);
}

TEST_CASE("lists: selectors, pages, versions") {
  ApiRig rig;
  for (int i = 0; i < 7; ++i) {
    std::string label = i % 2 ? R"("odd":"yes")" : R"("odd":"no")";
    REQUIRE(rig.post(kMaps, map_json("m" + std::to_string(i), "v", label)).status == 201);
  }
  CHECK(names_of(rig.get(kMaps)) == "m0 m1 m2 m3 m4 m5 m6");
  CHECK(names_of(rig.get("/api/v1/configmaps")) == "m0 m1 m2 m3 m4 m5 m6");
  CHECK(names_of(rig.get(kMaps + "?labelSelector=odd%3Dyes")) == "m1 m3 m5");
  CHECK(names_of(rig.get(kMaps + "?labelSelector=odd+notin+(yes)")) == "m0 m2 m4 m6");
  CHECK(names_of(rig.get(kMaps + "?fieldSelector=metadata.name%3Dm3")) == "m3");
  CHECK(names_of(rig.get(kMaps + "?fieldSelector=metadata.name!%3Dm3&labelSelector=odd%3Dyes")) == "m1 m5");
  CHECK(rig.get(kMaps + "?labelSelector=a+in+b").status == 400);
  Answered unknown = rig.get(kMaps + "?fieldSelector=spec.x%3Dy");
  CHECK(unknown.status == 400);
  CHECK(text_at(unknown, {"message"}) == "field label not supported: spec.x");

  Answered first = rig.get(kMaps + "?limit=3");
  CHECK(names_of(first) == "m0 m1 m2");
  CHECK(text_at(first, {"metadata", "remainingItemCount"}) == "4");
  std::string token = text_at(first, {"metadata", "continue"}), version = text_at(first, {"metadata", "resourceVersion"});
  rig.core.remove({Kind::kConfigMap, "default", "m4"});  // the list goes on in its own version
  Answered second = rig.get(kMaps + "?limit=3&continue=" + token);
  CHECK(names_of(second) == "m3 m4 m5");
  CHECK(text_at(second, {"metadata", "resourceVersion"}) == version);
  Answered last = rig.get(kMaps + "?limit=3&continue=" + text_at(second, {"metadata", "continue"}));
  CHECK(names_of(last) == "m6");
  CHECK(text_at(last, {"metadata", "continue"}) == "absent");
  CHECK(names_of(rig.get(kMaps + "?limit=3&labelSelector=odd%3Dyes")) == "m1 m3 m5");
  CHECK(text_at(rig.get(kMaps + "?limit=3&labelSelector=odd%3Dyes"), {"metadata", "continue"}) == "absent");
  CHECK(rig.get(kMaps + "?continue=nonsense").status == 400);
  CHECK(rig.get(kMaps + "?limit=x").status == 400);
  Answered future = rig.get(kMaps + "?resourceVersion=999999");
  CHECK(future.status == 504);
}

TEST_CASE("pods are selected by node and phase") {
  ApiRig rig;
  rig.core.put(pod_json("a", "Running", "n1"));
  rig.core.put(pod_json("b", "Succeeded", "n1"));
  rig.core.put(pod_json("c", "Pending"));
  CHECK(names_of(rig.get("/api/v1/pods?fieldSelector=spec.nodeName%3Dn1")) == "a b");
  CHECK(names_of(rig.get("/api/v1/pods?fieldSelector=spec.nodeName%3D")) == "c");
  CHECK(names_of(rig.get("/api/v1/pods?fieldSelector=spec.nodeName%3Dn1,status.phase!%3DSucceeded,"
                         "status.phase!%3DFailed")) == "a");
}

TEST_CASE("what is not there is said plainly") {
  ApiRig rig;
  CHECK(rig.get("/nothing").status == 404);
  CHECK(rig.get("/apis/nothing.io/v1/things").status == 404);
  CHECK(rig.get("/api/v1/namespaces/default/nodes").status == 404);
  CHECK(rig.ask({"PUT", kMaps}).status == 405);
  CHECK(rig.ask({"BREW", kMaps}).status == 400);
  CHECK(rig.get(kPods + "/x/exec?command=sh").status == 501);
  CHECK(rig.get(kMaps, "Accept: application/vnd.kubernetes.protobuf\r\n").status == 406);
  CHECK(rig.get(kMaps, "Accept: application/vnd.kubernetes.protobuf,application/json\r\n").status == 200);
}

TEST_CASE("metadata alone, if that is all a client wants") {
  ApiRig rig;
  rig.post(kMaps, map_json("a", "secret-value"));
  Answered partial = rig.get(kMaps, "Accept: application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1\r\n");
  CHECK(text_at(partial, {"kind"}) == "PartialObjectMetadataList");
  CHECK(partial.body.find("secret-value") == std::string::npos);
  CHECK(names_of(partial) == "a");
}

TEST_CASE("a table has a row for each object, and its metadata") {
  ApiRig rig;
  rig.core.put(pod_json("a", "Running", "n1"));
  std::string accept = "Accept: application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;"
                       "g=meta.k8s.io,application/json\r\n";
  Answered table = rig.get(kPods, accept);
  CHECK(text_at(table, {"kind"}) == "Table");
  CHECK(text_at(table, {"apiVersion"}) == "meta.k8s.io/v1");
  Value json = table.json();
  REQUIRE(json.find("rows"));
  REQUIRE(json.find("rows")->as_list().size() == 1);
  const Value& row = json.find("rows")->as_list()[0];
  CHECK(row.find("cells")->as_list().size() == json.find("columnDefinitions")->as_list().size());
  CHECK(row.find("cells")->as_list()[0] == Value("a"));
  CHECK(row.find_path({"object", "kind"})->as_string() == "PartialObjectMetadata");
  Answered whole = rig.get(kPods + "/a?includeObject=Object", accept);
  CHECK(whole.json().find("rows")->as_list()[0].find_path({"object", "kind"})->as_string() == "Pod");
}

TEST_CASE("a collection is deleted as a whole") {
  ApiRig rig;
  rig.post(kMaps, map_json("a", "1", R"("x":"y")"));
  rig.post(kMaps, map_json("b", "1"));
  rig.post(kMaps, map_json("c", "1", R"("x":"y")"));
  CHECK(rig.ask({"DELETE", kMaps + "?labelSelector=x%3Dy"}).status == 200);
  CHECK(names_of(rig.get(kMaps)) == "b");
  CHECK(rig.ask({"DELETE", kMaps + "?labelSelector=none"}).status == 200);
}

TEST_CASE("DeleteOptions are taken from body and query") {
  ApiRig rig;
  rig.post(kMaps, map_json("a", "1"));
  Answered wrong = rig.ask({"DELETE", kMaps + "/a", R"({"preconditions":{"uid":"other"}})"});
  CHECK(wrong.status == 409);
  CHECK(rig.ask({"DELETE", kMaps + "/a", R"({"propagationPolicy":"Maybe"})"}).status == 400);
  CHECK(rig.ask({"DELETE", kMaps + "/a", R"({"dryRun":["All"]})"}).status == 200);
  CHECK(rig.get(kMaps + "/a").status == 200);
  CHECK(rig.ask({"DELETE", kMaps + "/a?propagationPolicy=Orphan&gracePeriodSeconds=0"}).status == 200);
  std::vector<ApiWrite> writes = rig.core.writes();
  REQUIRE_FALSE(writes.empty());
  CHECK(writes.back().delete_options.propagation == Propagation::kOrphan);
  CHECK(writes.back().delete_options.grace_seconds == 0);
}

TEST_CASE("questions about oneself") {
  ApiRig rig;
  std::string target = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
  std::string body = R"({"spec":{"resourceAttributes":{"verb":"get","resource":"pods"}}})";
  Answered mine = rig.post(target, body);
  CHECK(mine.status == 201);
  CHECK(text_at(mine, {"status", "allowed"}) == "true");
  CHECK(text_at(mine, {"spec", "resourceAttributes", "verb"}) == "get");
  std::string node = rig.tokens->issue_node_credential("n1", "", read_clock().wall)->text;
  Answered nodes = rig.ask_as(node, {"POST", target, body, "Content-Type: application/json\r\n"});
  CHECK(text_at(nodes, {"status", "allowed"}) == "false");
  Answered who = rig.ask_as(node, {"POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", "{}"});
  CHECK(text_at(who, {"status", "userInfo", "username"}) == "system:node:n1");
  who = rig.ask_as(node, {"POST", "/apis/authentication.k8s.io/v1beta1/selfsubjectreviews", "{}"});  // kubectl 1.27
  CHECK(text_at(who, {"apiVersion"}) == "authentication.k8s.io/v1beta1");
  CHECK(text_at(who, {"status", "userInfo", "username"}) == "system:node:n1");
  CHECK(rig.post("/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", R"({"spec":{"namespace":"default"}})").status == 201);
}

TEST_CASE("readiness says what is wrong") {
  ApiRig rig;
  CHECK(rig.ask_as("", {"GET", "/readyz"}).body == "ok");
  rig.core.set_trouble("the disk is full");
  Answered trouble = rig.ask_as("", {"GET", "/readyz"});
  CHECK(trouble.status == 503);
  CHECK(trouble.body.find("[-]store failed: the disk is full") != std::string::npos);
  CHECK(rig.ask_as("", {"GET", "/livez?verbose"}).body.find("livez check passed") != std::string::npos);
}

TEST_CASE("metrics count what was served") {
  ApiRig rig;
  rig.post(kMaps, map_json("a", "1"));
  Answered metrics = rig.get("/metrics");
  CHECK(metrics.status == 200);
  CHECK(metrics.body.find("mainstay_objects{resource=\"configmaps\"} 1") != std::string::npos);
  CHECK(metrics.body.find("verb=\"create\"") != std::string::npos);
}

}  // namespace mainstay::test
