#include <catch2/catch.hpp>

#include "schema/json.h"
#include "tests/control/harness.h"

namespace mainstay {
namespace {

using test::Cluster;

const std::string kDeployment = R"(
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 4
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "web:1"}]}
)";

std::string budget(const std::string& spec) {
  return "{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: web}, spec: {" + spec + "}}";
}

const Value& status_of(const Cluster& cluster) {
  ObjectPtr object = cluster.get(Kind::kPodDisruptionBudget, "default", "web");
  REQUIRE(object);
  const Value* status = generic_fields(*object).find("status");
  REQUIRE(status);
  return *status;
}

// "allowed healthy/desired of expected"
std::string numbers(const Cluster& cluster) {
  const Value& status = status_of(cluster);
  auto number = [&](const char* name) { return std::to_string(status.find(name)->as_int()); };
  return number("disruptionsAllowed") + " " + number("currentHealthy") + "/" + number("desiredHealthy") + " of " +
         number("expectedPods");
}

}  // namespace

TEST_CASE("a disruption budget says how many pods may go, as pods come and go") {
  Cluster cluster;
  cluster.add_node("n1");
  const std::string selector = "selector: {matchLabels: {app: web}}, ";
  cluster.apply(budget(selector + "maxUnavailable: 25%"));
  cluster.settle();
  CHECK(numbers(cluster) == "0 0/0 of 0");
  cluster.apply(kDeployment);
  cluster.settle();
  CHECK(numbers(cluster) == "1 4/3 of 4");
  const Value& condition = status_of(cluster).find("conditions")->as_list().at(0);
  CHECK(condition.string_at("type") == "DisruptionAllowed");
  CHECK(condition.string_at("status") == "True");
  CHECK(condition.string_at("reason") == "SufficientPods");
  CHECK(status_of(cluster).find("observedGeneration")->as_int() == 1);

  // A rollout: two ReplicaSets, and still one Deployment of four.
  cluster.broken_images = {"web:2"};
  cluster.edit<Deployment>("default", "web", [](Object& object) {
    as<Deployment>(object).spec.pod_template.spec.containers[0].image = "web:2";
  });
  cluster.settle();
  REQUIRE(cluster.list(Kind::kReplicaSet).size() == 2);
  CHECK(numbers(cluster) == "0 3/3 of 4");
  CHECK(status_of(cluster).find("conditions")->as_list().at(0).string_at("reason") == "InsufficientPods");

  cluster.apply(budget(selector + "minAvailable: 1"));
  cluster.settle();
  CHECK(numbers(cluster) == "2 3/1 of 5");  // five pods stand: a number of its own asks nobody for theirs
  CHECK(status_of(cluster).find("observedGeneration")->as_int() == 2);
  uint64_t version = cluster.view().version();
  cluster.queue.resync(cluster.view());
  cluster.settle();
  CHECK(cluster.view().version() == version);

  cluster.remove({Kind::kPodDisruptionBudget, "default", "web"});
  cluster.settle();
  CHECK_FALSE(cluster.get(Kind::kPodDisruptionBudget, "default", "web"));
}

}  // namespace mainstay
