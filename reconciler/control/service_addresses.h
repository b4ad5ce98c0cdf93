// Addresses of Services: cluster IPs from settings.service_cidr and node ports 30000-32767. Deterministic: a
// Service's name decides where its search starts, so that the same set of names gets the same addresses
// again. Rules: k8s-semantics 8. Core thread only.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "reconciler/control/controller.h"
#include "schema/diagnostics.h"
#include "schema/ipv4.h"

namespace mainstay {

inline constexpr int32_t kFirstNodePort = 30000;
inline constexpr int32_t kLastNodePort = 32767;

// Addresses that no Service gets unless it is the one they are kept for; "" if the range has no room for them.
// The first is of Service `kubernetes` in default, the tenth of the cluster's DNS, as clients expect.
std::string api_service_address(const ControlSettings& settings);
std::string dns_address(const ControlSettings& settings);
inline constexpr std::string_view kApiServiceNamespace = "default";
inline constexpr std::string_view kApiServiceName = "kubernetes";
inline constexpr std::string_view kDnsNamespace = "kube-system";
inline constexpr std::string_view kDnsName = "kube-dns";

// Who holds which address. Reads every Service once; made anew for each use.
class ServiceAddresses {
 public:
  // What stands in `view` is held by its Service; of two that claim the same, the older holds it.
  ServiceAddresses(const Snapshot& view, const ControlSettings& settings);

  // Gives `service` what it lacks and takes what its type must not have. Addresses it names are checked: held by
  // another, or out of range and not held by itself, is an error at its field in Kubernetes' words; the service is then
  // left as it is. What it gets is held from now on, so that many services can be allocated one after the other.
  Diagnostics allocate(Object& service);
  // It holds all it needs and names nothing it may not have: allocate() would change nothing and find no
  // mistake.
  bool has_all(const Object& service) const;
  // Its cluster IP is none that would be given now: the range was another one, or its manifest says so.
  bool is_out_of_range(const Object& service) const;

 private:
  using Holder = std::pair<std::string, std::string>;  // namespace, name
  using Port = std::pair<int32_t, std::string>;        // number, protocol

  void hold(const Object& service);
  // For the Service of that name; one that holds it already keeps it.
  void reserve(std::string_view address, std::string_view ns, std::string_view name);
  bool is_usable(std::optional<uint32_t> address) const;
  std::optional<uint32_t> free_address(const Holder& holder) const;
  std::optional<int32_t> free_port(const Holder& holder, const ServicePort& port) const;
  void allocate_address(Object& service, const Holder& holder, Diagnostics& problems) const;
  // Returns the ports that were free before.
  std::vector<Port> allocate_ports(Object& service, const Holder& holder, Diagnostics& problems);
  void allocate_health_check(Object& service, const Holder& holder, Diagnostics& problems);

  std::string cidr_;
  std::optional<Ipv4Block> range_;
  std::unordered_map<uint32_t, Holder> addresses_;
  std::map<Port, Holder> ports_;
};

// The same for one service, as the API's write path needs it: call before create or update.
Diagnostics allocate_service(const Snapshot& view, const ControlSettings& settings, Object& service);

}  // namespace mainstay
