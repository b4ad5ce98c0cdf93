#include "schema/network_state.h"

#include <algorithm>
#include <optional>

#include "schema/json.h"
#include "schema/message_json.h"
#include "schema/network_policy_items.h"

namespace mainstay {
namespace {

void append_texts(std::string& out, const std::vector<std::string>& texts) {
  append_each(out, texts, [](std::string& to, const std::string& text) { append_json_string(to, text); });
}

// Left out if there are none.
void texts(MapWriter& map, std::string_view name, const std::vector<std::string>& all) {
  if (!all.empty()) append_texts(map.key(name), all);
}

int32_t small_at(const Value& map, std::string_view name) { return static_cast<int32_t>(int_at(map, name)); }

// --- writing ---

void append_service_port(std::string& out, const NetworkServicePort& port) {
  MapWriter map(out);
  map.text("name", port.name);
  map.text("protocol", port.protocol);
  map.number("port", port.port);
  map.some("nodePort", port.node_port);
  map.close();
}

void append_slice_port(std::string& out, const NetworkSlicePort& port) {
  MapWriter map(out);
  map.text("name", port.name);
  map.text("protocol", port.protocol);
  map.number("port", port.port);
  map.close();
}

NetworkItem encode_endpoint(const NetworkSlice& slice, const NetworkEndpoint& endpoint) {
  NetworkItem item{"slice/" + slice.ns + "/" + slice.name + "/" + endpoint.ip, {}};
  MapWriter map(item.json);
  map.text("node", endpoint.node);
  map.text("pod", endpoint.pod);
  map.text("hostname", endpoint.hostname);
  // Nearly all are ready and serving, so that only the others say so.
  map.flag("notReady", !endpoint.ready);
  map.flag("notServing", !endpoint.serving);
  map.flag("terminating", endpoint.terminating);
  map.close();
  return item;
}

// --- reading ---

NetworkServicePort read_service_port(const Value& value) {
  return {text_at(value, "name"), text_at(value, "protocol"), small_at(value, "port"),
          small_at(value, "nodePort")};
}

NetworkService read_service(const Value& value, std::string_view ns, std::string_view name) {
  NetworkService out;
  out.ns = ns;
  out.name = name;
  out.type = text_at(value, "type");
  out.cluster_ip = text_at(value, "clusterIP");
  out.external_ips = strings_at(value, "externalIPs");
  out.load_balancer_ips = strings_at(value, "loadBalancerIPs");
  out.external_name = text_at(value, "externalName");
  for (const Value& port : list_at(value, "ports")) out.ports.push_back(read_service_port(port));
  out.affinity_seconds = small_at(value, "affinitySeconds");
  out.internal_local = flag_at(value, "internalLocal");
  out.external_local = flag_at(value, "externalLocal");
  out.publish_not_ready = flag_at(value, "publishNotReady");
  out.source_ranges = strings_at(value, "sourceRanges");
  out.health_check_port = small_at(value, "healthCheckPort");
  out.prefer_close = flag_at(value, "preferClose");
  return out;
}

NetworkEndpoint read_endpoint(const Value& value, std::string_view ip) {
  NetworkEndpoint out;
  out.ip = ip;
  out.node = text_at(value, "node");
  out.pod = text_at(value, "pod");
  out.hostname = text_at(value, "hostname");
  out.ready = !flag_at(value, "notReady");
  out.serving = !flag_at(value, "notServing");
  out.terminating = flag_at(value, "terminating");
  return out;
}

// --- taking items in ---

std::vector<std::string_view> parts_of(std::string_view key) {
  std::vector<std::string_view> out;
  for (;;) {
    size_t slash = key.find('/');
    out.push_back(key.substr(0, slash));
    if (slash == std::string_view::npos) return out;
    key.remove_prefix(slash + 1);
  }
}

std::string joined(std::string_view ns, std::string_view name) {
  return std::string(ns) + "/" + std::string(name);
}

void take_cluster(NetworkState& state, const Value* value) {
  state.cluster_domain = value != nullptr ? text_at(*value, "domain") : NetworkState().cluster_domain;
  state.cluster_cidr = value != nullptr ? text_at(*value, "clusterCIDR") : "";
  state.service_cidr = value != nullptr ? text_at(*value, "serviceCIDR") : "";
  state.dns_address = value != nullptr ? text_at(*value, "dnsAddress") : "";
  state.announce = value != nullptr && flag_at(*value, "announce");
}

void take_slice(NetworkState& state, const Value* value, std::string_view ns, std::string_view name) {
  if (value == nullptr) {
    state.slices.erase(joined(ns, name));
    return;
  }
  NetworkSlice& slice = state.slices[joined(ns, name)].edit();  // keeps the endpoints it has
  slice.ns = ns;
  slice.name = name;
  slice.service = text_at(*value, "service");
  slice.ports.clear();
  for (const Value& port : list_at(*value, "ports")) {
    slice.ports.push_back({text_at(port, "name"), text_at(port, "protocol"), small_at(port, "port")});
  }
}

// False if the slice it belongs to is not there.
bool take_endpoint(NetworkState& state, const Value* value, const std::string& slice, std::string_view ip) {
  auto owner = state.slices.find(slice);
  if (owner == state.slices.end()) return value == nullptr;  // gone with its slice
  std::vector<NetworkEndpoint>& all = owner->second.edit().endpoints;
  auto at = std::lower_bound(all.begin(), all.end(), ip,
                             [](const NetworkEndpoint& known, std::string_view wanted) {
                               return known.ip < wanted;
                             });
  bool known = at != all.end() && at->ip == ip;
  if (value == nullptr) {
    if (known) all.erase(at);
  } else if (known) {
    *at = read_endpoint(*value, ip);
  } else {
    all.insert(at, read_endpoint(*value, ip));
  }
  return true;
}

template <typename Item, typename T>
void put(std::map<std::string, Item>& table, const std::string& key, std::optional<T> value) {
  if (value) {
    table.insert_or_assign(key, std::move(*value));
  } else {
    table.erase(key);
  }
}

NetworkNode read_node(const Value& value, std::string_view name) {
  return {std::string(name), text_at(value, "address"), text_at(value, "podCIDR"), text_at(value, "zone"),
          !flag_at(value, "notReady")};
}

// `value` is null for an item that is gone.
Status take_item(NetworkState& state, const std::string& key, const Value* value) {
  std::vector<std::string_view> parts = parts_of(key);
  const std::string_view kind = parts.front();
  auto made = [&](auto read, auto... name) {
    return value == nullptr ? std::nullopt : std::optional(read(*value, name...));
  };
  if (key == "cluster") {
    take_cluster(state, value);
  } else if (kind == "node" && parts.size() == 2) {
    put(state.nodes, std::string(parts[1]), made(read_node, parts[1]));
  } else if (kind == "service" && parts.size() == 3) {
    put(state.services, joined(parts[1], parts[2]), made(read_service, parts[1], parts[2]));
  } else if (kind == "policy" && parts.size() == 3) {
    take_policy(state, value, parts[1], parts[2]);
  } else if (kind == "policy" && parts.size() == 4) {
    if (!take_policy_pod(state, value, joined(parts[1], parts[2]), std::string(parts[3]))) {
      return error(ErrorCode::kInvalid, "network item " + key + " comes before its policy");
    }
  } else if (kind == "slice" && parts.size() == 3) {
    take_slice(state, value, parts[1], parts[2]);
  } else if (kind == "slice" && parts.size() == 4) {
    if (!take_endpoint(state, value, joined(parts[1], parts[2]), parts[3])) {
      return error(ErrorCode::kInvalid, "network item " + key + " comes before its slice");
    }
  }
  // A kind of item that a newer control plane knows is none of ours.
  return {};
}

uint64_t unsigned_at(const Value& map, std::string_view name) {
  return static_cast<uint64_t>(int_at(map, name));
}

}  // namespace

NetworkItem encode_item(const NetworkService& service) {
  NetworkItem item{"service/" + service.ns + "/" + service.name, {}};
  MapWriter map(item.json);
  map.text("type", service.type);
  map.text("clusterIP", service.cluster_ip);
  texts(map, "externalIPs", service.external_ips);
  texts(map, "loadBalancerIPs", service.load_balancer_ips);
  map.text("externalName", service.external_name);
  if (!service.ports.empty()) append_each(map.key("ports"), service.ports, append_service_port);
  map.some("affinitySeconds", service.affinity_seconds);
  map.flag("internalLocal", service.internal_local);
  map.flag("externalLocal", service.external_local);
  map.flag("publishNotReady", service.publish_not_ready);
  texts(map, "sourceRanges", service.source_ranges);
  map.some("healthCheckPort", service.health_check_port);
  map.flag("preferClose", service.prefer_close);
  map.close();
  return item;
}

std::vector<NetworkItem> encode_items(const NetworkSlice& slice) {
  std::vector<NetworkItem> out;
  out.push_back({"slice/" + slice.ns + "/" + slice.name, {}});
  MapWriter map(out.back().json);
  map.text("service", slice.service);
  if (!slice.ports.empty()) append_each(map.key("ports"), slice.ports, append_slice_port);
  map.close();
  for (const NetworkEndpoint& endpoint : slice.endpoints) out.push_back(encode_endpoint(slice, endpoint));
  return out;
}

NetworkItem encode_item(const NetworkNode& node) {
  NetworkItem item{"node/" + node.name, {}};
  MapWriter map(item.json);
  map.text("address", node.address);
  map.text("podCIDR", node.pod_cidr);
  map.text("zone", node.zone);
  map.flag("notReady", !node.ready);
  map.close();
  return item;
}

NetworkItem encode_cluster_item(const NetworkState& state) {
  NetworkItem item{"cluster", {}};
  MapWriter map(item.json);
  map.text("domain", state.cluster_domain);
  map.text("clusterCIDR", state.cluster_cidr);
  map.text("serviceCIDR", state.service_cidr);
  map.text("dnsAddress", state.dns_address);
  map.flag("announce", state.announce);
  map.close();
  return item;
}

std::vector<NetworkItem> encode_items(const NetworkState& state) {
  std::vector<NetworkItem> out{encode_cluster_item(state)};
  for (const auto& [key, node] : state.nodes) out.push_back(encode_item(node));
  auto add = [&out](std::vector<NetworkItem> items) {
    std::move(items.begin(), items.end(), std::back_inserter(out));
  };
  for (const auto& [key, policy] : state.policies) add(encode_items(*policy));
  for (const auto& [key, service] : state.services) out.push_back(encode_item(*service));
  for (const auto& [key, slice] : state.slices) add(encode_items(*slice));
  std::sort(out.begin(), out.end(),
            [](const NetworkItem& a, const NetworkItem& b) { return a.key < b.key; });
  return out;
}

std::string framed(const NetworkItem& item) {
  std::string out;
  MapWriter map(out);
  map.text("key", item.key);
  if (!item.json.empty()) map.key("value") += item.json;
  map.close();
  return out;
}

std::string begin_network_update(const NetworkUpdate& update) {
  std::string out;
  MapWriter map(out);
  map.number("epoch", static_cast<int64_t>(update.at.epoch));
  map.number("number", static_cast<int64_t>(update.at.number));
  map.some("fromEpoch", static_cast<int64_t>(update.from.epoch));
  map.some("fromNumber", static_cast<int64_t>(update.from.number));
  map.flag("whole", update.whole);
  map.text("digest", update.digest);
  map.key("items") += '[';
  return out;
}

std::string encode(const NetworkUpdate& update) {
  std::string out = begin_network_update(update);
  for (const NetworkItem& item : update.items) {
    if (out.back() != '[') out += ',';
    out += framed(item);
  }
  out += kNetworkUpdateEnd;
  return out;
}

Result<NetworkUpdate> decode_network_update(std::string_view json) {
  ASSIGN_OR_RETURN(Value value, read_json(json));
  return read_network_update(value);
}

Result<NetworkUpdate> read_network_update(const Value& value) {
  if (!value.is_map()) return error(ErrorCode::kInvalid, "malformed network update: no JSON map");
  NetworkUpdate out;
  out.at = {unsigned_at(value, "epoch"), unsigned_at(value, "number")};
  out.from = {unsigned_at(value, "fromEpoch"), unsigned_at(value, "fromNumber")};
  out.whole = flag_at(value, "whole");
  out.digest = text_at(value, "digest");
  for (const Value& item : list_at(value, "items")) {
    std::string key = text_at(item, "key");
    if (key.empty()) return error(ErrorCode::kInvalid, "malformed network update: an item without key");
    const Value* body = item.find("value");
    out.items.push_back({std::move(key), body != nullptr ? to_json(*body) : std::string()});
  }
  return out;
}

NetworkUpdate whole_update(const NetworkState& state) {
  NetworkUpdate out;
  out.at = state.at;
  out.whole = true;
  out.digest = state.digest;
  out.items = encode_items(state);
  return out;
}

Result<NetworkState> applied(const NetworkState& state, const NetworkUpdate& update) {
  if (update.at < state.at || (update.at == state.at && !update.whole)) return state;
  if (!update.whole && update.from != state.at) {
    return error(ErrorCode::kConflict, "a network update from number " + std::to_string(update.from.number) +
                                           " does not follow on number " + std::to_string(state.at.number));
  }
  NetworkState next = update.whole ? NetworkState() : state;
  JsonParser parser;
  for (const NetworkItem& item : update.items) {
    if (item.json.empty()) {
      RETURN_IF_ERROR(take_item(next, item.key, nullptr));
      continue;
    }
    Result<Value> value = read_json(item.json, parser);
    if (!value.ok()) return value.error().in("network item " + item.key);
    if (!value->is_map()) return error(ErrorCode::kInvalid, "network item " + item.key + " is no JSON map");
    RETURN_IF_ERROR(take_item(next, item.key, &*value));
  }
  next.at = update.at;
  next.digest = update.digest;
  return next;
}

}  // namespace mainstay
