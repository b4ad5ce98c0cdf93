#include "nodeagent/network/service_table.h"

#include <algorithm>
#include <utility>

#include "nodeagent/network/ipv4.h"
#include "nodeagent/network/kept_addresses.h"
#include "nodeagent/network/policy_table.h"
#include "nodeagent/own_mark.h"

namespace mainstay {
namespace {

constexpr char kUdp[] = "17";

NftSet plain_set(const std::string& type) {
  NftSet out;
  out.type = type;
  return out;
}

NftSet plain_map(const std::string& type) {
  NftSet out = plain_set(type);
  out.map = true;
  return out;
}

void add_sets(NftTable& table) {
  using namespace service_sets;
  const std::string address = "type ipv4_addr . inet_proto . inet_service";
  const std::string port = "type inet_proto . inet_service", verdict = " : verdict;";
  for (const char* name : {kServices, kOutsideServices, kSticky}) table.sets[name] = plain_map(address + verdict);
  for (const char* name : {kNodePorts, kOutsideNodePorts, kStickyPorts})
    table.sets[name] = plain_map(port + verdict);
  for (const char* name : {kExternal, kKeepClient}) table.sets[name] = plain_set(address + ";");
  for (const char* name : {kExternalPorts, kKeepClientPorts}) table.sets[name] = plain_set(port + ";");
  table.sets[kHairpin] = plain_set("type ipv4_addr . ipv4_addr;");
  table.sets[kRestricted] = plain_set(address + ";");
  table.sets[kSources] = plain_set(address + " . ipv4_addr; flags interval;");
  table.sets[kSources].intervals = true;
  for (const std::string protocol : kServiceProtocols) {
    std::string there = protocol + " dport", endpoint = " : ip daddr . " + there + ";";
    // The width of the modulus does not matter: it stands for "a number".
    std::string index = there + " . numgen random mod 65536" + endpoint;
    table.sets[endpoints(protocol)] = plain_map("typeof ip daddr . " + index);
    table.sets[port_endpoints(protocol)] = plain_map("typeof " + index);
    NftSet learned = plain_map("typeof ip saddr . ip daddr . " + there + endpoint +
                               " flags dynamic,timeout; timeout 3h; size 65536;");
    learned.learned = true;
    table.sets[affinity(protocol)] = learned;
  }
}

// The front a connection was opened to, once its destination is translated. nft 1.0.6 knows the type of a
// port only behind a protocol, so there is a rule for each.
void add_for_protocols(NftChain& chain, const std::string& rest) {
  for (const std::string protocol : kServiceProtocols) {
    chain.rules.push_back("meta l4proto " + protocol + " " + rest);
  }
}

NftChain dispatch_chain(const std::string& service_cidr, const std::string& outside) {
  NftChain out;
  auto& rules = out.rules;
  const std::string front = "ip daddr . meta l4proto . th dport vmap @";
  rules.push_back(outside + front + service_sets::kOutsideServices);
  rules.push_back(front + service_sets::kServices);
  if (!service_cidr.empty())
    rules.push_back("ip daddr " + service_cidr + " fib daddr type != local goto refuse");
  rules.push_back("ip daddr 127.0.0.0/8 return");
  rules.push_back("fib daddr type != local return");
  rules.push_back(outside + "meta l4proto . th dport vmap @" + service_sets::kOutsideNodePorts);
  rules.push_back(std::string("meta l4proto . th dport vmap @") + service_sets::kNodePorts);
  return out;
}

NftChain postrouting_chain(const std::string& service_cidr, const std::string& pod_cidr) {
  NftChain out;
  out.hook = "type nat hook postrouting priority 100; policy accept;";
  auto& rules = out.rules;
  rules.push_back("ct status & dnat != dnat return");
  rules.push_back("oifname \"lo\" return");
  rules.push_back(std::string("ip saddr . ip daddr @") + service_sets::kHairpin + " masquerade fully-random");
  // The answer to a pod of ours comes through here in any case.
  if (!pod_cidr.empty()) rules.push_back("ip saddr " + pod_cidr + " return");
  if (!service_cidr.empty())
    rules.push_back("ct original ip daddr " + service_cidr + " masquerade fully-random");
  const std::string front = "ct original ip daddr . meta l4proto . ct original proto-dst @";
  const std::string port = "meta l4proto . ct original proto-dst @";
  const std::string outside = " fib saddr type != local return";
  add_for_protocols(out, front + service_sets::kKeepClient + outside);
  add_for_protocols(out, front + service_sets::kExternal + " masquerade fully-random");
  add_for_protocols(out, port + service_sets::kKeepClientPorts + outside);
  add_for_protocols(out, port + service_sets::kExternalPorts + " masquerade fully-random");
  return out;
}

// Only where some Service has source ranges: others' connections need not pay for it.
void add_source_check(NftTable& table) {
  if (table.sets.at(service_sets::kRestricted).elements.empty()) return;
  const std::string front = "ip daddr . meta l4proto . th dport";
  std::string rule = front + " @" + service_sets::kRestricted + " " + front + " . ip saddr != @" +
                     service_sets::kSources + " drop";
  std::vector<std::string>& rules = table.chains.at("dispatch").rules;
  rules.insert(rules.begin(), std::move(rule));
}

// Ranges go into rules as text: what cannot be read is left out.
std::string checked_block(const std::string& cidr) { return parse_ipv4_block(cidr) ? cidr : ""; }

const NetworkNode& node_in(const NetworkState& state, const std::string& name) {
  static const NetworkNode kUnknown;
  auto found = state.nodes.find(name);
  return found == state.nodes.end() ? kUnknown : found->second;
}

// Makes `known` what `now` is; `changed(key, old or null, new or null)` is called before each change.
template <typename T, typename Callback>
void adopt(std::map<std::string, T>& known, const std::map<std::string, T>& now, Callback changed) {
  const T* const none = nullptr;
  auto old = known.begin();
  for (const auto& [key, value] : now) {
    while (old != known.end() && old->first < key) {
      changed(old->first, &std::as_const(old->second), none);
      old = known.erase(old);
    }
    if (old == known.end() || old->first != key) {
      changed(key, none, &value);
      known.emplace_hint(old, key, value);
      continue;
    }
    if (!(old->second == value)) {
      changed(key, &std::as_const(old->second), &value);
      old->second = value;
    }
    ++old;
  }
  while (old != known.end()) {
    changed(old->first, &std::as_const(old->second), none);
    old = known.erase(old);
  }
}

bool lost_any(const std::vector<std::string>& before, const std::vector<std::string>& after) {
  return std::any_of(before.begin(), before.end(), [&](const std::string& one) {
    return std::find(after.begin(), after.end(), one) == after.end();
  });
}

// Whether some endpoint that counts before does not count any more.
bool lost_endpoint(const ServicePart& before, const ServicePart& after, const std::string& protocol_prefix) {
  for (const auto& [behind, lists] : before.endpoints) {
    if (!behind.starts_with(protocol_prefix)) continue;
    auto now = after.endpoints.find(behind);
    if (now == after.endpoints.end()) return true;
    if (lost_any(lists.cluster, now->second.cluster) || lost_any(lists.local, now->second.local)) return true;
  }
  return false;
}

bool has_udp(const ServicePart& part) {
  return std::any_of(part.fronts.begin(), part.fronts.end(),
                     [](auto& front) { return front.protocol == kUdp; });
}

// What has to follow a change of one service besides its rules. A service that came or went has no fronts on
// one side.
void note_change(ServiceTableChange& change, const ServicePart& before, const ServicePart& after) {
  bool fronts = before.fronts != after.fronts;
  bool sticky = std::any_of(before.fronts.begin(), before.fronts.end(),
                            [](auto& front) { return front.affinity_seconds > 0; });
  if (sticky && (fronts || lost_endpoint(before, after, ""))) change.affinity = true;
  bool udp = has_udp(before) || has_udp(after);
  if (!udp || (!fronts && !lost_endpoint(before, after, "UDP/"))) return;
  for (const ServiceFront& front : before.fronts) {
    if (front.protocol == kUdp) change.udp_fronts.try_emplace(front.key());
  }
  for (const ServiceFront& front : after.fronts) {
    if (front.protocol != kUdp) continue;
    std::set<std::string>& right = change.udp_fronts[front.key()];
    auto behind = after.endpoints.find(front.behind);
    if (behind == after.endpoints.end()) continue;
    right.insert(behind->second.cluster.begin(), behind->second.cluster.end());
    right.insert(behind->second.local.begin(), behind->second.local.end());
  }
}

}  // namespace

NftTable service_frame(const NetworkState& state, const std::string& pod_cidr) {
  NftTable table;
  add_sets(table);
  std::string service_cidr = checked_block(state.service_cidr), pods = checked_block(pod_cidr);
  std::string outside = pods.empty() ? "" : "ip saddr != " + pods + " ";
  outside += "fib saddr type != local ";
  table.chains["dispatch"] = dispatch_chain(service_cidr, outside);
  table.chains["prerouting"] = {"type nat hook prerouting priority -100; policy accept;", {"goto dispatch"}};
  table.chains["output"] = {"type nat hook output priority -100; policy accept;", {kOwnMarkPasses, "goto dispatch"}};
  table.chains["postrouting"] = postrouting_chain(service_cidr, pods);
  table.chains["refuse"] = {
      "", {"meta l4proto tcp reject with tcp reset", "reject with icmp type port-unreachable"}};
  return table;
}

struct ServiceTable::Difference {
  bool services = false;          // a service or what the frame is made of
  bool policies = false;
  std::set<std::string> touched;  // services whose slices changed
};

ServiceTable::Difference ServiceTable::take_in(const NetworkState& state) {
  Difference out;
  bool ranges = known_.service_cidr != state.service_cidr || known_.dns_address != state.dns_address;
  out.services = !begun_ || ranges;
  out.policies = !begun_;
  known_.service_cidr = state.service_cidr;
  known_.dns_address = state.dns_address;
  using Node = const NetworkNode*;
  adopt(known_.nodes, state.nodes, [&](const std::string& name, Node old, Node now) {
    // Whether a node is ready is nothing to rules.
    auto same = [&](auto member) { return old && now && old->*member == now->*member; };
    bool moved = !same(&NetworkNode::zone) && !((old ? old : now)->zone + (now ? now : old)->zone).empty();
    bool ours = name == options_.node && !(same(&NetworkNode::address) && same(&NetworkNode::pod_cidr));
    out.services = out.services || moved || ours;
    out.policies = out.policies || ours;
  });
  adopt(known_.services, state.services, [&](const std::string&, auto*, auto*) { out.services = true; });
  adopt(known_.policies, state.policies, [&](const std::string&, auto*, auto*) { out.policies = true; });
  using Slice = const Shared<NetworkSlice>*;
  adopt(known_.slices, state.slices, [&](const std::string& key, Slice old, Slice now) {
    if (old) {
      std::string service = (*old)->ns + "/" + (*old)->service;
      out.touched.insert(service);
      slices_of_[service].erase(key);
      if (slices_of_[service].empty()) slices_of_.erase(service);
    }
    out.services = out.services || key == kApiServerSlice;
    if (now) {
      std::string service = (*now)->ns + "/" + (*now)->service;
      out.touched.insert(service);
      slices_of_[service].insert(key);
    }
  });
  return out;
}

ServicePart ServiceTable::make_part(const std::string& key, std::vector<ServiceFront> fronts,
                                    const ServicePart* before) const {
  if (key.empty()) {
    PortEndpoints server;
    server.cluster = {options_.dns_ip + " . " + std::to_string(options_.dns_port)};
    return service_part(std::move(fronts), {{"UDP/dns", server}, {"TCP/dns", server}}, {});
  }
  std::vector<const NetworkSlice*> slices;
  if (auto found = slices_of_.find(key); found != slices_of_.end()) {
    for (const std::string& slice : found->second) slices.push_back(&*known_.slices.at(slice));
  }
  const NetworkNode& node = node_in(known_, options_.node);
  EndpointLists lists = endpoint_lists(*known_.services.at(key), slices, options_.node, known_.nodes,
                                       before ? before->endpoints : EndpointLists());
  return service_part(std::move(fronts), std::move(lists), hairpins_of(slices, node));
}

NftElements ServiceTable::replace_part(const std::string& key, ServicePart part) {
  ServicePart& old = parts_[key];
  NftElements out;
  std::set_difference(old.elements.begin(), old.elements.end(), part.elements.begin(), part.elements.end(),
                      std::back_inserter(out.gone));
  std::set_difference(part.elements.begin(), part.elements.end(), old.elements.begin(), old.elements.end(),
                      std::back_inserter(out.added));
  for (const std::string& ip : part.hairpins) {
    if (++hairpin_uses_[ip] == 1) out.added.push_back({service_sets::kHairpin, ip + " . " + ip, ""});
  }
  for (const std::string& ip : old.hairpins) {
    if (--hairpin_uses_[ip] > 0) continue;
    hairpin_uses_.erase(ip);
    out.gone.push_back({service_sets::kHairpin, ip + " . " + ip, ""});
  }
  old = std::move(part);
  return out;
}

NftTable ServiceTable::build() const {
  NftTable out = service_frame(known_, node_in(known_, options_.node).pod_cidr);
  for (const auto& [key, part] : parts_) {
    for (const NftElement& one : part.elements) out.sets.at(one.set).elements[one.key] = one.value;
    out.chains.insert(part.chains.begin(), part.chains.end());
  }
  // Past the node ports; nothing else leads there.
  for (const std::string& front : kept_) out.sets.at(service_sets::kServices).elements[front] = "accept";
  add_source_check(out);
  NftSet& hairpins = out.sets.at(service_sets::kHairpin);
  for (const auto& [ip, uses] : hairpin_uses_) hairpins.elements[ip + " . " + ip] = "";
  out.sets.insert(policies_.sets.begin(), policies_.sets.end());
  out.chains.insert(policies_.chains.begin(), policies_.chains.end());
  return out;
}

void ServiceTable::replace_services(ServiceTableChange& change) {
  static const ServicePart kNothing;
  ServiceFronts fronts = claim_fronts(known_, !options_.dns_ip.empty());
  front_notes_ = std::move(fronts.notes);
  kept_ = std::move(fronts.kept);
  for (auto& [key, part] : parts_) fronts.of.try_emplace(key);  // gone: no fronts, for now
  for (auto& [key, list] : fronts.of) {
    auto found = parts_.find(key);
    const ServicePart* before = found == parts_.end() ? nullptr : &found->second;
    bool gone = list.empty();
    ServicePart part = gone ? ServicePart() : make_part(key, std::move(list), before);
    note_change(change, before ? *before : kNothing, part);
    replace_part(key, std::move(part));
    if (gone) parts_.erase(key);
  }
}

ServiceTableChange ServiceTable::update(const NetworkState& state) {
  Difference difference = take_in(state);
  ServiceTableChange change;
  NftTable policies_before;
  if (difference.policies) {
    PolicyTable wanted = policy_table(known_.policies, node_in(known_, options_.node).pod_cidr);
    std::set<std::string> once(wanted.notes.begin(), wanted.notes.end());
    policy_notes_.assign(once.begin(), once.end());
    policies_before = std::exchange(policies_, std::move(wanted.table));
  }
  if (difference.services) {
    replace_services(change);
    NftTable wanted = build();
    change.commands = begun_ ? change_commands(options_.table, table_, wanted) : "";
    change.structure = !begun_ || !same_structure(table_, wanted);
    if (!change.structure) change.elements = changed_elements(table_, wanted).value_or(NftElements());
    table_ = std::move(wanted);
  } else {
    if (difference.policies) replace_policies(policies_before, change);
    update_endpoints(difference.touched, change);
  }
  begun_ = true;
  return change;
}

void ServiceTable::replace_policies(const NftTable& before, ServiceTableChange& change) {
  change.commands = change_commands(options_.table, before, policies_);
  change.structure = !same_structure(before, policies_);
  if (!change.structure) {
    std::optional<NftElements> elements = changed_elements(before, policies_);
    change.structure = !elements;
    if (elements) change.elements = std::move(*elements);
  }
  for (const auto& [name, set] : before.sets) table_.sets.erase(name);
  for (const auto& [name, chain] : before.chains) table_.chains.erase(name);
  table_.sets.insert(policies_.sets.begin(), policies_.sets.end());
  table_.chains.insert(policies_.chains.begin(), policies_.chains.end());
}

// The usual case: endpoints came or went. Chains that nobody needs any more wait for the next larger change.
void ServiceTable::update_endpoints(const std::set<std::string>& services, ServiceTableChange& change) {
  NftElements elements;
  NftTable chains;
  for (const std::string& key : services) {
    auto found = parts_.find(key);
    if (found == parts_.end()) continue;  // headless, or not known yet
    ServicePart part = make_part(key, found->second.fronts, &found->second);
    note_change(change, found->second, part);
    for (const auto& [name, chain] : part.chains) {
      if (table_.chains.emplace(name, chain).second) chains.chains.emplace(name, chain);
    }
    NftElements one = replace_part(key, std::move(part));
    std::move(one.gone.begin(), one.gone.end(), std::back_inserter(elements.gone));
    std::move(one.added.begin(), one.added.end(), std::back_inserter(elements.added));
  }
  std::sort(elements.gone.begin(), elements.gone.end());
  std::sort(elements.added.begin(), elements.added.end());
  for (const NftElement& one : elements.gone) table_.sets.at(one.set).elements.erase(one.key);
  for (const NftElement& one : elements.added) table_.sets.at(one.set).elements[one.key] = one.value;
  change.structure = change.structure || !chains.chains.empty();
  change.commands += change_commands(options_.table, {}, chains) + element_commands(options_.table, elements);
  // After those of policies: their sets are others.
  for (auto part : {&NftElements::gone, &NftElements::added}) {
    std::vector<NftElement>& all = change.elements.*part;
    std::move((elements.*part).begin(), (elements.*part).end(), std::back_inserter(all));
  }
  if (change.structure) change.elements = {};
}

std::vector<std::string> ServiceTable::notes() const {
  std::vector<std::string> out = front_notes_;
  out.insert(out.end(), policy_notes_.begin(), policy_notes_.end());
  return out;
}

}  // namespace mainstay
