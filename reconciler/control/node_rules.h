// What a node's conditions mean for pods: taints, and how long a pod tolerates them. Rules: k8s-semantics 12.
// Pure; any thread.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "schema/base/time.h"
#include "schema/kinds/node.h"
#include "schema/kinds/pod.h"

namespace mainstay {

inline constexpr std::string_view kNotReadyTaint = "node.kubernetes.io/not-ready";
inline constexpr std::string_view kUnreachableTaint = "node.kubernetes.io/unreachable";
inline constexpr std::string_view kUnschedulableTaint = "node.kubernetes.io/unschedulable";
inline constexpr std::string_view kOutOfServiceTaint = "node.kubernetes.io/out-of-service";
inline constexpr std::string_view kNodeStatusUnknown = "NodeStatusUnknown";

// By this name its work queue knows the controller of nodes (node_lifecycle.cpp).
inline constexpr std::string_view kNodeLifecycleController = "node-lifecycle-controller";

enum class NodeHealth : uint8_t { kReady, kNotReady, kUnknown };
// By condition Ready; a node that has not said anything yet is not ready.
NodeHealth node_health(const Node& node);

// The taints the node should have: those that follow from its conditions and spec.unschedulable, and all that
// others set. NoExecute taints get the time since which they hold. `evict` false leaves out NoExecute for a
// node that is silent: when no node is heard of, moving pods helps nobody.
std::vector<Taint> wanted_taints(const Node& node, bool evict, WallTime now);

bool tolerates(const Toleration& toleration, const Taint& taint);

// When a pod with these tolerations has to leave a node with these taints: nothing if it may stay, a time in
// the past if at once.
std::optional<WallTime> eviction_time(const std::vector<Toleration>& tolerations,
                                      const std::vector<Taint>& taints);

}  // namespace mainstay
