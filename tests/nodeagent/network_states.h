// Network states for tests, written in a line or two.
#pragma once

#include <string>
#include <vector>

#include "schema/network_state.h"

namespace mainstay::test {

inline NetworkEndpoint endpoint(const std::string& ip, const std::string& node = "") {
  NetworkEndpoint out;
  out.ip = ip;
  out.node = node;
  return out;
}

inline NetworkEndpoint terminating(const std::string& ip, const std::string& node = "", bool serving = true) {
  NetworkEndpoint out = endpoint(ip, node);
  out.ready = false;
  out.serving = serving;
  out.terminating = true;
  return out;
}

// A cluster of the nodes a and b on one segment, with pods 10.88.1.0/24 and 10.88.2.0/24.
inline NetworkState two_nodes() {
  NetworkState out;
  out.cluster_cidr = "10.88.0.0/16";
  out.service_cidr = "10.96.0.0/16";
  out.dns_address = "10.96.0.10";
  out.nodes["a"] = {"a", "192.168.77.1", "10.88.1.0/24"};
  out.nodes["b"] = {"b", "192.168.77.2", "10.88.2.0/24"};
  return out;
}

// One item of a state, to be changed also after the state was copied.
template <typename T>
struct Editable {
  Shared<T>* item;
  T* operator->() const { return &item->edit(); }
};

// Service default/NAME at `ip`, port 80 (TCP), 8080 on its endpoints, which stand in one slice.
inline Editable<NetworkService> add_service(NetworkState& state, const std::string& name, const std::string& ip,
                                            std::vector<NetworkEndpoint> endpoints,
                                            const std::string& protocol = "TCP", int target_port = 8080) {
  NetworkSlice slice;
  slice.ns = "default";
  slice.name = name + "-1";
  slice.service = name;
  slice.ports = {{"", protocol, target_port}};
  slice.endpoints = std::move(endpoints);
  state.slices["default/" + slice.name] = slice;
  NetworkService service;
  service.ns = "default";
  service.name = name;
  service.type = "ClusterIP";
  service.cluster_ip = ip;
  service.ports = {{"", protocol, 80, 0}};
  Shared<NetworkService>& placed = state.services["default/" + name];
  placed = service;
  return {&placed};
}

inline std::vector<NetworkEndpoint>& endpoints_of(NetworkState& state, const std::string& name) {
  return state.slices.at("default/" + name + "-1").edit().endpoints;
}

}  // namespace mainstay::test
