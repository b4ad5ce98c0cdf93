#include "reconciler/sched/admission.h"

#include <algorithm>
#include <utility>

#include "reconciler/sched/filters.h"

namespace mainstay {
namespace {

Admission judge(const ObjectPtr& pod, const Footprint& footprint, const NodeState& state) {
  if (!node_selected(as<Pod>(*pod).spec, *state.node)) {
    return {pod, "NodeAffinity", "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector"};
  }
  if (!ports_free(footprint, state)) {
    return {pod, "NodePorts",
            "Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports"};
  }
  if (std::vector<Shortage> all = shortages(footprint.requests, state); !all.empty()) {
    const Shortage& found = all.front();
    return {pod, "OutOf" + found.resource,
            "Node didn't have enough resource: " + found.resource + ", requested: " + std::to_string(found.wanted) +
                ", used: " + std::to_string(found.used) + ", capacity: " + std::to_string(found.allocatable)};
  }
  return {pod, "", ""};
}

}  // namespace

bool needs_admission(const Object& pod) {
  const Pod& body = as<Pod>(pod);
  return takes_room(pod) && pod.meta.deletion_timestamp == WallTime{} && body.status.start_time == WallTime{} &&
         std::none_of(body.status.conditions.begin(), body.status.conditions.end(),
                      [](const PodCondition& condition) { return condition.type == "PodScheduled"; });
}

std::vector<Admission> admit_bound(ClusterView& view, const std::vector<ObjectPtr>& pods) {
  struct Tried {
    ObjectPtr pod;
    ClusterView::Slot slot;
    Footprint footprint;
    bool stands = false;
  };
  std::vector<Tried> tried;
  for (const ObjectPtr& pod : pods) {
    std::optional<ClusterView::Slot> slot = view.slot_at(as<Pod>(*pod).spec.node_name);
    if (!slot || !view.slots()[*slot].node || view.slots()[*slot].pods_allowed == 0) continue;
    tried.push_back({pod, *slot, footprint_of(*pod)});
    view.take(*slot, tried.back().footprint);
  }
  std::vector<Admission> out;
  for (Tried& one : tried) {
    out.push_back(judge(one.pod, one.footprint, view.slots()[one.slot]));
    one.stands = out.back().reason.empty();
    if (one.stands) view.add(one.slot, one.footprint);
  }
  for (const Tried& one : tried) {
    if (!one.stands) view.add(one.slot, one.footprint);
  }
  return out;
}

}  // namespace mainstay
