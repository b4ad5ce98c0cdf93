// From a Pod to what the doors need: volumes, files, sandbox, containers. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "nodeagent/container_env.h"
#include "nodeagent/doors.h"
#include "nodeagent/etc_plan.h"
#include "nodeagent/node_config.h"
#include "schema/base/result.h"
#include "schema/object.h"

namespace mainstay {

// Everything a pod needs before its first container: what one set-up operation makes.
struct SetUp {
  SandboxSpec sandbox;
  bool wants_network = true;
  std::vector<VolumeSpec> volumes;
  std::vector<PodHostPort> host_ports;  // none with the host's network, where ports are the host's anyway
  PodNames names;
  ResolverConfig resolver;
};

// kInvalid with Kubernetes' words where a ConfigMap or Secret of a volume is missing (event FailedMount), or
// for a sysctl that this node forbids ("forbidden sysctl: ...", event SysctlForbidden).
// Begins the error of plan_set_up for a pod that this node will never run.
inline constexpr std::string_view kForbiddenSysctl = "forbidden sysctl";

Result<SetUp> plan_set_up(const Object& pod, const NodeConfig& config, const NodeFacts& node, uint64_t number);

// A container without its image and mounts' host paths, which the operation fills in. `mounts` names volumes.
struct StartPlan {
  ContainerSpec spec;  // spec.image and spec.mounts are empty
  struct Mount {
    std::string volume;
    std::string path;
    bool read_only = false;
    std::string sub_path;  // expanded; "" for the whole volume
    MountPropagation propagation = MountPropagation::kPrivate;
    bool recursive_read_only = false;
  };
  std::vector<Mount> mounts;
  std::vector<std::string> skipped_env;
};
Result<StartPlan> plan_start(const Object& pod, const Container& container, uint32_t attempt,
                             const NodeConfig& config, const PodAddresses& addresses, const NodeFacts& node,
                             uint64_t number);

// A part of a volume that is to be mounted: found, and pinned, when the container is started.
struct SubPathMount {
  VolumeSpec volume;
  std::string sub_path;
  std::string slot;  // unique within the pod
  size_t mount = 0;  // index into ContainerSpec::mounts
};

// Fills plan.spec.mounts: the volumes at their paths on the node, and those of the pod's own files
// (`etc_dir`) that no volume covers. Returns the mounts whose host path is yet to be found.
Result<std::vector<SubPathMount>> place_mounts(StartPlan& plan, const Object& pod, const NodeConfig& config,
                                               const NodeFacts& node,
                                               const std::map<std::string, std::string>& volume_paths,
                                               const std::string& etc_dir);

// What a pod's images are pulled with: its own pull secrets, else those of its ServiceAccount.
struct PullSecrets {
  std::vector<std::string> credentials;  // of those that are there, in the form of .dockerconfigjson
  std::vector<std::string> missing;      // names of the others
};
PullSecrets pull_secrets(const Object& pod, const NodeConfig& config);

// Kubernetes' oom_score_adj for a container. Rule: k8s-semantics section 1.8.
int oom_score_adj(std::string_view qos_class, const Container& container, int64_t node_memory_bytes);

}  // namespace mainstay
