// Who announces a load balancer address, on paper and on a real segment; health checks of load balancers.
#include <catch2/catch.hpp>
#include <optional>
#include <thread>

#include "nodeagent/network/announce_plan.h"
#include "nodeagent/network/announcer.h"
#include "nodeagent/network/health_ports.h"
#include "schema/base/clock.h"
#include "tests/nodeagent/edge_node.h"
#include "tests/nodeagent/network_lab.h"
#include "tests/nodeagent/network_states.h"

using namespace mainstay;
using namespace mainstay::test;

namespace {

const Ipv4Range kLan = *parse_ipv4_block("192.168.77.0/24");

Segment lan() {
  Segment out;
  out.name = "eth0";
  out.range = kLan;
  return out;
}

// Twenty addresses of the segment, one of another.
NetworkState with_balancer() {
  NetworkState state = two_nodes();
  state.announce = true;
  Editable<NetworkService> web = add_service(state, "web", "10.96.0.1", {endpoint("10.88.1.2", "a")});
  web->type = "LoadBalancer";
  for (int i = 0; i < 20; ++i) web->load_balancer_ips.push_back("192.168.77." + std::to_string(100 + i));
  web->load_balancer_ips.push_back("198.51.100.1");
  return state;
}

// Repeats `look` until it holds; false after `limit`.
template <typename F>
bool comes_true(Duration limit, F look) {
  MonoTime end = read_clock().mono + limit;
  while (!look()) {
    if (read_clock().mono > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds{50});
  }
  return true;
}

}  // namespace

TEST_CASE("each address of the segment is announced by one node that is ready", "[announce]") {
  NetworkState state = with_balancer();
  std::set<uint32_t> a = announced_addresses(state, "a", lan()), b = announced_addresses(state, "b", lan());
  CHECK(a.size() + b.size() == 20);  // not the one of another segment
  CHECK(a.size() > 2);
  CHECK(b.size() > 2);
  for (uint32_t address : a) CHECK(b.count(address) == 0);
  // Who goes moves its own addresses; who comes back gets them back.
  state.nodes["c"] = {"c", "192.168.77.3", "", "", true};
  std::set<uint32_t> with_c = announced_addresses(state, "a", lan());
  for (uint32_t address : with_c) CHECK(a.count(address) == 1);
  state.nodes["c"].ready = false;
  CHECK(announced_addresses(state, "a", lan()) == a);
  state.nodes["a"].ready = false;
  CHECK(announced_addresses(state, "a", lan()).empty());
  CHECK(announced_addresses(state, "b", lan()).size() == 20);
  // A node elsewhere has no part in it; nor has anybody if it is turned off.
  state.nodes["b"].address = "192.0.2.7";
  CHECK(announced_addresses(state, "b", lan()).empty());
  state = with_balancer();
  state.announce = false;
  CHECK(announced_addresses(state, "a", lan()).empty());
}

TEST_CASE("the API server's address is announced by nobody else", "[announce]") {
  NetworkState state = with_balancer();
  std::set<uint32_t> before = announced_addresses(state, "a", lan());
  REQUIRE(!before.empty());
  NetworkSlice server;
  server.ns = "default";
  server.name = server.service = "kubernetes";
  server.ports = {{"https", "TCP", 6443}};
  server.endpoints = {endpoint(ipv4_text(*before.begin()))};
  state.slices["default/kubernetes"] = server;
  std::set<uint32_t> after = announced_addresses(state, "a", lan());
  CHECK(after.size() == before.size() - 1);
  CHECK(after.count(*before.begin()) == 0);
}

TEST_CASE("with the policy Local only a node with an endpoint announces", "[announce]") {
  NetworkState state = with_balancer();
  state.services["default/web"].edit().external_local = true;
  CHECK(announced_addresses(state, "a", lan()).size() == 20);
  CHECK(announced_addresses(state, "b", lan()).empty());
  endpoints_of(state, "web") = {terminating("10.88.1.2", "a"), endpoint("10.88.2.2", "b")};
  CHECK(announced_addresses(state, "a", lan()).empty());
  CHECK(announced_addresses(state, "b", lan()).size() == 20);
}

TEST_CASE("ARP packets are read back as they were written, and nothing else is read", "[announce]") {
  ArpPacket packet{true, "\x02\x01\x02\x03\x04\x05", "\x02\x0a\x0b\x0c\x0d\x0e", 0xc0a84d01, 0xc0a84d64};
  std::string bytes = encode_arp(packet);
  CHECK(bytes.size() == 28);
  CHECK(parse_arp(bytes) == packet);
  CHECK(parse_arp(bytes + std::string(18, '\0')) == packet);  // filled up to a frame's least length
  CHECK_FALSE(parse_arp(bytes.substr(0, 27)));
  bytes[7] = 3;
  CHECK_FALSE(parse_arp(bytes));
  bytes[7] = 1;
  bytes[2] = '\x86';  // not of IPv4
  CHECK_FALSE(parse_arp(bytes));
}

TEST_CASE("an address is announced by one node, and moves when that is lost or cut off", "[edge][announce]") {
  NEEDS_LAB();
  NetworkLab lab;
  lab.add_machine("a", "192.168.77.1/24");
  lab.add_machine("b", "192.168.77.2/24");
  lab.add_machine("outside", "192.168.77.9/24");
  const std::string address = "192.168.77.100";
  NetworkState state = two_nodes();
  state.announce = true;
  add_service(state, "web", "10.96.0.1", {endpoint("10.88.1.2", "a")})->load_balancer_ips = {address};
  const std::string first = announcer_of(state, *state.services.at("default/web"), *parse_ipv4(address), kLan);
  const std::string second = first == "a" ? "b" : "a";
  Announcer one(first), two(second);
  auto apply = [&](Announcer& announcer, const std::string& node, const NetworkState& to) {
    REQUIRE_OK(lab.inside(node, [&] { return announcer.apply(to); }));
  };
  auto mac_of = [&](const std::string& node) {
    std::string link = lab.run(node, {"sh", "-c", "ip -br link | grep -v '^lo ' | awk '{ print $3 }'"});
    return link.substr(0, 17);
  };
  auto neighbour = [&] { return lab.run("outside", {"ip", "neigh", "show", address}); };
  auto points_to = [&](const std::string& node) { return neighbour().find(mac_of(node)) != std::string::npos; };
  auto ask = [&] { lab.ask_udp("outside", address, 80, 0, 20); };
  apply(one, first, state);
  apply(two, second, state);
  // Without the control plane's word nobody begins.
  ask();
  CHECK_FALSE(points_to(first));
  one.in_contact(true);
  two.in_contact(true);
  CHECK(comes_true(std::chrono::seconds{4}, [&] { ask(); return points_to(first); }));

  // The first is lost: it does not hear of the state in which another one is chosen.
  one.in_contact(false);
  NetworkState after = state;
  after.nodes[first].ready = false;
  apply(two, second, after);
  CHECK(comes_true(std::chrono::seconds{4}, [&] { return points_to(second); }));  // without being asked
  // It has given up: who asks anew gets one answer.
  for (int i = 0; i < 5; ++i) {
    lab.run("outside", {"ip", "neigh", "flush", "to", address});
    ask();
    CHECK(comes_true(std::chrono::seconds{2}, [&] { return neighbour().find("lladdr") != std::string::npos; }));
    CHECK(points_to(second));
  }
  // Turned off, nobody answers.
  after.announce = false;
  apply(two, second, after);
  lab.run("outside", {"ip", "neigh", "flush", "to", address});
  ask();
  CHECK_FALSE(points_to(second));
}

TEST_CASE("what a load balancer's health check hears", "[announce]") {
  NetworkState state = two_nodes();
  Editable<NetworkService> web =
      add_service(state, "web", "10.96.0.1", {endpoint("10.88.1.2", "a"), endpoint("10.88.1.3", "a")});
  add_service(state, "other", "10.96.0.2", {endpoint("10.88.1.2", "a")});
  CHECK(health_answers(state, "a").empty());
  web->health_check_port = 30100;
  using Answers = std::map<int32_t, HealthAnswer>;
  CHECK(health_answers(state, "a") == Answers{{30100, {"default", "web", 2}}});
  CHECK(health_answers(state, "b") == Answers{{30100, {"default", "web", 0}}});
  endpoints_of(state, "web")[0] = terminating("10.88.1.2", "a");
  CHECK(health_answers(state, "a").at(30100).endpoints == 1);
}

TEST_CASE("health check ports answer while their Service is there", "[edge][announce]") {
  NEEDS_LAB();
  NetworkLab lab;
  lab.add_machine("a", "192.168.77.1/24");
  lab.add_machine("outside", "192.168.77.9/24");
  HealthPorts ports;
  auto set = [&](std::map<int32_t, HealthAnswer> answers) {
    return lab.inside("a", [&] { return ports.set(std::move(answers)); });
  };
  auto get = [&](const std::string& port) {
    return lab.run("outside", {"sh", "-c", "curl -si --max-time 3 http://192.168.77.1:" + port + "/healthz || true"});
  };
  REQUIRE_OK(set({{30100, {"shop", "web", 2}}, {30101, {"shop", "db", 0}}}));
  std::string web = get("30100");
  CHECK(web.starts_with("HTTP/1.1 200 OK"));
  CHECK(web.find(R"({"service":{"namespace":"shop","name":"web"},"localEndpoints":2,"serviceProxyHealthy":true})") !=
        std::string::npos);
  CHECK(get("30101").starts_with("HTTP/1.1 503 "));
  // Many who say nothing take no other's place for long.
  std::string many = lab.run("outside", {"bash", "-c", "for i in $(seq 80); do (exec 3<>/dev/tcp/192.168.77.1/30100; "
                                         "exec sleep 9) & done; sleep 0.5; curl -s -o /dev/null -w '%{http_code}' --max-time 8 "
                                         "http://192.168.77.1:30101/; kill $(jobs -p) 2>/dev/null; true"});
  CHECK(many.find("503") != std::string::npos);
  lab.serve_tcp("a", "192.168.77.1", 30102);
  Status taken = set({{30101, {"shop", "db", 1}}, {30102, {"shop", "no", 1}}});
  CHECK_FALSE(taken.ok());
  CHECK(get("30101").starts_with("HTTP/1.1 200 "));
  CHECK(get("30100").empty());
}
