#include "reconciler/store/transaction.h"

#include <algorithm>
#include <utility>

#include "reconciler/store/object_parts.h"

namespace mainstay {
namespace {

constexpr size_t kGeneratedNameLimit = 63;
constexpr size_t kGeneratedSuffix = 5;
constexpr int kGeneratedNameTries = 8;
constexpr std::string_view kNamespaceFinalizer = "kubernetes";

bool contains(const std::vector<std::string>& list, std::string_view entry) {
  return std::find(list.begin(), list.end(), entry) != list.end();
}

// "pods \"web\"", as Kubernetes' messages name an object.
std::string quoted(const Object& object) {
  return object.info().resource() + " \"" + object.meta.name + "\"";
}

Status check_place(const Object& object) {
  if (object.meta.name.empty() && object.meta.generate_name.empty()) {
    return error(ErrorCode::kInvalid, "name or generateName is required");
  }
  if (object.info().namespaced == object.meta.ns.empty()) {
    return error(ErrorCode::kInvalid, quoted(object) + (object.meta.ns.empty() ? " needs a namespace"
                                                                               : " must not have a namespace"));
  }
  return {};
}

void keep_namespace_finalizer(Object& object) {
  auto& finalizers = as<Namespace>(object).spec.finalizers;
  if (!contains(finalizers, kNamespaceFinalizer)) finalizers.emplace_back(kNamespaceFinalizer);
}

// A pod's binding to its node is no change of what it asks for.
bool same_but_bound(const Object& stored, const Object& next) {
  const Pod* before = try_as<Pod>(stored);
  bool stays = before == nullptr || before->spec.node_name == as<Pod>(next).spec.node_name;
  if (stays) return same_spec(stored, next);
  Object unbound = next;
  as<Pod>(unbound).spec.node_name = before->spec.node_name;
  return same_spec(stored, unbound);
}

// What the server decides stays as it is stored, whatever a writer sent.
void keep_server_fields(const Object& stored, Object& next) {
  next.meta.uid = stored.meta.uid;
  next.meta.resource_version.clear();
  next.meta.generation = stored.meta.generation;
  next.meta.creation_timestamp = stored.meta.creation_timestamp;
  next.meta.deletion_timestamp = stored.meta.deletion_timestamp;
  next.meta.deletion_grace_period_seconds = stored.meta.deletion_grace_period_seconds;
  if (next.kind == Kind::kNamespace && !is_deleting(next)) keep_namespace_finalizer(next);
}

}  // namespace

Transaction::Transaction(Snapshot base, Now now, Rng& rng) : view_(std::move(base)), now_(now), rng_(rng) {}

Status Transaction::choose_name(Object& object) {
  if (!object.meta.name.empty()) return {};
  std::string base = object.meta.generate_name.substr(0, kGeneratedNameLimit - kGeneratedSuffix);
  for (int i = 0; i < kGeneratedNameTries; ++i) {
    std::string name = base + rng_.name_suffix(kGeneratedSuffix);
    if (view_.find(object.kind, object.meta.ns, name)) continue;
    object.meta.name = std::move(name);
    return {};
  }
  return error(ErrorCode::kExists, object.info().resource() + ": no free name was found for generateName \"" +
                                       object.meta.generate_name + "\"; try again");
}

Result<ObjectPtr> Transaction::create(Object object) {
  RETURN_IF_ERROR(check_place(object));
  if (ObjectPtr ns = view_.find(Kind::kNamespace, "", object.meta.ns); ns && is_deleting(*ns)) {
    return error(ErrorCode::kDenied, quoted(object) + " is forbidden: unable to create new content in namespace " +
                                         object.meta.ns + " because it is being terminated");
  }
  RETURN_IF_ERROR(choose_name(object));
  if (view_.find(object.kind, object.meta.ns, object.meta.name)) {
    return error(ErrorCode::kExists, quoted(object) + " already exists");
  }
  object.meta.uid = rng_.uuid();
  object.meta.resource_version.clear();
  object.meta.generation = has_generation(object) ? 1 : 0;
  object.meta.creation_timestamp = now_.wall.seconds();
  object.meta.deletion_timestamp = {};
  object.meta.deletion_grace_period_seconds.reset();
  if (object.kind == Kind::kNamespace) {
    keep_namespace_finalizer(object);
    as<Namespace>(object).status.phase = "Active";
  }
  return write(nullptr, std::move(object));
}

Result<ObjectPtr> Transaction::stored_for(const Object& next) const {
  ObjectPtr stored = view_.find(next.kind, next.meta.ns, next.meta.name);
  if (!stored) return error(ErrorCode::kNotFound, quoted(next) + " not found");
  if (!next.meta.uid.empty() && next.meta.uid != stored->meta.uid) {
    return error(ErrorCode::kConflict, "Operation cannot be fulfilled on " + quoted(next) +
                                           ": Precondition failed: UID in precondition: " + next.meta.uid +
                                           ", UID in object meta: " + stored->meta.uid);
  }
  if (next.version != 0 && next.version != stored->version) {
    return error(ErrorCode::kConflict, "Operation cannot be fulfilled on " + quoted(next) +
                                           ": the object has been modified; please apply your changes to the "
                                           "latest version and try again");
  }
  return stored;
}

Result<ObjectPtr> Transaction::update(Object next) {
  ASSIGN_OR_RETURN(ObjectPtr stored, stored_for(next));
  keep_server_fields(*stored, next);
  if (is_deleting(*stored)) {
    for (const std::string& finalizer : next.meta.finalizers) {
      if (contains(stored->meta.finalizers, finalizer)) continue;
      return error(ErrorCode::kInvalid, quoted(next) + " is invalid: metadata.finalizers: Forbidden: no new "
                                        "finalizers can be added if the object is being deleted, found new "
                                        "finalizer \"" + finalizer + "\"");
    }
  }
  return replace_or_remove(stored, std::move(next));
}

Result<ObjectPtr> Transaction::update_status(Object next) {
  ASSIGN_OR_RETURN(ObjectPtr stored, stored_for(next));
  if (!next.info().has_status) {
    return error(ErrorCode::kInvalid, next.info().resource() + " have no status");
  }
  Object merged = *stored;
  take_status(merged, next);
  return replace_or_remove(stored, std::move(merged));
}

ObjectPtr Transaction::replace_or_remove(const ObjectPtr& stored, Object next) {
  if (same_content(*stored, next)) return stored;
  if (stored->meta.generation > 0 && !same_but_bound(*stored, next)) ++next.meta.generation;
  if (is_deleting(next) && is_free_to_go(next)) {
    next.version = next_version();
    auto last = std::make_shared<const Object>(std::move(next));
    remove(last->key());
    return last;
  }
  return write(stored, std::move(next));
}

bool Transaction::remove(const Key& key) {
  ObjectPtr stored = view_.find(key);
  if (!stored) return false;
  record(ChangeOp::kRemove, stored, nullptr);
  return true;
}

ObjectPtr Transaction::write(const ObjectPtr& before, Object after) {
  after.version = next_version();
  auto shared = std::make_shared<const Object>(std::move(after));
  record(before ? ChangeOp::kUpdate : ChangeOp::kAdd, before, shared);
  return shared;
}

void Transaction::record(ChangeOp op, const ObjectPtr& before, const ObjectPtr& after) {
  uint64_t version = next_version();
  view_.replace(before, after);
  view_.version_ = version;
  changes_.push_back({version, op, (after ? after : before)->key(), before, after});
  causes_.push_back(cause_);
}

void Transaction::rollback_to(Mark mark) {
  ENSURE(mark.changes <= changes_.size(), "a mark of another transaction, or one rolled back before");
  view_ = std::move(mark.view);
  changes_.resize(mark.changes);
  causes_.resize(mark.changes);
}

}  // namespace mainstay
