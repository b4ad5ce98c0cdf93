#include "reconciler/sched/write_placement.h"

#include <algorithm>
#include <utility>

namespace mainstay {
namespace {

constexpr std::string_view kSource = "default-scheduler";

// True if the condition was changed by this.
bool set_scheduled(PodStatus& status, std::string_view value, std::string_view reason,
                   std::string_view message, WallTime now) {
  auto found = std::find_if(status.conditions.begin(), status.conditions.end(),
                            [](const PodCondition& condition) { return condition.type == "PodScheduled"; });
  if (found == status.conditions.end()) {
    found = status.conditions.emplace(found);
    found->type = "PodScheduled";
  } else if (found->status == value && found->reason == reason && found->message == message) {
    return false;
  }
  if (found->status != value) found->last_transition_time = now.seconds();
  found->status = value;
  found->reason = reason;
  found->message = message;
  return true;
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

}  // namespace

void write_placement(Transaction& txn, const Placement& placement) {
  txn.set_cause({std::string(kSource), ""});
  for (const Binding& binding : placement.bindings) write_binding(txn, binding);
  for (const Unplaced& unplaced : placement.unplaced) write_refusal(txn, unplaced);
}

}  // namespace mainstay
