// Collects what a journal says, from whichever thread.
#pragma once

#include <condition_variable>
#include <mutex>
#include <string>
#include <vector>

#include "reconciler/store/journal.h"

namespace mainstay {

class Acks {
 public:
  JournalListener listener() {
    JournalListener out;
    out.durable = [this](const JournalDurable& ack) {
      std::lock_guard lock(mutex_);
      durable_.push_back(ack);
      changed_.notify_all();
    };
    out.refused = [this](const JournalRefused& ack) {
      std::lock_guard lock(mutex_);
      refused_.push_back(ack);
      changed_.notify_all();
    };
    out.ambiguous = [this](const std::string& why) {
      std::lock_guard lock(mutex_);
      ambiguous_ = why;
      changed_.notify_all();
    };
    return out;
  }

  // Waits until every batch up to `count` is answered, or the journal has failed.
  void wait_for(size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return durable_.size() + refused_.size() >= count || !ambiguous_.empty(); });
  }
  std::vector<JournalDurable> durable() const {
    std::lock_guard lock(mutex_);
    return durable_;
  }
  std::vector<JournalRefused> refused() const {
    std::lock_guard lock(mutex_);
    return refused_;
  }
  std::string ambiguous() const {
    std::lock_guard lock(mutex_);
    return ambiguous_;
  }
  uint64_t durable_version() const {
    std::lock_guard lock(mutex_);
    return durable_.empty() ? 0 : durable_.back().version;
  }
  uint64_t durable_number() const {
    std::lock_guard lock(mutex_);
    return durable_.empty() ? 0 : durable_.back().number;
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<JournalDurable> durable_;
  std::vector<JournalRefused> refused_;
  std::string ambiguous_;
};

}  // namespace mainstay
