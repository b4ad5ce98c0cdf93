// WatchHub: everyone who watches, fed from the publications of the core by one thread.
//
// Changes are kept in a bounded log per kind. Each watcher has a place in its kind's log and is sent what lies
// behind it as fast as its client reads: only a window is queued on its connection, the rest stays in the
// log, where all watchers share it. One who falls behind the log is told to list again (410). An object is
// encoded once per event, not once per watcher. Watchers hold no thread.
#pragma once

#include <cstdint>
#include <memory>

#include "reconciler/api/http.h"
#include "reconciler/api/resource_path.h"
#include "reconciler/core/messages.h"
#include "schema/base/time.h"

namespace mainstay::api {

struct WatchLimits {
  size_t log_changes = 20'000;          // of all kinds together
  size_t window = 256 << 10;            // bytes queued on one connection
  size_t max_watchers = 20'000;
  Duration bookmark_every = std::chrono::seconds(60);
  Duration longest = std::chrono::hours(1);  // when the client names no timeoutSeconds
};

class WatchHub {
 public:
  // `first` is the state to start from: older versions cannot be watched from.
  WatchHub(std::shared_ptr<const Publication> first, WatchLimits limits = {});
  ~WatchHub();
  WatchHub(const WatchHub&) = delete;
  WatchHub& operator=(const WatchHub&) = delete;

  // In order, without gaps. Any one thread; returns at once.
  void publish(std::shared_ptr<const Publication> publication);

  // The answer to a watch request: a stream, or a refusal. `current` is at least as new as anything the client
  // was told. Any thread. Requires path.kind.
  Reply watch(const Request& request, const ResourcePath& path,
              const std::shared_ptr<const Publication>& current, Now now);

  size_t watchers() const;
  // Ends all watches properly and joins the thread. Idempotent.
  void stop();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mainstay::api
