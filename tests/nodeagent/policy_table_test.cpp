// NetworkPolicies as sets and chains, and any change of anything against the whole.
#include <catch2/catch.hpp>

#include "nodeagent/network/policy_table.h"
#include "nodeagent/network/service_table.h"
#include "tests/nodeagent/network_states.h"
#include "tests/nodeagent/random_network.h"

using namespace mainstay;
using namespace mainstay::test;

namespace {

using Rules = std::vector<std::string>;

NetworkPolicyRules policy(const std::string& name, std::vector<std::string> pods) {
  NetworkPolicyRules out;
  out.ns = "default";
  out.name = name;
  out.addresses = std::move(pods);
  return out;
}

NetworkRule from(std::vector<std::string> addresses) {
  NetworkRule out;
  out.peers.addresses = std::move(addresses);
  return out;
}

PolicyTable on_node_a(const std::vector<NetworkPolicyRules>& list) {
  std::map<std::string, Shared<NetworkPolicyRules>> policies;
  for (const auto& one : list) policies["default/" + one.name] = one;
  return policy_table(policies, "10.88.1.0/24");
}

// The rules a pod's traffic meets in one direction, with the elements of a set in place of its name.
Rules rules_for(const PolicyTable& content, const std::string& pod, bool ingress = true) {
  const auto& verdicts = content.table.sets.at(ingress ? "policy_ingress" : "policy_egress").elements;
  auto found = verdicts.find(pod);
  if (found == verdicts.end()) return {"free"};
  Rules out = content.table.chains.at(found->second.substr(5)).rules;
  for (std::string& rule : out) {
    for (size_t at; (at = rule.find('@')) != std::string::npos;) {
      size_t end = std::min(rule.find(' ', at), rule.size());
      std::string elements;
      for (const auto& [key, value] : content.table.sets.at(rule.substr(at + 1, end - at - 1)).elements)
        elements += (elements.empty() ? "" : ",") + key;
      rule = rule.substr(0, at) + "{" + elements + "}" + rule.substr(end);
    }
  }
  return out;
}

}  // namespace

TEST_CASE("no isolated pod on the node, no rules") {
  CHECK(on_node_a({}).table == NftTable{});
  NetworkPolicyRules elsewhere = policy("deny", {"10.88.2.2"});
  elsewhere.isolates_ingress = true;
  CHECK(on_node_a({elsewhere}).table == NftTable{});
  CHECK(policy_table({{"default/deny", elsewhere}}, "").table == NftTable{});
}

TEST_CASE("a pod without an allowing rule is closed, and only in that direction") {
  NetworkPolicyRules deny = policy("deny", {"10.88.1.2"});
  deny.isolates_ingress = true;
  PolicyTable content = on_node_a({deny});
  CHECK(rules_for(content, "10.88.1.2") == Rules{"drop"});
  CHECK(rules_for(content, "10.88.1.3") == Rules{"free"});
  CHECK(rules_for(content, "10.88.1.2", false) == Rules{"free"});
  CHECK(content.table.chains.at("policy_forward").rules ==
        Rules{"ct state established,related accept", "ip saddr . ip daddr @hairpin accept",
              "ip saddr vmap @policy_egress", "goto policy_ingress"});
}

TEST_CASE("policies add up, and pods under the same ones share a chain") {
  NetworkPolicyRules one = policy("one", {"10.88.1.2", "10.88.1.3"}), two = policy("two", {"10.88.1.3", "10.88.1.4"});
  one.isolates_ingress = two.isolates_ingress = true;
  one.ingress = {from({"10.88.2.9"})};
  two.ingress = {from({})};
  PolicyTable content = on_node_a({one, two});
  std::string first = "ip saddr {10.88.2.9} accept comment \"default/one\"";
  std::string second = "ip saddr {} accept comment \"default/two\"";
  CHECK(rules_for(content, "10.88.1.2") == Rules{first, "drop"});
  CHECK(rules_for(content, "10.88.1.3") == Rules{first, second, "drop"});
  CHECK(rules_for(content, "10.88.1.4") == Rules{second, "drop"});
  two.addresses.push_back("10.88.1.5");
  PolicyTable more = on_node_a({one, two});
  CHECK(more.table.chains == content.table.chains);
}

TEST_CASE("egress that is allowed has still to be let in") {
  NetworkPolicyRules out = policy("out", {"10.88.1.2"});
  out.isolates_egress = true;
  NetworkRule dns = from({"10.88.2.9"});
  dns.any_port = false;
  dns.ports = {{"UDP", 53, 0, ""}, {"TCP", 53, 0, ""}};
  out.egress = {dns};
  CHECK(rules_for(on_node_a({out}), "10.88.1.2", false) ==
        Rules{"ip daddr {10.88.2.9} meta l4proto . th dport {17 . 53,6 . 53} goto policy_ingress comment "
              "\"default/out\"",
              "drop"});
}

TEST_CASE("blocks lose their exceptions, and everything is no set") {
  NetworkPolicyRules in = policy("in", {"10.88.1.2"});
  in.isolates_ingress = true;
  NetworkRule block;
  block.peers.blocks = {{"10.0.0.0/8", {"10.0.0.0/9"}}, {"10.128.0.0/10", {}}, {"192.0.2.1/32", {}}};
  NetworkRule all;
  all.peers.blocks = {{"0.0.0.0/0", {}}};
  NetworkRule six;
  six.peers.blocks = {{"fd00::/8", {}}};
  in.ingress = {block, all, six};
  PolicyTable content = on_node_a({in});
  CHECK(rules_for(content, "10.88.1.2") ==
        Rules{"ip saddr {10.128.0.0/9,192.0.2.1} accept comment \"default/in\"",
              "accept comment \"default/in\"", "drop"});
  CHECK(content.notes ==
        Rules{"NetworkPolicy default/in: ipBlock fd00::/8 is no range of IPv4 addresses: it allows nothing here"});
}

TEST_CASE("ports join to ranges; a named port is one pod's; a whole protocol is all its ports") {
  NetworkPolicyRules in = policy("in", {"10.88.1.2"});
  in.isolates_ingress = true;
  NetworkRule rule;
  rule.peers.anyone = true;
  rule.any_port = false;
  rule.ports = {{"TCP", 80, 0, ""},    {"TCP", 81, 90, ""},          {"TCP", 85, 0, ""}, {"UDP", 0, 0, ""},
                {"SCTP", 5, 5, ""},    {"TCP", 8080, 0, "10.88.1.2"}, {"ICMP", 1, 0, ""}};
  NetworkRule none;
  none.any_port = false;  // its named port stands in no pod
  none.peers.anyone = true;
  in.ingress = {rule, none};
  CHECK(rules_for(on_node_a({in}), "10.88.1.2") ==
        Rules{"meta l4proto . th dport {132 . 5,17 . 0-65535,6 . 80-90} accept comment \"default/in\"",
              "ip daddr . meta l4proto . th dport {10.88.1.2 . 6 . 8080} accept comment \"default/in\"", "drop"});
}

TEST_CASE("step by step the table becomes what it would be at once") {
  uint64_t seed = GENERATE(1, 2, 3, 4, 5, 6, 7, 8);
  INFO("seed " << seed);
  RandomNetwork network(seed);
  ServiceTable step_by_step({"a", "t", "10.88.1.1", 53});
  for (int i = 0; i < 60; ++i) {
    step_by_step.update(network.state());
    ServiceTable at_once({"a", "t", "10.88.1.1", 53});
    at_once.update(network.state());
    for (const auto& [name, set] : at_once.table().sets) {
      INFO("step " << i << ", set " << name);
      const NftSet& have = step_by_step.table().sets.at(name);
      if (!name.ends_with("endpoints")) {
        REQUIRE(have == set);
        continue;
      }
      // The places of endpoints are history; which endpoints there are is not.
      auto sorted = [](const NftSet& of) {
        std::multimap<std::string, std::string> out;
        for (const auto& [key, value] : of.elements) {
          size_t dot = key.rfind(" . ");
          bool outside = std::stoi(key.substr(dot + 3)) >= 65536;
          out.emplace(key.substr(0, dot) + (outside ? " outside" : ""), value);
        }
        std::vector<std::pair<std::string, std::string>> list(out.begin(), out.end());
        std::sort(list.begin(), list.end());
        return list;
      };
      REQUIRE(sorted(have) == sorted(set));
      for (const auto& [key, value] : set.elements) REQUIRE(have.elements.count(key) == 1);
    }
    for (const auto& [name, chain] : at_once.table().chains)
      REQUIRE(step_by_step.table().chains.at(name) == chain);
    CHECK(step_by_step.table().sets.size() == at_once.table().sets.size());
    CHECK(step_by_step.notes() == at_once.notes());
    network.step();
  }
}
