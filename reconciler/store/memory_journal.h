// MemoryJournal: a Journal without a disk, for simulations. It has no thread: batches wait until deliver()
// makes them durable, so that a test decides how late the journal is, what it refuses, and what a crash
// loses.
#pragma once

#include <deque>

#include "reconciler/store/journal.h"
#include "reconciler/store/load.h"

namespace mainstay {

class MemoryJournal : public Journal {
 public:
  explicit MemoryJournal(std::string cluster_id) : cluster_id_(std::move(cluster_id)) {}

  Result<Loaded> load() override;
  void start(JournalListener listener) override;
  void append(Batch batch) override;
  void stop() override;

  size_t waiting() const { return queue_.size(); }
  // Of the durable state, without the copies that load() makes.
  uint64_t epoch() const { return state_.epoch; }
  // Makes the first `count` waiting batches durable, or refuses them, and tells the listener.
  void deliver(size_t count);
  void deliver_all() { deliver(queue_.size()); }
  // The next `count` batches that are delivered are refused (and with each the rest of its speculation).
  void refuse_next(size_t count, JournalRefusal reason);
  // What a power loss does: everything not durable is gone, the listener too. load() and start() again.
  void crash();

  // A copy of the durable state to go back to, as from a backup.
  struct Saved {
    Snapshot snapshot;
    ApplicationLoader applications;
    std::map<std::string, std::string> meta;
    uint64_t epoch = 1;
  };
  Saved save() const { return state_; }
  // Replaces the durable state by an older one, as a restored database does. Between crash() and load().
  void restore(Saved saved) { state_ = std::move(saved); }

 private:
  void write(const Batch& batch);

  std::string cluster_id_;
  Saved state_;
  JournalListener listener_;
  bool running_ = false;
  std::deque<Batch> queue_;
  size_t refusals_ = 0;
  JournalRefusal reason_ = JournalRefusal::kFull;
  std::optional<uint64_t> refused_speculation_;
};

}  // namespace mainstay
