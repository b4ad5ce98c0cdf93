#include "reconciler/sched/company.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>
#include <utility>

#include "reconciler/sched/filters.h"
#include "reconciler/sched/scores.h"

namespace mainstay {
namespace {

constexpr std::string_view kHostname = "kubernetes.io/hostname";
// What a pod's required affinity adds to the score of a node for the pods that it means (hardPodAffinityWeight).
constexpr int64_t kRequiredAffinityScore = 1;

// How much one more pod that wishes this, or is wished for, adds to the score of its place. Nothing for own required
// terms: they are filters.
int64_t own_weight(const WishedTerm& wish) {
  if (wish.use == TermUse::kPreferred) return wish.weight;
  return wish.use == TermUse::kPreferredAnti ? -wish.weight : 0;
}

int64_t others_weight(const WishedTerm& wish) {
  return wish.use == TermUse::kRequired ? kRequiredAffinityScore : own_weight(wish);
}

}  // namespace

const Topology& Topologies::of(const std::string& key) {
  auto [entry, fresh] = known_.try_emplace(key);
  Topology& out = entry->second;
  if (!fresh) return out;
  out.key = key;
  out.domain_of.reserve(view_.slots().size());
  std::unordered_map<std::string_view, int32_t> numbers;
  for (const NodeState& state : view_.slots()) {
    const std::string* value = state.node ? map_find(state.node->meta.labels, key) : nullptr;
    if (value == nullptr) {
      out.domain_of.push_back(-1);
      continue;
    }
    out.domain_of.push_back(numbers.try_emplace(*value, static_cast<int32_t>(numbers.size())).first->second);
  }
  out.domains = numbers.size();
  return out;
}

std::string_view company_reason(CompanyVerdict verdict) {
  switch (verdict) {
    case CompanyVerdict::kFits: return {};
    case CompanyVerdict::kSpreadLabel:
      return "node(s) didn't match pod topology spread constraints (missing required label)";
    case CompanyVerdict::kSpread: return "node(s) didn't match pod topology spread constraints";
    case CompanyVerdict::kAffinity: return "node(s) didn't match pod affinity rules";
    case CompanyVerdict::kAntiAffinity: return "node(s) didn't match pod anti-affinity rules";
    case CompanyVerdict::kOthersAntiAffinity: return "node(s) didn't satisfy existing pods anti-affinity rules";
  }
  return {};
}

bool is_meant(const ClusterView& view, const PodProfile& profile, const PodProfile& other) {
  return std::any_of(other.terms.begin(), other.terms.end(), [&](const WishedTerm& wish) {
    return means(wish.term, profile.ns, profile.labels, view.namespace_labels(profile.ns));
  });
}

bool minds_company(const ClusterView& view, const PodProfile& profile) {
  if (!profile.wishes.empty()) return true;
  const StringMap& mine = view.namespace_labels(profile.ns);
  return std::any_of(view.neighbours().wishes().begin(), view.neighbours().wishes().end(), [&](const auto& entry) {
    return means(entry.second.wish.term, profile.ns, profile.labels, mine);
  });
}

Company::Company(const ClusterView& view, const PodSpec& spec, const PodProfile& profile, Topologies& topologies)
    : view_(view), profile_(profile), topologies_(topologies), my_namespace_labels_(view.namespace_labels(profile.ns)) {
  for (const WishedTerm& wish : profile.terms) {
    if (wish.use == TermUse::kRequired) {
      required_.push_back(&wish);
      affinity_.push_back(counter(wish.term.topology_key));
    }
    if (wish.use == TermUse::kRequiredAnti) counter_in(anti_, wish.term.topology_key);
  }
  suits_itself_ = std::all_of(required_.begin(), required_.end(),
                              [&](const WishedTerm* wish) { return means_me(wish->term); });
  prepare_spread(spec);
  for (const auto& [key, group] : view.neighbours().groups()) {
    if (!concerns_me(group.pods)) continue;
    for (const auto& [slot, pods] : group.on) {
      change_by_own_wishes(slot, group.pods.ns, group.pods.labels, pods);
      change_spread(slot, group.pods, pods);
    }
  }
  for (const auto& [key, entry] : view.neighbours().wishes()) {
    if (!means_me(entry.wish.term)) continue;
    for (const auto& [slot, pods] : entry.on) change_by_others_wish(slot, entry.wish, pods);
  }
}

// Most groups of a large cluster do not: they are passed over as a whole.
bool Company::concerns_me(const PodProfile& pods) const {
  return std::any_of(profile_.terms.begin(), profile_.terms.end(),
                     [&](const WishedTerm& wish) {
                       return means(wish.term, pods.ns, pods.labels, view_.namespace_labels(pods.ns));
                     }) ||
         std::any_of(profile_.spread.begin(), profile_.spread.end(),
                     [&](const SpreadTerm& term) { return counts(term, profile_.ns, pods); });
}

void Company::change(Slot slot, const PodProfile& other, int by) {
  change_by_own_wishes(slot, other.ns, other.labels, by);
  change_spread(slot, other, by);
  for (const WishedTerm& wish : other.terms) {
    if (means_me(wish.term)) change_by_others_wish(slot, wish, by);
  }
}

Company::Counter Company::counter(const std::string& key) const {
  Counter out;
  out.topology = &topologies_.of(key);
  out.in.resize(out.topology->domains);
  return out;
}

Company::Counter& Company::counter_in(std::deque<Counter>& list, const std::string& key) {
  for (Counter& known : list) {
    if (known.topology->key == key) return known;
  }
  return list.emplace_back(counter(key));
}

bool Company::means_me(const PodTerm& term) const {
  return means(term, profile_.ns, profile_.labels, my_namespace_labels_);
}

// A constraint counts the pods on nodes that have the labels of all constraints of its sort, and that the pod could
// use as far as the constraint's policies say so.
void Company::prepare_spread(const PodSpec& spec) {
  for (const SpreadTerm& term : profile_.spread) {
    Spread spread;
    spread.term = &term;
    spread.counter = counter(term.topology_key);
    spread.counts_self = counts(term, profile_.ns, profile_);
    spread_.push_back(std::move(spread));
  }
  for (Spread& spread : spread_) {
    spread.members.resize(spread.counter.topology->domains);
    spread.eligible.resize(view_.slots().size());
    if (!spread.term->hard && spread.term->topology_key == kHostname) spread.on.resize(view_.slots().size());
    for (Slot slot = 0; slot < view_.slots().size(); ++slot) {
      const NodeState& state = view_.slots()[slot];
      if (!state.node) continue;
      bool has_all = std::all_of(spread_.begin(), spread_.end(), [&](const Spread& other) {
        return other.term->hard != spread.term->hard || other.counter.topology->domain_of[slot] >= 0;
      });
      if (!has_all || (spread.term->honor_affinity && !node_selected(spec, *state.node)) ||
          (spread.term->honor_taints && !taints_tolerated(spec, state))) {
        continue;
      }
      spread.eligible[slot] = true;
      ++spread.members[static_cast<size_t>(spread.counter.topology->domain_of[slot])];
    }
  }
}

void Company::change_by_own_wishes(Slot slot, const std::string& ns, const StringMap& labels, int64_t by) {
  if (profile_.terms.empty()) return;
  const StringMap& namespace_labels = view_.namespace_labels(ns);
  auto is_other_meant = [&](const WishedTerm& wish) { return means(wish.term, ns, labels, namespace_labels); };
  auto add_at = [&](Counter& counter) {
    int32_t domain = counter.topology->domain_of[slot];
    if (domain >= 0) counter.in[static_cast<size_t>(domain)] += by;
    return domain >= 0 ? by : 0;
  };
  bool all = !required_.empty() &&
             std::all_of(required_.begin(), required_.end(), [&](auto* wish) { return is_other_meant(*wish); });
  for (size_t i = 0; all && i < affinity_.size(); ++i) affinity_pods_ += add_at(affinity_[i]);
  for (const WishedTerm& wish : profile_.terms) {
    if (wish.use == TermUse::kRequired || !is_other_meant(wish)) continue;
    if (wish.use == TermUse::kRequiredAnti) {
      add_at(counter_in(anti_, wish.term.topology_key));
      continue;
    }
    Counter& sum = counter_in(wishes_, wish.term.topology_key);
    int32_t domain = sum.topology->domain_of[slot];
    if (domain >= 0) sum.in[static_cast<size_t>(domain)] += by * own_weight(wish);
  }
}

// `wish` means me.
void Company::change_by_others_wish(Slot slot, const WishedTerm& wish, int64_t by) {
  bool keeps_away = wish.use == TermUse::kRequiredAnti;
  Counter& sum = counter_in(keeps_away ? others_anti_ : wishes_, wish.term.topology_key);
  int32_t domain = sum.topology->domain_of[slot];
  if (domain >= 0) sum.in[static_cast<size_t>(domain)] += keeps_away ? by : by * others_weight(wish);
}

void Company::change_spread(Slot slot, const PodProfile& other, int64_t by) {
  for (Spread& spread : spread_) {
    bool by_host = !spread.on.empty();
    if ((!by_host && !spread.eligible[slot]) || !counts(*spread.term, profile_.ns, other)) continue;
    if (by_host) {
      spread.on[slot] = static_cast<uint32_t>(spread.on[slot] + by);
    } else {
      spread.counter.in[static_cast<size_t>(spread.counter.topology->domain_of[slot])] += by;
      spread.stale = true;
    }
  }
}

int64_t Company::least_of(const Spread& spread) {
  int64_t least = INT32_MAX;
  int32_t domains = 0;
  for (size_t domain = 0; domain < spread.members.size(); ++domain) {
    if (spread.members[domain] == 0) continue;
    ++domains;
    least = std::min(least, spread.counter.in[domain]);
  }
  return domains < spread.term->min_domains ? 0 : least;
}

CompanyVerdict Company::check_spread(Slot slot) const {
  for (Spread& spread : spread_) {
    if (!spread.term->hard) continue;
    int32_t domain = spread.counter.topology->domain_of[slot];
    if (domain < 0) return CompanyVerdict::kSpreadLabel;
    if (spread.stale) spread.least = least_of(spread), spread.stale = false;
    int64_t there = spread.counter.in[static_cast<size_t>(domain)] + (spread.counts_self ? 1 : 0);
    if (there - spread.least > spread.term->max_skew) return CompanyVerdict::kSpread;
  }
  return CompanyVerdict::kFits;
}

// The first pod of a group that wants to be together may go anywhere.
bool Company::has_affinity(Slot slot) const {
  bool found = true;
  for (const Counter& pods : affinity_) {
    if (pods.topology->domain_of[slot] < 0) return false;
    found = found && pods.at(slot) > 0;
  }
  return found || (affinity_pods_ == 0 && suits_itself_);
}

CompanyVerdict Company::check(Slot slot) const {
  CompanyVerdict spread = check_spread(slot);
  if (spread != CompanyVerdict::kFits) return spread;
  if (!has_affinity(slot)) return CompanyVerdict::kAffinity;
  auto stand_there = [&](const Counter& pods) { return pods.at(slot) > 0; };
  if (std::any_of(anti_.begin(), anti_.end(), stand_there)) return CompanyVerdict::kAntiAffinity;
  if (std::any_of(others_anti_.begin(), others_anti_.end(), stand_there)) return CompanyVerdict::kOthersAntiAffinity;
  return CompanyVerdict::kFits;
}

void Company::add_scores(const std::vector<Slot>& feasible, std::vector<int32_t>& scores) const {
  if (!wishes_.empty()) add_wish_scores(feasible, scores);
  bool soft = std::any_of(spread_.begin(), spread_.end(), [](const Spread& spread) { return !spread.term->hard; });
  if (soft) add_spread_scores(feasible, scores);
}

void Company::add_wish_scores(const std::vector<Slot>& feasible, std::vector<int32_t>& scores) const {
  std::vector<int64_t> sums;
  sums.reserve(feasible.size());
  for (Slot slot : feasible) {
    int64_t sum = 0;
    for (const Counter& part : wishes_) sum += part.at(slot);
    sums.push_back(sum);
  }
  if (sums.empty()) return;
  auto [least, most] = std::minmax_element(sums.begin(), sums.end());
  int64_t low = *least, span = *most - low;
  if (span == 0) return;
  for (size_t i = 0; i < sums.size(); ++i) {
    scores[i] += kCompanyWeight * static_cast<int32_t>((sums[i] - low) * 100 / span);
  }
}

void Company::add_spread_scores(const std::vector<Slot>& feasible, std::vector<int32_t>& scores) const {
  auto ignored = [&](Slot slot) {
    return std::any_of(spread_.begin(), spread_.end(), [&](const Spread& spread) {
      return !spread.term->hard && spread.counter.topology->domain_of[slot] < 0;
    });
  };
  std::vector<Slot> scored;
  std::copy_if(feasible.begin(), feasible.end(), std::back_inserter(scored), [&](Slot slot) { return !ignored(slot); });
  std::vector<double> sums(feasible.size());
  for (const Spread& spread : spread_) {
    if (spread.term->hard) continue;
    const Topology& topology = *spread.counter.topology;
    std::vector<bool> seen(topology.domains);
    size_t places = 0;
    for (Slot slot : scored) {
      auto domain = static_cast<size_t>(topology.domain_of[slot]);
      places += seen[domain] ? 0 : 1;
      seen[domain] = true;
    }
    // More places weigh more, as each holds fewer pods. Hosts are counted as they are.
    double weight = std::log(static_cast<double>(spread.on.empty() ? places : scored.size()) + 2);
    for (size_t i = 0; i < feasible.size(); ++i) {
      Slot slot = feasible[i];
      if (topology.domain_of[slot] < 0) continue;
      int64_t pods = spread.on.empty() ? spread.counter.at(slot) : spread.on[slot];
      sums[i] += static_cast<double>(pods) * weight + (spread.term->max_skew - 1);
    }
  }
  int64_t least = INT64_MAX, most = 0;
  for (size_t i = 0; i < feasible.size(); ++i) {
    if (ignored(feasible[i])) continue;
    least = std::min<int64_t>(least, std::llround(sums[i]));
    most = std::max<int64_t>(most, std::llround(sums[i]));
  }
  for (size_t i = 0; i < feasible.size(); ++i) {
    if (ignored(feasible[i])) continue;
    int64_t score = most == 0 ? 100 : 100 * (most + least - std::llround(sums[i])) / most;
    scores[i] += kSpreadWeight * static_cast<int32_t>(score);
  }
}

}  // namespace mainstay
