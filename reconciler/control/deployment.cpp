// The Deployment controller: ReplicaSets per template, rolled from old to new within the limits. It does as
// much as is allowed at once; ReplicaSets make and take the pods.
#include "reconciler/control/deployment.h"

#include <algorithm>
#include <charconv>

#include "reconciler/control/conditions.h"
#include "reconciler/control/controllers.h"

namespace mainstay {
namespace {

std::optional<int32_t> int_annotation(const Object& object, std::string_view name) {
  const std::string* text = map_find(object.meta.annotations, name);
  int32_t number = 0;
  if (text == nullptr) return std::nullopt;
  auto [end, failed] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (failed != std::errc() || end != text->data() + text->size()) return std::nullopt;
  return number;
}

std::vector<ObjectPtr*> all_sets(Rollout& rollout) {
  std::vector<ObjectPtr*> sets;
  if (rollout.fresh) sets.push_back(&rollout.fresh);
  for (ObjectPtr& set : rollout.old) sets.push_back(&set);
  return sets;
}

// spec.replicas changed since the sets were last scaled.
bool is_scaling(Rollout& rollout) {
  for (ObjectPtr* set : all_sets(rollout)) {
    if (wanted_replicas(**set) == 0) continue;
    std::optional<int32_t> desired = int_annotation(**set, kDesiredReplicasAnnotation);
    if (desired && *desired != rollout.replicas()) return true;
  }
  return false;
}

// Scales without rolling: the one set that counts, or all of them in proportion.
void scale_in_place(Rollout& rollout) {
  std::vector<ObjectPtr*> active;
  for (ObjectPtr* set : all_sets(rollout)) {
    if (wanted_replicas(**set) > 0) active.push_back(set);
  }
  if (active.size() <= 1) {
    ObjectPtr* one = !active.empty() ? active.front()
                     : rollout.fresh ? &rollout.fresh
                     : !rollout.old.empty() ? &rollout.old.back()
                                            : nullptr;
    if (one != nullptr) *one = scale_set(rollout, *one, rollout.replicas());
    return;
  }
  // The new set serves everything already: what is left of the old ones only has to go.
  if (rollout.fresh && wanted_replicas(*rollout.fresh) == rollout.replicas() &&
      int_annotation(*rollout.fresh, kDesiredReplicasAnnotation) == rollout.replicas() &&
      live_size(rollout.context, *rollout.fresh).available == rollout.replicas()) {
    for (ObjectPtr& set : rollout.old) set = scale_set(rollout, set, 0);
    return;
  }
  if (rollout.spec().strategy.type == "Recreate") return;
  std::vector<Share> shares;
  std::vector<SetSize> live;
  WallTime now = rollout.context.now().wall;
  for (ObjectPtr* set : active) {
    shares.push_back({wanted_replicas(**set), (now - (*set)->meta.creation_timestamp).count(),
                      int_annotation(**set, kMaxReplicasAnnotation)});
    live.push_back(live_size(rollout.context, **set));
  }
  std::vector<int32_t> sizes = proportional_sizes(rollout.replicas(), rollout.limits.max_surge,
                                                  rollout.status().replicas, shares);
  sizes = keep_available(std::move(sizes), live, rollout.limits.min_available);
  for (size_t i = 0; i < active.size(); ++i) *active[i] = scale_set(rollout, *active[i], sizes[i]);
}

// A pod of a set that is not the present one still runs, be it on its way out.
bool old_pods_run(const Rollout& rollout) {
  const Snapshot& view = rollout.context.view();
  for (const ObjectPtr& set : rollout.old) {
    for (const ObjectPtr& pod : view.owned_by(set->meta.uid, Kind::kPod)) {
      if (controlled_by(pod->meta, set->meta.uid) && !is_finished(as<Pod>(*pod))) return true;
    }
  }
  return false;
}

void recreate(Rollout& rollout) {
  for (ObjectPtr& set : rollout.old) {
    if (wanted_replicas(*set) > 0) set = scale_set(rollout, set, 0);
  }
  if (old_pods_run(rollout)) return;
  if (!rollout.fresh) create_fresh_set(rollout);
  if (rollout.fresh) rollout.fresh = scale_set(rollout, rollout.fresh, rollout.replicas());
}

void roll(Rollout& rollout) {
  if (!rollout.fresh) create_fresh_set(rollout);
  if (!rollout.fresh) return;
  std::vector<SetSize> old = live_sizes(rollout.context, rollout.old);
  SetSize fresh = live_size(rollout.context, *rollout.fresh);
  RollingStep step = rolling_step(rollout.replicas(), rollout.limits, fresh, old);
  rollout.fresh = scale_set(rollout, rollout.fresh, step.fresh);
  for (size_t i = 0; i < rollout.old.size(); ++i) {
    if (step.old[i] != old[i].wanted) rollout.old[i] = scale_set(rollout, rollout.old[i], step.old[i]);
  }
}

Outcome reconcile(ControlContext& context, const Key& key) {
  ObjectPtr stored = context.view().find(key);
  if (!stored) return {};
  const DeploymentSpec& spec = as<Deployment>(*stored).spec;
  Rollout rollout{context, stored, *stored, rollout_limits(spec), nullptr, {}, false, {}};
  find_replica_sets(rollout);

  Outcome outcome;
  if (stored->meta.deletion_timestamp != WallTime{}) {
    count_status(rollout);
  } else {
    note_pause(rollout);
    if (rollout.fresh && !spec.paused) refresh_fresh_set(rollout);
    bool recreates = spec.strategy.type == "Recreate";
    bool in_place = spec.paused || (!recreates && is_scaling(rollout));
    if (in_place) scale_in_place(rollout);
    else if (recreates) recreate(rollout);
    else roll(rollout);
    count_status(rollout);
    if (!in_place) outcome = judge_progress(rollout);
    if (spec.paused || is_complete(rollout)) clean_up_history(rollout);
  }
  // Nothing was written if nothing differs. Only a bug of ours can make this fail: the object was just read.
  Result<ObjectPtr> written = context.txn.update(std::move(rollout.next));
  ENSURE(written.ok(), "a Deployment that was just read can be updated");
  return outcome;
}

void wakes(const Change& change, const Snapshot& view, std::vector<Key>& keys) {
  switch (change.key.kind) {
    case Kind::kDeployment:
      if (change.after) keys.push_back(change.key);
      return;
    case Kind::kReplicaSet:
      for (const ObjectPtr& side : {change.before, change.after}) {
        const OwnerReference* owner = side ? controller_of(side->meta) : nullptr;
        if (owner != nullptr && owner->kind == "Deployment") {
          keys.push_back({Kind::kDeployment, change.key.ns, owner->name});
        }
      }
      return;
    case Kind::kPod: {
      // Recreate waits for the last old pod, which its ReplicaSet no longer counts.
      bool ended = !change.after || (change.before && is_finished(as<Pod>(*change.after)));
      const OwnerReference* owner = ended && change.before ? controller_of(change.before->meta) : nullptr;
      ObjectPtr set = owner != nullptr ? view.find_uid(owner->uid) : nullptr;
      const OwnerReference* top = set ? controller_of(set->meta) : nullptr;
      if (top == nullptr || top->kind != "Deployment") return;
      ObjectPtr deployment = view.find(Kind::kDeployment, change.key.ns, top->name);
      if (deployment && as<Deployment>(*deployment).spec.strategy.type == "Recreate") {
        keys.push_back(deployment->key());
      }
      return;
    }
    default: return;
  }
}

}  // namespace

Controller deployment_controller() { return {kDeploymentControllerName, &reconcile, &wakes}; }

}  // namespace mainstay
