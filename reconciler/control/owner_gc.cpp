// Owner garbage collection: what nobody owns any more goes; what waits for its dependents goes after them;
// what is to be orphaned lets go of them. Owners are known by uid. Rules: k8s-semantics 14 and 17.6.
#include <algorithm>

#include "reconciler/control/controllers.h"
#include "reconciler/control/owners.h"
#include "reconciler/store/find_owner.h"

namespace mainstay {
namespace {

constexpr std::string_view kName = "garbage-collector-controller";

bool has_finalizer(const Object& object, std::string_view name) {
  const auto& finalizers = object.meta.finalizers;
  return std::find(finalizers.begin(), finalizers.end(), name) != finalizers.end();
}

bool is_deleting(const Object& object) { return object.meta.deletion_timestamp != WallTime{}; }

bool waits_for_dependents(const Object& object) {
  return is_deleting(object) && has_finalizer(object, kForegroundFinalizer);
}

void drop_finalizer(ControlContext& context, const Object& object, std::string_view name) {
  Object next = object;
  auto& finalizers = next.meta.finalizers;
  finalizers.erase(std::remove(finalizers.begin(), finalizers.end(), name), finalizers.end());
  (void)context.txn.update(std::move(next));
}

// A namespaced owner can only own in its own namespace; everything else is as if it were not there.
bool in_reach(const Object& owner, const ObjectMeta& dependent) {
  return owner.meta.ns.empty() || owner.meta.ns == dependent.ns;
}

// The living object a reference means; null if it dangles.
ObjectPtr owner_of(const Snapshot& view, const ObjectMeta& dependent, const OwnerReference& reference) {
  ObjectPtr owner = find_owner(view, reference, dependent.ns);
  if (!owner || !in_reach(*owner, dependent)) return nullptr;
  if (owner->info().kind != reference.kind || owner->meta.name != reference.name) return nullptr;
  return owner;
}

std::vector<ObjectPtr> dependents_of(const Snapshot& view, const Object& owner) {
  std::vector<ObjectPtr> dependents;
  for (const ObjectPtr& object : view.owned_by(owner.meta.uid)) dependents.push_back(object);
  return dependents;
}

// Says, once per reference, that it leads nowhere because it leaves the namespace.
void say_out_of_reach(ControlContext& context, const Object& object, const OwnerReference& reference) {
  ObjectPtr owner = context.view().find_uid(reference.uid);
  if (!owner || in_reach(*owner, object.meta)) return;
  Note note;
  note.about = object.key();
  note.uid = object.meta.uid;
  note.warning = true;
  note.reason = "OwnerRefInvalidNamespace";
  note.message = "owner " + reference.kind + " \"" + reference.name + "\" (uid " + reference.uid +
                 ") is in namespace \"" + owner->meta.ns + "\" and cannot own an object in \"" +
                 object.meta.ns + "\"; the reference counts as absent";
  note.source = kName;
  record_note(context.txn, note);
}

// Deletes what has no owner left; takes out references that no longer mean anything beside one that does.
void collect(ControlContext& context, const Object& object) {
  const Snapshot& view = context.view();
  std::vector<std::string> dangling, waiting;
  bool solid = false;
  for (const OwnerReference& reference : object.meta.owner_references) {
    ObjectPtr owner = owner_of(view, object.meta, reference);
    if (!owner) dangling.push_back(reference.uid);
    else if (waits_for_dependents(*owner)) waiting.push_back(reference.uid);
    else solid = true;
  }
  if (dangling.empty() && waiting.empty()) return;
  for (const OwnerReference& reference : object.meta.owner_references) {
    say_out_of_reach(context, object, reference);
  }
  if (solid) {
    Object next = object;
    for (const std::string& uid : dangling) remove_owner(next.meta, uid);
    for (const std::string& uid : waiting) remove_owner(next.meta, uid);
    (void)context.txn.update(std::move(next));
    return;
  }
  DeleteOptions options;
  options.precondition_uid = object.meta.uid;
  // An owner that waits wants everything below this one to be gone, too.
  if (!waiting.empty() && !view.owned_by(object.meta.uid).empty()) {
    options.propagation = Propagation::kForeground;
  }
  (void)delete_object(context.txn, object.key(), options);
}

void let_go_of_dependents(ControlContext& context, const Object& owner) {
  for (const ObjectPtr& dependent : dependents_of(context.view(), owner)) {
    Object next = *dependent;
    remove_owner(next.meta, owner.meta.uid);
    (void)context.txn.update(std::move(next));
  }
  drop_finalizer(context, owner, kOrphanFinalizer);
}

void delete_dependents_first(ControlContext& context, const Object& owner) {
  for (const ObjectPtr& dependent : dependents_of(context.view(), owner)) {
    if (!is_deleting(*dependent)) collect(context, *dependent);
  }
  for (const ObjectPtr& dependent : context.view().owned_by(owner.meta.uid)) {
    for (const OwnerReference& reference : dependent->meta.owner_references) {
      bool blocks = reference.uid == owner.meta.uid && reference.block_owner_deletion.value_or(false) &&
                    in_reach(owner, dependent->meta);
      if (blocks) return;
    }
  }
  drop_finalizer(context, owner, kForegroundFinalizer);
}

Outcome reconcile(ControlContext& context, const Key& key) {
  ObjectPtr object = context.view().find(key);
  if (!object) return {};
  if (!is_deleting(*object)) {
    if (!object->meta.owner_references.empty()) collect(context, *object);
    return {};
  }
  if (has_finalizer(*object, kOrphanFinalizer)) let_go_of_dependents(context, *object);
  else if (has_finalizer(*object, kForegroundFinalizer)) delete_dependents_first(context, *object);
  return {};
}

bool same_references(const ObjectMeta& a, const ObjectMeta& b) {
  return std::equal(a.owner_references.begin(), a.owner_references.end(), b.owner_references.begin(),
                    b.owner_references.end(), [](const OwnerReference& x, const OwnerReference& y) {
                      return x.uid == y.uid && x.block_owner_deletion == y.block_owner_deletion;
                    });
}

// Owners that may have waited for an object that is gone, or has let go of them.
void wake_waiting_owners(const Object& before, const Snapshot& view, std::vector<Key>& keys) {
  for (const OwnerReference& reference : before.meta.owner_references) {
    ObjectPtr owner = view.find_uid(reference.uid);
    if (owner && waits_for_dependents(*owner)) keys.push_back(owner->key());
  }
}

void wakes(const Change& change, const Snapshot& view, std::vector<Key>& keys) {
  bool refs_changed = !change.before || !change.after ||
                      !same_references(change.before->meta, change.after->meta);
  if (change.before && refs_changed) wake_waiting_owners(*change.before, view, keys);
  if (!change.after) {
    for (const ObjectPtr& dependent : view.owned_by(change.before->meta.uid)) {
      keys.push_back(dependent->key());
    }
    return;
  }
  const Object& object = *change.after;
  if (is_deleting(object)) {
    bool ours = has_finalizer(object, kForegroundFinalizer) || has_finalizer(object, kOrphanFinalizer);
    if (ours) keys.push_back(change.key);
    return;
  }
  if (!refs_changed) return;
  for (const OwnerReference& reference : object.meta.owner_references) {
    ObjectPtr owner = owner_of(view, object.meta, reference);
    if (owner && !waits_for_dependents(*owner)) continue;
    keys.push_back(change.key);
    if (owner) keys.push_back(owner->key());
    return;
  }
}

}  // namespace

Controller owner_gc_controller() { return {kName, &reconcile, &wakes}; }

}  // namespace mainstay
