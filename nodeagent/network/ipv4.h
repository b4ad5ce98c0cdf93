// Ranges of IPv4 addresses, for whoever has to compare, subtract or write them. Plain values, pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "schema/ipv4.h"

namespace mainstay {

// Both ends belong to it.
struct Ipv4Range {
  uint32_t first = 0, last = 0;
  bool operator==(const Ipv4Range&) const = default;
  bool has(uint32_t address) const { return first <= address && address <= last; }
};

// "10.0.0.0/8"; bits below the prefix are ignored, as Kubernetes does.
std::optional<Ipv4Range> parse_ipv4_block(const std::string& text);

// The addresses of `ranges` that are in none of `holes`: sorted, apart from each other by at least one
// address.
std::vector<Ipv4Range> without(std::vector<Ipv4Range> ranges, const std::vector<Ipv4Range>& holes);

// As nft lists it: "10.0.0.1", "10.0.0.0/8" or "10.0.0.1-10.0.0.9".
std::string range_text(const Ipv4Range& range);

}  // namespace mainstay
