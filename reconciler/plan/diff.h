// Diff: what must change so that live objects are as one application declares them. A function of the desired
// set, the one applied last and a snapshot; nothing is written. Both sets are sorted, so it is one walk.
// Git is an apply manager: fields it does not declare belong to others and are left alone. Any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "reconciler/store/snapshot.h"
#include "schema/desired_set.h"
#include "schema/diagnostics.h"

namespace mainstay {

enum class PlanAction : uint8_t { kCreate, kUpdate, kPrune };

// One field before and after; null where it is absent. Of a secret field only the path is told.
struct FieldEdit {
  std::string path;  // "spec.template.spec.containers[name=web].image"
  Value before;
  Value after;
  bool hidden = false;
};

struct PlannedChange {
  PlanAction action = PlanAction::kCreate;
  Key key;
  Origin origin;     // where it is declared; of a prune: where it was declared last
  ObjectPtr live;    // as diffed against; null for kCreate
  ObjectPtr next;    // as it shall be; null for kPrune
  ObjectPtr desired;                           // as it would be created; null for kPrune
  std::shared_ptr<const Value> declared;       // null for kPrune
  std::shared_ptr<const Value> last_declared;  // null if this application did not declare it before
  std::vector<FieldEdit> edits;                // of kUpdate
  bool adopts = false;                         // it lives already, but was not this application's
  std::vector<std::string> not_enforced;       // declared fields that are kept but not acted on
};

struct ChangeSet {
  // In the order in which they are made: by kind, namespace and name; then the prunes, the other way round.
  std::vector<PlannedChange> changes;
  size_t unchanged = 0;
  std::vector<Key> leaving;  // declared, but the live object is being deleted: comes up again when it is gone
  Diagnostics mistakes;      // any error: nothing of this set may be applied
};

// An object that another application declares.
struct Claim {
  Key key;
  std::string application;
};

struct DiffInput {
  const DesiredSet& desired;
  // What is this application's so far: the set applied last and what has been held since (applied_set() in
  // plan.h); null before the first.
  const DesiredSet* last = nullptr;
  const Snapshot& live;
  std::span<const Claim> claims = {};  // sorted by key
  // Of what is declared exactly as in `last`, only these can be out of step: the rest is passed over unseen and counts
  // as unchanged. Null: any of it can.
  const std::set<Key>* suspects = nullptr;
};

// Which live versions were found to be as declared, so that an object is compared once per change of it and
// not once per commit. A cache only: clear() it when the store goes back to an earlier version. Not
// synchronised.
class SyncMemo {
 public:
  bool holds(const DesiredObject& desired, const Object& live) const;
  void note(const DesiredObject& desired, const Object& live);
  void clear() { seen_.clear(); }
  size_t size() const { return seen_.size(); }
  // Forgets all if it holds many more than `wanted` entries.
  void bound(size_t wanted);

 private:
  struct Seen {
    uint64_t version = 0;
    Digest hash{};
  };
  std::unordered_map<Key, Seen> seen_;
};

// Self-heal is the diff of the last applied set with itself.
ChangeSet diff(const DiffInput& input, SyncMemo* memo = nullptr);

// True if the namespace is there, or comes with the set.
bool may_hold_objects(const std::string& ns, const DesiredSet& desired, const Snapshot& live);

// Which declared fields the live object does not hold as declared; empty if none. Hidden where secret.
std::vector<FieldEdit> drifted(const DesiredObject& desired, const Object& live);

// The edit without anything secret in it.
FieldEdit printable(const Key& key, std::string path, Value before, Value after, bool secret);

}  // namespace mainstay
