// How a NetworkPolicy's rules are told to nodes: the policy without its pods as one item, and of each pod that it
// selects or speaks of one more: which rules name it, and its own ports in them. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

#include "schema/network_state.h"

namespace mainstay {

// Takes the item "policy/ns/name" in; what is known of its pods stays. `value` is null for one that is gone.
void take_policy(NetworkState& state, const Value* value, std::string_view ns, std::string_view name);

// Takes "policy/ns/name/ip" in. False if its policy is not there.
bool take_policy_pod(NetworkState& state, const Value* value, const std::string& policy, const std::string& ip);

}  // namespace mainstay
