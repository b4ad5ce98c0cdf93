// Addresses of LoadBalancer Services, from a pool that the configuration names. Deterministic, as cluster IPs are: a
// Service keeps the address it has, and its name decides where the search for a new one starts. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "reconciler/store/snapshot.h"
#include "schema/base/result.h"
#include "schema/ipv4.h"

namespace mainstay {

// Ranges of addresses, each at most 65536 of them.
class AddressPool {
 public:
  // Entries such as "192.0.2.0/28", "192.0.2.10-192.0.2.20" or "192.0.2.7"; kInvalid with a sentence.
  static Result<AddressPool> parse(const std::vector<std::string>& entries);

  bool empty() const { return ranges_.empty(); }
  uint64_t size() const { return size_; }
  bool contains(uint32_t address) const;
  // Whether they have an address in common.
  bool meets(const Ipv4Block& block) const;
  // The address at this place of the pool, counted from 0; requires number < size().
  uint32_t at(uint64_t number) const;

 private:
  struct Span {
    uint32_t first = 0, last = 0;
  };
  std::vector<Span> ranges_;
  uint64_t size_ = 0;
};

// The address each LoadBalancer Service should have, and why one has none.
struct PoolAnswer {
  std::string address;  // "" with trouble
  std::string trouble;
};
using PoolAnswers = std::map<ObjectName, PoolAnswer>;
PoolAnswers pool_addresses(const Snapshot& view, const AddressPool& pool);

// Somebody else's: spec.loadBalancerClass names who gives it its address.
bool has_foreign_balancer(const Service& service);

}  // namespace mainstay
