// From a pod's volumes to what the Volumes door makes: which files with which bytes, modes and owners, which
// tokens. Pure. Rules: k8s-semantics section 1.10.
#pragma once

#include <string>
#include <vector>

#include "nodeagent/doors.h"
#include "nodeagent/node_config.h"
#include "schema/base/result.h"

namespace mainstay {

// Where the token of a pod's ServiceAccount is found in its containers.
inline constexpr std::string_view kTokenMountPath = "/var/run/secrets/kubernetes.io/serviceaccount";
inline constexpr std::string_view kTokenVolumeName = "kube-api-access";

// Whether the pod gets its ServiceAccount's token without asking: what the pod says, else its account, else yes.
bool mounts_token(const Object& pod, const NodeConfig& config);

// One volume. kInvalid with Kubernetes' words where something that is not optional is missing; kUnsupported
// for a kind that this agent does not mount.
Result<VolumeSpec> plan_volume(const Object& pod, const Volume& volume, const NodeConfig& config,
                               const NodeFacts& node);

// All volumes of the pod, that of its token included.
Result<std::vector<VolumeSpec>> plan_volumes(const Object& pod, const NodeConfig& config, const NodeFacts& node);

// Those whose content changes with their sources while the pod runs.
std::vector<VolumeSpec> live_volumes(std::vector<VolumeSpec> volumes);

// Tells contents apart: equal for equal volumes.
std::string content_digest(const std::vector<VolumeSpec>& volumes);

}  // namespace mainstay
