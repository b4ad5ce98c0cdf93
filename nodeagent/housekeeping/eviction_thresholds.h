// When a node is short of something: the kubelet's eviction signals and thresholds, read from its flags. Plain values
// and pure functions; any thread. Rules: k8s-semantics 1.7; Kubernetes, "Node-pressure Eviction".
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "schema/base/result.h"
#include "schema/base/time.h"

namespace mainstay {

enum class EvictionSignal : uint8_t {
  kMemoryAvailable,
  kNodefsAvailable,
  kNodefsInodesFree,
  kImagefsAvailable,
  kImagefsInodesFree,
  kPidAvailable,
};
std::string_view signal_name(EvictionSignal signal);  // "memory.available"

// What is given back to end a shortage.
enum class ScarceResource : uint8_t { kMemory, kDisk, kInodes, kPids };
ScarceResource scarce_resource(EvictionSignal signal);
std::string_view resource_name(ScarceResource resource);  // "memory", "ephemeral-storage", "inodes", "pids"

// Bytes, inodes or processes, whichever the signal counts.
struct Supply {
  int64_t available = 0;
  int64_t capacity = 0;
};
using Supplies = std::map<EvictionSignal, Supply>;  // what could not be measured is absent, and nothing follows

// A number, or a part of the capacity.
struct ThresholdAmount {
  int64_t units = 0;
  std::optional<double> percent;
  int64_t of(int64_t capacity) const;
};

struct EvictionThreshold {
  EvictionSignal signal = EvictionSignal::kMemoryAvailable;
  ThresholdAmount below;
  bool hard = true;
  Duration grace{0};                // of a soft one: how long it is below before pods are evicted
  ThresholdAmount minimum_reclaim;  // once below, it counts until this much more is available
};

struct EvictionPolicy {
  std::vector<EvictionThreshold> thresholds;
  Duration transition{std::chrono::minutes{5}};  // how long a condition stays after it was last seen
  std::chrono::seconds max_pod_grace{0};         // of a soft eviction; the pod's own may be shorter
};

// The values of the kubelet's flags of the same names. Hard ones that are given replace all defaults, as there.
// pid.available has no default.
struct EvictionFlags {
  std::string hard =
      "imagefs.available<15%,imagefs.inodesFree<5%,memory.available<100Mi,nodefs.available<10%,nodefs.inodesFree<5%";
  std::string soft;                     // "memory.available<300Mi"
  std::string soft_grace_period;        // "memory.available=1m30s"
  std::string minimum_reclaim;          // "nodefs.available=500Mi"
  std::string transition_period = "5m";
  int64_t max_pod_grace_seconds = 0;
};

// kInvalid: a sentence that names the flag and what is wrong with it.
Result<EvictionPolicy> parse_eviction_flags(const EvictionFlags& flags);

// What the hard threshold of this signal keeps back of such a capacity; 0 without one.
int64_t kept_back(const EvictionPolicy& policy, EvictionSignal signal, int64_t capacity);

}  // namespace mainstay
