#include "nodeagent/network/node_routes.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "nodeagent/disk.h"
#include "nodeagent/network/route_plan.h"
#include "nodeagent/process.h"

namespace mainstay {
namespace {

// Room for a route and its overlay entries of 10,000 nodes.
constexpr size_t kMostOutput = 8 << 20;

// Output of one of iproute2's programs.
Result<std::string> run_iproute(const std::string& program, std::vector<std::string> words,
                                const std::string& input = "") {
  std::string path = find_program(program);
  if (path.empty()) {
    return error(ErrorCode::kUnavailable, "'" + program + "' is not installed (Debian package iproute2): " +
                                              "routes to other nodes need it");
  }
  ProcessSpec spec;
  spec.argv = std::move(words);
  spec.argv.insert(spec.argv.begin(), path);
  spec.env = plain_environment();
  spec.stdin_bytes = input;
  spec.max_output = kMostOutput;
  ASSIGN_OR_RETURN(ProcessResult result, run_checked(spec));
  return std::move(result.out);
}

// Goes on behind a line that fails: one bad route must not take the others.
Status run_batch(const std::string& program, const std::string& lines) {
  if (lines.empty()) return {};
  auto done = run_iproute(program, {"-force", "-batch", "-"}, lines);
  return done.ok() ? Status{} : Status(done.error());
}

Result<std::vector<HostAddress>> read_addresses() {
  ASSIGN_OR_RETURN(std::string text, run_iproute("ip", {"-j", "addr", "show"}));
  return parse_addresses(text);
}

// What there is of ours now.
Result<RouteContent> read_content(const NodeRoutesOptions& options, const std::vector<HostAddress>& host) {
  RouteContent out;
  ASSIGN_OR_RETURN(std::string routes, run_iproute("ip", {"-j", "-N", "route", "show", "proto",
                                                          std::to_string(options.protocol)}));
  ASSIGN_OR_RETURN(out.routes, parse_routes(routes));
  if (!path_exists("/proc/sys/net/ipv4/conf/" + options.device)) return out;
  const std::string& name = options.device;
  ASSIGN_OR_RETURN(std::string device, run_iproute("ip", {"-j", "-d", "link", "show", "dev", name}));
  ASSIGN_OR_RETURN(out.device, parse_device(device));
  for (const HostAddress& one : host) {
    if (one.device == options.device) out.addresses.push_back(one.address + "/" + std::to_string(one.prefix));
  }
  ASSIGN_OR_RETURN(std::string neighbours,
                   run_iproute("ip", {"-j", "neigh", "show", "dev", name, "nud", "permanent"}));
  ASSIGN_OR_RETURN(out.neighbours, parse_neighbours(neighbours));
  ASSIGN_OR_RETURN(std::string forwards, run_iproute("bridge", {"-j", "fdb", "show", "dev", name}));
  ASSIGN_OR_RETURN(out.forwards, parse_forwards(forwards));
  return out;
}

Status bring_about(const RouteCommands& commands) {
  RETURN_IF_ERROR(run_batch("ip", commands.before));
  RETURN_IF_ERROR(run_batch("bridge", commands.bridge));
  return run_batch("ip", commands.after);
}

// Packets for pods come in by one interface and leave by another.
Status turn_on_forwarding() {
  const std::string setting = "/proc/sys/net/ipv4/ip_forward";
  ASSIGN_OR_RETURN(std::string now, read_file(setting));
  if (now.starts_with("1")) return {};
  Fd fd(open(setting.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd.open() || write(fd.get(), "1\n", 2) != 2) return errno_error("turning on " + setting, errno);
  return {};
}

}  // namespace

Result<bool> NodeRoutes::reach(const NetworkState& state) {
  RETURN_IF_ERROR(turn_on_forwarding());
  ASSIGN_OR_RETURN(std::vector<HostAddress> host, read_addresses());
  ASSIGN_OR_RETURN(RoutePlan plan, plan_routes(state, options_, host));
  ASSIGN_OR_RETURN(RouteContent have, read_content(options_, host));
  RouteCommands commands = route_commands(have, plan.content, options_);
  RETURN_IF_ERROR(bring_about(commands));
  if (plan.problems.empty()) return !commands.empty();
  constexpr size_t kSaid = 3;
  std::string all;
  for (size_t i = 0; i < std::min(kSaid, plan.problems.size()); ++i) all += (i > 0 ? "; " : "") + plan.problems[i];
  if (plan.problems.size() > kSaid) all += "; and " + std::to_string(plan.problems.size() - kSaid) + " more";
  return error(ErrorCode::kInvalid, all);
}

Status NodeRoutes::apply(const NetworkState& state) {
  std::lock_guard<std::mutex> guard(mutex_);
  last_.nodes = state.nodes;
  last_.cluster_cidr = state.cluster_cidr;
  last_.service_cidr = state.service_cidr;
  applied_ = true;
  auto done = reach(last_);
  return done.ok() ? Status{} : Status(done.error());
}

Result<bool> NodeRoutes::repair() {
  std::lock_guard<std::mutex> guard(mutex_);
  if (!applied_) return false;
  return reach(last_);
}

Status NodeRoutes::remove() {
  std::lock_guard<std::mutex> guard(mutex_);
  applied_ = false;
  ASSIGN_OR_RETURN(std::vector<HostAddress> host, read_addresses());
  ASSIGN_OR_RETURN(RouteContent have, read_content(options_, host));
  return bring_about(route_commands(have, {}, options_));
}

Status check_pod_range(const std::string& cluster_cidr) {
  ASSIGN_OR_RETURN(std::vector<HostAddress> host, read_addresses());
  std::string conflict = range_conflict(host, cluster_cidr, "network.podCIDR");
  return conflict.empty() ? Status() : Status(error(ErrorCode::kUnavailable, conflict));
}

Result<int> pod_mtu(const std::string& node_address, bool overlay) {
  ASSIGN_OR_RETURN(std::vector<HostAddress> host, read_addresses());
  for (const HostAddress& one : host) {
    if (one.address == node_address) return one.mtu - (overlay ? kOverlayHeaders : 0);
  }
  return error(ErrorCode::kNotFound, "no interface of this machine has the node's address " + node_address);
}

}  // namespace mainstay
