#include "nodeagent/runtime/monitor_watch.h"

#include <poll.h>

#include "nodeagent/runtime/monitor.h"

namespace mainstay {
namespace {

bool has_ended(const Fd& handle) {
  pollfd look{handle.get(), POLLIN, 0};
  return poll(&look, 1, 0) == 1;
}

}  // namespace

bool MonitorWatch::watch(const ContainerKey& key, const std::string& bundle) {
  std::lock_guard lock(mutex_);
  auto known = handles_.find(key);
  if (known != handles_.end() && !has_ended(*known->second)) return true;
  Fd handle = watch_monitor(bundle);
  // One that is only about to be, or about to end, is alive without a handle.
  if (!handle.open()) return monitor_alive(bundle);
  handles_[key] = std::make_shared<Fd>(std::move(handle));
  return true;
}

void MonitorWatch::forget(const ContainerKey& key) {
  std::lock_guard lock(mutex_);
  handles_.erase(key);
}

MonitorWatch::Handles MonitorWatch::handles() const {
  std::lock_guard lock(mutex_);
  return handles_;
}

}  // namespace mainstay
