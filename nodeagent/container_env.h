// A container's environment and command line, with Kubernetes' $(NAME) expansion and sources. Pure.
// Rules: k8s-semantics section 1.9.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "schema/base/result.h"
#include "schema/object.h"

namespace mainstay {

// The ConfigMaps and Secrets the node holds for its pods, by (namespace, name).
struct NodeConfig {
  std::map<std::pair<std::string, std::string>, ObjectPtr> config_maps;
  std::map<std::pair<std::string, std::string>, ObjectPtr> secrets;
};

struct PodAddresses {
  std::string pod_ip;
  std::string host_ip;
};

struct ContainerEnvironment {
  std::vector<std::string> env;      // "NAME=value", in order, later ones win
  std::vector<std::string> command;  // expanded
  std::vector<std::string> args;
  std::vector<std::string> skipped;  // names of envFrom keys that are no variable names
};

// kInvalid with Kubernetes' words when a source is missing: the container then waits with
// CreateContainerConfigError.
Result<ContainerEnvironment> container_environment(const Object& pod, const Container& container,
                                                   const NodeConfig& config, const PodAddresses& addresses);

// $(NAME) becomes its value, $$ a dollar; what is not known stays as it stands.
std::string expand_variables(std::string_view text, const std::map<std::string, std::string>& variables);

}  // namespace mainstay
