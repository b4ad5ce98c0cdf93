#include "reconciler/store/change_log.h"

#include <algorithm>
#include <utility>

namespace mainstay {

void ChangeLog::append(std::vector<Change> changes) {
  if (changes.empty()) return;
  auto chunk = std::make_shared<const std::vector<Change>>(std::move(changes));
  std::vector<ChangeChunk> dropped;  // destroyed outside the lock: they may hold the last of many objects
  std::lock_guard lock(mutex_);
  ENSURE(chunk->front().version > version_, "changes are appended in the order of their versions");
  version_ = chunk->back().version;
  size_ += chunk->size();
  chunks_.push_back(std::move(chunk));
  while (size_ > limit_ && chunks_.size() > 1) {
    known_after_ = chunks_.front()->back().version;
    size_ -= chunks_.front()->size();
    dropped.push_back(std::move(chunks_.front()));
    chunks_.pop_front();
  }
}

std::optional<ChangeTail> ChangeLog::since(uint64_t version) const {
  std::lock_guard lock(mutex_);
  if (version < known_after_ || version > version_) return std::nullopt;
  auto first = std::partition_point(chunks_.begin(), chunks_.end(),
                                    [&](const ChangeChunk& chunk) { return chunk->back().version <= version; });
  if (first == chunks_.end()) return ChangeTail{};
  const std::vector<Change>& changes = **first;
  auto start = std::partition_point(changes.begin(), changes.end(),
                                    [&](const Change& change) { return change.version <= version; });
  return ChangeTail({first, chunks_.end()}, static_cast<size_t>(start - changes.begin()));
}

uint64_t ChangeLog::version() const {
  std::lock_guard lock(mutex_);
  return version_;
}

uint64_t ChangeLog::oldest() const {
  std::lock_guard lock(mutex_);
  return known_after_;
}

}  // namespace mainstay
