// Inbox<T>: a bounded queue from many senders to one receiving thread, which takes all that is there at
// once. Senders choose: push() waits for room, try_push() does not. Closing wakes everyone.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "schema/base/time.h"

namespace mainstay {

template <typename T>
class Inbox {
 public:
  explicit Inbox(size_t limit) : limit_(limit) {}

  // Waits while full. False once closed (the message is dropped).
  bool push(T message) {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [&] { return closed_ || queue_.size() < limit_; });
    if (closed_) return false;
    queue_.push_back(std::move(message));
    filled_.notify_one();
    return true;
  }

  // False when full or closed; the message is then dropped.
  bool try_push(T message) {
    std::lock_guard lock(mutex_);
    if (closed_ || queue_.size() >= limit_) return false;
    queue_.push_back(std::move(message));
    filled_.notify_one();
    return true;
  }

  // Everything queued, in order; waits up to `wait` for the first. Empty on time-out, poke or close.
  std::vector<T> take_all(Duration wait) {
    std::unique_lock lock(mutex_);
    filled_.wait_for(lock, wait, [&] { return closed_ || poked_ || !queue_.empty(); });
    poked_ = false;
    std::vector<T> out;
    out.swap(queue_);
    room_.notify_all();
    return out;
  }

  // Ends the receiver's wait without a message.
  void poke() {
    std::lock_guard lock(mutex_);
    poked_ = true;
    filled_.notify_one();
  }

  void close() {
    std::lock_guard lock(mutex_);
    closed_ = true;
    filled_.notify_all();
    room_.notify_all();
  }
  bool closed() const {
    std::lock_guard lock(mutex_);
    return closed_;
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable filled_, room_;
  std::vector<T> queue_;
  const size_t limit_;
  bool closed_ = false;
  bool poked_ = false;
};

}  // namespace mainstay
