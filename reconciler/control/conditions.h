// Conditions: typed remarks in an object's status. Works on every kind's list, which differ only in what
// further times they carry. Pure; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "schema/base/time.h"

namespace mainstay {

template <typename C>
const C* find_condition(const std::vector<C>& conditions, std::string_view type) {
  for (const C& condition : conditions) {
    if (condition.type == type) return &condition;
  }
  return nullptr;
}

// True if the condition is there and its status is True.
template <typename C>
bool condition_true(const std::vector<C>& conditions, std::string_view type) {
  const C* condition = find_condition(conditions, type);
  return condition != nullptr && condition->status == "True";
}

struct ConditionValue {
  std::string_view status;  // True, False, Unknown
  std::string_view reason;
  std::string message;
};

// Sets the condition; lastTransitionTime moves only when the status does. Returns whether anything changed.
template <typename C>
bool set_condition(std::vector<C>& conditions, std::string_view type, const ConditionValue& value,
                   WallTime now) {
  for (C& condition : conditions) {
    if (condition.type != type) continue;
    bool same = condition.status == value.status && condition.reason == value.reason &&
                condition.message == value.message;
    if (same) return false;
    if (condition.status != value.status) condition.last_transition_time = now.seconds();
    condition.status = value.status;
    condition.reason = value.reason;
    condition.message = value.message;
    return true;
  }
  C& fresh = conditions.emplace_back();
  fresh.type = type;
  fresh.status = value.status;
  fresh.reason = value.reason;
  fresh.message = value.message;
  fresh.last_transition_time = now.seconds();
  return true;
}

// True if there was one.
template <typename C>
bool remove_condition(std::vector<C>& conditions, std::string_view type) {
  for (auto it = conditions.begin(); it != conditions.end(); ++it) {
    if (it->type != type) continue;
    conditions.erase(it);
    return true;
  }
  return false;
}

}  // namespace mainstay
