#include "nodeagent/network/kept_addresses.h"

#include "schema/ipv4.h"

namespace mainstay {

std::vector<KeptAddress> kept_addresses(const NetworkState& state) {
  constexpr int32_t kDnsPort = 53;
  std::vector<KeptAddress> out;
  auto add = [&out](const std::string& ip, const std::string& protocol, int32_t port, const char* whose) {
    if (parse_ipv4(ip)) out.push_back({ip, protocol, port, whose});
  };
  if (auto slice = state.slices.find(kApiServerSlice); slice != state.slices.end()) {
    for (const NetworkSlicePort& port : slice->second->ports) {
      for (const NetworkEndpoint& endpoint : slice->second->endpoints) {
        add(endpoint.ip, port.protocol, port.port, "the API server");
      }
    }
  }
  for (const char* protocol : {"TCP", "UDP"}) add(state.dns_address, protocol, kDnsPort, "the cluster's DNS");
  return out;
}

}  // namespace mainstay
