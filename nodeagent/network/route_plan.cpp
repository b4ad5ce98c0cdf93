#include "nodeagent/network/route_plan.h"

#include <algorithm>
#include <iterator>

#include "nodeagent/network/ipv4.h"
#include "schema/json.h"

namespace mainstay {
namespace {

// Locally administered, one per address.
std::string mac_of(uint32_t address) {
  std::string out = "02:4d";
  for (int shift = 24; shift >= 0; shift -= 8) {
    uint32_t byte = (address >> shift) & 255;
    out += ':';
    out += "0123456789abcdef"[byte >> 4];
    out += "0123456789abcdef"[byte & 15];
  }
  return out;
}

const HostAddress* find_address(const std::vector<HostAddress>& host, const std::string& address) {
  auto found = std::find_if(host.begin(), host.end(), [&](auto& one) { return one.address == address; });
  return found == host.end() ? nullptr : &*found;
}

// The address by which `address` is a neighbour; the narrowest network wins, as in the kernel's table.
const HostAddress* segment_of(const std::vector<HostAddress>& host, uint32_t address,
                              const std::string& overlay) {
  const HostAddress* best = nullptr;
  for (const HostAddress& one : host) {
    auto block = parse_ipv4_block(one.address + "/" + std::to_string(one.prefix));
    bool near = block && block->has(address) && one.prefix < 32 && one.device != overlay;
    if (near && (!best || one.prefix > best->prefix)) best = &one;
  }
  return best;
}

std::string segments_text(const std::vector<HostAddress>& host) {
  std::string out;
  for (const HostAddress& one : host) {
    if (one.address.starts_with("127.") || one.prefix == 32) continue;
    out += (out.empty() ? "" : ", ") + one.address + "/" + std::to_string(one.prefix) + " on " + one.device;
  }
  return out.empty() ? "no network" : out;
}

struct Reader {
  ValueList list;
  static Result<Reader> read(std::string_view json, const char* what) {
    // `bridge` prints nothing at all where it has nothing.
    if (json.find_first_not_of(" \t\r\n") == std::string_view::npos) return Reader{};
    auto value = read_json(json);
    if (!value.ok() || !value->is_list())
      return error(ErrorCode::kInvalid, std::string("iproute2's list of ") + what + " cannot be read");
    return Reader{std::move(value->as_list())};
  }
};

int number_at(const Value& value, std::string_view name) {
  const Value* found = value.find(name);
  return found && found->is_int() ? static_cast<int>(found->as_int()) : 0;
}

bool has_flag(const Value& value, std::string_view name, std::string_view flag) {
  const Value* list = value.find(name);
  if (!list || !list->is_list()) return false;
  const ValueList& flags = list->as_list();
  return std::any_of(flags.begin(), flags.end(),
                     [&](const Value& one) { return one.is_string() && one.as_string() == flag; });
}

template <typename T>
std::vector<T> only_in(const std::vector<T>& one, const std::vector<T>& other) {
  std::vector<T> out;
  std::set_difference(one.begin(), one.end(), other.begin(), other.end(), std::back_inserter(out));
  return out;
}

void sort_all(RouteContent& content) {
  std::sort(content.routes.begin(), content.routes.end());
  std::sort(content.addresses.begin(), content.addresses.end());
  std::sort(content.neighbours.begin(), content.neighbours.end());
  std::sort(content.forwards.begin(), content.forwards.end());
}

std::string device_commands(const OverlayDevice& device, const std::string& name) {
  return "link add " + name + " mtu " + std::to_string(device.mtu) + " address " + device.mac +
         " type vxlan id " + std::to_string(device.vni) + " local " + device.local + " dstport " +
         std::to_string(device.port) + " nolearning\nlink set " + name + " up\n";
}

// Makes the device what it should be; whether it had to be made anew, and all it had with it.
bool renews_device(const RouteContent& have, const RouteContent& want) {
  if (!have.device || !want.device) return true;
  OverlayDevice same = *have.device;
  same.mtu = want.device->mtu;
  same.up = want.device->up;
  return same != *want.device;
}

// What we put there: the DNS address, the overlay's end, and the host ends of pods' pairs.
bool is_own(const HostAddress& one) {
  return one.device.starts_with("mainstay-") || (one.device.starts_with("veth") && one.prefix == 32);
}

}  // namespace

std::string range_conflict(const std::vector<HostAddress>& host, const std::string& range, const std::string& whose) {
  std::optional<Ipv4Range> cluster = parse_ipv4_block(range);
  if (!cluster) return "";
  for (const HostAddress& one : host) {
    std::optional<uint32_t> address = parse_ipv4(one.address);
    if (!address || !cluster->has(*address) || is_own(one)) continue;
    return "this machine has " + one.address + "/" + std::to_string(one.prefix) + " on " + one.device +
           ", which overlaps " + whose + " " + range + ": one of them has to be another range";
  }
  return "";
}

Result<RoutePlan> plan_routes(const NetworkState& state, const NodeRoutesOptions& options,
                              const std::vector<HostAddress>& host) {
  RoutePlan plan;
  auto self = state.nodes.find(options.node);
  if (options.overlay) {
    const HostAddress* below =
        self == state.nodes.end() ? nullptr : find_address(host, self->second.address);
    if (!below) {
      return error(ErrorCode::kUnavailable,
                   "the overlay waits until the control plane knows an address of node '" + options.node +
                       "' that this machine has");
    }
    plan.content.device = OverlayDevice{mac_of(*parse_ipv4(below->address)), below->address, options.vni,
                                        options.port, below->mtu - kOverlayHeaders, true};
    if (auto own = parse_ipv4_block(self->second.pod_cidr))
      plan.content.addresses.push_back(ipv4_text(own->first) + "/32");
  }
  for (const auto& [name, node] : state.nodes) {
    auto address = parse_ipv4(node.address);
    auto range = parse_ipv4_block(node.pod_cidr);
    // A node at an address of ours is another agent on this machine.
    if (name == options.node || !address || !range || find_address(host, node.address)) continue;
    if (options.overlay) {
      std::string end = ipv4_text(range->first);
      plan.content.routes.push_back({range_text(*range), end, options.device, true});
      plan.content.neighbours.push_back({end, mac_of(*address)});
      plan.content.forwards.push_back({mac_of(*address), node.address});
    } else if (const HostAddress* segment = segment_of(host, *address, options.device)) {
      plan.content.routes.push_back({range_text(*range), node.address, segment->device, false});
    } else {
      plan.problems.push_back("node '" + name + "' at " + node.address +
                              " is not on a network of this node (" + segments_text(host) +
                              "): its pods cannot be reached from here; connect the nodes by one network "
                              "segment, or start every agent with --overlay");
    }
  }
  for (const auto& [range, whose] : {std::pair(state.cluster_cidr, "network.podCIDR"),
                                     std::pair(state.service_cidr, "network.serviceCIDR")}) {
    if (std::string conflict = range_conflict(host, range, whose); !conflict.empty()) plan.problems.push_back(conflict);
  }
  sort_all(plan.content);
  return plan;
}

RouteCommands route_commands(const RouteContent& have, const RouteContent& want,
                             const NodeRoutesOptions& options) {
  RouteCommands out;
  const std::string& name = options.device;
  RouteContent left = have;  // of it, once the device is what it should be
  if (renews_device(have, want)) {
    if (have.device) out.before += "link del " + name + "\n";
    if (want.device) out.before += device_commands(*want.device, name);
    left.addresses.clear();
    left.neighbours.clear();
    left.forwards.clear();
    std::erase_if(left.routes, [&](const PodRoute& route) { return route.device == name; });
  } else {
    if (have.device->mtu != want.device->mtu)
      out.before += "link set " + name + " mtu " + std::to_string(want.device->mtu) + "\n";
    if (!have.device->up) out.before += "link set " + name + " up\n";
  }
  for (const auto& one : only_in(left.addresses, want.addresses))
    out.before += "addr del " + one + " dev " + name + "\n";
  // Addresses of a device that was down are not seen: they may be there.
  for (const auto& one : only_in(want.addresses, left.addresses))
    out.before += "addr replace " + one + " dev " + name + "\n";
  for (const auto& one : only_in(left.neighbours, want.neighbours))
    out.before += "neigh del " + one.address + " dev " + name + "\n";
  for (const auto& one : only_in(want.neighbours, left.neighbours))
    out.before += "neigh replace " + one.address + " lladdr " + one.mac + " dev " + name + " nud permanent\n";
  for (const auto& one : only_in(left.forwards, want.forwards))
    out.bridge += "fdb del " + one.mac + " dev " + name + " dst " + one.node_address + " self\n";
  for (const auto& one : only_in(want.forwards, left.forwards))
    out.bridge += "fdb append " + one.mac + " dev " + name + " dst " + one.node_address + " self permanent\n";
  std::string proto = " proto " + std::to_string(options.protocol) + "\n";
  for (const PodRoute& one : only_in(left.routes, want.routes))
    out.after += "route del " + one.range + " via " + one.via + " dev " + one.device + proto;
  for (const PodRoute& one : only_in(want.routes, left.routes)) {
    out.after += "route replace " + one.range + " via " + one.via + " dev " + one.device +
                 (one.onlink ? " onlink" : "") + proto;
  }
  return out;
}

Result<std::vector<HostAddress>> parse_addresses(std::string_view json) {
  ASSIGN_OR_RETURN(Reader reader, Reader::read(json, "addresses"));
  std::vector<HostAddress> out;
  for (const Value& link : reader.list) {
    const Value* addresses = link.find("addr_info");
    if (!addresses || !addresses->is_list() || !has_flag(link, "flags", "UP")) continue;
    for (const Value& one : addresses->as_list()) {
      if (one.string_at("family") != "inet") continue;
      out.push_back({std::string(link.string_at("ifname")), std::string(one.string_at("local")),
                     number_at(one, "prefixlen"), number_at(link, "mtu")});
    }
  }
  return out;
}

Result<std::vector<PodRoute>> parse_routes(std::string_view json) {
  ASSIGN_OR_RETURN(Reader reader, Reader::read(json, "routes"));
  std::vector<PodRoute> out;
  for (const Value& route : reader.list) {
    out.push_back({std::string(route.string_at("dst")), std::string(route.string_at("gateway")),
                   std::string(route.string_at("dev")), has_flag(route, "flags", "onlink")});
  }
  std::sort(out.begin(), out.end());
  return out;
}

Result<std::optional<OverlayDevice>> parse_device(std::string_view json) {
  ASSIGN_OR_RETURN(Reader reader, Reader::read(json, "devices"));
  if (reader.list.empty()) return std::optional<OverlayDevice>();
  const Value& link = reader.list.front();
  OverlayDevice out;
  out.mac = link.string_at("address");
  out.mtu = number_at(link, "mtu");
  out.up = has_flag(link, "flags", "UP");
  if (const Value* data = link.find_path({"linkinfo", "info_data"})) {
    out.local = data->string_at("local");
    out.vni = number_at(*data, "id");
    out.port = number_at(*data, "port");
  }
  return std::optional<OverlayDevice>(out);
}

Result<std::vector<OverlayNeighbour>> parse_neighbours(std::string_view json) {
  ASSIGN_OR_RETURN(Reader reader, Reader::read(json, "neighbours"));
  std::vector<OverlayNeighbour> out;
  for (const Value& one : reader.list) {
    if (!has_flag(one, "state", "PERMANENT")) continue;
    out.push_back({std::string(one.string_at("dst")), std::string(one.string_at("lladdr"))});
  }
  std::sort(out.begin(), out.end());
  return out;
}

Result<std::vector<OverlayForward>> parse_forwards(std::string_view json) {
  ASSIGN_OR_RETURN(Reader reader, Reader::read(json, "forwarding entries"));
  std::vector<OverlayForward> out;
  for (const Value& one : reader.list) {
    if (!one.string_at("dst").empty())
      out.push_back({std::string(one.string_at("mac")), std::string(one.string_at("dst"))});
  }
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace mainstay
