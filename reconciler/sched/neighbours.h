// Neighbours: which pods stand on which node, as far as other pods' wishes ask for it. Pods with the same labels are
// one group, equal wishes are one entry: a Deployment of thousands is two entries with a count per node. Part of the
// cluster view. Core thread only.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>

#include "reconciler/sched/pod_profile.h"

namespace mainstay {

class Neighbours {
 public:
  using Slot = uint32_t;  // ClusterView's
  using Counts = std::unordered_map<Slot, uint32_t>;

  struct Group {
    PodProfile pods;  // namespace, labels, leaving; no wishes
    Counts on;
  };
  struct Wish {
    WishedTerm wish;
    Counts on;  // how many pods that wish it stand on each node
  };

  void add(Slot slot, const PodProfile& pod);
  // Requires that it was added.
  void take(Slot slot, const PodProfile& pod);

  const std::map<std::string, Group>& groups() const { return groups_; }
  const std::map<std::string, Wish>& wishes() const { return wishes_; }

 private:
  std::map<std::string, Group> groups_;
  std::map<std::string, Wish> wishes_;
};

}  // namespace mainstay
