#include "reconciler/sched/class_key.h"

namespace mainstay {
namespace {

void append_number(std::string& out, int64_t number) {
  out.append(reinterpret_cast<const char*>(&number), sizeof number);
}

void append_term(std::string& out, const NodeSelectorTerm& term) {
  for (const auto* list : {&term.match_expressions, &term.match_fields}) {
    out += '[';
    for (const NodeSelectorRequirement& requirement : *list) {
      append_text(out, requirement.key);
      append_text(out, requirement.op);
      for (const std::string& value : requirement.values) append_text(out, value);
      out += ';';
    }
  }
}

void append_affinity(std::string& out, const PodSpec& spec) {
  if (!spec.affinity || !spec.affinity->node_affinity) return;
  const NodeAffinity& affinity = *spec.affinity->node_affinity;
  if (affinity.required_during_scheduling_ignored_during_execution) {
    out += 'R';
    const NodeSelector& required = *affinity.required_during_scheduling_ignored_during_execution;
    for (const NodeSelectorTerm& term : required.node_selector_terms) append_term(out, term);
  }
  for (const auto& preferred : affinity.preferred_during_scheduling_ignored_during_execution) {
    out += 'P';
    append_number(out, preferred.weight);
    append_term(out, preferred.preference);
  }
}

}  // namespace

std::string class_key(const PodSpec& spec, const Footprint& footprint, const PodProfile* profile) {
  std::string out;
  out.reserve(160);
  append_text(out, footprint.owner);
  for (int64_t number : {footprint.requests.cpu_milli, footprint.requests.memory,
                         footprint.requests.ephemeral_storage, footprint.score_cpu_milli,
                         footprint.score_memory}) {
    append_number(out, number);
  }
  for (const auto& [name, amount] : footprint.requests.extended) {
    append_text(out, name);
    append_number(out, amount);
  }
  out += '|';
  for (const HostPort& port : footprint.ports) {
    append_text(out, port.ip);
    append_text(out, port.protocol);
    append_number(out, port.port);
  }
  out += '|';
  for (const auto& [key, value] : spec.node_selector) append_text(out, key), append_text(out, value);
  out += '|';
  for (const Toleration& toleration : spec.tolerations) {
    append_text(out, toleration.key);
    append_text(out, toleration.op);
    append_text(out, toleration.value);
    append_text(out, toleration.effect);
  }
  out += '|';
  append_affinity(out, spec);
  if (profile == nullptr) return out;
  out += '|';
  append_text(out, profile->group);
  append_text(out, profile->wishes);
  return out;
}

}  // namespace mainstay
