#include "reconciler/api/discovery.h"

#include <catch2/catch.hpp>

#include "reconciler/api/negotiate.h"
#include "reconciler/api/openapi_v2.h"
#include "schema/base/crypto.h"
#include "schema/json.h"
#include "schema/kind.h"

namespace mainstay::api {
namespace {

Response ask(const Discovery& discovery, const std::string& path, const std::string& accept = "") {
  Request request;
  request.method = "GET";
  request.path = path;
  if (!accept.empty()) request.headers = {{"Accept", accept}};
  return discovery.answer(request);
}

Value json(const Response& response) {
  REQUIRE(response.body);
  Result<Value> parsed = read_json(*response.body);
  REQUIRE(parsed.ok());
  return *parsed;
}

const Value* named(const Value& list, std::string_view key, std::string_view name) {
  for (const Value& item : list.as_list()) {
    if (item.string_at(key) == name) return &item;
  }
  return nullptr;
}

}  // namespace

TEST_CASE("the OpenAPI v2 document tells old clients that every kind's PATCH takes a dry run, and holds no schemas") {
  std::string document = openapi_v2("v1.33.0+mainstay");
  // Composed by hand from the field numbers of openapi.v2.Document.
  std::string begins = unhex("0a03322e3012150a0a4b756265726e65746573120776312e33332e3042").value();
  CHECK(document.substr(0, begins.size()) == begins);
  CHECK(document.substr(document.size() - 2) == unhex("4a00").value());
  // 8: {1: {2: {3: {2: "query", 4: "dryRun"}}}}
  std::string parameter = unhex("42150a1312111a0f12057175657279").value() + unhex("2206").value() + "dryRun";
  CHECK(document.find(parameter) != std::string::npos);
  CHECK(document.find("/apis/apps/v1/namespaces/{namespace}/deployments/{name}") != std::string::npos);
  CHECK(document.find("group: \"apps\"\nkind: \"Deployment\"\nversion: \"v1\"\n") != std::string::npos);
  size_t found = 0;
  for (size_t at = document.find("dryRun"); at != std::string::npos; at = document.find("dryRun", at + 1)) ++found;
  CHECK(found == all_kinds().size());
  Discovery discovery("v1.33.0+mainstay");
  Response response = ask(discovery, "/openapi/v2");
  CHECK(*response.body == document);
  CHECK(response.content_type == "application/com.github.proto-openapi.spec.v2.v1.0+protobuf");
}

TEST_CASE("legacy discovery lists every kind with its subresources") {
  Discovery discovery("v1.33.0");
  CHECK(json(ask(discovery, "/api")).string_at("kind") == "APIVersions");
  Value groups = json(ask(discovery, "/apis"));
  CHECK(named(*groups.find("groups"), "name", "apps"));
  CHECK(named(*groups.find("groups"), "name", "argoproj.io"));
  Value apps = json(ask(discovery, "/apis/apps/v1"));
  const Value* deployments = named(*apps.find("resources"), "name", "deployments");
  REQUIRE(deployments);
  CHECK(to_json(*deployments->find("shortNames")) == R"(["deploy"])");
  CHECK(to_json(*deployments->find("categories")) == R"(["all"])");
  CHECK(deployments->find("namespaced")->as_bool());
  const Value* scale = named(*apps.find("resources"), "name", "deployments/scale");
  REQUIRE(scale);
  CHECK(scale->string_at("kind") == "Scale");
  CHECK(scale->string_at("group") == "autoscaling");
  Value core = json(ask(discovery, "/api/v1"));
  const Value* eviction = named(*core.find("resources"), "name", "pods/eviction");
  REQUIRE(eviction);
  CHECK(eviction->string_at("group") == "policy");
  CHECK(named(*core.find("resources"), "name", "pods/log"));
  CHECK_FALSE(named(*core.find("resources"), "name", "nodes")->find("namespaced")->as_bool());
  CHECK(json(ask(discovery, "/apis/apps")).string_at("kind") == "APIGroup");
  CHECK(ask(discovery, "/apis/none").body == nullptr);
  size_t listed = 0;
  for (const KindInfo& info : all_kinds()) {
    std::string base = info.group.empty() ? "/api/" : "/apis/";
    Value resources = json(ask(discovery, base + info.api_version()));
    listed += named(*resources.find("resources"), "name", info.plural) != nullptr;
  }
  CHECK(listed == all_kinds().size());
}

TEST_CASE("aggregated discovery names the version it answers in") {
  Discovery discovery("v1.33.0");
  std::string v2 = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
  std::string v2beta1 = "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList";
  Response both = ask(discovery, "/apis", v2 + "," + v2beta1 + ",application/json");
  CHECK(both.content_type == v2);
  CHECK(json(both).string_at("apiVersion") == "apidiscovery.k8s.io/v2");
  Response old = ask(discovery, "/apis", v2beta1 + ",application/json");
  CHECK(old.content_type == v2beta1);
  CHECK(json(old).string_at("apiVersion") == "apidiscovery.k8s.io/v2beta1");
  Value core = json(ask(discovery, "/api", v2));
  REQUIRE(core.find("items")->as_list().size() == 1);
  const Value& item = core.find("items")->as_list()[0];
  CHECK_FALSE(item.find_path({"metadata", "name"}));
  const Value* pods = named(*item.find("versions")->as_list()[0].find("resources"), "resource", "pods");
  REQUIRE(pods);
  CHECK(pods->string_at("scope") == "Namespaced");
  CHECK(named(*pods->find("subresources"), "subresource", "status"));
  CHECK(ask(discovery, "/apis", "text/html").status == 406);
}

TEST_CASE("the version document is one that kubectl can parse") {
  Value version = json(ask(Discovery("v1.33.0+mainstay"), "/version"));
  CHECK(version.string_at("major") == "1");
  CHECK(version.string_at("minor") == "33");
  CHECK(version.string_at("gitVersion") == "v1.33.0+mainstay");
}

TEST_CASE("the first form that we can serve wins") {
  CHECK(accept_objects("").form == Form::kJson);
  CHECK(accept_objects("*/*").form == Form::kJson);
  CHECK(accept_objects("application/vnd.kubernetes.protobuf, application/json").form == Form::kJson);
  CHECK(accept_objects("application/vnd.kubernetes.protobuf").form == Form::kNone);
  CHECK(accept_objects("application/json;as=Table;v=v1;g=meta.k8s.io,application/json").form == Form::kTable);
  CHECK(accept_objects("application/json; as=Table; g=meta.k8s.io; v=v1beta1").version == "v1beta1");
  CHECK(accept_objects("application/json;as=Table;v=v9;g=meta.k8s.io,application/json").form == Form::kJson);
  CHECK(accept_objects("application/json;as=Table;v=v9;g=meta.k8s.io").form == Form::kNone);
}

TEST_CASE("a body's form is told by its type, or by its look") {
  auto type = [](const std::string& content_type, const std::string& body) {
    Request request;
    if (!content_type.empty()) request.headers = {{"Content-Type", content_type}};
    request.body = body;
    return body_type(request);
  };
  CHECK(type("application/json; charset=utf-8", "") == BodyType::kJson);
  CHECK(type("application/strategic-merge-patch+json", "") == BodyType::kJson);
  CHECK(type("application/apply-patch+yaml", "") == BodyType::kYaml);
  CHECK(type("application/vnd.kubernetes.protobuf", "") == BodyType::kProtobuf);
  CHECK(type("", " {\"a\":1}") == BodyType::kJson);
  CHECK(type("", "a: 1") == BodyType::kYaml);
  CHECK(type("text/html", "") == BodyType::kUnknown);
}

}  // namespace mainstay::api
