// The number of a state that the control plane hands to nodes: a node's assignment, or the cluster's network.
// Plain value; any thread.
#pragma once

#include <compare>
#include <cstdint>

namespace mainstay {

// (epoch, number): ordered; a higher one is newer. The epoch rises when the store went back in time.
struct AssignmentNumber {
  uint64_t epoch = 0;
  uint64_t number = 0;
  auto operator<=>(const AssignmentNumber&) const = default;
};

}  // namespace mainstay
