#include "reconciler/sched/placement.h"

#include <algorithm>
#include <map>
#include <optional>
#include <unordered_map>
#include <utility>

#include "reconciler/sched/scores.h"
#include "reconciler/sched/tournament.h"

namespace mainstay {
namespace {

using Slot = ClusterView::Slot;

// A table of candidates holds some bytes per node; more kinds of pods than this at once share by eviction.
constexpr size_t kTablesAtOnce = 64;
constexpr int32_t kNever = -1;  // lower than any score

void append_text(std::string& out, std::string_view text) {
  out += std::to_string(text.size());
  out += ':';
  out += text;
}

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

// Equal for two pods exactly if every filter and every score treats them alike.
std::string class_key(const PodSpec& spec, const Footprint& footprint) {
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
  return out;
}

uint32_t count_on(const ClusterView::OwnerCounts* counts, Slot slot) {
  if (counts == nullptr) return 0;
  auto found = counts->find(slot);
  return found != counts->end() ? found->second : 0;
}

// All nodes as candidates for one class of pods, and the best of them at any time.
class Candidates {
 public:
  Candidates(const ClusterView& view, const PodSpec& spec, const Footprint& footprint, size_t touched)
      : fixed_(fixed_scores(view, spec)), best_(all_scores(view, footprint)), seen_(touched) {}

  // Catches up with the bindings made since the last call; `touched` is the list of nodes they went to.
  void refresh(const ClusterView& view, const Footprint& footprint, const std::vector<Slot>& touched) {
    if (touched.size() - seen_ >= fixed_.size()) {
      best_ = Tournament(all_scores(view, footprint));
    } else {
      const auto* counts = view.owner_counts(footprint.owner);
      for (size_t i = seen_; i < touched.size(); ++i) {
        best_.set(touched[i], score(view, footprint, counts, touched[i]));
      }
    }
    seen_ = touched.size();
  }

  std::optional<Slot> pick(Rng& rng) const {
    if (best_.best() < 0) return std::nullopt;
    uint32_t ties = best_.ties();
    return best_.winner(ties == 1 ? 0 : static_cast<uint32_t>(rng.below(ties)));
  }

 private:
  static std::vector<int32_t> fixed_scores(const ClusterView& view, const PodSpec& spec) {
    std::vector<int32_t> out;
    out.reserve(view.slots().size());
    for (const NodeState& state : view.slots()) {
      out.push_back(node_suits(spec, state) ? fixed_score(spec, state) : kNever);
    }
    return out;
  }

  int32_t score(const ClusterView& view, const Footprint& footprint, const ClusterView::OwnerCounts* counts,
                Slot slot) const {
    const NodeState& state = view.slots()[slot];
    if (fixed_[slot] == kNever || !node_has_room(footprint, state)) return kNever;
    return fixed_[slot] + moving_score(footprint, state, count_on(counts, slot));
  }

  std::vector<int32_t> all_scores(const ClusterView& view, const Footprint& footprint) const {
    const auto* counts = view.owner_counts(footprint.owner);
    std::vector<int32_t> out;
    out.reserve(fixed_.size());
    for (Slot slot = 0; slot < fixed_.size(); ++slot) out.push_back(score(view, footprint, counts, slot));
    return out;
  }

  std::vector<int32_t> fixed_;
  Tournament best_;
  size_t seen_;
};

// Pods that every filter and score treats alike.
struct PodClass {
  Footprint footprint;
  size_t waiting = 0;  // pods of it still to place
  std::optional<Candidates> candidates;
  size_t last_use = 0;
  // The refusal of the last pod of it, true as long as no binding was made since.
  std::optional<Unplaced> refusal;
  size_t refused_at = 0;
};

struct Waiting {
  ObjectPtr pod;
  PodClass* of = nullptr;
};

bool goes_first(const ObjectPtr& a, const ObjectPtr& b) {
  int32_t first = as<Pod>(*a).spec.priority.value_or(0), second = as<Pod>(*b).spec.priority.value_or(0);
  if (first != second) return first > second;
  if (a->meta.creation_timestamp != b->meta.creation_timestamp) {
    return a->meta.creation_timestamp < b->meta.creation_timestamp;
  }
  return std::tie(a->meta.ns, a->meta.name) < std::tie(b->meta.ns, b->meta.name);
}

// One call of place().
class Run {
 public:
  Run(ClusterView& view, Rng& rng) : view_(view), rng_(rng) {}
  ~Run() {
    for (size_t i = 0; i < touched_.size(); ++i) view_.take(touched_[i], footprints_[i]->footprint);
  }

  Placement operator()(std::vector<ObjectPtr> pods) {
    std::sort(pods.begin(), pods.end(), goes_first);
    std::vector<Waiting> queue;
    queue.reserve(pods.size());
    for (ObjectPtr& pod : pods) {
      if (std::optional<Unplaced> never = refused_at_once(pod)) out_.unplaced.push_back(std::move(*never));
      else queue.push_back({pod, &classify(*pod)});
    }
    for (Waiting& next : queue) place_one(next);
    return std::move(out_);
  }

 private:
  static std::optional<Unplaced> refused_at_once(const ObjectPtr& pod) {
    const PodSpec& spec = as<Pod>(*pod).spec;
    if (is_gated(spec)) {
      std::string why = "Scheduling is blocked due to non-empty scheduling gates";
      return Unplaced{pod, "SchedulingGated", std::make_shared<const std::string>(std::move(why)), 0};
    }
    std::string why = not_yet_supported(spec);
    if (why.empty()) return std::nullopt;
    return Unplaced{pod, "Unschedulable", std::make_shared<const std::string>(std::move(why)), 0};
  }

  PodClass& classify(const Object& pod) {
    Footprint footprint = footprint_of(pod);
    PodClass& found = classes_[class_key(as<Pod>(pod).spec, footprint)];
    if (found.waiting++ == 0) found.footprint = std::move(footprint);
    return found;
  }

  void place_one(const Waiting& next) {
    PodClass& of = *next.of;
    if (of.refusal && of.refused_at == touched_.size()) return refuse_again(next);
    std::optional<Slot> slot = candidates_of(of, *next.pod).pick(rng_);
    if (slot) {
      view_.add(*slot, of.footprint);
      touched_.push_back(*slot);
      footprints_.push_back(&of);
      out_.bindings.push_back({next.pod, view_.slots()[*slot].name});
    } else {
      Summary why = summarize_refusals(view_, as<Pod>(*next.pod).spec, of.footprint);
      auto message = std::make_shared<const std::string>(std::move(why.message));
      of.refusal = Unplaced{next.pod, "Unschedulable", std::move(message), why.cures};
      of.refused_at = touched_.size();
      out_.unplaced.push_back(*of.refusal);
    }
    finish_one(of);
  }

  void refuse_again(const Waiting& next) {
    out_.unplaced.push_back(*next.of->refusal);
    out_.unplaced.back().pod = next.pod;
    finish_one(*next.of);
  }

  Candidates& candidates_of(PodClass& of, const Object& pod) {
    of.last_use = ++uses_;
    if (of.candidates) {
      of.candidates->refresh(view_, of.footprint, touched_);
      return *of.candidates;
    }
    if (tables_.size() == kTablesAtOnce) {
      auto used_before = [](const PodClass* a, const PodClass* b) { return a->last_use < b->last_use; };
      auto oldest = std::min_element(tables_.begin(), tables_.end(), used_before);
      (*oldest)->candidates.reset();
      tables_.erase(oldest);
    }
    tables_.push_back(&of);
    return of.candidates.emplace(view_, as<Pod>(pod).spec, of.footprint, touched_.size());
  }

  void finish_one(PodClass& of) {
    if (--of.waiting > 0 || !of.candidates) return;
    of.candidates.reset();
    std::erase(tables_, &of);
  }

  ClusterView& view_;
  Rng& rng_;
  Placement out_;
  std::unordered_map<std::string, PodClass> classes_;
  std::vector<PodClass*> tables_;  // those whose candidates are in memory
  std::vector<Slot> touched_;      // where each binding went, in order
  std::vector<const PodClass*> footprints_;  // parallel to touched_
  size_t uses_ = 0;
};

}  // namespace

Placement place(ClusterView& view, std::vector<ObjectPtr> pods, Rng& rng) {
  return Run(view, rng)(std::move(pods));
}

Summary summarize_refusals(const ClusterView& view, const PodSpec& spec, const Footprint& footprint) {
  if (view.node_count() == 0) return {"no nodes available to schedule pods", kCureNode};
  Summary out;
  std::map<std::string, size_t> counts;
  for (const NodeState& state : view.slots()) {
    if (!state.node) continue;
    NodeRefusal refusal = refuse(spec, footprint, state);
    out.cures |= refusal.cures;
    for (std::string& reason : refusal.reasons) ++counts[std::move(reason)];
  }
  // Kubernetes sorts the finished texts, numbers included.
  std::vector<std::string> texts;
  for (const auto& [reason, count] : counts) texts.push_back(std::to_string(count) + " " + reason);
  std::sort(texts.begin(), texts.end());
  out.message = "0/" + std::to_string(view.node_count()) + " nodes are available: ";
  for (size_t i = 0; i < texts.size(); ++i) out.message += (i > 0 ? ", " : "") + texts[i];
  out.message += ".";
  out.cures |= kCureNode;  // one more node may always help
  return out;
}

std::vector<NodeVerdict> explain(const ClusterView& view, const Object& pod) {
  const PodSpec& spec = as<Pod>(pod).spec;
  Footprint footprint = footprint_of(pod);
  const auto* counts = view.owner_counts(footprint.owner);
  std::vector<NodeVerdict> out;
  for (Slot slot = 0; slot < view.slots().size(); ++slot) {
    const NodeState& state = view.slots()[slot];
    if (!state.node) continue;
    NodeVerdict verdict{state.name, refuse(spec, footprint, state).reasons, 0};
    if (verdict.reasons.empty()) {
      verdict.score = fixed_score(spec, state) + moving_score(footprint, state, count_on(counts, slot));
    }
    out.push_back(std::move(verdict));
  }
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.node < b.node; });
  return out;
}

}  // namespace mainstay
