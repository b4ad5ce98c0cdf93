// Footprint: what one pod takes from the node it runs on, and what the scheduler counts it by. Made from the
// pod alone. Plain value; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "schema/object.h"

namespace mainstay {

// Amounts of resources: cpu in thousandths, all else in units (bytes, pieces), rounded up as Kubernetes does.
// Each single quantity is cut at 2^52, so that the sum over a node's pods cannot overflow.
struct Amounts {
  int64_t cpu_milli = 0;
  int64_t memory = 0;
  int64_t ephemeral_storage = 0;
  Map<int64_t> extended;  // all other resources; zero is absent
  bool operator==(const Amounts&) const = default;
};

Amounts amounts_of(const ResourceList& list);
void add(Amounts& sum, const Amounts& more);
// Requires that `less` was added before.
void subtract(Amounts& sum, const Amounts& less);

// A port of the node itself. ip "" is every address.
struct HostPort {
  std::string ip;
  std::string protocol;
  int32_t port = 0;
  auto operator<=>(const HostPort&) const = default;
};
// Two pods cannot hold both on one node: same port and protocol, and the same address or one that means all.
bool ports_clash(const HostPort& a, const HostPort& b);

struct Footprint {
  Amounts requests;
  // For scores only: containers without a request count as 100m cpu and 200Mi memory, so that pods that
  // ask for nothing are spread as well (Kubernetes' non-zero requests).
  int64_t score_cpu_milli = 0;
  int64_t score_memory = 0;
  std::vector<HostPort> ports;
  // Uid of the controller whose pods are spread; "" for none, and for pods on their way out.
  std::string owner;
  bool operator==(const Footprint&) const = default;
};

Footprint footprint_of(const Object& pod);

// True while the pod takes room on a node: bound and not finished.
bool takes_room(const Object& pod);

// True if the pod waits for us to choose its node: neither bound, finished nor being deleted, and of our
// scheduler.
bool needs_placement(const Object& pod);

}  // namespace mainstay
