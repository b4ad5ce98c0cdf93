// Node lifecycle: a node that falls silent becomes Unknown, its pods not ready, and after the time they
// tolerate they go elsewhere; a node that is gone takes its pods along. Heartbeats live in memory
// (context.last_heard); only transitions are written. Rules: k8s-semantics 12. Key: the Node, there or not.
#include <algorithm>

#include "reconciler/control/conditions.h"
#include "reconciler/control/controllers.h"
#include "reconciler/control/node_rules.h"
#include "reconciler/control/owners.h"

namespace mainstay {
namespace {

constexpr std::string_view kEventSource = "node-controller";
constexpr std::string_view kLeaseNamespace = "kube-node-lease";
// How often a silent node is looked at: hearing of it again is no change in the store.
constexpr Duration kSilentPeriod = std::chrono::seconds(5);
// The reason by which we know a pod's Ready=False to be ours, to be taken back when the node is heard of
// again.
constexpr std::string_view kNodeNotReady = "NodeNotReady";

// The second remembers, for the node's return, that it was not ready in its own words.
constexpr std::string_view kSilent = "Kubelet stopped posting node status.";
constexpr std::string_view kSilentNotReady = "Kubelet stopped posting node status; it was not ready before.";
constexpr std::string_view kNeverHeard = "Kubelet never posted node status.";

void say(ControlContext& context, const Object& about, bool warning, std::string_view reason,
         std::string message) {
  Note note;
  note.about = about.key();
  note.uid = about.meta.uid;
  note.warning = warning;
  note.reason = reason;
  note.message = std::move(message);
  note.source = kEventSource;
  record_note(context.txn, note);
}

std::vector<ObjectPtr> pods_on(const Snapshot& view, std::string_view node) {
  std::vector<ObjectPtr> pods;
  for (const ObjectPtr& pod : view.pods_on(node)) pods.push_back(pod);
  return pods;
}

// Takes a pod out whose node will never report its end. What a finalizer holds ends as Failed.
void remove_lost_pod(ControlContext& context, const Object& pod, std::string_view node) {
  if (!pod.meta.finalizers.empty() && !is_finished(as<Pod>(pod))) {
    Object failed = pod;
    PodStatus& status = as<Pod>(failed).status;
    status.phase = "Failed";
    set_condition(status.conditions, "DisruptionTarget",
                  {"True", "DeletionByPodGC", "node \"" + std::string(node) + "\" is gone"},
                  context.now().wall);
    set_condition(status.conditions, "Ready", {"False", kNodeNotReady, "the pod's node is gone"},
                  context.now().wall);
    (void)context.txn.update_status(std::move(failed));
  }
  DeleteOptions options;
  options.grace_seconds = 0;
  options.precondition_uid = pod.meta.uid;
  (void)delete_object(context.txn, pod.key(), options);
}

// The node is not there. Pods younger than the grace wait: their node may be about to register.
Outcome clear_missing_node(ControlContext& context, const std::string& node) {
  Outcome outcome;
  for (const ObjectPtr& pod : pods_on(context.view(), node)) {
    WallTime due = pod->meta.creation_timestamp + context.settings.node_grace;
    if (due <= context.now().wall) remove_lost_pod(context, *pod, node);
    else outcome.wake(context.now().mono + (due - context.now().wall));
  }
  return outcome;
}

// The row by which `kubectl get leases` shows the node; renewed at transitions only.
void keep_lease(ControlContext& context, const Object& node, bool renew) {
  if (!context.view().find(Kind::kNamespace, "", kLeaseNamespace)) return;
  ObjectPtr known = context.view().find(Kind::kLease, kLeaseNamespace, node.meta.name);
  if (known && !renew) return;
  Object lease = known ? *known : make_object<Lease>(kLeaseNamespace, node.meta.name);
  LeaseSpec& spec = as<Lease>(lease).spec;
  spec.holder_identity = node.meta.name;
  spec.lease_duration_seconds = static_cast<int32_t>(
      std::chrono::duration_cast<std::chrono::seconds>(context.settings.node_grace).count());
  spec.renew_time = context.now().wall;
  if (known) {
    (void)context.txn.update(std::move(lease));
    return;
  }
  OwnerReference owner = controller_reference(node);
  owner.controller.reset();
  owner.block_owner_deletion.reset();
  lease.meta.owner_references = {owner};
  (void)context.txn.create(std::move(lease));
}

// Writes condition Ready of the node, says so, and returns the node as it then is.
ObjectPtr write_ready(ControlContext& context, const ObjectPtr& node, const ConditionValue& value) {
  Object next = *node;
  set_condition(as<Node>(next).status.conditions, "Ready", value, context.now().wall);
  Result<ObjectPtr> written = context.txn.update_status(std::move(next));
  if (!written) return node;
  record_node_status(context.txn, **written, value.status == "True" ? "NodeReady" : "NodeNotReady", kEventSource, "");
  return *written;
}

// Nobody knows any more how a silent node stands in what else it says of itself.
ObjectPtr with_unknown_pressures(ControlContext& context, const ObjectPtr& node) {
  auto next = std::make_shared<Object>(*node);
  auto& conditions = as<Node>(*next).status.conditions;
  for (std::string_view type : {"MemoryPressure", "DiskPressure", "PIDPressure"}) {
    if (find_condition(conditions, type) == nullptr) continue;
    set_condition(conditions, type, {"Unknown", kNodeStatusUnknown, std::string(kSilent)}, context.now().wall);
  }
  return next;
}

ObjectPtr mark_silent(ControlContext& context, const ObjectPtr& heard) {
  ObjectPtr node = with_unknown_pressures(context, heard);
  const NodeCondition* ready = find_condition(as<Node>(*node).status.conditions, "Ready");
  if (ready == nullptr) {
    return write_ready(context, node, {"Unknown", "NodeStatusNeverUpdated", std::string(kNeverHeard)});
  }
  return write_ready(context, node,
                     {"Unknown", kNodeStatusUnknown,
                      std::string(ready->status == "True" ? kSilent : kSilentNotReady)});
}

// The node speaks again: what it said of itself before holds until it says something else.
ObjectPtr mark_heard(ControlContext& context, const ObjectPtr& node) {
  const NodeCondition* ready = find_condition(as<Node>(*node).status.conditions, "Ready");
  if (ready == nullptr || ready->reason != kNodeStatusUnknown) return node;
  keep_lease(context, *node, true);
  bool was_ready = ready->message == kSilent;
  return write_ready(context, node,
                     was_ready ? ConditionValue{"True", "KubeletReady", "the node reports again"}
                               : ConditionValue{"False", "KubeletNotReady",
                                                "the node reports again, not ready"});
}

// Pods of a silent node are not ready; those of a node that is back are what their containers are.
void mark_pods(ControlContext& context, const Object& node) {
  NodeHealth health = node_health(as<Node>(node));
  if (health == NodeHealth::kNotReady) return;
  for (const ObjectPtr& pod : pods_on(context.view(), node.meta.name)) {
    const auto& conditions = as<Pod>(*pod).status.conditions;
    const PodCondition* ready = find_condition(conditions, "Ready");
    if (ready == nullptr || is_finished(as<Pod>(*pod))) continue;
    ConditionValue value;
    if (health == NodeHealth::kUnknown && ready->status == "True") {
      value = {"False", kNodeNotReady, "node \"" + node.meta.name + "\" does not report"};
    } else if (health == NodeHealth::kReady && ready->reason == kNodeNotReady &&
               condition_true(conditions, "ContainersReady")) {
      value = {"True", "", ""};
    } else {
      continue;
    }
    Object next = *pod;
    set_condition(as<Pod>(next).status.conditions, "Ready", value, context.now().wall);
    (void)context.txn.update_status(std::move(next));
    if (value.status == "False") say(context, *pod, true, kNodeNotReady, "Node is not ready");
  }
}

void evict(ControlContext& context, const Object& pod) {
  Object next = pod;
  set_condition(as<Pod>(next).status.conditions, "DisruptionTarget",
                {"True", "DeletionByTaintManager", "Taint manager: deleting due to NoExecute taint"},
                context.now().wall);
  (void)context.txn.update_status(std::move(next));
  say(context, pod, false, "TaintManagerEviction",
      "Marking for deletion Pod " + pod.meta.ns + "/" + pod.meta.name);
  DeleteOptions options;
  options.precondition_uid = pod.meta.uid;
  (void)delete_object(context.txn, pod.key(), options);
}

// Pods leave when they no longer tolerate the node's NoExecute taints. A node that is out of service by an
// operator's word will never report their end.
void evict_pods(ControlContext& context, const Object& node, Outcome& outcome) {
  const std::vector<Taint>& taints = as<Node>(node).spec.taints;
  auto is = [&](std::string_view key) {
    return std::any_of(taints.begin(), taints.end(),
                       [&](const Taint& taint) { return taint.key == key && taint.effect == "NoExecute"; });
  };
  bool any = std::any_of(taints.begin(), taints.end(),
                         [](const Taint& taint) { return taint.effect == "NoExecute"; });
  if (!any) return;
  bool lost = is(kOutOfServiceTaint) && node_health(as<Node>(node)) != NodeHealth::kReady;
  for (const ObjectPtr& pod : pods_on(context.view(), node.meta.name)) {
    if (is_finished(as<Pod>(*pod))) continue;
    std::optional<WallTime> when = eviction_time(as<Pod>(*pod).spec.tolerations, taints);
    if (!when) continue;
    if (*when > context.now().wall) outcome.wake(context.now().mono + (*when - context.now().wall));
    else if (lost) remove_lost_pod(context, *pod, node.meta.name);
    else if (pod->meta.deletion_timestamp == WallTime{}) evict(context, *pod);
  }
}

Outcome reconcile(ControlContext& context, const Key& key) {
  ObjectPtr node = context.view().find(key);
  if (!node) return clear_missing_node(context, key.name);
  keep_lease(context, *node, false);

  Outcome outcome;
  std::optional<MonoTime> heard;
  if (context.last_heard) heard = context.last_heard(key.name);
  MonoTime silent_since = std::max(context.started, heard.value_or(context.started));
  MonoTime deadline = silent_since + context.settings.node_grace;
  if (context.now().mono < deadline) {
    if (heard) node = mark_heard(context, node);
    outcome.wake(deadline);
  } else {
    if (node_health(as<Node>(*node)) != NodeHealth::kUnknown) node = mark_silent(context, node);
    outcome.wake(context.now().mono + kSilentPeriod);
  }
  mark_pods(context, *node);
  evict_pods(context, *node, outcome);
  return outcome;
}

bool troubled(const Node& node) {
  return node_health(node) != NodeHealth::kReady ||
         std::any_of(node.spec.taints.begin(), node.spec.taints.end(),
                     [](const Taint& taint) { return taint.effect == "NoExecute"; });
}

void wakes(const Change& change, const Snapshot& view, std::vector<Key>& keys) {
  if (change.key.kind == Kind::kNode) keys.push_back(change.key);
  if (change.key.kind == Kind::kLease && change.key.ns == kLeaseNamespace && !change.after &&
      view.find(Kind::kNode, "", change.key.name)) {
    keys.push_back({Kind::kNode, "", change.key.name});
  }
  if (change.key.kind != Kind::kPod || !change.after) return;
  const std::string& name = as<Pod>(*change.after).spec.node_name;
  if (name.empty()) return;
  ObjectPtr node = view.find(Kind::kNode, "", name);
  if (!node || troubled(as<Node>(*node))) keys.push_back({Kind::kNode, "", name});
}

}  // namespace

Controller node_lifecycle_controller() { return {kNodeLifecycleController, &reconcile, &wakes}; }

}  // namespace mainstay
