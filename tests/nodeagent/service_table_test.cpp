// What the table for Services holds, and how one content becomes another: literals, and changes one by one
// against the whole.
#include <catch2/catch.hpp>

#include "nodeagent/network/affinity.h"
#include "nodeagent/network/ipv4.h"
#include "nodeagent/network/kept_addresses.h"
#include "nodeagent/network/nft_element.h"
#include "nodeagent/network/other_tables.h"
#include "nodeagent/network/service_table.h"
#include "schema/base/rng.h"
#include "tests/nodeagent/network_states.h"

using namespace mainstay;
using namespace mainstay::test;

namespace {

using Elements = std::map<std::string, std::string>;

ServiceTable table_of(const NetworkState& state, const std::string& node = "a", const std::string& dns_ip = "") {
  ServiceTable out({node, "t", dns_ip, 5353});
  CHECK(out.update(state).commands == "");
  return out;
}

Elements elements(const ServiceTable& table, const char* set) { return table.table().sets.at(set).elements; }

bool has_rule(const ServiceTable& table, const std::string& chain, const std::string& rule) {
  auto found = table.table().chains.find(chain);
  if (found == table.table().chains.end()) return false;
  const auto& rules = found->second.rules;
  return std::find(rules.begin(), rules.end(), rule) != rules.end();
}

}  // namespace

TEST_CASE("a service's address leads to a chain for its number of endpoints") {
  NetworkState state = two_nodes();
  add_service(state, "web", "10.96.0.1", {endpoint("10.88.1.2", "a"), endpoint("10.88.2.2", "b")});
  ServiceTable table = table_of(state);
  CHECK(elements(table, "services") == Elements{{"10.96.0.1 . 6 . 80", "goto draw_2"}});
  CHECK(elements(table, "tcp_endpoints") == Elements{{"10.96.0.1 . 80 . 0", "10.88.1.2 . 8080"},
                                                 {"10.96.0.1 . 80 . 1", "10.88.2.2 . 8080"}});
  CHECK(has_rule(table, "draw_2",
                 "dnat ip to ip daddr . tcp dport . numgen random mod 2 map @tcp_endpoints"));
  CHECK(has_rule(table, "draw_2",
                 "dnat ip to ip daddr . udp dport . numgen random mod 2 map @udp_endpoints"));
  // Only an endpoint on this node can reach itself through it.
  CHECK(elements(table, "hairpin") == Elements{{"10.88.1.2 . 10.88.1.2", ""}});
  CHECK(has_rule(table, "dispatch", "ip daddr 10.96.0.0/16 fib daddr type != local goto refuse"));
  CHECK(table.notes().empty());
}

TEST_CASE("which endpoints count") {
  auto drawn = [](std::vector<NetworkEndpoint> list, bool publish = false) {
    NetworkState state = two_nodes();
    add_service(state, "web", "10.96.0.1", std::move(list))->publish_not_ready = publish;
    ServiceTable table = table_of(state);
    std::string out = elements(table, "services").at("10.96.0.1 . 6 . 80");
    for (const auto& [key, value] : elements(table, "tcp_endpoints")) out += " " + value.substr(0, value.find(' '));
    return out;
  };
  NetworkEndpoint waiting = endpoint("10.88.1.9", "a");
  waiting.ready = waiting.serving = false;
  CHECK(drawn({}) == "goto refuse");
  CHECK(drawn({waiting}) == "goto refuse");
  CHECK(drawn({waiting}, true) == "goto draw_1 10.88.1.9");
  CHECK(drawn({endpoint("10.88.1.2"), terminating("10.88.1.3"), waiting}) == "goto draw_1 10.88.1.2");
  CHECK(drawn({terminating("10.88.1.3"), waiting}) == "goto draw_1 10.88.1.3");
  CHECK(drawn({terminating("10.88.1.3", "a", false)}) == "goto refuse");
  CHECK(drawn({endpoint("fd00::1"), endpoint("10.88.1.2")}) == "goto draw_1 10.88.1.2");
}

TEST_CASE("an endpoint in two slices is one, and slices name ports of their own") {
  NetworkState state = two_nodes();
  add_service(state, "web", "10.96.0.1", {endpoint("10.88.1.2"), endpoint("10.88.1.3")});
  NetworkSlice moved = *state.slices.at("default/web-1");
  moved.name = "web-2";
  moved.endpoints = {endpoint("10.88.1.3"), endpoint("10.88.1.4")};
  state.slices["default/web-2"] = moved;
  NetworkSlice old_port = moved;
  old_port.ports = {{"", "TCP", 9090}};
  old_port.endpoints = {endpoint("10.88.1.2")};
  state.slices["default/web-3"] = old_port;
  NetworkSlice other = moved;
  other.ports = {{"metrics", "TCP", 9100}, {"", "UDP", 8080}};
  state.slices["default/web-4"] = other;
  ServiceTable table = table_of(state);
  CHECK(elements(table, "services").at("10.96.0.1 . 6 . 80") == "goto draw_4");
  CHECK(elements(table, "tcp_endpoints").at("10.96.0.1 . 80 . 1") == "10.88.1.2 . 9090");
}

TEST_CASE("headless and external names have no rules, SCTP has") {
  NetworkState state = two_nodes();
  add_service(state, "headless", "", {endpoint("10.88.1.2")})->external_ips = {"198.51.100.1"};
  add_service(state, "alias", "", {})->type = "ExternalName";
  add_service(state, "sctp", "10.96.0.3", {endpoint("10.88.1.2")}, "SCTP");
  ServiceTable table = table_of(state);
  CHECK(elements(table, "services") == Elements{{"10.96.0.3 . 132 . 80", "goto draw_1"}});
}

TEST_CASE("internalTrafficPolicy Local reaches endpoints of the node only") {
  NetworkState state = two_nodes();
  add_service(state, "web", "10.96.0.1", {endpoint("10.88.1.2", "a"), endpoint("10.88.2.2", "b")})->internal_local =
      true;
  CHECK(elements(table_of(state, "a"), "tcp_endpoints") == Elements{{"10.96.0.1 . 80 . 0", "10.88.1.2 . 8080"}});
  CHECK(elements(table_of(state, "c"), "services") == Elements{{"10.96.0.1 . 6 . 80", "drop"}});
  endpoints_of(state, "web").clear();
  CHECK(elements(table_of(state, "a"), "services") == Elements{{"10.96.0.1 . 6 . 80", "goto refuse"}});
  // Terminating ones serve here although others are ready elsewhere.
  endpoints_of(state, "web") = {terminating("10.88.1.2", "a"), endpoint("10.88.2.2", "b")};
  CHECK(elements(table_of(state, "a"), "tcp_endpoints") == Elements{{"10.96.0.1 . 80 . 0", "10.88.1.2 . 8080"}});
}

TEST_CASE("node ports, load balancers and external addresses") {
  NetworkState state = two_nodes();
  Editable<NetworkService> service =
      add_service(state, "web", "10.96.0.1", {endpoint("10.88.1.2", "a"), endpoint("10.88.2.2", "b")});
  service->type = "LoadBalancer";
  service->ports[0].node_port = 30080;
  service->load_balancer_ips = {"198.51.100.1"};
  service->external_ips = {"198.51.100.2", "198.51.100.1"};  // the second one twice
  service->internal_local = true;                            // means the cluster address only
  ServiceTable cluster = table_of(state);
  CHECK(elements(cluster, "services") == Elements{{"10.96.0.1 . 6 . 80", "goto draw_1"},
                                                  {"198.51.100.1 . 6 . 80", "goto draw_2"},
                                                  {"198.51.100.2 . 6 . 80", "goto draw_2"}});
  CHECK(elements(cluster, "node_ports") == Elements{{"6 . 30080", "goto draw_port_2"}});
  CHECK(elements(cluster, "tcp_port_endpoints") ==
        Elements{{"30080 . 0", "10.88.1.2 . 8080"}, {"30080 . 1", "10.88.2.2 . 8080"}});
  CHECK(elements(cluster, "external").size() == 2);
  CHECK(elements(cluster, "external_ports") == Elements{{"6 . 30080", ""}});
  CHECK(elements(cluster, "keep_client").empty());
  CHECK(elements(cluster, "outside_services").empty());

  service->external_local = true;
  ServiceTable local = table_of(state);
  CHECK(elements(local, "outside_services") == Elements{{"198.51.100.1 . 6 . 80", "goto draw_outside_1"},
                                                        {"198.51.100.2 . 6 . 80", "goto draw_outside_1"}});
  CHECK(elements(local, "outside_node_ports") == Elements{{"6 . 30080", "goto draw_outside_port_1"}});
  CHECK(elements(local, "tcp_port_endpoints").at("30080 . 65536") == "10.88.1.2 . 8080");
  CHECK(elements(local, "node_ports") == Elements{{"6 . 30080", "goto draw_port_2"}});
  CHECK(elements(local, "keep_client_ports") == Elements{{"6 . 30080", ""}});
  CHECK(has_rule(local, "draw_outside_port_1",
                 "dnat ip to tcp dport . numgen random mod 1 offset 65536 map @tcp_port_endpoints"));

  ServiceTable none_here = table_of(state, "c");
  CHECK(elements(none_here, "outside_node_ports") == Elements{{"6 . 30080", "drop"}});
  CHECK(elements(none_here, "node_ports") == Elements{{"6 . 30080", "goto draw_port_2"}});
  endpoints_of(state, "web").clear();
  CHECK(elements(table_of(state, "c"), "outside_node_ports") == Elements{{"6 . 30080", "goto refuse"}});
}

TEST_CASE("affinity has its chains, with its timeout") {
  NetworkState state = two_nodes();
  Editable<NetworkService> service = add_service(state, "web", "10.96.0.1", {endpoint("10.88.1.2"), endpoint("10.88.2.2")});
  service->affinity_seconds = 10800;
  service->ports[0].node_port = 30080;
  ServiceTable table = table_of(state);
  CHECK(elements(table, "services").at("10.96.0.1 . 6 . 80") == "goto keep_2");
  CHECK(table.table().chains.at("keep_2").rules ==
        std::vector<std::string>{"dnat ip to ip saddr . ip daddr . tcp dport map @tcp_affinity",
                                 "dnat ip to ip saddr . ip daddr . udp dport map @udp_affinity",
                                 "dnat ip to ip saddr . ip daddr . sctp dport map @sctp_affinity", "goto draw_2"});
  CHECK(elements(table, "sticky") == Elements{{"10.96.0.1 . 6 . 80", "goto stick_10800"}});
  CHECK(elements(table, "sticky_ports") == Elements{{"6 . 30080", "goto stick_10800"}});
  CHECK(table.table().chains.count("record_prerouting") == 1);
  service->affinity_seconds = 0;
  CHECK(table_of(state).table().chains.count("record_prerouting") == 0);
}

TEST_CASE("an address belongs to one service, and others are told") {
  NetworkState state = two_nodes();
  add_service(state, "b", "10.96.0.1", {endpoint("10.88.1.2")});
  add_service(state, "a", "10.96.0.2", {endpoint("10.88.1.3")})->external_ips = {"10.96.0.1", "fd00::1"};
  ServiceTable table = table_of(state);
  // A cluster address cannot be taken by an external one, whatever the names.
  CHECK(elements(table, "tcp_endpoints").at("10.96.0.1 . 80 . 0") == "10.88.1.2 . 8080");
  REQUIRE(table.notes().size() == 2);
  CHECK(table.notes()[0] == "Service default/a: external address 10.96.0.1:80 is taken by default/b");
  CHECK(table.notes()[1] == "Service default/a: external address fd00::1 is no IPv4 address: it is not served");
}

TEST_CASE("DNS is served at its address unless a service has that") {
  NetworkState state = two_nodes();
  CHECK(elements(table_of(state), "services").empty());
  ServiceTable table = table_of(state, "a", "10.88.1.1");
  CHECK(elements(table, "tcp_endpoints") == Elements{{"10.96.0.10 . 53 . 0", "10.88.1.1 . 5353"}});
  CHECK(elements(table, "udp_endpoints") == Elements{{"10.96.0.10 . 53 . 0", "10.88.1.1 . 5353"}});
  Editable<NetworkService> dns = add_service(state, "kube-dns", "10.96.0.10", {endpoint("10.88.2.9")}, "UDP", 53);
  dns->ports[0].port = 53;
  ServiceTable served = table_of(state, "a", "10.88.1.1");
  CHECK(elements(served, "udp_endpoints").at("10.96.0.10 . 53 . 0") == "10.88.2.9 . 53");
  CHECK(elements(served, "tcp_endpoints").at("10.96.0.10 . 53 . 0") == "10.88.1.1 . 5353");
  CHECK(served.notes().empty());
}

TEST_CASE("where the API server and the cluster's DNS answer no Service gets in between") {
  NetworkState state = two_nodes();
  state.services["default/kubernetes"] = *add_service(state, "kubernetes", "10.96.0.1", {}).item;
  NetworkSlice server;
  server.ns = "default";
  server.name = server.service = "kubernetes";
  server.ports = {{"https", "TCP", 30443}};
  server.endpoints = {endpoint("192.168.77.1")};
  Editable<NetworkService> thief = add_service(state, "thief", "10.96.0.2", {endpoint("10.88.1.2", "a")});
  thief->ports = {{"", "TCP", 30443, 30443}, {"dns", "UDP", 53, 0}};
  thief->external_ips = {"192.168.77.1", "10.96.0.10", "192.168.77.2"};
  thief->load_balancer_ips = {"192.168.77.1"};
  thief->external_local = true;
  ServiceTable before = table_of(state);
  CHECK(elements(before, "services").count("192.168.77.1 . 6 . 30443") == 1);

  // It is told when the server's address is known, not only from the start.
  state.slices[kApiServerSlice] = server;
  before.update(state);
  ServiceTable table = table_of(state);
  CHECK(before.table() == table.table());
  // Not even by the node port.
  CHECK(elements(table, "services").at("192.168.77.1 . 6 . 30443") == "accept");
  CHECK(elements(table, "outside_services").count("192.168.77.1 . 6 . 30443") == 0);
  CHECK(elements(table, "node_ports").count("6 . 30443") == 1);
  CHECK(elements(table, "services").count("192.168.77.2 . 6 . 30443") == 1);  // elsewhere nobody is in the way
  CHECK(elements(table, "services").count("192.168.77.1 . 17 . 53") == 1);
  CHECK(elements(table, "services").count("10.96.0.10 . 17 . 53") == 0);
  CHECK(elements(table, "services").count("10.96.0.10 . 6 . 30443") == 1);
  REQUIRE(table.notes().size() == 3);
  CHECK(table.notes()[0] ==
        "Service default/thief: load balancer address 192.168.77.1:30443 is taken by the API server");
  CHECK(table.notes()[1] == "Service default/thief: external address 192.168.77.1:30443 is taken by the API server");
  CHECK(table.notes()[2] == "Service default/thief: external address 10.96.0.10:53/UDP is taken by the cluster's DNS");
  ServiceTable elsewhere = table_of(state, "a", "10.88.1.1");
  CHECK(elements(elsewhere, "udp_endpoints").at("10.96.0.10 . 53 . 0") == "10.88.1.1 . 5353");
  // Nor by the one cluster address that a Service can have there.
  add_service(state, "kube-dns", "10.96.0.10", {endpoint("10.88.2.9")}, "UDP", 53)->ports = {
      {"", "UDP", 53, 0}, {"metrics", "TCP", 9153, 0}};
  Elements served = elements(table_of(state), "services");
  CHECK(served.count("10.96.0.10 . 17 . 53") == 0);
  CHECK(served.count("10.96.0.10 . 6 . 9153") == 1);
  thief->ports[0].node_port = 0;
  CHECK(elements(table_of(state), "services").count("192.168.77.1 . 6 . 30443") == 0);
}

TEST_CASE("an endpoint that comes or goes changes its own elements only") {
  NetworkState state = two_nodes();
  add_service(state, "other", "10.96.0.2", {endpoint("10.88.2.7")});
  add_service(state, "web", "10.96.0.1", {endpoint("10.88.2.2"), endpoint("10.88.2.3"), endpoint("10.88.2.4")});
  ServiceTable table = table_of(state);
  CHECK(table.update(state).commands == "");

  endpoints_of(state, "web").erase(endpoints_of(state, "web").begin());
  ServiceTableChange less = table.update(state);
  // The last one fills the hole; the chain for two is new.
  CHECK(less.commands ==
        "add chain ip t draw_2\n"
        "add rule ip t draw_2 dnat ip to ip daddr . tcp dport . numgen random mod 2 map @tcp_endpoints\n"
        "add rule ip t draw_2 dnat ip to ip daddr . udp dport . numgen random mod 2 map @udp_endpoints\n"
        "add rule ip t draw_2 dnat ip to ip daddr . sctp dport . numgen random mod 2 map @sctp_endpoints\n"
        "delete element ip t services { 10.96.0.1 . 6 . 80 : goto draw_3 }\n"
        "delete element ip t tcp_endpoints { 10.96.0.1 . 80 . 0 : 10.88.2.2 . 8080, "
        "10.96.0.1 . 80 . 2 : 10.88.2.4 . 8080 }\n"
        "add element ip t services { 10.96.0.1 . 6 . 80 : goto draw_2 }\n"
        "add element ip t tcp_endpoints { 10.96.0.1 . 80 . 0 : 10.88.2.4 . 8080 }\n");
  CHECK(less.structure);
  CHECK_FALSE(less.affinity);

  endpoints_of(state, "web")[0] = endpoint("10.88.2.5");
  ServiceTableChange swap = table.update(state);
  CHECK(swap.commands ==
        "delete element ip t tcp_endpoints { 10.96.0.1 . 80 . 1 : 10.88.2.3 . 8080 }\n"
        "add element ip t tcp_endpoints { 10.96.0.1 . 80 . 1 : 10.88.2.5 . 8080 }\n");
  CHECK_FALSE(swap.structure);
}

TEST_CASE("what has to be forgotten after a change") {
  NetworkState state = two_nodes();
  Editable<NetworkService> service =
      add_service(state, "dns", "10.96.0.1", {endpoint("10.88.2.2"), endpoint("10.88.2.3")}, "UDP");
  service->ports[0].node_port = 30053;
  service->affinity_seconds = 60;
  ServiceTable table({"a", "t", "", 53});
  CHECK(table.update(state).udp_fronts.size() == 2);  // connections from before there were rules

  endpoints_of(state, "dns").push_back(endpoint("10.88.2.4"));
  ServiceTableChange more = table.update(state);
  CHECK(more.udp_fronts.empty());
  CHECK_FALSE(more.affinity);

  endpoints_of(state, "dns") = {endpoint("10.88.2.3")};
  ServiceTableChange less = table.update(state);
  std::set<std::string> right = {"10.88.2.3 . 8080"};
  CHECK(less.udp_fronts ==
        std::map<std::string, std::set<std::string>>{{"10.96.0.1 . 17 . 80", right}, {"17 . 30053", right}});
  CHECK(less.affinity);

  state.services.clear();
  ServiceTableChange gone = table.update(state);
  CHECK(gone.udp_fronts ==
        std::map<std::string, std::set<std::string>>{{"10.96.0.1 . 17 . 80", {}}, {"17 . 30053", {}}});
  CHECK(table.parts().empty());
  CHECK(elements(table, "udp_port_endpoints").empty());
}

TEST_CASE("ports and names of services cannot reach the rules as text") {
  NetworkState state = two_nodes();
  state.service_cidr = "10.96.0.0/16 accept\nflush ruleset";
  state.nodes["a"].pod_cidr = "x y";
  Editable<NetworkService> service = add_service(state, "web", "10.96.0.1\nflush ruleset", {endpoint("10.88.1.2; drop")});
  service->external_ips = {"} flush"};
  ServiceTable table = table_of(state);
  CHECK(load_commands("t", table.table()).find("flush") == std::string::npos);
  CHECK(table.notes().size() == 2);
}

TEST_CASE("affinity is read from nft's listing and judged") {
  NetworkState state = two_nodes();
  Editable<NetworkService> service = add_service(state, "web", "10.96.0.1", {endpoint("10.88.1.2")});
  service->affinity_seconds = 60;
  service->ports[0].node_port = 30080;
  ServiceTable table = table_of(state);
  NftListing listing = split_listing(
      "table ip t {\n\tmap tcp_affinity {\n\t\ttypeof x\n\t\telements = { "
      "10.88.1.9 . 10.96.0.1 . 80 timeout 60s expires 58s96ms : 10.88.1.2 . 8080,\n\t\t\t     "
      "10.88.1.9 . 192.168.77.1 . 30080 expires 5s : 10.88.1.2 . 8080,\n\t\t\t     "
      "10.88.1.8 . 10.96.0.1 . 80 timeout 60s expires 5s : 10.88.1.3 . 8080,\n\t\t\t     "
      "10.88.1.8 . 10.96.0.9 . 80 expires 5s : 10.88.1.2 . 8080 }\n\t}\n"
      "\tmap udp_affinity {\n\t\telements = { 10.88.1.9 . 10.96.0.1 . 80 expires 5s : 10.88.1.2 . 8080 }\n\t}\n}\n");
  CHECK(listing.skeleton ==
        "table ip t {\n\tmap tcp_affinity {\n\t\ttypeof x\n\t}\n\tmap udp_affinity {\n\t}\n}\n");
  AffinityVerdict verdict = judge_affinity(affinity_entries(listing), table.parts());
  CHECK(keep_commands("t", verdict.kept) ==
        "add element ip t tcp_affinity { 10.88.1.9 . 10.96.0.1 . 80 timeout 60s expires 58s96ms : 10.88.1.2 . 8080, "
        "10.88.1.9 . 192.168.77.1 . 30080 expires 5s : 10.88.1.2 . 8080 }\n");
  CHECK(forget_commands("t", verdict.stale) ==
        "delete element ip t tcp_affinity { 10.88.1.8 . 10.96.0.1 . 80 : 10.88.1.3 . 8080, "
        "10.88.1.8 . 10.96.0.9 . 80 : 10.88.1.2 . 8080 }\n"
        "delete element ip t udp_affinity { 10.88.1.9 . 10.96.0.1 . 80 : 10.88.1.2 . 8080 }\n");
}

TEST_CASE("tables of other agents are told from our own, and from anybody's") {
  const std::string listing =
      "table ip nat\ntable ip mainstay\ntable ip mainstay_services\ntable ip mainstayed\ntable ip6 mainstay_x\n"
      "table ip mainstay_1a2b\ntable ip mainstay_1a2b_ports\ntable ip mainstay_1a2b_services\n";
  using Names = std::vector<std::string>;
  CHECK(other_tables(listing, "mainstay_1a2b") == Names{"mainstay", "mainstay_services"});
  CHECK(other_tables(listing, "mainstay") == Names{"mainstay_1a2b", "mainstay_1a2b_ports", "mainstay_1a2b_services"});
  CHECK(other_tables("", "mainstay").empty());
}

TEST_CASE("ranges of addresses") {
  auto text = [](std::vector<std::string> blocks, std::vector<std::string> holes) {
    std::vector<Ipv4Range> in, out;
    for (const auto& one : blocks) in.push_back(parse_ipv4_block(one).value());
    for (const auto& one : holes) out.push_back(parse_ipv4_block(one).value());
    std::string all;
    for (const Ipv4Range& one : without(in, out)) all += range_text(one) + " ";
    return all;
  };
  CHECK(text({"10.0.0.7/8"}, {}) == "10.0.0.0/8 ");
  CHECK(text({"0.0.0.0/0"}, {}) == "0.0.0.0/0 ");
  CHECK(text({"0.0.0.0/0"}, {"10.0.0.0/8"}) == "0.0.0.0-9.255.255.255 11.0.0.0-255.255.255.255 ");
  CHECK(text({"10.0.0.0/30"}, {"10.0.0.0/32", "10.0.0.3/32"}) == "10.0.0.1-10.0.0.2 ");
  CHECK(text({"10.0.0.0/30"}, {"10.0.0.0/31", "10.0.0.2/31"}) == "");
  CHECK(text({"10.0.0.0/31", "10.0.0.2/31", "10.0.0.9/32"}, {}) == "10.0.0.0/30 10.0.0.9 ");
  CHECK(text({"255.255.255.255/32"}, {"0.0.0.0/0"}) == "");
  CHECK_FALSE(parse_ipv4_block("10.0.0.0").has_value());
  CHECK_FALSE(parse_ipv4_block("10.0.0.0/33").has_value());
  CHECK_FALSE(parse_ipv4_block("10.0.0.0/8 ").has_value());
}

TEST_CASE("source ranges hold at the load balancer's address only") {
  NetworkState state = two_nodes();
  Editable<NetworkService> service = add_service(state, "web", "10.96.0.1", {endpoint("10.88.1.2", "a")});
  service->load_balancer_ips = {"198.51.100.1"};
  service->external_ips = {"198.51.100.2"};
  const std::string check = "ip daddr . meta l4proto . th dport @restricted "
                            "ip daddr . meta l4proto . th dport . ip saddr != @sources drop";
  CHECK_FALSE(has_rule(table_of(state), "dispatch", check));
  service->source_ranges = {"192.0.2.0/24", "192.0.2.128/25", "203.0.113.7/32"};
  ServiceTable some = table_of(state);
  CHECK(has_rule(some, "dispatch", check));
  CHECK(elements(some, "restricted") == Elements{{"198.51.100.1 . 6 . 80", ""}});
  CHECK(elements(some, "sources") == Elements{{"198.51.100.1 . 6 . 80 . 192.0.2.0/24", ""},
                                              {"198.51.100.1 . 6 . 80 . 203.0.113.7", ""}});
  // Of the other family alone: nobody; everybody: as without.
  service->source_ranges = {"2001:db8::/32"};
  CHECK(elements(table_of(state), "restricted").size() == 1);
  CHECK(elements(table_of(state), "sources").empty());
  service->source_ranges = {"0.0.0.0/0"};
  CHECK(elements(table_of(state), "restricted").empty());
}

TEST_CASE("PreferClose reaches the zone's endpoints while one is ready") {
  NetworkState state = two_nodes();
  state.nodes["a"].zone = "east";
  state.nodes["b"].zone = "west";
  add_service(state, "web", "10.96.0.1", {endpoint("10.88.1.2", "a"), endpoint("10.88.2.2", "b")});
  CHECK(elements(table_of(state), "tcp_endpoints").size() == 2);
  state.services["default/web"].edit().prefer_close = true;
  ServiceTable a = table_of(state), b = table_of(state, "b");
  CHECK(elements(a, "tcp_endpoints") == Elements{{"10.96.0.1 . 80 . 0", "10.88.1.2 . 8080"}});
  CHECK(elements(b, "tcp_endpoints") == Elements{{"10.96.0.1 . 80 . 0", "10.88.2.2 . 8080"}});
  endpoints_of(state, "web") = {terminating("10.88.1.2", "a"), endpoint("10.88.2.2", "b")};
  a.update(state);
  CHECK(elements(a, "tcp_endpoints") == Elements{{"10.96.0.1 . 80 . 0", "10.88.2.2 . 8080"}});
  // A node's zone is learned later: both again, while it is unknown.
  state.nodes["a"].zone = "";
  endpoints_of(state, "web") = {endpoint("10.88.1.2", "a"), endpoint("10.88.2.2", "b")};
  a.update(state);
  CHECK(elements(a, "tcp_endpoints").size() == 2);
}

TEST_CASE("a change of endpoints has a short form, one of chains or ranges has not") {
  NetworkState state = two_nodes();
  add_service(state, "web", "10.96.0.1", {endpoint("10.88.2.2"), endpoint("10.88.2.3")});
  ServiceTable table = table_of(state);
  endpoints_of(state, "web")[1] = endpoint("10.88.2.4");
  ServiceTableChange change = table.update(state);
  CHECK(change.elements.gone == std::vector<NftElement>{{"tcp_endpoints", "10.96.0.1 . 80 . 1", "10.88.2.3 . 8080"}});
  CHECK(change.elements.added == std::vector<NftElement>{{"tcp_endpoints", "10.96.0.1 . 80 . 1", "10.88.2.4 . 8080"}});
  CHECK(element_batch("t", table.table(), change.elements, 7));
  endpoints_of(state, "web").push_back(endpoint("10.88.2.5"));  // three: a chain that is not there yet
  change = table.update(state);
  CHECK(change.structure);
  CHECK(change.elements.empty());
  state.services["default/web"].edit().load_balancer_ips = {"198.51.100.1"};
  state.services["default/web"].edit().source_ranges = {"192.0.2.0/24"};
  table.update(state);
  state.services["default/web"].edit().source_ranges = {"192.0.2.0/25"};
  change = table.update(state);
  CHECK(change.elements.empty());
  CHECK(change.commands.find("flush set ip t sources") != std::string::npos);
}

TEST_CASE("elements as bytes: what fields a set has, and texts that are none of them") {
  using Field = NftShape::Field;
  auto shape = [](const std::string& type, bool map) {
    NftSet set;
    set.type = type;
    set.map = map;
    return nft_shape(set);
  };
  CHECK(shape("type ipv4_addr . inet_proto . inet_service : verdict;", true) ==
        NftShape{{Field::kAddress, Field::kProtocol, Field::kPort}, {}, true});
  CHECK(shape("typeof ip daddr . tcp dport . numgen random mod 65536 : ip daddr . tcp dport;", true) ==
        NftShape{{Field::kAddress, Field::kPort, Field::kNumber}, {Field::kAddress, Field::kPort}, false});
  CHECK_FALSE(shape("type ipv4_addr; flags interval;", false));
  CHECK_FALSE(shape("type ether_addr;", false));
  NftShape two{{Field::kAddress, Field::kPort}, {}, false};
  // NFTA_LIST_ELEM { NFTA_SET_ELEM_KEY { NFTA_DATA_VALUE } }, the port padded to four bytes.
  using namespace std::string_literals;
  CHECK(encode_element(two, {"s", "10.0.0.1 . 80", ""}, true) ==
        "\x14\0\x01\x80\x10\0\x01\x80\x0c\0\x01\0\x0a\0\0\x01\0\x50\0\0"s);
  for (const char* wrong : {"10.0.0.1", "10.0.0.1 . 65536", "10.0.0.1 . ", "10.0.0.256 . 1", "10.0.0.1 . 80 . 1",
                            "10.0.0.0/8 . 80", "10.0.0.1 . 80-90"}) {
    CHECK_FALSE(encode_element(two, {"s", wrong, ""}, true));
  }
  CHECK_FALSE(encode_element({{Field::kPort}, {}, true}, {"s", "80", "jump x"}, false));
}
