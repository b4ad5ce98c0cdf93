#include "nodeagent/node_facts.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <sstream>

#include "nodeagent/disk.h"
#include "schema/base/lower.h"

namespace mainstay {
namespace {

std::string first_line(const std::string& path) {
  Result<std::string> bytes = read_file(path, 64 << 10);
  return bytes.ok() ? bytes->substr(0, bytes->find('\n')) : "";
}

// A field of /proc/meminfo, in bytes.
int64_t memory_field(const std::string& name) {
  Result<std::string> bytes = read_file("/proc/meminfo", 64 << 10);
  if (!bytes.ok()) return 0;
  size_t at = bytes->find(name + ":");
  return at == std::string::npos ? 0
                                 : std::strtoll(bytes->c_str() + at + name.size() + 1, nullptr, 10) * 1024;
}

// PRETTY_NAME of /etc/os-release.
std::string os_image() {
  Result<std::string> bytes = read_file("/etc/os-release", 64 << 10);
  if (!bytes.ok()) return "Linux";
  size_t at = bytes->find("PRETTY_NAME=\"");
  if (at == std::string::npos) return "Linux";
  at += 13;
  return bytes->substr(at, bytes->find('"', at) - at);
}

// The interface the default route leaves by; "" if there is none.
std::string default_interface() {
  Result<std::string> routes = read_file("/proc/net/route", 1 << 20);
  if (!routes.ok()) return "";
  std::istringstream lines(*routes);
  std::string line;
  std::getline(lines, line);
  while (std::getline(lines, line)) {
    std::istringstream words(line);
    std::string interface, destination;
    words >> interface >> destination;
    if (destination == "00000000") return interface;
  }
  return "";
}

std::string own_address() {
  std::string wanted = default_interface(), any;
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) return "127.0.0.1";
  std::string found;
  for (ifaddrs* one = list; one != nullptr; one = one->ifa_next) {
    if (one->ifa_addr == nullptr || one->ifa_addr->sa_family != AF_INET) continue;
    if ((one->ifa_flags & IFF_LOOPBACK) != 0 || (one->ifa_flags & IFF_UP) == 0) continue;
    char text[INET_ADDRSTRLEN] = {};
    inet_ntop(AF_INET, &reinterpret_cast<sockaddr_in*>(one->ifa_addr)->sin_addr, text, sizeof(text));
    if (one->ifa_name == wanted) found = text;
    // Addresses that other container networks gave their bridges are nobody's idea of the node's own.
    if (any.empty() && std::string_view(one->ifa_name).substr(0, 4) != "veth") any = text;
  }
  freeifaddrs(list);
  if (!found.empty()) return found;
  return any.empty() ? "127.0.0.1" : any;
}

std::string machine_architecture() {
  utsname names{};
  uname(&names);
  std::string machine = names.machine;
  if (machine == "x86_64") return "amd64";
  if (machine == "aarch64") return "arm64";
  return machine;
}

int64_t disk_bytes(const std::string& path) {
  struct statvfs found {};
  return statvfs(path.c_str(), &found) == 0 ? static_cast<int64_t>(found.f_blocks * found.f_frsize) : 0;
}

}  // namespace

NodeFacts read_node_facts(const MachineOptions& options) {
  NodeFacts out;
  utsname names{};
  uname(&names);
  out.name = lower_ascii(options.name.empty() ? std::string(names.nodename) : options.name);
  out.address = options.address.empty() ? own_address() : options.address;
  out.memory_bytes = memory_field("MemTotal");
  out.hostname = names.nodename;
  Result<std::string> resolv = read_file("/etc/resolv.conf", 64 << 10);
  if (resolv.ok()) out.resolver = parse_resolv_conf(*resolv);
  Result<std::string> hosts = read_file("/etc/hosts", 256 << 10);
  if (hosts.ok()) out.hosts = std::move(*hosts);
  out.pids_limit = options.pids_limit;
  out.allowed_sysctls = options.allowed_sysctls;
  out.allocatable = read_node_status(options, out, {}).allocatable;
  return out;
}

NodeStatus read_node_status(const MachineOptions& options, const NodeFacts& facts, const NodePressures& pressures) {
  NodeStatus out;
  auto bytes = [](int64_t units) { return Quantity::of(units / 1024 * 1024, Quantity::Format::kBinarySi); };
  map_slot(out.capacity, "cpu") = Quantity::of(std::max<int64_t>(1, sysconf(_SC_NPROCESSORS_ONLN)));
  map_slot(out.capacity, "memory") = bytes(facts.memory_bytes);
  map_slot(out.capacity, "ephemeral-storage") = bytes(disk_bytes(options.data_dir));
  map_slot(out.capacity, "pods") = Quantity::of(options.max_pods);
  out.allocatable = allocatable_of(out.capacity, options.kept);
  out.addresses = {{"InternalIP", facts.address}, {"Hostname", facts.name}};
  utsname names{};
  uname(&names);
  NodeSystemInfo& info = out.node_info;
  info.machine_id = first_line("/etc/machine-id");
  info.system_uuid = info.machine_id;
  info.boot_id = first_line("/proc/sys/kernel/random/boot_id");
  info.kernel_version = names.release;
  info.os_image = os_image();
  info.container_runtime_version = options.runtime_version;
  info.kubelet_version = "v1.33.0+mainstay";
  info.operating_system = "linux";
  info.architecture = machine_architecture();
  out.conditions = node_conditions(pressures);
  return out;
}

}  // namespace mainstay
