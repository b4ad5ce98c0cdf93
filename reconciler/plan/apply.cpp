#include "reconciler/plan/apply.h"

#include <utility>

#include "reconciler/store/priority.h"
#include "schema/apply.h"
#include "schema/defaults.h"
#include "schema/validate.h"

namespace mainstay {
namespace {

Error at_origin(const PlannedChange& change, const Error& error) {
  return error.in(change.origin.path + ":" + std::to_string(change.origin.line) + ": " + change.key.text());
}

// The declared fields on the object as it is now, for when it is no longer the one the plan was made of.
Result<Object> merge_anew(const PlannedChange& change, const Object& live) {
  ASSIGN_OR_RETURN(Object next, apply_object(live, change.last_declared.get(), *change.declared));
  Diagnostics found(change.origin.path);
  validate(next, change.declared.get(), found);
  validate_update(live, next, change.declared.get(), found);
  if (found.has_errors()) return error(ErrorCode::kInvalid, found.render());
  return next;
}

Result<Object> made_from(const Snapshot& view, const ObjectPtr& desired) {
  Object next = *desired;
  if (next.kind != Kind::kPod) return next;
  admit_pod(next);
  std::string trouble = admit_priority(view, next);
  if (!trouble.empty()) return error(ErrorCode::kDenied, "is forbidden: " + trouble);
  return next;
}

Status write_declared(Transaction& txn, const PlannedChange& change, Applied& applied) {
  ObjectPtr live = txn.view().find(change.key);
  if (!live) {
    Result<Object> fresh = error(ErrorCode::kFailed, "");
    if (change.action == PlanAction::kCreate) fresh = *change.next;
    else fresh = made_from(txn.view(), change.desired);
    if (!fresh.ok()) return at_origin(change, fresh.error());
    Result<ObjectPtr> made = txn.create(*std::move(fresh));
    if (!made.ok()) return at_origin(change, made.error());
    ++applied.created;
    return {};
  }
  if (live->meta.deletion_timestamp != WallTime{}) return {};  // comes up again when it is gone
  Object next;
  if (change.live && live->version == change.live->version) {
    next = *change.next;
  } else {
    Result<Object> merged = merge_anew(change, *live);
    if (!merged.ok()) return at_origin(change, merged.error());
    next = *std::move(merged);
  }
  next.version = live->version;
  Result<ObjectPtr> written = txn.update(std::move(next));
  if (!written.ok()) return at_origin(change, written.error());
  if ((*written)->version != live->version) ++applied.updated;
  return {};
}

Status prune(Transaction& txn, const PlannedChange& change, Applied& applied) {
  Result<Deleted> deleted = delete_object(txn, change.key, DeleteOptions{});
  if (!deleted.ok()) {
    if (deleted.error().code == ErrorCode::kNotFound) return {};
    return at_origin(change, deleted.error());
  }
  ++applied.pruned;
  return {};
}

}  // namespace

Result<Applied> apply_plan(Transaction& txn, const Plan& plan) {
  ENSURE(plan.acceptable(), "a plan with mistakes is never applied");
  Transaction::Mark mark = txn.mark();
  txn.set_cause({"git", plan.to});
  Applied applied;
  for (const PlannedChange& change : plan.changes.changes) {
    Status status;
    if (change.action != PlanAction::kPrune) {
      status = write_declared(txn, change, applied);
    } else if (!plan.guard.holds_back(change.key)) {
      status = prune(txn, change, applied);
    }
    if (!status.ok()) {
      txn.rollback_to(std::move(mark));
      return status.error();
    }
  }
  return applied;
}

}  // namespace mainstay
