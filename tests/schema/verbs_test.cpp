// All verbs over objects that nobody wrote by hand: Kubernetes' fixtures with every field filled, random ones,
// and real manifests of real projects.
#include <catch2/catch.hpp>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "schema/apply.h"
#include "schema/base/rng.h"
#include "schema/decode.h"
#include "schema/defaults.h"
#include "schema/field_select.h"
#include "schema/generate.h"
#include "schema/json.h"
#include "schema/not_yet.h"
#include "schema/patch.h"
#include "schema/pod_resources.h"
#include "schema/table.h"
#include "schema/validate.h"
#include "schema/yaml.h"

namespace mainstay {
namespace {

namespace fs = std::filesystem;

fs::path shared_fixtures() {
  const char* shared = std::getenv("MAINSTAY_SHARED");
  fs::path root = shared != nullptr ? fs::path(shared) : fs::path(MAINSTAY_SOURCE_DIR) / ".." / "shared";
  return root / "fixtures";
}

std::string read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

std::vector<fs::path> files_below(const fs::path& folder, const std::string& extension) {
  std::vector<fs::path> out;
  if (!fs::exists(folder)) {
    WARN("SKIPPED: no fixtures at " << folder << "; set MAINSTAY_SHARED");
    return out;
  }
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.path().extension() == extension) out.push_back(entry.path());
  }
  std::sort(out.begin(), out.end());
  return out;
}

Object random_object(Rng& rng, Kind kind) {
  Object out = make_object(kind, "", "");
  generate(ObjectMeta::kType, &out.meta, rng);
  const TypeDesc& type = *out.info().type;
  if (void* storage = body_storage(out)) {
    generate(type, storage, rng);
  } else {
    generic_fields(out) = generate_value(type, rng);
  }
  return out;
}

// Runs every verb once; what they say does not matter here, only that they agree with each other.
void exercise(const Object& given) {
  Object once = given;
  once.meta.resource_version.clear();  // as the store keeps it
  auto& finalizers = once.meta.finalizers;  // a set
  std::sort(finalizers.begin(), finalizers.end());
  finalizers.erase(std::unique(finalizers.begin(), finalizers.end()), finalizers.end());
  apply_defaults(once);
  Object twice = once;
  apply_defaults(twice);
  REQUIRE(same_content(once, twice));
  if (once.kind == Kind::kPod) {
    admit_pod(once);
    twice = once;
    apply_defaults(twice);
    admit_pod(twice);
    REQUIRE(same_content(once, twice));
    effective_limits(as<Pod>(once).spec);
    REQUIRE_FALSE(qos_class(as<Pod>(once).spec).empty());
  }

  Value document = to_value(once);
  Diagnostics diagnostics;
  validate(once, &document, diagnostics);
  check_not_yet(once, {}, &document, diagnostics);
  Diagnostics unchanged;
  validate_update(once, once, &document, unchanged);
  INFO(unchanged.render());
  REQUIRE(unchanged.empty());

  not_enforced(once.kind, document);
  REQUIRE(table_row(once, WallTime{Duration(1)}).cells.size() == table_columns(once.kind).size());
  for (std::string_view field : selectable_fields(once.kind)) field_text(once, field);

  // Applying and merging what is there already changes nothing.
  Result<Object> applied = apply_object(once, &document, document);
  REQUIRE(applied.ok());
  std::string differences;
  Result<std::vector<Drift>> drifts = drift_object(once, document);
  for (const Drift& item : drifts.value()) differences += item.path + " ";
  INFO("differs: " << differences);
  REQUIRE(same_content(*applied, once));
  REQUIRE(drift_object(once, document)->empty());
  field_set(document, once.info());
  bool has_null = to_json(document).find("null") != std::string::npos;  // which a merge patch would delete
  REQUIRE((has_null || merge_patch(document, document) == document));
}

TEST_CASE("every verb on Kubernetes' own fixtures") {
  size_t count = 0;
  for (const fs::path& path : files_below(shared_fixtures() / "kubernetes-api" / "v1.33.0", ".json")) {
    Result<Value> document = read_json(read_file(path));
    REQUIRE(document.ok());
    Diagnostics diagnostics;
    std::optional<Object> object = decode_object(*document, DecodeOptions{UnknownFields::kIgnore}, diagnostics);
    if (!object) continue;
    INFO(path.filename().string());
    exercise(*object);
    ++count;
  }
  INFO("fixtures: " << count);
}

TEST_CASE("every verb on random objects") {
  const uint64_t seed = 4711;
  Rng rng(seed);
  for (int round = 0; round < 12; ++round) {
    for (const KindInfo& info : all_kinds()) {
      INFO("seed " << seed << " round " << round << " kind " << info.kind);
      exercise(random_object(rng, info.id));
    }
  }
}

TEST_CASE("real manifests are valid") {
  const char* kFolders[] = {"argocd-example-apps/guestbook", "argocd-example-apps/sock-shop/base",
                            "example-voting-app/k8s-specifications"};
  for (const char* folder : kFolders) {
    for (const fs::path& path : files_below(shared_fixtures() / "repos" / folder, ".yaml")) {
      Diagnostics diagnostics(path.filename().string());
      for (const Document& document : parse_yaml(read_file(path), diagnostics)) {
        if (document.root.string_at("apiVersion").starts_with("kustomize")) continue;
        std::optional<Object> object = decode_object(document.root, DecodeOptions{}, diagnostics);
        if (!object) continue;
        apply_defaults(*object);
        validate(*object, &document.root, diagnostics);
        check_not_yet(*object, {}, &document.root, diagnostics);
      }
      INFO(diagnostics.render());
      CHECK_FALSE(diagnostics.has_errors());
    }
  }
}

}  // namespace
}  // namespace mainstay
