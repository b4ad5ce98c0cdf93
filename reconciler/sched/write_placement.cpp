#include "reconciler/sched/write_placement.h"

#include <algorithm>
#include <utility>

namespace mainstay {
namespace {

constexpr std::string_view kSource = "default-scheduler";

// True if the condition was changed by this.
bool set_condition(PodStatus& status, std::string_view type, std::string_view value, std::string_view reason,
                   std::string_view message, WallTime now) {
  auto found = std::find_if(status.conditions.begin(), status.conditions.end(),
                            [&](const PodCondition& condition) { return condition.type == type; });
  if (found == status.conditions.end()) {
    found = status.conditions.emplace(found);
    found->type = type;
  } else if (found->status == value && found->reason == reason && found->message == message) {
    return false;
  }
  if (found->status != value) found->last_transition_time = now.seconds();
  found->status = value;
  found->reason = reason;
  found->message = message;
  return true;
}

bool set_scheduled(PodStatus& status, std::string_view value, std::string_view reason,
                   std::string_view message, WallTime now) {
  return set_condition(status, "PodScheduled", value, reason, message, now);
}

Note note_about(const Object& pod, bool warning, std::string reason, std::string message) {
  Note note;
  note.about = pod.key();
  note.uid = pod.meta.uid;
  note.warning = warning;
  note.reason = std::move(reason);
  note.message = std::move(message);
  note.source = kSource;
  return note;
}

// The pod as it is now, if it still waits and is the one that was placed; null otherwise.
ObjectPtr still_waiting(const Transaction& txn, const Object& placed) {
  ObjectPtr now = txn.view().find(placed.key());
  return now && now->meta.uid == placed.meta.uid && needs_placement(*now) ? now : nullptr;
}

void write_binding(Transaction& txn, const Binding& binding) {
  ObjectPtr waiting = still_waiting(txn, *binding.pod);
  if (!waiting) return;
  Object next = *waiting;
  Pod& pod = as<Pod>(next);
  pod.spec.node_name = binding.node;
  pod.status.nominated_node_name.clear();
  set_scheduled(pod.status, "True", "", "", txn.now().wall);
  Result<ObjectPtr> written = txn.update(std::move(next));
  ENSURE(written.ok(), "an unconditional update of an object that is there cannot fail");
  std::string name = waiting->meta.ns + "/" + waiting->meta.name;
  record_note(txn, note_about(*waiting, false, "Scheduled",
                              "Successfully assigned " + name + " to " + binding.node));
}

void write_refusal(Transaction& txn, const Unplaced& unplaced) {
  ObjectPtr waiting = still_waiting(txn, *unplaced.pod);
  if (!waiting) return;
  Object next = *waiting;
  PodStatus& status = as<Pod>(next).status;
  if (!set_scheduled(status, "False", unplaced.reason, *unplaced.message, txn.now().wall)) return;
  Result<ObjectPtr> written = txn.update_status(std::move(next));
  ENSURE(written.ok(), "an unconditional update of an object that is there cannot fail");
  // A gate is the user's own wish: Kubernetes says it in the condition only.
  if (unplaced.reason == "SchedulingGated") return;
  record_note(txn, note_about(*waiting, true, "FailedScheduling", *unplaced.message));
}

void nominate(Transaction& txn, const Key& key, std::string_view uid, const std::string& node) {
  ObjectPtr waiting = txn.view().find(key);
  if (!waiting || !needs_placement(*waiting) || (!uid.empty() && waiting->meta.uid != uid)) return;
  if (as<Pod>(*waiting).status.nominated_node_name == node) return;
  Object next = *waiting;
  as<Pod>(next).status.nominated_node_name = node;
  Result<ObjectPtr> written = txn.update_status(std::move(next));
  ENSURE(written.ok(), "an unconditional update of an object that is there cannot fail");
}

void ask_to_leave(Transaction& txn, const Object& victim, const Object& for_pod, const std::string& node) {
  ObjectPtr standing = txn.view().find(victim.key());
  if (!standing || standing->meta.uid != victim.meta.uid) return;
  if (standing->meta.deletion_timestamp != WallTime{}) return;
  Object next = *standing;
  set_condition(as<Pod>(next).status, "DisruptionTarget", "True", "PreemptionByScheduler",
                "default-scheduler: preempting to accommodate a higher priority pod", txn.now().wall);
  Result<ObjectPtr> written = txn.update_status(std::move(next));
  ENSURE(written.ok(), "an unconditional update of an object that is there cannot fail");
  record_note(txn, note_about(*standing, false, "Preempted",
                              "Preempted by pod " + for_pod.meta.uid + " on node " + node));
  DeleteOptions options;
  options.precondition_uid = standing->meta.uid;
  (void)delete_object(txn, standing->key(), options);
}

}  // namespace

void write_preemption(Transaction& txn, const Object& pod, const Preemption& preemption) {
  if (preemption.outcome == Preemption::Outcome::kWaits) return;
  if (preemption.outcome == Preemption::Outcome::kNone) return nominate(txn, pod.key(), pod.meta.uid, "");
  txn.set_cause({std::string(kSource), "preempts for " + pod.meta.ns + "/" + pod.meta.name});
  for (const ObjectPtr& victim : preemption.victims) ask_to_leave(txn, *victim, pod, preemption.node);
  for (const Key& key : preemption.outbid) nominate(txn, key, "", "");
  nominate(txn, pod.key(), pod.meta.uid, preemption.node);
}

void write_placement(Transaction& txn, const Placement& placement) {
  txn.set_cause({std::string(kSource), ""});
  for (const Binding& binding : placement.bindings) write_binding(txn, binding);
  for (const Unplaced& unplaced : placement.unplaced) write_refusal(txn, unplaced);
}

void write_admission(Transaction& txn, const Admission& admission) {
  ObjectPtr bound = txn.view().find(admission.pod->key());
  if (!bound || bound->meta.uid != admission.pod->meta.uid || !needs_admission(*bound)) return;
  Object next = *bound;
  PodStatus& status = as<Pod>(next).status;
  set_scheduled(status, "True", "", "", txn.now().wall);
  if (!admission.reason.empty()) {
    status.phase = "Failed";
    status.reason = admission.reason;
    status.message = "Pod was rejected: " + admission.message;
    status.start_time = txn.now().wall.seconds();
  }
  Result<ObjectPtr> written = txn.update_status(std::move(next));
  ENSURE(written.ok(), "an unconditional update of an object that is there cannot fail");
  if (admission.reason.empty()) return;
  Note note = note_about(*bound, true, admission.reason, admission.message);
  note.source = "kubelet";
  note.host = as<Pod>(*bound).spec.node_name;
  record_note(txn, note);
}

}  // namespace mainstay
