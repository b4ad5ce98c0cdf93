#include "reconciler/core/network_policy.h"

#include <algorithm>
#include <set>

#include "reconciler/control/owners.h"
#include "schema/decode.h"
#include "schema/diagnostics.h"
#include "schema/ipv4.h"
#include "schema/message_json.h"
#include "schema/selector.h"

namespace mainstay {
namespace {

std::optional<LabelSelector> selector_at(const Value& map, std::string_view name) {
  const Value* found = map.find(name);
  if (found == nullptr || !found->is_map()) return std::nullopt;
  Diagnostics unused;
  return decode_as<LabelSelector>(*found, {UnknownFields::kIgnore}, Path(name), unused);
}

PolicyPeer read_peer(const Value& value) {
  PolicyPeer peer;
  peer.pods = selector_at(value, "podSelector");
  peer.namespaces = selector_at(value, "namespaceSelector");
  const Value* block = value.find("ipBlock");
  if (block == nullptr || !block->is_map()) return peer;
  NetworkPeers::Block& read = peer.block.emplace();
  read.cidr = ipv4_block(block->string_at("cidr")).value_or("");
  for (const Value& except : list_at(*block, "except")) {
    std::optional<std::string> text = except.is_string() ? ipv4_block(except.as_string()) : std::nullopt;
    if (text) read.except.push_back(std::move(*text));
  }
  return peer;
}

PolicyPort read_port(const Value& value) {
  PolicyPort port;
  if (std::string protocol = text_at(value, "protocol"); !protocol.empty()) port.protocol = protocol;
  port.port = static_cast<int32_t>(int_at(value, "port"));
  port.name = text_at(value, "port");
  port.end_port = static_cast<int32_t>(int_at(value, "endPort"));
  return port;
}

std::vector<PolicyRule> read_rules(const Value& spec, std::string_view direction, std::string_view peers) {
  std::vector<PolicyRule> out;
  for (const Value& rule : list_at(spec, direction)) {
    PolicyRule& read = out.emplace_back();
    for (const Value& peer : list_at(rule, peers)) read.peers.push_back(read_peer(peer));
    for (const Value& port : list_at(rule, "ports")) read.ports.push_back(read_port(port));
  }
  return out;
}

const StringMap& labels_of_namespace(const Snapshot& view, std::string_view ns) {
  static const StringMap kNone;
  ObjectPtr found = view.find(Kind::kNamespace, "", ns);
  return found ? found->meta.labels : kNone;  // the snapshot holds the object
}

bool peer_matches(const Policy& policy, const PolicyPeer& peer, const Object& pod,
                  const StringMap& ns_labels) {
  if (peer.block || (!peer.pods && !peer.namespaces)) return false;
  bool in_namespace = peer.namespaces ? matches(*peer.namespaces, ns_labels) : pod.meta.ns == policy.ns;
  return in_namespace && (!peer.pods || matches(*peer.pods, pod.meta.labels));
}

// Calls visit(pod) for every counted pod of the namespaces the peer can speak of, and that it matches.
template <typename Visit>
void each_peer_pod(const Policy& policy, const PolicyPeer& peer, const Snapshot& view, const Visit& visit) {
  if (peer.block) return;
  auto in_namespace = [&](const std::string& ns, const StringMap& labels) {
    for (const ObjectPtr& pod : view.list(Kind::kPod, ns)) {
      if (counts_for_policies(as<Pod>(*pod)) && peer_matches(policy, peer, *pod, labels)) visit(*pod);
    }
  };
  if (!peer.namespaces) return in_namespace(policy.ns, labels_of_namespace(view, policy.ns));
  for (const ObjectPtr& ns : view.list(Kind::kNamespace)) {
    if (matches(*peer.namespaces, ns->meta.labels)) in_namespace(ns->meta.name, ns->meta.labels);
  }
}

// The numbers of the pod's ports of that name; protocol must fit.
std::vector<int32_t> named_ports(const Pod& pod, const PolicyPort& port) {
  std::vector<int32_t> out;
  for (const Container& container : pod.spec.containers) {
    for (const ContainerPort& candidate : container.ports) {
      std::string_view protocol = candidate.protocol.empty() ? "TCP" : std::string_view(candidate.protocol);
      if (candidate.name == port.name && protocol == port.protocol) out.push_back(candidate.container_port);
    }
  }
  return out;
}

// Where a rule's named ports are looked up: the pods its traffic goes to.
using Targets = std::vector<ObjectPtr>;

void add_ports(const PolicyPort& port, const Targets& targets, std::vector<NetworkRulePort>& out) {
  if (port.name.empty()) {
    out.push_back({port.protocol, port.port, port.end_port, ""});
    return;
  }
  for (const ObjectPtr& target : targets) {
    const Pod& pod = as<Pod>(*target);
    for (int32_t number : named_ports(pod, port)) {
      out.push_back({port.protocol, number, 0, pod.status.pod_ip});
    }
  }
}

Targets selected_pods(const Policy& policy, const Snapshot& view) {
  Targets out;
  for (const ObjectPtr& pod : view.list(Kind::kPod, policy.ns)) {
    if (counts_for_policies(as<Pod>(*pod)) && matches(policy.pods, pod->meta.labels)) out.push_back(pod);
  }
  return out;
}

bool has_named_port(const PolicyRule& rule) {
  return std::any_of(rule.ports.begin(), rule.ports.end(),
                     [](const PolicyPort& port) { return !port.name.empty(); });
}

// The pods that the rule's peers can be; every pod if it names no peer.
Targets peer_pods(const Policy& policy, const PolicyRule& rule, const Snapshot& view) {
  Targets out;
  auto add = [&](const Object& pod) {
    if (ObjectPtr found = view.find(pod.key())) out.push_back(std::move(found));
  };
  for (const PolicyPeer& peer : rule.peers) each_peer_pod(policy, peer, view, add);
  if (!rule.peers.empty()) return out;
  for (const ObjectPtr& pod : view.list(Kind::kPod)) {
    if (counts_for_policies(as<Pod>(*pod))) out.push_back(pod);
  }
  return out;
}

// Also a rule that nothing matches yet: a rule keeps its number, by which its pods name it.
NetworkRule resolve_rule(const Policy& policy, const PolicyRule& rule, const Snapshot& view,
                                        const Targets* selected) {
  NetworkRule out;
  std::set<std::string> addresses;
  for (const PolicyPeer& peer : rule.peers) {
    if (peer.block && !peer.block->cidr.empty()) out.peers.blocks.push_back(*peer.block);
    each_peer_pod(policy, peer, view,
                  [&](const Object& pod) { addresses.insert(as<Pod>(pod).status.pod_ip); });
  }
  out.peers.addresses.assign(addresses.begin(), addresses.end());
  out.peers.anyone = rule.peers.empty();
  out.any_port = rule.ports.empty();
  Targets peers;
  if (selected == nullptr && has_named_port(rule)) peers = peer_pods(policy, rule, view);
  const Targets& targets = selected != nullptr ? *selected : peers;
  for (const PolicyPort& port : rule.ports) add_ports(port, targets, out.ports);
  std::sort(out.ports.begin(), out.ports.end());
  out.ports.erase(std::unique(out.ports.begin(), out.ports.end()), out.ports.end());
  return out;
}

}  // namespace

std::optional<std::string> ipv4_block(std::string_view text) {
  size_t slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  std::optional<uint32_t> address = parse_ipv4(text.substr(0, slash));
  std::string_view digits = text.substr(slash + 1);
  if (!address || digits.empty() || digits.size() > 2) return std::nullopt;
  int bits = 0;
  for (char c : digits) {
    if (c < '0' || c > '9') return std::nullopt;
    bits = bits * 10 + (c - '0');
  }
  if (bits > 32) return std::nullopt;
  uint32_t mask = bits == 0 ? 0 : ~uint32_t{0} << (32 - bits);
  return ipv4_text(*address & mask) + "/" + std::to_string(bits);
}

bool counts_for_policies(const Pod& pod) {
  return !pod.status.pod_ip.empty() && !pod.spec.host_network && !is_finished(pod);
}

Policy read_policy(const Object& object) {
  Policy out;
  out.ns = object.meta.ns;
  out.name = object.meta.name;
  const Value* spec = generic_fields(object).find("spec");
  if (spec == nullptr || !spec->is_map()) return out;
  out.pods = selector_at(*spec, "podSelector").value_or(LabelSelector{});
  out.ingress = read_rules(*spec, "ingress", "from");
  out.egress = read_rules(*spec, "egress", "to");
  const ValueList& types = list_at(*spec, "policyTypes");
  for (const Value& type : types) {
    if (!type.is_string()) continue;
    out.isolates_ingress |= type.as_string() == "Ingress";
    out.isolates_egress |= type.as_string() == "Egress";
  }
  if (types.empty()) {
    out.isolates_ingress = true;
    out.isolates_egress = !out.egress.empty();
  }
  return out;
}

NetworkPolicyRules resolve(const Policy& policy, const Snapshot& view) {
  NetworkPolicyRules out;
  out.ns = policy.ns;
  out.name = policy.name;
  out.isolates_ingress = policy.isolates_ingress;
  out.isolates_egress = policy.isolates_egress;
  Targets selected = selected_pods(policy, view);
  std::set<std::string> addresses;
  for (const ObjectPtr& pod : selected) addresses.insert(as<Pod>(*pod).status.pod_ip);
  out.addresses.assign(addresses.begin(), addresses.end());
  // Rules of a direction that is not isolated say nothing.
  if (policy.isolates_ingress) {
    for (const PolicyRule& rule : policy.ingress) {
      out.ingress.push_back(resolve_rule(policy, rule, view, &selected));
    }
  }
  if (policy.isolates_egress) {
    for (const PolicyRule& rule : policy.egress) {
      out.egress.push_back(resolve_rule(policy, rule, view, nullptr));
    }
  }
  return out;
}

bool concerns(const Policy& policy, const Object& pod, const StringMap& ns_labels) {
  if (pod.meta.ns == policy.ns && matches(policy.pods, pod.meta.labels)) return true;
  for (const std::vector<PolicyRule>* rules : {&policy.ingress, &policy.egress}) {
    for (const PolicyRule& rule : *rules) {
      // Traffic to a named port of anybody: every pod may have one.
      if (rule.peers.empty() && rules == &policy.egress && has_named_port(rule)) return true;
      for (const PolicyPeer& peer : rule.peers) {
        if (peer_matches(policy, peer, pod, ns_labels)) return true;
      }
    }
  }
  return false;
}

bool selects_namespaces(const Policy& policy) {
  for (const std::vector<PolicyRule>* rules : {&policy.ingress, &policy.egress}) {
    for (const PolicyRule& rule : *rules) {
      for (const PolicyPeer& peer : rule.peers) {
        if (peer.namespaces) return true;
      }
    }
  }
  return false;
}

}  // namespace mainstay
