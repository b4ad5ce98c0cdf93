// ChangeLog: the newest changes, for watchers that go on from a version they know. Bounded: whoever is
// further back is told so and lists anew. The core's thread appends what is durable; any thread reads. Chunks
// are immutable and shared, so that a thousand watchers hold one copy.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "reconciler/store/transaction.h"

namespace mainstay {

using ChangeChunk = std::shared_ptr<const std::vector<Change>>;

// The changes after some version, in order. Plain value; keeps its chunks alive.
class ChangeTail {
 public:
  ChangeTail() = default;
  ChangeTail(std::vector<ChangeChunk> chunks, size_t skip) : chunks_(std::move(chunks)), skip_(skip) {}

  bool empty() const { return chunks_.empty(); }
  // Calls `visit(const Change&)` for each.
  template <typename Visit>
  void for_each(Visit&& visit) const {
    size_t from = skip_;
    for (const ChangeChunk& chunk : chunks_) {
      for (size_t i = from; i < chunk->size(); ++i) visit((*chunk)[i]);
      from = 0;
    }
  }

 private:
  std::vector<ChangeChunk> chunks_;
  size_t skip_ = 0;  // of the first chunk
};

class ChangeLog {
 public:
  // Knows nothing before `version`. Keeps about `limit` changes, at least the last chunk.
  ChangeLog(uint64_t version, size_t limit) : limit_(limit), known_after_(version), version_(version) {}

  // Versions rise strictly, also from one call to the next.
  void append(std::vector<Change> changes);

  // What came after `version`; nothing if that is too old, or lies ahead of everything appended so far
  // (a version of another store: the watcher must list anew, too).
  std::optional<ChangeTail> since(uint64_t version) const;

  // The newest version appended, and the oldest that since() still answers.
  uint64_t version() const;
  uint64_t oldest() const;

 private:
  mutable std::mutex mutex_;
  const size_t limit_;
  std::deque<ChangeChunk> chunks_;
  size_t size_ = 0;
  uint64_t known_after_;
  uint64_t version_;
};

}  // namespace mainstay
