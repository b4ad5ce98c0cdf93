// Labels a node may give itself. Those of Kubernetes' own namespaces decide where pods run and whom they trust, so only
// some of them are a node's to set. Source: the kubelet's --node-labels and the NodeRestriction admission. Pure; any
// thread.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "schema/base/result.h"

namespace mainstay {

using NodeLabels = std::map<std::string, std::string>;

// False for labels below kubernetes.io and k8s.io that are the administrator's.
bool may_label_itself(std::string_view key);

// "topology.kubernetes.io/zone=a,disk=ssd". kInvalid: a sentence.
Result<NodeLabels> parse_node_labels(std::string_view text);

}  // namespace mainstay
