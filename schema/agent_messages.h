// What the control plane and a node's agent tell each other: states, not commands. Down goes a numbered
// assignment (the pods of the node with the config and secrets they use), up goes a numbered report.
// Every message is idempotent; late, repeated and reordered ones do no harm. JSON on the wire; unknown
// members are ignored, so that one version back and forth works. Plain values; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "schema/assignment_number.h"
#include "schema/base/result.h"
#include "schema/network_state.h"
#include "schema/node_labels.h"
#include "schema/object.h"

namespace mainstay {

inline constexpr int kAgentProtocol = 1;

struct Assignment {
  AssignmentNumber at;
  std::string node;
  std::string pod_cidr;      // of this node; "" until one is allocated
  std::string cluster_cidr;  // of all nodes' pods: traffic within it is not masqueraded
  // Every pod bound to the node that is not finished and gone, with deletionTimestamp where it must stop.
  std::vector<ObjectPtr> pods;
  // Every ConfigMap, Secret and Service account's pull secret those pods use; missing ones are absent.
  std::vector<ObjectPtr> config_maps;
  std::vector<ObjectPtr> secrets;
  // The ServiceAccounts of those pods; nothing from a control plane that is too old to send them.
  std::optional<std::vector<ObjectPtr>> service_accounts;
  // Not sent. False for one that was written down, after a reboot: then the ConfigMaps and Secrets are not there.
  bool config_known = true;
};

// One pod as the node sees it.
struct PodReport {
  std::string ns;
  std::string name;
  std::string uid;
  PodStatus status;
  bool gone = false;  // stopped and cleaned up; the object may be removed
};

// An event the node saw, for `kubectl get events`.
struct AgentEvent {
  std::string ns;          // of the pod; "" for the node itself
  std::string name;
  std::string uid;
  std::string field_path;  // "spec.containers{web}" or ""
  bool warning = false;
  std::string reason;
  std::string message;
  uint64_t since = 0;      // the first report that says it: those after it say it again until one is acknowledged
};

struct NodeReport {
  std::string node;
  uint64_t sequence = 0;      // rises by one per report of one agent process start
  std::string boot;           // random per agent process: sequences of another boot start anew
  AssignmentNumber seen;      // the highest assignment taken in
  AssignmentNumber network_seen;  // the highest network state taken in
  bool whole = false;         // `pods` is everything there is, not only what changed
  std::vector<PodReport> pods;
  NodeLabels labels;             // that the node was configured with; until a whole report was made
  Box<NodeStatus> node_status;  // only when changed, and in the first of a boot
  std::vector<AgentEvent> events;
};

std::string encode(const Assignment& assignment);
Result<Assignment> decode_assignment(std::string_view json);
std::string encode(const NodeReport& report);
Result<NodeReport> decode_node_report(std::string_view json);

// What the server wants of the agent besides its assignment: streams the agent is to dial.
struct StreamRequest {
  uint64_t id = 0;
  std::string kind;        // "logs"
  std::string pod_ns, pod_name, pod_uid, container;
  bool follow = false;
  bool previous = false;
  bool timestamps = false;
  int64_t tail_lines = -1;     // -1: all
  int64_t since_seconds = -1;  // -1: all
  int64_t limit_bytes = -1;
};

// What an agent has when it polls: the answer brings it further from there.
struct AgentHas {
  AssignmentNumber assignment;
  AssignmentNumber network;
  std::string network_digest;
  bool wants_network = true;  // false for an agent of a version that knows no network stream
  bool operator==(const AgentHas&) const = default;
};

// The answer to an agent's long poll. Any part may be empty; all are when the poll timed out.
struct AgentPollAnswer {
  bool has_assignment = false;
  Assignment assignment;
  std::optional<NetworkUpdate> network;
  std::vector<StreamRequest> streams;
};
std::string encode(const AgentPollAnswer& answer);
// The same with an encoded NetworkUpdate as it is ("" for none) in the place of answer.network, so that one
// encoding serves every agent.
std::string encode_poll_answer(const AgentPollAnswer& answer, std::string_view network);
Result<AgentPollAnswer> decode_poll_answer(std::string_view json);

}  // namespace mainstay
