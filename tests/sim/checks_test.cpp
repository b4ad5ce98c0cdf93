// That the simulation's checks can fail: each is given a world in which exactly its promise is broken.
#include <algorithm>
#include <catch2/catch.hpp>

#include "reconciler/control/node_rules.h"
#include "reconciler/store/load.h"
#include "tests/sim/faults.h"

using namespace mainstay;
using namespace mainstay::sim;

namespace {

bool says(const std::vector<std::string>& found, const std::string& part) {
  return std::any_of(found.begin(), found.end(), [&](auto& one) { return one.find(part) != one.npos; });
}

// A settled cluster whose author has pushed once.
struct Settled {
  World world{{5, 5, "apps"}};
  Author author{world.repository(), world.rng()};
  Settled() {
    author.push_good();
    world.expect(author.tip());
    REQUIRE(world.settle(10min) == std::vector<std::string>{});
  }
  const Snapshot& head() { return world.daemon().head(); }
};

// The turn that makes `change` of the head, as `actor`.
struct MadeTurn {
  Snapshot before, after;
  Effects effects;

  MadeTurn(const Snapshot& head, std::vector<Change> changes, const std::string& actor) : before(head) {
    StoreLoader loader(head);
    effects.batch.emplace();
    for (Change& change : changes) {
      change.version = loader.view().version() + 1;
      if (change.after) {
        Object next = *change.after;
        next.version = change.version;
        change.after = std::make_shared<Object>(std::move(next));
      }
      loader.apply({change});
      loader.raise_version(change.version);
      effects.batch->changes.push_back(change);
      effects.batch->causes.push_back({actor, ""});
    }
    after = std::move(loader).finish();
  }
  std::vector<std::string> found() const {
    Checks checks;
    checks.after_turn({before, after, effects, false, after.version(), 1});
    return checks.found();
  }
};

Change removal(const ObjectPtr& object) {
  Change change;
  change.op = ChangeOp::kRemove;
  change.key = object->key();
  change.before = object;
  return change;
}

Change update(const ObjectPtr& before, Object after) {
  Change change;
  change.op = ChangeOp::kUpdate;
  change.key = before->key();
  change.before = before;
  change.after = std::make_shared<Object>(std::move(after));
  return change;
}

// Somebody creates a ConfigMap at the API.
void write_config(World& world) {
  ApiWrite write;
  write.verb = ApiWrite::Verb::kCreate;
  write.actor = "user:admin";
  write.key = {Kind::kConfigMap, "default", "on-purpose"};
  write.object = std::make_shared<Object>(make_object(Kind::kConfigMap, "default", write.key.name));
  world.daemon().write(std::move(write), world.now());
}

// All pods of one application, by its label.
std::vector<Change> removals(const Snapshot& view, const std::string& app) {
  std::vector<Change> out;
  for (const ObjectPtr& pod : view.list(Kind::kPod, "default")) {
    const std::string* label = map_find(pod->meta.labels, "app");
    if (label != nullptr && *label == app) out.push_back(removal(pod));
  }
  REQUIRE_FALSE(out.empty());
  return out;
}

}  // namespace

TEST_CASE("check: a Deployment that we bring below its least number of available pods") {
  Settled settled;
  // One that is not recreated.
  std::string app;
  for (const ObjectPtr& deployment : settled.head().list(Kind::kDeployment, "default")) {
    if (as<Deployment>(*deployment).spec.strategy.type != "Recreate") app = deployment->meta.name;
  }
  REQUIRE_FALSE(app.empty());
  std::vector<Change> gone = removals(settled.head(), app);
  CHECK(says(MadeTurn(settled.head(), gone, "replicaset-controller").found(), "was brought down to 0 available pods"));
  CHECK(says(MadeTurn(settled.head(), gone, "garbage-collector-controller").found(), "was brought down to"));
  // What befalls the pods is nobody's choice.
  CHECK(MadeTurn(settled.head(), gone, std::string(kNodeLifecycleController)).found().empty());
}

TEST_CASE("check: a pod that is made to go by its deletion timestamp counts as taken") {
  Settled settled;
  std::vector<Change> changes;
  for (const char* app : {"cart", "front", "orders", "stock"}) {
    for (const Change& gone : removals(settled.head(), app)) {
      Object next = *gone.before;
      next.meta.deletion_timestamp = settled.world.now().wall;
      next.meta.deletion_grace_period_seconds = 5;
      changes.push_back(update(gone.before, std::move(next)));
    }
  }
  CHECK(says(MadeTurn(settled.head(), changes, "replicaset-controller").found(), "was brought down to"));
}

TEST_CASE("check: the audit is asked, of every turn that writes") {
  Settled settled;
  ObjectPtr pod = *settled.head().list(Kind::kPod, "default").begin();
  Object heavy = *pod;
  map_slot(as<Pod>(heavy).spec.containers[0].resources.requests, "cpu") = Quantity::of(1000);
  CHECK(says(MadeTurn(settled.head(), {update(pod, std::move(heavy))}, "git").found(), "audit: Node "));
}

TEST_CASE("check: nothing is let out that is not durable") {
  Settled settled;
  MadeTurn made(settled.head(), {}, "git");
  made.effects.answers.emplace_back();
  made.effects.answers[0].version = 12;
  for (uint64_t durable : {11, 12}) {
    Checks checks;
    checks.after_turn({made.before, made.after, made.effects, false, durable, 1});
    CHECK(says(checks.found(), "an answer of version 12 was let out") == (durable < 12));
  }
  auto publication = std::make_shared<Publication>();
  publication->view = settled.head();
  publication->epoch = 1;
  made.effects = {};
  made.effects.publication = publication;
  uint64_t version = settled.head().version();
  auto found = [&](uint64_t durable, uint64_t epoch) {
    Checks checks;
    checks.after_turn({made.before, made.after, made.effects, false, durable, epoch});
    return checks.found();
  };
  CHECK(found(version, 1).empty());
  CHECK(says(found(version - 1, 1), "was published and is not durable"));
  CHECK(says(found(version, 0), "was published and is not durable"));
}

TEST_CASE("check: publications do not go back, but for a new daemon") {
  Settled settled;
  MadeTurn newer(settled.head(), removals(settled.head(), "cart"), "user:admin");
  auto publication = [](const Snapshot& view) {
    Effects effects;
    auto out = std::make_shared<Publication>();
    out->view = view;
    out->epoch = 1;
    effects.publication = std::move(out);
    return effects;
  };
  uint64_t durable = newer.after.version();
  Checks checks;
  Effects first = publication(newer.after), second = publication(newer.before);
  checks.after_turn({newer.after, newer.after, first, false, durable, 1});
  CHECK(checks.found().empty());
  checks.daemon_started();
  checks.after_turn({newer.before, newer.before, second, false, durable, 1});
  CHECK(checks.found().empty());
  checks.after_turn({newer.after, newer.after, first, false, durable, 1});
  checks.after_turn({newer.before, newer.before, second, false, durable, 1});
  CHECK(says(checks.found(), "publications went back"));
}

TEST_CASE("check: an agent does not go back, unless its disk was lost") {
  Checks checks;
  checks.after_agent_step("node-1", {1, 7});
  checks.after_agent_step("node-2", {1, 3});
  checks.disk_lost("node-1");
  checks.after_agent_step("node-1", {1, 6});
  CHECK(checks.found().empty());
  checks.after_agent_step("node-1", {1, 5});
  CHECK(says(checks.found(), "the agent of node-1 went back from assignment 1.6 to 1.5"));
}

TEST_CASE("check: no pod runs on two nodes") {
  Checks checks;
  checks.nodes_run({{"node-1", {"a", "b"}}, {"node-2", {"c"}}}, false);
  checks.nodes_run({{"node-1", {"a", "b"}}, {"node-2", {"b"}}}, true);  // after the store went back
  CHECK(checks.found().empty());
  checks.nodes_run({{"node-1", {"a", "b"}}, {"node-2", {"b"}}}, false);
  CHECK(says(checks.found(), "pod b runs on node-1 and on node-2"));
}

TEST_CASE("check: a run stops at the first broken promise") {
  Settled settled;
  settled.world.checks().broken("on purpose");
  MonoTime before = settled.world.daemon().last_batch_at();
  settled.author.push_good();
  settled.world.run_for(2min);
  CHECK(settled.world.daemon().last_batch_at() == before);
}

TEST_CASE("check: at rest the head is what the disk holds, and a turn writes nothing") {
  Settled settled;
  World& world = settled.world;
  SECTION("a batch that the disk has not taken yet") {
    world.daemon().slow_disk(1h);
    write_config(world);
    world.run_for(1s);
    world.check_at_rest();
    CHECK(says(world.checks().found(), "the head is not what is on the disk"));
  }
  SECTION("a write in the last seconds") {
    world.at(2s, [&] { write_config(world); });
    world.check_at_rest();
    CHECK(says(world.checks().found(), "a turn at rest has written ConfigMap default/on-purpose"));
  }
  SECTION("nothing of the kind") {
    world.check_at_rest();
    CHECK(world.checks().found() == std::vector<std::string>{});
  }
}

TEST_CASE("check: what is not as Git says is named, and so is a request without an answer") {
  Settled settled;
  World& world = settled.world;
  SECTION("another commit") {
    world.expect(std::string(40, 'f'));
    CHECK(says(world.unsettled(), "the applied commit is "));
  }
  SECTION("a node that is cut off") {
    world.link(0).cut = world.link(1).cut = true;
    world.run_for(2min);
    CHECK_FALSE(world.settle(1min).empty());
  }
  SECTION("a node that lost its containers") {
    world.nodes()[0]->power_loss();
    world.nodes()[1]->power_loss();
    CHECK(says(world.unsettled(), " does not run "));
  }
  SECTION("a daemon that is down") {
    world.kill_daemon();
    CHECK(says(world.unsettled(), "the daemon is down"));
  }
  SECTION("a request") {
    world.daemon().slow_disk(1h);
    write_config(world);
    world.run_for(1s);
    CHECK(says(world.unsettled(), "1 requests have no answer"));
  }
}
