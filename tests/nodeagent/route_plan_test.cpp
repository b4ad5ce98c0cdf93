// Routes to other nodes: what is wanted, and the way from what there is.
#include <catch2/catch.hpp>

#include "nodeagent/network/route_plan.h"
#include "tests/nodeagent/network_states.h"

using namespace mainstay;
using namespace mainstay::test;

namespace {

const std::vector<HostAddress> kHost = {
    {"lo", "127.0.0.1", 8, 65536}, {"eth0", "192.168.77.1", 24, 1500}, {"veth1", "10.88.1.1", 32, 1500}};

NodeRoutesOptions on_node_a(bool overlay = false) {
  NodeRoutesOptions options;
  options.node = "a";
  options.overlay = overlay;
  return options;
}

RoutePlan plan(const NetworkState& state, bool overlay = false) {
  auto out = plan_routes(state, on_node_a(overlay), kHost);
  REQUIRE(out.ok());
  return *out;
}

}  // namespace

TEST_CASE("nodes on the segment get a route, others are named") {
  NetworkState state = two_nodes();
  state.nodes["far"] = {"far", "10.1.1.1", "10.88.3.0/24"};
  state.nodes["new"] = {"new", "192.168.77.4", ""};
  state.nodes["unknown"] = {"unknown", "", "10.88.4.0/24"};
  state.nodes["twin"] = {"twin", "192.168.77.1", "10.88.5.0/24"};  // another agent on this machine
  RoutePlan out = plan(state);
  CHECK(out.content.routes == std::vector<PodRoute>{{"10.88.2.0/24", "192.168.77.2", "eth0", false}});
  CHECK_FALSE(out.content.device);
  REQUIRE(out.problems.size() == 1);
  CHECK(out.problems[0] ==
        "node 'far' at 10.1.1.1 is not on a network of this node (192.168.77.1/24 on eth0): its pods cannot be "
        "reached from here; connect the nodes by one network segment, or start every agent with --overlay");
  CHECK(plan_routes({}, on_node_a(), kHost)->content == RouteContent{});
}

TEST_CASE("an address of the machine in a range of the cluster is named with both") {
  auto conflict = [](const std::string& device, const std::string& address, int prefix) {
    return range_conflict({{device, address, prefix, 1500}}, "10.88.0.0/16", "network.podCIDR");
  };
  CHECK(conflict("docker0", "10.88.0.1", 16) ==
        "this machine has 10.88.0.1/16 on docker0, which overlaps network.podCIDR 10.88.0.0/16: one of them has to be "
        "another range");
  CHECK(conflict("eth0", "10.88.3.4", 24) != "");
  CHECK(conflict("eth0", "10.88.3.4", 8) != "");  // the machine itself could not be reached
  CHECK(conflict("eth0", "10.89.0.1", 8) == "");
  CHECK(conflict("eth0", "10.89.0.1", 16) == "");
  CHECK(conflict("kube-bridge", "10.88.1.1", 32) != "");
  CHECK(conflict("veth5", "10.88.1.1", 32) == "");
  CHECK(conflict("mainstay-vxlan", "10.88.1.0", 32) == "");
  CHECK(range_conflict(kHost, "", "network.podCIDR") == "");

  NetworkState state = two_nodes();
  CHECK(plan(state).problems.empty());
  state.cluster_cidr = "192.168.0.0/16";
  state.service_cidr = "192.168.77.0/24";
  std::vector<std::string> problems = plan(state).problems;
  REQUIRE(problems.size() == 2);
  CHECK(problems[0].find("192.168.77.1/24 on eth0, which overlaps network.podCIDR 192.168.0.0/16") != std::string::npos);
  CHECK(problems[1].find("which overlaps network.serviceCIDR 192.168.77.0/24") != std::string::npos);
}

TEST_CASE("the narrowest network leads to a node, and a single address to none") {
  std::vector<HostAddress> host = {{"wide", "10.0.0.1", 8, 1500}, {"narrow", "10.1.0.1", 16, 1500},
                                   {"alone", "10.1.0.7", 32, 1500}};
  NetworkState state = two_nodes();
  state.nodes["b"].address = "10.1.0.9";
  auto out = plan_routes(state, on_node_a(), host);
  REQUIRE(out.ok());
  CHECK(out->content.routes.at(0).device == "narrow");
}

TEST_CASE("the overlay: device, ends and forwarding are static and known to all") {
  RoutePlan out = plan(two_nodes(), true);
  CHECK(out.content.device == OverlayDevice{"02:4d:c0:a8:4d:01", "192.168.77.1", 77, 4789, 1450, true});
  CHECK(out.content.addresses == std::vector<std::string>{"10.88.1.0/32"});
  RouteCommands commands = route_commands({}, out.content, on_node_a(true));
  CHECK(commands.before ==
        "link add mainstay-vxlan mtu 1450 address 02:4d:c0:a8:4d:01 type vxlan id 77 local 192.168.77.1 dstport 4789 "
        "nolearning\n"
        "link set mainstay-vxlan up\n"
        "addr replace 10.88.1.0/32 dev mainstay-vxlan\n"
        "neigh replace 10.88.2.0 lladdr 02:4d:c0:a8:4d:02 dev mainstay-vxlan nud permanent\n");
  CHECK(commands.bridge == "fdb append 02:4d:c0:a8:4d:02 dev mainstay-vxlan dst 192.168.77.2 self permanent\n");
  CHECK(commands.after == "route replace 10.88.2.0/24 via 10.88.2.0 dev mainstay-vxlan onlink proto 77\n");
  CHECK(route_commands(out.content, out.content, on_node_a(true)).empty());

  NetworkState unknown = two_nodes();
  unknown.nodes["a"].address = "10.9.9.9";
  CHECK(plan_routes(unknown, on_node_a(true), kHost).error().code == ErrorCode::kUnavailable);
}

TEST_CASE("only what differs is changed, and what is gone goes") {
  RouteContent have = plan(two_nodes(), true).content;
  RouteContent want = have;
  want.device->mtu = 1400;
  want.neighbours[0].mac = "02:4d:00:00:00:09";
  want.forwards[0].mac = "02:4d:00:00:00:09";
  RouteCommands commands = route_commands(have, want, on_node_a(true));
  CHECK(commands.before ==
        "link set mainstay-vxlan mtu 1400\n"
        "neigh del 10.88.2.0 dev mainstay-vxlan\n"
        "neigh replace 10.88.2.0 lladdr 02:4d:00:00:00:09 dev mainstay-vxlan nud permanent\n");
  CHECK(commands.bridge ==
        "fdb del 02:4d:c0:a8:4d:02 dev mainstay-vxlan dst 192.168.77.2 self\n"
        "fdb append 02:4d:00:00:00:09 dev mainstay-vxlan dst 192.168.77.2 self permanent\n");
  CHECK(commands.after.empty());

  // Another address of ours: another device, with all that was on it.
  want = have;
  want.device->local = "192.168.77.7";
  commands = route_commands(have, want, on_node_a(true));
  CHECK(commands.before.starts_with("link del mainstay-vxlan\nlink add mainstay-vxlan "));
  CHECK(commands.after == "route replace 10.88.2.0/24 via 10.88.2.0 dev mainstay-vxlan onlink proto 77\n");

  // From overlay to plain routes and to nothing.
  RouteContent plain = plan(two_nodes()).content;
  commands = route_commands(have, plain, on_node_a());
  CHECK(commands.before == "link del mainstay-vxlan\n");
  CHECK(commands.after == "route replace 10.88.2.0/24 via 192.168.77.2 dev eth0 proto 77\n");
  commands = route_commands(plain, {}, on_node_a());
  CHECK(commands.after == "route del 10.88.2.0/24 via 192.168.77.2 dev eth0 proto 77\n");
}

TEST_CASE("iproute2's answers are read") {
  CHECK(parse_addresses(R"([{"ifname":"eth0","flags":["UP"],"mtu":1400,"addr_info":[
      {"family":"inet","local":"10.0.0.1","prefixlen":24},{"family":"inet6","local":"::1","prefixlen":128}]},
      {"ifname":"down","flags":[],"mtu":1,"addr_info":[{"family":"inet","local":"10.0.0.2","prefixlen":24}]},{}])")
            .value() == std::vector<HostAddress>{{"eth0", "10.0.0.1", 24, 1400}});
  CHECK(parse_routes(R"([{"dst":"10.8.2.0/24","gateway":"10.8.2.0","dev":"vv","flags":["onlink"]}])").value() ==
        std::vector<PodRoute>{{"10.8.2.0/24", "10.8.2.0", "vv", true}});
  CHECK(parse_neighbours(R"([{"dst":"10.8.2.0","lladdr":"02:00","state":["PERMANENT"]},
      {"dst":"10.8.2.1","lladdr":"02:00","state":["STALE"]}])").value().size() == 1);
  CHECK(parse_forwards("").value().empty());
  CHECK(parse_forwards("[]\n").value().empty());
  CHECK(parse_routes("Error: nonsense").error().code == ErrorCode::kInvalid);
  CHECK_FALSE(parse_device("[]").value().has_value());
}
