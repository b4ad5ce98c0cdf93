#include "schema/kinds/pod_affinity.h"

#include <cstddef>

namespace mainstay {
namespace {

constexpr FieldDesc kPodAffinityTermFields[] = {
    {"labelSelector", &LabelSelector::kType, Card::kOne, 0, 1, "", "", NATIVE(PodAffinityTerm, label_selector)},
    {"namespaces", &kStringType, Card::kList, 0, 2, "", "", NATIVE(PodAffinityTerm, namespaces)},
    {"topologyKey", &kStringType, Card::kOne, kRequired | kEmitZero, 3, "", "",
      NATIVE(PodAffinityTerm, topology_key)},
    {"namespaceSelector", &LabelSelector::kType, Card::kOne, 0, 4, "", "",
      NATIVE(PodAffinityTerm, namespace_selector)},
    {"matchLabelKeys", &kStringType, Card::kList, 0, 5, "", "", NATIVE(PodAffinityTerm, match_label_keys)},
    {"mismatchLabelKeys", &kStringType, Card::kList, 0, 6, "", "",
      NATIVE(PodAffinityTerm, mismatch_label_keys)},
};

constexpr FieldDesc kWeightedPodAffinityTermFields[] = {
    {"weight", &kInt32Type, Card::kOne, kRequired | kEmitZero, 1, "", "",
      NATIVE(WeightedPodAffinityTerm, weight)},
    {"podAffinityTerm", &PodAffinityTerm::kType, Card::kOne, kRequired | kEmitZero, 2, "", "",
      NATIVE(WeightedPodAffinityTerm, pod_affinity_term)},
};

constexpr FieldDesc kPodAffinityFields[] = {
    {"requiredDuringSchedulingIgnoredDuringExecution", &PodAffinityTerm::kType, Card::kList, 0, 1, "", "",
      NATIVE(PodAffinity, required_during_scheduling_ignored_during_execution)},
    {"preferredDuringSchedulingIgnoredDuringExecution", &WeightedPodAffinityTerm::kType,
      Card::kList, 0, 2, "", "",
      NATIVE(PodAffinity, preferred_during_scheduling_ignored_during_execution)},
};

constexpr FieldDesc kPodAntiAffinityFields[] = {
    {"requiredDuringSchedulingIgnoredDuringExecution", &PodAffinityTerm::kType, Card::kList, 0, 1, "", "",
      NATIVE(PodAntiAffinity, required_during_scheduling_ignored_during_execution)},
    {"preferredDuringSchedulingIgnoredDuringExecution", &WeightedPodAffinityTerm::kType,
      Card::kList, 0, 2, "", "",
      NATIVE(PodAntiAffinity, preferred_during_scheduling_ignored_during_execution)},
};

constexpr FieldDesc kTopologySpreadConstraintFields[] = {
    {"maxSkew", &kInt32Type, Card::kOne, kRequired | kEmitZero, 1, "", "",
      NATIVE(TopologySpreadConstraint, max_skew)},
    {"topologyKey", &kStringType, Card::kOne, kRequired | kEmitZero, 2, "", "",
      NATIVE(TopologySpreadConstraint, topology_key)},
    {"whenUnsatisfiable", &kStringType, Card::kOne, kRequired | kEmitZero, 3, "", "",
      NATIVE(TopologySpreadConstraint, when_unsatisfiable)},
    {"labelSelector", &LabelSelector::kType, Card::kOne, 0, 4, "", "",
      NATIVE(TopologySpreadConstraint, label_selector)},
    {"minDomains", &kInt32Type, Card::kOne, 0, 5, "", "", NATIVE(TopologySpreadConstraint, min_domains)},
    {"nodeAffinityPolicy", &kStringType, Card::kOne, 0, 6, "", "",
      NATIVE(TopologySpreadConstraint, node_affinity_policy)},
    {"nodeTaintsPolicy", &kStringType, Card::kOne, 0, 7, "", "",
      NATIVE(TopologySpreadConstraint, node_taints_policy)},
    {"matchLabelKeys", &kStringType, Card::kList, 0, 8, "", "",
      NATIVE(TopologySpreadConstraint, match_label_keys)},
};

constexpr FieldDesc kPodSchedulingGateFields[] = {
    {"name", &kStringType, Card::kOne, kRequired | kEmitZero, 1, "", "", NATIVE(PodSchedulingGate, name)},
};

}  // namespace

constinit const TypeDesc PodAffinityTerm::kType =
    struct_type<PodAffinityTerm>("PodAffinityTerm", kPodAffinityTermFields);
constinit const TypeDesc WeightedPodAffinityTerm::kType =
    struct_type<WeightedPodAffinityTerm>("WeightedPodAffinityTerm", kWeightedPodAffinityTermFields);
constinit const TypeDesc PodAffinity::kType =
    struct_type<PodAffinity>("PodAffinity", kPodAffinityFields);
constinit const TypeDesc PodAntiAffinity::kType =
    struct_type<PodAntiAffinity>("PodAntiAffinity", kPodAntiAffinityFields);
constinit const TypeDesc TopologySpreadConstraint::kType =
    struct_type<TopologySpreadConstraint>("TopologySpreadConstraint", kTopologySpreadConstraintFields);
constinit const TypeDesc PodSchedulingGate::kType =
    struct_type<PodSchedulingGate>("PodSchedulingGate", kPodSchedulingGateFields);

}  // namespace mainstay
