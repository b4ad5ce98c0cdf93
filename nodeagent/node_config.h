// What planning a pod needs to know besides the pod: the node's facts, and the objects it was given for its
// pods. Plain values; any thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "nodeagent/dns/resolver_config.h"
#include "schema/network_state.h"
#include "schema/object.h"

namespace mainstay {

struct NodeFacts {
  std::string name;
  std::string address;                   // the node's own, for status.hostIP
  int64_t memory_bytes = 0;              // for OOM scores
  std::string hostname;                  // what the kernel calls the machine
  ResolverConfig resolver;               // the node's /etc/resolv.conf
  std::string hosts;                     // the node's /etc/hosts
  ResourceList allocatable;              // what a container without a limit may count on
  int64_t pids_limit = 0;                // processes and threads of one container; 0: none
  // Sysctls beyond the safe ones that pods may set: names, or patterns that end in '*'.
  std::vector<std::string> allowed_sysctls;
};

using ObjectsByName = std::map<std::pair<std::string, std::string>, ObjectPtr>;  // by (namespace, name)

// The objects the node holds for its pods.
struct NodeConfig {
  // Of an assignment remembered across a reboot the ConfigMaps and Secrets are not known before the control plane is
  // heard: that one is missing means nothing until then.
  bool known = true;
  ObjectsByName config_maps;
  ObjectsByName secrets;
  // Nothing if the control plane is too old to send them: then no token is projected.
  std::optional<ObjectsByName> service_accounts;
  NetworkStatePtr network;  // null until it is known
};

struct PodAddresses {
  std::string pod_ip;
  std::string host_ip;
};

// Null if the node does not have it.
inline ObjectPtr find_object(const ObjectsByName& from, const std::string& ns, const std::string& name) {
  auto found = from.find({ns, name});
  return found == from.end() ? nullptr : found->second;
}

}  // namespace mainstay
