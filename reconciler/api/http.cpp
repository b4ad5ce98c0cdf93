#include "reconciler/api/http.h"

#include <strings.h>

#include <algorithm>

namespace mainstay::api {

bool Identity::in_group(std::string_view group) const {
  return std::find(groups.begin(), groups.end(), group) != groups.end();
}

std::string_view Request::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (key.size() == name.size() && strncasecmp(key.data(), name.data(), name.size()) == 0) return value;
  }
  return {};
}

std::string_view Request::param(std::string_view name) const {
  for (const auto& [key, value] : query) {
    if (key == name) return value;
  }
  return {};
}

bool Request::has_param(std::string_view name) const {
  return std::any_of(query.begin(), query.end(), [&](const auto& pair) { return pair.first == name; });
}

Bytes make_bytes(std::string bytes) { return std::make_shared<const std::string>(std::move(bytes)); }

Response text_response(int status, std::string text) {
  return Response{status, "text/plain; charset=utf-8", make_bytes(std::move(text)), {}};
}

void abandon(Reply& reply) {
  if (auto* deferred = std::get_if<std::shared_ptr<Deferred>>(&reply)) (*deferred)->leave();
  if (auto* stream = std::get_if<std::shared_ptr<Stream>>(&reply)) (*stream)->end();
}

int status_of(const Reply& reply) {
  if (const auto* response = std::get_if<Response>(&reply)) return response->status;
  if (const auto* stream = std::get_if<std::shared_ptr<Stream>>(&reply)) return (*stream)->options().status;
  return 0;
}

void Deferred::complete(Reply reply) {
  std::function<void(Reply)> deliver;
  std::function<void(int)> on_status;
  bool kept = false;
  {
    std::lock_guard lock(mutex_);
    if (!completed_ && !gone_) {
      completed_ = true;
      status_ = status_of(reply);
      on_gone_ = nullptr;
      on_status.swap(on_status_);
      deliver.swap(deliver_);
      kept = !deliver;
      if (kept) reply_ = std::move(reply);
    }
  }
  if (on_status) on_status(status_);
  if (deliver) deliver(std::move(reply));
  else if (!kept) abandon(reply);
}

void Deferred::on_status(std::function<void(int)> callback) {
  {
    std::lock_guard lock(mutex_);
    if (!completed_) {
      if (!gone_) on_status_ = std::move(callback);
      return;
    }
  }
  callback(status_);
}

bool Deferred::gone() const {
  std::lock_guard lock(mutex_);
  return gone_;
}

void Deferred::on_gone(std::function<void()> callback) {
  {
    std::lock_guard lock(mutex_);
    if (completed_) return;
    if (!gone_) {
      on_gone_ = std::move(callback);
      return;
    }
  }
  callback();
}

void Deferred::attach(std::function<void(Reply)> deliver) {
  std::optional<Reply> ready;
  {
    std::lock_guard lock(mutex_);
    if (!reply_) {
      deliver_ = std::move(deliver);
      return;
    }
    ready.swap(reply_);
  }
  deliver(std::move(*ready));
}

void Deferred::leave() {
  std::function<void()> callback;
  std::optional<Reply> unread;
  {
    std::lock_guard lock(mutex_);
    if (gone_) return;
    gone_ = true;
    unread.swap(reply_);
    deliver_ = nullptr;
    on_status_ = nullptr;
    callback.swap(on_gone_);
  }
  if (unread) abandon(*unread);
  if (callback) callback();
}

Stream::Stream(Options options) : options_(std::move(options)) {}

void Stream::wake_locked(std::unique_lock<std::mutex>& lock) {
  std::function<void()> wake = wake_;
  lock.unlock();
  if (wake) wake();
}

bool Stream::push(Bytes bytes) {
  std::unique_lock lock(mutex_);
  if (closed_ || aborted_ || ended_) return false;
  if (!bytes || bytes->empty()) return true;
  if (queued_ + bytes->size() > options_.limit) {
    aborted_ = overflowed_ = true;
    pending_.clear();
    wake_locked(lock);
    return false;
  }
  queued_ += bytes->size();
  above_low_ = above_low_ || queued_ > low_;
  pending_.push_back(std::move(bytes));
  if (pending_.size() == 1) wake_locked(lock);  // otherwise the loop has been told already
  return true;
}

void Stream::close() {
  std::unique_lock lock(mutex_);
  if (closed_ || ended_) return;
  closed_ = true;
  wake_locked(lock);
}

void Stream::abort() {
  std::unique_lock lock(mutex_);
  if (aborted_ || ended_) return;
  aborted_ = true;
  pending_.clear();
  wake_locked(lock);
}

size_t Stream::queued() const {
  std::lock_guard lock(mutex_);
  return queued_;
}

bool Stream::open() const {
  std::lock_guard lock(mutex_);
  return !closed_ && !aborted_ && !ended_;
}

void Stream::on_end(std::function<void()> callback) {
  {
    std::lock_guard lock(mutex_);
    if (!ended_) {
      on_end_ = std::move(callback);
      return;
    }
  }
  callback();
}

void Stream::on_drain(size_t low, std::function<void()> callback) {
  std::lock_guard lock(mutex_);
  low_ = low;
  above_low_ = queued_ > low;
  on_drain_ = std::move(callback);
}

void Stream::on_data(std::function<void(std::string_view)> callback) {
  std::unique_lock lock(mutex_);
  on_data_ = std::move(callback);
  wake_locked(lock);
}

void Stream::pause_reading() {
  std::lock_guard lock(mutex_);
  paused_ = true;
}

void Stream::resume_reading() {
  std::unique_lock lock(mutex_);
  if (!paused_) return;
  paused_ = false;
  wake_locked(lock);
}

void Stream::attach(std::function<void()> wake) {
  std::unique_lock lock(mutex_);
  wake_ = std::move(wake);
  wake_locked(lock);
}

Stream::Taken Stream::take() {
  std::lock_guard lock(mutex_);
  Taken taken;
  taken.bytes.swap(pending_);
  taken.closed = closed_;
  taken.aborted = aborted_;
  taken.overflowed = overflowed_;
  return taken;
}

void Stream::sent(size_t bytes) {
  std::function<void()> callback;
  {
    std::lock_guard lock(mutex_);
    queued_ -= std::min(bytes, queued_);
    if (above_low_ && queued_ <= low_) {
      above_low_ = false;
      callback = on_drain_;
    }
  }
  if (callback) callback();
}

void Stream::data(std::string_view bytes) {
  std::function<void(std::string_view)> callback;
  {
    std::lock_guard lock(mutex_);
    callback = on_data_;
  }
  if (callback) callback(bytes);
}

bool Stream::reading() const {
  std::lock_guard lock(mutex_);
  return !paused_ && on_data_ != nullptr;
}

void Stream::end() {
  std::function<void()> callback;
  {
    std::lock_guard lock(mutex_);
    if (ended_) return;
    ended_ = true;
    pending_.clear();
    queued_ = 0;
    wake_ = nullptr;
    on_drain_ = nullptr;
    on_data_ = nullptr;
    callback.swap(on_end_);
  }
  if (callback) callback();
}

}  // namespace mainstay::api
