#include "reconciler/sched/disruption.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>

#include "schema/decode.h"

namespace mainstay {
namespace {

bool is_finished(const Pod& pod) { return pod.status.phase == "Succeeded" || pod.status.phase == "Failed"; }

bool is_healthy(const Object& object) {
  const Pod& pod = as<Pod>(object);
  return object.meta.deletion_timestamp == WallTime{} &&
         std::any_of(pod.status.conditions.begin(), pod.status.conditions.end(), [](const PodCondition& condition) {
           return condition.type == "Ready" && condition.status == "True";
         });
}

// How many pods the owner wants; nothing for one that has no number of replicas.
std::optional<int64_t> wanted_by(const Object& owner) {
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

int64_t allowed_by(const Value& spec, const Snapshot& view, const std::string& ns, const Selector& selector) {
  int64_t healthy = 0, expected = 0;
  std::set<std::string> owners;
  for (const ObjectPtr& pod : view.list(Kind::kPod, ns)) {
    if (!selector.matches(pod->meta.labels) || is_finished(as<Pod>(*pod))) continue;
    healthy += is_healthy(*pod) ? 1 : 0;
    ObjectPtr owner;
    for (const OwnerReference& reference : pod->meta.owner_references) {
      if (reference.controller.value_or(false)) owner = view.find_uid(reference.uid);
    }
    std::optional<int64_t> wanted = owner ? wanted_by(*owner) : std::nullopt;
    if (!wanted) ++expected;
    else if (owners.insert(owner->meta.uid).second) expected += *wanted;
  }
  std::optional<int64_t> least = amount_of(spec.find("minAvailable"), expected);
  if (std::optional<int64_t> lost = amount_of(spec.find("maxUnavailable"), expected)) least = expected - *lost;
  return std::max<int64_t>(0, healthy - std::max<int64_t>(0, least.value_or(0)));
}

}  // namespace

std::vector<DisruptionBudget> disruption_budgets(const Snapshot& view) {
  std::vector<DisruptionBudget> out;
  for (const ObjectPtr& object : view.list(Kind::kPodDisruptionBudget)) {
    const Value* spec = generic_fields(*object).find("spec");
    const Value* selector = spec != nullptr ? spec->find("selector") : nullptr;
    if (selector == nullptr) continue;  // without a selector it means no pod
    Diagnostics ignored;
    Result<Selector> pods = selector_of(decode_as<LabelSelector>(*selector, {}, Path(), ignored));
    if (!pods.ok()) continue;
    int64_t allowed = allowed_by(*spec, view, object->meta.ns, *pods);
    out.push_back({object->meta.ns, *std::move(pods), allowed});
  }
  return out;
}

bool take_from_budgets(std::vector<DisruptionBudget>& budgets, const Object& pod) {
  bool violated = false;
  for (DisruptionBudget& budget : budgets) {
    if (budget.ns != pod.meta.ns || !budget.pods.matches(pod.meta.labels)) continue;
    violated = violated || budget.allowed <= 0;
    --budget.allowed;
  }
  return violated;
}

}  // namespace mainstay
