#include <algorithm>
#include <catch2/catch.hpp>
#include <set>

#include "reconciler/control/conditions.h"
#include "reconciler/control/endpoint_slices.h"
#include "reconciler/control/owners.h"
#include "reconciler/control/service_addresses.h"
#include "tests/control/harness.h"

namespace mainstay {
namespace {

using test::Cluster;
using test::manifest;

constexpr const char* kService = R"(
apiVersion: v1
kind: Service
metadata: {name: web, labels: {team: shop}}
spec:
  selector: {app: web}
  ports:
  - {name: http, port: 80, targetPort: http}
)";

Object service(const std::string& name, const std::string& type = "ClusterIP",
               const std::string& address = "") {
  Object object = manifest(kService);
  object.meta.name = name;
  as<Service>(object).spec.type = type;
  as<Service>(object).spec.cluster_ip = address;
  return object;
}

Object pod(const std::string& name, int32_t port, bool ready = true, const std::string& ip = "10.244.0.9") {
  Object object = manifest(R"(
apiVersion: v1
kind: Pod
metadata: {name: p, labels: {app: web}}
spec:
  nodeName: n1
  containers:
  - {name: web, image: "web:1", ports: [{name: http, containerPort: 8080}]}
)");
  object.meta.name = name;
  Pod& body = as<Pod>(object);
  body.spec.containers[0].ports[0].container_port = port;
  body.status.phase = "Running";
  body.status.pod_ip = ip;
  set_condition(body.status.conditions, "Ready", {ready ? "True" : "False", "", ""},
                WallTime{std::chrono::seconds(1'700'000'000)});
  return object;
}

std::string address_of(const Cluster& cluster, const std::string& name) {
  return as<Service>(*cluster.get(Kind::kService, "default", name)).spec.cluster_ip;
}

std::vector<const EndpointSlice*> slices_of(const Cluster& cluster) {
  std::vector<const EndpointSlice*> slices;
  for (const ObjectPtr& slice : cluster.view().list(Kind::kEndpointSlice, "default")) {
    slices.push_back(&as<EndpointSlice>(*slice));
  }
  return slices;
}

const Value& endpoints_of(const Cluster& cluster) {
  return generic_fields(*cluster.get(Kind::kEndpoints, "default", "web"));
}

void set_ready(Cluster& cluster, const std::string& name, bool ready) {
  cluster.edit<Pod>("default", name, [&](Object& object) {
    set_condition(as<Pod>(object).status.conditions, "Ready", {ready ? "True" : "False", "", ""},
                  cluster.now().wall);
  });
}

// No fake kubelet, and a node so that pods are not cleared away.
Cluster cluster_by_hand() {
  Cluster cluster;
  cluster.kubelet_runs = cluster.kubelet_stops = cluster.schedules = false;
  cluster.add_node("n1");
  cluster.settle();
  return cluster;
}

std::string problems_of(const Cluster& cluster, Object object) {
  return allocate_service(cluster.view(), cluster.settings, object).render();
}

}  // namespace

TEST_CASE("cluster IPs: given once, kept, given again to the same name") {
  Cluster cluster;
  cluster.apply(service("web"));
  cluster.apply(service("api"));
  cluster.settle();
  std::string web = address_of(cluster, "web"), api = address_of(cluster, "api");
  CHECK(web.rfind("10.96.", 0) == 0);
  CHECK(web != api);
  const ServiceSpec& spec = as<Service>(*cluster.get(Kind::kService, "default", "web")).spec;
  CHECK(spec.cluster_ips == std::vector<std::string>{web});
  // The lower 256 addresses are for those that ask for one.
  CHECK(*parse_ipv4(web) >= *parse_ipv4("10.96.1.0"));
  uint64_t version = cluster.view().version();
  cluster.queue.resync(cluster.view());
  cluster.settle();
  CHECK(cluster.view().version() == version);
  cluster.remove({Kind::kService, "default", "web"});
  cluster.settle();
  cluster.apply(service("web"));
  cluster.settle();
  CHECK(address_of(cluster, "web") == web);
}

TEST_CASE("a range is used to its last address, none twice") {
  Cluster cluster;
  cluster.settings.service_cidr = "10.0.0.0/28";
  for (int i = 0; i < 15; ++i) cluster.apply(service("s" + std::to_string(i)));
  cluster.settle();
  std::set<std::string> addresses;
  int without = 0;
  for (const ObjectPtr& object : cluster.list(Kind::kService)) {
    const std::string& address = as<Service>(*object).spec.cluster_ip;
    if (address.empty()) ++without; else addresses.insert(address);
  }
  CHECK(addresses.size() == 12);  // neither the API server's nor that of DNS
  CHECK(addresses.count("10.0.0.0") == 0);
  CHECK(addresses.count("10.0.0.15") == 0);
  CHECK(without == 3);
  uint64_t version = cluster.view().version();
  cluster.queue.resync(cluster.view());
  cluster.settle();
  CHECK(cluster.view().version() == version);
}

TEST_CASE("static, headless and external Services") {
  Cluster cluster;
  cluster.apply(service("fixed", "ClusterIP", "10.96.0.77"));
  cluster.apply(service("headless", "ClusterIP", "None"));
  Object external = service("external", "ExternalName");
  as<Service>(external).spec.external_name = "example.com";
  cluster.apply(external);
  cluster.settle();
  CHECK(address_of(cluster, "fixed") == "10.96.0.77");
  CHECK(address_of(cluster, "headless") == "None");
  CHECK(as<Service>(*cluster.get(Kind::kService, "default", "headless")).spec.cluster_ips ==
        std::vector<std::string>{"None"});
  CHECK(address_of(cluster, "external").empty());

  CHECK(problems_of(cluster, service("other", "ClusterIP", "10.96.0.77")).find(
            "spec.clusterIPs: Invalid value: [\"10.96.0.77\"]: failed to allocate IP 10.96.0.77: "
            "provided IP is already allocated") != std::string::npos);
  CHECK(problems_of(cluster, service("fixed", "ClusterIP", "10.96.0.77")).empty());
  CHECK(problems_of(cluster, service("other", "ClusterIP", "10.97.0.10")).find(
            "the provided IP (10.97.0.10) is not in the valid range. "
            "The range of valid IPs is 10.96.0.0/16") !=
        std::string::npos);
}

TEST_CASE("two Services that claim one address: the older keeps it, the other says so") {
  Cluster cluster;
  cluster.apply(service("first", "ClusterIP", "10.96.0.77"));
  cluster.advance(std::chrono::seconds(2));
  cluster.apply(service("second", "ClusterIP", "10.96.0.77"));
  cluster.settle();
  ObjectPtr second = cluster.get(Kind::kService, "default", "second");
  REQUIRE(as<Service>(*second).status.carried);
  const Value* conditions = as<Service>(*second).status.carried->find("conditions");
  REQUIRE(conditions != nullptr);
  CHECK(conditions->as_list()[0].string_at("reason") == "AllocationFailed");
  CHECK_FALSE(as<Service>(*cluster.get(Kind::kService, "default", "first")).status.carried);
  CHECK(cluster.events(Kind::kService, "second").size() == 1);
  uint64_t version = cluster.view().version();
  cluster.queue.resync(cluster.view());
  cluster.settle();
  CHECK(cluster.view().version() == version);
  cluster.remove({Kind::kService, "default", "first"});
  cluster.settle();
  CHECK_FALSE(as<Service>(*cluster.get(Kind::kService, "default", "second")).status.carried);
}

TEST_CASE("a range that no longer has a Service's address: said once, and nothing else changes") {
  Cluster cluster;
  cluster.apply(service("web", "NodePort"));
  cluster.settle();
  const std::string address = address_of(cluster, "web");
  const int32_t port = as<Service>(*cluster.get(Kind::kService, "default", "web")).spec.ports[0].node_port;
  cluster.settings.service_cidr = "10.97.0.0/16";
  cluster.restart();
  cluster.settle();
  CHECK(address_of(cluster, "web") == address);
  CHECK(as<Service>(*cluster.get(Kind::kService, "default", "web")).spec.ports[0].node_port == port);
  const std::vector<std::string> said{"ClusterIPOutOfRange: Cluster IP [IPv4]: " + address +
                                      " is not within any configured Service CIDR; please recreate service"};
  CHECK(cluster.events(Kind::kService, "web") == said);
  std::vector<ObjectPtr> events = cluster.list(Kind::kEvent);
  REQUIRE(events.size() == 1);
  CHECK(as<Event>(*events[0]).type == "Warning");
  CHECK(as<Event>(*events[0]).source.component == "ipallocator-repair-controller");

  cluster.apply(service("other"));  // one more sweep
  cluster.edit<Service>("default", "web", [](Object& next) { next.meta.labels = {{"a", "b"}}; });
  cluster.restart();
  cluster.settle();
  CHECK(cluster.list(Kind::kEvent).size() == 1);
  CHECK(as<Event>(*cluster.list(Kind::kEvent)[0]).count == 1);
  // Back in the range, there is nothing to be said of it.
  cluster.settings.service_cidr = "10.96.0.0/15";
  cluster.restart();
  cluster.settle();
  CHECK_FALSE(as<Service>(*cluster.get(Kind::kService, "default", "web")).status.carried);
}

TEST_CASE("node ports: in their range, none twice per protocol, released with the type") {
  Cluster cluster;
  Object object = service("web", "NodePort");
  ServicePort dns = as<Service>(object).spec.ports[0];
  dns.name = "dns";
  dns.protocol = "UDP";
  dns.node_port = 30053;
  as<Service>(object).spec.ports.push_back(dns);
  cluster.apply(object);
  Object other = service("other", "NodePort");
  as<Service>(other).spec.ports[0].node_port = 30053;  // TCP: another port
  cluster.apply(other);
  cluster.settle();
  const ServiceSpec& spec = as<Service>(*cluster.get(Kind::kService, "default", "web")).spec;
  CHECK(spec.ports[0].node_port >= kFirstNodePort);
  CHECK(spec.ports[0].node_port <= kLastNodePort);
  CHECK(spec.ports[1].node_port == 30053);
  CHECK(as<Service>(*cluster.get(Kind::kService, "default", "other")).spec.ports[0].node_port == 30053);

  Object clash = service("clash", "NodePort");
  as<Service>(clash).spec.ports[0].node_port = 30053;
  CHECK(problems_of(cluster, clash).find("spec.ports[0].nodePort: Invalid value: 30053: "
                                         "provided port is already allocated") != std::string::npos);
  as<Service>(clash).spec.ports[0].node_port = 80;
  CHECK(problems_of(cluster, clash).find("spec.ports[0].nodePort: Invalid value: 80: provided port is "
                                         "not in the valid range. The range of valid ports is 30000-32767") !=
        std::string::npos);

  cluster.edit<Service>("default", "web", [](Object& next) { as<Service>(next).spec.type = "ClusterIP"; });
  cluster.settle();
  CHECK(as<Service>(*cluster.get(Kind::kService, "default", "web")).spec.ports[1].node_port == 0);
}

TEST_CASE("addresses stay free of collisions under random changes") {
  uint64_t seed = 42;
  CAPTURE(seed);
  Rng rng(seed);
  Cluster cluster(seed);
  cluster.settings.service_cidr = "10.0.0.0/26";
  for (int i = 0; i < 200; ++i) {
    std::string name = "s" + std::to_string(rng.below(40));
    if (cluster.get(Kind::kService, "default", name) && rng.chance(50)) {
      cluster.remove({Kind::kService, "default", name});
    } else if (!cluster.get(Kind::kService, "default", name)) {
      cluster.apply(service(name, rng.chance(50) ? "NodePort" : "ClusterIP"));
    }
    if (rng.chance(40)) cluster.settle();
  }
  cluster.settle();
  std::set<std::string> addresses;
  std::set<int32_t> ports;
  for (const ObjectPtr& object : cluster.list(Kind::kService)) {
    const ServiceSpec& spec = as<Service>(*object).spec;
    REQUIRE_FALSE(spec.cluster_ip.empty());
    REQUIRE(addresses.insert(spec.cluster_ip).second);
    if (spec.type == "NodePort") REQUIRE(ports.insert(spec.ports[0].node_port).second);
  }
}

TEST_CASE("a Service's endpoints follow its pods") {
  Cluster cluster = cluster_by_hand();
  cluster.apply(kService);
  cluster.settle();
  REQUIRE(slices_of(cluster).size() == 1);
  CHECK(slices_of(cluster)[0]->endpoints.empty());
  CHECK(endpoints_of(cluster).find("subsets") == nullptr);

  cluster.apply(pod("a", 8080, true, "10.244.0.2"));
  cluster.apply(pod("b", 8080, false, "10.244.0.3"));
  cluster.settle();
  std::vector<ObjectPtr> objects = cluster.list(Kind::kEndpointSlice);
  REQUIRE(objects.size() == 1);
  CHECK(objects[0]->meta.name.rfind("web-", 0) == 0);
  CHECK(*map_find(objects[0]->meta.labels, kServiceNameLabel) == "web");
  CHECK(*map_find(objects[0]->meta.labels, kSliceManagerLabel) == kSliceManager);
  CHECK(*map_find(objects[0]->meta.labels, "team") == "shop");
  CHECK(controlled_by(objects[0]->meta, cluster.get(Kind::kService, "default", "web")->meta.uid));
  const EndpointSlice& slice = as<EndpointSlice>(*objects[0]);
  CHECK(slice.address_type == "IPv4");
  REQUIRE(slice.ports.size() == 1);
  CHECK(slice.ports[0].name == "http");
  CHECK(slice.ports[0].port == 8080);
  REQUIRE(slice.endpoints.size() == 2);
  CHECK(slice.endpoints[0].addresses == std::vector<std::string>{"10.244.0.2"});
  CHECK(slice.endpoints[0].conditions.ready == true);
  CHECK(slice.endpoints[0].conditions.serving == true);
  CHECK(slice.endpoints[0].conditions.terminating == false);
  CHECK(slice.endpoints[0].node_name == "n1");
  CHECK(slice.endpoints[0].target_ref->name == "a");
  CHECK(slice.endpoints[1].conditions.ready == false);
  const Value& subset = endpoints_of(cluster).find("subsets")->as_list()[0];
  CHECK(subset.find("addresses")->as_list()[0].string_at("ip") == "10.244.0.2");
  CHECK(subset.find("notReadyAddresses")->as_list()[0].string_at("ip") == "10.244.0.3");
  CHECK(subset.find("ports")->as_list()[0].find("port")->as_int() == 8080);

  // A pod on its way out serves until it is gone, but is no longer ready.
  cluster.remove({Kind::kPod, "default", "a"});
  cluster.settle();
  const Endpoint& leaving = slices_of(cluster)[0]->endpoints[0];
  CHECK(leaving.conditions.ready == false);
  CHECK(leaving.conditions.serving == true);
  CHECK(leaving.conditions.terminating == true);
  CHECK(endpoints_of(cluster).find("subsets")->as_list()[0].find("addresses") == nullptr);

  cluster.remove({Kind::kService, "default", "web"});
  cluster.settle();
  CHECK(cluster.list(Kind::kEndpointSlice).empty());
  CHECK_FALSE(cluster.get(Kind::kEndpoints, "default", "web"));
}

TEST_CASE("pods without address, finished ones and those of others are no endpoints") {
  Cluster cluster = cluster_by_hand();
  cluster.apply(kService);
  cluster.apply(pod("no-address", 8080, true, ""));
  Object finished = pod("finished", 8080);
  as<Pod>(finished).status.phase = "Succeeded";
  cluster.apply(finished);
  Object other = pod("other", 8080);
  other.meta.labels = {{"app", "api"}};
  cluster.apply(other);
  Object unnamed = pod("unnamed", 8080);
  as<Pod>(unnamed).spec.containers[0].ports.clear();
  cluster.apply(unnamed);
  cluster.settle();
  REQUIRE(slices_of(cluster).size() == 1);
  CHECK(slices_of(cluster)[0]->endpoints.empty());
}

TEST_CASE("publishNotReadyAddresses shows pods that are not ready as ready") {
  Cluster cluster = cluster_by_hand();
  Object object = manifest(kService);
  as<Service>(object).spec.publish_not_ready_addresses = true;
  cluster.apply(object);
  cluster.apply(pod("a", 8080, false));
  cluster.settle();
  CHECK(slices_of(cluster)[0]->endpoints[0].conditions.ready == true);
  CHECK(slices_of(cluster)[0]->endpoints[0].conditions.serving == false);
  CHECK(endpoints_of(cluster).find("subsets")->as_list()[0].find("addresses") != nullptr);
}

TEST_CASE("a named port with another number in some pods has a slice of its own") {
  Cluster cluster = cluster_by_hand();
  cluster.apply(kService);
  cluster.apply(pod("a", 8080, true, "10.244.0.2"));
  cluster.apply(pod("b", 9090, true, "10.244.0.3"));
  cluster.settle();
  std::set<int32_t> ports;
  for (const EndpointSlice* slice : slices_of(cluster)) ports.insert(slice->ports[0].port.value());
  CHECK(ports == std::set<int32_t>{8080, 9090});
  CHECK(endpoints_of(cluster).find("subsets")->as_list().size() == 2);
}

TEST_CASE("slices hold a hundred endpoints, and one change rewrites one slice") {
  Cluster cluster = cluster_by_hand();
  cluster.apply(kService);
  for (int i = 0; i < 250; ++i) {
    cluster.apply(pod("p" + std::to_string(1000 + i), 8080, true, "10.244.1." + std::to_string(i)));
  }
  cluster.settle();
  std::vector<size_t> sizes;
  for (const EndpointSlice* slice : slices_of(cluster)) sizes.push_back(slice->endpoints.size());
  std::sort(sizes.begin(), sizes.end());
  CHECK(sizes == std::vector<size_t>{50, 100, 100});

  auto before = cluster.list(Kind::kEndpointSlice);
  auto rewritten = [&] {
    size_t count = 0;
    for (const ObjectPtr& slice : before) {
      ObjectPtr now = cluster.get(Kind::kEndpointSlice, "default", slice->meta.name);
      if (!now || now->version != slice->version) ++count;
    }
    before = cluster.list(Kind::kEndpointSlice);
    return count;
  };
  set_ready(cluster, "p1010", false);
  cluster.settle();
  CHECK(rewritten() == 1);
  cluster.apply(pod("p2000", 8080, true, "10.244.2.1"));
  cluster.settle();
  CHECK(rewritten() == 1);
  CHECK(slices_of(cluster).size() == 3);
  DeleteOptions at_once;
  at_once.grace_seconds = 0;
  for (int i = 0; i < 250; ++i) {
    cluster.remove({Kind::kPod, "default", "p" + std::to_string(1000 + i)}, at_once);
  }
  cluster.settle();
  CHECK(slices_of(cluster).size() == 1);
  CHECK(slices_of(cluster)[0]->endpoints.size() == 1);
}

TEST_CASE("Endpoints name a thousand addresses at most, ready ones first") {
  Object object = manifest(kService);
  std::vector<ObjectPtr> pods;
  for (int i = 0; i < 1100; ++i) {
    std::string address = "10.0." + std::to_string(i / 250) + "." + std::to_string(i % 250);
    Object one = pod("p" + std::to_string(i), 8080, i >= 50, address);
    pods.push_back(std::make_shared<const Object>(std::move(one)));
  }
  Object endpoints = endpoints_object(object, pods);
  const Value& subset = generic_fields(endpoints).find("subsets")->as_list()[0];
  CHECK(subset.find("addresses")->as_list().size() == 1000);
  CHECK(subset.find("notReadyAddresses") == nullptr);
  CHECK(*map_find(endpoints.meta.annotations, "endpoints.kubernetes.io/over-capacity") == "truncated");
}

TEST_CASE("the endpoints of a Service without selector are left to their owner, and go with the Service") {
  Cluster cluster = cluster_by_hand();
  Object object = manifest(kService);
  as<Service>(object).spec.selector.clear();
  cluster.apply(object);
  Object mine = make_object(Kind::kEndpoints, "default", "web");
  cluster.apply(mine);
  cluster.settle();
  CHECK(slices_of(cluster).empty());
  cluster.remove({Kind::kService, "default", "web"});
  cluster.settle();
  CHECK_FALSE(cluster.get(Kind::kEndpoints, "default", "web"));
  // Written before their Service, or for none, they stay.
  cluster.apply(mine);
  cluster.settle();
  CHECK(cluster.get(Kind::kEndpoints, "default", "web"));
}

}  // namespace mainstay
