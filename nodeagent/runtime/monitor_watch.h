// MonitorWatch: handles on the monitors of containers that run, so that the end of a monitor that tells nothing
// (somebody killed it) is noticed as soon as that of a container. Any thread.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "nodeagent/disk.h"
#include "nodeagent/doors.h"

namespace mainstay {

class MonitorWatch {
 public:
  using Handles = std::map<ContainerKey, std::shared_ptr<Fd>>;

  // From now on the monitor of the bundle is among handles(). False: there is none.
  bool watch(const ContainerKey& key, const std::string& bundle);
  void forget(const ContainerKey& key);
  // Each is readable once its monitor has ended.
  Handles handles() const;

 private:
  mutable std::mutex mutex_;
  Handles handles_;
};

}  // namespace mainstay
