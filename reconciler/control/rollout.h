// The arithmetic of a rollout: how many pods each ReplicaSet of a Deployment may have now. Numbers in,
// numbers out. Rules: k8s-semantics 3, 17.2 and 18.1. Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "schema/kinds/apps.h"

namespace mainstay {

struct RolloutLimits {
  int32_t max_surge = 0;
  int32_t max_unavailable = 0;
  int32_t max_total = 0;      // pods at most
  int32_t min_available = 0;  // available pods at least
};

// Percentages of maxSurge are rounded up, of maxUnavailable down; if both come to 0, one may be unavailable.
// Recreate has neither surge nor unavailability. Absent values are 25 %.
RolloutLimits rollout_limits(const DeploymentSpec& spec);

// One ReplicaSet as a rollout sees it.
struct SetSize {
  int32_t wanted = 0;     // its spec.replicas
  int32_t active = 0;     // pods it really has, which may still be more or fewer
  int32_t available = 0;  // of these
};

struct RollingStep {
  int32_t fresh = 0;             // new spec.replicas of the new set
  std::vector<int32_t> old;      // and of each old one, in the order given
};

// Everything a RollingUpdate to `fresh` may do now. `old` stands oldest first. Never lets the sum of what
// exists or is wanted exceed max_total, nor takes away available pods below min_available.
RollingStep rolling_step(int32_t replicas, const RolloutLimits& limits, const SetSize& fresh,
                         const std::vector<SetSize>& old);

// One active ReplicaSet of a Deployment whose size changes in the middle of a rollout.
struct Share {
  int32_t wanted = 0;
  int64_t age = 0;                      // greater is older
  std::optional<int32_t> max_replicas;  // its annotation: what max_total was when it was last scaled
};

// Spreads `replicas` + surge over the sets in proportion to their sizes; the largest (newest on a tie when
// growing, oldest when shrinking) takes the rest. `known_replicas` is the Deployment's status.replicas.
std::vector<int32_t> proportional_sizes(int32_t replicas, int32_t max_surge, int32_t known_replicas,
                                        const std::vector<Share>& sets);

// The same sum, shared out so that no more available pods go below `min_available` than have to: sets give up pods that
// serve nobody first. `sizes` are to be the next ones of `sets`. (Kubernetes shrinks in proportion whatever serves.)
std::vector<int32_t> keep_available(std::vector<int32_t> sizes, const std::vector<SetSize>& sets,
                                    int32_t min_available);

}  // namespace mainstay
