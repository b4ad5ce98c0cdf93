// Desired sets from YAML literals, and a store to plan against, for the tests of plans.
#pragma once

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "reconciler/plan/apply.h"
#include "reconciler/plan/plan.h"
#include "schema/base/crypto.h"
#include "schema/decode.h"
#include "schema/defaults.h"
#include "schema/json.h"
#include "schema/yaml.h"
#include "tests/store/seeds.h"
#include "tests/store/store_fixture.h"

namespace mainstay {

using Files = std::map<std::string, std::string>;  // path -> text

inline DesiredObject desired_object(const std::string& path, const Document& document) {
  Diagnostics diagnostics(path);
  std::optional<Object> object = decode_object(document.root, DecodeOptions{}, diagnostics);
  INFO(diagnostics.render());
  REQUIRE_FALSE(diagnostics.has_errors());
  if (object->info().namespaced && object->meta.ns.empty()) object->meta.ns = "default";
  DesiredObject out;
  out.key = object->key();
  out.hash = sha256(encoded(*object));
  apply_defaults(*object);
  out.object = std::make_shared<const Object>(*std::move(object));
  out.declared = std::make_shared<const Value>(document.root);
  out.origin = {path, document.root.mark().line};
  return out;
}

inline DesiredSet desired_set(const Files& files) {
  DesiredSet set;
  for (const auto& [path, text] : files) {
    Diagnostics diagnostics(path);
    std::vector<Document> documents = parse_yaml(text, diagnostics);
    INFO(diagnostics.render());
    REQUIRE_FALSE(diagnostics.has_errors());
    for (const Document& document : documents) set.objects.set(desired_object(path, document));
  }
  std::string all;
  for (const DesiredObject& object : set.objects) all += object.key.text() + hex(object.hash);
  set.hash = sha256(all);
  return set;
}

inline DesiredSet desired_set(const std::string& text) { return desired_set(Files{{"all.yaml", text}}); }

// Many ConfigMaps, named prefix0, prefix1 ...
inline std::string config_maps(std::string_view prefix, size_t count, std::string_view value = "1") {
  std::string out;
  for (size_t i = 0; i < count; ++i) {
    out += "---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: " + std::string(prefix) + std::to_string(i) +
           "\ndata:\n  value: \"" + std::string(value) + "\"\n";
  }
  return out;
}

// An application that follows commits, as the core will.
struct TestApplication {
  TestStore store;
  DesiredSet last;
  bool started = false;
  std::string commit;
  std::vector<AppliedSet> history;
  std::vector<Key> held;
  SyncMemo memo;
  int commits = 0;

  Plan plan(const DesiredSet& desired) {
    PlanInput input{"root", commit, "commit-" + std::to_string(commits + 1), desired, started ? &last : nullptr,
                    store.head};
    input.earlier = history;
    input.held_before = held;
    return make_plan(input, &memo);
  }

  Applied apply(const DesiredSet& desired, const Plan& planned) {
    INFO(plan_text(planned));
    REQUIRE(planned.acceptable());
    Transaction txn = store.begin();
    Result<Applied> applied = apply_plan(txn, planned);
    INFO((applied.ok() ? std::string() : applied.error().message));
    REQUIRE(applied.ok());
    store.seal(txn);
    last = applied_set(desired, started ? &last : nullptr, planned.guard);
    started = true;
    held = planned.guard.held();
    history.push_back({desired.hash, held});
    commit = planned.to;
    ++commits;
    return *applied;
  }

  Plan sync(const DesiredSet& desired) {
    Plan planned = plan(desired);
    apply(desired, planned);
    return planned;
  }
  Plan sync(const std::string& text) { return sync(desired_set(text)); }
};

}  // namespace mainstay
