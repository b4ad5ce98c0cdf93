// Services for real: the table in the kernel, sockets in pods, on machines and outside.
#include <catch2/catch.hpp>

#include "nodeagent/control_link.h"
#include "nodeagent/dns/dns_server.h"
#include "nodeagent/dns/socket.h"
#include "nodeagent/dns/upstream_message.h"
#include "nodeagent/network/node_routes.h"
#include "nodeagent/network/other_tables.h"
#include "nodeagent/network/service_rules.h"
#include "nodeagent/process.h"
#include "schema/base/clock.h"
#include "tests/nodeagent/edge_node.h"
#include "tests/nodeagent/network_lab.h"
#include "tests/nodeagent/network_states.h"
#include "tests/nodeagent/random_network.h"

using namespace mainstay;
using namespace mainstay::test;

namespace {

std::unique_ptr<ServiceRules> open_rules(NetworkLab& lab, const std::string& node) {
  std::unique_ptr<ServiceRules> out;
  Status opened = lab.inside(node, [&]() -> Status {
    ServiceRulesOptions options;
    options.node = node;
    ASSIGN_OR_RETURN(out, ServiceRules::open(options));
    return {};
  });
  REQUIRE_OK(opened);
  return out;
}

// Machines a and b with two and one pods, each serving TCP and UDP 8080 and reaching the other; a client
// outside.
struct TwoNodes {
  NetworkLab lab;
  NetworkState state = two_nodes();
  std::unique_ptr<ServiceRules> a, b;

  TwoNodes() {
    lab.add_machine("a", "192.168.77.1/24");
    lab.add_machine("b", "192.168.77.2/24");
    lab.add_machine("outside", "192.168.77.9/24");
    lab.add_pod("a1", "a", "10.88.1.2", "10.88.1.1");
    lab.add_pod("a2", "a", "10.88.1.3", "10.88.1.1");
    lab.add_pod("b1", "b", "10.88.2.2", "10.88.2.1");
    // A machine's own processes find a cluster address only if some route leads there.
    lab.ip("a", "route add 10.88.2.0/24 via 192.168.77.2\nroute add default via 192.168.77.9\n");
    lab.ip("b", "route add 10.88.1.0/24 via 192.168.77.1\nroute add default via 192.168.77.9\n");
    lab.serve_tcp("a1", "10.88.1.2", 8080);
    lab.serve_tcp("a2", "10.88.1.3", 8080);
    lab.serve_tcp("b1", "10.88.2.2", 8080);
    lab.serve_udp("a1", "10.88.1.2", 8080);
    lab.serve_udp("b1", "10.88.2.2", 8080);
    a = open_rules(lab, "a");
    b = open_rules(lab, "b");
  }

  void apply() {
    REQUIRE_OK(a->apply(state));
    REQUIRE_OK(b->apply(state));
  }
};

// How many packets for 192.168.77.9 leave machine a, as they are after all translation, while `work` runs there.
int arrivals(NetworkLab& lab, const std::string& which, const std::function<void()>& work) {
  lab.run("a", {"nft", "table ip probe { chain out { type filter hook output priority 0; ip daddr 192.168.77.9 " +
                           which + " counter; }; }"});
  REQUIRE_OK(lab.inside("a", [&]() -> Status {
    work();
    return {};
  }));
  std::string counted = lab.run("a", {"nft", "list", "table", "ip", "probe"});
  lab.run("a", {"nft", "delete", "table", "ip", "probe"});
  size_t at = counted.find("packets ");
  REQUIRE(at != std::string::npos);
  return std::stoi(counted.substr(at + 8));
}

NetworkEndpoint a1() { return endpoint("10.88.1.2", "a"); }
NetworkEndpoint a2() { return endpoint("10.88.1.3", "a"); }
NetworkEndpoint b1() { return endpoint("10.88.2.2", "b"); }

}  // namespace

TEST_CASE("a cluster address leads to every endpoint, from pods and from the machine", "[edge][services]") {
  NEEDS_LAB();
  TwoNodes net;
  add_service(net.state, "web", "10.96.0.1", {a1(), b1()});
  add_service(net.state, "empty", "10.96.0.2", {});
  net.apply();
  auto from_pod = net.lab.poll_tcp("a2", "10.96.0.1", 80, 60);
  CHECK(from_pod["a1:8080 10.88.1.3"] > 10);
  CHECK(from_pod["b1:8080 10.88.1.3"] > 10);  // the pod's own address is seen
  CHECK(from_pod.size() == 2);
  auto from_machine = net.lab.poll_tcp("a", "10.96.0.1", 80, 30);
  CHECK(from_machine.size() == 2);
  CHECK(from_machine["b1:8080 192.168.77.1"] > 3);

  // One goes; the other takes all at once.
  endpoints_of(net.state, "web") = {b1()};
  net.apply();
  CHECK(net.lab.poll_tcp("a2", "10.96.0.1", 80, 10) == std::map<std::string, int>{{"b1:8080 10.88.1.3", 10}});

  // Nothing behind it, a port without a service, an address without one: an answer at once, no silence.
  CHECK(net.lab.ask_tcp("a2", "10.96.0.2", 80) == "refused");
  CHECK(net.lab.ask_udp("a2", "10.96.0.2", 80) == "refused");
  CHECK(net.lab.ask_tcp("a", "10.96.0.2", 80) == "refused");
  CHECK(net.lab.ask_tcp("a2", "10.96.0.1", 81) == "refused");
  CHECK(net.lab.ask_tcp("a2", "10.96.7.7", 80) == "refused");
  CHECK(net.lab.ask_udp("a2", "10.96.7.7", 53) == "refused");
  CHECK(net.lab.ask_tcp("a", "10.96.7.7", 80) == "refused");
}

TEST_CASE("a pod reaches itself through its Service", "[edge][services]") {
  NEEDS_LAB();
  TwoNodes net;
  add_service(net.state, "web", "10.96.0.1", {a1()});
  net.apply();
  // The machine's address stands in for its own, or its kernel would answer itself directly.
  CHECK(net.lab.ask_tcp("a1", "10.96.0.1", 80) == "a1:8080 10.88.1.1");
  add_service(net.state, "udp", "10.96.0.2", {a1()}, "UDP");
  net.apply();
  CHECK(net.lab.ask_udp("a1", "10.96.0.2", 80) == "a1:8080 10.88.1.1");
}

TEST_CASE("a Service that claims the control plane's address does not reach the agent's own connections",
          "[edge][services]") {
  NEEDS_LAB();
  TwoNodes net;
  net.lab.serve_tcp("outside", "192.168.77.9", 6443);
  net.lab.ip("outside", "route add 10.88.1.0/24 via 192.168.77.1\n");
  Editable<NetworkService> thief = add_service(net.state, "thief", "10.96.0.1", {a1()});
  thief->ports[0].port = 6443;
  thief->external_ips = {"192.168.77.9"};
  net.apply();
  CHECK(net.lab.ask_tcp("a", "192.168.77.9", 6443) == "a1:8080 10.88.1.1");
  CHECK(arrivals(net.lab, "tcp dport 6443", [] {
    LinkSettings settings;
    settings.server = "https://192.168.77.9:6443";
    settings.node = "a";
    Status sent = make_https_link(settings)->report(NodeReport());
    CHECK_FALSE(sent.ok());  // who answers there speaks no TLS
  }) > 0);

  // Once the address is known for the API server's, everybody's connections arrive.
  NetworkSlice server;
  server.ns = "default";
  server.name = server.service = "kubernetes";
  server.ports = {{"https", "TCP", 6443}};
  server.endpoints = {endpoint("192.168.77.9")};
  net.state.slices["default/kubernetes"] = server;
  net.apply();
  CHECK(net.lab.ask_tcp("a", "192.168.77.9", 6443) == "outside:6443 192.168.77.1");
  CHECK(net.lab.ask_tcp("a2", "192.168.77.9", 6443) == "outside:6443 10.88.1.3");
}

TEST_CASE("a Service that claims an upstream name server's address is not asked by the node's own",
          "[edge][services]") {
  NEEDS_LAB();
  TwoNodes net;
  net.lab.serve_udp("outside", "192.168.77.9", 53);
  Editable<NetworkService> thief = add_service(net.state, "thief", "10.96.0.1", {a1()}, "UDP");
  thief->ports[0].port = 53;
  thief->external_ips = {"192.168.77.9"};
  net.apply();
  CHECK(net.lab.ask_udp("a", "192.168.77.9", 53) == "a1:8080 10.88.1.1");
  CHECK(arrivals(net.lab, "udp dport 53", [] {
    DnsServerSettings settings;
    settings.addresses = {"127.0.0.1"};
    settings.port = 0;
    settings.upstreams = {"192.168.77.9"};
    settings.attempt_timeout = settings.total_timeout = std::chrono::milliseconds{300};
    DnsServer server;
    server.publish(std::make_shared<const NetworkState>(two_nodes()));
    CHECK(server.start(settings).ok());
    SocketAddress to = *parse_address("127.0.0.1", server.port());
    Socket client(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    CHECK(::connect(client.fd(), to.raw(), to.size) == 0);
    DnsQuestion question;
    question.name = *dns_name("www.example.com");
    question.type = kDnsA;
    std::string asked = encode_upstream_question(7, question, false);
    CHECK(::send(client.fd(), asked.data(), asked.size(), 0) > 0);
    char answer[512];
    CHECK(::recv(client.fd(), answer, sizeof(answer), 0) > 0);  // SERVFAIL: what answers there is no name server
  }) > 0);
}

TEST_CASE("node ports answer on every address of the machine but 127.0.0.1", "[edge][services]") {
  NEEDS_LAB();
  TwoNodes net;
  Editable<NetworkService> web = add_service(net.state, "web", "10.96.0.1", {b1()});
  web->type = "NodePort";
  web->ports[0].node_port = 30080;
  web->external_ips = {"198.51.100.1"};
  net.apply();
  net.lab.ip("outside", "route add 198.51.100.1 via 192.168.77.1\n");
  // The endpoint is on another node: the answer must come back through this one.
  CHECK(net.lab.ask_tcp("outside", "192.168.77.1", 30080) == "b1:8080 192.168.77.1");
  CHECK(net.lab.ask_tcp("outside", "198.51.100.1", 80) == "b1:8080 192.168.77.1");
  CHECK(net.lab.ask_tcp("outside", "192.168.77.2", 30080).starts_with("b1:8080 "));
  CHECK(net.lab.ask_tcp("a", "192.168.77.1", 30080) == "b1:8080 192.168.77.1");
  CHECK(net.lab.ask_tcp("a1", "192.168.77.1", 30080) == "b1:8080 10.88.1.2");
  CHECK(net.lab.ask_tcp("a1", "10.88.1.1", 30080) == "b1:8080 10.88.1.2");
  CHECK(net.lab.ask_tcp("a1", "192.168.77.2", 30080) == "b1:8080 10.88.2.1");
  CHECK(net.lab.ask_tcp("a", "127.0.0.1", 30080) == "refused");
  CHECK(net.lab.ask_tcp("outside", "192.168.77.1", 30081) == "refused");
  endpoints_of(net.state, "web").clear();
  net.apply();
  CHECK(net.lab.ask_tcp("outside", "192.168.77.1", 30080) == "refused");
}

TEST_CASE("externalTrafficPolicy Local keeps the client's address and drops elsewhere", "[edge][services]") {
  NEEDS_LAB();
  TwoNodes net;
  Editable<NetworkService> web = add_service(net.state, "web", "10.96.0.1", {b1()});
  web->type = "LoadBalancer";
  web->ports[0].node_port = 30080;
  web->external_local = true;
  web->load_balancer_ips = {"198.51.100.1"};
  net.apply();
  net.lab.ip("outside", "route add 198.51.100.1 via 192.168.77.2\n");
  CHECK(net.lab.ask_tcp("outside", "192.168.77.2", 30080) == "b1:8080 192.168.77.9");
  CHECK(net.lab.ask_tcp("outside", "198.51.100.1", 80) == "b1:8080 192.168.77.9");
  CHECK(net.lab.ask_tcp("outside", "192.168.77.1", 30080, 400) == "timeout");
  // The cluster itself reaches all endpoints from everywhere.
  CHECK(net.lab.ask_tcp("a1", "192.168.77.1", 30080) == "b1:8080 10.88.1.2");
  CHECK(net.lab.ask_tcp("a", "192.168.77.1", 30080) == "b1:8080 192.168.77.1");
  CHECK(net.lab.ask_tcp("a1", "198.51.100.1", 80) == "b1:8080 10.88.1.2");
}

TEST_CASE("a load balancer's source ranges let in whom they name", "[edge][services]") {
  NEEDS_LAB();
  TwoNodes net;
  Editable<NetworkService> web = add_service(net.state, "web", "10.96.0.1", {b1()});
  web->type = "LoadBalancer";
  web->ports[0].node_port = 30080;
  web->load_balancer_ips = {"198.51.100.1"};
  web->source_ranges = {"192.168.77.9/32"};
  net.apply();
  net.lab.ip("outside", "route add 198.51.100.1 via 192.168.77.1\n");
  CHECK(net.lab.ask_tcp("outside", "198.51.100.1", 80) == "b1:8080 192.168.77.1");
  CHECK(net.lab.ask_tcp("a1", "198.51.100.1", 80, 400) == "timeout");
  CHECK(net.lab.ask_tcp("a1", "10.96.0.1", 80) == "b1:8080 10.88.1.2");
  web->source_ranges = {"10.88.0.0/16"};
  net.apply();
  CHECK(net.lab.ask_tcp("outside", "198.51.100.1", 80, 400) == "timeout");
  CHECK(net.lab.ask_tcp("outside", "192.168.77.1", 30080) == "b1:8080 192.168.77.1");
  CHECK(net.lab.ask_tcp("a1", "198.51.100.1", 80) == "b1:8080 10.88.1.2");
}

TEST_CASE("internalTrafficPolicy Local stays on the node", "[edge][services]") {
  NEEDS_LAB();
  TwoNodes net;
  add_service(net.state, "web", "10.96.0.1", {a1(), b1()})->internal_local = true;
  net.apply();
  CHECK(net.lab.poll_tcp("a2", "10.96.0.1", 80, 20) == std::map<std::string, int>{{"a1:8080 10.88.1.3", 20}});
  endpoints_of(net.state, "web") = {b1()};
  net.apply();
  CHECK(net.lab.ask_tcp("a2", "10.96.0.1", 80, 400) == "timeout");
}

TEST_CASE("a client sticks to its endpoint, also over a restart, until that is gone", "[edge][services]") {
  NEEDS_LAB();
  TwoNodes net;
  Editable<NetworkService> web = add_service(net.state, "web", "10.96.0.1", {a1(), a2(), b1()});
  web->affinity_seconds = 10800;
  web->ports[0].node_port = 30080;
  add_service(net.state, "udp", "10.96.0.2", {a1(), b1()}, "UDP")->affinity_seconds = 60;
  net.apply();
  auto first = net.lab.poll_tcp("a", "10.96.0.1", 80, 15);
  REQUIRE(first.size() == 1);
  auto outside = net.lab.poll_tcp("outside", "192.168.77.1", 30080, 15);
  CHECK(outside.size() == 1);
  std::string datagram = net.lab.ask_udp("a2", "10.96.0.2", 80);
  for (int i = 0; i < 8; ++i) CHECK(net.lab.ask_udp("a2", "10.96.0.2", 80) == datagram);

  // A new agent replaces the table; so does one that repairs it.
  net.a = open_rules(net.lab, "a");
  REQUIRE_OK(net.a->apply(net.state));
  CHECK(net.lab.poll_tcp("a", "10.96.0.1", 80, 10).begin()->first == first.begin()->first);
  CHECK(net.lab.poll_tcp("outside", "192.168.77.1", 30080, 10).begin()->first == outside.begin()->first);
  net.lab.run("a", {"nft", "flush", "chain", "ip", "mainstay_services", "dispatch"});
  CHECK(net.a->repair().value());
  CHECK(net.lab.poll_tcp("a", "10.96.0.1", 80, 10).begin()->first == first.begin()->first);
  CHECK(net.lab.ask_udp("a2", "10.96.0.2", 80) == datagram);

  std::string gone = first.begin()->first.substr(0, 2);
  auto& list = endpoints_of(net.state, "web");
  std::string ip = gone == "a1" ? "10.88.1.2" : gone == "a2" ? "10.88.1.3" : "10.88.2.2";
  std::erase_if(list, [&](auto& one) { return one.ip == ip; });
  net.apply();
  auto second = net.lab.poll_tcp("a", "10.96.0.1", 80, 15);
  CHECK(second.size() == 1);
  CHECK(second.begin()->first.substr(0, 2) != gone);
}

TEST_CASE("a UDP client that keeps its port is led to the endpoint that is left", "[edge][services]") {
  NEEDS_LAB();
  TwoNodes net;
  Editable<NetworkService> dns = add_service(net.state, "dns", "10.96.0.53", {b1()}, "UDP");
  dns->ports[0].node_port = 30053;
  net.apply();
  CHECK(net.lab.ask_udp("a2", "10.96.0.53", 80, 5000) == "b1:8080 10.88.1.3");
  CHECK(net.lab.ask_udp("outside", "192.168.77.1", 30053, 5000) == "b1:8080 192.168.77.1");
  endpoints_of(net.state, "dns") = {a1()};
  net.apply();
  CHECK(net.lab.ask_udp("a2", "10.96.0.53", 80, 5000) == "a1:8080 10.88.1.3");
  CHECK(net.lab.ask_udp("outside", "192.168.77.1", 30053, 5000).starts_with("a1:8080 "));
  endpoints_of(net.state, "dns").clear();
  net.apply();
  CHECK(net.lab.ask_udp("a2", "10.96.0.53", 80, 5000) == "refused");
  // Another flow to the same server is none of ours.
  CHECK(net.lab.ask_udp("a2", "10.88.2.2", 8080, 5000) == "b1:8080 10.88.1.3");
}

TEST_CASE("someone else's hands on the table are noticed, on other tables not", "[edge][services]") {
  NEEDS_LAB();
  TwoNodes net;
  Editable<NetworkService> web = add_service(net.state, "web", "10.96.0.1", {a1(), b1()});
  web->affinity_seconds = 60;
  CHECK_FALSE(net.a->repair().value());
  net.apply();
  CHECK_FALSE(net.a->repair().value());
  auto nft = [&](std::vector<std::string> words) {
    words.insert(words.begin(), "nft");
    net.lab.run("a", words);
  };
  nft({"add", "table", "ip", "somebody_elses"});
  CHECK_FALSE(net.a->repair().value());
  CHECK(net.lab.ask_tcp("a2", "10.96.0.1", 80).size() > 5);  // affinity is the packets' own
  nft({"add", "table", "ip", "another"});
  CHECK_FALSE(net.a->repair().value());
  for (const std::string& harm :
       {std::string("flush chain ip mainstay_services prerouting"), std::string("delete table ip mainstay_services"),
        std::string("delete element ip mainstay_services tcp_endpoints { 10.96.0.1 . 80 . 0 }"),
        std::string("add element ip mainstay_services external_ports { 6 . 5 }"),
        std::string("add chain ip mainstay_services more"),
        std::string("insert rule ip mainstay_services dispatch accept"), std::string("flush ruleset")}) {
    INFO(harm);
    std::vector<std::string> words;
    for (size_t at = 0, end; at < harm.size(); at = end + 1) {
      end = std::min(harm.find(' ', at), harm.size());
      words.push_back(harm.substr(at, end - at));
    }
    nft(words);
    CHECK(net.a->repair().value());
    CHECK_FALSE(net.a->repair().value());
    CHECK(net.lab.ask_tcp("a2", "10.96.0.1", 80).size() > 5);
  }
  // A change after the harm finds its own way back.
  nft({"delete", "table", "ip", "mainstay_services"});
  endpoints_of(net.state, "web") = {b1()};
  REQUIRE_OK(net.a->apply(net.state));
  CHECK(net.lab.ask_tcp("a2", "10.96.0.1", 80) == "b1:8080 10.88.1.3");
  REQUIRE_OK(net.a->remove());
  CHECK(net.lab.run("a", {"nft", "list", "ruleset"}).find("mainstay") == std::string::npos);
  CHECK_FALSE(net.a->repair().value());
}

TEST_CASE("what the kernel holds is what was asked for, after any change", "[edge][services]") {
  NEEDS_LAB();
  NetworkLab lab;
  lab.add_machine("a", "192.168.77.1/24");
  uint64_t seed = GENERATE(11, 12, 13, 14);
  INFO("seed " << seed);
  RandomNetwork network(seed);
  auto rules = open_rules(lab, "a");
  for (int i = 0; i < 40; ++i) {
    INFO("step " << i);
    REQUIRE_OK(rules->apply(network.state()));
    // Somebody's change elsewhere makes repair() compare everything.
    lab.run("a", {"nft", "add table ip other; delete table ip other"});
    auto mended = rules->repair();
    REQUIRE_OK(mended);
    REQUIRE_FALSE(*mended);
    REQUIRE(rules->loads() == 1);  // all that came later was changed bit by bit
    network.step();
  }
}

TEST_CASE("what another agent left is named with the way to take it away", "[edge][services]") {
  NEEDS_LAB();
  NetworkLab lab;
  lab.add_machine("a", "192.168.77.1/24");
  lab.run("a", {"nft", "add table ip mainstay_old; add table ip mainstay_old_services; add table ip mainstay_new"});
  std::string said;
  REQUIRE_OK(lab.inside("a", [&]() -> Status {
    ASSIGN_OR_RETURN(said, other_tables_warning("mainstay_new"));
    return {};
  }));
  CHECK(said.find("(nft: mainstay_old, mainstay_old_services)") != std::string::npos);
  CHECK(said.find("`nft delete table ip mainstay_old; nft delete table ip mainstay_old_services`") != std::string::npos);
}

TEST_CASE("a table's name must be one nft can read", "[services]") {
  ServiceRulesOptions options;
  options.table = "a-b";
  CHECK(ServiceRules::open(options).error().code == ErrorCode::kInvalid);
  options.table = "a";
  options.dns_ip = "localhost";
  CHECK(ServiceRules::open(options).error().code == ErrorCode::kInvalid);
}
