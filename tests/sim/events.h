// Events: what will happen at a time, in virtual time. Two at the same instant happen in the order in which
// they were added, so that a seed replays. One thread.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <utility>

#include "schema/base/time.h"

namespace mainstay::sim {

class Events {
 public:
  void add(MonoTime at, std::function<void()> what) { due_.emplace(at, std::move(what)); }
  std::optional<MonoTime> next() const {
    return due_.empty() ? std::nullopt : std::optional<MonoTime>(due_.begin()->first);
  }
  // Takes out the earliest one. There must be one.
  std::function<void()> take() {
    std::function<void()> what = std::move(due_.begin()->second);
    due_.erase(due_.begin());
    return what;
  }

 private:
  std::multimap<MonoTime, std::function<void()>> due_;  // equal keys stay in order of insertion
};

// The sooner of two times of which either may be missing.
inline std::optional<MonoTime> sooner(std::optional<MonoTime> a, std::optional<MonoTime> b) {
  return !a || (b && *b < *a) ? b : a;
}

}  // namespace mainstay::sim
