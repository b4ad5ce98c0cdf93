// Shared: a value whose copies are one until somebody edits one of them. Copying is a counted pointer, and comparing
// copies that were never edited is comparing pointers: what makes large states of many items cheap to carry from
// one to the next. Never empty. Different copies may be used by different threads at the same time.
#pragma once

#include <atomic>
#include <memory>
#include <utility>

namespace mainstay {

template <typename T>
class Shared {
 public:
  Shared() : value_(nothing()) {}
  Shared(T value) : value_(std::make_shared<T>(std::move(value))) {}  // NOLINT: a T is one
  // Takes a reference, so that `map[value.name] = std::move(value)` reads the name first.
  Shared& operator=(T&& value) {
    value_ = std::make_shared<T>(std::move(value));
    return *this;
  }
  Shared& operator=(const T& value) {
    value_ = std::make_shared<T>(value);
    return *this;
  }

  const T& operator*() const { return *value_; }
  const T* operator->() const { return value_.get(); }

  // Only this copy changes. The reference is good until this object is copied or goes: not to be kept.
  T& edit() {
    if (value_.use_count() != 1) value_ = std::make_shared<T>(*value_);
    // Whoever let go last has read before it is written to.
    std::atomic_thread_fence(std::memory_order_acquire);
    return *value_;
  }

  friend bool operator==(const Shared& a, const Shared& b) { return a.value_ == b.value_ || *a.value_ == *b.value_; }

 private:
  static const std::shared_ptr<T>& nothing() {
    static const std::shared_ptr<T> made = std::make_shared<T>();
    return made;
  }

  std::shared_ptr<T> value_;
};

}  // namespace mainstay
