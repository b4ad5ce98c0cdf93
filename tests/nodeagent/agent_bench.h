// What the agent does with pods, over a simulated node in virtual time.
#pragma once

#include <algorithm>
#include <catch2/catch.hpp>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "nodeagent/agent_core.h"
#include "nodeagent/simulated_node.h"
#include "schema/decode.h"
#include "schema/diagnostics.h"
#include "schema/table.h"
#include "schema/yaml.h"

namespace mainstay::test {

inline ObjectPtr pod_of(const std::string& yaml) {
  Diagnostics diagnostics;
  std::vector<Document> documents = parse_yaml(yaml, diagnostics);
  std::optional<Object> object = decode_object(documents.at(0).root, {}, diagnostics);
  INFO(diagnostics.render());
  REQUIRE(object.has_value());
  object->meta.uid = "uid-" + object->meta.name;
  return std::make_shared<Object>(std::move(*object));
}

struct Bench {
  SimulatedNode node{"10.0.0"};
  std::unique_ptr<AgentCore> core;
  MonoTime mono{std::chrono::seconds{1000}};
  std::multimap<MonoTime, OperationResult> due;
  uint64_t number = 0;
  std::map<std::string, PodReport> reports;
  std::vector<AgentEvent> events;

  Bench() { core = make(AgentMemory{}); }
  std::unique_ptr<AgentCore> make(AgentMemory memory) {
    NodeFacts facts;
    facts.name = "n1";
    facts.address = "192.0.2.1";
    facts.memory_bytes = 1 << 30;
    return std::make_unique<AgentCore>(facts, "boot", std::move(memory));
  }
  Now now() const { return {WallTime{std::chrono::hours{400000}} + mono.since_start, mono}; }

  // What was done, in order: "start web.0", "pre-stop web.0", "stop web.0", "release", "tear down" ...
  std::vector<std::string> log;
  // Answers an operation instead of the node, if it returns something.
  using Outcome = decltype(OperationResult::outcome);
  std::function<std::optional<Outcome>(const Operation&)> intercept;

  static std::string key_text(const ContainerKey& key) { return key.container + "." + std::to_string(key.attempt); }
  static std::string text_of(const OperationBody& body) {
    if (auto* one = std::get_if<StartContainer>(&body)) return "start " + key_text(one->spec.key);
    if (auto* one = std::get_if<StopContainer>(&body)) return "stop " + key_text(one->key);
    if (auto* one = std::get_if<KillContainer>(&body)) return "kill " + key_text(one->key);
    if (auto* one = std::get_if<RunHook>(&body)) return "hook " + key_text(one->key);
    if (std::holds_alternative<ReleasePod>(body)) return "release";
    if (std::holds_alternative<TearDownPod>(body)) return "tear down";
    if (std::holds_alternative<SetUpPod>(body)) return "set up";
    return "";
  }
  void carry_out(std::vector<Operation> operations) {
    for (Operation& operation : operations) {
      if (std::string text = text_of(operation.body); !text.empty()) log.push_back(text);
      std::optional<Outcome> given = intercept ? intercept(operation) : std::nullopt;
      if (given) {
        due.emplace(mono + 1ms, OperationResult{operation.id, operation.uid, std::move(*given)});
        continue;
      }
      SimulatedNode::Reply reply = node.carry_out(operation, now());
      due.emplace(reply.at, std::move(reply.result));
    }
  }
  void step(std::vector<AgentInput> inputs = {}) {
    AgentActions actions = core->step(now(), std::move(inputs));
    carry_out(std::move(actions.operations));
    if (!actions.report_due) return;
    NodeReport report = core->take_report(false);
    for (PodReport& pod : report.pods) reports[pod.uid] = pod;
    events.insert(events.end(), report.events.begin(), report.events.end());
    carry_out(core->step(now(), {ReportAcknowledged{report.sequence}}).operations);
  }
  // The agent's process ends and another one begins; what was under way is lost to it.
  void restart() {
    core = make(core->memory(now()));
    due.clear();
  }
  // Lets virtual time pass, stopping wherever something is due.
  void run(Duration span) {
    MonoTime end = mono + span;
    for (int guard = 0; guard < 100000; ++guard) {
      MonoTime next = end;
      if (!due.empty()) next = std::min(next, due.begin()->first);
      if (auto wake = core->next_wake()) next = std::min(next, std::max(*wake, mono));
      if (auto ends = node.next_end()) next = std::min(next, *ends);
      bool last = next >= end;
      mono = std::max(mono, std::min(next, end));
      if (node.advance(now())) core->look_again();
      std::vector<AgentInput> inputs;
      while (!due.empty() && due.begin()->first <= mono) {
        inputs.emplace_back(std::move(due.begin()->second));
        due.erase(due.begin());
      }
      step(std::move(inputs));
      if (last && due.empty()) return;
      if (last && due.begin()->first > end) return;
    }
    FAIL("the agent never comes to rest");
  }
  void assign(std::vector<ObjectPtr> pods) {
    Assignment assignment;
    assignment.at = {1, ++number};
    assignment.node = "n1";
    assignment.pods = std::move(pods);
    step({assignment});
  }
  const PodStatus& status(const std::string& name) { return reports.at("uid-" + name).status; }
  // As `kubectl get pods` shows it.
  std::string word(const ObjectPtr& pod) {
    Object shown = *pod;
    as<Pod>(shown).status = status(pod->meta.name);
    return pod_status_word(shown);
  }
  size_t logged(const std::string& text) const {
    return static_cast<size_t>(std::find(log.begin(), log.end(), text) - log.begin());
  }
  bool has_logged(const std::string& text) const { return logged(text) < log.size(); }
  std::string event_message(const std::string& reason) const {
    for (const AgentEvent& event : events) {
      if (event.reason == reason) return event.message;
    }
    return "";
  }
  bool has_event_saying(const std::string& reason, const std::string& message) const {
    return std::any_of(events.begin(), events.end(),
                       [&](auto& event) { return event.reason == reason && event.message == message; });
  }
  bool has_event(const std::string& reason) const {
    return std::any_of(events.begin(), events.end(), [&](auto& event) { return event.reason == reason; });
  }
};

inline std::string condition(const PodStatus& status, const std::string& type) {
  for (const PodCondition& one : status.conditions) {
    if (one.type == type) return one.status;
  }
  return "";
}

inline const std::string kPod = R"(
apiVersion: v1
kind: Pod
metadata: {name: p, namespace: d}
spec:
  terminationGracePeriodSeconds: 30
  containers: [{name: c, image: "i:1", imagePullPolicy: IfNotPresent}]
)";

inline std::string reason_of(const PodStatus& status, const std::string& type) {
  for (const PodCondition& one : status.conditions) {
    if (one.type == type) return one.reason;
  }
  return "";
}

// A pod p/d whose spec (below `spec:`, two spaces in) is this.
inline ObjectPtr living_pod(const std::string& spec, const std::string& annotations = "") {
  return pod_of("apiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: d, annotations: {" + annotations +
                "}}\nspec:\n" + spec);
}

inline ObjectPtr deleted(const ObjectPtr& pod, Now now, int64_t grace) {
  auto out = std::make_shared<Object>(*pod);
  out->meta.deletion_timestamp = now.wall + std::chrono::seconds{grace};
  out->meta.deletion_grace_period_seconds = grace;
  return out;
}

inline std::string with_annotation(std::string pod, const std::string& name, const std::string& value) {
  std::string marker = "namespace: d}";
  return pod.replace(pod.find(marker), marker.size(),
                     "namespace: d, annotations: {mainstay/simulated-" + name + ": \"" + value + "\"}}");
}

}  // namespace mainstay::test
