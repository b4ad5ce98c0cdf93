#include "reconciler/sched/neighbours.h"

#include "schema/base/ensure.h"

namespace mainstay {
namespace {

// One less on `slot`; the whole entry goes with its last pod.
template <typename Entries>
void take_one(Entries& entries, const std::string& key, Neighbours::Slot slot) {
  auto entry = entries.find(key);
  ENSURE(entry != entries.end(), "a pod leaves that was never counted");
  auto count = entry->second.on.find(slot);
  ENSURE(count != entry->second.on.end(), "a pod leaves a node where it was never counted");
  if (--count->second == 0) entry->second.on.erase(count);
  if (entry->second.on.empty()) entries.erase(entry);
}

}  // namespace

void Neighbours::add(Slot slot, const PodProfile& pod) {
  auto [group, fresh] = groups_.try_emplace(pod.group);
  if (fresh) {
    group->second.pods.ns = pod.ns;
    group->second.pods.labels = pod.labels;
    group->second.pods.leaving = pod.leaving;
  }
  ++group->second.on[slot];
  for (const WishedTerm& wish : pod.terms) {
    auto [entry, first] = wishes_.try_emplace(wish.key);
    if (first) entry->second.wish = wish;
    ++entry->second.on[slot];
  }
}

void Neighbours::take(Slot slot, const PodProfile& pod) {
  take_one(groups_, pod.group, slot);
  for (const WishedTerm& wish : pod.terms) take_one(wishes_, wish.key, slot);
}

}  // namespace mainstay
