// A cluster's network that changes at random, from one seed: services of all sorts, endpoints, nodes,
// policies. Every value is one that Kubernetes allows. One thread.
#pragma once

#include <string>

#include "schema/base/rng.h"
#include "schema/network_state.h"

namespace mainstay::test {

class RandomNetwork {
 public:
  explicit RandomNetwork(uint64_t seed);

  const NetworkState& state() const { return state_; }
  // One to three things change: mostly endpoints.
  void step();

 private:
  void change_slice();
  void change_service();
  void change_policy();
  void change_node();
  NetworkEndpoint random_endpoint();
  std::string random_pod();
  NetworkRule random_rule();

  Rng rng_;
  NetworkState state_;
};

}  // namespace mainstay::test
