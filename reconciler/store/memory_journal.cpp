#include "reconciler/store/memory_journal.h"

#include <utility>

namespace mainstay {

Result<Loaded> MemoryJournal::load() {
  return Loaded{state_.snapshot, state_.epoch, cluster_id_, state_.meta, state_.applications.finish()};
}

void MemoryJournal::start(JournalListener listener) {
  ENSURE(!running_, "a journal is started once");
  listener_ = std::move(listener);
  refused_speculation_.reset();
  running_ = true;
}

void MemoryJournal::append(Batch batch) {
  ENSURE(batch.changes.size() == batch.causes.size(), "each change has its cause");
  if (running_) queue_.push_back(std::move(batch));
}

void MemoryJournal::stop() {
  deliver_all();
  running_ = false;
}

void MemoryJournal::crash() {
  queue_.clear();
  listener_ = {};
  refusals_ = 0;
  running_ = false;
}

void MemoryJournal::refuse_next(size_t count, JournalRefusal reason) {
  refusals_ = count;
  reason_ = reason;
}

void MemoryJournal::deliver(size_t count) {
  for (; count > 0 && !queue_.empty() && running_; --count) {
    Batch batch = std::move(queue_.front());
    queue_.pop_front();
    bool fresh_refusal = refusals_ > 0;
    if (fresh_refusal) --refusals_;
    if (fresh_refusal || refused_speculation_ == batch.speculation) {
      refused_speculation_ = batch.speculation;
      listener_.refused({batch.number, batch.speculation, reason_, "simulated"});
      continue;
    }
    write(batch);
    listener_.durable({batch.number, batch.version});
  }
}

void MemoryJournal::write(const Batch& batch) {
  ENSURE(batch.changes.empty() || batch.changes.front().version > state_.snapshot.version(),
         "a batch that does not follow the one before");
  StoreLoader loader(std::move(state_.snapshot));
  loader.apply(batch.changes);
  loader.raise_version(batch.version);
  state_.snapshot = std::move(loader).finish();
  for (const CommitRow& row : batch.commits) state_.applications.put(row);
  for (const DesiredRow& row : batch.desired) {
    if (!row.declared) {
      state_.applications.take_out(row.application, row.key);
      continue;
    }
    auto object = decode_declared(*row.declared);
    ENSURE(object.ok(), "what is declared was decoded before");
    state_.applications.put(row, object.value());
  }
  for (const OriginRow& row : batch.origins) state_.applications.put(row);
  for (const CursorRow& row : batch.cursors) state_.applications.put(row);
  for (const MetaRow& row : batch.meta) {
    if (row.value) state_.meta[row.key] = *row.value; else state_.meta.erase(row.key);
  }
  if (batch.epoch) state_.epoch = *batch.epoch;
}

}  // namespace mainstay
