#include "reconciler/plan/guard.h"

#include <catch2/catch.hpp>

#include "tests/plan/desired.h"

namespace mainstay {
namespace {

const std::string kNamespace = "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n";
const std::string kClaim = R"(---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec:
  accessModes: [ReadWriteOnce]
  resources: {requests: {storage: 1Gi}}
)";

std::vector<HoldReason> reasons(const Plan& plan) {
  std::vector<HoldReason> out;
  for (const Hold& hold : plan.guard.holds) out.push_back(hold.reason);
  return out;
}

TEST_CASE("more than five objects and more than a fifth are held, less is not") {
  struct Row {
    size_t before, after, held;
  };
  for (const Row& row : std::vector<Row>{
           {10, 5, 0},    // five
           {6, 0, 6},     // all six
           {10, 4, 6},    // six of ten
           {30, 24, 0},   // six of thirty are a fifth
           {29, 23, 6},   // six of twenty-nine are more
           {100, 80, 0},  // twenty of a hundred
           {100, 79, 21},
           {5, 0, 0},
       }) {
    CAPTURE(row.before, row.after);
    TestApplication app;
    app.sync(config_maps("c", row.before));
    Plan plan = app.sync(row.after > 0 ? desired_set(config_maps("c", row.after)) : DesiredSet{});
    CHECK(plan.guard.holds.size() == row.held);
    CHECK(app.store.head.count(Kind::kConfigMap) == row.after + row.held);
    CHECK(app.last.objects.size() == row.after + row.held);
    CHECK(plan.guard.advice.empty() == (row.held == 0));
  }
}

TEST_CASE("what a cascade deletes counts") {
  TestApplication app;
  app.sync(config_maps("c", 4));
  ObjectPtr owner = app.store.head.find(Kind::kConfigMap, "default", "c0");
  for (int i = 0; i < 5; ++i) {
    Object child = config("default", "child" + std::to_string(i));
    own(child, *owner);
    app.store.create(child);
  }
  std::string rest = config_maps("c", 4);
  rest = rest.substr(rest.find("---", 4));  // without c0
  Plan plan = app.plan(desired_set(rest));
  CHECK(plan.guard.prunes == 1);
  CHECK(plan.guard.gone == 6);
  CHECK(plan.guard.total == 9);
  CHECK(reasons(plan) == std::vector<HoldReason>{HoldReason::kTooMany});
}

TEST_CASE("the rest of the commit goes on, and what is held stays so until someone says a word") {
  TestApplication app;
  app.sync(config_maps("c", 10));
  CHECK(app.sync(config_maps("new", 1)).counts().held == 10);
  CHECK(app.store.head.find(Kind::kConfigMap, "default", "new0"));
  // A larger application makes ten objects less than a fifth: they stay held all the same.
  CHECK(app.sync(config_maps("new", 90)).counts().held == 10);
  Plan grown = app.sync(config_maps("new", 91));
  REQUIRE(grown.counts().held == 10);
  CHECK(grown.guard.holds[0].reason == HoldReason::kHeldBefore);
  CHECK(app.sync(config_maps("new", 90)).counts().held == 10);  // the same commit again is no return to it
  // Declared again: no longer held.
  CHECK(app.sync(config_maps("new", 90) + config_maps("c", 4)).counts().held == 6);
  CHECK(app.store.head.count(Kind::kConfigMap) == 100);
}

TEST_CASE("the trailer has to name the number, an ack does not") {
  for (size_t trailer : {0, 9, 10, 11}) {
    CAPTURE(trailer);
    TestApplication app;
    app.sync(config_maps("c", 10));
    DesiredSet none;
    PlanInput input{"root", "a", "b", none, &app.last, app.store.head};
    input.acknowledged_count = trailer;
    CHECK(make_plan(input).counts().prune == (trailer == 10 ? 10 : 0));
    bool miscounted = make_plan(input).guard.advice.starts_with("the trailer \"Mainstay-Prune: " + std::to_string(trailer) +
                                                                "\" does not count: 10 would go; ");
    CHECK(miscounted == (trailer != 10));
    input.acknowledged_count.reset();
    input.acknowledged = true;
    CHECK(make_plan(input).counts().prune == 10);
    input.acknowledged = false;
    CHECK(make_plan(input).guard.advice.find("Mainstay-Prune: 10") != std::string::npos);
  }
}

TEST_CASE("trailers are read in any case, and only numbers") {
  using Trailers = std::vector<std::pair<std::string, std::string>>;
  CHECK(prune_trailer(Trailers{{"Signed-off-by", "me"}, {"mainstay-prune", " 12 "}}) == 12);
  CHECK_FALSE(prune_trailer(Trailers{{"Mainstay-Prune", "all"}}));
  CHECK_FALSE(prune_trailer(Trailers{{"Mainstay-Prune", "12x"}}));
  CHECK_FALSE(prune_trailer(Trailers{{"Mainstay-Prune", ""}}));
  CHECK_FALSE(prune_trailer(Trailers{}));
}

TEST_CASE("any namespace and any claim is held, the others go") {
  TestApplication app;
  app.sync(kNamespace + kClaim + config_maps("c", 2));
  Plan plan = app.sync(DesiredSet{});
  CHECK(reasons(plan) == std::vector<HoldReason>{HoldReason::kNamespace, HoldReason::kClaim});
  CHECK(plan.counts().prune == 2);
  CHECK(app.store.head.count(Kind::kConfigMap) == 0);
  CHECK(app.store.head.count(Kind::kPersistentVolumeClaim) == 1);
}

TEST_CASE("a revert takes away what it had not, in any number, but no claim") {
  TestApplication app;
  DesiredSet first = desired_set(config_maps("c", 1));
  app.sync(first);
  app.sync(config_maps("c", 50) + kNamespace + kClaim);
  Plan plan = app.sync(first);
  CHECK(reasons(plan) == std::vector<HoldReason>{HoldReason::kClaim});
  CHECK(app.store.head.count(Kind::kConfigMap) == 1);
  CHECK_FALSE(app.store.head.find(Kind::kNamespace, "", "shop")->meta.deletion_timestamp == WallTime{});
}

TEST_CASE("a revert leaves a namespace in which others, or claims, live") {
  TestApplication app;
  DesiredSet first = desired_set(config_maps("c", 1));
  app.sync(first);
  std::string mine = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: mine, namespace: shop}\n";
  app.sync(config_maps("c", 1) + kNamespace + mine);
  CHECK(app.plan(first).guard.holds.empty());
  app.store.create(make_object<ServiceAccount>("shop", "default"));
  CHECK(app.plan(first).guard.holds.empty());
  ObjectPtr other = app.store.create(config("shop", "other"));
  CHECK(reasons(app.plan(first)) == std::vector<HoldReason>{HoldReason::kNamespace});
  app.store.remove(other->key());
  app.store.create(make_object(Kind::kPersistentVolumeClaim, "shop", "data"));
  CHECK(reasons(app.plan(first)) == std::vector<HoldReason>{HoldReason::kClaim});
}

TEST_CASE("going back to a commit that held them does not take them away") {
  TestApplication app;
  app.sync(config_maps("c", 10));
  DesiredSet second = desired_set(config_maps("new", 1));
  CHECK(app.sync(second).counts().held == 10);
  CHECK(app.sync(config_maps("new", 2)).counts().held == 10);
  CHECK(app.sync(second).counts().held == 10);
}

TEST_CASE("what is held stays held although the history knows the same set, whatever the history says of it") {
  TestApplication app;
  app.sync(config_maps("c", 10));
  DesiredSet second = desired_set(config_maps("new", 90));
  CHECK(app.sync(second).counts().held == 10);
  for (AppliedSet& set : app.history) set.held.clear();
  CHECK(app.sync(second).counts().held == 10);
  CHECK(app.sync(config_maps("new", 91)).counts().held == 10);
  CHECK(app.sync(second).counts().held == 10);
}

TEST_CASE("a namespace that this commit still fills is not deleted, whoever says so") {
  TestApplication app;
  std::string inside = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: mine, namespace: shop}\n";
  app.sync(kNamespace + inside);
  DesiredSet set = desired_set(inside);
  PlanInput input{"root", "a", "b", set, &app.last, app.store.head};
  input.acknowledged = true;
  Plan plan = make_plan(input);
  CHECK(reasons(plan) == std::vector<HoldReason>{HoldReason::kNamespaceInUse});
  CHECK(plan.guard.advice.empty());
}

TEST_CASE("without prune in the policy all prunes are held") {
  TestApplication app;
  app.sync(config_maps("c", 2));
  DesiredSet set = desired_set(config_maps("c", 1));
  PlanInput input{"root", "a", "b", set, &app.last, app.store.head};
  input.prune = false;
  CHECK(reasons(make_plan(input)) == std::vector<HoldReason>{HoldReason::kPolicy});
}

}  // namespace
}  // namespace mainstay
