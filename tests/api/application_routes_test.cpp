#include <catch2/catch.hpp>

#include "schema/json.h"
#include "tests/api/api_rig.h"

namespace mainstay::test {
namespace {

const std::string kDiff = "/mainstay/v1/applications/root/diff";

std::string object_json(const std::string& kind, const std::string& name, const std::string& data) {
  return R"({"apiVersion":"v1","kind":")" + kind + R"(","metadata":{"name":")" + name +
         R"(","namespace":"default"},"data":)" + data + "}";
}

}  // namespace

TEST_CASE("orders to applications reach the core") {
  ApiRig rig;
  CHECK(rig.post("/mainstay/v1/applications/main/rollback", R"({"commit":"abc"})").status == 200);
  CHECK(rig.post("/mainstay/v1/applications/main/dance", "{}").status == 404);
  REQUIRE(rig.core.orders().size() == 1);
  CHECK(rig.core.orders()[0].what == ApplicationOrder::What::kRollback);
  CHECK(rig.core.orders()[0].commit == "abc");
  CHECK(rig.core.orders()[0].actor == "user:admin");
  Answered made = rig.post("/agent/v1/tokens", "{}");
  std::string token(made.json().string_at("token"));
  CHECK(rig.ask_as(token, {"POST", "/mainstay/v1/applications/main/sync", "{}",
                           "Content-Type: application/json\r\n"})
            .status == 403);
}

TEST_CASE("diff names each field that is not as declared, and hides what is secret") {
  const std::string declared = object_json("ConfigMap", "a", R"({"x":"1"})");
  ApiRig rig;
  CHECK(rig.get(kDiff).status == 404);
  rig.core.declare("root", declared, "apps/a.yaml", 7);
  Value missing = rig.get(kDiff).json();
  CHECK(
      to_json(*missing.find("items")) ==
      R"([{"apiVersion":"v1","kind":"ConfigMap","namespace":"default","name":"a","path":"apps/a.yaml","line":7,)"
      R"("missing":true,"fields":[]}])");
  rig.core.put(declared);
  CHECK(to_json(*rig.get(kDiff).json().find("items")) == "[]");
  rig.core.put(object_json("ConfigMap", "a", R"({"x":"2","y":"3"})"));
  Value drifted = rig.get(kDiff).json();
  CHECK(to_json(*drifted.find_path({"items"})->as_list()[0].find("fields")) ==
        R"([{"path":"data[x]","live":"2","declared":"1"}])");
  rig.core.put(object_json("Secret", "s", R"({"p":"b25l"})"));
  rig.core.declare("root", object_json("Secret", "s", R"({"p":"dHdv"})"), "s.yaml", 1);
  Answered secret = rig.get(kDiff);
  CHECK(secret.json().find("items")->as_list().size() == 1);
  CHECK(secret.body.find("b25l") == std::string::npos);
  CHECK(secret.body.find("dHdv") == std::string::npos);
}

TEST_CASE("diff tells what is held from deletion though it is as it was declared") {
  const std::string declared = object_json("ConfigMap", "a", R"({"x":"1"})");
  ApiRig rig;
  rig.core.put(declared);
  rig.core.declare("root", declared, "apps/a.yaml", 7);
  REQUIRE(to_json(*rig.get(kDiff).json().find("items")) == "[]");
  rig.core.hold({{Kind::kConfigMap, "default", "a"}});
  CHECK(
      to_json(*rig.get(kDiff).json().find("items")) ==
      R"([{"apiVersion":"v1","kind":"ConfigMap","namespace":"default","name":"a","path":"apps/a.yaml","line":7,)"
      R"("held":true,"fields":[]}])");
}

TEST_CASE("history gives the commits seen, and no more than asked for") {
  api::ServiceSettings settings;
  size_t asked = 0;
  settings.commits = [&asked](const std::string& application,
                              size_t limit) -> Result<std::vector<CommitRow>> {
    asked = limit;
    CommitRow row;
    row.application = application;
    row.number = 4;
    row.commit = "abc";
    row.result = "refused";
    row.message = "web.yaml:3:1: no such field";
    return std::vector<CommitRow>{row};
  };
  ApiRig rig(false, std::move(settings));
  rig.core.declare("root", object_json("ConfigMap", "a", "{}"), "a.yaml", 1);
  Value history = rig.get("/mainstay/v1/applications/root/history?limit=3").json();
  CHECK(asked == 3);
  REQUIRE(history.find("items")->as_list().size() == 1);
  CHECK(history.find("items")->as_list()[0].string_at("result") == "refused");
  CHECK(rig.get("/mainstay/v1/applications/root/history?limit=x").status == 400);
  CHECK(rig.get("/mainstay/v1/applications/other/history").status == 404);
}

TEST_CASE("OpenAPI v3 has an index and a document for each group and version") {
  ApiRig rig;
  Value index = rig.get("/openapi/v3").json();
  const Value* apps = index.find_path({"paths", "apis/apps/v1"});
  REQUIRE(apps != nullptr);
  std::string url(apps->string_at("serverRelativeURL"));
  Answered document = rig.get(url);
  CHECK(document.status == 200);
  CHECK(document.json().find_path({"components", "schemas", "Deployment"}) != nullptr);
  std::string tag = url.substr(url.find("hash=") + 5);
  CHECK(rig.get(url, "If-None-Match: \"" + tag + "\"\r\n").status == 304);
  CHECK(rig.get("/openapi/v3/apis/none/v1").status == 404);
}

}  // namespace mainstay::test
