// A core for tests that write manifests and speak as nodes' agents.
#pragma once

#include "reconciler/core/report.h"
#include "schema/decode.h"
#include "schema/diagnostics.h"
#include "schema/yaml.h"
#include "tests/core/core_fixture.h"

namespace mainstay::test {

inline Object parse(const std::string& yaml) {
  Diagnostics diagnostics;
  std::vector<Document> documents = parse_yaml(yaml, diagnostics);
  REQUIRE(documents.size() == 1);
  std::optional<Object> object = decode_object(documents[0].root, {}, diagnostics);
  INFO(diagnostics.render());
  REQUIRE(object.has_value());
  REQUIRE_FALSE(diagnostics.has_errors());
  return *object;
}

struct Fixture : CoreFixture {
  Message create(Ticket ticket, const std::string& yaml) {
    ApiWrite write;
    write.ticket = ticket;
    write.verb = ApiWrite::Verb::kCreate;
    write.object = std::make_shared<Object>(parse(yaml));
    write.key = write.object->key();
    write.actor = "user:test";
    return write;
  }
};

inline constexpr const char* kConfigMap =
    "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: default}}";

// A report of a ready node of 100 CPUs and 8 GiB.
inline NodeReport hello(const std::string& node, uint64_t sequence, const std::string& boot = "one") {
  NodeReport report;
  report.node = node;
  report.boot = boot;
  report.sequence = sequence;
  NodeStatus status;
  for (const char* resource : {"cpu", "memory", "pods"}) {
    map_slot(status.capacity, resource) = Quantity::of(std::string(resource) == "memory" ? 8LL << 30 : 100);
    map_slot(status.allocatable, resource) =
        Quantity::of(std::string(resource) == "memory" ? 8LL << 30 : 100);
  }
  status.conditions.push_back({"Ready", "True", {}, {}, "KubeletReady", ""});
  report.node_status = Box<NodeStatus>(status);
  return report;
}

// Node n1 and the pod "p", settled.
inline ObjectPtr pod_on_first_node(Fixture& f) {
  f.turn({ReportIn{0, hello("n1", 1)}});
  f.settle();
  f.turn({f.create(1, "{apiVersion: v1, kind: Pod, metadata: {name: p, namespace: default}, spec: {containers: [{name: c, "
                      "image: i}]}}")});
  f.settle();
  return f.core->head().find(Kind::kPod, "default", "p");
}
}  // namespace mainstay::test
