// NetworkPolicies that bite: sockets between pods, machines and outside.
#include <catch2/catch.hpp>

#include "nodeagent/network/service_rules.h"
#include "tests/nodeagent/edge_node.h"
#include "tests/nodeagent/network_lab.h"
#include "tests/nodeagent/network_states.h"

using namespace mainstay;
using namespace mainstay::test;

namespace {

constexpr int kShort = 300;  // milliseconds to wait where silence is expected

// Two machines; pods a1 and a2 on one, b1 on the other, each serving TCP 8080 and 8081.
struct Net {
  NetworkLab lab;
  NetworkState state = two_nodes();
  std::unique_ptr<ServiceRules> a, b;

  Net() {
    lab.add_machine("a", "192.168.77.1/24");
    lab.add_machine("b", "192.168.77.2/24");
    lab.add_machine("outside", "192.168.77.9/24");
    lab.add_pod("a1", "a", "10.88.1.2", "10.88.1.1");
    lab.add_pod("a2", "a", "10.88.1.3", "10.88.1.1");
    lab.add_pod("b1", "b", "10.88.2.2", "10.88.2.1");
    lab.ip("a", "route add 10.88.2.0/24 via 192.168.77.2\nroute add default via 192.168.77.9\n");
    lab.ip("b", "route add 10.88.1.0/24 via 192.168.77.1\n");
    lab.ip("outside", "route add 10.88.1.0/24 via 192.168.77.1\n");
    for (int port : {8080, 8081}) {
      lab.serve_tcp("a1", "10.88.1.2", port);
      lab.serve_tcp("a2", "10.88.1.3", port);
      lab.serve_tcp("b1", "10.88.2.2", port);
    }
    lab.serve_tcp("a", "192.168.77.1", 9000);
    for (auto [name, rules] : {std::pair{"a", &a}, std::pair{"b", &b}}) {
      Status opened = lab.inside(name, [&]() -> Status {
        ServiceRulesOptions options;
        options.node = name;
        ASSIGN_OR_RETURN(*rules, ServiceRules::open(options));
        return {};
      });
      REQUIRE_OK(opened);
    }
  }

  void apply() {
    REQUIRE_OK(a->apply(state));
    REQUIRE_OK(b->apply(state));
  }
  bool reaches(const std::string& from, const std::string& ip, int port) {
    return lab.ask_tcp(from, ip, port, kShort).find("808") != std::string::npos;
  }
};

// Puts the policy into the state; it can be changed through what this returns.
Editable<NetworkPolicyRules> add_policy(NetworkState& state, NetworkPolicyRules policy) {
  Shared<NetworkPolicyRules>& placed = state.policies["default/" + policy.name];
  placed = policy;
  return {&placed};
}

NetworkPolicyRules policy(const std::string& name, std::vector<std::string> pods) {
  NetworkPolicyRules out;
  out.ns = "default";
  out.name = name;
  out.addresses = std::move(pods);
  return out;
}

}  // namespace

TEST_CASE("ingress policies: closed, then opened by address, block and port", "[edge][policy]") {
  NEEDS_LAB();
  Net net;
  add_service(net.state, "web", "10.96.0.1", {endpoint("10.88.1.2", "a")});
  net.apply();
  CHECK(net.reaches("b1", "10.88.1.2", 8080));

  Editable<NetworkPolicyRules> closed = add_policy(net.state, policy("web", {"10.88.1.2"}));
  closed->isolates_ingress = true;
  net.apply();
  CHECK_FALSE(net.reaches("b1", "10.88.1.2", 8080));
  CHECK_FALSE(net.reaches("a2", "10.88.1.2", 8080));   // on the same node
  CHECK_FALSE(net.reaches("a2", "10.96.0.1", 80));     // through its Service
  CHECK_FALSE(net.reaches("outside", "10.88.1.2", 8080));
  CHECK(net.reaches("a", "10.88.1.2", 8080));          // the node's probes
  CHECK(net.reaches("a1", "10.96.0.1", 80));           // itself
  CHECK(net.reaches("a1", "10.88.2.2", 8080));         // its own way out, and the answers
  CHECK(net.reaches("b1", "10.88.1.3", 8080));         // its neighbour

  NetworkRule rule;
  rule.peers.addresses = {"10.88.1.3"};
  rule.any_port = false;
  rule.ports = {{"TCP", 8080, 0, ""}};
  closed->ingress = {rule};
  net.apply();
  CHECK(net.reaches("a2", "10.88.1.2", 8080));
  CHECK(net.reaches("a2", "10.96.0.1", 80));
  CHECK_FALSE(net.reaches("a2", "10.88.1.2", 8081));
  CHECK_FALSE(net.reaches("b1", "10.88.1.2", 8080));

  // Another pod matches the selector now: an element.
  closed->ingress[0].peers.addresses.push_back("10.88.2.2");
  net.apply();
  CHECK(net.reaches("b1", "10.88.1.2", 8080));
  CHECK_FALSE(net.reaches("b1", "10.88.1.2", 8081));

  // A second policy only adds.
  Editable<NetworkPolicyRules> more = add_policy(net.state, policy("more", {"10.88.1.2"}));
  more->isolates_ingress = true;
  NetworkRule block;
  block.peers.blocks = {{"192.168.77.0/24", {"192.168.77.2/32"}}};
  block.any_port = false;
  block.ports = {{"TCP", 8070, 8090, ""}};
  more->ingress = {block};
  net.apply();
  CHECK(net.reaches("outside", "10.88.1.2", 8081));
  CHECK(net.reaches("a2", "10.88.1.2", 8080));
  CHECK_FALSE(net.reaches("a2", "10.88.1.2", 8081));
  CHECK_FALSE(net.reaches("b", "10.88.1.2", 8081));  // the exception: another node is no pod's own

  net.state.policies.clear();
  net.apply();
  CHECK(net.reaches("a2", "10.88.1.2", 8081));
}

TEST_CASE("egress policies hold on the client's node, after the Service is translated", "[edge][policy]") {
  NEEDS_LAB();
  Net net;
  add_service(net.state, "web", "10.96.0.1", {endpoint("10.88.2.2", "b")});
  Editable<NetworkPolicyRules> out = add_policy(net.state, policy("out", {"10.88.1.2"}));
  out->isolates_egress = true;
  net.apply();
  CHECK_FALSE(net.reaches("a1", "10.88.2.2", 8080));
  CHECK_FALSE(net.reaches("a1", "10.96.0.1", 80));
  CHECK(net.lab.ask_tcp("a1", "192.168.77.1", 9000, kShort) == "a:9000 10.88.1.2");  // its own node
  CHECK(net.reaches("b1", "10.88.1.2", 8080));
  CHECK(net.reaches("a2", "10.96.0.1", 80));

  NetworkRule rule;
  rule.peers.addresses = {"10.88.2.2"};
  out->egress = {rule};
  net.apply();
  CHECK(net.reaches("a1", "10.88.2.2", 8081));
  CHECK(net.reaches("a1", "10.96.0.1", 80));
  CHECK_FALSE(net.reaches("a1", "10.88.1.3", 8080));

  // Let out is not let in.
  Editable<NetworkPolicyRules> in = add_policy(net.state, policy("in", {"10.88.2.2", "10.88.1.3"}));
  in->isolates_ingress = true;
  out->egress[0].peers.addresses = {"10.88.1.3", "10.88.2.2"};
  net.apply();
  CHECK_FALSE(net.reaches("a1", "10.96.0.1", 80));
  CHECK_FALSE(net.reaches("a1", "10.88.1.3", 8080));
  NetworkRule anyone;
  anyone.peers.anyone = true;
  in->ingress = {anyone};
  net.apply();
  CHECK(net.reaches("a1", "10.96.0.1", 80));
  CHECK(net.reaches("a1", "10.88.1.3", 8080));
}
