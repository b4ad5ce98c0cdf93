#include "nodeagent/network/policy_table.h"

#include <algorithm>

#include "nodeagent/network/ipv4.h"
#include "nodeagent/network/service_part.h"

namespace mainstay {
namespace {

enum class Direction { kIngress, kEgress };

const char* short_name(Direction direction) { return direction == Direction::kIngress ? "in" : "eg"; }

// nft's names have no '/', '.' or '-' and at most 255 bytes; a policy's key has all of them and up to 317.
std::string name_hash(const std::string& text) {
  uint64_t hash = 14695981039346656037u;  // FNV-1a
  for (unsigned char c : text) hash = (hash ^ c) * 1099511628211u;
  std::string out;
  for (int shift = 60; shift >= 0; shift -= 4) out += "0123456789abcdef"[(hash >> shift) & 15];
  return out;
}

// Told to people who read the table. nft takes 128 bytes; nothing in it may end the string.
std::string comment_text(const std::string& key) {
  std::string out = key.substr(0, 120);
  for (char& c : out) {
    // '-' to '9': that, '.', '/' and the digits.
    bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '-' && c <= '9');
    if (!plain) c = '_';
  }
  return out;
}

class Builder {
 public:
  Builder(const std::map<std::string, Shared<NetworkPolicyRules>>& policies, const Ipv4Range& pods)
      : policies_(policies), pods_(pods) {}

  PolicyTable build() {
    bool any = add_direction(Direction::kEgress);
    any = add_direction(Direction::kIngress) || any;
    if (!any) {
      out_.table = {};
      return std::move(out_);
    }
    auto& chains = out_.table.chains;
    chains["policy_forward"] = {"type filter hook forward priority 0; policy accept;",
                                {"ct state established,related accept",
                                 std::string("ip saddr . ip daddr @") + service_sets::kHairpin + " accept",
                                 "ip saddr vmap @policy_egress", "goto policy_ingress"}};
    chains["policy_ingress"] = {"", {"ip daddr vmap @policy_ingress"}};
    return std::move(out_);
  }

 private:
  bool add_direction(Direction direction);
  void add_rule(NftChain& chain, const std::string& key, Direction direction, size_t index);
  std::vector<std::string> peer_matches(const NetworkPeers& peers, const std::string& side,
                                        const std::string& set, const std::string& key);
  std::vector<std::string> port_matches(const NetworkRule& rule, const std::string& set);
  void note(const std::string& key, const std::string& sentence) {
    out_.notes.push_back("NetworkPolicy " + key + ": " + sentence);
  }

  const std::map<std::string, Shared<NetworkPolicyRules>>& policies_;
  const Ipv4Range pods_;
  PolicyTable out_;
};

// Whether any pod of this node is isolated in this direction.
bool Builder::add_direction(Direction direction) {
  std::map<std::string, std::vector<std::string>> policies_of;  // pod -> keys, sorted
  for (const auto& [key, policy] : policies_) {
    bool isolates = direction == Direction::kIngress ? policy->isolates_ingress : policy->isolates_egress;
    for (const std::string& address : policy->addresses) {
      auto parsed = parse_ipv4(address);
      if (isolates && parsed && pods_.has(*parsed)) policies_of[address].push_back(key);
    }
  }
  bool ingress = direction == Direction::kIngress;
  NftSet& verdicts = out_.table.sets[ingress ? "policy_ingress" : "policy_egress"];
  verdicts.type = "type ipv4_addr : verdict;";
  verdicts.map = true;
  for (const auto& [address, keys] : policies_of) {
    std::string together;
    for (const std::string& key : keys) together += key + " ";
    std::string name = std::string("policies_") + short_name(direction) + "_" + name_hash(together);
    verdicts.elements[address] = "goto " + name;
    auto [chain, fresh] = out_.table.chains.try_emplace(name);
    if (!fresh) continue;
    for (const std::string& key : keys) {
      const NetworkPolicyRules& policy = *policies_.at(key);
      size_t count = ingress ? policy.ingress.size() : policy.egress.size();
      for (size_t i = 0; i < count; ++i) add_rule(chain->second, key, direction, i);
    }
    chain->second.rules.push_back("drop");
  }
  return !policies_of.empty();
}

void Builder::add_rule(NftChain& chain, const std::string& key, Direction direction, size_t index) {
  const NetworkPolicyRules& policy = *policies_.at(key);
  bool ingress = direction == Direction::kIngress;
  const NetworkRule& rule = ingress ? policy.ingress[index] : policy.egress[index];
  // Chains of several groups of pods may share the sets.
  std::string set = "p" + name_hash(key) + "_" + short_name(direction) + std::to_string(index);
  std::string verdict = ingress ? "accept" : "goto policy_ingress";
  std::string comment = " comment \"" + comment_text(key) + "\"";
  for (const std::string& peer : peer_matches(rule.peers, ingress ? "saddr" : "daddr", set, key)) {
    for (const std::string& port : port_matches(rule, set)) {
      chain.rules.push_back(peer + port + verdict + comment);
    }
  }
}

// The ways to be among the peers, each the beginning of a rule.
std::vector<std::string> Builder::peer_matches(const NetworkPeers& peers, const std::string& side,
                                               const std::string& set, const std::string& key) {
  if (peers.anyone) return {""};
  std::vector<Ipv4Range> allowed;
  for (const NetworkPeers::Block& block : peers.blocks) {
    auto range = parse_ipv4_block(block.cidr);
    if (!range) {
      note(key, "ipBlock " + block.cidr + " is no range of IPv4 addresses: it allows nothing here");
      continue;
    }
    std::vector<Ipv4Range> holes;
    for (const std::string& hole : block.except) {
      if (auto parsed = parse_ipv4_block(hole)) holes.push_back(*parsed);
    }
    for (const Ipv4Range& rest : without({*range}, holes)) allowed.push_back(rest);
  }
  allowed = without(std::move(allowed), {});
  if (allowed == std::vector<Ipv4Range>{{0, UINT32_MAX}}) return {""};
  std::vector<std::string> out;
  NftSet addresses;
  addresses.type = "type ipv4_addr;";
  for (const std::string& address : peers.addresses) {
    if (parse_ipv4(address)) addresses.elements[address] = "";
  }
  // Also while it is empty: pods will come, and that shall be an element.
  if (!addresses.elements.empty() || peers.blocks.empty()) {
    out_.table.sets[set + "_pods"] = std::move(addresses);
    out.push_back("ip " + side + " @" + set + "_pods ");
  }
  if (allowed.empty()) return out;
  NftSet blocks;
  blocks.type = "type ipv4_addr; flags interval;";
  blocks.intervals = true;
  for (const Ipv4Range& range : allowed) blocks.elements[range_text(range)] = "";
  out_.table.sets[set + "_blocks"] = std::move(blocks);
  out.push_back("ip " + side + " @" + set + "_blocks ");
  return out;
}

// The ways to be among the ports, each the middle of a rule.
std::vector<std::string> Builder::port_matches(const NetworkRule& rule, const std::string& set) {
  if (rule.any_port) return {""};
  // Ranges of one protocol (and pod, for a named port) must not overlap: joined as if they were addresses.
  std::map<std::string, std::vector<Ipv4Range>> everywhere, named;
  for (const NetworkRulePort& port : rule.ports) {
    std::string protocol = protocol_number(port.protocol);
    if (protocol.empty() || port.port < 0 || port.port > 65535) continue;
    uint32_t first = static_cast<uint32_t>(port.port), last = first;
    if (port.port == 0) last = 65535;
    if (port.end_port > port.port && port.end_port <= 65535) last = static_cast<uint32_t>(port.end_port);
    if (port.address.empty()) everywhere[protocol].push_back({first, last});
    bool pod = !port.address.empty() && parse_ipv4(port.address);
    if (pod) named[port.address + " . " + protocol].push_back({first, last});
  }
  std::vector<std::string> out;
  auto add = [&](const char* suffix, const char* type, const char* match, auto& ranges) {
    if (ranges.empty()) return;
    NftSet ports;
    ports.type = std::string("type ") + type + "; flags interval;";
    ports.intervals = true;
    for (auto& [prefix, list] : ranges) {
      for (const Ipv4Range& one : without(list, {})) {
        std::string text = std::to_string(one.first);
        if (one.last > one.first) text += "-" + std::to_string(one.last);
        ports.elements[prefix + " . " + text] = "";
      }
    }
    out_.table.sets[set + suffix] = std::move(ports);
    out.push_back(std::string(match) + " @" + set + suffix + " ");
  };
  add("_ports", "inet_proto . inet_service", "meta l4proto . th dport", everywhere);
  add("_named", "ipv4_addr . inet_proto . inet_service", "ip daddr . meta l4proto . th dport", named);
  return out;
}

}  // namespace

PolicyTable policy_table(const std::map<std::string, Shared<NetworkPolicyRules>>& policies,
                         const std::string& pod_cidr) {
  auto pods = parse_ipv4_block(pod_cidr);
  if (!pods) return {};
  return Builder(policies, *pods).build();
}

}  // namespace mainstay
