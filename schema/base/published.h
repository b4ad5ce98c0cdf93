// Published<T>: the newest version of an immutable value, set by one thread, read by many.
// A mutex around a shared_ptr: g++ 12's std::atomic<std::shared_ptr> races in load() under TSan.
#pragma once

#include <memory>
#include <mutex>

namespace mainstay {

template <typename T>
class Published {
 public:
  Published() = default;
  explicit Published(std::shared_ptr<const T> first) : value_(std::move(first)) {}

  // Never null once something was set. Any thread.
  std::shared_ptr<const T> get() const {
    std::lock_guard lock(mutex_);
    return value_;
  }
  // Any thread; the old value is released outside the lock.
  void set(std::shared_ptr<const T> next) {
    std::lock_guard lock(mutex_);
    value_.swap(next);
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const T> value_;
};

}  // namespace mainstay
