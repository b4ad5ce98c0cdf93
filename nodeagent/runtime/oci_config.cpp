#include "nodeagent/runtime/oci_config.h"

#include <algorithm>

#include "nodeagent/runtime/seccomp.h"
#include "schema/json.h"

namespace mainstay {
namespace {

Value strings(const std::vector<std::string>& items) {
  Value list = Value::list();
  for (const std::string& item : items) list.push(item);
  return list;
}

Value object(std::initializer_list<std::pair<const char*, Value>> members) {
  Value map = Value::map();
  for (const auto& [name, value] : members) map.set(name, value);
  return map;
}

Value mount(const std::string& destination, const std::string& type, const std::string& source,
            const std::vector<std::string>& options) {
  return object(
      {{"destination", destination}, {"type", type}, {"source", source}, {"options", strings(options)}});
}

std::string name_of(const std::string& variable) { return variable.substr(0, variable.find('=')); }

Value user_json(const ProcessUser& user) {
  Value out = object({{"uid", user.uid}, {"gid", user.gid}});
  Value groups = Value::list();
  for (int64_t group : user.groups) groups.push(group);
  if (!user.groups.empty()) out.set("additionalGids", groups);
  return out;
}

Result<Value> process_json(const OciConfigInput& input, std::vector<std::string>& notes) {
  const ContainerSpec& spec = input.spec;
  ASSIGN_OR_RETURN(auto arguments, process_arguments(spec));
  ASSIGN_OR_RETURN(CapabilitySet wanted, wanted_capabilities(spec.security));
  CapabilitySet given = wanted & input.machine.capabilities;
  if (given != wanted) {
    std::string missing;
    for (const std::string& name : capability_names(wanted & ~given)) missing += " " + name;
    notes.push_back("capabilities the node itself does not have:" + missing);
  }
  std::string workdir = !spec.workdir.empty() ? spec.workdir : spec.image.config.workdir;
  if (workdir.empty()) workdir = "/";
  if (workdir[0] != '/')
    return error(ErrorCode::kInvalid, "working directory '" + workdir + "' is not absolute");
  int oom = std::clamp(spec.limits.oom_score_adj, -1000, 1000);
  if (oom < input.machine.lowest_oom_score_adj) {
    notes.push_back("oom_score_adj " + std::to_string(oom) + " is not allowed on this node, it is " +
                    std::to_string(input.machine.lowest_oom_score_adj));
    oom = input.machine.lowest_oom_score_adj;
  }
  Value capabilities = strings(capability_names(given));
  return object({
      {"terminal", spec.terminal},
      {"user", user_json(input.user)},
      {"args", strings(arguments)},
      {"env", strings(process_environment(spec, input.sandbox.hostname, input.user.home))},
      {"cwd", workdir},
      {"capabilities",
       object({{"bounding", capabilities}, {"effective", capabilities}, {"permitted", capabilities}})},
      {"noNewPrivileges", spec.security.no_new_privileges && !spec.security.privileged},
      {"oomScoreAdj", oom},
  });
}

std::vector<Value> default_mounts(const OciConfigInput& input) {
  std::string sys_mode = input.spec.security.privileged ? "rw" : "ro";
  return {
      mount("/proc", "proc", "proc", {"nosuid", "noexec", "nodev"}),
      mount("/dev", "tmpfs", "tmpfs", {"nosuid", "strictatime", "mode=755", "size=65536k"}),
      mount("/dev/pts", "devpts", "devpts",
            {"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"}),
      mount("/sys", "sysfs", "sysfs", {"nosuid", "noexec", "nodev", sys_mode}),
      mount("/sys/fs/cgroup", "cgroup", "cgroup", {"nosuid", "noexec", "nodev", "relatime", sys_mode}),
      mount("/dev/shm", "bind", input.shm, {"rbind", "rprivate", "nosuid", "noexec", "nodev"}),
      mount("/dev/mqueue", "mqueue", "mqueue", {"nosuid", "noexec", "nodev"}),
  };
}

Status check_mount_path(const std::string& path) {
  bool bad = path.size() < 2 || path[0] != '/' || path.find('\0') != std::string::npos;
  bad = bad || (path + "/").find("/../") != std::string::npos;
  if (bad) return error(ErrorCode::kInvalid, "cannot mount at '" + path + "': not an absolute path below /");
  return {};
}

std::string spread_of(MountPropagation propagation) {
  switch (propagation) {
    case MountPropagation::kPrivate: return "rprivate";
    case MountPropagation::kHostToContainer: return "rslave";
    case MountPropagation::kBidirectional: return "rshared";
  }
  return "rprivate";
}

// What the whole tree must be for its mounts to have their propagation.
std::string root_spread(const OciConfigInput& input) {
  MountPropagation widest = MountPropagation::kPrivate;
  for (const MountSpec& item : input.spec.mounts) widest = std::max(widest, item.propagation);
  return widest == MountPropagation::kPrivate ? "private" : spread_of(widest);
}

Result<Value> mounts_json(const OciConfigInput& input) {
  std::vector<MountSpec> wanted = input.spec.mounts;
  for (MountSpec& item : wanted) {
    RETURN_IF_ERROR(check_mount_path(item.container_path));
    while (item.container_path.size() > 1 && item.container_path.back() == '/')
      item.container_path.pop_back();
  }
  // Outer ones first, so that /data/x is mounted inside /data.
  std::stable_sort(wanted.begin(), wanted.end(), [](const MountSpec& a, const MountSpec& b) {
    auto depth = [](const std::string& path) { return std::count(path.begin(), path.end(), '/'); };
    return depth(a.container_path) < depth(b.container_path);
  });
  Value out = Value::list();
  for (Value& item : default_mounts(input)) {
    bool replaced = std::any_of(wanted.begin(), wanted.end(), [&](const MountSpec& one) {
      return one.container_path == item.string_at("destination");
    });
    if (!replaced) out.push(std::move(item));
  }
  for (const MountSpec& item : wanted) {
    std::string mode = !item.read_only ? "rw" : item.recursive_read_only ? "rro" : "ro";
    out.push(mount(item.container_path, "bind", item.host_path, {"rbind", spread_of(item.propagation), mode}));
  }
  return out;
}

Value namespaces_json(const OciConfigInput& input) {
  Value out = Value::list();
  auto add = [&](const char* type, const std::string& path) {
    Value entry = object({{"type", type}});
    if (!path.empty()) entry.set("path", path);
    out.push(entry);
  };
  add("mount", "");
  if (!input.sandbox.host_pid) add("pid", input.pid);
  if (!input.sandbox.host_ipc) add("ipc", input.ipc);
  if (!input.sandbox.host_network) add("uts", input.uts);
  if (!input.sandbox.host_network) add("network", input.sandbox.netns);
  if (input.machine.cgroup_v2 && !input.spec.security.privileged) add("cgroup", "");
  return out;
}

Value resources_json(const OciConfigInput& input) {
  const ResourceLimits& limits = input.spec.limits;
  Value cpu = object({{"shares", static_cast<int64_t>(std::max<uint64_t>(2, limits.cpu_shares))}});
  if (limits.cpu_quota_us > 0) {
    cpu.set("quota", std::max<int64_t>(1000, limits.cpu_quota_us));  // the kernel's least
    cpu.set("period", 100000);
  }
  Value out = object({{"cpu", cpu}});
  if (limits.memory_bytes > 0) {
    out.set("memory", object({{"limit", limits.memory_bytes}}));
    // All of the container dies together, as with Kubernetes on cgroup v2; v1 has no such switch.
    if (input.machine.cgroup_v2) out.set("unified", object({{"memory.oom.group", "1"}}));
  }
  if (limits.pids > 0) out.set("pids", object({{"limit", limits.pids}}));
  // The runtime adds the harmless ones (null, zero, tty ...) itself.
  Value rule = object({{"allow", input.spec.security.privileged}, {"access", "rwm"}});
  Value devices = Value::list();
  devices.push(rule);
  out.set("devices", devices);
  return out;
}

Value devices_json(const std::vector<DeviceNode>& devices) {
  Value out = Value::list();
  for (const DeviceNode& node : devices) {
    out.push(object({{"path", node.path},
                     {"type", std::string(1, node.type)},
                     {"major", node.major},
                     {"minor", node.minor},
                     {"fileMode", static_cast<int64_t>(node.mode)},
                     {"uid", node.uid},
                     {"gid", node.gid}}));
  }
  return out;
}

// The filter of the container's system calls; null for none.
Result<Value> seccomp_json(const OciConfigInput& input) {
  const SecuritySpec& security = input.spec.security;
  if (security.privileged || security.seccomp == SeccompKind::kUnconfined) return Value();
  if (security.seccomp == SeccompKind::kLocalhost) {
    Result<Value> profile = parse_seccomp(input.seccomp);
    if (!profile.ok()) return profile.error().in("seccomp profile '" + security.seccomp_profile + "'");
    return profile;
  }
  ASSIGN_OR_RETURN(CapabilitySet wanted, wanted_capabilities(security));
  return default_seccomp(wanted & input.machine.capabilities);
}

Result<Value> linux_json(const OciConfigInput& input) {
  Value out = object({{"cgroupsPath", input.cgroup},
                      {"namespaces", namespaces_json(input)},
                      {"resources", resources_json(input)},
                      {"rootfsPropagation", root_spread(input)}});
  ASSIGN_OR_RETURN(Value seccomp, seccomp_json(input));
  if (!seccomp.is_null()) out.set("seccomp", std::move(seccomp));
  if (!input.sandbox.sysctls.empty()) {
    Value sysctls = Value::map();
    for (const auto& [name, value] : input.sandbox.sysctls) sysctls.set(name, value);
    out.set("sysctl", std::move(sysctls));
  }
  if (input.spec.security.privileged) {
    out.set("devices", devices_json(input.devices));
    return out;
  }
  if (input.spec.security.unmasked_proc) return out;
  out.set("maskedPaths",
          strings({"/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
                   "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug", "/proc/scsi",
                   "/sys/firmware", "/sys/devices/virtual/powercap"}));
  out.set("readonlyPaths",
          strings({"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"}));
  return out;
}

}  // namespace

Result<std::vector<std::string>> process_arguments(const ContainerSpec& spec) {
  const ImageConfig& image = spec.image.config;
  std::vector<std::string> out = spec.command.empty() ? image.entrypoint : spec.command;
  const auto& rest = spec.command.empty() && spec.args.empty() ? image.cmd : spec.args;
  out.insert(out.end(), rest.begin(), rest.end());
  if (out.empty() || out[0].empty()) {
    return error(ErrorCode::kInvalid,
                 "no command specified: neither the container nor image " + spec.image.name + " has one");
  }
  return out;
}

std::vector<std::string> process_environment(const ContainerSpec& spec, const std::string& hostname,
                                             const std::string& home) {
  std::vector<std::string> all{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"};
  if (!home.empty()) all.push_back("HOME=" + home);
  if (!hostname.empty()) all.push_back("HOSTNAME=" + hostname);
  if (spec.terminal) all.push_back("TERM=xterm");
  all.insert(all.end(), spec.image.config.env.begin(), spec.image.config.env.end());
  all.insert(all.end(), spec.env.begin(), spec.env.end());
  std::vector<std::string> out;
  for (auto& variable : all) {
    auto same = std::find_if(out.begin(), out.end(),
                             [&](const std::string& s) { return name_of(s) == name_of(variable); });
    if (same == out.end()) {
      out.push_back(std::move(variable));
    } else {
      *same = std::move(variable);
    }
  }
  return out;
}

Result<OciConfig> oci_config(const OciConfigInput& input) {
  OciConfig out;
  ASSIGN_OR_RETURN(Value process, process_json(input, out.notes));
  ASSIGN_OR_RETURN(Value mounts, mounts_json(input));
  ASSIGN_OR_RETURN(Value kernel, linux_json(input));
  out.json = to_json(
      object({{"ociVersion", "1.0.2"},
              {"process", process},
              {"root", object({{"path", input.rootfs}, {"readonly", input.spec.security.read_only_root}})},
              {"mounts", mounts},
              {"linux", kernel}}));
  return out;
}

}  // namespace mainstay
