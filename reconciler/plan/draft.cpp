#include "reconciler/plan/draft.h"

#include <utility>

namespace mainstay {

Draft make_draft(const DraftRequest& request) {
  DiffInput input{*request.desired, request.last.get(), request.live, {}, &request.suspects};
  auto changes = std::make_shared<ChangeSet>(diff(input));
  return {request.application, request.number, request.desired, request.last, std::move(changes)};
}

size_t diff_size(const DesiredSet& desired, const DesiredSet& last, const std::set<Key>& suspects) {
  size_t count = suspects.size();
  DesiredObjects::for_each_difference(last.objects, desired.objects, [&](const auto*, const auto*) { ++count; });
  return count;
}

bool has_its_namespaces(const ChangeSet& changes, const DesiredSet& desired, const Snapshot& live) {
  const std::string* known = nullptr;  // changes come sorted: the same one many times
  for (const PlannedChange& change : changes.changes) {
    const std::string& ns = change.key.ns;
    if (change.action == PlanAction::kPrune || ns.empty() || (known != nullptr && *known == ns)) continue;
    if (!may_hold_objects(ns, desired, live)) return false;
    known = &ns;
  }
  return true;
}

}  // namespace mainstay
