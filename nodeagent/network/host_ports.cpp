#include "nodeagent/network/host_ports.h"

#include "nodeagent/network/masquerade.h"
#include "nodeagent/own_mark.h"

namespace mainstay {
namespace {

// As the kernel numbers them and `nft -n` prints them.
std::string protocol_number(const std::string& protocol) {
  if (protocol == "UDP") return "17";
  if (protocol == "SCTP") return "132";
  return "6";
}

NftSet definition(const std::string& type, bool map) {
  NftSet out;
  out.type = type;
  out.map = map;
  return out;
}

NftChain chain(const std::string& hook, const std::string& guard) {
  NftChain out;
  out.hook = hook;
  out.rules = {"ip daddr . meta l4proto . th dport @kept return",
               guard + "dnat ip to ip daddr . meta l4proto . th dport map @at",
               guard + "fib daddr type 2 dnat ip to meta l4proto . th dport map @any"};
  return out;
}

Result<NftListing> list_table(const std::string& table) {
  ASSIGN_OR_RETURN(std::string text, run_nft("list table ip " + table));
  return split_listing(text);
}

}  // namespace

NftTable host_port_table(const std::map<std::string, PodPorts>& pods, const std::vector<KeptAddress>& kept) {
  NftTable out;
  for (const auto& [uid, pod] : pods) {
    for (const PodHostPort& port : pod.ports) {
      std::string value = pod.ip + " . " + std::to_string(port.container_port);
      std::string key = protocol_number(port.protocol) + " . " + std::to_string(port.host_port);
      bool everywhere = port.host_ip.empty() || port.host_ip == "0.0.0.0";
      if (everywhere) {
        out.sets["any"].elements.try_emplace(key, value);
      } else {
        out.sets["at"].elements.try_emplace(port.host_ip + " . " + key, value);
      }
      out.sets["self"].elements.try_emplace(pod.ip + " . " + pod.ip, "");
    }
  }
  if (out.sets.empty()) return out;
  for (const KeptAddress& one : kept) {
    out.sets["kept"].elements[one.ip + " . " + protocol_number(one.protocol) + " . " + std::to_string(one.port)] = "";
  }
  auto define = [&](const char* name, const std::string& type, bool map) {
    NftSet set = definition(type, map);
    set.elements = std::move(out.sets[name].elements);
    out.sets[name] = std::move(set);
  };
  define("any", "type inet_proto . inet_service : ipv4_addr . inet_service;", true);
  define("at", "type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service;", true);
  define("kept", "type ipv4_addr . inet_proto . inet_service;", false);
  define("self", "type ipv4_addr . ipv4_addr;", false);
  // Before the Services' own table (-100), which answers for everything else that looks like a node port.
  out.chains["prerouting"] = chain("type nat hook prerouting priority -101; policy accept;", "");
  out.chains["output"] =
      chain("type nat hook output priority -101; policy accept;", "ip daddr != 127.0.0.0/8 ");
  std::vector<std::string>& from_here = out.chains["output"].rules;
  from_here.insert(from_here.begin(), kOwnMarkPasses);
  NftChain back;
  back.hook = "type nat hook postrouting priority 99; policy accept;";
  back.rules = {"ct status & dnat == dnat ip saddr . ip daddr @self masquerade"};
  out.chains["postrouting"] = std::move(back);
  return out;
}

// With the mutex held: from what the kernel was given last to `want`.
Status HostPorts::bring(const NftTable& want) {
  if (want == have_) return {};
  std::string named = "table ip " + table_ + "\n";
  std::string commands = want.sets.empty()    ? "add " + named + "delete " + named
                         : have_.sets.empty() ? load_commands(table_, want)
                                              : change_commands(table_, have_, want);
  Result<std::string> changed = run_nft(commands);
  // Somebody may have changed the table since: then as a whole.
  if (!changed.ok() && !want.sets.empty()) changed = run_nft(load_commands(table_, want));
  if (!changed.ok()) return changed.error().in("host ports");
  have_ = want;
  said_ = {};
  if (want.sets.empty()) return {};
  ASSIGN_OR_RETURN(said_, list_table(table_));
  return {};
}

Status HostPorts::set(const std::string& uid, PodPorts ports) {
  std::lock_guard lock(mutex_);
  if (ports.ports.empty()) {
    if (pods_.erase(uid) == 0) return {};
  } else {
    pods_[uid] = std::move(ports);
  }
  return bring(host_port_table(pods_, kept_));
}

Status HostPorts::keep_clear(std::vector<KeptAddress> kept) {
  std::lock_guard lock(mutex_);
  if (kept == kept_) return {};
  kept_ = std::move(kept);
  return bring(host_port_table(pods_, kept_));
}

Result<bool> HostPorts::repair() {
  std::lock_guard lock(mutex_);
  NftTable want = host_port_table(pods_, kept_);
  if (want.sets.empty() && have_.sets.empty() && looked_) return false;
  Result<NftListing> listing = list_table(table_);
  if (!listing.ok() && listing.error().code != ErrorCode::kNotFound) return listing.error();
  looked_ = true;
  // Of an agent before, whose pods are gone.
  bool stale = want.sets.empty() && have_.sets.empty();
  if (stale && listing.ok()) RETURN_IF_ERROR(remove_nft_table(table_));
  if (stale) return false;
  bool fine = listing.ok() && want == have_ && listing->skeleton == said_.skeleton &&
              listing->elements == said_.elements;
  if (fine) return false;
  bool ours = !have_.sets.empty();  // not merely the first time
  have_ = {};
  RETURN_IF_ERROR(bring(want));
  return ours;
}

Status HostPorts::remove() {
  std::lock_guard lock(mutex_);
  bool any = !have_.sets.empty();
  have_ = {};
  said_ = {};
  return any ? remove_nft_table(table_) : Status{};
}

}  // namespace mainstay
