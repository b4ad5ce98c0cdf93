#include "schema/openapi.h"

#include <catch2/catch.hpp>

#include <string>

#include "schema/json.h"
#include "schema/kind.h"

namespace mainstay {
namespace {

const Value& schema(const Value& document, std::string_view name) {
  const Value* found = document.find_path({"components", "schemas", name});
  REQUIRE(found != nullptr);
  return *found;
}

// Every $ref in the tree names a schema of the document.
void check_references(const Value& at, const Value& document) {
  if (at.is_list()) {
    for (const Value& element : at.as_list()) check_references(element, document);
  }
  if (!at.is_map()) return;
  for (const Member& member : at.as_map()) {
    if (member.name == "$ref" && member.value.is_string()) {
      const std::string prefix = "#/components/schemas/";
      REQUIRE(member.value.as_string().starts_with(prefix));
      const Value& found = schema(document, member.value.as_string().substr(prefix.size()));
      CHECK(found.string_at("type") == "object");
    }
    check_references(member.value, document);
  }
}

TEST_CASE("every group and version has a document whose references hold") {
  Value index = openapi_index();
  for (const KindInfo& info : all_kinds()) {
    INFO(info.kind);
    std::string path = openapi_path(info.group, info.version);
    const Value* entry = index.find("paths")->find(path);
    REQUIRE(entry != nullptr);
    CHECK(entry->string_at("serverRelativeURL").starts_with("/openapi/v3/" + path + "?hash="));
    std::optional<Value> document = openapi_document(path);
    REQUIRE(document);
    const Value& kind = schema(*document, info.type->name);
    CHECK(kind.find_path({"properties", "metadata"}) != nullptr);
    CHECK(kind.find("x-kubernetes-group-version-kind")->as_list()[0].string_at("kind") == info.kind);
    for (const FieldDesc& field : info.type->fields) CHECK(kind.find("properties")->find(field.name) != nullptr);
  }
  check_references(*openapi_document("api/v1"), *openapi_document("api/v1"));
  check_references(*openapi_document("apis/apps/v1"), *openapi_document("apis/apps/v1"));
  CHECK_FALSE(openapi_document("apis/none/v1").has_value());
}

// `kubectl explain --recursive` stops at a schema that says nothing.
void check_types(const Value& document) {
  for (const Member& type : document.find_path({"components", "schemas"})->as_map()) {
    for (const Member& property : type.value.find("properties")->as_map()) {
      INFO(type.name << "." << property.name);
      const Value* schema = &property.value;
      for (const char* inner : {"items", "additionalProperties"}) {
        if (const Value* found = schema->find(inner)) schema = found;
      }
      CHECK((schema->find("type") != nullptr || schema->find("allOf") != nullptr));
    }
  }
}

TEST_CASE("every property has a type") {
  check_types(*openapi_document("api/v1"));
  check_types(*openapi_document("apis/apps/v1"));
}

TEST_CASE("what is refused, and what nothing follows from, says so") {
  std::optional<Value> core = openapi_document("api/v1"), batch = openapi_document("apis/batch/v1");
  REQUIRE(core);
  REQUIRE(batch);
  auto described = [&](std::string_view type, std::string_view field) {
    const Value* found = schema(*core, type).find_path({"properties", field});
    REQUIRE(found != nullptr);
    return found->string_at("description");
  };
  CHECK(described("PodSpec", "runtimeClassName") == "Not supported yet: a manifest that asks for it is refused.");
  CHECK(described("Container", "resizePolicy") == "Kept and served here, but nothing follows from it.");
  for (std::string_view obeyed : {"dnsConfig", "containers", "nodeSelector"}) CHECK(described("PodSpec", obeyed) == "");
  CHECK(described("Container", "tty") == "");
  CHECK(schema(*batch, "Job").string_at("description") == "Kept and served here, but nothing follows from it.");
  CHECK(schema(*core, "Pod").string_at("description") == "");
}

TEST_CASE("lists say how they merge") {
  Value document = *openapi_document("apis/apps/v1");
  const Value& pod = schema(document, "PodSpec");
  CHECK(to_json(*pod.find_path({"properties", "volumes"})) ==
        R"({"type":"array","items":{"allOf":[{"$ref":"#/components/schemas/Volume"}]},"x-kubernetes-list-type":"map",)"
        R"("x-kubernetes-list-map-keys":["name"],"x-kubernetes-patch-strategy":"merge,retainKeys",)"
        R"("x-kubernetes-patch-merge-key":"name"})");
  const Value& ports = *schema(document, "Container").find_path({"properties", "ports"});
  CHECK(ports.string_at("x-kubernetes-patch-merge-key") == "containerPort");
  CHECK(to_json(*ports.find("x-kubernetes-list-map-keys")) == R"(["containerPort","protocol"])");
  CHECK(pod.find_path({"properties", "tolerations"})->string_at("x-kubernetes-list-type") == "atomic");
  CHECK(schema(document, "DeploymentSpec").find_path({"properties", "strategy"})->string_at(
            "x-kubernetes-patch-strategy") == "retainKeys");
  CHECK(schema(document, "ObjectMeta").find_path({"properties", "finalizers"})->string_at(
            "x-kubernetes-patch-strategy") == "merge");
}

}  // namespace
}  // namespace mainstay
