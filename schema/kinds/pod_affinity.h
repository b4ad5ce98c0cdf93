// What steers a pod by the pods that stand already: affinity to pods, topology spread, and the gates that hold it
// back. Parts of a PodSpec. Field names and meaning: the Kubernetes API, 1.33. Plain values; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "schema/descriptor.h"
#include "schema/kinds/meta.h"

namespace mainstay {

struct PodAffinityTerm {
  Box<LabelSelector> label_selector;  // absent: no pod; empty: every pod
  std::vector<std::string> namespaces;
  std::string topology_key;
  Box<LabelSelector> namespace_selector;  // absent: none besides `namespaces`; empty: every namespace
  std::vector<std::string> match_label_keys;
  std::vector<std::string> mismatch_label_keys;

  static const TypeDesc kType;
};

struct WeightedPodAffinityTerm {
  int32_t weight = 0;
  PodAffinityTerm pod_affinity_term;

  static const TypeDesc kType;
};

struct PodAffinity {
  std::vector<PodAffinityTerm> required_during_scheduling_ignored_during_execution;
  std::vector<WeightedPodAffinityTerm> preferred_during_scheduling_ignored_during_execution;

  static const TypeDesc kType;
};

struct PodAntiAffinity {
  std::vector<PodAffinityTerm> required_during_scheduling_ignored_during_execution;
  std::vector<WeightedPodAffinityTerm> preferred_during_scheduling_ignored_during_execution;

  static const TypeDesc kType;
};

struct TopologySpreadConstraint {
  int32_t max_skew = 0;
  std::string topology_key;
  std::string when_unsatisfiable;
  Box<LabelSelector> label_selector;  // absent: no pod; empty: every pod of the namespace
  std::optional<int32_t> min_domains;
  std::string node_affinity_policy;  // "" means Honor
  std::string node_taints_policy;    // "" means Ignore
  std::vector<std::string> match_label_keys;

  static const TypeDesc kType;
};

struct PodSchedulingGate {
  std::string name;

  static const TypeDesc kType;
};

}  // namespace mainstay
