// Company: what the pods that stand already mean for one kind of pod: its affinity, anti-affinity and topology spread,
// and what the others wish of it. Kept up to date pod by pod while others are being placed; each node is asked by
// looking at a few counts. Source of the rules: Kubernetes' plugins InterPodAffinity and PodTopologySpread.
// Core thread only.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "reconciler/sched/cluster_view.h"

namespace mainstay {

// The nodes by their value of one label.
struct Topology {
  std::string key;
  std::vector<int32_t> domain_of;  // by slot; -1 without the label, or without a node
  size_t domains = 0;
};

// Those asked for so far. Good as long as no node changes.
class Topologies {
 public:
  explicit Topologies(const ClusterView& view) : view_(view) {}
  const Topology& of(const std::string& key);

 private:
  const ClusterView& view_;
  std::map<std::string, Topology> known_;
};

// Why the pods on other nodes and this one keep a pod away.
enum class CompanyVerdict : uint8_t {
  kFits,
  kSpreadLabel,    // the node lacks the label to spread by
  kSpread,
  kAffinity,
  kAntiAffinity,
  kOthersAntiAffinity,
};
// In the words of Kubernetes' events; "" for kFits.
std::string_view company_reason(CompanyVerdict verdict);

// True if a pod of this profile minds, or is minded by, the pods that stand now.
bool minds_company(const ClusterView& view, const PodProfile& profile);
// True if a wish of `other` means a pod of this profile.
bool is_meant(const ClusterView& view, const PodProfile& profile, const PodProfile& other);

class Company {
 public:
  using Slot = ClusterView::Slot;

  // `view`, `profile` and `topologies` must outlive it; `spec` is only read now.
  Company(const ClusterView& view, const PodSpec& spec, const PodProfile& profile, Topologies& topologies);

  // One pod more (by = 1) or less (by = -1) stands on that node than when the company was asked.
  void change(Slot slot, const PodProfile& other, int by);

  CompanyVerdict check(Slot slot) const;
  // Adds what each node of `feasible`, in order, deserves to `scores`, which is parallel to it: each part 0..100
  // times its weight, and, as in Kubernetes, relative to the best and the worst of them.
  void add_scores(const std::vector<Slot>& feasible, std::vector<int32_t>& scores) const;
  // Pods with spread constraints of their own are not spread by owner besides.
  bool spreads() const { return !profile_.spread.empty(); }

 private:
  struct Counter {
    const Topology* topology = nullptr;
    std::vector<int64_t> in;  // by domain
    int64_t at(Slot slot) const {
      int32_t domain = topology->domain_of[slot];
      return domain < 0 ? 0 : in[static_cast<size_t>(domain)];
    }
  };
  struct Spread {
    const SpreadTerm* term = nullptr;
    Counter counter;
    std::vector<uint32_t> on;        // by slot, pods counted there; for a soft constraint by host
    std::vector<bool> eligible;      // by slot: its pods count
    std::vector<uint32_t> members;   // by domain: eligible nodes
    bool counts_self = false;
    int64_t least = 0;               // the fewest in any domain
    bool stale = true;               // `least` must be found anew
  };

  Counter counter(const std::string& key) const;
  // The counter of this topology, made if it is missing.
  Counter& counter_in(std::deque<Counter>& list, const std::string& key);
  void prepare_spread(const PodSpec& spec);
  void change_by_own_wishes(Slot slot, const std::string& ns, const StringMap& labels, int64_t by);
  void change_by_others_wish(Slot slot, const WishedTerm& wish, int64_t by);
  void change_spread(Slot slot, const PodProfile& other, int64_t by);
  bool means_me(const PodTerm& term) const;
  bool concerns_me(const PodProfile& pods) const;
  CompanyVerdict check_spread(Slot slot) const;
  bool has_affinity(Slot slot) const;
  static int64_t least_of(const Spread& spread);
  void add_wish_scores(const std::vector<Slot>& feasible, std::vector<int32_t>& scores) const;
  void add_spread_scores(const std::vector<Slot>& feasible, std::vector<int32_t>& scores) const;

  const ClusterView& view_;
  const PodProfile& profile_;
  Topologies& topologies_;
  const StringMap& my_namespace_labels_;
  std::vector<const WishedTerm*> required_;  // own affinity terms, parallel to affinity_
  std::deque<Counter> affinity_;             // pods that match all of required_
  int64_t affinity_pods_ = 0;                // in all of them together
  bool suits_itself_ = false;                // the pod matches all of required_
  std::deque<Counter> anti_;                 // pods that match an own anti-affinity term
  std::deque<Counter> others_anti_;          // pods whose anti-affinity means me
  std::deque<Counter> wishes_;               // sums of preferences, own and others'
  mutable std::vector<Spread> spread_;
};

}  // namespace mainstay
