#include "reconciler/plan/rollup.h"

#include <catch2/catch.hpp>

#include "tests/plan/desired.h"

namespace mainstay {
namespace {

std::string pod_text(std::string_view name, std::string_view image = "i") {
  return "---\napiVersion: v1\nkind: Pod\nmetadata: {name: " + std::string(name) +
         "}\nspec: {initContainers: [{name: i, image: init}], containers: [{name: a, image: " +
         std::string(image) + "}]}\n";
}

void set_phase(TestApplication& app, std::string_view name, std::string_view phase) {
  Object object = *app.store.head.find(Kind::kPod, "default", name);
  PodStatus& status = as<Pod>(object).status;
  status.phase = phase;
  PodCondition ready;
  ready.type = "Ready";
  ready.status = phase == "Running" ? "True" : "False";
  status.conditions = {ready};
  app.store.update(object);
}

Rollup rollup(TestApplication& app, bool at_target = true) {
  return roll_up({app.last, app.store.head, app.held, at_target}, &app.memo);
}

TEST_CASE("an application is as healthy as its worst object") {
  TestApplication app;
  app.sync(config_maps("c", 1) + pod_text("a") + pod_text("b"));
  set_phase(app, "a", "Running");
  CHECK(rollup(app).health.status == Health::kProgressing);
  set_phase(app, "b", "Running");
  CHECK(rollup(app).health == HealthReport{});
  CHECK(rollup(app).sync == "Synced");  // a status is no drift
  CHECK(rollup(app).resources.size() == 3);
  CHECK_FALSE(rollup(app).resources[0].health);  // a ConfigMap has none
  CHECK(rollup(app).resources[1].health->status == "Healthy");
  set_phase(app, "b", "Failed");
  CHECK(rollup(app).health.status == Health::kDegraded);
  CHECK(rollup(app).health.message.starts_with("Pod default/b"));
}

TEST_CASE("missing objects are out of sync, and unhealthy only when nothing is left") {
  TestApplication app;
  app.sync(config_maps("c", 1) + pod_text("a"));
  app.store.remove({Kind::kPod, "default", "a"});
  Rollup one = rollup(app);
  CHECK(one.sync == "OutOfSync");
  CHECK(one.health.status == Health::kHealthy);
  CHECK(one.resources[1].health->status == "Missing");
  CHECK(one.missing == 1);
  app.store.remove({Kind::kConfigMap, "default", "c0"});
  CHECK(rollup(app).health.status == Health::kMissing);
}

TEST_CASE("drift, holds and a commit not yet applied are out of sync") {
  TestApplication app;
  app.sync(config_maps("c", 10));
  CHECK(rollup(app).sync == "Synced");
  CHECK(rollup(app, false).sync == "OutOfSync");
  Object live = *app.store.head.find(Kind::kConfigMap, "default", "c3");
  map_slot(as<ConfigMap>(live).data, "value") = "other";
  app.store.update(live);
  Rollup drifted_one = rollup(app);
  CHECK(drifted_one.out_of_sync == 1);
  CHECK(drifted_one.resources[3].status == "OutOfSync");
  CHECK_FALSE(drifted_one.resources[3].requires_pruning);
  app.sync(config_maps("c", 3));
  Rollup held = rollup(app);
  CHECK(held.out_of_sync == 7);
  CHECK(held.resources[9].requires_pruning);
  CHECK_FALSE(held.resources[0].requires_pruning);
}

TEST_CASE("images are listed once each") {
  TestApplication app;
  app.sync(pod_text("a", "zeta") + pod_text("b", "alpha") + pod_text("c", "zeta"));
  CHECK(rollup(app).images == std::vector<std::string>{"alpha", "init", "zeta"});
}

TEST_CASE("nothing declared is healthy and synced") {
  TestApplication app;
  Rollup empty = rollup(app);
  CHECK(empty.sync == "Synced");
  CHECK(empty.health == HealthReport{});
}

// Everything a reader of the two sees.
std::string text_of(const Rollup& rollup) {
  std::string out = rollup.sync + " " + std::string(health_name(rollup.health.status)) + " " + rollup.health.message;
  for (const ResourceStatus& each : rollup.resources) {
    out += "\n" + each.kind + " " + each.name + " " + each.status + (each.requires_pruning ? " prune" : "");
    if (each.health) out += " " + each.health->status + " " + each.health->message;
  }
  for (const std::string& image : rollup.images) out += "\n" + image;
  return out + "\n" + std::to_string(rollup.out_of_sync) + " " + std::to_string(rollup.missing);
}

TEST_CASE("property: a standing kept up object by object sums up to what looking at all of them says") {
  for (uint64_t seed : test_seeds(10)) {
    INFO("MAINSTAY_SEED=" << seed);
    Rng rng(seed);
    TestApplication app;
    std::string text = config_maps("c", 5);
    for (int i = 0; i < 6; ++i) text += pod_text("p" + std::to_string(i), "image-" + std::to_string(i % 3));
    app.sync(text);
    Standing standing;
    auto look = [&](const Key& key) {
      bool held = std::binary_search(app.held.begin(), app.held.end(), key);
      standing.look(key, app.last.objects.find(key), app.store.head.find(key), held, &app.memo);
    };
    for (const DesiredObject& object : app.last.objects) look(object.key);
    for (int step = 0; step < 40; ++step) {
      std::string name = "p" + std::to_string(rng.below(6));
      Key key{Kind::kPod, "default", name};
      bool there = app.store.head.find(key) != nullptr;
      if (there && rng.chance(20)) app.store.remove(key);
      else if (there) set_phase(app, name, rng.chance(50) ? "Running" : rng.chance(50) ? "Failed" : "Pending");
      look(key);
      if (rng.chance(10)) {
        DesiredSet before = app.last;
        app.sync(text + config_maps("more", rng.below(4)));
        DesiredObjects::for_each_difference(before.objects, app.last.objects, [&](const auto* a, const auto* b) {
          look(b != nullptr ? b->key : a->key);
        });
        for (const DesiredObject& object : app.last.objects) look(object.key);
      }
      REQUIRE(text_of(standing.sum(true, SIZE_MAX)) == text_of(rollup(app)));
    }
    Rollup few = standing.sum(true, 3);
    REQUIRE(few.resources.size() <= 3);
    for (const ResourceStatus& each : few.resources) {
      REQUIRE((each.status != "Synced" || (each.health && each.health->status != "Healthy")));
    }
  }
}

}  // namespace
}  // namespace mainstay
