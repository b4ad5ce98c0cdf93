// Stage 12: what a node has to run, as a pure function of a snapshot. Any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "reconciler/store/transaction.h"
#include "schema/agent_messages.h"

namespace mainstay {

// Every pod bound to `node` that its agent still has to do something for, with the ConfigMaps and Secrets
// those pods use. The caller sets `at`.
Assignment assignment(const Snapshot& view, std::string_view node);

// The nodes whose assignment may differ because of `changes`; sorted, none twice. `view` is the state after them.
std::vector<std::string> touched_nodes(const std::vector<Change>& changes, const Snapshot& view);

// Names of the ConfigMaps and Secrets (in the pod's namespace) that a pod's containers, volumes and image pulls use.
struct UsedConfig {
  std::vector<std::string> config_maps;
  std::vector<std::string> secrets;
};
UsedConfig used_config(const PodSpec& spec);

}  // namespace mainstay
