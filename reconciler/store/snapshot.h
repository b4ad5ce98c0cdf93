// Snapshot: one immutable version of everything the cluster is. Copying shares all of it; any number of
// threads may read one. The core makes the next one through a Transaction (transaction.h).
// Controllers, the scheduler, plans and the API read nothing else.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "schema/base/cow_map.h"
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

// Where the object of a uid stands; ordered by the uid alone. It says the name, not the object, so that a change of
// the object leaves the index as it is: uids are random, and every write would copy another part of it.
struct UidPlace {
  std::string uid;
  Kind kind = Kind::kPod;
  ObjectName name;
  friend bool operator==(const UidPlace& a, const UidPlace& b) { return a.uid == b.uid; }
  friend auto operator<=>(const UidPlace& a, const UidPlace& b) { return a.uid <=> b.uid; }
};
struct NoValue {
  bool operator==(const NoValue&) const = default;
};
using UidIndex = CowMap<UidPlace, NoValue>;

// Events come and go by the thousand and own nothing that anybody looks for: the index by uid leaves them out.
inline bool has_uid_place(Kind kind) { return kind != Kind::kEvent; }

class Snapshot {
 public:
  // The newest resource version inside; 0 when empty.
  uint64_t version() const { return version_; }

  // Null if there is none.
  ObjectPtr find(const Key& key) const;
  ObjectPtr find(Kind kind, std::string_view ns, std::string_view name) const;
  // By metadata.uid; null if there is none, or if it is an Event's.
  ObjectPtr find_uid(std::string_view uid) const;

  // Ranges to iterate: `for (const ObjectPtr& pod : view.list(Kind::kPod))`, in order of namespace and name.
  // A range is valid as long as the snapshot it came from is neither changed nor destroyed: take a copy of
  // the snapshot (cheap) to write through a Transaction while iterating.
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
  friend struct SnapshotParts;

  // Keeps every index in step; `before` or `after` may be null.
  void replace(const ObjectPtr& before, const ObjectPtr& after);
  void enter(const ObjectPtr& object, bool fresh);  // fresh: its uid has no place yet
  void leave(const ObjectPtr& object);

  uint64_t version_ = 0;
  std::array<ObjectTable, kKindCount> tables_;
  UidIndex by_uid_;
  ObjectIndex by_owner_;
  ObjectIndex by_node_;
};

// The objects of one table or index between two places, in order.
class Snapshot::Range {
 public:
  class Iterator {
   public:
    using value_type = ObjectPtr;
    using difference_type = std::ptrdiff_t;
    using reference = const ObjectPtr&;
    using pointer = const ObjectPtr*;
    using iterator_category = std::forward_iterator_tag;

    Iterator() = default;
    explicit Iterator(ObjectTable::Iterator at) : at_(at) {}
    explicit Iterator(ObjectIndex::Iterator at) : at_(at) {}
    const ObjectPtr& operator*() const {
      const auto* row = std::get_if<0>(&at_);
      return row != nullptr ? row->value() : std::get_if<1>(&at_)->value();
    }
    const ObjectPtr* operator->() const { return &**this; }
    Iterator& operator++() {
      if (auto* row = std::get_if<0>(&at_)) ++*row; else ++*std::get_if<1>(&at_);
      return *this;
    }
    Iterator operator++(int) {
      Iterator before = *this;
      ++*this;
      return before;
    }
    bool operator==(const Iterator& other) const { return at_ == other.at_; }

   private:
    std::variant<ObjectTable::Iterator, ObjectIndex::Iterator> at_;
  };

  Range(Iterator first, Iterator last) : first_(std::move(first)), last_(std::move(last)) {}
  Iterator begin() const { return first_; }
  Iterator end() const { return last_; }
  bool empty() const { return first_ == last_; }
  // Counts one by one.
  size_t size() const { return static_cast<size_t>(std::distance(first_, last_)); }

 private:
  Iterator first_, last_;
};

}  // namespace mainstay
