#include "nodeagent/housekeeping/eviction_rank.h"

#include <algorithm>
#include <tuple>

#include "nodeagent/node_condition.h"
#include "schema/pod_resources.h"

namespace mainstay {
namespace {

int64_t requested(const ResourceList& requests, ScarceResource resource) {
  const Quantity* found = map_find(requests, resource_name(resource));
  return found == nullptr ? 0 : found->units();
}

// Smaller goes first.
using Rank = std::tuple<int, int32_t, int, int64_t>;

Rank rank_of(const PodUse& use, ScarceResource resource) {
  const PodSpec& spec = as<Pod>(*use.pod).spec;
  int32_t priority = spec.priority.value_or(0);
  int unmeasured = use.used ? 1 : 0;
  if (resource == ScarceResource::kPids) return {0, priority, unmeasured, -use.used.value_or(0)};
  int64_t request = requested(effective_requests(spec), resource);
  bool exceeds = !use.used || *use.used > request;
  return {exceeds ? 0 : 1, priority, unmeasured, request - use.used.value_or(0)};
}

std::string amount_text(int64_t units, ScarceResource resource) {
  bool bytes = resource == ScarceResource::kMemory || resource == ScarceResource::kDisk;
  return Quantity::of(units, bytes ? Quantity::Format::kBinarySi : Quantity::Format::kDecimalSi).text();
}

}  // namespace

std::vector<PodUse> eviction_order(std::vector<PodUse> pods, ScarceResource resource) {
  std::erase_if(pods, [](const PodUse& use) { return is_critical(*use.pod); });
  std::stable_sort(pods.begin(), pods.end(), [&](const PodUse& a, const PodUse& b) {
    return rank_of(a, resource) < rank_of(b, resource);
  });
  return pods;
}

std::string eviction_message(const PodUse& victim, const EvictionThreshold& threshold, const Supply& supply) {
  ScarceResource resource = scarce_resource(threshold.signal);
  std::string name(resource_name(resource));
  std::string out = "The node was low on resource: " + name + ". Threshold quantity: " +
                    amount_text(threshold.below.of(supply.capacity), resource) +
                    ", available: " + amount_text(supply.available, resource) + ". ";
  const PodSpec& spec = as<Pod>(*victim.pod).spec;
  for (const ContainerUse& use : victim.containers) {
    for (const Container& container : spec.containers) {
      if (container.name != use.name) continue;
      const Quantity* found = map_find(container.resources.requests, name);
      Quantity request = found == nullptr ? Quantity::of(0) : *found;
      if (use.used <= request.units()) continue;
      out += "Container " + use.name + " was using " + amount_text(use.used, resource) + ", request is " +
             request.text() + ", has larger consumption of " + name + ". ";
    }
  }
  return out;
}

Duration eviction_grace(const Object& pod, const EvictionThreshold& threshold, const EvictionPolicy& policy) {
  std::chrono::seconds own{as<Pod>(pod).spec.termination_grace_period_seconds.value_or(30)};
  return threshold.hard ? std::chrono::seconds{1} : std::min(own, policy.max_pod_grace);
}

}  // namespace mainstay
