// A scheduler of the simplest sort, to hold the real one against: for every question it walks all nodes and all pods,
// straight from the manifests' own selectors. Only what pods decide about each other: Kubernetes' InterPodAffinity and
// PodTopologySpread.
#pragma once

#include <string>
#include <vector>

#include "tests/sched/cluster.h"

namespace mainstay {

struct ReferenceCluster {
  std::vector<ObjectPtr> nodes, pods, namespaces;  // pods: those that stand on a node
};

// Why the pods keep `pod` off `node`, in Kubernetes' words; "" if they do not.
std::string reference_refusal(const ReferenceCluster& cluster, const Object& pod, const Object& node);

// What affinity and spread add to the score of each of `feasible`, in order.
std::vector<int> reference_scores(const ReferenceCluster& cluster, const Object& pod,
                                  const std::vector<ObjectPtr>& feasible);

}  // namespace mainstay
