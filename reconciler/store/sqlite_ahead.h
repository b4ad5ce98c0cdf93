// EncodeAhead: while the journal thread writes the rows of a large group, a second thread encodes and hashes the bodies
// that come next. A body that is not ready yet is made by whoever needs it. Journal thread.
#pragma once

#include <atomic>
#include <cstddef>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "reconciler/store/journal.h"

namespace mainstay {

class EncodeAhead {
 public:
  // `batches` must outlive this. Small groups are left to the caller, without a thread.
  explicit EncodeAhead(std::span<const Batch> batches);
  // Waits for the body under way.
  ~EncodeAhead();
  EncodeAhead(const EncodeAhead&) = delete;
  EncodeAhead& operator=(const EncodeAhead&) = delete;

  struct Body {
    std::string declared;  // of a desired row: its text
    Digest hash{};         // of the text; zero if it is not named by it
  };
  // Of the next row in the order of the batches: all changes of a batch, then its desired rows. Null if it is not
  // ready. Call it once for each row.
  const Body* next();

 private:
  struct Row {
    const Object* object = nullptr;  // of a change; null if there is nothing to encode
    const DesiredRow* desired = nullptr;
  };
  void work();

  std::vector<Row> rows_;
  std::vector<Body> bodies_;
  std::atomic<size_t> ready_{0};  // bodies_ below are whole
  std::atomic<bool> stopping_{false};
  size_t next_ = 0;
  std::thread thread_;
};

}  // namespace mainstay
