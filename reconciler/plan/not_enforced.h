// Which declared fields are kept and served back but not acted on: a plan names them, so that nobody takes
// silence for enforcement. Pure; any thread.
#pragma once

#include <string>
#include <vector>

#include "schema/kind.h"
#include "schema/value.h"

namespace mainstay {

// Their paths, without list indexes ("spec.containers.securityContext.seccompProfile"), sorted, none twice.
// For a kind without behaviour: the one entry "(the whole object)".
std::vector<std::string> not_enforced(Kind kind, const Value& declared);

}  // namespace mainstay
