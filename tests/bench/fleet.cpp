#include "tests/bench/fleet.h"

#include <cstdio>
#include <map>

#include "nodeagent/agent_core.h"
#include "nodeagent/simulated_node.h"
#include "reconciler/core/assign.h"
#include "schema/base/clock.h"
#include "schema/decode.h"
#include "schema/json.h"

namespace mainstay::bench {
namespace {

// Steps of one agent for one assignment; a pod needs about six.
constexpr int kMostSteps = 10'000;
// A timer farther away than this is no part of a pod's start.
constexpr Duration kSoon = std::chrono::seconds{1};

std::string node_name(size_t index) {
  char name[32];
  std::snprintf(name, sizeof name, "node-%04zu", index);
  return name;
}

std::string network_of(size_t index) {
  return "10." + std::to_string(index / 256) + "." + std::to_string(index % 256);
}

NodeFacts facts_of(size_t index) {
  NodeFacts facts;
  facts.name = node_name(index);
  facts.address = "192.168." + std::to_string(index / 250) + "." + std::to_string(index % 250 + 1);
  facts.memory_bytes = int64_t{256} << 30;
  return facts;
}

NodeStatus status_of(const NodeFacts& facts) {
  std::string resources = R"({"cpu":"64","memory":"256Gi","ephemeral-storage":"1Ti","pods":"250"})";
  std::string json = R"({"capacity":)" + resources + R"(,"allocatable":)" + resources +
                     R"(,"conditions":[{"type":"Ready","status":"True","reason":"KubeletReady",)"
                     R"("message":"the agent is ready"}],"addresses":[{"type":"InternalIP","address":")" +
                     facts.address + R"("}],"nodeInfo":{"machineID":")" + facts.name +
                     R"(","systemUUID":"","bootID":"","kernelVersion":"6.1","osImage":"Debian",)"
                     R"("containerRuntimeVersion":"simulated://1","kubeletVersion":"v1.33.0","kubeProxyVersion":"","operatingSystem":"linux",)"
                     R"("architecture":"amd64"}})";
  Result<Value> value = read_json(json);
  ENSURE(value.ok(), "the node's status is JSON");
  Diagnostics diagnostics;
  NodeStatus status = decode_as<NodeStatus>(*value, {}, {}, diagnostics);
  ENSURE(!diagnostics.has_errors(), "the node's status is one");
  return status;
}

}  // namespace

struct Fleet::Member {
  NodeFacts facts;
  SimulatedNode node;
  AgentCore agent;

  explicit Member(size_t index)
      : facts(facts_of(index)), node(network_of(index)), agent(facts, "boot-" + facts.name, {}) {}

  NodeReport follow(Assignment assignment, Now now);
};

// Virtual time runs from one due result to the next, until nothing is under way.
NodeReport Fleet::Member::follow(Assignment assignment, Now now) {
  MonoTime begin = now.mono;
  WallTime wall = now.wall;
  std::multimap<MonoTime, OperationResult> due;
  AgentActions actions = agent.step(now, {std::move(assignment)});
  for (int steps = 0; steps < kMostSteps; ++steps) {
    for (const Operation& operation : actions.operations) {
      SimulatedNode::Reply reply = node.carry_out(operation, now);
      due.emplace(reply.at, std::move(reply.result));
    }
    std::optional<MonoTime> wake = agent.next_wake();
    if (due.empty() && (!wake || *wake - now.mono > kSoon)) break;
    now.mono = std::max(now.mono, due.empty() ? *wake : due.begin()->first);
    now.wall = wall + (now.mono - begin);
    std::vector<AgentInput> inputs;
    while (!due.empty() && due.begin()->first <= now.mono) {
      inputs.push_back(std::move(due.begin()->second));
      due.erase(due.begin());
    }
    actions = agent.step(now, std::move(inputs));
  }
  NodeReport report = agent.take_report(true);
  agent.step(now, {ReportAcknowledged{report.sequence}});
  return report;
}

Fleet::Fleet(size_t nodes) {
  for (size_t i = 0; i < nodes; ++i) members_.push_back(std::make_unique<Member>(i));
}
Fleet::~Fleet() = default;

std::vector<Message> Fleet::introduce() {
  std::vector<Message> out;
  for (auto& member : members_) {
    NodeReport report = member->agent.take_report(true);
    report.node_status = Box<NodeStatus>(status_of(member->facts));
    out.push_back(ReportIn{0, std::move(report)});
  }
  return out;
}

std::vector<Message> Fleet::follow(const Publication& publication) {
  std::vector<Message> out;
  for (auto& member : members_) {
    Assignment given = assignment(publication.view, member->facts.name);
    given.at = {publication.epoch, publication.view.version()};
    given.node = member->facts.name;
    out.push_back(ReportIn{0, member->follow(std::move(given), read_clock())});
  }
  return out;
}

}  // namespace mainstay::bench
