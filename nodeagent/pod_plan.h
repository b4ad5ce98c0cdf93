// From a Pod to what the doors need: volumes, files, sandbox, containers. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "nodeagent/container_env.h"
#include "nodeagent/doors.h"
#include "schema/base/result.h"
#include "schema/object.h"

namespace mainstay {

struct NodeFacts {
  std::string name;
  std::string address;                   // the node's own, for status.hostIP
  int64_t memory_bytes = 0;              // for OOM scores
  std::vector<std::string> nameservers;  // the node's /etc/resolv.conf
  std::vector<std::string> searches;
};

// Everything a pod needs before its first container: what one set-up operation makes.
struct SetUp {
  SandboxSpec sandbox;
  bool wants_network = true;
  std::vector<VolumeSpec> volumes;
  std::vector<HostAlias> host_aliases;
  std::string dns_policy;
  Box<Value> dns_config;
};

// kInvalid with Kubernetes' words where a ConfigMap or Secret of a volume is missing (event FailedMount).
Result<SetUp> plan_set_up(const Object& pod, const NodeConfig& config, uint64_t number);

// The volume sources of ConfigMaps and Secrets as file trees; kInvalid if one is missing and not optional.
Result<VolumeSpec> plan_volume(const Object& pod, const Volume& volume, const NodeConfig& config);

// The files every pod has, once its address is known.
EtcFiles plan_etc_files(const SetUp& set_up, const Object& pod, std::string_view pod_ip,
                        const NodeFacts& node);

// A container without its image and mounts' host paths, which the operation fills in. `mounts` names volumes.
struct StartPlan {
  ContainerSpec spec;  // spec.image and spec.mounts are empty
  struct Mount {
    std::string volume;
    std::string path;
    bool read_only = false;
  };
  std::vector<Mount> mounts;
  std::vector<std::string> skipped_env;
};
Result<StartPlan> plan_start(const Object& pod, const Container& container, uint32_t attempt,
                             const NodeConfig& config, const PodAddresses& addresses, const NodeFacts& node,
                             uint64_t number);

// The .dockerconfigjson of every pull secret of the pod that is there.
std::vector<std::string> pull_credentials(const Object& pod, const NodeConfig& config);

// Kubernetes' oom_score_adj for a container. Rule: k8s-semantics section 1.8.
int oom_score_adj(std::string_view qos_class, const Container& container, int64_t node_memory_bytes);

}  // namespace mainstay
