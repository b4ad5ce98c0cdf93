// Labels a node may give itself.
#include <catch2/catch.hpp>

#include "schema/agent_messages.h"
#include "schema/node_labels.h"

namespace mainstay {

TEST_CASE("labels of a node: its own and a few of Kubernetes'") {
  Result<NodeLabels> read = parse_node_labels(
      "topology.kubernetes.io/zone=a,node.kubernetes.io/instance-type=m,disk=ssd,example.org/x=,"
      "x.kubelet.kubernetes.io/y=1");
  REQUIRE(read.ok());
  CHECK(read->at("topology.kubernetes.io/zone") == "a");
  CHECK(read->at("example.org/x").empty());
  CHECK(read->size() == 5);
  CHECK(parse_node_labels("")->empty());
  for (const char* refused : {"disk", "=x", "a=b c", "node-role.kubernetes.io/control-plane=", "k8s.io/x=1",
                              "node-restriction.kubernetes.io/x=1", "a/b/c=1"}) {
    INFO(refused);
    CHECK_FALSE(parse_node_labels(refused).ok());
  }
  CHECK(may_label_itself("notkubernetes.io/x"));
}

TEST_CASE("labels go over the wire, empty ones too") {
  NodeReport report;
  report.node = "n1";
  report.labels = {{"a", "b"}, {"c", ""}};
  Result<NodeReport> read = decode_node_report(encode(report));
  REQUIRE(read.ok());
  CHECK(read->labels == report.labels);
}

}  // namespace mainstay
