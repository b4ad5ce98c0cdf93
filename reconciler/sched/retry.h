// RetryQueue: which pods to place now. New pods at once; a pod that found no node again when a change could
// help it (a pod comes or leaves, a node grows or changes its labels, taints or cordon), but not sooner than its
// back-off of 1 s doubling to 10 s, and at the latest after 5 minutes. Holds keys only. Source of the times:
// kube-scheduler's queues. Reads no clock; core thread only.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "reconciler/sched/placement.h"
#include "schema/base/time.h"

namespace mainstay {

class RetryQueue {
 public:
  RetryQueue() = default;
  // Everything in the snapshot that waits for a node is to be tried at once.
  explicit RetryQueue(const Snapshot& snapshot);

  // Follows the store.
  void apply(const Change& change);
  void apply(std::span<const Change> changes);

  // The pods to try now, at most `limit`, in order of key. They stay in the queue: what the store says about
  // them (bound, gone) takes them out, refused() puts them to rest. What was neither is due again at once.
  std::vector<Key> due(MonoTime now, size_t limit);
  // The pod was tried and found no node.
  void refused(const Unplaced& unplaced, MonoTime now);

  // When due() will name a pod if nothing changes; nothing if it never will. In the past: now.
  std::optional<MonoTime> next_wake() const;
  size_t size() const { return pods_.size(); }

 private:
  struct Waiting {
    uint8_t cures = 0;
    uint32_t refusals = 0;
    bool active = true;       // to be tried now
    MonoTime not_before;      // the back-off's end
    MonoTime try_at;          // if not active: when its place in timers_ is
  };

  void follow_pod(const Change& change);
  void activate(const Key& key, Waiting& pod);
  void set_timer(const Key& key, Waiting& pod, MonoTime at);
  void forget(const Key& key);
  void wake_cured();

  std::map<Key, Waiting> pods_;
  std::set<Key> active_;
  std::set<std::pair<MonoTime, Key>> timers_;  // of all that are not active
  uint8_t happened_ = 0;                       // CureBits since the last due()
};

// What a change of the store could do for pods that found no node. CureBits.
uint8_t cures_of(const Change& change);

}  // namespace mainstay
