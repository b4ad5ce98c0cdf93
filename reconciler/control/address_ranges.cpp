#include "reconciler/control/address_ranges.h"

#include <algorithm>

#include "reconciler/control/load_balancer.h"
#include "schema/ipv4.h"

namespace mainstay {
namespace {

constexpr int kLeastPodBits = 8;  // agents take none that is larger

struct NamedBlock {
  std::string key;
  Ipv4Block block;

  std::string text() const { return key + " " + block.text(); }
};

Result<NamedBlock> named_block(const std::string& key, const std::string& text, const std::string& example) {
  std::optional<Ipv4Block> block = parse_ipv4_range(text);
  if (block) return NamedBlock{key, *block};
  return error(ErrorCode::kInvalid, key + ": \"" + text + "\" is no range of IPv4 addresses such as " + example);
}

Error overlap(const std::string& one, const std::string& other) {
  return error(ErrorCode::kInvalid, one + " and " + other + " overlap: one of them has to be another range");
}

Status check_pool(const std::vector<std::string>& pool, const NamedBlock& block) {
  for (const std::string& entry : pool) {
    ASSIGN_OR_RETURN(AddressPool one, AddressPool::parse({entry}));
    if (one.meets(block.block)) return overlap("network.loadBalancerPool " + entry, block.text());
  }
  return {};
}

}  // namespace

Status check_address_ranges(const ControlSettings& settings) {
  ASSIGN_OR_RETURN(NamedBlock pods, named_block("network.podCIDR", settings.cluster_cidr, "10.244.0.0/16"));
  ASSIGN_OR_RETURN(NamedBlock services, named_block("network.serviceCIDR", settings.service_cidr, "10.96.0.0/16"));
  if (pods.block.bits < kLeastPodBits || pods.block.bits > settings.node_cidr_bits) {
    return error(ErrorCode::kInvalid, pods.text() + " has no room for a node's share of it: its prefix is to be 8 to " +
                                          std::to_string(settings.node_cidr_bits) + " (network.nodeCIDRBits)");
  }
  bool apart = !pods.block.contains(services.block.base) && !services.block.contains(pods.block.base);
  if (!apart) return overlap(pods.text(), services.text());
  for (const NamedBlock& block : {pods, services}) {
    RETURN_IF_ERROR(check_pool(settings.load_balancer_pool, block));
    std::optional<uint32_t> server = parse_ipv4(settings.api_address);
    if (server && block.block.contains(*server)) {
      return error(ErrorCode::kInvalid, "the API server's address " + settings.api_address + " is in " + block.text() +
                                            ": nobody would reach it; set another range or network.advertiseAddress");
    }
  }
  ASSIGN_OR_RETURN(AddressPool pool, AddressPool::parse(settings.load_balancer_pool));
  std::optional<uint32_t> server = parse_ipv4(settings.api_address);
  if (server && pool.contains(*server)) {
    return error(ErrorCode::kInvalid,
                 "the API server's address " + settings.api_address + " is in network.loadBalancerPool: leave it out");
  }
  return {};
}

}  // namespace mainstay
