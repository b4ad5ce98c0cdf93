// A Deployment's ReplicaSets: which is the present one, how they are named, numbered, sized and cleaned up.
#include <algorithm>
#include <charconv>
#include <limits>

#include "reconciler/control/conditions.h"
#include "reconciler/control/deployment.h"
#include "schema/base/crypto.h"
#include "schema/compare.h"
#include "schema/defaults.h"
#include "schema/encode.h"

namespace mainstay {
namespace {

constexpr std::string_view kSafeAlphabet = "bcdfghjklmnpqrstvwxz2456789";
constexpr size_t kHistoryLimit = 2000;  // bytes of the revision-history annotation
constexpr std::string_view kOwnAnnotations[] = {
    "kubectl.kubernetes.io/last-applied-configuration", kRevisionAnnotation, kRevisionHistoryAnnotation,
    kDesiredReplicasAnnotation, kMaxReplicasAnnotation, "deprecated.deployment.rollback.to",
};

bool is_own_annotation(std::string_view name) {
  return std::find(std::begin(kOwnAnnotations), std::end(kOwnAnnotations), name) != std::end(kOwnAnnotations);
}

bool same_as_written(const PodTemplateSpec& a, const PodTemplateSpec& b) {
  ObjectMeta left = a.metadata, right = b.metadata;
  map_erase(left.labels, kTemplateHashLabel);
  map_erase(right.labels, kTemplateHashLabel);
  return equal(left, right) && equal(a.spec, b.spec);
}

bool older(const ObjectPtr& a, const ObjectPtr& b) {
  if (a->meta.creation_timestamp != b->meta.creation_timestamp) {
    return a->meta.creation_timestamp < b->meta.creation_timestamp;
  }
  return a->meta.name < b->meta.name;
}

int64_t highest_revision(const std::vector<ObjectPtr>& sets) {
  int64_t highest = 0;
  for (const ObjectPtr& set : sets) highest = std::max(highest, revision_of(*set));
  return highest;
}

void set_size_annotations(const Rollout& rollout, Object& set) {
  map_slot(set.meta.annotations, kDesiredReplicasAnnotation) = std::to_string(rollout.replicas());
  map_slot(set.meta.annotations, kMaxReplicasAnnotation) = std::to_string(rollout.limits.max_total);
}

// A set that is used again gets a new number and remembers the old one.
void give_revision(Object& set, int64_t revision) {
  int64_t before = revision_of(set);
  if (before >= revision) return;
  map_slot(set.meta.annotations, kRevisionAnnotation) = std::to_string(revision);
  if (before == 0) return;
  std::string& history = map_slot(set.meta.annotations, kRevisionHistoryAnnotation);
  if (!history.empty()) history += ',';
  history += std::to_string(before);
  while (history.size() > kHistoryLimit) history.erase(0, history.find(',') + 1);
}

void copy_annotations(const Object& deployment, Object& set) {
  for (const auto& [name, value] : deployment.meta.annotations) {
    if (!is_own_annotation(name)) map_slot(set.meta.annotations, name) = value;
  }
}

// The Deployment shows the revision of its present set.
void show_revision(Rollout& rollout) {
  if (const std::string* revision = map_find(rollout.fresh->meta.annotations, kRevisionAnnotation)) {
    map_slot(rollout.next.meta.annotations, kRevisionAnnotation) = *revision;
  }
}

void say(Rollout& rollout, bool warning, std::string_view reason, std::string message) {
  Note note;
  note.about = rollout.stored->key();
  note.uid = rollout.stored->meta.uid;
  note.warning = warning;
  note.reason = reason;
  note.message = std::move(message);
  note.source = kDeploymentControllerName;
  record_note(rollout.context.txn, note);
}

void set_progress(Rollout& rollout, const ConditionValue& value) {
  WallTime now = rollout.context.now().wall;
  auto& conditions = rollout.status().conditions;
  if (rollout.spec().progress_deadline_seconds.value_or(INT32_MAX) == INT32_MAX) return;
  if (!set_condition(conditions, "Progressing", value, now)) return;
  for (DeploymentCondition& condition : conditions) {
    if (condition.type == "Progressing") condition.last_update_time = now.seconds();
  }
}

Object draft_set(const Rollout& rollout, const std::string& hash) {
  const Object& deployment = *rollout.stored;
  Object set = make_object<ReplicaSet>(deployment.meta.ns, deployment.meta.name + "-" + hash);
  ReplicaSetSpec& spec = as<ReplicaSet>(set).spec;
  spec.pod_template = rollout.spec().pod_template;
  map_slot(spec.pod_template.metadata.labels, kTemplateHashLabel) = hash;
  set.meta.labels = spec.pod_template.metadata.labels;
  spec.selector = rollout.spec().selector;
  map_slot(spec.selector.ensure().match_labels, kTemplateHashLabel) = hash;
  spec.min_ready_seconds = rollout.spec().min_ready_seconds;
  set.meta.owner_references = {controller_reference(deployment)};
  copy_annotations(deployment, set);
  give_revision(set, highest_revision(rollout.old) + 1);
  set_size_annotations(rollout, set);
  return set;
}

// Someone else has the name of the set to be. True if it is ours after all.
bool take_over_namesake(Rollout& rollout, const std::string& name) {
  ObjectPtr namesake = rollout.context.view().find(Kind::kReplicaSet, rollout.stored->meta.ns, name);
  if (namesake && controlled_by(namesake->meta, rollout.stored->meta.uid) &&
      same_template(as<ReplicaSet>(*namesake).spec.pod_template, rollout.spec().pod_template)) {
    rollout.fresh = namesake;
    return true;
  }
  rollout.status().collision_count = rollout.status().collision_count.value_or(0) + 1;
  return false;
}

}  // namespace

SetSize live_size(const ControlContext& context, const Object& set) {
  SetSize size;
  size.wanted = wanted_replicas(set);
  std::vector<ObjectPtr> active;
  for (const ObjectPtr& pod : context.view().owned_by(set.meta.uid, Kind::kPod)) {
    if (is_active(*pod) && controlled_by(pod->meta, set.meta.uid)) active.push_back(pod);
  }
  PodCounts counts = count_pods(active, as<ReplicaSet>(set), context.now().wall);
  size.active = counts.active;
  size.available = counts.available;
  return size;
}

std::vector<SetSize> live_sizes(const ControlContext& context, const std::vector<ObjectPtr>& sets) {
  std::vector<SetSize> sizes;
  for (const ObjectPtr& set : sets) sizes.push_back(live_size(context, *set));
  return sizes;
}

bool same_template(const PodTemplateSpec& a, const PodTemplateSpec& b) {
  if (same_as_written(a, b)) return true;
  PodTemplateSpec left = a, right = b;
  default_pod_spec(left.spec);
  default_pod_spec(right.spec);
  return same_as_written(left, right);
}

std::string template_hash(const PodTemplateSpec& pod_template, std::optional<int32_t> collisions) {
  std::string text = to_json(pod_template);
  if (collisions) text += "#" + std::to_string(*collisions);
  std::string hash;
  for (char digit : std::to_string(fnv32a(text))) {
    hash += kSafeAlphabet[static_cast<unsigned char>(digit) % kSafeAlphabet.size()];
  }
  return hash;
}

int64_t revision_of(const Object& set) {
  const std::string* text = map_find(set.meta.annotations, kRevisionAnnotation);
  int64_t revision = 0;
  if (text != nullptr) std::from_chars(text->data(), text->data() + text->size(), revision);
  return revision;
}

void find_replica_sets(Rollout& rollout) {
  const Object& deployment = *rollout.stored;
  std::vector<ObjectPtr> mine;
  Snapshot view = rollout.context.view();  // a copy: releasing writes while we iterate
  for (const ObjectPtr& set : view.owned_by(deployment.meta.uid, Kind::kReplicaSet)) {
    if (!controlled_by(set->meta, deployment.meta.uid)) continue;
    bool releasing = deployment.meta.deletion_timestamp == WallTime{} && rollout.spec().selector &&
                     !selects(rollout.spec().selector, set->meta.labels);
    if (!releasing) {
      mine.push_back(set);
      continue;
    }
    Object released = *set;
    remove_owner(released.meta, deployment.meta.uid);
    (void)rollout.context.txn.update(std::move(released));
  }
  std::sort(mine.begin(), mine.end(), older);
  for (ObjectPtr& set : mine) {
    const PodTemplateSpec& theirs = as<ReplicaSet>(*set).spec.pod_template;
    if (!rollout.fresh && same_template(theirs, rollout.spec().pod_template)) {
      rollout.fresh = std::move(set);
    } else {
      rollout.old.push_back(std::move(set));
    }
  }
}

void refresh_fresh_set(Rollout& rollout) {
  Object set = *rollout.fresh;
  copy_annotations(*rollout.stored, set);
  give_revision(set, highest_revision(rollout.old) + 1);
  as<ReplicaSet>(set).spec.min_ready_seconds = rollout.spec().min_ready_seconds;
  if (Result<ObjectPtr> written = rollout.context.txn.update(std::move(set))) rollout.fresh = *written;
  show_revision(rollout);
  if (find_condition(rollout.status().conditions, "Progressing") == nullptr) {
    set_progress(rollout, {"True", "FoundNewReplicaSet",
                           "Found new replica set \"" + rollout.fresh->meta.name + "\""});
  }
}

void create_fresh_set(Rollout& rollout) {
  // A hash may collide with that of another template; each collision gives another name.
  constexpr int kTries = 8;
  std::vector<SetSize> old = live_sizes(rollout.context, rollout.old);
  bool recreate = rollout.spec().strategy.type == "Recreate";
  int32_t size = recreate ? rollout.replicas()
                          : rolling_step(rollout.replicas(), rollout.limits, {}, old).fresh;
  for (int i = 0; i < kTries; ++i) {
    std::string hash = template_hash(rollout.spec().pod_template, rollout.status().collision_count);
    Object set = draft_set(rollout, hash);
    as<ReplicaSet>(set).spec.replicas = size;
    std::string name = set.meta.name;
    Result<ObjectPtr> made = rollout.context.txn.create(std::move(set));
    if (made) {
      rollout.fresh = *made;
      if (size > 0) {
        say(rollout, false, "ScalingReplicaSet",
            "Scaled up replica set " + name + " from 0 to " + std::to_string(size));
      }
      show_revision(rollout);
      set_progress(rollout, {"True", "NewReplicaSetCreated", "Created new replica set \"" + name + "\""});
      return;
    }
    if (made.error().code == ErrorCode::kExists) {
      if (take_over_namesake(rollout, name)) return;
      continue;
    }
    rollout.creation_failed = true;
    rollout.creation_trouble = made.error().message;
    set_progress(rollout, {"False", "ReplicaSetCreateError", made.error().message});
    say(rollout, true, "ReplicaSetCreateError",
        "Failed to create new replica set \"" + name + "\": " + made.error().message);
    return;
  }
}

ObjectPtr scale_set(Rollout& rollout, const ObjectPtr& set, int32_t replicas) {
  int32_t before = wanted_replicas(*set);
  Object next = *set;
  as<ReplicaSet>(next).spec.replicas = replicas;
  set_size_annotations(rollout, next);
  Result<ObjectPtr> written = rollout.context.txn.update(std::move(next));
  if (!written) return set;
  if (before != replicas) {
    say(rollout, false, "ScalingReplicaSet",
        std::string(replicas > before ? "Scaled up" : "Scaled down") + " replica set " + set->meta.name +
            " from " + std::to_string(before) + " to " + std::to_string(replicas));
  }
  return *written;
}

void clean_up_history(Rollout& rollout) {
  std::optional<int32_t> limit = rollout.spec().revision_history_limit;
  if (!limit || *limit == INT32_MAX) return;
  std::vector<ObjectPtr> kept;
  for (const ObjectPtr& set : rollout.old) {
    if (set->meta.deletion_timestamp == WallTime{}) kept.push_back(set);
  }
  std::stable_sort(kept.begin(), kept.end(), [](const ObjectPtr& a, const ObjectPtr& b) {
    return revision_of(*a) < revision_of(*b);
  });
  size_t surplus = kept.size() > static_cast<size_t>(*limit) ? kept.size() - static_cast<size_t>(*limit) : 0;
  for (size_t i = 0; i < surplus; ++i) {
    const ReplicaSet& body = as<ReplicaSet>(*kept[i]);
    bool settled = kept[i]->meta.generation <= body.status.observed_generation;
    if (!settled || body.status.replicas != 0 || wanted_replicas(*kept[i]) != 0) continue;
    (void)delete_object(rollout.context.txn, kept[i]->key(), {});
  }
}

}  // namespace mainstay
