// NetworkGuard: what keeps one network operation of libgit2 within its bounds. libgit2 1.5 has no time-outs
// and cannot be interrupted, but lets us supply the sockets. Ours connect only to the server the guard
// names (so a redirect cannot lead elsewhere, nor carry a credential there), count what they read, and are
// shut down by the guard's own thread when the deadline passes or someone cancels.
//
// libgit2 hands no context to the maker of a socket, so the guard in force is found through the thread:
// made and destroyed by the thread that runs the operation. cancel() may be called from any other.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "schema/base/result.h"
#include "schema/base/time.h"

namespace mainstay {

class NetworkGuard {
 public:
  struct Bounds {
    std::string host;  // "": nothing may be dialled
    uint16_t port = 0;
    Duration total{0};
    Duration idle{0};       // without a byte
    uint64_t max_read = 0;  // bytes
  };

  explicit NetworkGuard(Bounds bounds);
  ~NetworkGuard();
  NetworkGuard(const NetworkGuard&) = delete;
  NetworkGuard& operator=(const NetworkGuard&) = delete;

  // Ends the operation with kCancelled. Any thread.
  void cancel();
  // Why the operation was stopped, if it was: kTimeout, kCancelled, kDenied (a redirect), kFull. Any thread.
  std::optional<Error> stopped() const;

  // For the sockets. Only the first reason given to stop() counts.
  void stop(Error why);
  bool may_dial(const std::string& host, const std::string& port) const;
  bool attach(int fd);  // false if already stopped
  void detach();
  void count_read(size_t bytes);
  Duration idle() const { return bounds_.idle; }

  // The guard of this thread's operation; null outside of one.
  static NetworkGuard* current();

 private:
  void watch();

  const Bounds bounds_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::optional<Error> stopped_;
  bool done_ = false;
  int fd_ = -1;
  uint64_t bytes_read_ = 0;
  NetworkGuard* outer_ = nullptr;
  std::thread watcher_;
};

// Makes libgit2 use these sockets from now on, in the whole process. Call once libgit2 is initialised.
void register_guarded_sockets();

}  // namespace mainstay
