// Building snapshots and desired sets from rows, without a transaction: what a journal does at the start.
// Trusts its input (run audit() to doubt it). One thread at a time.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "reconciler/store/journal.h"
#include "reconciler/store/snapshot.h"

namespace mainstay {

class StoreLoader {
 public:
  StoreLoader() = default;
  // Goes on from an existing snapshot.
  explicit StoreLoader(Snapshot base) : snapshot_(std::move(base)) {}

  // A snapshot of all of these at once, sorted within each kind by namespace and name; much faster than one by one.
  // Uses two threads. kCorrupt if two have one name or one uid.
  static Result<Snapshot> load_all(const std::vector<ObjectPtr>& objects);

  // Adds or replaces; the object's version counts.
  void put(const ObjectPtr& object);
  void take_out(const Key& key);
  // Repeats a sealed transaction.
  void apply(const std::vector<Change>& changes);
  // The version, if it is above that of every object (the last change was a removal).
  void raise_version(uint64_t version);

  Snapshot finish() && { return std::move(snapshot_); }
  const Snapshot& view() const { return snapshot_; }

 private:
  Snapshot snapshot_;
};

// The rows of applications as the last write left them; becomes Loaded::applications.
class ApplicationLoader {
 public:
  void put(const CursorRow& row);
  void put(const OriginRow& row);
  // Newest first within an application.
  void put(CommitRow row);
  // `object` is `declared`, decoded.
  void put(const DesiredRow& row, ObjectPtr object);
  void take_out(const std::string& application, const Key& key);

  std::vector<LoadedApplication> finish() const;

 private:
  struct Rows {
    std::optional<CursorRow> cursor;
    std::map<Key, DesiredObject> desired;
    std::vector<CommitRow> commits;
  };
  std::map<std::string, Rows> applications_;
};

// Decodes a declared body. Fields that this version does not know are dropped: a newer one wrote them.
Result<ObjectPtr> decode_declared(const Value& declared);

}  // namespace mainstay
