#include "reconciler/sched/filters.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace mainstay {
namespace {

std::optional<int64_t> integer(std::string_view text) {
  int64_t number = 0;
  auto [end, trouble] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (trouble != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return number;
}

bool contains(const std::vector<std::string>& values, std::string_view value) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

// `value` is null if the node has no such label or field.
bool matches(const NodeSelectorRequirement& requirement, const std::string* value) {
  const std::string& op = requirement.op;
  if (op == "In") return value != nullptr && contains(requirement.values, *value);
  if (op == "NotIn") return value == nullptr || !contains(requirement.values, *value);
  if (op == "Exists") return value != nullptr;
  if (op == "DoesNotExist") return value == nullptr;
  if ((op != "Gt" && op != "Lt") || value == nullptr || requirement.values.size() != 1) return false;
  std::optional<int64_t> mine = integer(*value), bound = integer(requirement.values[0]);
  if (!mine || !bound) return false;
  return op == "Gt" ? *mine > *bound : *mine < *bound;
}

const NodeAffinity* node_affinity(const PodSpec& spec) {
  return spec.affinity && spec.affinity->node_affinity ? &*spec.affinity->node_affinity : nullptr;
}

bool cordoned(const PodSpec& spec, const NodeState& state) {
  if (!as<Node>(*state.node).spec.unschedulable) return false;
  Taint taint;
  taint.key = "node.kubernetes.io/unschedulable";
  taint.effect = "NoSchedule";
  return !tolerates(spec.tolerations, taint);
}

const Taint* untolerated(const PodSpec& spec, const NodeState& state) {
  for (const Taint& taint : state.taints) {
    if (taint.effect != "NoSchedule" && taint.effect != "NoExecute") continue;
    if (!tolerates(spec.tolerations, taint)) return &taint;
  }
  return nullptr;
}

bool short_of(int64_t request, int64_t allocatable, int64_t requested) {
  return request > 0 && request > allocatable - requested;
}

int64_t amount(const Map<int64_t>& map, std::string_view name) {
  const int64_t* found = map_find(map, name);
  return found != nullptr ? *found : 0;
}

bool short_of_extended(const std::string& name, int64_t request, const NodeState& state) {
  return short_of(request, amount(state.allocatable.extended, name), amount(state.requested.extended, name));
}

}  // namespace

bool ports_free(const Footprint& footprint, const NodeState& state) {
  for (const HostPort& wanted : footprint.ports) {
    for (const HostPort& held : state.ports) {
      if (ports_clash(wanted, held)) return false;
    }
  }
  return true;
}

std::vector<Shortage> shortages(const Amounts& wanted, const NodeState& state) {
  std::vector<Shortage> out;
  auto look = [&](std::string_view resource, int64_t request, int64_t allocatable, int64_t requested) {
    if (!short_of(request, allocatable, requested)) return;
    out.push_back({std::string(resource), request, requested, allocatable});
  };
  const Amounts &has = state.allocatable, &used = state.requested;
  look("pods", 1, state.pods_allowed, state.pods);
  look("cpu", wanted.cpu_milli, has.cpu_milli, used.cpu_milli);
  look("memory", wanted.memory, has.memory, used.memory);
  look("ephemeral-storage", wanted.ephemeral_storage, has.ephemeral_storage, used.ephemeral_storage);
  for (const auto& [name, request] : wanted.extended) {
    look(name, request, amount(has.extended, name), amount(used.extended, name));
  }
  return out;
}

bool tolerates(const std::vector<Toleration>& tolerations, const Taint& taint) {
  return std::any_of(tolerations.begin(), tolerations.end(), [&](const Toleration& toleration) {
    if (!toleration.effect.empty() && toleration.effect != taint.effect) return false;
    if (!toleration.key.empty() && toleration.key != taint.key) return false;
    if (toleration.op == "Exists") return true;
    // Without a key only Exists tolerates; validation refuses the rest.
    return (toleration.op.empty() || toleration.op == "Equal") && !toleration.key.empty() &&
           toleration.value == taint.value;
  });
}

bool matches(const NodeSelectorTerm& term, const Object& node) {
  if (term.match_expressions.empty() && term.match_fields.empty()) return false;
  for (const NodeSelectorRequirement& requirement : term.match_expressions) {
    if (!matches(requirement, map_find(node.meta.labels, requirement.key))) return false;
  }
  for (const NodeSelectorRequirement& requirement : term.match_fields) {
    if (!matches(requirement, requirement.key == "metadata.name" ? &node.meta.name : nullptr)) return false;
  }
  return true;
}

bool node_suits(const PodSpec& spec, const NodeState& state) {
  return state.node && !cordoned(spec, state) && (spec.node_name.empty() || spec.node_name == state.name) &&
         untolerated(spec, state) == nullptr && node_selected(spec, *state.node);
}

bool node_has_room(const Footprint& footprint, const NodeState& state) {
  const Amounts& wanted = footprint.requests;
  if (state.pods + 1 > state.pods_allowed) return false;
  if (short_of(wanted.cpu_milli, state.allocatable.cpu_milli, state.requested.cpu_milli) ||
      short_of(wanted.memory, state.allocatable.memory, state.requested.memory) ||
      short_of(wanted.ephemeral_storage, state.allocatable.ephemeral_storage,
               state.requested.ephemeral_storage)) {
    return false;
  }
  for (const auto& [name, request] : wanted.extended) {
    if (short_of_extended(name, request, state)) return false;
  }
  return ports_free(footprint, state);
}

NodeRefusal refuse(const PodSpec& spec, const Footprint& footprint, const NodeState& state) {
  ENSURE(state.node != nullptr, "only nodes that exist refuse pods");
  if (cordoned(spec, state)) return {kCureNode, {"node(s) were unschedulable"}};
  if (!spec.node_name.empty() && spec.node_name != state.name) {
    return {kCureNode, {"node(s) didn't match the requested node name"}};
  }
  if (const Taint* taint = untolerated(spec, state)) {
    return {kCureNode, {"node(s) had untolerated taint {" + taint->key + ": " + taint->value + "}"}};
  }
  if (!node_selected(spec, *state.node)) return {kCureNode, {"node(s) didn't match Pod's node affinity/selector"}};
  if (!ports_free(footprint, state)) {
    return {kCureRoom, {"node(s) didn't have free ports for the requested pod ports"}};
  }
  std::vector<Shortage> found = shortages(footprint.requests, state);
  if (found.empty()) return {};
  NodeRefusal out{kCureRoom, {}};
  for (const Shortage& one : found) {
    out.reasons.push_back(one.resource == "pods" ? "Too many pods" : "Insufficient " + one.resource);
  }
  return out;
}

NodeRefusal refuse(CompanyVerdict verdict) {
  if (verdict == CompanyVerdict::kFits) return {};
  uint8_t cure = verdict == CompanyVerdict::kSpreadLabel ? kCureNode : kCureCompany;
  return {cure, {std::string(company_reason(verdict))}};
}

bool node_selected(const PodSpec& spec, const Object& node) {
  for (const auto& [key, value] : spec.node_selector) {
    const std::string* label = map_find(node.meta.labels, key);
    if (label == nullptr || *label != value) return false;
  }
  const NodeAffinity* affinity = node_affinity(spec);
  if (affinity == nullptr || !affinity->required_during_scheduling_ignored_during_execution) return true;
  const auto& terms = affinity->required_during_scheduling_ignored_during_execution->node_selector_terms;
  return std::any_of(terms.begin(), terms.end(),
                     [&](const NodeSelectorTerm& term) { return mainstay::matches(term, node); });
}

bool taints_tolerated(const PodSpec& spec, const NodeState& state) { return untolerated(spec, state) == nullptr; }

bool is_gated(const PodSpec& spec) { return !spec.scheduling_gates.empty(); }

}  // namespace mainstay
