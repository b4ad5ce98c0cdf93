#include "reconciler/sched/cluster_view.h"

#include <algorithm>
#include <map>
#include <utility>

namespace mainstay {
namespace {

// The taint by which Kubernetes keeps pods off a node whose condition Ready is not True
// (TaintNodesByCondition).
std::string_view implied_taint(const Node& node) {
  for (const NodeCondition& condition : node.status.conditions) {
    if (condition.type != "Ready") continue;
    if (condition.status == "True") return {};
    return condition.status == "Unknown" ? "node.kubernetes.io/unreachable" : "node.kubernetes.io/not-ready";
  }
  return "node.kubernetes.io/not-ready";
}

std::vector<Taint> effective_taints(const Node& node) {
  std::vector<Taint> taints = node.spec.taints;
  std::string_view implied = implied_taint(node);
  if (implied.empty()) return taints;
  bool written = std::any_of(taints.begin(), taints.end(), [&](const Taint& taint) {
    return taint.key == implied && taint.effect == "NoSchedule";
  });
  if (written) return taints;
  Taint taint;
  taint.key = std::string(implied);
  taint.effect = "NoSchedule";
  taints.push_back(std::move(taint));
  return taints;
}

void append_amounts(std::string& out, const Amounts& amounts) {
  out += std::to_string(amounts.cpu_milli) + "m " + std::to_string(amounts.memory) + " " +
         std::to_string(amounts.ephemeral_storage);
  for (const auto& [name, amount] : amounts.extended) out += " " + name + "=" + std::to_string(amount);
}

std::string text_of(const std::string& key, uint32_t count) { return key + "=" + std::to_string(count); }

int32_t priority_of(const Object& pod) { return as<Pod>(pod).spec.priority.value_or(0); }

// Nothing that other pods' wishes or preemption look at has changed: so it is with most changes of a status.
bool same_to_others(const Object& before, const Object& after) {
  const PodSpec &was = as<Pod>(before).spec, &is = as<Pod>(after).spec;
  if (was.node_name != is.node_name || before.meta.labels != after.meta.labels || was.priority != is.priority ||
      (before.meta.deletion_timestamp == WallTime{}) != (after.meta.deletion_timestamp == WallTime{})) {
    return false;
  }
  return (!has_wishes(was) && !has_wishes(is)) || profile_of(before).wishes == profile_of(after).wishes;
}

std::optional<Nominated> nominated_of(const ObjectPtr& pod) {
  if (!pod || !needs_placement(*pod) || as<Pod>(*pod).status.nominated_node_name.empty()) return std::nullopt;
  return Nominated{as<Pod>(*pod).status.nominated_node_name, priority_of(*pod), footprint_of(*pod)};
}

}  // namespace

ClusterView::ClusterView(const Snapshot& snapshot) {
  for (const ObjectPtr& ns : snapshot.list(Kind::kNamespace)) namespaces_[ns->meta.name] = ns->meta.labels;
  for (const ObjectPtr& node : snapshot.list(Kind::kNode)) set_node(node->meta.name, node);
  for (const ObjectPtr& pod : snapshot.list(Kind::kPod)) {
    if (takes_room(*pod)) enter(*pod);
    if (std::optional<Nominated> waits = nominated_of(pod)) nominated_[pod->key()] = *std::move(waits);
  }
}

void ClusterView::apply(std::span<const Change> changes) {
  for (const Change& change : changes) apply(change);
}

void ClusterView::apply(const Change& change) {
  if (change.key.kind == Kind::kNode) return set_node(change.key.name, change.after);
  if (change.key.kind == Kind::kNamespace) {
    if (change.after) namespaces_[change.key.name] = change.after->meta.labels;
    else namespaces_.erase(change.key.name);
  }
  if (change.key.kind != Kind::kPod) return;
  bool stood = change.before && takes_room(*change.before);
  bool stands = change.after && takes_room(*change.after);
  if (stood || stands) follow_standing(stood ? change.before : nullptr, stands ? change.after : nullptr);
  follow_nominated(change);
}

// The new one first, so that a node that only this pod names keeps its slot.
void ClusterView::follow_standing(const ObjectPtr& before, const ObjectPtr& after) {
  if (before && after && same_to_others(*before, *after)) {
    add(slot_of(as<Pod>(*after).spec.node_name), footprint_of(*after));
    take(slot_of(as<Pod>(*before).spec.node_name), footprint_of(*before));
    return;
  }
  if (after) enter(*after);
  if (before) leave(*before);
}

void ClusterView::follow_nominated(const Change& change) {
  std::optional<Nominated> waits = nominated_of(change.after);
  if (waits) nominated_[change.key] = *std::move(waits);
  else if (!nominated_.empty()) nominated_.erase(change.key);
}

void ClusterView::enter(const Object& pod) {
  Slot slot = slot_of(as<Pod>(pod).spec.node_name);
  add(slot, footprint_of(pod));
  neighbours_.add(slot, profile_of(pod));
  ++priorities_[priority_of(pod)];
}

void ClusterView::leave(const Object& pod) {
  Slot slot = slot_of(as<Pod>(pod).spec.node_name);
  neighbours_.take(slot, profile_of(pod));
  auto priority = priorities_.find(priority_of(pod));
  ENSURE(priority != priorities_.end(), "a pod leaves whose priority was never counted");
  if (--priority->second == 0) priorities_.erase(priority);
  take(slot, footprint_of(pod));
}

std::optional<ClusterView::Slot> ClusterView::slot_at(const std::string& name) const {
  auto found = by_name_.find(name);
  return found != by_name_.end() ? std::optional(found->second) : std::nullopt;
}

const StringMap& ClusterView::namespace_labels(const std::string& ns) const {
  static const StringMap kNone;
  auto found = namespaces_.find(ns);
  return found != namespaces_.end() ? found->second : kNone;
}

std::optional<int32_t> ClusterView::lowest_priority() const {
  return priorities_.empty() ? std::nullopt : std::optional(priorities_.begin()->first);
}

const NodeState* ClusterView::find(std::string_view name) const {
  auto found = by_name_.find(std::string(name));
  return found != by_name_.end() && slots_[found->second].node ? &slots_[found->second] : nullptr;
}

const ClusterView::OwnerCounts* ClusterView::owner_counts(const std::string& owner) const {
  auto found = owners_.find(owner);
  return found != owners_.end() ? &found->second : nullptr;
}

void ClusterView::add(Slot slot, const Footprint& footprint) {
  NodeState& state = slots_[slot];
  mainstay::add(state.requested, footprint.requests);
  state.score_cpu_milli += footprint.score_cpu_milli;
  state.score_memory += footprint.score_memory;
  ++state.pods;
  for (const HostPort& port : footprint.ports) {
    state.ports.insert(std::upper_bound(state.ports.begin(), state.ports.end(), port), port);
  }
  if (!footprint.owner.empty()) ++owners_[footprint.owner][slot];
}

void ClusterView::take(Slot slot, const Footprint& footprint) {
  NodeState& state = slots_[slot];
  ENSURE(state.pods > 0, "a pod leaves a node that has none");
  subtract(state.requested, footprint.requests);
  state.score_cpu_milli -= footprint.score_cpu_milli;
  state.score_memory -= footprint.score_memory;
  --state.pods;
  for (const HostPort& port : footprint.ports) {
    auto held = std::lower_bound(state.ports.begin(), state.ports.end(), port);
    ENSURE(held != state.ports.end() && *held == port, "a pod gives back a host port that it did not hold");
    state.ports.erase(held);
  }
  if (!footprint.owner.empty()) {
    auto counts = owners_.find(footprint.owner);
    ENSURE(counts != owners_.end(), "an owner loses a pod that was never counted");
    auto count = counts->second.find(slot);
    ENSURE(count != counts->second.end(), "an owner loses a pod on a node where it had none");
    if (--count->second == 0) counts->second.erase(count);
    if (counts->second.empty()) owners_.erase(counts);
  }
  release_if_unused(slot);
}

ClusterView::Slot ClusterView::slot_of(const std::string& name) {
  auto found = by_name_.find(name);
  if (found != by_name_.end()) return found->second;
  Slot slot = static_cast<Slot>(slots_.size());
  if (free_.empty()) {
    slots_.emplace_back();
  } else {
    slot = free_.back();
    free_.pop_back();
  }
  slots_[slot].name = name;
  by_name_.emplace(name, slot);
  return slot;
}

void ClusterView::set_node(const std::string& name, ObjectPtr node) {
  Slot slot = slot_of(name);
  NodeState& state = slots_[slot];
  nodes_ += (node ? 1 : 0);
  nodes_ -= (state.node ? 1 : 0);
  if (node) {
    const Node& read = as<Node>(*node);
    const NodeStatus& status = read.status;
    const ResourceList& list = status.allocatable.empty() ? status.capacity : status.allocatable;
    const Quantity* pods = map_find(list, "pods");
    state.allocatable = amounts_of(list);
    state.pods_allowed = pods != nullptr ? pods->units() : 0;
    state.taints = effective_taints(read);
  } else {
    state.allocatable = {};
    state.pods_allowed = 0;
    state.taints.clear();
  }
  state.node = std::move(node);
  release_if_unused(slot);
}

void ClusterView::release_if_unused(Slot slot) {
  NodeState& state = slots_[slot];
  if (state.node || state.pods > 0) return;
  by_name_.erase(state.name);
  state = {};
  free_.push_back(slot);
}

std::string ClusterView::text() const {
  std::map<std::string, Slot> sorted(by_name_.begin(), by_name_.end());
  std::string out = std::to_string(nodes_) + " nodes\n";
  for (const auto& [name, slot] : sorted) {
    const NodeState& state = slots_[slot];
    out += name + (state.node ? "" : " (absent)") + ": allocatable ";
    append_amounts(out, state.allocatable);
    out += " pods " + std::to_string(state.pods_allowed) + "; requested ";
    append_amounts(out, state.requested);
    out += " pods " + std::to_string(state.pods) + "; score " + std::to_string(state.score_cpu_milli) + "m " +
           std::to_string(state.score_memory);
    for (const HostPort& port : state.ports) {
      out += " port " + port.ip + ":" + std::to_string(port.port) + "/" + port.protocol;
    }
    for (const Taint& taint : state.taints) {
      out += " taint " + taint.key + "=" + taint.value + ":" + taint.effect;
    }
    std::map<std::string, uint32_t> counts;
    for (const auto& [owner, nodes] : owners_) {
      if (auto count = nodes.find(slot); count != nodes.end()) counts[owner] = count->second;
    }
    for (const auto& [owner, count] : counts) out += " owner " + owner + "=" + std::to_string(count);
    for (const auto& [key, group] : neighbours_.groups()) {
      if (auto count = group.on.find(slot); count != group.on.end()) out += " " + text_of(key, count->second);
    }
    for (const auto& [key, wish] : neighbours_.wishes()) {
      if (auto count = wish.on.find(slot); count != wish.on.end()) out += " wish " + text_of(key, count->second);
    }
    out += "\n";
  }
  for (const auto& [priority, count] : priorities_) out += text_of(std::to_string(priority), count) + " of priority\n";
  for (const auto& [key, pod] : nominated_) {
    out += key.text() + " nominated to " + pod.node + ", priority " + std::to_string(pod.priority) + ", ";
    append_amounts(out, pod.footprint.requests);
    out += "\n";
  }
  for (const auto& [name, labels] : namespaces_) {
    out += "namespace " + name;
    for (const auto& [key, value] : labels) out += " " + key + "=" + value;
    out += "\n";
  }
  return out;
}

}  // namespace mainstay
