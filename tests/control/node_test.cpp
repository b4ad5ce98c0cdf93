#include <algorithm>
#include <catch2/catch.hpp>

#include "reconciler/control/conditions.h"
#include "reconciler/control/node_rules.h"
#include "reconciler/control/owners.h"
#include "schema/ipv4.h"
#include "tests/control/harness.h"

namespace mainstay {
namespace {

using test::Cluster;
using test::manifest;

constexpr const char* kSet = R"(
apiVersion: apps/v1
kind: ReplicaSet
metadata: {name: web}
spec:
  replicas: 4
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - {name: web, image: "web:1"}
)";

const Node& node_of(const Cluster& cluster, const std::string& name) {
  return as<Node>(*cluster.get(Kind::kNode, "", name));
}

std::vector<std::string> taints_of(const Cluster& cluster, const std::string& name) {
  std::vector<std::string> texts;
  for (const Taint& taint : node_of(cluster, name).spec.taints) {
    texts.push_back(taint.key + ":" + taint.effect);
  }
  return texts;
}

size_t pods_on(const Cluster& cluster, const std::string& node, bool ready) {
  size_t count = 0;
  for (const ObjectPtr& pod : cluster.active_pods()) {
    if (as<Pod>(*pod).spec.node_name == node && is_ready(as<Pod>(*pod)) == ready) ++count;
  }
  return count;
}

const std::vector<std::string> kUnreachable = {"node.kubernetes.io/unreachable:NoSchedule",
                                               "node.kubernetes.io/unreachable:NoExecute"};

}  // namespace

TEST_CASE("a node that registers gets a range, a lease and no taint") {
  Cluster cluster;
  cluster.add_node("n1");
  cluster.add_node("n2");
  cluster.settle();
  CHECK(node_of(cluster, "n1").spec.pod_cidr == "10.244.0.0/24");
  CHECK(node_of(cluster, "n2").spec.pod_cidr == "10.244.1.0/24");
  CHECK(node_of(cluster, "n1").spec.pod_cidrs == std::vector<std::string>{"10.244.0.0/24"});
  CHECK(taints_of(cluster, "n1").empty());
  ObjectPtr lease = cluster.get(Kind::kLease, "kube-node-lease", "n1");
  REQUIRE(lease);
  CHECK(as<Lease>(*lease).spec.holder_identity == "n1");
  CHECK(as<Lease>(*lease).spec.lease_duration_seconds == 40);
  uint64_t version = cluster.view().version();
  cluster.advance(std::chrono::minutes(10));
  CHECK(cluster.view().version() == version);

  // A range that became free is used again; those of others stay.
  cluster.remove({Kind::kNode, "", "n1"});
  cluster.settle();
  CHECK_FALSE(cluster.get(Kind::kLease, "kube-node-lease", "n1"));
  cluster.add_node("n3");
  cluster.settle();
  CHECK(node_of(cluster, "n3").spec.pod_cidr == "10.244.0.0/24");
  CHECK(node_of(cluster, "n2").spec.pod_cidr == "10.244.1.0/24");
}

TEST_CASE("a cluster range that is used up is said, and ends when there is room") {
  Cluster cluster;
  cluster.settings.cluster_cidr = "10.0.0.0/23";
  for (const char* name : {"n1", "n2", "n3"}) cluster.add_node(name);
  cluster.settle();
  CHECK(node_of(cluster, "n3").spec.pod_cidr.empty());
  CHECK(taints_of(cluster, "n3") ==
        std::vector<std::string>{"node.kubernetes.io/network-unavailable:NoSchedule"});
  auto events = cluster.events(Kind::kNode, "n3");
  CHECK(std::count(events.begin(), events.end(),
                   "CIDRNotAvailable: Node n3 status is now: CIDRNotAvailable") == 1);
  uint64_t version = cluster.view().version();
  cluster.queue.resync(cluster.view());
  cluster.settle();
  CHECK(cluster.view().version() == version);
  cluster.remove({Kind::kNode, "", "n1"});
  cluster.settle();
  CHECK(node_of(cluster, "n3").spec.pod_cidr == "10.0.0.0/24");
  CHECK(taints_of(cluster, "n3").empty());
}

TEST_CASE("cordon is a taint, and uncordon takes it back") {
  Cluster cluster;
  cluster.add_node("n1");
  cluster.edit<Node>("", "n1", [](Object& node) {
    as<Node>(node).spec.unschedulable = true;
    as<Node>(node).spec.taints.push_back({"dedicated", "db", "NoSchedule", {}});
  });
  cluster.settle();
  CHECK(taints_of(cluster, "n1") ==
        std::vector<std::string>{"dedicated:NoSchedule", "node.kubernetes.io/unschedulable:NoSchedule"});
  const std::string cordoned = "NodeNotSchedulable: Node n1 status is now: NodeNotSchedulable";
  CHECK(cluster.events(Kind::kNode, "n1") == std::vector<std::string>{cordoned});
  cluster.edit<Node>("", "n1", [](Object& node) { as<Node>(node).spec.unschedulable = false; });
  cluster.settle();
  CHECK(taints_of(cluster, "n1") == std::vector<std::string>{"dedicated:NoSchedule"});
  CHECK(cluster.events(Kind::kNode, "n1") ==
        std::vector<std::string>{cordoned, "NodeSchedulable: Node n1 status is now: NodeSchedulable"});
}

TEST_CASE("a silent node: Unknown after the grace, its pods elsewhere after what they tolerate") {
  Cluster cluster;
  cluster.add_node("n1");
  cluster.add_node("n2");
  cluster.apply(kSet);
  cluster.settle();
  REQUIRE(pods_on(cluster, "n1", true) == 2);
  cluster.silent_nodes = {"n1"};
  cluster.advance(std::chrono::seconds(35));
  CHECK(node_health(node_of(cluster, "n1")) == NodeHealth::kReady);
  cluster.advance(std::chrono::seconds(10));
  CHECK(node_health(node_of(cluster, "n1")) == NodeHealth::kUnknown);
  for (const NodeCondition& condition : node_of(cluster, "n1").status.conditions) {
    INFO(condition.type);
    CHECK(condition.status == "Unknown");
  }
  CHECK(taints_of(cluster, "n1") == kUnreachable);
  CHECK(pods_on(cluster, "n1", false) == 2);
  CHECK(as<ReplicaSet>(*cluster.get(Kind::kReplicaSet, "default", "web")).status.ready_replicas == 2);

  SECTION("it comes back in time: nothing has moved") {
    auto pods = cluster.list(Kind::kPod);
    cluster.silent_nodes.clear();
    cluster.advance(std::chrono::seconds(15));
    CHECK(node_health(node_of(cluster, "n1")) == NodeHealth::kReady);
    CHECK(taints_of(cluster, "n1").empty());
    CHECK(pods_on(cluster, "n1", true) == 2);
    CHECK(cluster.list(Kind::kPod).size() == pods.size());
    auto events = cluster.events(Kind::kNode, "n1");
    CHECK(std::count(events.begin(), events.end(), "NodeReady: Node n1 status is now: NodeReady") == 1);
  }
  SECTION("it stays away: its pods stay Terminating, others take their place") {
    cluster.advance(std::chrono::seconds(290));
    CHECK(pods_on(cluster, "n1", false) == 2);
    cluster.advance(std::chrono::seconds(20));
    CHECK(pods_on(cluster, "n1", false) == 0);
    CHECK(pods_on(cluster, "n2", true) == 4);
    CHECK(cluster.list(Kind::kPod).size() == 6);
    for (const ObjectPtr& pod : cluster.list(Kind::kPod)) {
      if (as<Pod>(*pod).spec.node_name != "n1") continue;
      CHECK(condition_true(as<Pod>(*pod).status.conditions, "DisruptionTarget"));
      CHECK(cluster.events(Kind::kPod, pod->meta.name) ==
            std::vector<std::string>{"NodeNotReady: Node is not ready",
                                     "TaintManagerEviction: Marking for deletion Pod default/" + pod->meta.name});
    }
    cluster.silent_nodes.clear();
    cluster.advance(std::chrono::seconds(15));
    CHECK(cluster.list(Kind::kPod).size() == 4);
  }
  SECTION("it is deleted: its pods go with it") {
    cluster.remove({Kind::kNode, "", "n1"});
    cluster.settle();
    CHECK(cluster.list(Kind::kPod).size() == 4);
    CHECK(pods_on(cluster, "n2", true) == 4);
  }
}

TEST_CASE("when no node is heard of, nothing moves") {
  Cluster cluster;
  cluster.add_node("n1");
  cluster.add_node("n2");
  cluster.apply(kSet);
  cluster.settle();
  cluster.silent_nodes = {"n1", "n2"};
  cluster.advance(std::chrono::hours(1));
  CHECK(taints_of(cluster, "n1") == std::vector<std::string>{kUnreachable[0]});
  CHECK(cluster.active_pods().size() == 4);
  CHECK(cluster.list(Kind::kPod).size() == 4);
  cluster.silent_nodes.clear();
  cluster.advance(std::chrono::seconds(30));
  CHECK(pods_on(cluster, "n1", true) + pods_on(cluster, "n2", true) == 4);
  CHECK(cluster.list(Kind::kPod).size() == 4);
}

TEST_CASE("after a restart every node gets its full grace again") {
  Cluster cluster;
  cluster.add_node("n1");
  cluster.settle();
  cluster.silent_nodes = {"n1"};
  cluster.advance(std::chrono::seconds(35));
  cluster.restart();
  cluster.advance(std::chrono::seconds(35));
  CHECK(node_health(node_of(cluster, "n1")) == NodeHealth::kReady);
  cluster.advance(std::chrono::seconds(10));
  CHECK(node_health(node_of(cluster, "n1")) == NodeHealth::kUnknown);
  // Unknown stays so after a restart, until the node is heard of.
  cluster.restart();
  cluster.advance(std::chrono::seconds(10));
  CHECK(node_health(node_of(cluster, "n1")) == NodeHealth::kUnknown);
}

TEST_CASE("a node that was not ready in its own words is so again when it returns") {
  Cluster cluster;
  cluster.add_node("n1");
  cluster.edit<Node>("", "n1", [&](Object& node) {
    set_condition(as<Node>(node).status.conditions, "Ready", {"False", "KubeletNotReady", "no runtime"},
                  cluster.now().wall);
  });
  cluster.settle();
  CHECK(taints_of(cluster, "n1") == std::vector<std::string>{"node.kubernetes.io/not-ready:NoSchedule",
                                                             "node.kubernetes.io/not-ready:NoExecute"});
  cluster.silent_nodes = {"n1"};
  cluster.advance(std::chrono::minutes(1));
  CHECK(node_health(node_of(cluster, "n1")) == NodeHealth::kUnknown);
  cluster.silent_nodes.clear();
  cluster.advance(std::chrono::seconds(20));
  CHECK(node_health(node_of(cluster, "n1")) == NodeHealth::kNotReady);
}

TEST_CASE("a NoExecute taint of an operator") {
  Cluster cluster;
  cluster.add_node("n1");
  cluster.add_node("n2");
  cluster.apply(kSet);
  cluster.settle();
  cluster.edit<Node>("", "n1", [](Object& node) {
    as<Node>(node).spec.taints.push_back({"maintenance", "", "NoExecute", {}});
  });
  cluster.settle();
  CHECK(pods_on(cluster, "n2", true) == 4);
  CHECK(cluster.list(Kind::kPod).size() == 4);
  CHECK(node_of(cluster, "n1").spec.taints[0].time_added != WallTime{});
}

TEST_CASE("a pod of a node that is not there goes, unless the node may be about to come") {
  Cluster cluster;
  Object pod = manifest(R"(
apiVersion: v1
kind: Pod
metadata: {name: lost, finalizers: [example.com/hold]}
spec:
  nodeName: nowhere
  containers: [{name: c, image: "c:1"}]
)");
  cluster.apply(pod);
  cluster.settle();
  CHECK(cluster.active_pods().size() == 1);
  cluster.advance(std::chrono::seconds(45));
  ObjectPtr held = cluster.get(Kind::kPod, "default", "lost");
  REQUIRE(held);
  CHECK(as<Pod>(*held).status.phase == "Failed");
  CHECK(held->meta.deletion_timestamp != WallTime{});
  cluster.edit<Pod>("default", "lost", [](Object& object) { object.meta.finalizers.clear(); });
  cluster.settle();
  CHECK_FALSE(cluster.get(Kind::kPod, "default", "lost"));
}

TEST_CASE("tolerations and the time they give") {
  WallTime added{std::chrono::seconds(1000)};
  Taint taint{"k", "v", "NoExecute", added};
  auto after = [&](int64_t seconds) { return added + std::chrono::seconds(seconds); };
  CHECK(eviction_time({}, {taint}) == WallTime{});
  CHECK_FALSE(eviction_time({}, {{"k", "v", "NoSchedule", added}}));
  CHECK_FALSE(eviction_time({{"k", "Equal", "v", "NoExecute", {}}}, {taint}));
  CHECK_FALSE(eviction_time({{"", "Exists", "", "", {}}}, {taint}));
  CHECK(eviction_time({{"k", "Equal", "other", "NoExecute", {}}}, {taint}) == WallTime{});
  CHECK(eviction_time({{"k", "", "v", "NoExecute", 30}}, {taint}) == after(30));
  CHECK(eviction_time({{"k", "Exists", "", "NoExecute", 60}, {"k", "Equal", "v", "", 10}}, {taint}) ==
        after(10));
  CHECK(eviction_time({{"k", "Exists", "", "NoExecute", -5}}, {taint}) == after(0));
  CHECK(eviction_time({{"k", "Exists", "", "NoSchedule", {}}}, {taint}) == WallTime{});
  CHECK_FALSE(tolerates({"", "Equal", "", "", {}}, {"", "", "NoExecute", added}));
}

TEST_CASE("IPv4 addresses and ranges") {
  CHECK(parse_ipv4("10.96.0.1") == 0x0a600001u);
  CHECK(ipv4_text(0x0a600001u) == "10.96.0.1");
  CHECK(ipv4_text(0) == "0.0.0.0");
  for (const char* bad : {"", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "1.2.3.x", "1..2.3",
                          "-1.2.3.4"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_ipv4(bad));
  }
  std::optional<Ipv4Block> range = parse_ipv4_range("10.96.0.0/16");
  REQUIRE(range);
  CHECK(range->size() == 65536);
  CHECK(range->contains(*parse_ipv4("10.96.255.255")));
  CHECK_FALSE(range->contains(*parse_ipv4("10.97.0.0")));
  CHECK_FALSE(range->contains(*parse_ipv4("10.95.255.255")));
  CHECK(parse_ipv4_range("0.0.0.0/0")->size() == uint64_t{1} << 32);
  for (const char* bad : {"10.96.0.1/16", "10.96.0.0", "10.96.0.0/33", "/16", "10.96.0.0/"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_ipv4_range(bad));
  }
}

}  // namespace mainstay
