#include "reconciler/core/report.h"

#include <algorithm>
#include <set>
#include <vector>

#include "reconciler/control/conditions.h"
#include "reconciler/store/lifecycle.h"
#include "reconciler/store/object_parts.h"
#include "schema/compare.h"
#include "schema/names.h"

namespace mainstay {
namespace {

constexpr size_t kRetiredBoots = 8;
// A process that was replaced speaks once more by mischance, hardly five times in two minutes.
constexpr size_t kContradictions = 5;
constexpr Duration kContradictionTime = std::chrono::minutes{2};

// Conditions keep the time of their last transition; the heartbeat alone is no reason to write.
void settle_conditions(NodeStatus& next, const NodeStatus& stored, WallTime now) {
  for (NodeCondition& condition : next.conditions) {
    condition.last_transition_time = now.seconds();
    condition.last_heartbeat_time = now.seconds();
    for (const NodeCondition& old : stored.conditions) {
      if (old.type != condition.type || old.status != condition.status) continue;
      condition.last_transition_time = old.last_transition_time;
      if (old.reason == condition.reason && old.message == condition.message) {
        condition.last_heartbeat_time = old.last_heartbeat_time;
      }
    }
  }
}

// What the node was configured with, as far as it is a node's to say. Returns whether anything changed.
bool take_labels(Object& node, const NodeLabels& labels) {
  bool changed = false;
  for (const auto& [key, value] : labels) {
    bool valid = qualified_name_problems(key).empty() && label_value_problems(value).empty();
    const std::string* known = map_find(node.meta.labels, key);
    if (!valid || !may_label_itself(key) || (known != nullptr && *known == value)) continue;
    map_slot(node.meta.labels, key) = value;
    changed = true;
  }
  return changed;
}

// Returns whether anything changed.
bool label_node(Object& node, const NodeStatus& status) {
  bool changed = false;
  auto put = [&](std::string_view key, const std::string& value) {
    const std::string* known = map_find(node.meta.labels, key);
    if (value.empty() || (known != nullptr && *known == value)) return;
    map_slot(node.meta.labels, key) = value;
    changed = true;
  };
  put("kubernetes.io/hostname", node.meta.name);
  put("kubernetes.io/arch", status.node_info.architecture);
  put("kubernetes.io/os", status.node_info.operating_system);
  return changed;
}

std::string_view ready_status(const NodeStatus& status) {
  const NodeCondition* ready = find_condition(status.conditions, "Ready");
  return ready == nullptr ? std::string_view() : std::string_view(ready->status);
}

// Says so if the node is ready, or no more, other than it was. `stored` null for a new one.
void tell_readiness(Transaction& txn, const ObjectPtr& stored, const Object& node) {
  std::string_view before = stored ? ready_status(as<Node>(*stored).status) : "";
  std::string_view after = ready_status(as<Node>(node).status);
  if (after == before || after.empty() || (before.empty() && after != "True")) return;
  record_node_status(txn, node, after == "True" ? "NodeReady" : "NodeNotReady", "kubelet", node.meta.name);
}

void take_node(Transaction& txn, const NodeReport& report) {
  ObjectPtr stored = txn.view().find(Kind::kNode, "", report.node);
  Object next = stored ? *stored : make_object<Node>("", report.node);
  NodeStatus status = *report.node_status;
  settle_conditions(status, as<Node>(next).status, txn.now().wall);
  // Conditions that the controllers set (NetworkUnavailable) are not the agent's to take away.
  for (const NodeCondition& stored_one : as<Node>(next).status.conditions) {
    bool given = std::any_of(status.conditions.begin(), status.conditions.end(),
                             [&](auto& condition) { return condition.type == stored_one.type; });
    if (!given) status.conditions.push_back(stored_one);
  }
  as<Node>(next).status = std::move(status);
  if (stored) {
    // The defaults are put back with what an agent says when it starts, as the kubelet does.
    bool labelled = report.whole && label_node(next, *report.node_status);
    labelled = take_labels(next, report.labels) || labelled;
    Result<ObjectPtr> written = labelled ? txn.update(std::move(next)) : txn.update_status(std::move(next));
    if (written.ok()) tell_readiness(txn, stored, **written);
    return;
  }
  label_node(next, *report.node_status);
  take_labels(next, report.labels);
  Result<ObjectPtr> made = txn.create(std::move(next));
  if (made.ok()) {
    record_note(txn, {(*made)->key(), (*made)->meta.uid, false, "RegisteredNode",
                      "Node " + report.node + " event: Registered Node " + report.node + " in Controller",
                      "node-controller", "", ""});
    tell_readiness(txn, nullptr, **made);
  }
}

// A node speaks of itself and its pods; a pod that has gone may still have last words.
bool may_speak_of(const Transaction& txn, const std::string& node, const AgentEvent& event) {
  if (event.ns.empty()) return true;  // of itself
  ObjectPtr pod = txn.view().find(Kind::kPod, event.ns, event.name);
  return !pod || as<Pod>(*pod).spec.node_name == node;
}

bool is_end(std::string_view phase) { return phase == "Succeeded" || phase == "Failed"; }

// Conditions that are not the node's to set stay as they are stored.
void keep_foreign_conditions(PodStatus& next, const PodStatus& stored) {
  for (const PodCondition& old : stored.conditions) {
    bool given = std::any_of(next.conditions.begin(), next.conditions.end(),
                             [&](auto& condition) { return condition.type == old.type; });
    if (!given) next.conditions.push_back(old);
    if (old.type != "PodScheduled") continue;
    for (PodCondition& condition : next.conditions) {
      if (condition.type == old.type) condition = old;
    }
  }
}

void take_pod(Transaction& txn, const std::string& node, const PodReport& report) {
  ObjectPtr stored = txn.view().find(Kind::kPod, report.ns, report.name);
  if (!stored || stored->meta.uid != report.uid || as<Pod>(*stored).spec.node_name != node) return;
  const PodStatus& before = as<Pod>(*stored).status;
  Object next = *stored;
  PodStatus status = report.status;
  if (is_end(before.phase) && status.phase != before.phase) return;  // an end is an end
  keep_foreign_conditions(status, before);
  as<Pod>(next).status = std::move(status);
  txn.update_status(std::move(next)).ok();
  if (!report.gone || !is_deleting(*stored)) return;
  DeleteOptions now;
  now.grace_seconds = 0;
  now.precondition_uid = report.uid;
  delete_object(txn, stored->key(), now).ok();  // finalizers may still hold it
}

// What a whole report leaves out although the agent had seen the pod as it now is.
void miss_pods(Transaction& txn, const NodeReport& report) {
  std::set<std::string_view> told;
  for (const PodReport& pod : report.pods) told.insert(pod.uid);
  std::vector<ObjectPtr> missing;
  for (const ObjectPtr& pod : txn.view().pods_on(report.node)) {
    if (told.count(pod->meta.uid) == 0 && pod->version <= report.seen.number) missing.push_back(pod);
  }
  for (const ObjectPtr& pod : missing) {
    if (is_deleting(*pod)) {
      DeleteOptions now;
      now.grace_seconds = 0;
      now.precondition_uid = pod->meta.uid;
      delete_object(txn, pod->key(), now).ok();  // finalizers may still hold it
      continue;
    }
    if (is_end(as<Pod>(*pod).status.phase)) continue;
    Object next = *pod;
    PodStatus& status = as<Pod>(next).status;
    status.phase = "Failed";
    status.reason = "PodLost";
    status.message = "The node was told of this pod and does not have it any more";
    for (PodCondition& condition : status.conditions) {
      if (condition.type != "Ready" && condition.type != "ContainersReady") continue;
      if (condition.status != "False") condition.last_transition_time = txn.now().wall.seconds();
      condition.status = "False";
      condition.reason = "PodFailed";
      condition.message.clear();
    }
    txn.update_status(std::move(next)).ok();  // it exists: the same transaction has just read it
  }
}

}  // namespace

bool is_retired(const AgentTrack& track, const NodeReport& report) {
  return std::find(track.retired.begin(), track.retired.end(), report.boot) != track.retired.end();
}

bool are_two(AgentTrack& track, MonoTime now) {
  track.contradicted.push_back(now);
  while (track.contradicted.front() + kContradictionTime < now) track.contradicted.pop_front();
  if (track.contradicted.size() < kContradictions) return false;
  track.contradicted.clear();
  return true;
}

bool is_news(AgentTrack& track, const NodeReport& report, MonoTime now) {
  if (is_retired(track, report)) return false;
  if (track.boot != report.boot) {
    if (!track.boot.empty()) {
      if (track.retired.size() >= kRetiredBoots) track.retired.pop_front();
      track.retired.push_back(track.boot);
    }
    track.boot = report.boot;
    track.sequence = 0;
    track.events_seen = 0;
  }
  track.heard = now;
  if (report.sequence <= track.sequence) return false;
  track.sequence = report.sequence;
  return true;
}

void take_report(Transaction& txn, AgentTrack& track, const NodeReport& report, uint64_t epoch) {
  txn.set_cause({"node:" + report.node, ""});
  if (report.node_status) take_node(txn, report);
  if (!txn.view().find(Kind::kNode, "", report.node)) return;
  for (const PodReport& pod : report.pods) take_pod(txn, report.node, pod);
  if (report.whole && report.seen.epoch == epoch) miss_pods(txn, report);
  for (const AgentEvent& event : report.events) {
    // An event is said until a report with it is acknowledged, and so by every report between.
    bool counted = event.since != 0 && event.since <= track.events_seen;
    if (counted || !may_speak_of(txn, report.node, event)) continue;
    Note note;
    note.about =
        event.ns.empty() ? Key{Kind::kNode, "", report.node} : Key{Kind::kPod, event.ns, event.name};
    note.uid = event.uid;
    note.warning = event.warning;
    note.reason = event.reason;
    note.message = event.message;
    note.source = "kubelet";
    note.host = report.node;
    note.field_path = event.field_path;
    record_note(txn, note);
  }
  track.events_seen = report.sequence;
}

}  // namespace mainstay
