// Three machines whose pods reach each other: by routes on one segment, by VXLAN where a router lies between.
#include <catch2/catch.hpp>

#include "nodeagent/network/node_routes.h"
#include "tests/nodeagent/edge_node.h"
#include "tests/nodeagent/network_lab.h"
#include "tests/nodeagent/network_states.h"

using namespace mainstay;
using namespace mainstay::test;

namespace {

// Applies the state on one machine.
Status apply_on(NetworkLab& lab, const NetworkState& state, const std::string& node, bool overlay) {
  NodeRoutesOptions options;
  options.node = node;
  options.overlay = overlay;
  NodeRoutes routes(options);
  return lab.inside(node, [&] { return routes.apply(state); });
}

Status remove_on(NetworkLab& lab, const std::string& node, bool overlay) {
  NodeRoutesOptions options;
  options.node = node;
  options.overlay = overlay;
  NodeRoutes routes(options);
  return lab.inside(node, [&] { return routes.remove(); });
}

void add_pods(NetworkLab& lab) {
  const char* names[] = {"a", "b", "c"};
  for (int i = 0; i < 3; ++i) {
    std::string range = "10.88." + std::to_string(i + 1) + ".", pod = std::string(names[i]) + "1";
    lab.add_pod(pod, names[i], range + "2", range + "1");
    lab.serve_tcp(pod, range + "2", 8080);
  }
}

}  // namespace

TEST_CASE("pods of three nodes on one segment reach each other by routes", "[edge][routes]") {
  NEEDS_LAB();
  NetworkLab lab;
  lab.add_machine("a", "192.168.77.1/24");
  lab.add_machine("b", "192.168.77.2/24");
  lab.add_machine("c", "192.168.77.3/24");
  add_pods(lab);
  NetworkState state = two_nodes();
  state.nodes["c"] = {"c", "192.168.77.3", "10.88.3.0/24"};
  lab.ip("a", "route add 10.99.0.0/24 via 192.168.77.2\n");  // somebody else's
  for (const char* node : {"a", "b", "c"}) REQUIRE_OK(apply_on(lab, state, node, false));
  CHECK(lab.ask_tcp("a1", "10.88.2.2", 8080) == "b1:8080 10.88.1.2");
  CHECK(lab.ask_tcp("b1", "10.88.3.2", 8080) == "c1:8080 10.88.2.2");
  CHECK(lab.ask_tcp("c1", "10.88.1.2", 8080) == "a1:8080 10.88.3.2");
  CHECK(lab.ask_tcp("a", "10.88.2.2", 8080) == "b1:8080 192.168.77.1");

  // Mended, and told whether it had to be. One object, so that it has a last state.
  NodeRoutesOptions options;
  options.node = "a";
  NodeRoutes routes(options);
  Status mended = lab.inside("a", [&]() -> Status {
    CHECK_FALSE(routes.repair().value());  // nothing applied yet
    RETURN_IF_ERROR(routes.apply(state));
    CHECK_FALSE(routes.repair().value());
    return {};
  });
  REQUIRE_OK(mended);
  lab.ip("a", "route del 10.88.2.0/24\n");
  CHECK(lab.ask_tcp("a1", "10.88.2.2", 8080, 300) != "b1:8080 10.88.1.2");
  REQUIRE_OK(lab.inside("a", [&]() -> Status {
    CHECK(routes.repair().value());
    return {};
  }));
  CHECK(lab.ask_tcp("a1", "10.88.2.2", 8080) == "b1:8080 10.88.1.2");

  // A node that is gone, one that moved, and one that is out of reach.
  state.nodes.erase("b");
  state.nodes["far"] = {"far", "10.200.0.1", "10.88.9.0/24"};
  Status far = apply_on(lab, state, "a", false);
  REQUIRE_FALSE(far.ok());
  CHECK(far.error().code == ErrorCode::kInvalid);
  CHECK(far.error().message.find("node 'far' at 10.200.0.1 is not on a network of this node") != std::string::npos);
  std::string listed = lab.run("a", {"ip", "route"});
  CHECK(listed.find("10.88.2.0/24") == std::string::npos);
  CHECK(listed.find("10.88.3.0/24 via 192.168.77.3") != std::string::npos);
  REQUIRE_OK(remove_on(lab, "a", false));
  listed = lab.run("a", {"ip", "route"});
  CHECK(listed.find("10.88.3.0/24") == std::string::npos);
  CHECK(listed.find("10.99.0.0/24") != std::string::npos);
}

TEST_CASE("pods of nodes behind a router reach each other by VXLAN", "[edge][routes]") {
  NEEDS_LAB();
  NetworkLab lab;
  lab.add_machine("a", "192.168.77.1/24", "one");
  lab.add_machine("b", "192.168.77.2/24", "one");
  lab.add_machine("c", "192.168.78.3/24", "two");
  lab.add_machine("router", "192.168.77.254/24", "one");
  lab.add_machine("router", "192.168.78.254/24", "two");
  lab.ip("a", "route add default via 192.168.77.254\n");
  lab.ip("b", "route add default via 192.168.77.254\n");
  lab.ip("c", "route add default via 192.168.78.254\n");
  add_pods(lab);
  NetworkState state = two_nodes();
  state.nodes["c"] = {"c", "192.168.78.3", "10.88.3.0/24"};
  CHECK_FALSE(apply_on(lab, state, "a", false).ok());
  for (const char* node : {"a", "b", "c"}) REQUIRE_OK(apply_on(lab, state, node, true));
  CHECK(lab.ask_tcp("a1", "10.88.2.2", 8080) == "b1:8080 10.88.1.2");
  CHECK(lab.ask_tcp("a1", "10.88.3.2", 8080) == "c1:8080 10.88.1.2");
  CHECK(lab.ask_tcp("c1", "10.88.2.2", 8080) == "b1:8080 10.88.3.2");
  CHECK(lab.ask_tcp("c", "10.88.1.2", 8080) == "a1:8080 10.88.3.0");  // the machine's address on the overlay

  // Pods told this size send nothing that does not fit.
  REQUIRE_OK(lab.inside("a", []() -> Status {
    CHECK(pod_mtu("192.168.77.1", true).value() == 1450);
    CHECK(pod_mtu("192.168.77.1", false).value() == 1500);
    CHECK(pod_mtu("192.0.2.1", false).error().code == ErrorCode::kNotFound);
    return {};
  }));

  // Someone's change is undone; a second time nothing is left to do.
  NodeRoutesOptions options;
  options.node = "c";
  options.overlay = true;
  NodeRoutes routes(options);
  REQUIRE_OK(lab.inside("c", [&] { return routes.apply(state); }));
  for (const char* harm : {"link del mainstay-vxlan\n", "link set mainstay-vxlan down\n",
                           "neigh del 10.88.1.0 dev mainstay-vxlan\n", "route del 10.88.1.0/24\n",
                           "link set mainstay-vxlan mtu 1000\n"}) {
    INFO(harm);
    lab.ip("c", harm);
    REQUIRE_OK(lab.inside("c", [&]() -> Status {
      ASSIGN_OR_RETURN(bool mended, routes.repair());
      CHECK(mended);
      ASSIGN_OR_RETURN(bool again, routes.repair());
      CHECK_FALSE(again);
      return {};
    }));
    CHECK(lab.ask_tcp("c1", "10.88.1.2", 8080) == "a1:8080 10.88.3.2");
  }
  state.nodes.erase("b");
  REQUIRE_OK(apply_on(lab, state, "a", true));
  CHECK(lab.run("a", {"bridge", "fdb", "show", "dev", "mainstay-vxlan"}).find("192.168.77.2") == std::string::npos);
  CHECK(lab.ask_tcp("a1", "10.88.3.2", 8080) == "c1:8080 10.88.1.2");
  REQUIRE_OK(remove_on(lab, "a", true));
  CHECK(lab.run("a", {"ip", "link"}).find("vxlan") == std::string::npos);
  CHECK(lab.run("a", {"ip", "route"}).find("10.88.") == lab.run("a", {"ip", "route"}).find("10.88.1.2 dev"));
}
