#include "reconciler/store/lifecycle.h"

#include <algorithm>
#include <array>
#include <utility>

#include "reconciler/store/object_parts.h"

namespace mainstay {

// Writes what update() would keep as stored: the marks of deletion.
struct DeletionMark {
  static ObjectPtr write(Transaction& txn, const ObjectPtr& stored, Object next) {
    return txn.write(stored, std::move(next));
  }
};

namespace {

constexpr std::array<std::string_view, 3> kPermanentNamespaces = {"default", "kube-system", "kube-public"};
constexpr int64_t kDefaultPodGrace = 30;

std::string quoted(const Key& key) {
  return kind_info(key.kind).resource() + " \"" + key.name + "\"";
}

bool erase_entry(std::vector<std::string>& list, std::string_view entry) {
  auto gone = std::remove(list.begin(), list.end(), entry);
  bool found = gone != list.end();
  list.erase(gone, list.end());
  return found;
}

Status check_preconditions(const Object& stored, const DeleteOptions& options) {
  std::string prefix = "Operation cannot be fulfilled on " + quoted(stored.key()) + ": Precondition failed: ";
  if (!options.precondition_uid.empty() && options.precondition_uid != stored.meta.uid) {
    return error(ErrorCode::kConflict, prefix + "UID in precondition: " + options.precondition_uid +
                                           ", UID in object meta: " + stored.meta.uid);
  }
  if (options.precondition_version && *options.precondition_version != stored.version) {
    return error(ErrorCode::kConflict, prefix + "ResourceVersion in precondition: " +
                                           std::to_string(*options.precondition_version) +
                                           ", ResourceVersion in object meta: " + std::to_string(stored.version));
  }
  return {};
}

// The garbage collector acts on these two finalizers; which of them an object waits for is chosen when it is
// deleted (k8s-semantics 14). Background means neither.
void choose_propagation(std::vector<std::string>& finalizers, std::optional<Propagation> wanted) {
  bool orphan = erase_entry(finalizers, kOrphanFinalizer);
  bool foreground = erase_entry(finalizers, kForegroundFinalizer);
  Propagation chosen = wanted ? *wanted
                       : orphan ? Propagation::kOrphan
                       : foreground ? Propagation::kForeground
                                    : Propagation::kBackground;
  if (chosen == Propagation::kOrphan) finalizers.emplace_back(kOrphanFinalizer);
  if (chosen == Propagation::kForeground) finalizers.emplace_back(kForegroundFinalizer);
}

// Seconds a pod gets to end in peace. None if there is nothing to end (k8s-semantics 1.7).
int64_t pod_grace(const Pod& pod, std::optional<int64_t> asked) {
  bool terminal = pod.status.phase == "Succeeded" || pod.status.phase == "Failed";
  if (pod.spec.node_name.empty() || terminal) return 0;
  int64_t grace = asked.value_or(pod.spec.termination_grace_period_seconds.value_or(kDefaultPodGrace));
  return grace < 0 ? 1 : grace;
}

// Writes the marked object, or takes it out if nothing holds it.
Deleted mark_or_remove(Transaction& txn, const ObjectPtr& stored, Object next) {
  if (is_free_to_go(next)) {
    txn.remove(stored->key());
    return {stored, true};
  }
  return {DeletionMark::write(txn, stored, std::move(next)), false};
}

Deleted begin_deletion(Transaction& txn, const ObjectPtr& stored, const DeleteOptions& options) {
  Object next = *stored;
  const Pod* pod = try_as<Pod>(*stored);
  int64_t grace = pod != nullptr ? pod_grace(*pod, options.grace_seconds) : 0;
  choose_propagation(next.meta.finalizers, options.propagation);
  // Not before it was made, though the clock may have been set back since.
  WallTime from = std::max(txn.now().wall.seconds(), next.meta.creation_timestamp);
  next.meta.deletion_timestamp = from + std::chrono::seconds(grace);
  next.meta.deletion_grace_period_seconds = grace;
  if (next.meta.generation > 0) ++next.meta.generation;
  if (next.kind == Kind::kNamespace) as<Namespace>(next).status.phase = "Terminating";
  return mark_or_remove(txn, stored, std::move(next));
}

// A pod on its way out may be given less time, never more; all else stays as it is.
Deleted shorten_deletion(Transaction& txn, const ObjectPtr& stored, const DeleteOptions& options) {
  int64_t current = stored->meta.deletion_grace_period_seconds.value_or(0);
  if (stored->kind != Kind::kPod || !options.grace_seconds) return {stored, false};
  int64_t wanted = pod_grace(as<Pod>(*stored), options.grace_seconds);
  if (wanted >= current) return {stored, false};
  Object next = *stored;
  next.meta.deletion_timestamp =
      stored->meta.deletion_timestamp - std::chrono::seconds(current) + std::chrono::seconds(wanted);
  next.meta.deletion_grace_period_seconds = wanted;
  return mark_or_remove(txn, stored, std::move(next));
}

}  // namespace

Result<Deleted> delete_object(Transaction& txn, const Key& key, const DeleteOptions& options) {
  ObjectPtr stored = txn.view().find(key);
  if (!stored) return error(ErrorCode::kNotFound, quoted(key) + " not found");
  RETURN_IF_ERROR(check_preconditions(*stored, options));
  bool permanent = std::find(kPermanentNamespaces.begin(), kPermanentNamespaces.end(), key.name) !=
                   kPermanentNamespaces.end();
  if (key.kind == Kind::kNamespace && permanent) {
    return error(ErrorCode::kDenied, "this namespace may not be deleted");
  }
  if (is_deleting(*stored)) return shorten_deletion(txn, stored, options);
  return begin_deletion(txn, stored, options);
}

}  // namespace mainstay
