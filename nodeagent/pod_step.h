// One pod's next step: what to do with it now, given all that is known. Pure; part of the agent's core.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "nodeagent/node_condition.h"
#include "nodeagent/pod_record.h"

namespace mainstay {

struct PodStepContext {
  Now now;
  const NodeFacts& node;
  const NodeConfig& config;
  const NodePressures& pressures;
  uint64_t assignment = 0;
  // Hands an operation over; returns its id.
  std::function<uint64_t(OperationBody, const std::string& uid)> submit;
  std::function<void(AgentEvent)> note;
  // Asks to be stepped again at that time at the latest.
  std::function<void(MonoTime)> wake_at;
};

// Decides and submits. The record's status is brought up to date, `dirty` set if it differs.
void step_pod(PodRecord& record, PodStepContext& context);

// Takes in what an operation of this pod came to.
void take_operation_result(PodRecord& record, const OperationResult& result, PodStepContext& context);

// Takes in what the runtime shows of one of the pod's containers.
void take_container(PodRecord& record, const RuntimeContainer& seen, PodStepContext& context);

// The pod's namespaces are gone (a reboot): what still runs is ended, then everything is made anew, and its init
// containers run again.
void lose_sandbox(PodRecord& record, PodStepContext& context);

// Ends the pod for good: Failed with this reason once nothing of it runs. No-op for one that ends already.
void fail_pod(PodRecord& record, std::string reason, std::string message, Duration grace,
              PodStepContext& context);

}  // namespace mainstay
