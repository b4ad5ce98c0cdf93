// Evictions and the budgets they ask. What happens is told by the budget alone: its status may not be there yet.
#include <catch2/catch.hpp>

#include "reconciler/control/conditions.h"
#include "reconciler/core/api_write.h"
#include "schema/decode.h"
#include "schema/defaults.h"
#include "schema/yaml.h"

using namespace mainstay;

namespace {

class Shop {
 public:
  explicit Shop(const std::string& budget) {
    if (!budget.empty()) add("{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: web}, spec: {" + budget + "}}");
  }

  void add(const std::string& yaml) {
    Diagnostics problems("test.yaml");
    std::optional<Object> object = decode_object(parse_yaml(yaml, problems).at(0).root, {}, problems);
    REQUIRE(object);
    object->meta.ns = "default";
    apply_defaults(*object);
    write([&](Transaction& txn) { REQUIRE(txn.create(*object).ok()); });
  }

  // A pod of app=web that runs, Ready or not.
  void add_pod(const std::string& name, bool ready, const std::string& phase = "Running") {
    Object pod = make_object<Pod>("default", name);
    pod.meta.labels = {{"app", "web"}};
    as<Pod>(pod).spec.node_name = "n1";
    as<Pod>(pod).spec.termination_grace_period_seconds = 30;
    as<Pod>(pod).status.phase = phase;
    set_condition(as<Pod>(pod).status.conditions, "Ready", {ready ? "True" : "False", "", ""}, {});
    write([&](Transaction& txn) { REQUIRE(txn.create(pod).ok()); });
  }

  // 201, or the code of the refusal.
  int evict(const std::string& name, bool dry_run = false) {
    ApiWrite order;
    order.verb = ApiWrite::Verb::kEvict;
    order.key = {Kind::kPod, "default", name};
    order.dry_run = dry_run;
    write([&](Transaction& txn) { last = handle_write(txn, order); });
    return last.error ? last.error->code : 201;
  }

  const Pod& pod(const std::string& name) const { return as<Pod>(*head_.find(Kind::kPod, "default", name)); }
  bool leaves(const std::string& name) const {
    return head_.find(Kind::kPod, "default", name)->meta.deletion_timestamp != WallTime{};
  }

  Answer last;

 private:
  template <typename Write>
  void write(const Write& write) {
    Transaction txn(head_, now_, rng_);
    write(txn);
    head_ = txn.view();
  }

  Snapshot head_;
  Now now_{WallTime{std::chrono::seconds{1'700'000'000}}, MonoTime{std::chrono::seconds{1}}};
  Rng rng_{1};
};

const std::string kSelector = "selector: {matchLabels: {app: web}}, ";

}  // namespace

TEST_CASE("an eviction takes a pod only as far as its budget lets it") {
  Shop shop(kSelector + "minAvailable: 2");
  for (const char* name : {"a", "b", "c"}) shop.add_pod(name, true);
  CHECK(shop.evict("a", true) == 201);
  CHECK_FALSE(shop.leaves("a"));
  CHECK(shop.evict("a") == 201);
  CHECK(shop.leaves("a"));
  const PodCondition* target = find_condition(shop.pod("a").status.conditions, "DisruptionTarget");
  REQUIRE(target);
  CHECK(target->reason == "EvictionByEvictionAPI");
  // The first has not ended yet, and counts no more.
  CHECK(shop.evict("b") == 429);
  CHECK_FALSE(shop.leaves("b"));
  CHECK(shop.last.error->reason == "TooManyRequests");
  CHECK(shop.last.error->message == "Cannot evict pod as it would violate the pod's disruption budget.");
  REQUIRE(shop.last.error->causes.size() == 1);
  CHECK(shop.last.error->causes[0].reason == "DisruptionBudget");
  CHECK(shop.last.error->causes[0].message == "The disruption budget web needs 2 healthy pods and has 2 currently");
  CHECK(shop.evict("a") == 201);  // again: it goes already
  shop.add_pod("d", true);
  CHECK(shop.evict("b") == 201);
}

TEST_CASE("a pod that is not ready goes, unless it may be the one that the budget waits for") {
  SECTION("enough others are healthy") {
    Shop shop(kSelector + "minAvailable: 1");
    shop.add_pod("a", true);
    shop.add_pod("sick", false);
    CHECK(shop.evict("sick") == 201);
    CHECK(shop.evict("a") == 429);
  }
  SECTION("too few are") {
    Shop shop(kSelector + "minAvailable: 2");
    shop.add_pod("a", true);
    shop.add_pod("sick", false);
    CHECK(shop.evict("sick") == 429);
  }
  SECTION("the policy lets it go") {
    Shop shop(kSelector + "minAvailable: 2, unhealthyPodEvictionPolicy: AlwaysAllow");
    shop.add_pod("a", true);
    shop.add_pod("sick", false);
    CHECK(shop.evict("sick") == 201);
    CHECK(shop.evict("a") == 429);
  }
  SECTION("it has not begun, or is over") {
    Shop shop(kSelector + "minAvailable: 2");
    shop.add_pod("early", false, "Pending");
    shop.add_pod("late", false, "Succeeded");
    CHECK(shop.evict("early") == 201);
    CHECK(shop.evict("late") == 201);
  }
}

TEST_CASE("an eviction under several budgets is refused, one under none is a deletion") {
  Shop shop(kSelector + "maxUnavailable: 1");
  shop.add_pod("a", true);
  shop.add("{apiVersion: v1, kind: Pod, metadata: {name: free, labels: {app: db}}, spec: {nodeName: n1, containers: [{name: c}]}}");
  CHECK(shop.evict("free") == 201);
  shop.add("{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: all}, spec: {selector: {}, minAvailable: 0}}");
  CHECK(shop.evict("a") == 500);
  CHECK(shop.last.error->message.find("more than one PodDisruptionBudget") != std::string::npos);
  CHECK(shop.evict("nobody") == 404);
}

TEST_CASE("a budget without a number lets no healthy pod go, one without a selector is nobody's") {
  Shop none(kSelector);
  none.add_pod("a", true);
  CHECK(none.evict("a") == 429);
  Shop nobody("minAvailable: 5");
  nobody.add_pod("a", true);
  CHECK(nobody.evict("a") == 201);
}

TEST_CASE("property: however many are evicted, a budget keeps what it asks for or what there was") {
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    INFO("seed " << seed);
    Rng rng(seed);
    int64_t number = static_cast<int64_t>(rng.below(8));
    bool least = rng.chance(50), percent = rng.chance(50);
    bool always = rng.chance(30);
    std::string amount = percent ? std::to_string(number * 100 / 7) + "%" : std::to_string(number);
    Shop shop(kSelector + (least ? "minAvailable: " : "maxUnavailable: ") + amount +
              (always ? ", unhealthyPodEvictionPolicy: AlwaysAllow" : ""));
    int64_t pods = 1 + static_cast<int64_t>(rng.below(9)), healthy = 0;
    std::vector<std::string> names;
    for (int64_t i = 0; i < pods; ++i) {
      bool ready = rng.chance(75);
      healthy += ready ? 1 : 0;
      names.push_back("p" + std::to_string(i));
      shop.add_pod(names.back(), ready);
    }
    // What is asked for, worked out another way: bare pods are wanted as many as there are.
    auto part = [&](int64_t all) { return percent ? (all * (number * 100 / 7) + 99) / 100 : number; };
    int64_t wanted = least ? part(pods) : std::max<int64_t>(0, pods - part(pods));
    for (int tries = 0; tries < 30; ++tries) (void)shop.evict(names[rng.below(names.size())]);
    int64_t left = 0;
    for (const std::string& name : names) {
      bool ready = condition_true(shop.pod(name).status.conditions, "Ready");
      left += ready && !shop.leaves(name) ? 1 : 0;
    }
    CHECK(left >= std::min(wanted, healthy));
    // It does not keep more than it must either.
    for (const std::string& name : names) (void)shop.evict(name);
    left = 0;
    for (const std::string& name : names) {
      left += condition_true(shop.pod(name).status.conditions, "Ready") && !shop.leaves(name) ? 1 : 0;
    }
    CHECK(left == std::min(std::max<int64_t>(wanted, 0), healthy));
  }
}
