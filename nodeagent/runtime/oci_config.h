// The config.json an OCI runtime starts a container from (opencontainers/runtime-spec, config.md), generated
// from a ContainerSpec. Defaults are those of containerd for Kubernetes. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "nodeagent/doors.h"
#include "nodeagent/runtime/capabilities.h"
#include "nodeagent/runtime/user.h"

namespace mainstay {

struct DeviceNode {
  std::string path;
  char type = 'c';  // 'c' or 'b'
  int64_t major = 0;
  int64_t minor = 0;
  uint32_t mode = 0;
  int64_t uid = 0;
  int64_t gid = 0;
};

// What the machine allows; read once at start.
struct MachineLimits {
  CapabilitySet capabilities = 0;  // those we can hand on
  int lowest_oom_score_adj = -1000;
  bool cgroup_v2 = false;
};

struct OciConfigInput {
  ContainerSpec spec;
  SandboxSpec sandbox;
  ProcessUser user;
  MachineLimits machine;
  std::string rootfs;
  std::string cgroup;   // "/mainstay/<uid>/<id>"
  std::string ipc;      // paths of the sandbox's namespaces; "" asks for new ones
  std::string uts;
  std::string pid;      // "": a new one, unless the host's is used
  std::string shm;      // directory for /dev/shm
  std::vector<DeviceNode> devices;  // for privileged containers: every device of the machine
  std::string seccomp;  // the profile's text, where the security context names a file
};

struct OciConfig {
  std::string json;
  std::vector<std::string> notes;  // what could not be done as asked
};

// The command to run: command overrides the image's entrypoint and drops its cmd, args override cmd.
// kInvalid if nothing is left.
Result<std::vector<std::string>> process_arguments(const ContainerSpec& spec);

// The image's environment, PATH if it has none, HOSTNAME, then the spec's; the last of a name wins.
std::vector<std::string> process_environment(const ContainerSpec& spec, const std::string& hostname,
                                             const std::string& home);

// kInvalid: no command, a bad mount path, an unknown capability, no seccomp profile.
Result<OciConfig> oci_config(const OciConfigInput& input);

}  // namespace mainstay
