#include "schema/service_claims.h"

#include <utility>

namespace mainstay {
namespace {

ServiceClaim port_claim(std::string path, int32_t number, const std::string& protocol) {
  std::string text = std::to_string(number);
  return {text + "/" + (protocol.empty() ? "TCP" : protocol), std::move(path),
          "Invalid value: " + text + ": provided port is already allocated"};
}

}  // namespace

std::vector<ServiceClaim> service_claims(const Object& object) {
  std::vector<ServiceClaim> out;
  if (object.kind != Kind::kService) return out;
  const ServiceSpec& spec = as<Service>(object).spec;
  if (const std::string& ip = spec.cluster_ip; !ip.empty() && ip != "None") {
    out.push_back({ip, "spec.clusterIP",
                   "Invalid value: [\"" + ip + "\"]: failed to allocate IP " + ip + ": provided IP is already allocated"});
  }
  for (size_t i = 0; i < spec.ports.size(); ++i) {
    if (spec.ports[i].node_port == 0) continue;
    std::string path = "spec.ports[" + std::to_string(i) + "].nodePort";
    out.push_back(port_claim(std::move(path), spec.ports[i].node_port, spec.ports[i].protocol));
  }
  // Nodes answer there, by TCP.
  if (spec.health_check_node_port != 0) {
    out.push_back(port_claim("spec.healthCheckNodePort", spec.health_check_node_port, "TCP"));
  }
  return out;
}

}  // namespace mainstay
