#include "nodeagent/network/service_part.h"

#include <algorithm>
#include <optional>
#include <set>

#include "nodeagent/network/ipv4.h"
#include "nodeagent/network/kept_addresses.h"

namespace mainstay {
namespace {

// Indices of the endpoints of outside clients begin here, in the same data map.
constexpr size_t kOutsideOffset = 65536;
constexpr size_t kMostEndpoints = kOutsideOffset - 1;

// A chain that draws an endpoint. Services with equally many endpoints share it.
struct Draw {
  bool node_port = false;
  bool outside = false;
  size_t count = 1;
};

std::string draw_name(const Draw& draw, bool keeps_client_at_endpoint) {
  return std::string(keeps_client_at_endpoint ? "keep" : "draw") + (draw.outside ? "_outside" : "") +
         (draw.node_port ? "_port_" : "_") + std::to_string(draw.count);
}

NftChain draw_chain(const Draw& draw) {
  std::string number = " . numgen random mod " + std::to_string(draw.count);
  if (draw.outside) number += " offset " + std::to_string(kOutsideOffset);
  NftChain out;
  for (const std::string protocol : kServiceProtocols) {
    std::string port = protocol + " dport" + number + " map @";
    out.rules.push_back(draw.node_port ? "dnat ip to " + port + service_sets::port_endpoints(protocol)
                                       : "dnat ip to ip daddr . " + port + service_sets::endpoints(protocol));
  }
  return out;
}

// A client seen before goes where it went; a new one draws.
NftChain keep_chain(const Draw& draw) {
  NftChain out;
  for (const std::string protocol : kServiceProtocols) {
    out.rules.push_back("dnat ip to ip saddr . ip daddr . " + protocol + " dport map @" +
                        service_sets::affinity(protocol));
  }
  out.rules.push_back("goto " + draw_name(draw, false));
  return out;
}

// Behind the hook that translated the destination: notes where the client went, or that it came again.
NftChain stick_chain(int32_t seconds) {
  NftChain out;
  for (const std::string protocol : kServiceProtocols) {
    out.rules.push_back("meta l4proto " + protocol + " update @" + service_sets::affinity(protocol) +
                        " { ip saddr . ct original ip daddr . ct original proto-dst timeout " +
                        std::to_string(seconds) + "s : ip daddr . " + protocol + " dport }");
  }
  return out;
}

void add_record_chains(std::map<std::string, NftChain>& chains) {
  if (chains.count("record") > 0) return;
  NftChain record;
  for (const std::string protocol : kServiceProtocols) {
    std::string begin = "meta l4proto " + protocol;
    std::string port = "meta l4proto . ct original proto-dst vmap @";
    record.rules.push_back(begin + " ct original ip daddr . " + port + service_sets::kSticky);
    record.rules.push_back(begin + " " + port + service_sets::kStickyPorts);
  }
  chains["record"] = std::move(record);
  // Right behind the translation of destinations (priority -100).
  for (const char* hook : {"prerouting", "output"}) {
    chains[std::string("record_") + hook] = {
        std::string("type filter hook ") + hook + " priority -90; policy accept;",
        {"ct state new ct status & dnat == dnat goto record"}};
  }
}

struct Side {
  const std::vector<std::string>& endpoints;
  bool outside;
  const char* verdicts;  // the verdict map
};

void add_side(ServicePart& part, const ServiceFront& front, const Side& side, bool any_endpoint) {
  using namespace service_sets;
  std::string key = front.key();
  size_t count = std::min(side.endpoints.size(), kMostEndpoints);
  Draw draw{front.address.empty(), side.outside, count};
  std::string verdict = any_endpoint ? "drop" : "goto refuse";
  if (count > 0) {
    bool keep = front.affinity_seconds > 0;
    part.chains.emplace(draw_name(draw, false), draw_chain(draw));
    if (keep) part.chains.emplace(draw_name(draw, true), keep_chain(draw));
    verdict = "goto " + draw_name(draw, keep);
  }
  part.elements.push_back({side.verdicts, key, verdict});
  std::string protocol = protocol_word(front.protocol), place = front.short_key() + " . ";
  std::string data = front.address.empty() ? port_endpoints(protocol) : endpoints(protocol);
  size_t first = side.outside ? kOutsideOffset : 0;
  for (size_t i = 0; i < count; ++i) {
    part.elements.push_back({data, place + std::to_string(first + i), side.endpoints[i]});
  }
}

void add_front(ServicePart& part, const ServiceFront& front, const PortEndpoints& behind) {
  using namespace service_sets;
  bool port = front.address.empty();
  bool local = !front.external && front.internal_local;
  bool any = !behind.cluster.empty();
  Side side{local ? behind.local : behind.cluster, false, port ? kNodePorts : kServices};
  add_side(part, front, side, any);
  if (front.external) part.elements.push_back({port ? kExternalPorts : kExternal, front.key(), ""});
  if (front.external && front.external_local) {
    add_side(part, front, {behind.local, true, port ? kOutsideNodePorts : kOutsideServices}, any);
    part.elements.push_back({port ? kKeepClientPorts : kKeepClient, front.key(), ""});
  }
  if (front.restricted) {
    part.elements.push_back({kRestricted, front.key(), ""});
    for (const std::string& range : front.sources) part.elements.push_back({kSources, front.key() + " . " + range, ""});
  }
  if (front.affinity_seconds > 0 && any) {
    std::string chain = "stick_" + std::to_string(front.affinity_seconds);
    part.chains.emplace(chain, stick_chain(front.affinity_seconds));
    add_record_chains(part.chains);
    part.elements.push_back({port ? kStickyPorts : kSticky, front.key(), "goto " + chain});
  }
}

// ---- Fronts ---------------------------------------------------------------------------------------------

class Claims {
 public:
  void claim(const std::string& service, ServiceFront front, const char* what) {
    std::string key = front.key();
    auto [owner, fresh] = owners_.emplace(key, service);
    if (fresh) {
      out_.of[service].push_back(std::move(front));
    } else if (owner->second != service && !service.empty()) {
      std::string protocol = front.protocol == "6" ? "" : front.protocol == "17" ? "/UDP" : "/SCTP";
      note(service, std::string(what) + " " + (front.address.empty() ? "" : front.address + ":") +
                        std::to_string(front.port) + protocol + " is taken by " + owner->second);
    }
  }
  // Before anybody claims anything.
  void keep(const KeptAddress& address) {
    ServiceFront front;
    front.address = address.ip;
    front.protocol = protocol_number(address.protocol);
    front.port = address.port;
    owners_.emplace(front.key(), address.whose);
    kept_.push_back(std::move(front));
  }
  void note(const std::string& service, const std::string& sentence) {
    out_.notes.push_back("Service " + service + ": " + sentence);
  }
  ServiceFronts take() {
    for (ServiceFront& front : kept_) {
      std::string key = front.key();
      front.address.clear();
      if (owners_.count(front.key()) > 0) out_.kept.push_back(key);
    }
    return std::move(out_);
  }

 private:
  std::map<std::string, std::string> owners_;
  std::vector<ServiceFront> kept_;
  ServiceFronts out_;
};

bool has_cluster_address(const NetworkService& service) {
  return service.type != "ExternalName" && !service.cluster_ip.empty() && service.cluster_ip != "None";
}

ServiceFront front_of(const NetworkService& service, const NetworkServicePort& port) {
  ServiceFront front;
  front.protocol = protocol_number(port.protocol);
  front.port = port.port;
  front.behind = port.protocol + "/" + port.name;
  front.internal_local = service.internal_local;
  front.external_local = service.external_local;
  front.affinity_seconds = service.affinity_seconds;
  return front;
}

// Who may use a load balancer's address. A range that is none of IPv4 lets nobody in.
void restrict_sources(ServiceFront& front, const std::vector<std::string>& ranges) {
  std::vector<Ipv4Range> allowed;
  for (const std::string& range : ranges) {
    if (std::optional<Ipv4Range> parsed = parse_ipv4_block(range)) allowed.push_back(*parsed);
  }
  allowed = without(std::move(allowed), {});
  front.restricted = !ranges.empty() && allowed != std::vector<Ipv4Range>{{0, UINT32_MAX}};
  if (!front.restricted) return;
  for (const Ipv4Range& range : allowed) front.sources.push_back(range_text(range));
}

void claim_address(Claims& claims, const std::string& key, const NetworkService& service,
                   const std::string& address, const char* what) {
  bool external = address != service.cluster_ip;
  if (!parse_ipv4(address)) {
    claims.note(key, std::string(what) + " " + address + " is no IPv4 address: it is not served");
    return;
  }
  for (const NetworkServicePort& port : service.ports) {
    ServiceFront front = front_of(service, port);
    front.address = address;
    front.external = external;
    bool balanced = std::find(service.load_balancer_ips.begin(), service.load_balancer_ips.end(), address) !=
                    service.load_balancer_ips.end();
    if (external && balanced) restrict_sources(front, service.source_ranges);
    if (!front.protocol.empty()) claims.claim(key, std::move(front), what);
  }
}

void claim_node_ports(Claims& claims, const std::string& key, const NetworkService& service) {
  for (const NetworkServicePort& port : service.ports) {
    ServiceFront front = front_of(service, port);
    front.port = port.node_port;
    front.external = true;
    if (port.node_port > 0 && !front.protocol.empty()) claims.claim(key, std::move(front), "node port");
  }
}

// ---- Endpoints ------------------------------------------------------------------------------------------

// What one port of a service may reach: whether each endpoint is ready, or at least still serves.
struct Candidates {
  std::set<std::string> ready, terminating;
  const std::set<std::string>& usable() const { return ready.empty() ? terminating : ready; }
};

std::vector<std::string> placed(const std::set<std::string>& wanted, std::vector<std::string> before) {
  std::set<std::string> fresh = wanted;
  std::vector<size_t> holes;
  for (size_t i = 0; i < before.size(); ++i) {
    if (fresh.erase(before[i]) == 0) holes.push_back(i);
  }
  std::reverse(holes.begin(), holes.end());  // lowest last
  for (const std::string& endpoint : fresh) {
    if (holes.empty()) {
      before.push_back(endpoint);
    } else {
      before[holes.back()] = endpoint;
      holes.pop_back();
    }
  }
  // Highest first: nothing behind a hole but what stays.
  for (size_t hole : holes) {
    before[hole] = before.back();
    before.pop_back();
  }
  return before;
}

}  // namespace

std::string ServiceFront::key() const {
  std::string out = address.empty() ? "" : address + " . ";
  return out + protocol + " . " + std::to_string(port);
}

std::string ServiceFront::short_key() const {
  std::string out = address.empty() ? "" : address + " . ";
  return out + std::to_string(port);
}

std::string service_sets::endpoints(const std::string& protocol) { return protocol + "_endpoints"; }
std::string service_sets::port_endpoints(const std::string& protocol) { return protocol + "_port_endpoints"; }
std::string service_sets::affinity(const std::string& protocol) { return protocol + "_affinity"; }

std::string protocol_word(const std::string& number) {
  return number == "6" ? "tcp" : number == "17" ? "udp" : "sctp";
}

std::string protocol_number(const std::string& protocol) {
  if (protocol == "TCP") return "6";
  if (protocol == "UDP") return "17";
  return protocol == "SCTP" ? "132" : "";
}

ServiceFronts claim_fronts(const NetworkState& state, bool dns) {
  Claims claims;
  for (const KeptAddress& address : kept_addresses(state)) {
    if (!dns || address.ip != state.dns_address) claims.keep(address);
  }
  for (const auto& [key, service] : state.services) {
    if (has_cluster_address(*service)) claim_address(claims, key, *service, service->cluster_ip, "clusterIP");
  }
  if (dns && parse_ipv4(state.dns_address)) {
    NetworkService service;
    service.cluster_ip = state.dns_address;
    service.ports = {{"dns", "UDP", 53, 0}, {"dns", "TCP", 53, 0}};
    claim_address(claims, "", service, service.cluster_ip, "DNS");
  }
  for (const auto& [key, service] : state.services) {
    if (has_cluster_address(*service)) claim_node_ports(claims, key, *service);
  }
  for (const auto& [key, service] : state.services) {
    if (!has_cluster_address(*service)) continue;
    for (const std::string& ip : service->load_balancer_ips)
      claim_address(claims, key, *service, ip, "load balancer address");
  }
  for (const auto& [key, service] : state.services) {
    if (!has_cluster_address(*service)) continue;
    for (const std::string& ip : service->external_ips)
      claim_address(claims, key, *service, ip, "external address");
  }
  return claims.take();
}

EndpointLists endpoint_lists(const NetworkService& service, const std::vector<const NetworkSlice*>& slices,
                             const std::string& node, const std::map<std::string, NetworkNode>& nodes,
                             const EndpointLists& before) {
  auto zone_of = [&nodes](const std::string& name) {
    auto found = nodes.find(name);
    return found == nodes.end() ? std::string() : found->second.zone;
  };
  const std::string zone = service.prefer_close ? zone_of(node) : "";
  std::map<std::string, Candidates> cluster, local, close;
  for (const NetworkSlice* slice : slices) {
    for (const NetworkSlicePort& port : slice->ports) {
      std::string behind = port.protocol + "/" + port.name;
      for (const NetworkEndpoint& endpoint : slice->endpoints) {
        bool ready = endpoint.ready || service.publish_not_ready;
        bool last_resort = !ready && endpoint.serving && endpoint.terminating;
        if ((!ready && !last_resort) || !parse_ipv4(endpoint.ip)) continue;
        std::string text = endpoint.ip + " . " + std::to_string(port.port);
        Candidates& all = cluster[behind];
        (ready ? all.ready : all.terminating).insert(text);
        if (ready && !zone.empty() && zone_of(endpoint.node) == zone) close[behind].ready.insert(text);
        if (endpoint.node != node) continue;
        Candidates& here = local[behind];
        (ready ? here.ready : here.terminating).insert(text);
      }
    }
  }
  EndpointLists out;
  for (const NetworkServicePort& port : service.ports) {
    std::string behind = port.protocol + "/" + port.name;
    auto old = before.find(behind);
    const PortEndpoints& places = old == before.end() ? PortEndpoints() : old->second;
    const std::set<std::string>& near = close[behind].ready;
    out[behind] = {placed(near.empty() ? cluster[behind].usable() : near, places.cluster),
                   placed(local[behind].usable(), places.local)};
  }
  return out;
}

std::vector<std::string> hairpins_of(const std::vector<const NetworkSlice*>& slices,
                                     const NetworkNode& node) {
  std::set<std::string> out;
  for (const NetworkSlice* slice : slices) {
    for (const NetworkEndpoint& endpoint : slice->endpoints) {
      // A pod on the host's network reaches itself without help.
      bool pod = endpoint.node == node.name && endpoint.ip != node.address;
      if (pod && parse_ipv4(endpoint.ip)) out.insert(endpoint.ip);
    }
  }
  return {out.begin(), out.end()};
}

ServicePart service_part(std::vector<ServiceFront> fronts, EndpointLists endpoints,
                         std::vector<std::string> hairpins) {
  static const PortEndpoints kNone;
  ServicePart part;
  part.fronts = std::move(fronts);
  part.endpoints = std::move(endpoints);
  part.hairpins = std::move(hairpins);
  for (const ServiceFront& front : part.fronts) {
    auto behind = part.endpoints.find(front.behind);
    add_front(part, front, behind == part.endpoints.end() ? kNone : behind->second);
  }
  std::sort(part.elements.begin(), part.elements.end());
  return part;
}

}  // namespace mainstay
