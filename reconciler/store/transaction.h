// Transaction: the one way to change the store. It reads its own writes, checks preconditions, sets what
// the server sets (uid, creationTimestamp, generation, resource version) and remembers every change for the
// journal, the watchers and the controllers. Core thread only (or any one thread, on a copy, for plans).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "reconciler/store/snapshot.h"
#include "schema/base/result.h"
#include "schema/base/rng.h"
#include "schema/base/time.h"

namespace mainstay {

enum class ChangeOp : uint8_t { kAdd, kUpdate, kRemove };

// One change of one object; the unit of journal, change log and watch.
struct Change {
  uint64_t version = 0;
  ChangeOp op = ChangeOp::kAdd;
  Key key;
  ObjectPtr before;  // null for kAdd
  ObjectPtr after;   // null for kRemove
};

// Who caused a change and why; written beside each row of the change table.
struct Cause {
  std::string actor;  // "git", "user:admin", "deployment-controller", "node:n1"
  std::string why;    // short: commit id, request, "" where the actor says all
};

class Transaction {
 public:
  Transaction(Snapshot base, Now now, Rng& rng);

  // The base plus this transaction's own writes.
  const Snapshot& view() const { return view_; }
  const Now& now() const { return now_; }
  Rng& rng() { return rng_; }

  // Later changes carry this cause. Starts as {"core", ""}.
  void set_cause(Cause cause) { cause_ = std::move(cause); }

  // Adds an object. Sets uid, creationTimestamp and, for kinds with a spec, generation 1; completes generateName
  // (up to eight tries). A Namespace becomes Active with spec.finalizers [kubernetes].
  // kExists if the name is taken; kDenied if its namespace is being deleted; kInvalid if it has no name, or a
  // namespace where it must not or none where it must. That the namespace exists is the caller's to check.
  Result<ObjectPtr> create(Object object);

  // Replaces an object by `next`. uid, creationTimestamp and deletionTimestamp stay as stored; generation rises
  // when anything but metadata and status changed. An equal object is not written: the stored one is
  // returned. An object whose deletionTimestamp is set and whose last finalizer (and, for pods, whose grace) is gone
  // is removed by this (a Namespace: once spec.finalizers is empty, too). kNotFound; kConflict if next.version is
  // not 0 and not the stored version, or next.meta.uid is neither empty nor the stored one; kInvalid if it adds a
  // finalizer to what is being deleted.
  Result<ObjectPtr> update(Object next);

  // As update(), but only the status (and nothing else) of `next` is taken. kInvalid for kinds without one.
  Result<ObjectPtr> update_status(Object next);

  // Takes the object out at once, whatever its finalizers. False if there is none.
  bool remove(const Key& key);

  // Everything written so far, in order. Several changes of one key are kept apart.
  const std::vector<Change>& changes() const { return changes_; }
  const std::vector<Cause>& causes() const { return causes_; }  // parallel to changes()
  bool empty() const { return changes_.empty(); }

  // Undo point for a group of writes that must all succeed: rollback_to(mark()) forgets later ones.
  struct Mark {
    Snapshot view;
    size_t changes;
  };
  Mark mark() const { return {view_, changes_.size()}; }
  void rollback_to(Mark mark);

 private:
  // Deletion sets what update() keeps.
  friend struct DeletionMark;

  uint64_t next_version() const { return view_.version_ + 1; }
  // Finds what `next` is to replace and checks its preconditions.
  Result<ObjectPtr> stored_for(const Object& next) const;
  // Completes generateName.
  Status choose_name(Object& object);
  // Gives `after` the next version and makes the change.
  ObjectPtr write(const ObjectPtr& before, Object after);
  void record(ChangeOp op, const ObjectPtr& before, const ObjectPtr& after);
  // Writes `next`, unless it is equal to `stored` or now free to go.
  ObjectPtr replace_or_remove(const ObjectPtr& stored, Object next);

  Snapshot view_;
  Now now_;
  Rng& rng_;
  Cause cause_{"core", ""};
  std::vector<Change> changes_;
  std::vector<Cause> causes_;
};

}  // namespace mainstay
