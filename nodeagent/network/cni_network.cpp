#include "nodeagent/network/cni_network.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <mutex>

#include "nodeagent/disk.h"
#include "nodeagent/network/host_ports.h"
#include "nodeagent/network/ipv4.h"
#include "nodeagent/process.h"
#include "nodeagent/runtime/namespaces.h"
#include "schema/json.h"
#include "schema/message_json.h"

namespace mainstay {

std::string encode_record(const PodNetwork& network) {
  Value out = Value::map();
  out.set("uid", network.uid);
  out.set("ip", network.ip);
  out.set("netns", network.netns);
  out.set("hostInterface", network.host_interface);
  Value ports = Value::list();
  for (const PodHostPort& port : network.ports) {
    Value item = Value::map();
    item.set("protocol", port.protocol);
    item.set("hostIP", port.host_ip);
    item.set("hostPort", static_cast<int64_t>(port.host_port));
    item.set("containerPort", static_cast<int64_t>(port.container_port));
    ports.push(std::move(item));
  }
  if (!network.ports.empty()) out.set("ports", std::move(ports));
  return to_json(out);
}

Result<PodNetwork> decode_network_record(std::string_view text) {
  ASSIGN_OR_RETURN(Value value, read_json(text));
  PodNetwork out;
  out.uid = value.string_at("uid");
  out.ip = value.string_at("ip");
  out.netns = value.string_at("netns");
  out.host_interface = value.string_at("hostInterface");
  if (out.uid.empty()) return error(ErrorCode::kCorrupt, "a network record without uid");
  for (const Value& item : list_at(value, "ports")) {
    out.ports.push_back({text_at(item, "protocol"), text_at(item, "hostIP"),
                         static_cast<int32_t>(int_at(item, "hostPort")),
                         static_cast<int32_t>(int_at(item, "containerPort"))});
  }
  return out;
}

Result<PodNetwork> parse_cni_result(std::string_view text) {
  ASSIGN_OR_RETURN(Value value, read_json(text));
  PodNetwork out;
  if (const Value* ips = value.find("ips"); ips && ips->is_list() && !ips->as_list().empty()) {
    std::string_view address = ips->as_list().front().string_at("address");
    out.ip = address.substr(0, address.find('/'));
  }
  if (const Value* interfaces = value.find("interfaces"); interfaces && interfaces->is_list()) {
    for (const Value& item : interfaces->as_list()) {
      if (item.string_at("sandbox").empty()) out.host_interface = item.string_at("name");
    }
  }
  in_addr parsed{};
  if (inet_pton(AF_INET, out.ip.c_str(), &parsed) != 1)
    return failed("the CNI plugin's answer holds no IPv4 address");
  return out;
}

std::string cni_configuration(const CniNetworkOptions& options) {
  Value range = Value::map();
  range.set("subnet", options.rules.node_cidr);
  Value range_set = Value::list();
  range_set.push(range);
  Value ranges = Value::list();
  ranges.push(range_set);
  Value route = Value::map();
  route.set("dst", "0.0.0.0/0");
  Value routes = Value::list();
  routes.push(route);
  Value ipam = Value::map();
  ipam.set("type", "host-local");
  ipam.set("dataDir", options.paths.addresses());
  ipam.set("ranges", ranges);
  ipam.set("routes", routes);
  Value out = Value::map();
  out.set("cniVersion", "0.4.0");
  out.set("name", "pods");
  out.set("type", "ptp");
  out.set("ipMasq", false);  // our own table does that
  if (options.mtu > 0) out.set("mtu", options.mtu);
  out.set("ipam", ipam);
  return to_json(out);
}

namespace {

class CniNetwork : public Network {
 public:
  explicit CniNetwork(CniNetworkOptions options)
      : options_(std::move(options)),
        paths_(options_.paths),
        host_ports_(options_.rules.table + "_ports", recorded_ports()) {}

  Result<PodNetwork> add(const std::string& uid) override;
  Status publish_ports(const std::string& uid, const std::vector<PodHostPort>& ports) override;
  Status keep_clear(const std::vector<KeptAddress>& kept) override { return host_ports_.keep_clear(kept); }
  Status del(const std::string& uid) override;
  Result<std::vector<PodNetwork>> list() override;
  Status check(const std::string& uid) override;
  Result<bool> repair_rules() override;
  Status remove_rules() override;

 private:
  Result<std::string> run_plugin(const std::string& command, const std::string& uid,
                                 const std::string& netns);
  Result<PodNetwork> load(const std::string& uid) const;
  bool is_of_range(const PodNetwork& network) const;
  std::map<std::string, PodPorts> recorded_ports();

  const CniNetworkOptions options_;
  const NodePaths paths_;
  HostPorts host_ports_;
  std::mutex rules_mutex_;
  std::string rules_listing_;  // the kernel's own words for the table as we made it; guarded by rules_mutex_
};

// The plugin's standard output. Its errors come as JSON there too.
Result<std::string> CniNetwork::run_plugin(const std::string& command, const std::string& uid,
                                           const std::string& netns) {
  ProcessSpec spec;
  spec.argv = {options_.plugin_dir + "/ptp"};
  spec.env = plain_environment();
  spec.env.push_back("CNI_COMMAND=" + command);
  spec.env.push_back("CNI_CONTAINERID=" + uid);
  spec.env.push_back("CNI_NETNS=" + netns);
  spec.env.push_back("CNI_IFNAME=eth0");
  spec.env.push_back("CNI_PATH=" + options_.plugin_dir);
  spec.stdin_bytes = cni_configuration(options_);
  ASSIGN_OR_RETURN(ProcessResult result, run_process(spec));
  if (result.exit_code == 0) return result.out;
  if (result.timed_out)
    return error(ErrorCode::kTimeout, "CNI " + command + " of pod " + uid + " did not finish");
  auto said = read_json(result.out);
  std::string message = said.ok() ? std::string(said->string_at("msg")) : result.out + result.err;
  bool full = message.find("no IP addresses available") != std::string::npos;
  return error(full ? ErrorCode::kFull : ErrorCode::kFailed,
               "CNI " + command + " of pod " + uid + ": " + message.substr(0, 1000));
}

Result<PodNetwork> CniNetwork::load(const std::string& uid) const {
  ASSIGN_OR_RETURN(std::string text, read_file(paths_.network_record(uid)));
  ASSIGN_OR_RETURN(PodNetwork network, decode_network_record(text));
  if (network.uid != uid)
    return error(ErrorCode::kCorrupt, "the network record of pod " + uid + " names another");
  return network;
}

// A node that was deleted and has joined anew may have another range than before. Nobody leads to the old one.
bool CniNetwork::is_of_range(const PodNetwork& network) const {
  std::optional<uint32_t> address = parse_ipv4(network.ip);
  return address && parse_ipv4_block(options_.rules.node_cidr)->has(*address);
}

Result<PodNetwork> CniNetwork::add(const std::string& uid) {
  RETURN_IF_ERROR(check_uid(uid));
  auto known = load(uid);
  if (known.ok() && is_of_range(*known) && is_pinned(known->netns)) return known;
  // Half made, from before a reboot or of another range: from the start, so that no address stays taken.
  bool traces = path_exists(paths_.network_record(uid)) || path_exists(paths_.netns(uid));
  if (traces) RETURN_IF_ERROR(del(uid));
  PodNetwork network;
  network.uid = uid;
  network.netns = paths_.netns(uid);
  RETURN_IF_ERROR(write_file(paths_.network_record(uid), encode_record(network), 0600));
  RETURN_IF_ERROR(pin_namespaces({{NamespaceKind::kNet, network.netns}}, ""));
  auto answer = run_plugin("ADD", uid, network.netns);
  auto made = answer.ok() ? parse_cni_result(*answer) : Result<PodNetwork>(answer.error());
  if (!made.ok()) {
    Status undone = del(uid);
    return undone.ok() ? made.error() : undone.error().in(made.error().message + "; then cleaning up");
  }
  network.ip = made->ip;
  network.host_interface = made->host_interface;
  // For people who look at `ip link`, and for leftovers(); nothing depends on it.
  Fd alias(open(("/sys/class/net/" + network.host_interface + "/ifalias").c_str(), O_WRONLY | O_CLOEXEC));
  std::string label = "mainstay:" + uid;
  if (alias.open() && write(alias.get(), label.data(), label.size()) < 0) { /* only a label */ }
  RETURN_IF_ERROR(write_file(paths_.network_record(uid), encode_record(network), 0600));
  return network;
}

std::map<std::string, PodPorts> CniNetwork::recorded_ports() {
  std::map<std::string, PodPorts> out;
  Result<std::vector<PodNetwork>> networks = list();
  if (!networks.ok()) return out;
  for (PodNetwork& network : *networks) {
    if (!network.ip.empty() && !network.ports.empty()) out[network.uid] = {network.ip, std::move(network.ports)};
  }
  return out;
}

Status CniNetwork::publish_ports(const std::string& uid, const std::vector<PodHostPort>& ports) {
  RETURN_IF_ERROR(check_uid(uid));
  ASSIGN_OR_RETURN(PodNetwork network, load(uid));
  if (network.ip.empty()) return error(ErrorCode::kNotFound, "the network of pod " + uid + " is half made");
  if (network.ports != ports) {
    network.ports = ports;
    RETURN_IF_ERROR(write_file(paths_.network_record(uid), encode_record(network), 0600));
  }
  return host_ports_.set(uid, {network.ip, ports});
}

Status CniNetwork::del(const std::string& uid) {
  RETURN_IF_ERROR(check_uid(uid));
  bool traces = path_exists(paths_.network_record(uid)) || path_exists(paths_.netns(uid));
  if (!traces) return {};
  RETURN_IF_ERROR(host_ports_.set(uid, {}));
  bool pinned = is_pinned(paths_.netns(uid));
  auto answer = run_plugin("DEL", uid, pinned ? paths_.netns(uid) : "");
  if (!answer.ok()) return answer.error();
  RETURN_IF_ERROR(unpin_namespace(paths_.netns(uid)));
  RETURN_IF_ERROR(remove_tree(paths_.network_record(uid) + ".new"));
  return remove_tree(paths_.network_record(uid));  // last: until then list() names it
}

Result<std::vector<PodNetwork>> CniNetwork::list() {
  std::vector<std::string> uids;
  ASSIGN_OR_RETURN(auto records, list_dir(paths_.network_records()));
  for (const std::string& file : records) {
    if (file.ends_with(".json")) uids.push_back(file.substr(0, file.size() - 5));
    if (file.ends_with(".json.new")) uids.push_back(file.substr(0, file.size() - 9));
  }
  ASSIGN_OR_RETURN(auto pins, list_dir(paths_.netns_dir()));
  uids.insert(uids.end(), pins.begin(), pins.end());
  std::sort(uids.begin(), uids.end());
  uids.erase(std::unique(uids.begin(), uids.end()), uids.end());
  std::vector<PodNetwork> out;
  for (const std::string& uid : uids) {
    if (!check_uid(uid).ok()) continue;
    PodNetwork half;
    half.uid = uid;
    half.netns = paths_.netns(uid);
    auto network = load(uid);
    bool whole = network.ok() && is_pinned(network->netns) && (network->ip.empty() || is_of_range(*network));
    out.push_back(whole ? *network : half);
  }
  return out;
}

// Whether the address is on an interface of the thread's network namespace.
bool has_address(const std::string& ip) {
  ifaddrs* all = nullptr;
  if (getifaddrs(&all) != 0) return false;
  bool found = false;
  for (ifaddrs* one = all; one; one = one->ifa_next) {
    if (!one->ifa_addr || one->ifa_addr->sa_family != AF_INET) continue;
    char text[INET_ADDRSTRLEN];
    auto* address = reinterpret_cast<sockaddr_in*>(one->ifa_addr);
    found = found || (inet_ntop(AF_INET, &address->sin_addr, text, sizeof text) && ip == text);
  }
  freeifaddrs(all);
  return found;
}

Status CniNetwork::check(const std::string& uid) {
  RETURN_IF_ERROR(check_uid(uid));
  ASSIGN_OR_RETURN(PodNetwork network, load(uid));
  if (network.ip.empty()) return error(ErrorCode::kNotFound, "the network of pod " + uid + " is half made");
  if (!is_of_range(network)) {
    return error(ErrorCode::kNotFound, "address " + network.ip + " of pod " + uid + " is not in " +
                                           options_.rules.node_cidr + ", the node's range by now");
  }
  if (if_nametoindex(network.host_interface.c_str()) == 0) {
    return error(ErrorCode::kNotFound, "interface " + network.host_interface + " of pod " + uid + " is gone");
  }
  return in_network_namespace(network.netns, [&]() -> Status {
    if (has_address(network.ip)) return {};
    return error(ErrorCode::kNotFound, "address " + network.ip + " of pod " + uid + " is gone");
  });
}

Result<bool> CniNetwork::repair_rules() {
  ASSIGN_OR_RETURN(bool ports, host_ports_.repair());
  std::lock_guard<std::mutex> guard(rules_mutex_);
  std::string look = "list table ip " + options_.rules.table;
  auto before = run_nft(look);
  if (!before.ok() && before.error().code != ErrorCode::kNotFound) return before.error();
  if (before.ok() && !rules_listing_.empty() && *before == rules_listing_) return ports;
  ASSIGN_OR_RETURN(std::string ignored, run_nft(masquerade_commands(options_.rules)));
  ASSIGN_OR_RETURN(rules_listing_, run_nft(look));
  return ports || !before.ok() || *before != rules_listing_;
}

Status CniNetwork::remove_rules() {
  std::lock_guard<std::mutex> guard(rules_mutex_);
  rules_listing_.clear();
  RETURN_IF_ERROR(host_ports_.remove());
  return remove_nft_table(options_.rules.table);
}

}  // namespace

Result<std::unique_ptr<Network>> open_cni_network(const CniNetworkOptions& options) {
  CniNetworkOptions complete = options;
  RETURN_IF_ERROR(check_cidr(options.rules.node_cidr));
  RETURN_IF_ERROR(check_cidr(options.rules.cluster_cidr));
  // nft's own grammar has no '-' in names.
  if (!safe_name(options.rules.table) || options.rules.table.find('-') != std::string::npos) {
    return error(ErrorCode::kInvalid,
                 "nft table name '" + options.rules.table + "': use letters, digits and '_'");
  }
  if (geteuid() != 0) return error(ErrorCode::kDenied, "pod networks need root: start the agent as root");
  if (complete.plugin_dir.empty()) {
    for (const char* dir : {"/opt/cni/bin", "/usr/lib/cni"}) {
      bool both = ::access((std::string(dir) + "/ptp").c_str(), X_OK) == 0 &&
                  ::access((std::string(dir) + "/host-local").c_str(), X_OK) == 0;
      if (both && complete.plugin_dir.empty()) complete.plugin_dir = dir;
    }
  }
  if (::access((complete.plugin_dir + "/ptp").c_str(), X_OK) != 0) {
    return error(
        ErrorCode::kUnavailable,
        "the CNI plugins ptp and host-local are not installed (Debian package containernetworking-plugins)");
  }
  ASSIGN_OR_RETURN(complete.paths, make_roots(options.paths));
  for (const std::string& dir :
       {complete.paths.netns_dir(), complete.paths.network_records(), complete.paths.addresses()}) {
    RETURN_IF_ERROR(make_dirs(dir, 0700));
  }
  return std::unique_ptr<Network>(std::make_unique<CniNetwork>(std::move(complete)));
}

}  // namespace mainstay
