#include "reconciler/store/sqlite_ahead.h"

#include "reconciler/store/sqlite_rows.h"
#include "schema/json.h"

namespace mainstay {
namespace {

constexpr size_t kWorthAThread = 500;  // rows

}  // namespace

EncodeAhead::EncodeAhead(std::span<const Batch> batches) {
  size_t count = 0;
  for (const Batch& batch : batches) count += batch.changes.size() + batch.desired.size();
  if (count < kWorthAThread) return;
  rows_.reserve(count);
  for (const Batch& batch : batches) {
    for (const Change& change : batch.changes) rows_.push_back({change.after.get(), nullptr});
    for (const DesiredRow& row : batch.desired) rows_.push_back({nullptr, &row});
  }
  bodies_.resize(count);
  thread_ = std::thread([this] { work(); });
}

EncodeAhead::~EncodeAhead() {
  stopping_.store(true, std::memory_order_relaxed);
  if (thread_.joinable()) thread_.join();
}

void EncodeAhead::work() {
  for (size_t i = 0; i < rows_.size() && !stopping_.load(std::memory_order_relaxed); ++i) {
    const Row& row = rows_[i];
    if (row.object != nullptr) {
      const std::string& bytes = encoded(*row.object);
      if (name_of_object(row.object->kind) == BodyName::kDigest) bodies_[i].hash = sha256(bytes);
    } else if (row.desired != nullptr && row.desired->declared) {
      bodies_[i].declared = to_json(*row.desired->declared);
      if (name_of_desired(row.desired->key.kind) == BodyName::kDigest) bodies_[i].hash = sha256(bodies_[i].declared);
    }
    ready_.store(i + 1, std::memory_order_release);
  }
}

const EncodeAhead::Body* EncodeAhead::next() {
  size_t row = next_++;
  return row < ready_.load(std::memory_order_acquire) ? &bodies_[row] : nullptr;
}

}  // namespace mainstay
