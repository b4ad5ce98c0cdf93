// What a container may learn of its own pod: fields, resources, and the Services of its namespace. Pure.
// Rules: k8s-semantics section 1.9.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "nodeagent/node_config.h"
#include "schema/base/result.h"

namespace mainstay {

// A fieldRef's value. Labels and annotations as a whole are lines of key="value". kInvalid: no such field.
Result<std::string> field_value(const Object& pod, std::string_view path, const PodAddresses& addresses);

// A resourceFieldRef's value, rounded up to whole divisors; `own` where the reference names no container. A
// limit that is not set is what the node can allocate. kInvalid: no such container or resource.
Result<std::string> resource_value(const Object& pod, const Container* own, const ResourceFieldSelector& ref,
                                   const NodeFacts& node);

// Name and value for each Service of the pod's namespace that has an address, and for `kubernetes` in
// `default` always: NAME_SERVICE_HOST, NAME_SERVICE_PORT and what Docker's links had.
std::vector<std::pair<std::string, std::string>> service_variables(const Object& pod,
                                                                   const NetworkState& network);

}  // namespace mainstay
