// What a Service takes over from its stored self when it is written again, and what may not change then.
#include <catch2/catch.hpp>

#include <string>
#include <vector>

#include "schema/defaults.h"
#include "schema/validate.h"
#include "tests/schema/manifest.h"

namespace mainstay {
namespace {

using Lines = std::vector<std::string>;

Object service(const std::string& spec) {
  return testing::object("{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {" + spec + "}}");
}

Object stored(const std::string& spec) {
  Object out = service(spec);
  apply_defaults(out);
  return out;
}

// `next` as a writer has it stored over `old`, and what is said of that.
struct Written {
  ServiceSpec spec;
  Lines problems;
};

Written write(const Object& old, Object next) {
  keep_assigned(old, next);
  apply_defaults(next);
  Diagnostics found;
  validate(next, nullptr, found);
  validate_update(old, next, nullptr, found);
  Written out{as<Service>(next).spec, {}};
  for (const Diagnostic& each : found.all()) out.problems.push_back(each.path + ": " + each.message);
  return out;
}

using Ips = std::vector<std::string>;

TEST_CASE("an update that clears or leaves out the cluster IP keeps it") {
  const Object old = stored("clusterIP: 10.96.0.7, clusterIPs: [10.96.0.7], ports: [{port: 80}]");
  for (const char* spec : {"clusterIP: '', clusterIPs: [10.96.0.7], ", "clusterIP: '', ", "",
                           "clusterIP: 10.96.0.7, ", "clusterIPs: [10.96.0.7], ", "clusterIP: 10.96.0.7, clusterIPs: [], "}) {
    INFO(spec);
    Written out = write(old, service(std::string(spec) + "ports: [{port: 80}]"));
    CHECK(out.problems == Lines{});
    CHECK(out.spec.cluster_ip == "10.96.0.7");
    CHECK(out.spec.cluster_ips == Ips{"10.96.0.7"});
  }
  const Object headless = stored("clusterIP: None, selector: {a: b}");
  Written out = write(headless, service("clusterIP: '', clusterIPs: [None], selector: {a: b}"));
  CHECK(out.problems == Lines{});
  CHECK(out.spec.cluster_ip == "None");
}

TEST_CASE("an update that changes the cluster IP is refused once, in whichever field it stands") {
  const Object old = stored("clusterIP: 10.96.0.7, clusterIPs: [10.96.0.7], ports: [{port: 80}]");
  const Lines refused{"spec.clusterIPs[0]: Invalid value: [\"10.96.0.8\"]: may not change once set"};
  CHECK(write(old, service("clusterIP: 10.96.0.8, clusterIPs: [10.96.0.7], ports: [{port: 80}]")).problems == refused);
  CHECK(write(old, service("clusterIP: 10.96.0.7, clusterIPs: [10.96.0.8], ports: [{port: 80}]")).problems == refused);
  CHECK(write(old, service("clusterIP: 10.96.0.8, ports: [{port: 80}]")).problems == refused);
  CHECK(write(old, service("clusterIP: None, clusterIPs: [10.96.0.7], ports: [{port: 80}]")).problems ==
        Lines{"spec.clusterIPs[0]: Invalid value: [\"None\"]: may not change once set"});
  // Two that both changed and contradict each other are no business of the rule.
  CHECK(write(old, service("clusterIP: 10.96.0.8, clusterIPs: [10.96.0.9], ports: [{port: 80}]")).problems.size() == 2);
}

TEST_CASE("a Service that becomes a name loses its addresses, and one that was a name gets what it asks for") {
  const Object old = stored("clusterIP: 10.96.0.7, clusterIPs: [10.96.0.7], ports: [{port: 80}]");
  for (const char* sent : {"clusterIP: 10.96.0.7, clusterIPs: [10.96.0.7], ", "clusterIP: '', clusterIPs: [10.96.0.7], ", ""}) {
    INFO(sent);
    Written out = write(old, service(std::string(sent) + "type: ExternalName, externalName: a.b"));
    CHECK(out.problems == Lines{});
    CHECK(out.spec.cluster_ip.empty());
    CHECK(out.spec.cluster_ips.empty());
  }
  const Object name = stored("type: ExternalName, externalName: a.b");
  Written out = write(name, service("clusterIP: 10.96.0.7, ports: [{port: 80}]"));
  CHECK(out.problems == Lines{});
  CHECK(out.spec.cluster_ips == Ips{"10.96.0.7"});
}

TEST_CASE("a port keeps its node port by its name, whatever else of it changes") {
  const Object old = stored("type: NodePort, clusterIP: 10.96.0.7, ports: [{name: http, port: 80, nodePort: 30001}, "
                            "{name: dns, protocol: UDP, port: 53, nodePort: 30053}, "
                            "{name: dns-tcp, port: 53, nodePort: 30053}]");
  auto node_ports = [&](const std::string& ports) {
    std::vector<int32_t> out;
    for (const ServicePort& port : write(old, service("type: NodePort, ports: [" + ports + "]")).spec.ports) {
      out.push_back(port.node_port);
    }
    return out;
  };
  using Numbers = std::vector<int32_t>;
  CHECK(node_ports("{name: http, port: 81}") == Numbers{30001});
  CHECK(node_ports("{name: http, port: 81, protocol: UDP}") == Numbers{30001});
  CHECK(node_ports("{name: https, port: 80}") == Numbers{0});
  CHECK(node_ports("{name: dns-tcp, port: 53}, {name: dns, port: 53, protocol: UDP}") == Numbers{30053, 30053});
  // What another port now asks for is not taken over.
  CHECK(node_ports("{name: http, port: 81}, {name: new, port: 82, nodePort: 30001}") == Numbers{0, 30001});
  CHECK(node_ports("{name: http, port: 81, nodePort: 30009}") == Numbers{30009});
  // The one port of a Service needs no name.
  const Object plain = stored("type: NodePort, ports: [{port: 80, nodePort: 30001}]");
  CHECK(write(plain, service("type: NodePort, ports: [{port: 81}]")).spec.ports[0].node_port == 30001);
}

TEST_CASE("the health check's port stays with the load balancer that is asked there") {
  const std::string local = "type: LoadBalancer, externalTrafficPolicy: Local, ports: [{port: 80}]";
  const Object old = stored(local + ", healthCheckNodePort: 30100");
  CHECK(write(old, service(local)).spec.health_check_node_port == 30100);
  CHECK(write(old, service(local + ", healthCheckNodePort: 30200")).spec.health_check_node_port == 30200);
  Written out = write(old, service("type: LoadBalancer, externalTrafficPolicy: Cluster, ports: [{port: 80}], "
                                   "healthCheckNodePort: 30100"));
  CHECK(out.problems == Lines{});
  CHECK(out.spec.health_check_node_port == 0);
}

TEST_CASE("what only the old type had goes when it is sent back unchanged") {
  const Object old = stored("type: LoadBalancer, loadBalancerClass: example.com/a, ports: [{port: 80, nodePort: 30001}]");
  Object next = old;
  as<Service>(next).spec.type = "ClusterIP";
  Written out = write(old, next);
  CHECK(out.problems == Lines{});
  CHECK(out.spec.ports[0].node_port == 0);
  CHECK_FALSE(out.spec.carried);
  CHECK(out.spec.external_traffic_policy.empty());
  CHECK_FALSE(out.spec.allocate_load_balancer_node_ports);

  const Object outside = stored("externalIPs: [192.0.2.7], ports: [{port: 80}]");
  Object inside = outside;
  as<Service>(inside).spec.external_ips.clear();
  CHECK(write(outside, inside).problems == Lines{});
  CHECK(write(outside, inside).spec.external_traffic_policy.empty());
}

TEST_CASE("loadBalancerClass: of load balancers only, and once") {
  const std::string balancer = "type: LoadBalancer, ports: [{port: 80}]";
  const Object plain = stored("ports: [{port: 80}]"), old = stored(balancer + ", loadBalancerClass: example.com/a");
  CHECK(write(plain, service("ports: [{port: 80}], loadBalancerClass: example.com/a")).problems ==
        Lines{"spec.loadBalancerClass: Forbidden: may only be used when `type` is 'LoadBalancer'"});
  CHECK(write(plain, service(balancer + ", loadBalancerClass: example.com/a")).problems == Lines{});
  CHECK(write(old, service(balancer + ", loadBalancerClass: example.com/a")).problems == Lines{});
  CHECK(write(old, service(balancer + ", loadBalancerClass: example.com/b")).problems ==
        Lines{"spec.loadBalancerClass: Invalid value: \"example.com/b\": may not change once set"});
  CHECK(write(old, service(balancer)).problems ==
        Lines{"spec.loadBalancerClass: Invalid value: null: may not change once set"});
  CHECK(write(stored(balancer), service(balancer + ", loadBalancerClass: example.com/a")).problems ==
        Lines{"spec.loadBalancerClass: Invalid value: \"example.com/a\": may not change once set"});
  Lines bad = write(plain, service(balancer + ", loadBalancerClass: a b")).problems;
  REQUIRE(bad.size() == 1);
  CHECK(bad[0].starts_with("spec.loadBalancerClass: Invalid value: \"a b\": name part must consist of alphanumeric"));
}

}  // namespace
}  // namespace mainstay
