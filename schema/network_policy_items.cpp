#include "schema/network_policy_items.h"

#include <algorithm>
#include <map>

#include "schema/message_json.h"

namespace mainstay {
namespace {

// --- writing ---

void texts(MapWriter& map, std::string_view name, const std::vector<std::string>& all) {
  if (all.empty()) return;
  append_each(map.key(name), all, [](std::string& to, const std::string& text) { append_json_string(to, text); });
}

void append_block(std::string& out, const NetworkPeers::Block& block) {
  MapWriter map(out);
  map.text("cidr", block.cidr);
  texts(map, "except", block.except);
  map.close();
}

void append_port(std::string& out, const NetworkRulePort& port) {
  MapWriter map(out);
  map.text("protocol", port.protocol);
  map.some("port", port.port);
  map.some("endPort", port.end_port);
  map.close();
}

// Without what belongs to single pods.
void append_rule(std::string& out, const NetworkRule& rule) {
  MapWriter map(out);
  map.flag("anyone", rule.peers.anyone);
  if (!rule.peers.blocks.empty()) append_each(map.key("blocks"), rule.peers.blocks, append_block);
  map.flag("anyPort", rule.any_port);
  std::vector<NetworkRulePort> everywhere;
  for (const NetworkRulePort& port : rule.ports) {
    if (port.address.empty()) everywhere.push_back(port);
  }
  if (!everywhere.empty()) append_each(map.key("ports"), everywhere, append_port);
  map.close();
}

// What the rules of one direction say of one pod.
struct DirectionPart {
  std::vector<size_t> rules;  // whose peer it is
  std::vector<std::pair<size_t, NetworkRulePort>> ports;
};

struct PodPart {
  bool selected = false;
  DirectionPart ingress, egress;
};

void append_direction(MapWriter& map, const std::string& name, const DirectionPart& part) {
  if (!part.rules.empty()) {
    append_each(map.key(name), part.rules,
                [](std::string& to, size_t rule) { append_json_number(to, static_cast<int64_t>(rule)); });
  }
  if (part.ports.empty()) return;
  append_each(map.key(name + "Ports"), part.ports, [](std::string& to, const auto& port) {
    MapWriter one(to);
    one.number("rule", static_cast<int64_t>(port.first));
    one.text("protocol", port.second.protocol);
    one.some("port", port.second.port);
    one.some("endPort", port.second.end_port);
    one.close();
  });
}

std::map<std::string, PodPart> pod_parts(const NetworkPolicyRules& policy) {
  std::map<std::string, PodPart> out;
  for (const std::string& address : policy.addresses) out[address].selected = true;
  auto add = [&](const std::vector<NetworkRule>& rules, DirectionPart PodPart::*direction) {
    for (size_t i = 0; i < rules.size(); ++i) {
      for (const std::string& address : rules[i].peers.addresses) (out[address].*direction).rules.push_back(i);
      for (const NetworkRulePort& port : rules[i].ports) {
        if (!port.address.empty()) (out[port.address].*direction).ports.emplace_back(i, port);
      }
    }
  };
  add(policy.ingress, &PodPart::ingress);
  add(policy.egress, &PodPart::egress);
  return out;
}

// --- taking in ---

int32_t small_at(const Value& map, std::string_view name) { return static_cast<int32_t>(int_at(map, name)); }

NetworkRulePort read_port(const Value& value, const std::string& address) {
  return {text_at(value, "protocol"), small_at(value, "port"), small_at(value, "endPort"), address};
}

// The rules as they are now, with the pods that are known of those before.
std::vector<NetworkRule> read_rules(const ValueList& list, std::vector<NetworkRule> before) {
  before.resize(list.size());
  for (size_t i = 0; i < list.size(); ++i) {
    NetworkRule& rule = before[i];
    const Value& value = list[i];
    rule.peers.anyone = flag_at(value, "anyone");
    rule.peers.blocks.clear();
    for (const Value& block : list_at(value, "blocks")) {
      rule.peers.blocks.push_back({text_at(block, "cidr"), strings_at(block, "except")});
    }
    rule.any_port = flag_at(value, "anyPort");
    std::erase_if(rule.ports, [](const NetworkRulePort& port) { return port.address.empty(); });
    std::vector<NetworkRulePort> everywhere;
    for (const Value& port : list_at(value, "ports")) everywhere.push_back(read_port(port, ""));
    rule.ports.insert(rule.ports.begin(), everywhere.begin(), everywhere.end());
  }
  return before;
}

void set_member(std::vector<std::string>& sorted, const std::string& address, bool member) {
  auto at = std::lower_bound(sorted.begin(), sorted.end(), address);
  bool known = at != sorted.end() && *at == address;
  if (known && !member) sorted.erase(at);
  if (!known && member) sorted.insert(at, address);
}

void set_ports(std::vector<NetworkRulePort>& sorted, const std::string& address,
               const std::vector<NetworkRulePort>& now) {
  auto before = [](const NetworkRulePort& port, const std::string& than) { return port.address < than; };
  auto begin = std::lower_bound(sorted.begin(), sorted.end(), address, before);
  auto end = begin;
  while (end != sorted.end() && end->address == address) ++end;
  sorted.insert(sorted.erase(begin, end), now.begin(), now.end());
}

void take_direction(std::vector<NetworkRule>& rules, const Value* value, const std::string& name,
                    const std::string& ip) {
  std::vector<bool> named(rules.size());
  std::vector<std::vector<NetworkRulePort>> ports(rules.size());
  if (value != nullptr) {
    for (const Value& rule : list_at(*value, name)) {
      uint64_t number = rule.is_int() ? static_cast<uint64_t>(rule.as_int()) : rules.size();
      if (number < rules.size()) named[number] = true;
    }
    for (const Value& port : list_at(*value, name + "Ports")) {
      auto number = static_cast<uint64_t>(int_at(port, "rule", -1));
      if (number < rules.size()) ports[number].push_back(read_port(port, ip));
    }
  }
  for (size_t i = 0; i < rules.size(); ++i) {
    set_member(rules[i].peers.addresses, ip, named[i]);
    set_ports(rules[i].ports, ip, ports[i]);
  }
}

}  // namespace

std::vector<NetworkItem> encode_items(const NetworkPolicyRules& policy) {
  std::vector<NetworkItem> out;
  const std::string key = "policy/" + policy.ns + "/" + policy.name;
  out.push_back({key, {}});
  MapWriter map(out.back().json);
  map.flag("isolatesIngress", policy.isolates_ingress);
  map.flag("isolatesEgress", policy.isolates_egress);
  if (!policy.ingress.empty()) append_each(map.key("ingress"), policy.ingress, append_rule);
  if (!policy.egress.empty()) append_each(map.key("egress"), policy.egress, append_rule);
  map.close();
  for (const auto& [address, part] : pod_parts(policy)) {
    out.push_back({key + "/" + address, {}});
    MapWriter pod(out.back().json);
    pod.flag("selected", part.selected);
    append_direction(pod, "ingress", part.ingress);
    append_direction(pod, "egress", part.egress);
    pod.close();
  }
  return out;
}

void take_policy(NetworkState& state, const Value* value, std::string_view ns, std::string_view name) {
  std::string key = std::string(ns) + "/" + std::string(name);
  if (value == nullptr) {
    state.policies.erase(key);
    return;
  }
  NetworkPolicyRules& policy = state.policies[key].edit();
  policy.ns = ns;
  policy.name = name;
  policy.isolates_ingress = flag_at(*value, "isolatesIngress");
  policy.isolates_egress = flag_at(*value, "isolatesEgress");
  policy.ingress = read_rules(list_at(*value, "ingress"), std::move(policy.ingress));
  policy.egress = read_rules(list_at(*value, "egress"), std::move(policy.egress));
}

bool take_policy_pod(NetworkState& state, const Value* value, const std::string& policy, const std::string& ip) {
  auto owner = state.policies.find(policy);
  if (owner == state.policies.end()) return value == nullptr;  // gone with its policy
  NetworkPolicyRules& rules = owner->second.edit();
  set_member(rules.addresses, ip, value != nullptr && flag_at(*value, "selected"));
  take_direction(rules.ingress, value, "ingress", ip);
  take_direction(rules.egress, value, "egress", ip);
  return true;
}

}  // namespace mainstay
