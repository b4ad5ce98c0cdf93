// Snapshot: one immutable version of everything the cluster is. Copying shares all of it; any number of
// threads may read one. The core makes the next one through a Transaction (transaction.h).
// Controllers, the scheduler, plans and the API read nothing else.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>

#include "reconciler/store/cow_map.h"
#include "schema/object.h"

namespace mainstay {

// Orders the objects of one kind as lists show them.
struct ObjectName {
  std::string ns;
  std::string name;
  auto operator<=>(const ObjectName&) const = default;
};

// An index entry: `group` is an owner's uid or a node's name.
struct GroupedName {
  std::string group;
  Kind kind = Kind::kPod;
  ObjectName name;
  auto operator<=>(const GroupedName&) const = default;
};

using ObjectTable = CowMap<ObjectName, ObjectPtr>;
using ObjectIndex = CowMap<GroupedName, ObjectPtr>;

class Snapshot {
 public:
  // The newest resource version inside; 0 when empty.
  uint64_t version() const { return version_; }

  // Null if there is none.
  ObjectPtr find(const Key& key) const;
  ObjectPtr find(Kind kind, std::string_view ns, std::string_view name) const;
  // By metadata.uid; null if there is none.
  ObjectPtr find_uid(std::string_view uid) const;

  // Ranges to iterate: `for (const ObjectPtr& pod : view.list(Kind::kPod))`, in order of namespace and name.
  // A range is valid as long as the snapshot it came from is neither changed nor destroyed.
  class Range;
  Range list(Kind kind) const;
  Range list(Kind kind, std::string_view ns) const;
  // Everything whose ownerReferences name this uid, or only the `kind` of it.
  Range owned_by(std::string_view owner_uid) const;
  Range owned_by(std::string_view owner_uid, Kind kind) const;
  // Pods with spec.nodeName == node, finished ones too.
  Range pods_on(std::string_view node) const;

  size_t count(Kind kind) const { return tables_[static_cast<size_t>(kind)].size(); }
  const ObjectTable& table(Kind kind) const { return tables_[static_cast<size_t>(kind)]; }

 private:
  friend class Transaction;
  friend class StoreLoader;

  // Keeps every index in step; `before` or `after` may be null.
  void replace(const ObjectPtr& before, const ObjectPtr& after);

  uint64_t version_ = 0;
  std::array<ObjectTable, kKindCount> tables_;
  CowMap<std::string, ObjectPtr> by_uid_;
  ObjectIndex by_owner_;
  ObjectIndex by_node_;
};

}  // namespace mainstay
