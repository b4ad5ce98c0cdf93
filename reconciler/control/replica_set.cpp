// The ReplicaSet controller: as many pods of one template as wanted. It counts what is there, makes what
// lacks, takes what is too much, worst first. Rules: k8s-semantics 2 and 17.1.
#include <algorithm>
#include <map>

#include "reconciler/control/conditions.h"
#include "reconciler/control/controllers.h"
#include "reconciler/control/owners.h"
#include "reconciler/control/replica_set_ranking.h"
#include "reconciler/store/priority.h"
#include "schema/defaults.h"

namespace mainstay {
namespace {

constexpr std::string_view kName = "replicaset-controller";
// Pods made or taken in one reconcile, so that one set cannot hold up a turn; the rest follows in the next.
constexpr size_t kBurst = 1000;
// Events with a pod's name in one reconcile; the rest are said in one.
constexpr size_t kNamedEvents = 10;
constexpr auto kFirstRetry = std::chrono::seconds(1);
constexpr auto kLastRetry = std::chrono::minutes(5);

struct Failure {
  std::string reason;
  std::string message;
};

void say(ControlContext& context, const Object& set, bool warning, std::string_view reason,
         std::string message) {
  Note note;
  note.about = set.key();
  note.uid = set.meta.uid;
  note.warning = warning;
  note.reason = reason;
  note.message = std::move(message);
  note.source = kName;
  record_note(context.txn, note);
}

void say_names(ControlContext& context, const Object& set, std::string_view reason, std::string_view verb,
               const std::vector<std::string>& names) {
  size_t named = std::min(names.size(), kNamedEvents);
  for (size_t i = 0; i < named; ++i) {
    say(context, set, false, reason, std::string(verb) + " pod: " + names[i]);
  }
  if (names.size() > named) {
    say(context, set, false, reason,
        std::string(verb) + " " + std::to_string(names.size() - named) + " more pods");
  }
}

// The set's active pods. Pods that no longer match are let go, unless the set itself is going.
std::vector<ObjectPtr> claim_pods(ControlContext& context, const Object& set) {
  const Box<LabelSelector>& selector = as<ReplicaSet>(set).spec.selector;
  bool keep_all = set.meta.deletion_timestamp != WallTime{};
  std::vector<ObjectPtr> active, strangers;
  for (const ObjectPtr& pod : context.view().owned_by(set.meta.uid, Kind::kPod)) {
    if (!controlled_by(pod->meta, set.meta.uid)) continue;
    if (!keep_all && !selects(selector, pod->meta.labels)) strangers.push_back(pod);
    else if (is_active(*pod)) active.push_back(pod);
  }
  for (const ObjectPtr& pod : strangers) {
    Object released = *pod;
    remove_owner(released.meta, set.meta.uid);
    (void)context.txn.update(std::move(released));
  }
  return active;
}

// What a pod of this set looks like before it has a name.
Object pod_of(const Object& set) {
  const PodTemplateSpec& pod_template = as<ReplicaSet>(set).spec.pod_template;
  Object pod = make_object<Pod>(set.meta.ns, "");
  pod.meta.generate_name = set.meta.name + "-";
  pod.meta.labels = pod_template.metadata.labels;
  pod.meta.annotations = pod_template.metadata.annotations;
  pod.meta.finalizers = pod_template.metadata.finalizers;
  pod.meta.owner_references = {controller_reference(set)};
  as<Pod>(pod).spec = pod_template.spec;
  apply_defaults(pod);
  admit_pod(pod);
  return pod;
}

// Gives the pod its priority. Why no pod like it may be made now; nothing if one may.
std::optional<std::string> admit(const ControlContext& context, Object& pod) {
  const std::string forbidden = "pods \"" + pod.meta.generate_name + "\" is forbidden: ";
  if (std::string trouble = admit_priority(context.view(), pod); !trouble.empty()) return forbidden + trouble;
  const std::string& account = as<Pod>(pod).spec.service_account_name;
  // Every namespace gets "default" by itself, perhaps in this very turn.
  if (account == "default" || account.empty()) return std::nullopt;
  if (context.view().find(Kind::kServiceAccount, pod.meta.ns, account)) return std::nullopt;
  return forbidden + "error looking up service account " + pod.meta.ns + "/" + account + ": serviceaccount \"" +
         account + "\" not found";
}

std::optional<Failure> make_pods(ControlContext& context, const Object& set, size_t count,
                                 std::vector<ObjectPtr>& active) {
  Object prototype = pod_of(set);
  std::optional<std::string> trouble = admit(context, prototype);
  std::vector<std::string> names;
  for (size_t i = 0; i < std::min(count, kBurst) && !trouble; ++i) {
    Result<ObjectPtr> made = context.txn.create(prototype);
    if (!made) {
      trouble = made.error().message;
      break;
    }
    names.push_back((*made)->meta.name);
    active.push_back(*std::move(made));
  }
  say_names(context, set, "SuccessfulCreate", "Created", names);
  if (!trouble) return std::nullopt;
  say(context, set, true, "FailedCreate", "Error creating: " + *trouble);
  return Failure{"FailedCreate", *trouble};
}

// Active pods per node of all ReplicaSets with the same controller.
std::map<std::string, int> related_per_node(const ControlContext& context, const Object& set) {
  std::map<std::string, int> counts;
  const Snapshot& view = context.view();
  auto count = [&](const Object& sibling) {
    for (const ObjectPtr& pod : view.owned_by(sibling.meta.uid, Kind::kPod)) {
      if (is_active(*pod)) ++counts[as<Pod>(*pod).spec.node_name];
    }
  };
  const OwnerReference* owner = controller_of(set.meta);
  if (owner == nullptr) {
    count(set);
    return counts;
  }
  for (const ObjectPtr& sibling : view.owned_by(owner->uid, Kind::kReplicaSet)) {
    if (controlled_by(sibling->meta, owner->uid)) count(*sibling);
  }
  return counts;
}

std::optional<Failure> take_pods(ControlContext& context, const Object& set, size_t count,
                                 std::vector<ObjectPtr>& active) {
  rank_for_deletion(active, related_per_node(context, set), as<ReplicaSet>(set).spec.min_ready_seconds,
                    context.now().wall);
  std::vector<std::string> names;
  std::optional<Failure> failure;
  size_t taken = 0;
  for (; taken < std::min(count, kBurst); ++taken) {
    Result<Deleted> gone = delete_object(context.txn, active[taken]->key(), {});
    if (!gone) {
      failure = Failure{"FailedDelete", gone.error().message};
      say(context, set, true, "FailedDelete", "Error deleting: " + gone.error().message);
      break;
    }
    names.push_back(active[taken]->meta.name);
  }
  say_names(context, set, "SuccessfulDelete", "Deleted", names);
  active.erase(active.begin(), active.begin() + static_cast<ptrdiff_t>(taken));
  return failure;
}

void write_status(ControlContext& context, const Object& set, const PodCounts& counts,
                  const std::optional<Failure>& failure) {
  Object next = set;
  ReplicaSetStatus& status = as<ReplicaSet>(next).status;
  status.replicas = counts.active;
  status.fully_labeled_replicas = counts.fully_labeled;
  status.ready_replicas = counts.ready;
  status.available_replicas = counts.available;
  status.observed_generation = set.meta.generation;
  if (failure) {
    set_condition(status.conditions, "ReplicaFailure", {"True", failure->reason, failure->message},
                  context.now().wall);
  } else {
    remove_condition(status.conditions, "ReplicaFailure");
  }
  Result<ObjectPtr> written = context.txn.update_status(std::move(next));
  ENSURE(written.ok(), "a ReplicaSet that was just read can be updated");
}

// The longer creating has failed, the longer until the next try.
Duration retry_after(const ControlContext& context, const Object& set) {
  const auto& conditions = as<ReplicaSet>(set).status.conditions;
  const ReplicaSetCondition* before = find_condition(conditions, "ReplicaFailure");
  Duration since = before != nullptr ? context.now().wall - before->last_transition_time : Duration{0};
  return std::clamp<Duration>(since, kFirstRetry, kLastRetry);
}

Outcome reconcile(ControlContext& context, const Key& key) {
  ObjectPtr set = context.view().find(key);
  if (!set) return {};
  std::vector<ObjectPtr> active = claim_pods(context, *set);
  int64_t wanted = std::max(0, as<ReplicaSet>(*set).spec.replicas.value_or(1));
  int64_t lacking = wanted - static_cast<int64_t>(active.size());

  std::optional<Failure> failure;
  Outcome outcome;
  if (set->meta.deletion_timestamp == WallTime{}) {
    if (lacking > 0) failure = make_pods(context, *set, static_cast<size_t>(lacking), active);
    if (lacking < 0) failure = take_pods(context, *set, static_cast<size_t>(-lacking), active);
    if (static_cast<int64_t>(active.size()) != wanted) {
      outcome.wake(context.now().mono + (failure ? retry_after(context, *set) : Duration{0}));
    }
  }
  PodCounts counts = count_pods(active, as<ReplicaSet>(*set), context.now().wall);
  write_status(context, *set, counts, failure);
  if (counts.next_available) {
    outcome.wake(context.now().mono + (*counts.next_available - context.now().wall));
  }
  return outcome;
}

// Nothing that a ReplicaSet looks at differs: reports of images, restarts and addresses come often.
bool looks_the_same(const Object& before, const Object& after) {
  const Pod &a = as<Pod>(before), &b = as<Pod>(after);
  return is_active(before) == is_active(after) && ready_since(a) == ready_since(b) &&
         before.meta.labels == after.meta.labels && controller_of(before.meta) != nullptr &&
         controller_of(after.meta) != nullptr &&
         controller_of(before.meta)->uid == controller_of(after.meta)->uid;
}

void wakes(const Change& change, const Snapshot& view, std::vector<Key>& keys) {
  if (change.key.kind == Kind::kReplicaSet) {
    if (change.after) keys.push_back(change.key);
    return;
  }
  if (change.key.kind == Kind::kServiceAccount && change.op == ChangeOp::kAdd) {
    for (const ObjectPtr& set : view.list(Kind::kReplicaSet, change.key.ns)) {
      if (as<ReplicaSet>(*set).spec.pod_template.spec.service_account_name == change.key.name) {
        keys.push_back(set->key());
      }
    }
    return;
  }
  if (change.key.kind != Kind::kPod) return;
  if (change.before && change.after && looks_the_same(*change.before, *change.after)) return;
  for (const ObjectPtr& side : {change.before, change.after}) {
    const OwnerReference* owner = side ? controller_of(side->meta) : nullptr;
    if (owner != nullptr && owner->kind == "ReplicaSet") {
      keys.push_back({Kind::kReplicaSet, change.key.ns, owner->name});
    }
  }
}

}  // namespace

Controller replica_set_controller() { return {kName, &reconcile, &wakes}; }

}  // namespace mainstay
