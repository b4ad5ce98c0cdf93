// Adoption: pods and ReplicaSets without a controller go to the ReplicaSet or Deployment whose selector they
// match. Driven from the orphan's side, so that an owner's reconcile looks only at what it owns already.
// Keys: the orphan, or sweep_key(kind, namespace) when an owner appeared that may match any of them.
#include "reconciler/control/controllers.h"
#include "reconciler/control/owners.h"

namespace mainstay {
namespace {

constexpr std::string_view kName = "adoption-controller";

std::optional<Kind> owner_kind(Kind kind) {
  if (kind == Kind::kPod) return Kind::kReplicaSet;
  if (kind == Kind::kReplicaSet) return Kind::kDeployment;
  return std::nullopt;
}

const Box<LabelSelector>& selector_of_owner(const Object& owner) {
  if (const ReplicaSet* set = try_as<ReplicaSet>(owner)) return set->spec.selector;
  return as<Deployment>(owner).spec.selector;
}

bool is_orphan(const Object& object) {
  if (object.meta.labels.empty() || controller_of(object.meta) != nullptr) return false;
  return object.kind == Kind::kPod ? is_active(object) : object.meta.deletion_timestamp == WallTime{};
}

void find_home(ControlContext& context, const Object& orphan, Kind owners) {
  ObjectPtr home;
  for (const ObjectPtr& owner : context.view().list(owners, orphan.meta.ns)) {
    if (owner->meta.deletion_timestamp != WallTime{}) continue;
    if (!selects(selector_of_owner(*owner), orphan.meta.labels)) continue;
    home = owner;
    break;
  }
  if (!home) return;
  Object adopted = orphan;
  remove_owner(adopted.meta, home->meta.uid);
  adopted.meta.owner_references.push_back(controller_reference(*home));
  (void)context.txn.update(std::move(adopted));
}

Outcome reconcile(ControlContext& context, const Key& key) {
  std::optional<Kind> owners = owner_kind(key.kind);
  if (!owners) return {};
  if (!key.name.empty()) {
    ObjectPtr orphan = context.view().find(key);
    if (orphan && is_orphan(*orphan)) find_home(context, *orphan, *owners);
    return {};
  }
  std::vector<ObjectPtr> orphans;
  for (const ObjectPtr& object : context.view().list(key.kind, key.ns)) {
    if (is_orphan(*object)) orphans.push_back(object);
  }
  for (const ObjectPtr& orphan : orphans) find_home(context, *orphan, *owners);
  return {};
}

void wakes(const Change& change, const Snapshot&, std::vector<Key>& keys) {
  Kind kind = change.key.kind;
  if (!change.after) return;
  bool added = change.op == ChangeOp::kAdd;
  if (kind == Kind::kReplicaSet && added) keys.push_back(sweep_key(Kind::kPod, change.key.ns));
  if (kind == Kind::kDeployment && added) keys.push_back(sweep_key(Kind::kReplicaSet, change.key.ns));
  if (!owner_kind(kind) || !is_orphan(*change.after)) return;
  bool news = added || !is_orphan(*change.before) || change.before->meta.labels != change.after->meta.labels;
  if (news) keys.push_back(change.key);
}

}  // namespace

Controller adoption_controller() { return {kName, &reconcile, &wakes}; }

}  // namespace mainstay
