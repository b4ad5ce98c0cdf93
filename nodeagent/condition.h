// A condition of a node or a pod, as statuses list them.
#pragma once

#include <string_view>

namespace mainstay {

// Condition is NodeCondition or PodCondition. Its times are left to whoever compares it with the one before.
template <typename Condition>
Condition make_condition(std::string_view type, bool is_true, std::string_view reason, std::string_view message) {
  Condition out;
  out.type = type;
  out.status = is_true ? "True" : "False";
  out.reason = reason;
  out.message = message;
  return out;
}

}  // namespace mainstay
