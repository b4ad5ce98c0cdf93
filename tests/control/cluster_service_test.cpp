// What the control plane itself keeps for Services: the Service `kubernetes`, the address of DNS, addresses of load
// balancers, EndpointSlices of Endpoints that somebody wrote.
#include <catch2/catch.hpp>
#include <functional>
#include <set>

#include "reconciler/control/address_ranges.h"
#include "reconciler/control/endpoint_slices.h"
#include "reconciler/control/load_balancer.h"
#include "reconciler/control/service_addresses.h"
#include "schema/health.h"
#include "schema/ipv4.h"
#include "tests/control/harness.h"

namespace mainstay {
namespace {

using test::Cluster;
using test::manifest;

Object balancer(const std::string& name, const std::string& more = "") {
  return manifest("{apiVersion: v1, kind: Service, metadata: {name: " + name +
                  "}, spec: {type: LoadBalancer, ports: [{port: 80}]" + more + "}}");
}

Object fixed(const std::string& ns, const std::string& name, const std::string& address) {
  Object out = manifest("{apiVersion: v1, kind: Service, metadata: {name: " + name + ", namespace: " + ns +
                        "}, spec: {ports: [{port: 53, protocol: UDP}], clusterIP: " + address + "}}");
  return out;
}

std::string ingress_of(const Cluster& cluster, const std::string& name) {
  const auto& ingress = as<Service>(*cluster.get(Kind::kService, "default", name)).status.load_balancer.ingress;
  return ingress.empty() ? "" : ingress.front().ip;
}

HealthReport health(const Cluster& cluster, const std::string& name) {
  return *health_of(*cluster.get(Kind::kService, "default", name));
}

std::string problem(const Cluster& cluster, Object object) {
  return allocate_service(cluster.view(), cluster.settings, object).render();
}

}  // namespace

TEST_CASE("the Service kubernetes leads to the API server and comes back when it is deleted") {
  Cluster cluster;
  CHECK_FALSE(cluster.get(Kind::kService, "default", "kubernetes"));
  cluster.settings.api_service = true;
  cluster.settings.api_address = "192.0.2.7";
  cluster.settings.api_port = 6443;
  cluster.restart();
  cluster.settle();
  auto check = [&](const std::string& address) {
    ObjectPtr object = cluster.get(Kind::kService, "default", "kubernetes");
    REQUIRE(object);
    const Service& service = as<Service>(*object);
    CHECK(service.spec.cluster_ip == "10.96.0.1");
    REQUIRE(service.spec.ports.size() == 1);
    CHECK(service.spec.ports[0].port == 443);
    CHECK(service.spec.ports[0].target_port.number() == 6443);
    ObjectPtr found = cluster.get(Kind::kEndpointSlice, "default", "kubernetes");
    REQUIRE(found);
    const EndpointSlice& slice = as<EndpointSlice>(*found);
    REQUIRE(slice.endpoints.size() == 1);
    CHECK(slice.endpoints[0].addresses == std::vector<std::string>{address});
    CHECK(*slice.ports[0].port == 6443);
    CHECK(cluster.list(Kind::kEndpointSlice).size() == 1);  // not mirrored once more
    CHECK(cluster.get(Kind::kEndpoints, "default", "kubernetes"));
  };
  check("192.0.2.7");
  cluster.remove({Kind::kService, "default", "kubernetes"});
  cluster.remove({Kind::kEndpointSlice, "default", "kubernetes"});
  cluster.remove({Kind::kEndpoints, "default", "kubernetes"});
  cluster.settle();
  check("192.0.2.7");
  uint64_t version = cluster.view().version();
  cluster.restart();
  cluster.settle();
  CHECK(cluster.view().version() == version);
  cluster.settings.api_address = "192.0.2.8";  // the server moves
  cluster.restart();
  cluster.settle();
  check("192.0.2.8");
  cluster.settings.api_port = 0;  // nobody can reach it
  cluster.restart();
  cluster.settle();
  CHECK(as<EndpointSlice>(*cluster.get(Kind::kEndpointSlice, "default", "kubernetes")).endpoints.empty());
}

TEST_CASE("the addresses of the API server and of DNS are kept for them") {
  Cluster cluster;
  CHECK(dns_address(cluster.settings) == "10.96.0.10");
  CHECK(api_service_address(cluster.settings) == "10.96.0.1");
  CHECK(problem(cluster, fixed("default", "mine", "10.96.0.10")).find("already allocated") != std::string::npos);
  CHECK(problem(cluster, fixed("default", "mine", "10.96.0.1")).find("already allocated") != std::string::npos);
  CHECK(problem(cluster, fixed("kube-system", "kube-dns", "10.96.0.10")).empty());
  cluster.settings.service_cidr = "10.0.0.0/29";
  CHECK(dns_address(cluster.settings).empty());
}

TEST_CASE("address pools are read as people write them") {
  Result<AddressPool> pool = AddressPool::parse({"192.0.2.0/30", "192.0.2.10-192.0.2.12", "198.51.100.1"});
  REQUIRE(pool.ok());
  CHECK(pool->size() == 8);
  std::set<std::string> all;
  for (uint64_t i = 0; i < pool->size(); ++i) {
    CHECK(pool->contains(pool->at(i)));
    all.insert(ipv4_text(pool->at(i)));
  }
  CHECK(all.size() == 8);
  CHECK(all.count("192.0.2.12") == 1);
  CHECK_FALSE(pool->contains(*parse_ipv4("192.0.2.13")));
  for (const char* wrong : {"", "x", "192.0.2.0/8", "192.0.2.9-192.0.2.1", "10.0.0.0/8", "2001:db8::/64"}) {
    CHECK_FALSE(AddressPool::parse({wrong}).ok());
  }
  CHECK_FALSE(AddressPool::parse({"192.0.2.0/30", "192.0.2.3"}).ok());
}

TEST_CASE("ranges that overlap are named, both of them") {
  auto problem_of = [](const std::function<void(ControlSettings&)>& change) {
    ControlSettings settings;
    settings.api_address = "192.168.7.1";
    settings.load_balancer_pool = {"192.0.2.0/28"};
    change(settings);
    Status status = check_address_ranges(settings);
    return status.ok() ? "" : status.error().message;
  };
  using S = ControlSettings;
  const std::string change = " overlap: one of them has to be another range";
  CHECK(problem_of([](S&) {}) == "");
  CHECK(problem_of([](S& s) { s.service_cidr = "10.244.8.0/24"; }) ==
        "network.podCIDR 10.244.0.0/16 and network.serviceCIDR 10.244.8.0/24" + change);
  CHECK(problem_of([](S& s) { s.service_cidr = "10.0.0.0/8"; }) ==
        "network.podCIDR 10.244.0.0/16 and network.serviceCIDR 10.0.0.0/8" + change);
  CHECK(problem_of([](S& s) { s.service_cidr = "10.245.0.0/16"; }) == "");
  CHECK(problem_of([](S& s) { s.load_balancer_pool.push_back("10.243.255.0-10.244.0.0"); }) ==
        "network.loadBalancerPool 10.243.255.0-10.244.0.0 and network.podCIDR 10.244.0.0/16" + change);
  CHECK(problem_of([](S& s) { s.load_balancer_pool.push_back("10.243.255.0-10.243.255.255"); }) == "");
  CHECK(problem_of([](S& s) { s.load_balancer_pool.push_back("10.96.255.255"); }) ==
        "network.loadBalancerPool 10.96.255.255 and network.serviceCIDR 10.96.0.0/16" + change);
  CHECK(problem_of([](S& s) { s.api_address = "10.96.4.4"; })
            .starts_with("the API server's address 10.96.4.4 is in network.serviceCIDR 10.96.0.0/16: "));
  CHECK(problem_of([](S& s) { s.api_address = "192.0.2.15"; }) ==
        "the API server's address 192.0.2.15 is in network.loadBalancerPool: leave it out");
  CHECK(problem_of([](S& s) { s.api_address = ""; }) == "");
  CHECK(problem_of([](S& s) { s.cluster_cidr = "10.244.0.1/16"; }) ==
        "network.podCIDR: \"10.244.0.1/16\" is no range of IPv4 addresses such as 10.244.0.0/16");
  CHECK(problem_of([](S& s) { s.cluster_cidr = "10.244.0.0/25"; }) ==
        "network.podCIDR 10.244.0.0/25 has no room for a node's share of it: its prefix is to be 8 to 24 "
        "(network.nodeCIDRBits)");
  CHECK(problem_of([](S& s) { s.service_cidr = "ten"; }).starts_with("network.serviceCIDR: \"ten\""));
}

TEST_CASE("load balancers: an address each, kept, and the pool's end said") {
  Cluster cluster;
  cluster.settings.load_balancer_pool = {"192.0.2.10-192.0.2.11"};
  cluster.apply(balancer("a"));
  cluster.apply(balancer("b"));
  cluster.settle();
  std::string a = ingress_of(cluster, "a"), b = ingress_of(cluster, "b");
  CHECK(std::set<std::string>{a, b} == std::set<std::string>{"192.0.2.10", "192.0.2.11"});
  CHECK(health(cluster, "a").status == Health::kHealthy);
  cluster.apply(balancer("c"));
  cluster.settle();
  CHECK(ingress_of(cluster, "c").empty());
  CHECK(health(cluster, "c").status == Health::kProgressing);
  CHECK(health(cluster, "c").message.find("every address of network.loadBalancerPool is taken") !=
        std::string::npos);
  uint64_t version = cluster.view().version();
  cluster.restart();
  cluster.settle();
  CHECK(cluster.view().version() == version);
  cluster.remove({Kind::kService, "default", "a"});
  cluster.settle();
  CHECK(ingress_of(cluster, "c") == a);  // freed, and taken at once
  CHECK(ingress_of(cluster, "b") == b);
  CHECK(health(cluster, "c").status == Health::kHealthy);
}

TEST_CASE("load balancers: a wanted address, another type, somebody else's") {
  Cluster cluster;
  cluster.settings.load_balancer_pool = {"192.0.2.10-192.0.2.20"};
  cluster.apply(balancer("a", ", loadBalancerIP: 192.0.2.15"));
  cluster.settle();
  CHECK(ingress_of(cluster, "a") == "192.0.2.15");
  cluster.apply(balancer("b", ", loadBalancerIP: 192.0.2.15"));
  cluster.apply(balancer("c", ", loadBalancerIP: 203.0.113.1"));
  cluster.apply(balancer("d", ", loadBalancerClass: example.org/other"));
  cluster.settle();
  CHECK(health(cluster, "b").message.find("spec.loadBalancerIP 192.0.2.15 is of another service") !=
        std::string::npos);
  CHECK(health(cluster, "c").message.find("is not in network.loadBalancerPool") != std::string::npos);
  CHECK(ingress_of(cluster, "d").empty());
  CHECK_FALSE(as<Service>(*cluster.get(Kind::kService, "default", "d")).status.carried);
  cluster.edit<Service>("default", "a", [](Object& object) { as<Service>(object).spec.type = "ClusterIP"; });
  cluster.settle();
  CHECK(ingress_of(cluster, "a").empty());
  CHECK(ingress_of(cluster, "b") == "192.0.2.15");
}

TEST_CASE("load balancers: an address that the pool has no more is said to be another one") {
  Cluster cluster;
  cluster.settings.load_balancer_pool = {"192.0.2.10-192.0.2.11"};
  cluster.apply(balancer("a"));
  cluster.apply(balancer("b"));
  cluster.settle();
  const std::string a = ingress_of(cluster, "a"), b = ingress_of(cluster, "b");
  CHECK(cluster.events(Kind::kService, "a").empty());
  cluster.settings.load_balancer_pool = {b, "192.0.2.77"};
  cluster.restart();
  cluster.settle();
  CHECK(ingress_of(cluster, "a") == "192.0.2.77");
  CHECK(ingress_of(cluster, "b") == b);
  CHECK(cluster.events(Kind::kService, "a") ==
        std::vector<std::string>{"LoadBalancerAddressLost: the address " + a +
                                 " is not in network.loadBalancerPool any more; it is 192.0.2.77 now"});
  CHECK(cluster.events(Kind::kService, "b").empty());
  // None is left for it: both are said, once.
  cluster.settings.load_balancer_pool = {b};
  cluster.restart();
  cluster.settle();
  cluster.restart();
  cluster.settle();
  std::vector<std::string> events = cluster.events(Kind::kService, "a");
  REQUIRE(events.size() == 3);
  CHECK(events[0].starts_with("AllocationFailed: "));
  CHECK(events[2] == "LoadBalancerAddressLost: the address 192.0.2.77 is not in network.loadBalancerPool any more");
}

TEST_CASE("load balancers without a pool say which key to set") {
  Cluster cluster;
  cluster.apply(balancer("a"));
  cluster.settle();
  CHECK(health(cluster, "a").status == Health::kProgressing);
  CHECK(health(cluster, "a").message.find("set network.loadBalancerPool") != std::string::npos);
  std::vector<std::string> events = cluster.events(Kind::kService, "a");
  REQUIRE(events.size() == 1);
  CHECK(events[0].find("set network.loadBalancerPool") != std::string::npos);
  cluster.settings.load_balancer_pool = {"192.0.2.10"};
  cluster.restart();
  cluster.settle();
  CHECK(ingress_of(cluster, "a") == "192.0.2.10");
  CHECK_FALSE(as<Service>(*cluster.get(Kind::kService, "default", "a")).status.carried);
}

TEST_CASE("Endpoints that somebody wrote for a Service without selector become slices") {
  Cluster cluster;
  cluster.apply("{apiVersion: v1, kind: Service, metadata: {name: db}, spec: {ports: [{port: 5432}]}}");
  cluster.apply(
      "{apiVersion: v1, kind: Endpoints, metadata: {name: db}, subsets: [{addresses: [{ip: 192.0.2.5}], "
      "notReadyAddresses: [{ip: 192.0.2.6}, {ip: '2001:db8::1'}], ports: [{port: 15432}]}]}");
  cluster.settle();
  std::vector<ObjectPtr> slices = cluster.list(Kind::kEndpointSlice);
  REQUIRE(slices.size() == 1);
  const EndpointSlice& slice = as<EndpointSlice>(*slices[0]);
  CHECK(*map_find(slices[0]->meta.labels, kServiceNameLabel) == "db");
  REQUIRE(slice.endpoints.size() == 2);
  CHECK(slice.endpoints[0].addresses[0] == "192.0.2.5");
  CHECK(*slice.endpoints[0].conditions.ready);
  CHECK_FALSE(*slice.endpoints[1].conditions.ready);
  CHECK(*slice.ports[0].port == 15432);
  uint64_t version = cluster.view().version();
  cluster.restart();
  cluster.settle();
  CHECK(cluster.view().version() == version);
  // With a selector the pods count, and nothing else.
  cluster.edit<Service>("default", "db", [](Object& object) {
    as<Service>(object).spec.selector = {{"app", "db"}};
  });
  cluster.settle();
  for (const ObjectPtr& left : cluster.list(Kind::kEndpointSlice)) {
    CHECK(as<EndpointSlice>(*left).endpoints.empty());
  }
  cluster.remove({Kind::kService, "default", "db"});
  cluster.settle();
  CHECK(cluster.list(Kind::kEndpointSlice).empty());
}

TEST_CASE("a port's name may be a sidecar's") {
  Cluster cluster;
  cluster.kubelet_runs = cluster.kubelet_stops = cluster.schedules = false;
  cluster.add_node("n1");
  cluster.apply("{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {selector: {app: web}, ports: "
                "[{port: 80, targetPort: proxy}]}}");
  Object pod = manifest(
      "{apiVersion: v1, kind: Pod, metadata: {name: p, labels: {app: web}}, spec: {nodeName: n1, "
      "initContainers: [{name: side, image: 'i:1', restartPolicy: Always, ports: [{name: proxy, containerPort: "
      "9000}]}], containers: [{name: c, image: 'i:1'}]}}");
  as<Pod>(pod).status.phase = "Running";
  as<Pod>(pod).status.pod_ip = "10.244.0.9";
  cluster.apply(pod);
  cluster.settle();
  std::vector<ObjectPtr> slices = cluster.list(Kind::kEndpointSlice);
  REQUIRE(slices.size() == 1);
  REQUIRE(as<EndpointSlice>(*slices[0]).ports.size() == 1);
  CHECK(*as<EndpointSlice>(*slices[0]).ports[0].port == 9000);
}

TEST_CASE("load balancers: a health check port as long as the policy is Local") {
  Cluster cluster;
  const std::string local = ", externalTrafficPolicy: Local";
  auto port_of = [&](const std::string& name) {
    return as<Service>(*cluster.get(Kind::kService, "default", name)).spec.health_check_node_port;
  };
  cluster.apply(balancer("a", local));
  cluster.apply(balancer("b"));
  cluster.settle();
  CHECK(port_of("a") >= kFirstNodePort);
  CHECK(port_of("a") <= kLastNodePort);
  CHECK(port_of("b") == 0);
  int32_t node_port = as<Service>(*cluster.get(Kind::kService, "default", "a")).spec.ports[0].node_port;
  CHECK(port_of("a") != node_port);
  // Neither a node port nor another's check may be there.
  std::string taken = std::to_string(port_of("a"));
  CHECK(problem(cluster, balancer("c", local + ", healthCheckNodePort: " + taken)).find("already allocated") !=
        std::string::npos);
  Object node_ports = manifest("{apiVersion: v1, kind: Service, metadata: {name: d}, spec: {type: NodePort, "
                               "ports: [{port: 80, nodePort: " + taken + "}]}}");
  CHECK(problem(cluster, node_ports).find("already allocated") != std::string::npos);
  CHECK(problem(cluster, balancer("c", local + ", healthCheckNodePort: 80")).find("not in the valid range") !=
        std::string::npos);
  int32_t before = port_of("a");
  cluster.restart();
  cluster.settle();
  CHECK(port_of("a") == before);
}

}  // namespace mainstay
