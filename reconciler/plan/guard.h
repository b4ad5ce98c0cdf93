// The prune guard: deletions that are too large or too dear wait for a word from a person, while the rest of
// the commit goes on. Rules: DESIGN section 9. Pure; any thread.
//
// Held are
//   - all prunes, if more than 5 objects and more than 20 % of what the application has would go, counting
//     what goes with them (what they own, what a namespace holds);
//   - any Namespace and any PersistentVolumeClaim, and what would take a claim along;
//   - what was held before, as long as nobody has acknowledged it (a later commit with the same content, or a
//     return to this one, is no acknowledgement).
// Not held is, of the rest, what an earlier applied set to which the commit returns did not have (`git
// revert`) - except claims, and namespaces that hold claims or what others have put there.
// A person acknowledges with the trailer `Mainstay-Prune: <count>` (the number of declared objects that go)
// or `mainstay ack`. A namespace in which this very commit still declares something is held even then.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "reconciler/plan/diff.h"

namespace mainstay {

inline constexpr size_t kPruneLimit = 5;          // objects that may always go
inline constexpr size_t kPruneLimitPercent = 20;  // of what the application has

// A set that was applied before, and what of its prunes is held to this day.
struct AppliedSet {
  Digest hash{};
  std::vector<Key> held;  // sorted
};

struct GuardInput {
  const ChangeSet& changes;
  const DesiredSet& desired;
  const DesiredSet* last = nullptr;         // as in DiffInput
  const Snapshot& live;
  std::span<const AppliedSet> earlier = {};  // the history of this application, in any order
  std::span<const Key> held_before = {};     // sorted
  std::optional<size_t> acknowledged_count = std::nullopt;  // of the trailer
  bool acknowledged = false;                 // by `mainstay ack`
  bool prune = true;                         // the application's policy
};

enum class HoldReason : uint8_t { kPolicy, kTooMany, kNamespace, kClaim, kNamespaceInUse, kHeldBefore };

struct Hold {
  Key key;
  Origin origin;  // where it was declared last
  HoldReason reason = HoldReason::kTooMany;
  std::string sentence;  // why, for people
};

struct GuardVerdict {
  std::vector<Hold> holds;  // sorted by key
  size_t prunes = 0;        // declared objects that would go; what the trailer has to say
  size_t gone = 0;          // those and all that goes with them
  size_t total = 0;         // what the application has, counted the same way
  std::string advice;       // how to release the holds; "" if there are none or nothing releases them

  // Null if it is not held.
  const Hold* find(const Key& key) const;
  bool holds_back(const Key& key) const { return find(key) != nullptr; }
  std::vector<Key> held() const;
};

GuardVerdict guard_prunes(const GuardInput& input);

// The count of a commit's `Mainstay-Prune` trailer (in any case); nothing if there is none or it is no
// number.
std::optional<size_t> prune_trailer(std::span<const std::pair<std::string, std::string>> trailers);

}  // namespace mainstay
