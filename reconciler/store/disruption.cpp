#include "reconciler/store/disruption.h"

#include <algorithm>
#include <charconv>
#include <set>

#include "schema/decode.h"

namespace mainstay {
namespace {

bool is_finished(const Pod& pod) { return pod.status.phase == "Succeeded" || pod.status.phase == "Failed"; }

ObjectPtr controller_of(const Snapshot& view, const Object& object) {
  for (const OwnerReference& reference : object.meta.owner_references) {
    if (reference.controller.value_or(false)) return view.find_uid(reference.uid);
  }
  return nullptr;
}

// Whose number of replicas counts for a pod: its Deployment's, not that of the ReplicaSet between them, as there are
// several in a rollout.
ObjectPtr scaled_owner(const Snapshot& view, const Object& pod) {
  ObjectPtr owner = controller_of(view, pod);
  if (!owner || owner->kind != Kind::kReplicaSet) return owner;
  ObjectPtr above = controller_of(view, *owner);
  return above && above->kind == Kind::kDeployment ? above : owner;
}

// How many pods the owner wants; nothing for one that has no number of replicas.
std::optional<int64_t> wanted_by(const Object& owner) {
  if (const Deployment* deployment = try_as<Deployment>(owner)) return deployment->spec.replicas.value_or(1);
  if (const ReplicaSet* set = try_as<ReplicaSet>(owner)) return set->spec.replicas.value_or(1);
  if (owner.info().typed()) return std::nullopt;
  const Value* replicas = generic_fields(owner).find_path({"spec", "replicas"});
  return replicas != nullptr && replicas->is_int() ? std::optional(replicas->as_int()) : std::nullopt;
}

// minAvailable or maxUnavailable, of `all`; percentages are rounded up.
std::optional<int64_t> amount_of(const Value* value, int64_t all) {
  if (value == nullptr) return std::nullopt;
  if (value->is_int()) return value->as_int();
  if (!value->is_string()) return std::nullopt;
  const std::string& text = value->as_string();
  int64_t percent = 0;
  auto [end, trouble] = std::from_chars(text.data(), text.data() + text.size(), percent);
  if (trouble != std::errc() || std::string_view(end) != "%") return std::nullopt;
  return (all * percent + 99) / 100;
}

struct Census {
  int64_t pods = 0;
  int64_t healthy = 0;
  int64_t wanted = 0;  // by the pods' owners; one that nobody wants in a number counts as itself
};

Census count_pods(const Snapshot& view, std::string_view ns, const Selector& selector) {
  Census out;
  std::set<std::string> owners;
  for (const ObjectPtr& pod : view.list(Kind::kPod, ns)) {
    if (!selector.matches(pod->meta.labels) || is_finished(as<Pod>(*pod))) continue;
    ++out.pods;
    out.healthy += is_healthy_pod(*pod) ? 1 : 0;
    ObjectPtr owner = scaled_owner(view, *pod);
    std::optional<int64_t> wanted = owner ? wanted_by(*owner) : std::nullopt;
    if (!wanted) ++out.wanted;
    else if (owners.insert(owner->meta.uid).second) out.wanted += *wanted;
  }
  return out;
}

}  // namespace

bool is_healthy_pod(const Object& pod) {
  const std::vector<PodCondition>& conditions = as<Pod>(pod).status.conditions;
  return pod.meta.deletion_timestamp == WallTime{} &&
         std::any_of(conditions.begin(), conditions.end(), [](const PodCondition& condition) {
           return condition.type == "Ready" && condition.status == "True";
         });
}

bool DisruptionBudget::covers(const Object& pod) const {
  return object->meta.ns == pod.meta.ns && pods.matches(pod.meta.labels);
}

std::optional<DisruptionBudget> disruption_budget(const Snapshot& view, const ObjectPtr& object) {
  const Value* spec = generic_fields(*object).find("spec");
  const Value* selector = spec != nullptr ? spec->find("selector") : nullptr;
  if (selector == nullptr) return std::nullopt;
  Diagnostics ignored;
  Result<Selector> pods = selector_of(decode_as<LabelSelector>(*selector, {}, Path(), ignored));
  if (!pods.ok()) return std::nullopt;
  DisruptionBudget out{object, *std::move(pods)};
  Census census = count_pods(view, object->meta.ns, out.pods);
  out.healthy = census.healthy;
  const Value* least = spec->find("minAvailable");
  if (std::optional<int64_t> lost = amount_of(spec->find("maxUnavailable"), census.wanted)) {
    out.expected = census.wanted;
    out.desired = std::max<int64_t>(0, census.wanted - *lost);
  } else if (std::optional<int64_t> kept = amount_of(least, census.wanted)) {
    out.expected = least->is_int() ? census.pods : census.wanted;
    out.desired = *kept;
  }
  out.allowed = out.expected > 0 ? std::max<int64_t>(0, out.healthy - out.desired) : 0;
  return out;
}

std::vector<DisruptionBudget> disruption_budgets(const Snapshot& view) {
  std::vector<DisruptionBudget> out;
  for (const ObjectPtr& object : view.list(Kind::kPodDisruptionBudget)) {
    if (std::optional<DisruptionBudget> budget = disruption_budget(view, object)) out.push_back(*std::move(budget));
  }
  return out;
}

bool take_from_budgets(std::vector<DisruptionBudget>& budgets, const Object& pod) {
  bool violated = false;
  for (DisruptionBudget& budget : budgets) {
    if (!budget.covers(pod)) continue;
    violated = violated || budget.allowed <= 0;
    --budget.allowed;
  }
  return violated;
}

}  // namespace mainstay
