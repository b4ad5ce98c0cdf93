// Draft: the change set of a large commit, made by a worker against a snapshot while the core turns on. The core takes
// it if the application still goes from the same set to the same set; whatever has moved meanwhile is merged anew when
// it is applied (apply.h). Pure; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <string>

#include "reconciler/plan/diff.h"

namespace mainstay {

// What a worker needs; all of it immutable or its own.
struct DraftRequest {
  std::string application;
  uint64_t number = 0;  // of the request; the draft that answers it has the same
  DesiredSetPtr desired, last;
  Snapshot live;
  std::set<Key> suspects;  // as in DiffInput
};

struct Draft {
  std::string application;
  uint64_t number = 0;
  DesiredSetPtr desired, last;          // made from the one to the other
  std::shared_ptr<ChangeSet> changes;  // whoever takes the draft may move it out
};

Draft make_draft(const DraftRequest& request);

// How many objects a diff has to look at: those the sets do not share, and the suspects. Looks at no live object.
size_t diff_size(const DesiredSet& desired, const DesiredSet& last, const std::set<Key>& suspects);

// False if a namespace that the draft counted on is no longer there: then the commit must be planned anew.
bool has_its_namespaces(const ChangeSet& changes, const DesiredSet& desired, const Snapshot& live);

}  // namespace mainstay
