// The insides of a Snapshot, for those who check that they agree (audit.cpp, tests). Nobody else looks in
// here.
#pragma once

#include "reconciler/store/snapshot.h"

namespace mainstay {

struct SnapshotParts {
  static const UidIndex& by_uid(const Snapshot& view) { return view.by_uid_; }
  static const ObjectIndex& by_owner(const Snapshot& view) { return view.by_owner_; }
  static const ObjectIndex& by_node(const Snapshot& view) { return view.by_node_; }

  // To break one on purpose.
  static UidIndex& by_uid(Snapshot& view) { return view.by_uid_; }
  static ObjectIndex& by_owner(Snapshot& view) { return view.by_owner_; }
  static ObjectIndex& by_node(Snapshot& view) { return view.by_node_; }
  static ObjectTable& table(Snapshot& view, Kind kind) { return view.tables_[static_cast<size_t>(kind)]; }
};

}  // namespace mainstay
