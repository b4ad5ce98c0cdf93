// A container's environment and command line, with Kubernetes' $(NAME) expansion and sources. Pure.
// Rules: k8s-semantics section 1.9.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "nodeagent/node_config.h"
#include "schema/base/result.h"
#include "schema/object.h"

namespace mainstay {

struct ContainerEnvironment {
  std::vector<std::string> env;      // "NAME=value", in order, later ones win
  std::vector<std::string> command;  // expanded
  std::vector<std::string> args;
  std::vector<std::string> skipped;  // names of envFrom keys that are no variable names
  std::map<std::string, std::string> variables;  // the same as `env`, for expansions
};

// kInvalid with Kubernetes' words when a source is missing: the container then waits with
// CreateContainerConfigError.
Result<ContainerEnvironment> container_environment(const Object& pod, const Container& container,
                                                   const NodeConfig& config, const PodAddresses& addresses,
                                                   const NodeFacts& node);

// $(NAME) becomes its value, $$ a dollar; what is not known stays as it stands.
std::string expand_variables(std::string_view text, const std::map<std::string, std::string>& variables);

// The same, but kInvalid if a variable is not known (subPathExpr).
Result<std::string> expand_all_variables(std::string_view text,
                                         const std::map<std::string, std::string>& variables);

}  // namespace mainstay
