#include "nodeagent/runtime/capabilities.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>

#include "nodeagent/disk.h"

namespace mainstay {
namespace {

// By number, from linux/capability.h.
constexpr std::array<std::string_view, 41> kNames = {"CHOWN",
                                                     "DAC_OVERRIDE",
                                                     "DAC_READ_SEARCH",
                                                     "FOWNER",
                                                     "FSETID",
                                                     "KILL",
                                                     "SETGID",
                                                     "SETUID",
                                                     "SETPCAP",
                                                     "LINUX_IMMUTABLE",
                                                     "NET_BIND_SERVICE",
                                                     "NET_BROADCAST",
                                                     "NET_ADMIN",
                                                     "NET_RAW",
                                                     "IPC_LOCK",
                                                     "IPC_OWNER",
                                                     "SYS_MODULE",
                                                     "SYS_RAWIO",
                                                     "SYS_CHROOT",
                                                     "SYS_PTRACE",
                                                     "SYS_PACCT",
                                                     "SYS_ADMIN",
                                                     "SYS_BOOT",
                                                     "SYS_NICE",
                                                     "SYS_RESOURCE",
                                                     "SYS_TIME",
                                                     "SYS_TTY_CONFIG",
                                                     "MKNOD",
                                                     "LEASE",
                                                     "AUDIT_WRITE",
                                                     "AUDIT_CONTROL",
                                                     "SETFCAP",
                                                     "MAC_OVERRIDE",
                                                     "MAC_ADMIN",
                                                     "SYSLOG",
                                                     "WAKE_ALARM",
                                                     "BLOCK_SUSPEND",
                                                     "AUDIT_READ",
                                                     "PERFMON",
                                                     "BPF",
                                                     "CHECKPOINT_RESTORE"};

constexpr CapabilitySet kAll = (CapabilitySet{1} << kNames.size()) - 1;

std::string upper(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return std::toupper(c); });
  return out;
}

Result<CapabilitySet> bits(const std::vector<std::string>& names) {
  CapabilitySet set = 0;
  for (const std::string& name : names) {
    if (upper(name) == "ALL") {
      set |= kAll;
      continue;
    }
    auto number = capability_number(name);
    if (!number) return error(ErrorCode::kInvalid, "unknown capability '" + name + "'");
    set |= CapabilitySet{1} << *number;
  }
  return set;
}

bool has_all(const std::vector<std::string>& names) {
  return std::any_of(names.begin(), names.end(),
                     [](const std::string& name) { return upper(name) == "ALL"; });
}

}  // namespace

std::optional<int> capability_number(std::string_view name) {
  std::string wanted = upper(name);
  if (wanted.starts_with("CAP_")) wanted.erase(0, 4);
  auto found = std::find(kNames.begin(), kNames.end(), wanted);
  if (found == kNames.end()) return std::nullopt;
  return static_cast<int>(found - kNames.begin());
}

std::vector<std::string> capability_names(CapabilitySet set) {
  std::vector<std::string> out;
  for (size_t number = 0; number < kNames.size(); ++number) {
    if ((set >> number) & 1) out.push_back("CAP_" + std::string(kNames[number]));
  }
  return out;
}

CapabilitySet default_capabilities() {
  auto set = bits({"CHOWN", "DAC_OVERRIDE", "FSETID", "FOWNER", "MKNOD", "NET_RAW", "SETGID", "SETUID",
                   "SETFCAP", "SETPCAP", "NET_BIND_SERVICE", "SYS_CHROOT", "KILL", "AUDIT_WRITE"});
  return set.value();
}

Result<CapabilitySet> wanted_capabilities(const SecuritySpec& security) {
  ASSIGN_OR_RETURN(CapabilitySet add, bits(security.add_capabilities));
  ASSIGN_OR_RETURN(CapabilitySet drop, bits(security.drop_capabilities));
  if (security.privileged) return kAll;
  if (has_all(security.drop_capabilities)) return add;
  return (default_capabilities() | add) & ~drop;
}

CapabilitySet own_capabilities() {
  auto status = read_file("/proc/self/status", 1 << 16);
  if (!status.ok()) return 0;
  CapabilitySet set = kAll;
  for (const char* field : {"CapBnd:", "CapPrm:"}) {
    size_t at = status->find(field);
    if (at == std::string::npos) return 0;
    set &= std::strtoull(status->c_str() + at + 7, nullptr, 16);
  }
  return set;
}

}  // namespace mainstay
