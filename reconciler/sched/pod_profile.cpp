#include "reconciler/sched/pod_profile.h"

#include <algorithm>
#include <utility>

namespace mainstay {
namespace {

using Keys = std::vector<std::string>;

// A selector that validation would not let in means nothing.
std::optional<Selector> selector_in(const Box<LabelSelector>& selector) {
  if (!selector) return std::nullopt;
  Result<Selector> out = selector_of(*selector);
  return out.ok() ? std::optional(*std::move(out)) : std::nullopt;
}

// matchLabelKeys and mismatchLabelKeys: the pod's own value of the label, or any other. A label the pod does not have
// asks for nothing.
void add_label_keys(std::optional<Selector>& selector, const Keys& keys, Requirement::Op op,
                    const StringMap& labels) {
  if (!selector) return;
  for (const std::string& key : keys) {
    const std::string* value = map_find(labels, key);
    if (value != nullptr) selector->all.push_back({key, op, {*value}});
  }
}

void append_selector(std::string& out, const std::optional<Selector>& selector) {
  append_text(out, selector ? selector->text() : "\n");
}

WishedTerm wished(const PodAffinityTerm& from, TermUse use, int32_t weight, const ObjectMeta& meta) {
  WishedTerm out;
  out.use = use;
  out.weight = weight;
  PodTerm& term = out.term;
  term.namespaces = from.namespaces;
  std::sort(term.namespaces.begin(), term.namespaces.end());
  term.namespace_selector = selector_in(from.namespace_selector);
  if (term.namespaces.empty() && !from.namespace_selector) term.namespaces = {meta.ns};
  term.selector = selector_in(from.label_selector);
  add_label_keys(term.selector, from.match_label_keys, Requirement::Op::kIn, meta.labels);
  add_label_keys(term.selector, from.mismatch_label_keys, Requirement::Op::kNotIn, meta.labels);
  term.topology_key = from.topology_key;
  out.key = std::to_string(static_cast<int>(use)) + " " + std::to_string(weight) + " ";
  append_text(out.key, term.topology_key);
  append_selector(out.key, term.selector);
  append_selector(out.key, term.namespace_selector);
  for (const std::string& ns : term.namespaces) append_text(out.key, ns);
  return out;
}

// PodAffinity and PodAntiAffinity are made alike.
template <typename Wishes>
void add_terms(PodProfile& out, const Wishes& wishes, TermUse required, TermUse preferred,
               const ObjectMeta& meta) {
  for (const PodAffinityTerm& term : wishes.required_during_scheduling_ignored_during_execution) {
    out.terms.push_back(wished(term, required, 0, meta));
  }
  for (const WeightedPodAffinityTerm& term : wishes.preferred_during_scheduling_ignored_during_execution) {
    out.terms.push_back(wished(term.pod_affinity_term, preferred, term.weight, meta));
  }
}

SpreadTerm spread_term(const TopologySpreadConstraint& from, const ObjectMeta& meta) {
  SpreadTerm out;
  out.topology_key = from.topology_key;
  out.max_skew = from.max_skew;
  out.min_domains = from.min_domains.value_or(1);
  out.hard = from.when_unsatisfiable == "DoNotSchedule";
  out.honor_affinity = from.node_affinity_policy != "Ignore";
  out.honor_taints = from.node_taints_policy == "Honor";
  out.selector = selector_in(from.label_selector);
  add_label_keys(out.selector, from.match_label_keys, Requirement::Op::kIn, meta.labels);
  return out;
}

void append_spread(std::string& out, const SpreadTerm& term) {
  append_text(out, term.topology_key);
  out += std::to_string(term.max_skew) + " " + std::to_string(term.min_domains) + " ";
  for (bool flag : {term.hard, term.honor_affinity, term.honor_taints}) out += flag ? '1' : '0';
  append_selector(out, term.selector);
}

}  // namespace

void append_text(std::string& out, std::string_view text) {
  out += std::to_string(text.size());
  out += ':';
  out += text;
}

PodProfile profile_of(const Object& object) {
  const PodSpec& spec = as<Pod>(object).spec;
  PodProfile out;
  out.ns = object.meta.ns;
  out.labels = object.meta.labels;
  out.leaving = object.meta.deletion_timestamp != WallTime{};
  if (spec.affinity && spec.affinity->pod_affinity) {
    add_terms(out, *spec.affinity->pod_affinity, TermUse::kRequired, TermUse::kPreferred, object.meta);
  }
  if (spec.affinity && spec.affinity->pod_anti_affinity) {
    add_terms(out, *spec.affinity->pod_anti_affinity, TermUse::kRequiredAnti, TermUse::kPreferredAnti, object.meta);
  }
  for (const TopologySpreadConstraint& constraint : spec.topology_spread_constraints) {
    out.spread.push_back(spread_term(constraint, object.meta));
  }
  append_text(out.group, out.ns);
  for (const auto& [key, value] : out.labels) append_text(out.group, key), append_text(out.group, value);
  if (out.leaving) out.group += '-';
  for (const WishedTerm& term : out.terms) append_text(out.wishes, term.key);
  for (const SpreadTerm& term : out.spread) append_spread(out.wishes, term);
  return out;
}

bool has_wishes(const PodSpec& spec) {
  if (!spec.topology_spread_constraints.empty()) return true;
  return spec.affinity && (spec.affinity->pod_affinity || spec.affinity->pod_anti_affinity);
}

bool means(const PodTerm& term, std::string_view ns, const StringMap& labels, const StringMap& namespace_labels) {
  if (!term.selector) return false;
  bool in_place = std::binary_search(term.namespaces.begin(), term.namespaces.end(), ns) ||
                  (term.namespace_selector && term.namespace_selector->matches(namespace_labels));
  return in_place && term.selector->matches(labels);
}

bool counts(const SpreadTerm& term, std::string_view ns, const PodProfile& other) {
  return term.selector && !other.leaving && other.ns == ns && term.selector->matches(other.labels);
}

}  // namespace mainstay
