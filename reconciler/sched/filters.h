// Filters: may this pod run on this node? In Kubernetes' order and Kubernetes' words (plugins
// NodeUnschedulable, NodeName, TaintToleration, NodeAffinity, NodePorts, NodeResourcesFit); what other pods decide
// comes last (company.h). Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "reconciler/sched/company.h"

namespace mainstay {

// What kind of change could make a refused pod fit; a set.
enum CureBits : uint8_t {
  kCureNode = 1,  // the node itself: labels, taints, cordon; or another node
  kCureRoom = 2,  // pods leaving, or the node growing
  kCureCompany = 4,  // pods coming to stand anywhere, leaving, or changing their labels
};

// The part that only the node's own object decides; it cannot change while pods are being placed.
bool node_suits(const PodSpec& spec, const NodeState& state);
// The part that the pods on the node decide.
bool node_has_room(const Footprint& footprint, const NodeState& state);

// Why not, in the words of Kubernetes' events; no reasons if it may. As in Kubernetes, the first filter that
// refuses speaks alone, but names every resource that is short.
struct NodeRefusal {
  uint8_t cures = 0;  // CureBits
  std::vector<std::string> reasons;
};
NodeRefusal refuse(const PodSpec& spec, const Footprint& footprint, const NodeState& state);

// Why the pods that stand already keep it off.
NodeRefusal refuse(CompanyVerdict verdict);

// No host port of the pod is held there.
bool ports_free(const Footprint& footprint, const NodeState& state);

// A resource of which the node has not enough left. In thousandths of cpu, else in units.
struct Shortage {
  std::string resource;  // "pods" if no more of them are allowed
  int64_t wanted = 0, used = 0, allocatable = 0;
};
std::vector<Shortage> shortages(const Amounts& wanted, const NodeState& state);

// The node is one that the pod's node selector and required node affinity name.
bool node_selected(const PodSpec& spec, const Object& node);
// No taint of the node keeps the pod off.
bool taints_tolerated(const PodSpec& spec, const NodeState& state);

// The taint does not keep the pod off.
bool tolerates(const std::vector<Toleration>& tolerations, const Taint& taint);

// One term of a node affinity. A term without any requirement matches nothing.
bool matches(const NodeSelectorTerm& term, const Object& node);

// True if the pod has scheduling gates, and so must wait.
bool is_gated(const PodSpec& spec);

}  // namespace mainstay
