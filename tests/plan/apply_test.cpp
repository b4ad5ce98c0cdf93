#include "reconciler/plan/apply.h"

#include <catch2/catch.hpp>

#include "tests/plan/desired.h"

namespace mainstay {
namespace {

std::string deployment(std::string_view name, int image, int replicas) {
  std::string n(name);
  std::string text = "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: " + n + "}\nspec:\n";
  if (replicas > 0) text += "  replicas: " + std::to_string(replicas) + "\n";
  text += "  selector: {matchLabels: {app: " + n + "}}\n  template:\n    metadata: {labels: {app: " + n +
          "}}\n    spec:\n      containers:\n        - {name: main, image: \"example/main:" + std::to_string(image) +
          "\"}\n";
  return text;
}

std::string service(std::string_view name, int port) {
  return "---\napiVersion: v1\nkind: Service\nmetadata: {name: " + std::string(name) +
         "}\nspec: {selector: {app: x}, ports: [{port: " + std::to_string(port) + "}]}\n";
}

// A random tree of a few objects.
std::string random_tree(Rng& rng) {
  std::string out = config_maps("always", 1);
  for (int i = 0; i < 4; ++i) {
    std::string name = "d" + std::to_string(i);
    if (rng.chance(60)) {
      out += deployment(name, static_cast<int>(rng.below(3)), static_cast<int>(rng.below(4)));
    }
    if (rng.chance(40)) out += service(name, 80 + static_cast<int>(rng.below(3)));
  }
  return out + config_maps("c", rng.below(4), std::to_string(rng.below(3)));
}

// What the live objects say, without what tells one incarnation from another.
std::string live_text(const Snapshot& live) {
  std::string out;
  for (Kind kind : {Kind::kConfigMap, Kind::kDeployment, Kind::kService}) {
    for (const ObjectPtr& object : live.list(kind)) {
      Object plain = *object;
      plain.meta.uid.clear();
      plain.meta.generation = 0;
      plain.meta.creation_timestamp = {};
      out += encoded(plain) + "\n";
    }
  }
  return out;
}

TEST_CASE("applying is idempotent, and going back brings back what was, over random commits") {
  for (uint64_t seed : test_seeds(25)) {
    CAPTURE(seed);
    Rng rng(seed);
    TestApplication app;
    std::vector<std::pair<DesiredSet, std::string>> states;
    for (int step = 0; step < 12; ++step) {
      bool back = !states.empty() && rng.chance(30);
      size_t which = back ? rng.below(states.size()) : states.size();
      if (!back) states.push_back({desired_set(random_tree(rng)), ""});
      DesiredSet set = states[which].first;
      Plan plan = app.plan(set);
      // The set is tiny: what the guard holds, this user acknowledges.
      plan.guard.holds.clear();
      app.apply(set, plan);
      std::string now = live_text(app.store.head);
      if (back) REQUIRE(now == states[which].second);
      states[which].second = now;
      Plan again = app.plan(set);
      INFO(plan_text(again));
      REQUIRE(again.changes.changes.empty());
      REQUIRE(app.last.hash == set.hash);
      app.store.second += 10;
    }
  }
}

TEST_CASE("after a failure in the middle nothing is written") {
  TestApplication app;
  app.sync(config_maps("c", 1));
  DesiredSet set = desired_set(config_maps("c", 3) + "---\napiVersion: v1\nkind: ConfigMap\n"
                                                      "metadata: {name: z, namespace: shop}\n");
  app.store.create(namespace_named("shop"));
  Plan plan = app.plan(set);
  REQUIRE(plan.acceptable());
  app.store.remove({Kind::kNamespace, "", "shop"});  // Terminating: it holds its finalizer
  Transaction txn = app.store.begin();
  size_t before = txn.changes().size();
  Result<Applied> applied = apply_plan(txn, plan);
  REQUIRE_FALSE(applied.ok());
  CHECK(applied.error().message.find("all.yaml:") != std::string::npos);
  CHECK(applied.error().message.find("being terminated") != std::string::npos);
  CHECK(txn.changes().size() == before);
  CHECK_FALSE(txn.view().find(Kind::kConfigMap, "default", "c1"));
}

TEST_CASE("every write names git and the commit") {
  TestApplication app;
  app.sync(config_maps("c", 2));
  Plan plan = app.plan(desired_set(config_maps("c", 1, "2")));
  Transaction txn = app.store.begin();
  REQUIRE(apply_plan(txn, plan).ok());
  REQUIRE(txn.causes().size() == 2);
  for (const Cause& cause : txn.causes()) {
    CHECK(cause.actor == "git");
    CHECK(cause.why == "commit-2");
  }
}

TEST_CASE("a plan of an older snapshot is merged with what has happened since") {
  TestApplication app;
  app.sync(config_maps("c", 3));
  Plan plan = app.plan(desired_set(config_maps("c", 2, "2") + config_maps("new", 1)));
  Object touched = *app.store.head.find(Kind::kConfigMap, "default", "c0");
  map_slot(touched.meta.labels, "by") = "hand";
  app.store.update(touched);
  app.store.remove({Kind::kConfigMap, "default", "c1"});
  app.store.remove({Kind::kConfigMap, "default", "c2"});
  app.store.create(config("default", "new0", "theirs"));
  Transaction txn = app.store.begin();
  Result<Applied> applied = apply_plan(txn, plan);
  REQUIRE(applied.ok());
  CHECK(applied->updated == 2);
  CHECK(applied->created == 1);
  CHECK(applied->pruned == 0);
  ObjectPtr c0 = txn.view().find(Kind::kConfigMap, "default", "c0");
  CHECK(*map_find(c0->meta.labels, "by") == "hand");
  CHECK(*map_find(as<ConfigMap>(*c0).data, "value") == "2");
  CHECK(*map_find(as<ConfigMap>(*txn.view().find(Kind::kConfigMap, "default", "new0")).data, "value") == "1");
}

TEST_CASE("a pod that Git declares is admitted as one that a client creates") {
  TestApplication app;
  app.sync("apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: a, image: i}]}\n");
  const Pod& pod = as<Pod>(*app.store.head.find(Kind::kPod, "default", "p"));
  CHECK(pod.status.phase == "Pending");
  CHECK(pod.spec.tolerations.size() == 2);
  DesiredSet same = app.last;
  CHECK(app.plan(same).changes.changes.empty());
}

TEST_CASE("a plan prints what it does, where it is declared and what is held") {
  TestApplication app;
  app.sync(deployment("web", 1, 2) + config_maps("old", 8));
  Plan plan = app.plan(desired_set({{"web.yaml", deployment("web", 2, 2).substr(4)},
                                    {"new.yaml", config_maps("new", 1).substr(4)}}));
  CHECK(summary(plan) == "1 to create, 1 to change, 8 held");
  std::string text = plan_text(plan);
  INFO(text);
  CHECK(text.find("Plan for application root, commit-1 -> commit-2\n") == 0);
  CHECK(text.find("  + ConfigMap default/new0  (new.yaml:1)\n") != std::string::npos);
  CHECK(text.find("  ~ Deployment default/web  (web.yaml:1)\n      spec.template.spec.containers[name=main].image: "
                  "\"example/main:1\" -> \"example/main:2\"\n") != std::string::npos);
  CHECK(text.find("  ! ConfigMap default/old0  (was all.yaml:") != std::string::npos);
  CHECK(text.find("held: 8 of 9 objects would go") != std::string::npos);
  CHECK(text.find("Mainstay-Prune: 8") != std::string::npos);
  std::string markdown = plan_markdown(plan);
  CHECK(markdown.find("| update | Deployment default/web | web.yaml:1 |") != std::string::npos);
  Value json = plan_json(plan);
  CHECK(json.find_path({"counts", "held"})->as_int() == 8);
  CHECK(json.find("changes")->as_list().size() == 10);
  CHECK(json.find("acceptable")->as_bool());
}

TEST_CASE("a refused plan prints its mistakes only") {
  TestApplication app;
  Plan plan = app.plan(desired_set("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, namespace: nowhere}\n"));
  CHECK(plan_text(plan).find("1 mistake: nothing of this commit can be applied\nall.yaml:3:") != std::string::npos);
  CHECK(plan_markdown(plan).find("**Refused**") != std::string::npos);
  CHECK(plan_json(plan).find("mistakes")->as_list().size() == 1);
}

TEST_CASE("names cannot draw in a pull request") {
  TestApplication app;
  Plan plan = app.plan(desired_set("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {\"k\": \"a\"}\n"));
  plan.changes.changes[0].origin.path = "a|b](javascript:x)<script>.yaml";
  std::string markdown = plan_markdown(plan);
  CHECK(markdown.find("<script>") == std::string::npos);
  CHECK(markdown.find("a\\|b\\]") != std::string::npos);
}

}  // namespace
}  // namespace mainstay
