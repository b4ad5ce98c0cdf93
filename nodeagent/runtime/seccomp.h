// Which system calls a container may make, in the form the OCI runtimes take (runtime-spec, config-linux.md,
// Seccomp). Pure.
#pragma once

#include <string_view>

#include "nodeagent/runtime/capabilities.h"
#include "schema/base/result.h"
#include "schema/value.h"

namespace mainstay {

// RuntimeDefault: everything ordinary programs need, by list; the rest answers "not permitted". What only makes
// sense with a capability is allowed together with it.
Value default_seccomp(CapabilitySet capabilities);

// A profile from a file on the node. kInvalid: not the JSON of a profile.
Result<Value> parse_seccomp(std::string_view json);

}  // namespace mainstay
