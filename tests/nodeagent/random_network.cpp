#include "tests/nodeagent/random_network.h"

#include <algorithm>

#include "tests/nodeagent/network_states.h"

namespace mainstay::test {
namespace {

constexpr uint64_t kServices = 8;

std::string nth(const char* prefix, uint64_t number) { return prefix + std::to_string(number); }

}  // namespace

RandomNetwork::RandomNetwork(uint64_t seed) : rng_(seed), state_(two_nodes()) {
  for (int i = 0; i < 20; ++i) step();
}

void RandomNetwork::step() {
  for (uint64_t i = 0; i <= rng_.below(3); ++i) {
    uint64_t what = rng_.below(20);
    if (what < 12) {
      change_slice();
    } else if (what < 16) {
      change_service();
    } else if (what < 19) {
      change_policy();
    } else {
      change_node();
    }
  }
  ++state_.at.number;
}

std::string RandomNetwork::random_pod() {
  return "10.88." + std::to_string(1 + rng_.below(3)) + "." + std::to_string(2 + rng_.below(12));
}

NetworkEndpoint RandomNetwork::random_endpoint() {
  NetworkEndpoint out = endpoint(random_pod());
  out.node = out.ip.starts_with("10.88.1.") ? "a" : "b";
  if (rng_.chance(20)) out = terminating(out.ip, out.node, rng_.chance(70));
  if (rng_.chance(10)) out.ready = out.serving = out.terminating = false;
  return out;
}

void RandomNetwork::change_slice() {
  NetworkSlice slice;
  slice.ns = "default";
  slice.service = nth("s", rng_.below(kServices));
  slice.name = slice.service + nth("-", rng_.below(2));
  std::string key = slice.ns + "/" + slice.name;
  if (rng_.chance(10)) {
    state_.slices.erase(key);
    return;
  }
  auto [found, fresh] = state_.slices.try_emplace(key, slice);
  NetworkSlice& now = found->second.edit();
  bool ports = fresh || rng_.chance(10);
  if (ports) {
    now.ports = {{"", "TCP", 8000 + static_cast<int>(rng_.below(2))}, {"dns", "UDP", 53}};
    if (rng_.chance(20)) now.ports.push_back({"x", "SCTP", 99});
  }
  auto& list = now.endpoints;
  if (!list.empty() && rng_.chance(45)) list.erase(list.begin() + static_cast<long>(rng_.below(list.size())));
  if (rng_.chance(60)) list.push_back(random_endpoint());
  std::sort(list.begin(), list.end(), [](auto& a, auto& b) { return a.ip < b.ip; });
  auto same = std::unique(list.begin(), list.end(), [](auto& a, auto& b) { return a.ip == b.ip; });
  list.erase(same, list.end());
}

void RandomNetwork::change_service() {
  uint64_t number = rng_.below(kServices);
  NetworkService service;
  service.ns = "default";
  service.name = nth("s", number);
  std::string key = "default/" + service.name;
  if (rng_.chance(20)) {
    state_.services.erase(key);
    return;
  }
  service.type = "ClusterIP";
  // Two may have the same address: the later one has to do without.
  service.cluster_ip = rng_.chance(10) ? "" : nth("10.96.0.", 1 + (rng_.chance(10) ? 0 : number));
  int node_port = rng_.chance(40) ? 30000 + static_cast<int>(rng_.below(kServices)) : 0;
  service.ports = {{"", "TCP", 80, node_port}, {"dns", "UDP", 53, node_port}};
  if (rng_.chance(20)) service.ports.push_back({"x", "SCTP", 99, 0});
  if (rng_.chance(20)) service.external_ips = {nth("198.51.100.", rng_.below(3))};
  if (rng_.chance(20)) service.load_balancer_ips = {nth("198.51.100.", rng_.below(4))};
  if (rng_.chance(25)) service.affinity_seconds = rng_.chance(50) ? 10800 : 60;
  service.internal_local = rng_.chance(20);
  service.external_local = rng_.chance(40);
  service.publish_not_ready = rng_.chance(10);
  if (rng_.chance(25)) service.source_ranges = {"203.0.113.0/24", nth("10.", rng_.below(9)) + ".0.0/16"};
  service.prefer_close = rng_.chance(20);
  state_.services[key] = service;
}

NetworkRule RandomNetwork::random_rule() {
  NetworkRule rule;
  rule.peers.anyone = rng_.chance(20);
  if (!rule.peers.anyone) {
    for (uint64_t i = rng_.below(4); i > 0; --i) rule.peers.addresses.push_back(random_pod());
    if (rng_.chance(40)) rule.peers.blocks.push_back({"10.0.0.0/8", {"10.88.0.0/16", "10.1.2.3/32"}});
    if (rng_.chance(20)) rule.peers.blocks.push_back({nth("203.0.113.", rng_.below(8)) + "/30", {}});
    if (rng_.chance(10)) rule.peers.blocks.push_back({"0.0.0.0/0", {}});
  }
  rule.any_port = rng_.chance(40);
  if (rule.any_port) return rule;
  for (uint64_t i = rng_.below(4); i > 0; --i) {
    NetworkRulePort port{rng_.chance(70) ? "TCP" : "UDP", static_cast<int>(rng_.below(6)) * 10, 0, ""};
    if (port.port > 0 && rng_.chance(40)) port.end_port = port.port + static_cast<int>(rng_.below(30));
    if (port.port > 0 && rng_.chance(20)) port.address = random_pod();
    rule.ports.push_back(port);
  }
  return rule;
}

void RandomNetwork::change_policy() {
  NetworkPolicyRules policy;
  policy.ns = "default";
  policy.name = nth("allow-web.", rng_.below(4));
  std::string key = policy.ns + "/" + policy.name;
  if (rng_.chance(20)) {
    state_.policies.erase(key);
    return;
  }
  auto old = state_.policies.find(key);
  if (old != state_.policies.end() && rng_.chance(60)) {
    // A pod came or went.
    policy = *old->second;
    if (!policy.addresses.empty() && rng_.chance(50)) policy.addresses.pop_back();
    policy.addresses.push_back(random_pod());
    for (NetworkRule& rule : policy.ingress) {
      if (!rule.peers.anyone) rule.peers.addresses.push_back(random_pod());
    }
  } else {
    for (uint64_t i = rng_.below(5); i > 0; --i) policy.addresses.push_back(random_pod());
    policy.isolates_ingress = rng_.chance(80);
    policy.isolates_egress = rng_.chance(40);
    for (uint64_t i = rng_.below(3); i > 0; --i) policy.ingress.push_back(random_rule());
    for (uint64_t i = rng_.below(3); i > 0; --i) policy.egress.push_back(random_rule());
  }
  auto tidy = [](std::vector<std::string>& list) {
    std::sort(list.begin(), list.end());
    list.erase(std::unique(list.begin(), list.end()), list.end());
  };
  tidy(policy.addresses);
  for (NetworkRule& rule : policy.ingress) tidy(rule.peers.addresses);
  state_.policies[key] = policy;
}

void RandomNetwork::change_node() {
  if (rng_.chance(50)) {
    state_.nodes["a"].pod_cidr = rng_.chance(80) ? "10.88.1.0/24" : "";
  } else {
    state_.nodes["c"].pod_cidr = nth("10.88.", 3 + rng_.below(3)) + ".0/24";
    for (const char* node : {"a", "b"}) state_.nodes[node].zone = rng_.chance(50) ? "east" : "west";
  }
}

}  // namespace mainstay::test
