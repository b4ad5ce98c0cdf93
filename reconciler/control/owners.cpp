#include "reconciler/control/owners.h"

#include <algorithm>

#include "reconciler/control/conditions.h"
#include "schema/selector.h"

namespace mainstay {

const OwnerReference* controller_of(const ObjectMeta& meta) {
  for (const OwnerReference& owner : meta.owner_references) {
    if (owner.controller.value_or(false)) return &owner;
  }
  return nullptr;
}

bool controlled_by(const ObjectMeta& meta, std::string_view owner_uid) {
  const OwnerReference* owner = controller_of(meta);
  return owner != nullptr && owner->uid == owner_uid;
}

OwnerReference controller_reference(const Object& owner) {
  OwnerReference reference;
  reference.api_version = owner.info().api_version();
  reference.kind = owner.info().kind;
  reference.name = owner.meta.name;
  reference.uid = owner.meta.uid;
  reference.controller = true;
  reference.block_owner_deletion = true;
  return reference;
}

bool remove_owner(ObjectMeta& meta, std::string_view owner_uid) {
  auto& owners = meta.owner_references;
  auto gone = std::remove_if(owners.begin(), owners.end(),
                             [&](const OwnerReference& owner) { return owner.uid == owner_uid; });
  bool found = gone != owners.end();
  owners.erase(gone, owners.end());
  return found;
}

bool selects(const Box<LabelSelector>& selector, const StringMap& labels) {
  if (!selector || (selector->match_labels.empty() && selector->match_expressions.empty())) return false;
  return matches(*selector, labels);
}

bool selects(const StringMap& selector, const StringMap& labels) {
  if (selector.empty()) return false;
  return std::all_of(selector.begin(), selector.end(), [&](const auto& wanted) {
    const std::string* value = map_find(labels, wanted.first);
    return value != nullptr && *value == wanted.second;
  });
}

bool is_finished(const Pod& pod) { return pod.status.phase == "Succeeded" || pod.status.phase == "Failed"; }

bool is_active(const Object& pod) {
  return pod.meta.deletion_timestamp == WallTime{} && !is_finished(as<Pod>(pod));
}

bool is_ready(const Pod& pod) { return condition_true(pod.status.conditions, "Ready"); }

std::optional<WallTime> ready_since(const Pod& pod) {
  const PodCondition* ready = find_condition(pod.status.conditions, "Ready");
  if (ready == nullptr || ready->status != "True") return std::nullopt;
  return ready->last_transition_time;
}

PodCounts count_pods(const std::vector<ObjectPtr>& active, const ReplicaSet& set, WallTime now) {
  PodCounts counts;
  const StringMap& wanted = set.spec.pod_template.metadata.labels;
  auto wait = std::chrono::seconds(set.spec.min_ready_seconds);
  for (const ObjectPtr& pod : active) {
    ++counts.active;
    if (wanted.empty() || selects(wanted, pod->meta.labels)) ++counts.fully_labeled;
    std::optional<WallTime> since = ready_since(as<Pod>(*pod));
    if (!since) continue;
    ++counts.ready;
    WallTime available = *since + wait;
    if (set.spec.min_ready_seconds == 0 || available <= now) {
      ++counts.available;
    } else if (!counts.next_available || available < *counts.next_available) {
      counts.next_available = available;
    }
  }
  return counts;
}

}  // namespace mainstay
