// Linux capabilities by name, as container specifications use them. Pure but for the one function that says
// so.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "nodeagent/doors.h"

namespace mainstay {

using CapabilitySet = uint64_t;  // bit n is capability number n of linux/capability.h

// "NET_ADMIN" or "CAP_NET_ADMIN", any case.
std::optional<int> capability_number(std::string_view name);
std::vector<std::string> capability_names(CapabilitySet set);  // "CAP_...", by number

// What containerd gives a container that asks for nothing.
CapabilitySet default_capabilities();

// The set a container gets: privileged has all; add and drop understand "ALL"; an added name wins over
// dropping ALL. kInvalid: an unknown name.
Result<CapabilitySet> wanted_capabilities(const SecuritySpec& security);

// Reads what this process may hand on (its bounding and permitted set).
CapabilitySet own_capabilities();

}  // namespace mainstay
