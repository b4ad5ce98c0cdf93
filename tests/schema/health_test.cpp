#include "schema/health.h"

#include <catch2/catch.hpp>


namespace mainstay {
namespace {

Object deployment(int32_t replicas, int32_t updated, int32_t total, int32_t available) {
  Object object = make_object<Deployment>("default", "web");
  object.meta.generation = 2;
  Deployment& body = as<Deployment>(object);
  body.spec.replicas = replicas;
  body.spec.progress_deadline_seconds = 600;
  body.status.observed_generation = 2;
  body.status.updated_replicas = updated;
  body.status.replicas = total;
  body.status.available_replicas = body.status.ready_replicas = available;
  bool complete = updated == replicas && total == replicas && available == replicas;
  body.status.conditions = {
      {"Available", "True", {}, {}, "MinimumReplicasAvailable", ""},
      {"Progressing", "True", {}, {}, complete ? "NewReplicaSetAvailable" : "ReplicaSetUpdated", ""}};
  return object;
}

Object pod(const std::string& phase, bool ready) {
  Object object = make_object<Pod>("default", "p");
  as<Pod>(object).status.phase = phase;
  as<Pod>(object).status.conditions = {{"Ready", ready ? "True" : "False", {}, "", "", {}}};
  ContainerStatus& container = as<Pod>(object).status.container_statuses.emplace_back();
  container.name = "c";
  container.ready = ready;
  return object;
}

Object carried(Kind kind, Value spec, Value status) {
  Object object = make_object(kind, "default", "x");
  object.meta.generation = 3;
  generic_fields(object).set("spec", std::move(spec));
  generic_fields(object).set("status", std::move(status));
  return object;
}

Value map_of(std::initializer_list<std::pair<const char*, Value>> members) {
  Value map = Value::map();
  for (const auto& [name, value] : members) map.set(name, value);
  return map;
}

Health status_of(const Object& object) {
  std::optional<HealthReport> report = health_of(object);
  REQUIRE(report.has_value());
  return report->status;
}

}  // namespace

TEST_CASE("health of a Deployment") {
  CHECK(health_of(deployment(3, 3, 3, 3)) == HealthReport{Health::kHealthy, ""});
  CHECK(health_of(deployment(3, 1, 4, 3)) ==
        HealthReport{Health::kProgressing, "1 of 3 new replicas have been made"});
  CHECK(health_of(deployment(3, 3, 4, 3)) ==
        HealthReport{Health::kProgressing, "1 old replicas are still there"});
  CHECK(health_of(deployment(3, 3, 3, 2)) ==
        HealthReport{Health::kProgressing, "2 of 3 replicas are available"});
  Object object = deployment(3, 3, 3, 3);
  SECTION("a change that was not seen yet") {
    object.meta.generation = 3;
    CHECK(status_of(object) == Health::kProgressing);
  }
  SECTION("paused") {
    as<Deployment>(object).spec.paused = true;
    CHECK(status_of(object) == Health::kSuspended);
  }
  SECTION("out of time") {
    as<Deployment>(object).status.conditions[1].reason = "ProgressDeadlineExceeded";
    as<Deployment>(object).status.conditions[1].message = "ReplicaSet \"web-1\" has timed out progressing.";
    CHECK(health_of(object) == HealthReport{Health::kDegraded,
                                            "ReplicaSet \"web-1\" has timed out progressing."});
  }
  SECTION("not available") {
    as<Deployment>(object).status.conditions[0].status = "False";
    CHECK(status_of(object) == Health::kProgressing);
  }
  SECTION("numbers are right but the rollout is not said to be complete") {
    as<Deployment>(object).status.conditions[1].reason = "ReplicaSetUpdated";
    CHECK(status_of(object) == Health::kProgressing);
    as<Deployment>(object).spec.progress_deadline_seconds.reset();
    CHECK(status_of(object) == Health::kHealthy);
  }
  SECTION("being deleted") {
    object.meta.deletion_timestamp = WallTime{std::chrono::seconds(1)};
    CHECK(health_of(object) == HealthReport{Health::kProgressing, "Pending deletion"});
  }
}

TEST_CASE("health of a ReplicaSet") {
  Object object = make_object<ReplicaSet>("default", "web");
  ReplicaSet& body = as<ReplicaSet>(object);
  body.spec.replicas = 2;
  body.status.replicas = body.status.ready_replicas = body.status.available_replicas = 2;
  body.status.fully_labeled_replicas = 2;
  CHECK(status_of(object) == Health::kHealthy);
  body.status.available_replicas = 1;
  CHECK(status_of(object) == Health::kProgressing);
  body.status.conditions = {{"ReplicaFailure", "True", {}, "FailedCreate", "no quota"}};
  CHECK(health_of(object) == HealthReport{Health::kDegraded, "no quota"});
}

TEST_CASE("health of a Pod") {
  CHECK(status_of(pod("Running", true)) == Health::kHealthy);
  CHECK(status_of(pod("Pending", false)) == Health::kProgressing);
  CHECK(status_of(pod("Running", false)) == Health::kProgressing);
  CHECK(status_of(pod("Failed", false)) == Health::kDegraded);
  CHECK(status_of(pod("Succeeded", false)) == Health::kHealthy);
  for (const char* reason : {"ErrImagePull", "ImagePullBackOff", "CrashLoopBackOff",
                             "CreateContainerConfigError"}) {
    CAPTURE(reason);
    Object object = pod("Pending", false);
    as<Pod>(object).status.container_statuses[0].state.waiting = ContainerStateWaiting{reason, "why"};
    CHECK(health_of(object) == HealthReport{Health::kDegraded,
                                            std::string("container c: ") + reason + ": why"});
  }
  Object creating = pod("Pending", false);
  as<Pod>(creating).status.container_statuses[0].state.waiting =
      ContainerStateWaiting{"ContainerCreating", ""};
  CHECK(status_of(creating) == Health::kProgressing);
  Object restarted = pod("Running", false);
  as<Pod>(restarted).status.container_statuses[0].last_state.terminated.ensure().exit_code = 3;
  CHECK(status_of(restarted) == Health::kDegraded);
  Object unschedulable = pod("Pending", false);
  as<Pod>(unschedulable).status.conditions =
      {{"PodScheduled", "False", {}, "Unschedulable", "0/1 nodes", {}}};
  CHECK(health_of(unschedulable) == HealthReport{Health::kProgressing, "Unschedulable: 0/1 nodes"});
  Object once = pod("Running", true);
  as<Pod>(once).spec.restart_policy = "Never";
  CHECK(status_of(once) == Health::kProgressing);
  Object killed = pod("Failed", false);
  as<Pod>(killed).status.container_statuses[0].state.terminated.ensure().exit_code = 137;
  as<Pod>(killed).status.container_statuses[0].state.terminated->reason = "OOMKilled";
  CHECK(health_of(killed)->message == "container c: OOMKilled");
}

TEST_CASE("health of Services, nodes and applications") {
  Object service = make_object<Service>("default", "web");
  CHECK(status_of(service) == Health::kProgressing);
  as<Service>(service).spec.cluster_ip = "10.96.0.2";
  CHECK(status_of(service) == Health::kHealthy);
  as<Service>(service).spec.type = "LoadBalancer";
  CHECK(status_of(service) == Health::kProgressing);
  as<Service>(service).status.load_balancer.ingress.emplace_back().ip = "192.0.2.1";
  CHECK(status_of(service) == Health::kHealthy);

  Object node = make_object<Node>("", "n1");
  CHECK(status_of(node) == Health::kProgressing);
  as<Node>(node).status.conditions = {{"Ready", "Unknown", {}, {}, "NodeStatusUnknown", "silent"}};
  CHECK(health_of(node) == HealthReport{Health::kDegraded, "silent"});

  Object application = make_object<Application>("mainstay", "root");
  CHECK(status_of(application) == Health::kProgressing);
  as<Application>(application).status.health = {"Degraded", "web is down", {}};
  CHECK(health_of(application) == HealthReport{Health::kDegraded, "web is down"});
}

TEST_CASE("health of carried kinds") {
  auto set = [](int64_t ready, const char* current, const char* next) {
    return carried(Kind::kStatefulSet, map_of({{"replicas", 2}}),
                   map_of({{"observedGeneration", 3}, {"replicas", 2}, {"readyReplicas", Value(ready)},
                           {"currentRevision", current}, {"updateRevision", next}}));
  };
  CHECK(status_of(set(2, "a", "a")) == Health::kHealthy);
  CHECK(status_of(set(1, "a", "a")) == Health::kProgressing);
  CHECK(status_of(set(2, "a", "b")) == Health::kProgressing);
  CHECK(status_of(carried(Kind::kStatefulSet, Value::map(), Value::map())) == Health::kProgressing);

  CHECK(status_of(carried(Kind::kPersistentVolumeClaim, Value::map(), map_of({{"phase", "Bound"}}))) ==
        Health::kHealthy);
  CHECK(status_of(carried(Kind::kPersistentVolumeClaim, Value::map(), map_of({{"phase", "Lost"}}))) ==
        Health::kDegraded);
  auto job = [](const char* type) {
    Value list = Value::list();
    list.push(map_of({{"type", type}, {"status", "True"}, {"message", "said"}}));
    return carried(Kind::kJob, Value::map(), map_of({{"conditions", list}}));
  };
  CHECK(status_of(job("Complete")) == Health::kHealthy);
  CHECK(health_of(job("Failed")) == HealthReport{Health::kDegraded, "said"});
  CHECK(status_of(job("Suspended")) == Health::kSuspended);
  CHECK(status_of(carried(Kind::kJob, Value::map(), Value::map())) == Health::kProgressing);
}

TEST_CASE("kinds without health") {
  CHECK_FALSE(health_of(make_object<ConfigMap>("default", "c")));
  CHECK_FALSE(health_of(make_object<Secret>("default", "s")));
  CHECK_FALSE(health_of(make_object(Kind::kRole, "default", "r")));
}

TEST_CASE("roll-up: the worst, missing ones only if all are") {
  using Part = std::pair<std::string, HealthReport>;
  auto roll = [](std::vector<Part> parts) { return roll_up(parts); };
  CHECK(roll({}) == HealthReport{});
  CHECK(roll({{"a", {}}, {"b", {}}}) == HealthReport{});
  CHECK(roll({{"a", {Health::kProgressing, "soon"}}, {"b", {Health::kDegraded, "bad"}}}) ==
        HealthReport{Health::kDegraded, "b: bad"});
  CHECK(roll({{"a", {Health::kSuspended, ""}}, {"b", {}}}) == HealthReport{Health::kSuspended, "a"});
  CHECK(roll({{"a", {Health::kMissing, "gone"}}, {"b", {}}}) == HealthReport{});
  CHECK(roll({{"a", {Health::kMissing, "gone"}}}) == HealthReport{Health::kMissing, "a: gone"});
  CHECK(roll({{"a", {Health::kUnknown, "?"}}, {"b", {Health::kDegraded, "bad"}}}).status == Health::kUnknown);
}

}  // namespace mainstay
