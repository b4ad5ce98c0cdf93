// The health checks of load balancers: at its healthCheckNodePort each node says whether it has endpoints of a Service
// whose externalTrafficPolicy is Local. As kube-proxy: GET on any path is 200 with one ready endpoint here, 503 with
// none, and the body counts them.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "schema/base/result.h"
#include "schema/network_state.h"

namespace mainstay {

struct HealthAnswer {
  std::string ns, name;  // of the Service
  size_t endpoints = 0;  // ready ones on this node
  bool operator==(const HealthAnswer&) const = default;
};

// By port; of two Services that claim one, the first by key has it. Pure.
std::map<int32_t, HealthAnswer> health_answers(const NetworkState& state, const std::string& node);
// The whole HTTP response. Pure.
std::string health_response(const HealthAnswer& answer);

// Listens on these ports of every address of the node; one thread of its own while there are any. At most 64
// connections, each at most 2 seconds. In the network namespace of the thread that calls set(). One caller at a time.
class HealthPorts {
 public:
  HealthPorts();
  ~HealthPorts();
  HealthPorts(const HealthPorts&) = delete;
  HealthPorts& operator=(const HealthPorts&) = delete;

  // On return exactly these are answered. kBusy: somebody else has a port; the others are there, and the next call
  // tries again.
  Status set(std::map<int32_t, HealthAnswer> answers);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace mainstay
