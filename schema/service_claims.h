// What a Service asks for by number and only one Service can have: its cluster IP and its node ports. Two of one tree
// that ask for the same are a mistake of the tree, whatever the cluster holds. Pure; any thread.
#pragma once

#include <string>
#include <vector>

#include "schema/object.h"

namespace mainstay {

struct ServiceClaim {
  std::string what;     // "10.96.0.7", "30080/TCP": two that are equal are for the same
  std::string path;     // the field that asks
  std::string refusal;  // what Kubernetes says to whoever comes second
};

// Empty for objects of other kinds.
std::vector<ServiceClaim> service_claims(const Object& object);

}  // namespace mainstay
