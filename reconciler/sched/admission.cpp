#include "reconciler/sched/admission.h"

#include <algorithm>
#include <utility>

#include "reconciler/sched/filters.h"

namespace mainstay {
namespace {

struct Shortage {
  std::string resource;
  int64_t wanted = 0, used = 0, has = 0;
};

int64_t amount(const Map<int64_t>& map, std::string_view name) {
  const int64_t* found = map_find(map, name);
  return found != nullptr ? *found : 0;
}

std::optional<Shortage> shortage(const Amounts& wanted, const NodeState& state) {
  std::vector<Shortage> all = {
      {"pods", 1, state.pods, state.pods_allowed},
      {"cpu", wanted.cpu_milli, state.requested.cpu_milli, state.allocatable.cpu_milli},
      {"memory", wanted.memory, state.requested.memory, state.allocatable.memory},
      {"ephemeral-storage", wanted.ephemeral_storage, state.requested.ephemeral_storage,
       state.allocatable.ephemeral_storage}};
  for (const auto& [name, request] : wanted.extended) {
    all.push_back({name, request, amount(state.requested.extended, name), amount(state.allocatable.extended, name)});
  }
  auto found = std::find_if(all.begin(), all.end(), [](const Shortage& one) {
    return one.wanted > 0 && one.used + one.wanted > one.has;
  });
  return found != all.end() ? std::optional(std::move(*found)) : std::nullopt;
}

bool ports_taken(const Footprint& footprint, const NodeState& state) {
  return std::any_of(footprint.ports.begin(), footprint.ports.end(), [&](const HostPort& wanted) {
    return std::any_of(state.ports.begin(), state.ports.end(),
                       [&](const HostPort& held) { return ports_clash(wanted, held); });
  });
}

Admission judge(const ObjectPtr& pod, const Footprint& footprint, const NodeState& state) {
  if (!node_selected(as<Pod>(*pod).spec, *state.node)) {
    return {pod, "NodeAffinity", "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector"};
  }
  if (ports_taken(footprint, state)) {
    return {pod, "NodePorts",
            "Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports"};
  }
  if (std::optional<Shortage> found = shortage(footprint.requests, state)) {
    return {pod, "OutOf" + found->resource,
            "Node didn't have enough resource: " + found->resource + ", requested: " + std::to_string(found->wanted) +
                ", used: " + std::to_string(found->used) + ", capacity: " + std::to_string(found->has)};
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
